//! Best designs within limits by what they cost and miss, and advice.

use super::array::{Arrangement, arrange, array, array_each};
use super::design::{Characteristics, Quality, Stages, dorfman, hierarchical, invalid, quality_at};
use super::risks::expected_risks;
use super::splits::{Group, Prices, Risks, Splitter, is_less, stages_of};
use super::sterrett::{Rule, sterrett};
use crate::error::Result;

/// A family of designs with sizes to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// One pool, then singly; people of known risk in pools of their own best sizes.
    Dorfman,
    /// The same for a block of people of known risk, of which no pool may be the whole.
    InformativeDorfman,
    /// Pool, smaller pools (once or twice), then singly.
    Hierarchical,
    /// Square array; people of known risk in the order given.
    Array,
    /// Square array, people of known risk in columns, the highest risks first.
    InformativeArray,
    /// Square array with a master pool.
    ArrayWithMaster,
    /// One by one after a positive pool, the rest pooled again.
    Sterrett,
}

impl Family {
    /// Names used by callers.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("dorfman", Self::Dorfman),
        ("informative_dorfman", Self::InformativeDorfman),
        ("hierarchical", Self::Hierarchical),
        ("array", Self::Array),
        ("informative_array", Self::InformativeArray),
        ("array_with_master", Self::ArrayWithMaster),
        ("sterrett", Self::Sterrett),
    ];
}

/// What is to be least.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Objective {
    /// Expected tests per person (ET).
    Tests,
    /// Expected tests per person called rightly (MAR; Malinovsky, Albert & Roy, Biometrics 72
    /// (2016) 299).
    TestsPerCorrect,
    /// Tests and weighted errors per person (GR; Graff & Roeloffs, Technometrics 14 (1972) 113).
    Weighted {
        /// Weight of a negative person called positive, in tests.
        false_positive: f64,
        /// Weight of a positive person called negative, in tests.
        missed: f64,
    },
}

impl Objective {
    /// What a design is worth; less is better.
    pub fn value(&self, at: &Characteristics) -> f64 {
        match *self {
            Self::Tests => at.tests_per_person(),
            Self::TestsPerCorrect => {
                at.expected_tests / (at.people - at.missed - at.false_positives)
            }
            Self::Weighted { false_positive, missed } => {
                let errors = false_positive * at.false_positives + missed * at.missed;
                (at.expected_tests + errors) / at.people
            }
        }
    }
}

/// The risks of the people to be pooled.
#[derive(Debug, Clone, PartialEq)]
pub enum Chances {
    /// The same for all.
    Equal(f64),
    /// One for each person.
    Each(Vec<f64>),
    /// Those expected of so many people whose risks follow a beta distribution.
    Beta {
        /// The mean risk.
        p: f64,
        /// Its first shape; the smaller, the more people differ.
        alpha: f64,
    },
}

/// What to look for.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// The smallest and the largest first pool (block, side of an array).
    pub sizes: (usize, usize),
    /// Stages of a hierarchical design, 2 to 4.
    pub stages: usize,
    /// What is to be least.
    pub objective: Objective,
    /// Of Sterrett's design.
    pub rule: Rule,
}

/// The best design and what it costs and finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// Sizes by stage; of several groups of a stage that of the largest.
    pub sizes: Vec<usize>,
    /// Sizes of the groups that a positive pool (a block) is split into.
    pub groups: Vec<usize>,
    /// The group of each person at each stage; none of arrays and Sterrett's design.
    pub stages: Stages,
    /// The risks that were worked with, where they differ.
    pub risks: Vec<f64>,
    /// Value of the objective.
    pub value: f64,
    /// Characteristics.
    pub at: Characteristics,
}

