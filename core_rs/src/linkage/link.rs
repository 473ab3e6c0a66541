//! All records at once: block, compare, learn, score, cluster.

use std::time::Instant;

use super::blocks::{Blocks, Population};
use super::cluster::{Odds, Place, cluster, components};
use super::fields::Pattern;
use super::hashing::FastMap;
use super::learn::{Learning, learn, strangers};
use super::model::Model;

/// Candidates below this many bits under the model given are counted for the training but not
/// kept: no training lifts them to a link.
const HOPELESS: f64 = -14.0;
/// Pairs of at least this many bits connect records; the clustering decides.
pub(super) const PLAUSIBLE: f32 = -1.0;

/// Pairs whose records are fetched together before they are compared.
pub(super) const TOGETHER: usize = 24;

/// How to link.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Threads.
    pub threads: usize,
    /// Whether to train the model on these records first.
    pub learn: bool,
    /// Pairs of at least this many bits are kept in the result.
    pub least_bits: f32,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: 1, learn: true, least_bits: PLAUSIBLE }
    }
}

impl Options {
    /// Candidates below this many bits are not kept.
    pub(super) fn hopeless(&self) -> f64 {
        HOPELESS.min(f64::from(self.least_bits) * 3.0)
    }
}

/// Pairs of strangers that are drawn among so many records. Where the model tells namesakes of one
/// year from other strangers they are many even among few records, but none is drawn many times.
pub(super) fn draws(model: &Model, records: usize) -> usize {
    let each = if model.of_one_year.is_some() { records.saturating_sub(1) / 8 } else { 4 };
    records.saturating_mul(each).min(400_000)
}

/// A candidate pair that was kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The smaller record number.
    pub a: u32,
    /// The larger.
    pub b: u32,
    /// Index into the patterns of the result.
    pub pattern: u32,
}

/// The result.
#[derive(Debug, Clone)]
pub struct Linked {
    /// One for each record.
    pub places: Vec<Place>,
    /// The model, as trained.
    pub model: Model,
    /// Plausible pairs with their log2 odds, by record numbers.
    pub edges: Vec<(u32, u32, f32)>,
    /// How many pairs were compared, by the first rule that brought them.
    pub compared: Vec<(String, u64)>,
    /// Pairs left out because their block was too large, with the rule's name.
    pub lost: Vec<(String, u64)>,
    /// Seconds of each step.
    pub seconds: Vec<(&'static str, f64)>,
}

/// Measures the steps, and tells of each when it is done.
struct Watch<'a> {
    last: Instant,
    laps: Vec<(&'static str, f64)>,
    done: &'a dyn Fn(&'static str),
}

impl<'a> Watch<'a> {
    fn start(done: &'a dyn Fn(&'static str)) -> Self {
        Self { last: Instant::now(), laps: Vec::new(), done }
    }

    fn lap(&mut self, name: &'static str) {
        self.laps.push((name, self.last.elapsed().as_secs_f64()));
        (self.done)(name);
        self.last = Instant::now();
    }
}

