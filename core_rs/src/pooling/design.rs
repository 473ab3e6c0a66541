//! Expected tests and accuracy of testing designs, exactly, for any chance of each person.
//!
//! Tests are independent given who is truly positive; a group is truly positive if anybody in it
//! is. Formulas follow from that alone (Dorfman 1943; Kim, Hudgens, Dreyfuss, Westreich & Pilcher,
//! Biometrics 63 (2007) 1152 for arrays). Note: binGroup2 1.3.1 adds a term of one person to the
//! total of an array with a master pool; here 1 + ... is the total of the array.

use crate::error::{Error, Kind, Result};

/// Quality of the tests of one stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// P(test positive | somebody positive).
    pub sensitivity: f64,
    /// P(test negative | nobody positive).
    pub specificity: f64,
}

impl Quality {
    /// Never wrong.
    pub const PERFECT: Self = Self { sensitivity: 1.0, specificity: 1.0 };
}

/// What a design costs and finds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Characteristics {
    /// People covered by one application of the design.
    pub people: f64,
    /// Tests for all of them together.
    pub expected_tests: f64,
    /// P(called positive | positive), people weighted by their chance.
    pub sensitivity: f64,
    /// P(called negative | negative).
    pub specificity: f64,
    /// P(positive | called positive).
    pub ppv: f64,
    /// P(negative | called negative).
    pub npv: f64,
}

impl Characteristics {
    /// Tests per person.
    pub fn tests_per_person(&self) -> f64 {
        self.expected_tests / self.people
    }
}

/// Groups of a hierarchical design: for each stage the group of each person, `None` once resolved.
pub type Stages = Vec<Vec<Option<u32>>>;

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, "pooling.design", message)
}

pub(super) fn check(chances: &[f64], quality: &[Quality]) -> Result<()> {
    if chances.is_empty() || chances.iter().any(|p| !(0.0..=1.0).contains(p)) {
        return Err(invalid("every chance lies between 0 and 1, and there is at least one"));
    }
    let is_share = |v: f64| v > 0.0 && v <= 1.0;
    if quality.is_empty()
        || quality.iter().any(|q| !is_share(q.sensitivity) || !is_share(q.specificity))
    {
        return Err(invalid("sensitivity and specificity lie in (0, 1]"));
    }
    Ok(())
}

/// Quality of stage `at`: one value stands for all stages.
pub(crate) fn quality_at(quality: &[Quality], at: usize, stages: usize) -> Result<Quality> {
    match quality.len() {
        1 => Ok(quality[0]),
        n if n == stages => Ok(quality[at]),
        n => Err(invalid(format!("{n} values of quality for {stages} stages"))),
    }
}

/// Stages for `people` split again and again into groups of at most the sizes given, then singly.
/// The first size is the number of people if it is not smaller.
pub fn equal_stages(people: usize, sizes: &[usize]) -> Result<Stages> {
    let mut stages: Stages = Vec::new();
    if people == 0 || people > 100_000 || sizes.contains(&0) {
        return Err(invalid("between 1 and 100000 people, in groups of at least one"));
    }
    // The last stage is one by one whether it is written down or not.
    let sizes = match sizes {
        [first, .., 1] if *first > 1 => &sizes[..sizes.len() - 1],
        _ => sizes,
    };
    let mut bounds = vec![0, people];
    for (at, &size) in sizes.iter().enumerate() {
        if at > 0 || size < people {
            let mut finer = Vec::new();
            for pair in bounds.windows(2) {
                finer.extend((pair[0]..pair[1]).step_by(size));
            }
            finer.push(people);
            bounds = finer;
        }
        stages.push(groups_of(&bounds));
    }
    stages.push((0..people as u32).map(Some).collect());
    resolve_singles(&mut stages);
    Ok(stages)
}

fn groups_of(bounds: &[usize]) -> Vec<Option<u32>> {
    let mut groups = Vec::new();
    for (number, pair) in bounds.windows(2).enumerate() {
        groups.extend(std::iter::repeat_n(Some(number as u32), pair[1] - pair[0]));
    }
    groups
}

/// A person alone in a group is resolved by that test.
fn resolve_singles(stages: &mut Stages) {
    for at in 1..stages.len() {
        let mut sizes = std::collections::HashMap::<u32, u32>::new();
        for group in stages[at - 1].iter().flatten() {
            *sizes.entry(*group).or_default() += 1;
        }
        for person in 0..stages[at].len() {
            if stages[at - 1][person].is_none_or(|group| sizes[&group] == 1) {
                stages[at][person] = None;
            }
        }
    }
}

/// A hierarchical design: groups tested, those positive split and tested again.
pub fn hierarchical(
    chances: &[f64],
    stages: &Stages,
    quality: &[Quality],
) -> Result<Characteristics> {
    check(chances, quality)?;
    let people = chances.len();
    if stages.is_empty() || stages.iter().any(|stage| stage.len() != people) {
        return Err(invalid("every stage gives a group, or none, to every person"));
    }
    // Logarithm of "nobody positive" for every group of every stage.
    let mut none: Vec<std::collections::HashMap<u32, f64>> =
        vec![std::collections::HashMap::new(); stages.len()];
    for (at, stage) in stages.iter().enumerate() {
        for (person, group) in stage.iter().enumerate() {
            if let Some(group) = group {
                *none[at].entry(*group).or_insert(0.0) += (-chances[person]).ln_1p();
            }
        }
    }
    let qualities: Vec<Quality> =
        (0..stages.len()).map(|at| quality_at(quality, at, stages.len())).collect::<Result<_>>()?;
    let mut expected_tests = 0.0;
    let mut counted = vec![std::collections::HashSet::new(); stages.len()];
    let mut sums = Sums::default();
    for person in 0..people {
        let mut path: Vec<(f64, Quality)> = Vec::new();
        for (at, stage) in stages.iter().enumerate() {
            let Some(group) = stage[person] else { break };
            if counted[at].insert(group) {
                // Tested if all groups above it were positive.
                expected_tests += all_positive(&path, 0.0);
            }
            path.push((none[at][&group], qualities[at]));
        }
        let own = (-chances[person]).ln_1p();
        let found: f64 = path.iter().map(|(_, q)| q.sensitivity).product();
        let false_alarm = if chances[person] < 1.0 { all_positive(&path, own) } else { 0.0 };
        sums.add(chances[person], found, false_alarm);
    }
    Ok(sums.characteristics(people as f64, expected_tests))
}

