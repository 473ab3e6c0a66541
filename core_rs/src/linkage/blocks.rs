//! Records → pairs worth comparing, in bulk.
//!
//! A rule's keys are sorted; a group of equal keys is a block. A block that is too large is split
//! by a second and a third criterion, never cut: what even that leaves out is counted
//! ([`Blocks::lost`]). A pair is produced by the first rule that has it, so it is compared once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::fields::Pattern;
use super::hashing::{FastMap, key, mix, sorted_by_upper_half};
use super::store::{Reader, Writer};
use crate::error::Result;

/// Records that can be blocked and compared.
pub trait Population: Sync {
    /// How many records.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Stable names of the rules.
    fn rules(&self) -> &[String];
    /// The keys of a record, 0 where it has none.
    fn keys(&self, record: u32, into: &mut [u32]);
    /// Criteria that split a block that is too large, 0 where unknown.
    fn splits(&self, record: u32) -> [u32; 3];
    /// How two records compare.
    fn compare(&self, a: u32, b: u32) -> Pattern;
    /// Reads something of a record, so that it is near when it is compared: loads that do not
    /// wait for each other take the time of one.
    fn touch(&self, _record: u32) -> u32 {
        0
    }
    /// Whether two records may be one at all.
    fn may_match(&self, _a: u32, _b: u32) -> bool {
        true
    }
}

/// A block of more records than this is split.
const LARGE: usize = 16;
/// A block that no criterion makes smaller than this is left out and counted.
const TOO_LARGE: usize = 1_000;

/// How far ahead of the comparison keys are read (see [`Population::touch`]).
const AHEAD: usize = 24;

/// Blocks of every rule, as runs of record numbers.
#[derive(Debug, Default)]
pub struct Blocks {
    rules: usize,
    keys: Vec<u32>,
    members: Vec<Vec<u32>>,
    ends: Vec<Vec<u32>>,
    /// Pairs that were left out, by rule.
    pub lost: Vec<u64>,
}

impl Blocks {
    /// Builds the blocks with `threads` threads. Records in `skip` take no part.
    pub fn build(population: &impl Population, skip: &[bool], threads: usize) -> Self {
        let keys = all_keys(population, skip, threads);
        let rules = population.rules().len();
        let (mut blocks, changes) = Self::of_keys(population, keys, |_| true, threads);
        for (rule, changes) in changes.into_iter().enumerate() {
            for (record, key) in changes {
                blocks.keys[record as usize * rules + rule] = key;
            }
        }
        blocks
    }

    /// Builds the blocks of the keys that are `own`. The second part is, by rule, the records
    /// whose key changed because their block was split (0 where it was left out): they are to be
    /// changed in the keys of all before pairs are asked for.
    pub(super) fn of_keys(
        population: &impl Population,
        keys: Vec<u32>,
        own: impl Fn(u32) -> bool + Sync,
        threads: usize,
    ) -> (Self, Vec<Vec<(u32, u32)>>) {
        let rules = population.rules().len();
        let count = population.len();
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        let rule = next.fetch_add(1, Ordering::Relaxed);
                        if rule >= rules {
                            return;
                        }
                        let made = block(population, &keys, rule, rules, count, &own);
                        if let Ok(mut done) = done.lock() {
                            done.push((rule, made));
                        }
                    }
                });
            }
        });
        let mut made = done.into_inner().unwrap_or_default();
        made.sort_by_key(|(rule, _)| *rule);
        let mut blocks = Self { rules, keys, ..Self::default() };
        let mut changes = Vec::new();
        for (_, (members, ends, changed, lost)) in made {
            changes.push(changed);
            blocks.members.push(members);
            blocks.ends.push(ends);
            blocks.lost.push(lost);
        }
        (blocks, changes)
    }

    /// Sets the keys of all records, after the changes of all blocks.
    pub(super) fn set_keys(&mut self, keys: Vec<u32>) {
        self.keys = keys;
    }

    /// Appends the blocks without the keys.
    pub(super) fn write(&self, to: &mut Writer) {
        for rule in 0..self.rules {
            to.list(&self.members[rule]);
            to.list(&self.ends[rule]);
            to.u64(self.lost[rule]);
        }
    }

    /// Reads what [`Blocks::write`] wrote.
    pub(super) fn read(from: &mut Reader<'_>, rules: usize) -> Result<Self> {
        let mut blocks = Self { rules, ..Self::default() };
        for _ in 0..rules {
            blocks.members.push(from.list()?);
            blocks.ends.push(from.list()?);
            blocks.lost.push(from.u64()?);
        }
        Ok(blocks)
    }

    #[inline]
    fn keys_of(&self, record: u32) -> &[u32] {
        let at = record as usize * self.rules;
        &self.keys[at..at + self.rules]
    }

    /// Whether an earlier rule has this pair.
    #[inline]
    fn is_earlier(&self, rule: usize, a: &[u32], b: u32) -> bool {
        let b = self.keys_of(b);
        a[..rule].iter().zip(&b[..rule]).any(|(x, y)| x == y && *x != 0)
    }

    /// Calls `see` with the rule and every candidate pair of one slice of the work, `part` of `parts`.
    pub fn each_pair(&self, part: usize, parts: usize, mut see: impl FnMut(usize, u32, u32)) {
        for rule in 0..self.rules {
            let (members, ends) = (&self.members[rule], &self.ends[rule]);
            // Equal shares of the members, cut at the ends of blocks.
            let cut = |at: usize| {
                ends.partition_point(|end| (*end as usize) < members.len() * at / parts)
            };
            let (first, last) =
                (cut(part), if part + 1 == parts { ends.len() } else { cut(part + 1) });
            let mut start = if first == 0 { 0 } else { ends[first - 1] as usize };
            for end in &ends[first..last] {
                let block = &members[start..*end as usize];
                for (at, a) in block.iter().enumerate() {
                    if let Some(ahead) = members.get(start + at + AHEAD) {
                        std::hint::black_box(self.keys[*ahead as usize * self.rules]);
                    }
                    let keys = self.keys_of(*a);
                    for b in &block[at + 1..] {
                        if !self.is_earlier(rule, keys, *b) {
                            see(rule, *a, *b);
                        }
                    }
                }
                start = *end as usize;
            }
        }
    }
}