/// Links a population. `same_as[i]` names an earlier record that `i` repeats byte for byte;
/// `most_against` says how many bits a pattern may count against one person when groups are joined,
/// `None` that it can never be one. `done` hears of each step.
pub fn link<P: Population>(
    population: &P,
    same_as: &[u32],
    mut model: Model,
    how: &[Vec<Learning>],
    most_against: fn(Pattern) -> Option<f64>,
    options: Options,
    done: &dyn Fn(&'static str),
) -> Linked {
    let mut watch = Watch::start(done);
    let records = population.len();
    let skip: Vec<bool> = same_as.iter().enumerate().map(|(i, s)| *s as usize != i).collect();
    let blocks = Blocks::build(population, &skip, options.threads);
    watch.lap("block");
    let found = candidates(population, &blocks, &model, options.hopeless(), options.threads);
    watch.lap("compare");
    if options.learn {
        let draws = draws(&model, records);
        strangers(&mut model, population, draws, options.threads);
        learn(&mut model, how, &found.counted(), records, options.threads);
    }
    watch.lap("learn");
    let edges =
        edges_of(&found, &model, records, options.least_bits.min(PLAUSIBLE), options.threads);
    let prior = model.prior(records);
    let odds = |a: u32, b: u32| {
        let pattern = population.compare(a, b);
        let most = most_against(pattern).filter(|_| population.may_match(a, b))?;
        Some(model.bits_from(pattern, &prior).max(-most))
    };
    let plausible: Vec<_> = edges.iter().filter(|e| e.2 >= PLAUSIBLE).copied().collect();
    let mut places = cluster_all(&plausible, records, &odds, options.threads);
    copies(&mut places, same_as);
    watch.lap("cluster");
    let compared = population.rules().iter().cloned().zip(found.by_rule).collect();
    let names = population.rules().iter().cloned();
    let lost = names.zip(blocks.lost.iter().copied()).filter(|(_, n)| *n > 0).collect();
    Linked { places, model, edges, compared, lost, seconds: watch.laps }
}

/// Plausible pairs, sorted, with their log2 odds under the trained model.
pub(super) fn edges_of(
    found: &Found,
    model: &Model,
    records: usize,
    least: f32,
    threads: usize,
) -> Vec<(u32, u32, f32)> {
    let prior = model.prior(records);
    let bits: Vec<f32> =
        found.patterns.iter().map(|p| model.bits_from(*p, &prior) as f32).collect();
    let bits = &bits;
    let share = found.pairs.len().div_ceil(threads).max(1);
    let runs: Vec<Vec<(u32, u32, f32)>> = std::thread::scope(|scope| {
        let workers: Vec<_> = found
            .pairs
            .chunks(share)
            .map(|pairs| {
                scope.spawn(move || {
                    let edges = pairs.iter().map(|p| (p.a, p.b, bits[p.pattern as usize]));
                    let mut edges: Vec<_> = edges.filter(|e| e.2 >= least).collect();
                    edges.sort_unstable_by_key(|e| (e.0, e.1));
                    edges
                })
            })
            .collect();
        workers.into_iter().filter_map(|w| w.join().ok()).collect()
    });
    let mut edges = runs.concat();
    // The stable sort sees the runs and only merges them.
    edges.sort_by_key(|e| (e.0, e.1));
    edges
}

/// A copy goes where its original went, by a link that cannot be doubted.
pub(super) fn copies(places: &mut [Place], same_as: &[u32]) {
    for (record, same) in same_as.iter().enumerate().filter(|(i, s)| **s as usize != *i) {
        let original = places[*same as usize];
        places[record] = Place { bits: 60.0_f32.min(original.bits), ..original };
        if original.bits == f32::INFINITY {
            places[*same as usize].bits = 60.0;
        }
    }
}

/// What the candidates were.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) pairs: Vec<Pair>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) counts: Vec<u64>,
    by_rule: Vec<u64>,
}

impl Found {
    /// Patterns with their counts, sorted: sums of floating point numbers depend on their order.
    pub(super) fn counted(&self) -> Vec<(Pattern, f64)> {
        let counts = self.counts.iter().map(|count| *count as f64);
        let mut counted: Vec<_> = self.patterns.iter().copied().zip(counts).collect();
        counted.sort_unstable_by_key(|(pattern, _)| *pattern);
        counted
    }

    pub(super) fn see(
        &mut self,
        ids: &mut FastMap<Pattern, u32>,
        pattern: Pattern,
        count: u64,
    ) -> u32 {
        let next = self.patterns.len() as u32;
        let id = *ids.entry(pattern).or_insert(next);
        if id == next {
            self.patterns.push(pattern);
            self.counts.push(0);
        }
        self.counts[id as usize] += count;
        id
    }
}

