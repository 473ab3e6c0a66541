//! Training without labels: expectation and maximisation over the patterns seen, each with its
//! count, so that it costs milliseconds at any number of records (Splink issue 1363).
//!
//! Strangers are not learnt from candidates, which were chosen because they agree somewhere, but
//! from pairs drawn at random; the other classes start from the model given and are pulled
//! towards it by a few pseudo-pairs, so that ten records do not overturn it.

use super::blocks::Population;
use super::fields::{Pattern, level};
use super::hashing::{FastMap, mix};
use super::model::Model;

/// Random pairs that the start of the strangers' probabilities counts for.
const STRANGERS_PRIOR: f64 = 100_000.0;
/// Pseudo-pairs that hold the number of pairs of a class to the model given.
const RATE_PRIOR: f64 = 300.0;
const ROUNDS: usize = 40;
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

/// Draws pairs with a fixed seed and learns how strangers compare. A pair drawn counts as far as
/// the model given takes it for strangers: in a small place some of the draws are neighbours.
pub fn strangers(model: &mut Model, population: &impl Population, draws: usize, threads: usize) {
    let count = population.len() as u64;
    if count < 2 {
        return;
    }
    let share = draws.div_ceil(threads);
    let mut patterns: Vec<(Pattern, u32)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || {
                    let mut seen: FastMap<Pattern, u32> = FastMap::default();
                    for draw in thread * share..draws.min((thread + 1) * share) {
                        let a = mix(draw as u64, 101) % count;
                        let b = (a + 1 + mix(draw as u64, 103) % (count - 1)) % count;
                        *seen.entry(population.compare(a as u32, b as u32)).or_default() += 1;
                    }
                    seen
                })
            })
            .collect();
        workers.into_iter().filter_map(|w| w.join().ok()).flatten().collect()
    });
    // Sums of floating point numbers depend on their order.
    patterns.sort_unstable_by_key(|(pattern, _)| *pattern);
    let last = model.classes.len() - 1;
    let zero = |table: &Vec<Vec<f64>>| table.iter().map(|p| vec![0.0; p.len()]).collect::<Vec<_>>();
    let mut counts = zero(&model.classes[last]);
    for same in patterns.chunk_by(|a, b| a.0 == b.0) {
        // Whole numbers first: the sum must not depend on how the draws were shared out.
        let (pattern, count) = (same[0].0, same.iter().map(|(_, count)| *count).sum::<u32>());
        let weight = f64::from(count) * model.shares(pattern, population.len())[last];
        for (field, counts) in counts.iter_mut().enumerate() {
            counts[level(pattern, field)] += weight;
        }
    }
    for (table, counts) in model.classes[last].iter_mut().zip(counts) {
        let start = table.clone();
        blend(table, &start, STRANGERS_PRIOR, &counts);
    }
    model.refresh();
}

/// Improves all classes but the strangers on candidate patterns and their counts.
pub fn learn(
    model: &mut Model,
    how: &[Vec<Learning>],
    patterns: &[(Pattern, f64)],
    records: usize,
) {
    let prior = model.clone();
    for _ in 0..ROUNDS {
        let (counts, totals) = expect(model, how.len(), patterns, records);
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

/// Expected counts of every level in every class, and of every class.
fn expect(
    model: &Model,
    classes: usize,
    patterns: &[(Pattern, f64)],
    records: usize,
) -> (Vec<Vec<Vec<f64>>>, Vec<f64>) {
    let mut counts: Vec<_> = model.classes[..classes]
        .iter()
        .map(|table| table.iter().map(|p| vec![0.0; p.len()]).collect::<Vec<_>>())
        .collect();
    let mut totals = vec![0.0; classes];
    for (pattern, count) in patterns {
        let share = model.shares(*pattern, records);
        for class in 0..classes {
            let weight = share[class] * count;
            totals[class] += weight;
            for (field, counts) in counts[class].iter_mut().enumerate() {
                counts[level(*pattern, field)] += weight;
            }
        }
    }
    (counts, totals)
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
