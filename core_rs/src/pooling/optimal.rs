//! Best sizes within limits, the best split of people of different risk, and advice.

use super::array::array;
use super::design::{
    Characteristics, Quality, dorfman, hierarchical, nested, quality_at, split_stages, sterrett,
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
    /// Sizes by stage; of three stages the second is that of the largest group.
    pub sizes: Vec<usize>,
    /// Sizes of the groups that a positive pool is split into, if there are three stages.
    pub groups: Vec<usize>,
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
    if family == Family::ThreeStage {
        return best_split(p, quality, from, to);
    }
    let mut best: Option<Best> = None;
    for size in from..=to {
        let at = match family {
            Family::Array => array(p, size, size, false, quality)?,
            Family::ArrayWithMaster => array(p, size, size, true, quality)?,
            Family::Sterrett => sterrett(p, size, quality)?,
            Family::Dorfman | Family::ThreeStage => dorfman(p, size, quality)?,
        };
        if best.as_ref().is_none_or(|b| is_fewer(at.tests_per_person(), b.at.tests_per_person())) {
            best = Some(Best { sizes: vec![size], groups: Vec::new(), at });
        }
    }
    best.ok_or_else(|| Error::new(Kind::Invalid, "pooling.design", "no size of this design fits"))
}

/// Fewer by more than rounding, so that of equals the first stays.
fn is_fewer(one: f64, other: f64) -> bool {
    one < other * (1.0 - 1e-12)
}

/// Three stages: the best size and the best split of it, equal or not. Expected tests are 1 and a
/// sum over the groups, so a table over "people split so far" finds the split.
fn best_split(p: f64, quality: &[Quality], from: usize, to: usize) -> Result<Best> {
    // Checks p and the qualities.
    hierarchical(&[p; 3], &split_stages(&[2, 1])?, quality)?;
    let pair = [quality_at(quality, 0, 3)?, quality_at(quality, 1, 3)?];
    let mut best: Option<(f64, Vec<usize>)> = None;
    for size in from.max(3)..=to {
        let price: Vec<f64> = (0..size)
            .map(|part| {
                let (first, both) = nested(p, size, part, pair);
                first + if part > 1 { part as f64 * both } else { 0.0 }
            })
            .collect();
        let mut cost = vec![0.0; size + 1];
        let mut cut = vec![0; size + 1];
        for end in 1..=size {
            cost[end] = f64::INFINITY;
            // Largest groups first: of equals the one with fewer groups stays.
            for part in (1..=end.min(size - 1)).rev() {
                if is_fewer(cost[end - part] + price[part], cost[end]) {
                    (cost[end], cut[end]) = (cost[end - part] + price[part], part);
                }
            }
        }
        let tests = (1.0 + cost[size]) / size as f64;
        if best.as_ref().is_none_or(|(least, _)| is_fewer(tests, *least)) {
            let mut groups = Vec::new();
            let mut left = size;
            while left > 0 {
                groups.push(cut[left]);
                left -= cut[left];
            }
            groups.sort_unstable_by(|a, b| b.cmp(a));
            best = Some((tests, groups));
        }
    }
    let (_, groups) = best.ok_or_else(|| {
        Error::new(Kind::Invalid, "pooling.design", "three stages need at least three people")
    })?;
    let size: usize = groups.iter().sum();
    let at = hierarchical(&vec![p; size], &split_stages(&groups)?, quality)?;
    Ok(Best { sizes: vec![size, groups[0]], groups, at })
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
