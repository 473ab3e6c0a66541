//! Sterrett's designs: a positive pool is tested one by one, the likeliest first, until somebody
//! is positive; the rest is pooled again, and so on.
//!
//! Sterrett, Annals of Mathematical Statistics 28 (1957) 1033; for people of known risk Bilder,
//! Tebbs & Chen, JASA 105 (2010) 942. Given who is the last truly positive person in the order of
//! testing, every pool (each is a tail of that order) is positive or not for sure, so that the
//! tests are a chain without memory; the sum over that person is exact for any quality of tests.

use super::design::{Characteristics, Quality, Sums, check, invalid, quality_at};
use crate::error::Result;

/// How a positive pool is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// After so many positives the rest is pooled again; afterwards everybody is tested singly.
    /// None: again and again.
    pub poolings: Option<usize>,
    /// The last person of a positive pool is called positive without a test if all others of it
    /// were negative; sensible only where tests are never wrong.
    pub infers_last: bool,
}

/// What is known when it is a person's turn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// In a pool that tested positive, with nobody positive in it so far.
    Searching,
    /// Singly until the end.
    Singly,
}

/// Expected tests and accuracy for people of these chances. Qualities: of the pools, and of the
/// single tests. Takes people × people × poolings steps, of pools up to 3,000.
pub fn sterrett(chances: &[f64], quality: &[Quality], rule: Rule) -> Result<Characteristics> {
    check(chances, quality)?;
    if chances.len() > 3_000 {
        return Err(invalid("a pool of 1 to 3000 people"));
    }
    let pool = quality_at(quality, 0, 2)?;
    let single = quality_at(quality, 1, 2)?;
    let mut order = chances.to_vec();
    order.sort_by(|a, b| b.total_cmp(a));
    let n = order.len();
    if n == 1 {
        let mut sums = Sums::default();
        sums.add(order[0], single.sensitivity, 1.0 - single.specificity);
        return Ok(sums.characteristics(1.0, 1.0));
    }
    // Chance that the last positive person is at `last` (1-based; 0: nobody).
    let mut after = 1.0;
    let mut lasts = vec![0.0; n + 1];
    for last in (1..=n).rev() {
        lasts[last] = order[last - 1] * after;
        after *= 1.0 - order[last - 1];
    }
    lasts[0] = after;
    let mut tests = 0.0;
    let mut found = vec![0.0; n];
    let mut alarms = vec![0.0; n];
    for (last, &weight) in lasts.iter().enumerate() {
        if weight <= 0.0 {
            continue;
        }
        let chain = Chain { order: &order, last, pool, single, rule };
        tests += weight * chain.walk(weight, &mut found, &mut alarms);
    }
    let mut sums = Sums::default();
    for (at, &p) in order.iter().enumerate() {
        sums.add_counts(p, found[at], alarms[at]);
    }
    Ok(sums.characteristics(n as f64, tests))
}

/// The tests of one pool, the last positive person being known.
struct Chain<'a> {
    order: &'a [f64],
    last: usize,
    pool: Quality,
    single: Quality,
    rule: Rule,
}

impl Chain<'_> {
    /// Chance that a pool of everybody from `start` on tests positive.
    fn pool_says_yes(&self, start: usize) -> f64 {
        if start < self.last { self.pool.sensitivity } else { 1.0 - self.pool.specificity }
    }

    /// Chance that a person is positive, known who is the last.
    fn is_positive(&self, at: usize) -> f64 {
        match (at + 1).cmp(&self.last) {
            std::cmp::Ordering::Less => self.order[at],
            std::cmp::Ordering::Equal => 1.0,
            std::cmp::Ordering::Greater => 0.0,
        }
    }

    /// Expected tests; adds `weight` times the chances of being called positive.
    fn walk(&self, weight: f64, found: &mut [f64], alarms: &mut [f64]) -> f64 {
        let n = self.order.len();
        let turns = self.rule.poolings.map_or(1, |limit| limit + 1);
        // here[at * turns + k]: chance that it is this person's turn in search, k poolings after the
        // first done; `singly`: that everybody from here on is tested anyway.
        let mut here = vec![0.0; turns * (n + 1)];
        let mut singly = vec![0.0; n + 1];
        let mut tests = 1.0;
        self.enter(0, 0, self.pool_says_yes(0), &mut here, &mut singly);
        for at in 0..n {
            let truth = self.is_positive(at);
            let (se, fp) = (self.single.sensitivity, 1.0 - self.single.specificity);
            let mut call = |chance: f64, turn: Turn| {
                let is_inferred = at + 1 == n && turn == Turn::Searching && self.rule.infers_last;
                let (yes, no) = if is_inferred { (1.0, 1.0) } else { (se, fp) };
                found[at] += weight * chance * truth * yes;
                alarms[at] += weight * chance * (1.0 - truth) * no;
                if is_inferred { 0.0 } else { chance }
            };
            let through = singly[at];
            tests += call(through, Turn::Singly);
            singly[at + 1] += through;
            for done in 0..turns {
                let chance = here[at * turns + done];
                if chance <= 0.0 {
                    continue;
                }
                tests += call(chance, Turn::Searching);
                let yes = truth * se + (1.0 - truth) * fp;
                here[(at + 1) * turns + done] += chance * (1.0 - yes);
                let left = n - at - 1;
                let more = chance * yes;
                if left == 1 {
                    // One person alone is tested singly, not pooled.
                    singly[at + 1] += more;
                } else if left > 1 {
                    tests += more;
                    let again = more * self.pool_says_yes(at + 1);
                    self.enter(at + 1, done + 1, again, &mut here, &mut singly);
                }
            }
        }
        tests
    }

    /// A pool of everybody from `at` on was positive, the `done`-th after the first.
    fn enter(&self, at: usize, done: usize, chance: f64, here: &mut [f64], singly: &mut [f64]) {
        match self.rule.poolings {
            None => here[at] += chance,
            Some(limit) if done < limit => here[at * (limit + 1) + done] += chance,
            Some(_) => singly[at] += chance,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Perfect tests: first positive at place i of n takes i single tests, one fewer if it is the
    /// last; the rest is pooled again.
    #[test]
    fn perfect_tests_follow_the_known_recursion() -> Result<()> {
        let p: f64 = 0.07;
        let mut tests = vec![0.0, 1.0];
        for n in 2..=30_usize {
            let mut extra = 0.0;
            for i in 1..=n {
                let singles = if i == n { n - 1 } else { i };
                extra += (1.0 - p).powi(i as i32 - 1) * p * (singles as f64 + tests[n - i]);
            }
            tests.push(1.0 + extra);
        }
        for n in [1, 2, 3, 10, 30] {
            let rule = Rule { poolings: None, infers_last: true };
            let made = sterrett(&vec![p; n], &[Quality::PERFECT], rule)?;
            assert!((made.expected_tests - tests[n]).abs() < 1e-10, "{n}");
            let (missed, alarms) = (made.missed, made.false_positives);
            assert!(missed.abs() < 1e-12 && alarms.abs() < 1e-12);
        }
        Ok(())
    }
}