/// P(all tests of a chain of nested groups are positive), `own` being taken off each logarithm:
/// 0, or that of a person known to be negative.
fn all_positive(path: &[(f64, Quality)], own: f64) -> f64 {
    // Truly positive are the first k groups of the chain, for some k.
    let mut sum = 0.0;
    for k in 0..=path.len() {
        let inner = path.get(k).map_or(0.0, |(none, _)| none - own);
        let chance = if k == 0 {
            path.first().map_or(1.0, |(none, _)| (none - own).exp())
        } else {
            // P(group k + 1 has nobody) − P(group k has nobody), without loss.
            let outer = path[k - 1].0 - own;
            let inner_none = if k == path.len() { 0.0 } else { inner };
            if inner_none == f64::NEG_INFINITY {
                0.0 // somebody is positive for sure
            } else {
                inner_none.exp() * -(outer - inner_none).exp_m1()
            }
        };
        let tests: f64 = path
            .iter()
            .enumerate()
            .map(|(at, (_, q))| if at < k { q.sensitivity } else { 1.0 - q.specificity })
            .product();
        sum += chance * tests;
    }
    sum
}

/// Sums over people, weighted by their chance.
#[derive(Default)]
pub(super) struct Sums {
    positive: f64,
    negative: f64,
    found: f64,
    false_alarm: f64,
}

impl Sums {
    pub(super) fn add(&mut self, p: f64, found: f64, false_alarm: f64) {
        self.positive += p;
        self.negative += 1.0 - p;
        self.found += p * found;
        self.false_alarm += (1.0 - p) * false_alarm;
    }

    pub(super) fn characteristics(&self, people: f64, expected_tests: f64) -> Characteristics {
        let cleared = self.negative - self.false_alarm;
        let missed = self.positive - self.found;
        Characteristics {
            people,
            expected_tests,
            sensitivity: self.found / self.positive,
            specificity: cleared / self.negative,
            ppv: self.found / (self.found + self.false_alarm),
            npv: cleared / (cleared + missed),
        }
    }
}

/// Stages of a pool split into groups of these sizes, then singly.
pub fn split_stages(groups: &[usize]) -> Result<Stages> {
    let people = groups.iter().sum();
    let mut stages = equal_stages(people, &[people, people])?;
    let mut bounds = vec![0];
    for size in groups {
        bounds.push(bounds[bounds.len() - 1] + size);
    }
    stages[1] = groups_of(&bounds);
    stages[2] = (0..people as u32).map(Some).collect();
    resolve_singles(&mut stages);
    Ok(stages)
}

/// P(a pool of `size` is positive) and P(it and a group of `part` people of it are positive).
pub(crate) fn nested(p: f64, size: usize, part: usize, quality: [Quality; 2]) -> (f64, f64) {
    let none = |n: usize| n as f64 * (-p).ln_1p();
    let path = [(none(size), quality[0]), (none(part), quality[1])];
    (all_positive(&path[..1], 0.0), all_positive(&path, 0.0))
}

/// Dorfman: one pool, then everybody singly if it is positive.
pub fn dorfman(p: f64, size: usize, quality: &[Quality]) -> Result<Characteristics> {
    hierarchical(&vec![p; size], &equal_stages(size, &[size])?, quality)
}

/// Sterrett: a positive pool is tested singly until the first positive, the rest pooled again, and
/// so on; perfect tests. The last member of a positive pool is inferred if all others are negative.
pub fn sterrett(p: f64, size: usize, quality: &[Quality]) -> Result<Characteristics> {
    check(&[p], quality)?;
    if quality.iter().any(|q| *q != Quality::PERFECT) {
        return Err(invalid("Sterrett's design is calculated for perfect tests only"));
    }
    if size == 0 || size > 10_000 {
        return Err(invalid("a pool of 1 to 10000 people"));
    }
    let q = 1.0 - p;
    // tests[n]: a pool of n whose state is unknown; extra[n]: known to be positive.
    let mut tests = vec![0.0; size + 1];
    for n in 1..=size {
        if n == 1 {
            tests[1] = 1.0;
            continue;
        }
        // First positive at place i (of n): i single tests, one fewer if it is the last.
        let mut extra = 0.0;
        for i in 1..=n {
            let chance = q.powi(i as i32 - 1) * p;
            let singles = if i == n { n - 1 } else { i };
            extra += chance * (singles as f64 + tests[n - i]);
        }
        tests[n] = 1.0 + extra;
    }
    Ok(Characteristics {
        people: size as f64,
        expected_tests: tests[size],
        sensitivity: 1.0,
        specificity: 1.0,
        ppv: 1.0,
        npv: 1.0,
    })
}
