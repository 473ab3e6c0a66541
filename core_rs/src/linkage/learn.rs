//! Training without labels: expectation and maximisation over the patterns seen, each with its
//! count, so that it costs milliseconds at any number of records (Splink issue 1363).
//!
//! Strangers are not learnt from candidates, which were chosen because they agree somewhere, but
//! from pairs drawn at random; the other classes start from the model given and are pulled
//! towards it by a few pseudo-pairs, so that ten records do not overturn it.

use super::blocks::Population;
use super::fields::{LEVELS, Pattern, level};
use super::hashing::{FastMap, mix, sorted_by_upper_half};
use super::link::TOGETHER;
use super::model::{CLASSES, Model, Table};

/// Random pairs that the start of the strangers' probabilities counts for.
const STRANGERS_PRIOR: f64 = 100_000.0;
/// Pseudo-pairs that hold the number of pairs of a class to the model given.
const RATE_PRIOR: f64 = 300.0;
const ROUNDS: usize = 40;
/// Parts in which patterns are summed up.
const SHARES: usize = 16;
/// How far training may move a probability from where it started, as a factor.
const MOST_CHANGE: f64 = 6.0;

/// How a field of a class is learnt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Learning {
    /// Pulled towards the model given by so many pseudo-pairs.
    Free(f64),
    /// As the model given.
    Fixed,
    /// As another class has it.
    Like(usize),
}

/// Draws pairs with a fixed seed and learns how strangers compare, those of one year by
/// themselves. A pair drawn counts as far as the model given takes it for strangers: in a small
/// place some of the draws are neighbours.
pub fn strangers(model: &mut Model, population: &impl Population, draws: usize, threads: usize) {
    let count = population.len() as u64;
    if count < 2 {
        return;
    }
    let any = |draw: usize| {
        let a = mix(draw as u64, 101) % count;
        let b = (a + 1 + mix(draw as u64, 103) % (count - 1)) % count;
        (a as u32, b as u32, 1)
    };
    let last = model.classes.len() - 1;
    let prior = model.prior(population.len());
    let drawn = draw(population, draws, threads, any);
    let Some(start) = model.of_one_year else {
        let counts = counts_of(model, &drawn, 1.0, &prior, last);
        blend_all(&mut model.classes[last], &counts);
        model.refresh();
        return;
    };
    let years = Years::of(population);
    let mut near = counts_of(model, &[], 1.0, &prior, last - 1);
    if !years.records.is_empty() {
        let drawn = draw(population, draws, threads, |draw| years.pair(draw));
        let all: u64 = drawn.iter().map(|(_, count)| count).sum();
        near = counts_of(model, &drawn, draws as f64 / all.max(1) as f64, &prior, last - 1);
    }
    let far = counts_of(model, &drawn, 1.0, &prior, last);
    blend_all(&mut model.classes[last - 1], &near);
    blend_all(&mut model.classes[last], &far);
    let seen = draws as f64;
    model.of_one_year =
        Some((start * STRANGERS_PRIOR + years.share() * seen) / (STRANGERS_PRIOR + seen));
    model.refresh();
}

/// Records in the order of their years of birth, with the ends of the years.
struct Years {
    records: Vec<u32>,
    /// For each place in `records`, the first and the last of its year.
    bounds: Vec<(u32, u32)>,
}

impl Years {
    fn of(population: &impl Population) -> Self {
        let years = (0..population.len() as u32)
            .map(|record| (u64::from(population.splits(record)[1]) << 32) | u64::from(record));
        let sorted = sorted_by_upper_half(years.filter(|x| x >> 32 != 0).collect());
        let mut all = Self { records: Vec::new(), bounds: Vec::new() };
        for year in sorted.chunk_by(|a, b| a >> 32 == b >> 32).filter(|year| year.len() > 1) {
            let first = all.records.len() as u32;
            let bounds = (first, first + year.len() as u32);
            all.records.extend(year.iter().map(|x| *x as u32));
            all.bounds.resize(all.records.len(), bounds);
        }
        all
    }

