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
    /// Expected number of positive people who are called negative.
    pub missed: f64,
    /// Expected number of negative people who are called positive.
    pub false_positives: f64,
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

/// A hierarchical design: groups tested, those positive split and tested again. Who is alone from
/// the start is tested singly, with the quality of the last stage.
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
    let mut sizes = std::collections::HashMap::<u32, u32>::new();
    for group in stages[0].iter().flatten() {
        *sizes.entry(*group).or_default() += 1;
    }
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
            let is_alone = at == 0 && sizes[&group] == 1;
            let stage = if is_alone { stages.len() - 1 } else { at };
            path.push((none[at][&group], qualities[stage]));
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
pub(super) fn all_positive(path: &[(f64, Quality)], own: f64) -> f64 {
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
        self.add_counts(p, p * found, (1.0 - p) * false_alarm);
    }

    /// The same with P(positive and called so) and P(negative and called positive).
    pub(super) fn add_counts(&mut self, p: f64, found: f64, false_alarm: f64) {
        self.positive += p;
        self.negative += 1.0 - p;
        self.found += found;
        self.false_alarm += false_alarm;
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
            missed,
            false_positives: self.false_alarm,
        }
    }
}

/// Dorfman: one pool, then everybody singly if it is positive.
pub fn dorfman(p: f64, size: usize, quality: &[Quality]) -> Result<Characteristics> {
    hierarchical(&vec![p; size], &equal_stages(size, &[size])?, quality)
}
