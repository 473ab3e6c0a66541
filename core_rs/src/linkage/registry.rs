//! People in bulk: reading rows with several threads, finding byte-identical re-sends, and what
//! blocking and clustering ask of people.

use super::alike::Alike;
use super::blocks::Population;
use super::compare::compare;
use super::fields::people::{
    DOB, GIVEN, GIVEN_DIFFERS, GIVEN_OTHER_MARKS, INSURANCE, NATIONAL_ID, SEX,
};
use super::fields::{Pattern, level};
use super::hashing::{hash_bytes, mix, sorted_by_upper_half};
use super::keys::{RULE_NAMES, RULES, keys};
use super::people::People;
use super::profile::{NONE, Profile, Typed};
use super::store::{Reader, Writer, broken, read_profile, write_profile};
use crate::error::Result;

/// A row as typed, with what only tells whether it was sent twice.
#[derive(Debug, Clone, Copy, Default)]
pub struct Row<'a> {
    /// The fields that describe the person.
    pub typed: Typed<'a>,
    /// Device, ingest batch and time of registration.
    pub sent: [Option<&'a str>; 3],
}

/// Records in bulk.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// The profiles and their context.
    pub people: People,
    contents: Vec<u64>,
    rules: Vec<String>,
}

impl Registry {
    /// An empty registry; `wards` are old ward codes and their successors.
    pub fn new<'a>(wards: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let hash = |code| super::profile::text_hash(Some(code)) as u32;
        let people = People::with_wards(wards.map(|(old, new)| (hash(old), hash(new))).collect());
        let rules = RULE_NAMES.iter().map(|name| (*name).to_owned()).collect();
        Self { people, contents: Vec::new(), rules }
    }

    /// A registry of profiles read before; none of them repeats another byte for byte.
    pub(super) fn of(mut people: People, profiles: impl Iterator<Item = Profile>) -> Self {
        for profile in profiles {
            people.keep(profile);
        }
        let contents = vec![0; people.profiles.len()];
        Self { people, contents, ..Self::new(std::iter::empty()) }
    }

    /// Reads `count` rows, in shares of one for each thread.
    pub fn read<'a>(
        &mut self,
        count: usize,
        row: impl Fn(usize) -> Row<'a> + Sync,
        threads: usize,
    ) {
        let share = count.div_ceil(threads).max(1);
        let wards = &self.people.wards;
        let row = &row;
        let parts: Vec<(People, Vec<u64>)> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..count)
                .step_by(share)
                .map(|first| {
                    scope.spawn(move || {
                        let mut people = People::with_wards(wards.clone());
                        let last = (first + share).min(count);
                        let mut contents = Vec::with_capacity(last - first);
                        people.profiles.reserve(last - first);
                        for at in first..last {
                            let row = row(at);
                            people.add(&row.typed);
                            contents.push(content(&row));
                        }
                        (people, contents)
                    })
                })
                .collect();
            workers.into_iter().filter_map(|w| w.join().ok()).collect()
        });
        for (people, contents) in parts {
            self.append(people, contents);
        }
    }

    fn append(&mut self, people: People, contents: Vec<u64>) {
        if self.people.profiles.is_empty() {
            self.people = people;
        } else {
            self.people.take_in(people);
        }
        self.contents.extend(contents);
    }

    /// Appends records read elsewhere.
    pub(super) fn take_in(&mut self, other: Self) {
        self.append(other.people, other.contents);
    }

    /// Appends everything to a file's bytes.
    pub(super) fn write(&self, to: &mut Writer) {
        self.people.write(to);
        to.u32(self.people.profiles.len() as u32);
        self.people.profiles.iter().for_each(|profile| write_profile(profile, to));
        to.u32(self.contents.len() as u32);
        self.contents.iter().for_each(|hash| to.u64(*hash));
    }

    /// Reads what [`Registry::write`] wrote.
    pub(super) fn read_from(from: &mut Reader<'_>) -> Result<Self> {
        let mut registry = Self::new(std::iter::empty());
        registry.people = People::read_from(from)?;
        for _ in 0..from.length(80)? {
            let mut profile = read_profile(from)?;
            registry
                .people
                .settle(&mut profile)
                .ok_or_else(|| broken("refers to unknown words"))?;
            registry.people.keep(profile);
        }
        for _ in 0..from.length(8)? {
            registry.contents.push(from.u64()?);
        }
        Ok(registry)
    }

    /// For each record the first one that is byte-identical with it, itself if none; and makes
    /// phones and addresses that crowds share stop counting, and wards that were renamed one.
    /// Call once, after the last row.
    pub fn settle(&mut self, threads: usize) -> Vec<u32> {
        let contents = std::mem::take(&mut self.contents);
        let first = std::thread::scope(|scope| {
            let first = scope.spawn(|| first_of_same(&contents));
            let alike = Alike::of(&self.people.profiles);
            super::wards::join_renamed(&alike, &mut self.people.profiles);
            self.people.find_names(&alike, &contents);
            self.people.find_crowds();
            self.people.note(threads);
            first.join()
        });
        // A thread of ours ends by itself; should it not, nobody is taken for a re-send.
        first.unwrap_or_else(|_| (0..contents.len() as u32).collect())
    }

    /// Records that share a tube with a record of another entity: two people, one tube, or one
    /// person linked to nobody (pitfall 13). Sorted.
    pub fn shared_tubes(&self, entity: impl Fn(u32) -> u32) -> Vec<u32> {
        let tubes: Vec<u64> = (0_u64..)
            .zip(&self.people.profiles)
            .filter(|(_, profile)| profile.tube != 0)
            .map(|(record, profile)| (u64::from(profile.tube) << 32) | record)
            .collect();
        let mut shared: Vec<u32> = sorted_by_upper_half(tubes)
            .chunk_by(|a, b| a >> 32 == b >> 32)
            .filter(|tube| tube[1..].iter().any(|r| entity(*r as u32) != entity(tube[0] as u32)))
            .flatten()
            .map(|record| *record as u32)
            .collect();
        shared.sort_unstable();
        shared
    }
}