    /// Two of one year. Years are drawn by their people, and counted by them once more.
    fn pair(&self, draw: usize) -> (u32, u32, u64) {
        let at = mix(draw as u64, 107) % self.records.len() as u64;
        let (first, last) = self.bounds[at as usize];
        let size = u64::from(last - first);
        let other = (at - u64::from(first) + 1 + mix(draw as u64, 109) % (size - 1)) % size;
        let other = u64::from(first) + other;
        (self.records[at as usize], self.records[other as usize], size - 1)
    }

    /// Share of pairs that are of one year.
    fn share(&self) -> f64 {
        let known = self.records.len() as f64;
        let same: f64 = self.bounds.iter().map(|(first, last)| f64::from(last - first) - 1.0).sum();
        same / (known * (known - 1.0)).max(1.0)
    }
}

/// Patterns of drawn pairs with their counts, sorted.
fn draw(
    population: &impl Population,
    draws: usize,
    threads: usize,
    pair: impl Fn(usize) -> (u32, u32, u64) + Sync,
) -> Vec<(Pattern, u64)> {
    let share = draws.div_ceil(threads);
    let pair = &pair;
    let mut patterns: Vec<(Pattern, u64)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || {
                    let mut seen: FastMap<Pattern, u64> = FastMap::default();
                    let last = draws.min((thread + 1) * share);
                    for first in (thread * share..last).step_by(TOGETHER) {
                        let together = first..last.min(first + TOGETHER);
                        for (a, b, _) in together.clone().map(pair) {
                            std::hint::black_box(population.touch(a) ^ population.touch(b));
                        }
                        for (a, b, count) in together.map(pair) {
                            *seen.entry(population.compare(a, b)).or_default() += count;
                        }
                    }
                    seen
                })
            })
            .collect();
        workers.into_iter().filter_map(|w| w.join().ok()).flatten().collect()
    });
    // Sums of floating point numbers depend on their order; whole numbers are summed first.
    patterns.sort_unstable_by_key(|(pattern, _)| *pattern);
    patterns.dedup_by(|b, a| {
        let same = a.0 == b.0;
        a.1 += if same { b.1 } else { 0 };
        same
    });
    patterns
}

/// Counts of every level of a class in patterns, each of which counts `scale` times.
fn counts_of(
    model: &Model,
    patterns: &[(Pattern, u64)],
    scale: f64,
    prior: &[f64; CLASSES],
    class: usize,
) -> Table {
    let mut counts: Table = model.classes[class].iter().map(|p| vec![0.0; p.len()]).collect();
    for (pattern, count) in patterns {
        let weight = *count as f64 * scale * model.shares(*pattern, prior)[class];
        for (field, counts) in counts.iter_mut().enumerate() {
            counts[level(*pattern, field)] += weight;
        }
    }
    counts
}

fn blend_all(table: &mut Table, counts: &Table) {
    for (table, counts) in table.iter_mut().zip(counts) {
        let start = table.clone();
        blend(table, &start, STRANGERS_PRIOR, counts);
    }
}

/// Improves all classes but the strangers on candidate patterns and their counts.
pub fn learn(
    model: &mut Model,
    how: &[Vec<Learning>],
    patterns: &[(Pattern, f64)],
    records: usize,
    threads: usize,
) {
    let prior = model.clone();
    for _ in 0..ROUNDS {
        let (counts, totals) = expect(model, how.len(), patterns, records, threads);
        let before = model.classes.clone();
        for (class, fields) in how.iter().enumerate() {
            for (field, learning) in fields.iter().enumerate() {
                if let Learning::Free(strength) = learning {
                    let start = &prior.classes[class][field];
                    let table = &mut model.classes[class][field];
                    blend(table, start, *strength, &counts[class][field]);
                    keep_near(table, start);
                }
            }
            // A class that follows another in any field is too rare to count itself.
            if fields.iter().all(|field| matches!(field, Learning::Free(_))) {
                let all = records as f64;
                let start = prior.rates[class];
                model.rates[class] = (start * RATE_PRIOR + totals[class]) / (RATE_PRIOR + all);
            }
        }
        for (class, fields) in how.iter().enumerate() {
            for (field, learning) in fields.iter().enumerate() {
                if let Learning::Like(other) = learning {
                    let table = model.classes[*other][field].clone();
                    model.classes[class][field] = table;
                }
            }
        }
        model.refresh();
        let after = model.classes.iter().flatten().flatten();
        let moved = after.zip(before.iter().flatten().flatten()).map(|(a, b)| (a - b).abs());
        if moved.fold(0.0, f64::max) < 2e-4 {
            break;
        }
    }
}