/// The design of least objective; of equals the smallest.
///
/// Equal risks and those of a beta distribution: among first pools of `sizes`. People of known
/// risk: all of them are the first pool (block, array), and only Dorfman's pools are limited by
/// the largest size. Error `pooling.design`.
pub fn optimal_size(
    family: Family,
    chances: &Chances,
    quality: &[Quality],
    search: &Search,
) -> Result<Best> {
    let (from, to) = search.sizes;
    if from < 2 || to < from || to > 1_000 {
        return Err(invalid("sizes from at least 2 up to at most 1000"));
    }
    if !(2..=4).contains(&search.stages) {
        return Err(invalid("a hierarchical design has 2, 3 or 4 stages"));
    }
    if let Objective::Weighted { false_positive, missed } = search.objective
        && !(false_positive >= 0.0 && missed >= 0.0 && (false_positive + missed).is_finite())
    {
        return Err(invalid("the two weights are numbers of tests, not negative"));
    }
    let lots: Vec<usize> = match chances {
        Chances::Each(each) => vec![each.len()],
        _ => (from..=to).collect(),
    };
    let mut best: Option<Best> = None;
    for lot in lots {
        let made = match family {
            Family::Dorfman | Family::InformativeDorfman | Family::Hierarchical => {
                split(family, chances, lot, quality, search)?
            }
            Family::Array | Family::InformativeArray | Family::ArrayWithMaster => {
                Some(square(family, chances, lot, quality)?)
            }
            Family::Sterrett => {
                let risks = risks_of(chances, lot)?;
                let at = sterrett(&risks, quality, search.rule)?;
                Some(best_of(vec![lot], risks, at))
            }
        };
        let Some(mut made) = made else { continue };
        made.value = search.objective.value(&made.at);
        if matches!(chances, Chances::Equal(_)) {
            made.risks.clear();
        }
        if best.as_ref().is_none_or(|b| is_less(made.value, b.value)) {
            best = Some(made);
        }
    }
    best.ok_or_else(|| invalid("no size of this design fits; three stages need three people"))
}

fn best_of(sizes: Vec<usize>, risks: Vec<f64>, at: Characteristics) -> Best {
    Best { sizes, groups: Vec::new(), stages: Vec::new(), risks, value: f64::NAN, at }
}

fn risks_of(chances: &Chances, people: usize) -> Result<Vec<f64>> {
    match chances {
        Chances::Equal(p) => Ok(vec![*p; people]),
        Chances::Each(each) => Ok(each.clone()),
        Chances::Beta { p, alpha } => expected_risks(*p, *alpha, people),
    }
}

/// A square array: of people of known risk all of them, else of the side `lot`.
fn square(family: Family, chances: &Chances, lot: usize, quality: &[Quality]) -> Result<Best> {
    let has_master = family == Family::ArrayWithMaster;
    let side = match chances {
        Chances::Each(each) => each.len().isqrt(),
        _ => lot,
    };
    if let Chances::Equal(p) = chances {
        let at = array(*p, side, side, has_master, quality)?;
        return Ok(best_of(vec![side], Vec::new(), at));
    }
    let mut risks = risks_of(chances, side * side)?;
    if family == Family::InformativeArray || !matches!(chances, Chances::Each(_)) {
        risks = arrange(&risks, side, side, Arrangement::Gradient)?;
    }
    let at = array_each(&risks, side, side, has_master, quality)?;
    Ok(best_of(vec![side], risks, at))
}