/// For each record the first that has the same contents; a hash of 0 is nobody's.
fn first_of_same(contents: &[u64]) -> Vec<u32> {
    let mut first: Vec<u32> = (0..contents.len() as u32).collect();
    let mut sorted: Vec<(u64, u32)> =
        contents.iter().copied().zip(0..).filter(|(hash, _)| *hash != 0).collect();
    sorted.sort_unstable();
    for group in sorted.chunk_by(|a, b| a.0 == b.0) {
        for (_, record) in &group[1..] {
            first[*record as usize] = group[0].1;
        }
    }
    first
}

/// Hash of everything in a row; 0 if nothing in it could tell a re-send from a namesake.
fn content(row: &Row<'_>) -> u64 {
    let t = &row.typed;
    if t.sample_code.is_none() && (row.sent[0].is_none() || row.sent[2].is_none()) {
        return 0;
    }
    let fields = [
        t.full_name,
        t.dob,
        t.sex,
        t.cccd,
        t.cmnd,
        t.health_insurance,
        t.personal_qid,
        t.phone,
        t.address,
        t.ward_code,
        t.sample_code,
        row.sent[0],
        row.sent[1],
        row.sent[2],
    ];
    fields
        .iter()
        .fold(1, |hash, field| mix(hash, field.map_or(7, |text| hash_bytes(text.as_bytes()))))
        | 1
}

/// Bits that a pair may count against joining two groups of records. Two forms of one person may
/// have nothing in common (moved, another phone, another name), and that says little beside a
/// third form that resembles both ...
const MOST_AGAINST: f64 = 2.0;
/// ... but two documents are two whatever lies between.
const DOCUMENTS_AGAINST: f64 = 12.0;

/// How much a pair may count against one person; `None` if it can never be one (pitfall 1),
/// whatever else agrees.
pub fn most_against(pattern: Pattern) -> Option<f64> {
    let id = level(pattern, NATIONAL_ID);
    let given = level(pattern, GIVEN);
    let dob = level(pattern, DOB);
    let insurance = level(pattern, INSURANCE);
    let same_document = matches!(id, 1 | 7) || insurance == 1;
    let never = id == 5
        || (id == 4 && matches!(given, GIVEN_OTHER_MARKS | GIVEN_DIFFERS))
        || (!same_document && given == GIVEN_OTHER_MARKS)
        || (!same_document && given == GIVEN_DIFFERS && level(pattern, SEX) == 2)
        || (!same_document && given == GIVEN_DIFFERS && matches!(dob, 9..=12))
        || (!same_document && dob == 10);
    let documents = !same_document && (insurance == 3 || id == 9);
    (!never).then_some(if documents { DOCUMENTS_AGAINST } else { MOST_AGAINST })
}

impl Population for Registry {
    fn len(&self) -> usize {
        self.people.profiles.len()
    }

    fn rules(&self) -> &[String] {
        &self.rules
    }

    fn keys(&self, record: u32, into: &mut [u32]) {
        let keys: [u32; RULES] = keys(&self.people, &self.people.profiles[record as usize]);
        into.copy_from_slice(&keys);
    }

    fn splits(&self, record: u32) -> [u32; 3] {
        let p = &self.people.profiles[record as usize];
        let given = if p.given == NONE { 0 } else { self.people.names.get(p.given).fold + 1 };
        [p.ward, p.born.year(), given]
    }

    fn touch(&self, record: u32) -> u32 {
        self.people.profiles[record as usize].touch()
    }

    fn compare(&self, a: u32, b: u32) -> Pattern {
        let profiles = &self.people.profiles;
        compare(&self.people, &profiles[a as usize], &profiles[b as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::fields::with;

    #[test]
    fn two_documents_count_more_against_one_person_than_nothing_in_common() {
        let against = |field, found| most_against(with(0, field, found));
        assert_eq!(against(DOB, 9), Some(MOST_AGAINST));
        assert_eq!(against(INSURANCE, 3), Some(DOCUMENTS_AGAINST));
        assert_eq!(against(NATIONAL_ID, 9), Some(DOCUMENTS_AGAINST));
        assert_eq!(against(NATIONAL_ID, 5), None);
        let card = with(with(0, INSURANCE, 3), NATIONAL_ID, 1);
        assert_eq!(most_against(card), Some(MOST_AGAINST));
    }
}
