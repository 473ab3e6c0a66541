//! Best sizes within limits, the best split of people of different risk, and advice.

use super::design::{
    Characteristics, Quality, array, dorfman, equal_stages, hierarchical, sterrett,
};
use crate::error::{Error, Kind, Result};

/// A family of designs with one size to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// One pool, then singly.
    Dorfman,
    /// Pool, smaller pools, then singly.
    ThreeStage,
    /// Square array.
    Array,
    /// Square array with a master pool.
    ArrayWithMaster,
    /// One by one after a positive pool, the rest pooled again.
    Sterrett,
}

impl Family {
    /// Names used by callers.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("dorfman", Self::Dorfman),
        ("hierarchical", Self::ThreeStage),
        ("array", Self::Array),
        ("array_with_master", Self::ArrayWithMaster),
        ("sterrett", Self::Sterrett),
    ];
}

/// The best size (for three stages: both sizes) and what it costs and finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// Sizes by stage.
    pub sizes: Vec<usize>,
    /// Characteristics of that size.
    pub at: Characteristics,
}

/// The size of fewest expected tests per person among `from..=to`; the smallest of equals.
pub fn optimal_size(
    family: Family,
    p: f64,
    quality: &[Quality],
    from: usize,
    to: usize,
) -> Result<Best> {
    if from < 2 || to < from || to > 1_000 {
        let message = "sizes from at least 2 up to at most 1000";
        return Err(Error::new(Kind::Invalid, "pooling.design", message));
    }
    let mut best: Option<Best> = None;
    let mut offer = |sizes: &[usize], at: Characteristics| {
        let is_better = best
            .as_ref()
            .is_none_or(|b| at.tests_per_person() < b.at.tests_per_person() * (1.0 - 1e-12));
        if is_better {
            best = Some(Best { sizes: sizes.to_vec(), at });
        }
    };
    for size in from..=to {
        match family {
            Family::Dorfman => offer(&[size], dorfman(p, size, quality)?),
            Family::Array => offer(&[size], array(p, size, size, false, quality)?),
            Family::ArrayWithMaster => offer(&[size], array(p, size, size, true, quality)?),
            Family::Sterrett => offer(&[size], sterrett(p, size)?),
            Family::ThreeStage => {
                // Equal halves, thirds, …: uneven ones are never better by more than rounding.
                for inner in (2..size).filter(|inner| size.is_multiple_of(*inner)) {
                    let stages = equal_stages(size, &[size, inner])?;
                    offer(&[size, inner], hierarchical(&vec![p; size], &stages, quality)?);
                }
            }
        }
    }
    best.ok_or_else(|| Error::new(Kind::Invalid, "pooling.design", "no size of this design fits"))
}

/// Informative pooling: people of known risk in Dorfman pools of at most `most`, fewest tests.
///
/// Sorted by risk, an optimal split is one of neighbours (Hwang 1975), so a table over the sorted
/// people finds it. Gives the pools as indices into `chances`, and the expected tests of all.
pub fn informative_pools(
    chances: &[f64],
    most: usize,
    quality: &[Quality],
) -> Result<(Vec<Vec<usize>>, f64)> {
    if most == 0 || chances.is_empty() || chances.iter().any(|p| !(0.0..=1.0).contains(p)) {
        let message = "chances between 0 and 1, pools of at least one";
        return Err(Error::new(Kind::Invalid, "pooling.design", message));
    }
    let first = quality.first().copied().unwrap_or(Quality::PERFECT);
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|&a, &b| chances[a].total_cmp(&chances[b]).then(a.cmp(&b)));
    let n = order.len();
    let mut cost = vec![f64::INFINITY; n + 1];
    let mut cut = vec![0; n + 1];
    cost[0] = 0.0;
    for end in 1..=n {
        let mut none = 0.0_f64;
        for start in (end.saturating_sub(most)..end).rev() {
            none += (-chances[order[start]]).ln_1p();
            let size = end - start;
            let alarm = -first.sensitivity * none.exp_m1() + (1.0 - first.specificity) * none.exp();
            let tests = if size == 1 { 1.0 } else { 1.0 + size as f64 * alarm };
            if cost[start] + tests < cost[end] {
                cost[end] = cost[start] + tests;
                cut[end] = start;
            }
        }
    }
    let mut pools = Vec::new();
    let mut end = n;
    while end > 0 {
        pools.push(order[cut[end]..end].to_vec());
        end = cut[end];
    }
    pools.reverse();
    Ok((pools, cost[n]))
}

/// One line of advice: a pool size, what it costs, finds and misses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Advice {
    /// People in a pool; 1 is single testing.
    pub size: usize,
    /// Expected tests per person.
    pub tests_per_person: f64,
    /// Share of the tests of single testing that is saved; negative: it costs more.
    pub saving: f64,
    /// Price per person: that of a pooled sample, and that of a single for those re-tested.
    pub price_per_person: Option<f64>,
    /// Of 100,000 people, cases not found.
    pub missed_per_100_000: f64,
}

/// Compares sizes at a positive share `p`. `quality` gives the quality of a pool of a size (the
/// dilution table of the assay), `single` that of a single test, `price` the price per person.
pub fn advice(
    p: f64,
    sizes: &[usize],
    single: Quality,
    quality: impl Fn(usize) -> Quality,
    price: impl Fn(usize) -> Option<f64>,
) -> Result<Vec<Advice>> {
    let mut lines = Vec::with_capacity(sizes.len());
    for &size in sizes {
        let (tests, found, price_per_person) = if size == 1 {
            (1.0, single.sensitivity, price(1))
        } else {
            let at = dorfman(p, size, &[quality(size), single])?;
            let again = at.tests_per_person() - 1.0 / size as f64;
            let cost = price(size).zip(price(1)).map(|(pool, one)| pool + again * one);
            (at.tests_per_person(), at.sensitivity, cost)
        };
        lines.push(Advice {
            size,
            tests_per_person: tests,
            saving: 1.0 - tests,
            price_per_person,
            missed_per_100_000: 100_000.0 * p * (1.0 - found),
        });
    }
    Ok(lines)
}