fn all_keys(population: &impl Population, skip: &[bool], threads: usize) -> Vec<u32> {
    let rules = population.rules().len();
    let count = population.len();
    let mut keys = vec![0_u32; count * rules];
    let share = count.div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        for (part, slice) in keys.chunks_mut(share * rules).enumerate() {
            scope.spawn(move || {
                for (at, into) in slice.chunks_mut(rules).enumerate() {
                    let record = part * share + at;
                    if !skip[record] {
                        population.keys(record as u32, into);
                    }
                }
            });
        }
    });
    keys
}

type Made = (Vec<u32>, Vec<u32>, Vec<(u32, u32)>, u64);

fn block(
    population: &impl Population,
    keys: &[u32],
    rule: usize,
    rules: usize,
    count: usize,
    own: &impl Fn(u32) -> bool,
) -> Made {
    let sorted: Vec<u64> = (0..count)
        .filter_map(|record| {
            let key = keys[record * rules + rule];
            (key != 0 && own(key)).then_some((u64::from(key) << 32) | record as u64)
        })
        .collect();
    let sorted = sorted_by_upper_half(sorted);
    let (mut members, mut ends, mut changed, mut lost) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for group in sorted.chunk_by(|a, b| a >> 32 == b >> 32) {
        if group.len() < 2 {
            continue;
        }
        let records: Vec<u32> = group.iter().map(|x| *x as u32).collect();
        if records.len() <= LARGE {
            members.extend_from_slice(&records);
            ends.push(members.len() as u32);
            continue;
        }
        for (part, salt) in split(population, &records, 0, (group[0] >> 32) as u32) {
            changed.extend(part.iter().map(|record| (*record, salt)));
            let size = part.len() as u64;
            if part.len() > TOO_LARGE {
                lost += size * (size - 1) / 2;
                let zeroed = part.iter().map(|record| (*record, 0));
                changed.extend(zeroed);
            } else if part.len() > 1 {
                members.extend_from_slice(&part);
                ends.push(members.len() as u32);
            }
        }
    }
    (members, ends, changed, lost)
}

/// Splits by the first criterion that helps, then the parts by the next. Records that lack the
/// criterion stay together with each other only; the other rules bring them to the rest.
fn split(
    population: &impl Population,
    records: &[u32],
    criterion: usize,
    salt: u32,
) -> Vec<(Vec<u32>, u32)> {
    if records.len() <= LARGE || criterion == 3 {
        return vec![(records.to_vec(), salt)];
    }
    let mut parts: FastMap<u32, Vec<u32>> = FastMap::default();
    for record in records {
        parts.entry(population.splits(*record)[criterion]).or_default().push(*record);
    }
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.sort_unstable_by_key(|(value, _)| *value);
    parts
        .into_iter()
        .flat_map(|(value, part)| {
            let salt = key(mix(mix(u64::from(salt), u64::from(value)), criterion as u64));
            split(population, &part, criterion + 1, salt)
        })
        .collect()
}