/// Compares all candidates; threads take slices of the blocks, and their findings are put
/// together in the order of the slices.
pub(super) fn candidates<P: Population>(
    population: &P,
    blocks: &Blocks,
    model: &Model,
    hopeless_bits: f64,
    threads: usize,
) -> Found {
    let records = population.len();
    let slices = threads * 8;
    let next = std::sync::atomic::AtomicUsize::new(0);
    let empty = || Found {
        pairs: Vec::new(),
        patterns: Vec::new(),
        counts: Vec::new(),
        by_rule: vec![0; population.rules().len()],
    };
    let mut parts: Vec<(usize, Found)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut made = Vec::new();
                    loop {
                        let slice = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        if slice >= slices {
                            return made;
                        }
                        let mut found = empty();
                        let mut ids = FastMap::default();
                        let mut hopeless: Vec<bool> = Vec::new();
                        let mut see = |a: u32, b: u32| {
                            let pattern = population.compare(a, b);
                            let id = found.see(&mut ids, pattern, 1);
                            if id as usize == hopeless.len() {
                                hopeless.push(model.bits(pattern, records) < hopeless_bits);
                            }
                            if !hopeless[id as usize] {
                                found.pairs.push(Pair { a, b, pattern: id });
                            }
                        };
                        let mut by_rule = vec![0; population.rules().len()];
                        let mut waiting: Vec<(u32, u32)> = Vec::with_capacity(TOGETHER);
                        blocks.each_pair(slice, slices, |rule, a, b| {
                            by_rule[rule] += 1;
                            let (a, b) = (a.min(b), a.max(b));
                            if !population.may_match(a, b) {
                                return;
                            }
                            std::hint::black_box(population.touch(a) ^ population.touch(b));
                            waiting.push((a, b));
                            if waiting.len() == TOGETHER {
                                waiting.drain(..).for_each(|(a, b)| see(a, b));
                            }
                        });
                        waiting.drain(..).for_each(|(a, b)| see(a, b));
                        found.by_rule = by_rule;
                        made.push((slice, found));
                    }
                })
            })
            .collect();
        workers.into_iter().filter_map(|w| w.join().ok()).flatten().collect()
    });
    parts.sort_by_key(|(slice, _)| *slice);
    let mut all = empty();
    let mut ids = FastMap::default();
    for (_, part) in parts {
        for (sum, count) in all.by_rule.iter_mut().zip(&part.by_rule) {
            *sum += count;
        }
        let map: Vec<u32> = part
            .patterns
            .iter()
            .zip(&part.counts)
            .map(|(pattern, count)| all.see(&mut ids, *pattern, *count))
            .collect();
        all.pairs
            .extend(part.pairs.iter().map(|p| Pair { pattern: map[p.pattern as usize], ..*p }));
    }
    all
}

fn cluster_all(
    edges: &[(u32, u32, f32)],
    records: usize,
    odds: Odds<'_>,
    threads: usize,
) -> Vec<Place> {
    let groups = components(edges, PLAUSIBLE);
    let placed = cluster_groups(&groups, edges, records, odds, threads);
    let alone = |i| Place { entity: i, bits: f32::INFINITY, torn: false };
    let mut places: Vec<Place> = (0..records as u32).map(alone).collect();
    for (record, place) in placed {
        places[record as usize] = place;
    }
    places
}

/// Places of the records of some groups; of `edges`, those of other groups do not matter.
pub(super) fn cluster_groups(
    groups: &[Vec<u32>],
    edges: &[(u32, u32, f32)],
    records: usize,
    odds: Odds<'_>,
    threads: usize,
) -> Vec<(u32, Place)> {
    let mut group_of = vec![u32::MAX; records];
    for (at, group) in groups.iter().enumerate() {
        for record in group {
            group_of[*record as usize] = at as u32;
        }
    }
    let mut inner: Vec<(u32, u32)> = edges
        .iter()
        .enumerate()
        .map(|(i, e)| (group_of[e.0 as usize], i as u32))
        .filter(|(group, _)| *group != u32::MAX)
        .collect();
    inner.sort_unstable();
    let share = groups.len().div_ceil(threads * 4).max(1);
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut placed = Vec::new();
                    loop {
                        let first = next.fetch_add(share, std::sync::atomic::Ordering::Relaxed);
                        if first >= groups.len() {
                            return placed;
                        }
                        let last = (first + share).min(groups.len());
                        let start = inner.partition_point(|(g, _)| (*g as usize) < first);
                        let mut rest = &inner[start..];
                        for (at, group) in groups.iter().enumerate().take(last).skip(first) {
                            let count = rest.iter().take_while(|(g, _)| *g as usize == at).count();
                            let own: Vec<_> =
                                rest[..count].iter().map(|(_, e)| edges[*e as usize]).collect();
                            rest = &rest[count..];
                            cluster(group, &own, PLAUSIBLE, odds, &mut placed);
                        }
                    }
                })
            })
            .collect();
        workers.into_iter().filter_map(|w| w.join().ok()).flatten().collect()
    })
}