/// Expected counts of every level in every class, and of every class. The patterns are summed in
/// the same [`SHARES`] whatever the number of threads: sums depend on their order.
fn expect(
    model: &Model,
    classes: usize,
    patterns: &[(Pattern, f64)],
    records: usize,
    threads: usize,
) -> (Vec<Table>, Vec<f64>) {
    let share = patterns.len().div_ceil(SHARES).max(1);
    let shares: Vec<_> = patterns.chunks(share).collect();
    let sums: Vec<(Vec<Table>, Vec<f64>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = shares
            .chunks(shares.len().div_ceil(threads).max(1))
            .map(|own| {
                scope.spawn(move || {
                    let sums = own.iter().map(|share| expect_of(model, classes, share, records));
                    sums.collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().filter_map(|w| w.join().ok()).flatten().collect()
    });
    let (mut counts, mut totals) = expect_of(model, classes, &[], records);
    for (part, part_totals) in sums {
        let parts = part.iter().flatten().flatten();
        counts.iter_mut().flatten().flatten().zip(parts).for_each(|(sum, x)| *sum += x);
        totals.iter_mut().zip(part_totals).for_each(|(sum, x)| *sum += x);
    }
    (counts, totals)
}

fn expect_of(
    model: &Model,
    classes: usize,
    patterns: &[(Pattern, f64)],
    records: usize,
) -> (Vec<Table>, Vec<f64>) {
    let prior = model.prior(records);
    let fields = model.fields.len();
    // One row for each field and level: what a pattern adds lies side by side.
    let mut sums = vec![[0.0; CLASSES]; fields * LEVELS];
    let mut totals = [0.0; CLASSES];
    for (pattern, count) in patterns {
        let share = model.shares(*pattern, &prior).map(|share| share * count);
        let add = |to: &mut [f64; CLASSES]| {
            to.iter_mut().zip(share).for_each(|(sum, share)| *sum += share);
        };
        add(&mut totals);
        for field in 0..fields {
            add(&mut sums[field * LEVELS + level(*pattern, field)]);
        }
    }
    let table = |class: usize, field: usize| -> Vec<f64> {
        let levels = model.classes[class][field].len();
        sums[field * LEVELS..][..levels].iter().map(|sums| sums[class]).collect()
    };
    let tables = |class: usize| (0..fields).map(|field| table(class, field)).collect();
    ((0..classes).map(tables).collect(), totals[..classes].to_vec())
}

fn blend(table: &mut [f64], start: &[f64], strength: f64, counts: &[f64]) {
    let seen: f64 = counts[1..].iter().sum();
    for (level, count) in counts.iter().enumerate().skip(1) {
        table[level] = (start[level] * strength + count) / (strength + seen);
    }
}

/// Keeps a table within a factor of its start: where there is next to nothing to learn from, a
/// class must not turn into another (the same person into namesakes of one ward).
fn keep_near(table: &mut [f64], start: &[f64]) {
    for (p, start) in table.iter_mut().zip(start).skip(1) {
        *p = p.clamp(start / MOST_CHANGE, start * MOST_CHANGE);
    }
    let sum: f64 = table[1..].iter().sum();
    for p in &mut table[1..] {
        *p /= sum;
    }
}