/// The best splits of one lot of people; none if it has too few for so many stages.
fn split(
    family: Family,
    chances: &Chances,
    lot: usize,
    quality: &[Quality],
    search: &Search,
) -> Result<Option<Best>> {
    let risks = risks_of(chances, lot)?;
    let is_known = !matches!(chances, Chances::Equal(_));
    let levels = if family == Family::Hierarchical { search.stages - 1 } else { 1 };
    // A pool of two can be split into nothing but single tests.
    if lot <= levels || lot < 2 {
        return Ok(None);
    }
    if levels == 3 && lot > 150 || lot > 1_000 {
        return Err(invalid("at most 150 people for four stages, 1000 for fewer"));
    }
    let most = match family {
        Family::InformativeDorfman => Some(search.sizes.1.min(lot - 1)),
        Family::Dorfman if is_known => Some(search.sizes.1.min(lot)),
        _ => None,
    };
    let mut order: Vec<usize> = (0..lot).collect();
    order.sort_by(|&a, &b| risks[a].total_cmp(&risks[b]).then(a.cmp(&b)));
    let sorted = match chances {
        Chances::Equal(p) => Risks::Equal(*p, lot),
        _ => Risks::each(risks.clone()),
    };
    let qualities: Vec<Quality> =
        (0..=levels).map(|at| quality_at(quality, at, levels + 1)).collect::<Result<_>>()?;
    // Checks the risks and qualities, too.
    let single = vec![(0..lot as u32).map(Some).collect()];
    hierarchical(&risks, &single, &qualities[levels..])?;
    let make = |prices: Prices| -> Result<(Vec<Group>, Stages, Characteristics)> {
        let splitter = Splitter { risks: &sorted, quality: &qualities, prices };
        let groups = match most {
            Some(most) => splitter.block(most, levels),
            None => vec![splitter.whole(levels)],
        };
        let stages = stages_of(&groups, levels + 1, &order);
        let at = hierarchical(&risks, &stages, &qualities)?;
        Ok((groups, stages, at))
    };
    let mut made = make(match search.objective {
        Objective::Weighted { false_positive, missed } => Prices { false_positive, missed },
        _ => Prices { false_positive: 0.0, missed: 0.0 },
    })?;
    if search.objective == Objective::TestsPerCorrect {
        // Dinkelbach: the least ratio is where tests - ratio x correct is least, and is 0.
        let mut ratio = search.objective.value(&made.2);
        for _ in 0..100 {
            let next = make(Prices { false_positive: ratio, missed: ratio })?;
            let value = search.objective.value(&next.2);
            if !is_less(value, ratio) {
                break;
            }
            (ratio, made) = (value, next);
        }
    }
    let (groups, stages, at) = made;
    let first = if most.is_some() { &groups } else { &groups[0].parts };
    let mut sizes: Vec<usize> = vec![groups.iter().map(Group::size).max().unwrap_or(lot)];
    let mut level: Vec<&Group> = groups.iter().collect();
    for _ in 1..levels {
        level = level.into_iter().flat_map(|group| &group.parts).collect();
        sizes.push(level.iter().map(|group| group.size()).max().unwrap_or(1));
    }
    let mut sizes_of_first: Vec<usize> = first.iter().map(Group::size).collect();
    if levels > 1 && sizes_of_first.is_empty() {
        sizes_of_first = vec![1; lot];
    }
    Ok(Some(Best { sizes, groups: sizes_of_first, stages, risks, value: f64::NAN, at }))
}

/// Informative pooling: people of known risk in Dorfman pools of at most `most`, fewest tests.
///
/// Gives the pools as indices into `chances`, lowest risks first, and the expected tests of all.
pub fn informative_pools(
    chances: &[f64],
    most: usize,
    quality: &[Quality],
) -> Result<(Vec<Vec<usize>>, f64)> {
    if most == 0 || chances.is_empty() || chances.iter().any(|p| !(0.0..=1.0).contains(p)) {
        return Err(invalid("chances between 0 and 1, pools of at least one"));
    }
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|&a, &b| chances[a].total_cmp(&chances[b]).then(a.cmp(&b)));
    let qualities = [quality_at(quality, 0, 2)?, quality_at(quality, 1, 2)?];
    let prices = Prices { false_positive: 0.0, missed: 0.0 };
    let risks = Risks::each(chances.to_vec());
    let splitter = Splitter { risks: &risks, quality: &qualities, prices };
    let groups = splitter.block(most, 1);
    let stages = stages_of(&groups, 2, &order);
    let tests = hierarchical(chances, &stages, &qualities)?.expected_tests;
    let pools = groups.iter().map(|group| order[group.start..group.end].to_vec()).collect();
    Ok((pools, tests))
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
