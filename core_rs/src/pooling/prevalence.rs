//! Share of positive people estimated from pools of any sizes.
//!
//! `x` of `n` pools of `m` people are positive; a pool is positive with probability
//! θ(p) = Se − (Se + Sp − 1)(1 − p)^m. Everything follows from the score U(p), its variance I(p)
//! and its third cumulant, sums over the sizes. Pools are taken to be independent: where families
//! share a pool the estimate is too low, and the caller says so (see `household_warning`).
//!
//! Sources: Hepworth & Biggerstaff, JABES 22 (2017) 602 (bias of the estimate, Gart and Firth);
//! Gart, "An application of score methodology", in Krewski & Franklin (1991) (score intervals);
//! Hepworth, Biometrics 52 (1996) 1134 (exact). Values agree with `PooledInfRate` 1.6 and
//! `binGroup2` 1.3.1 (docs/pooling.md).

use super::design::Quality;
use super::intervals::{Interval, limits};
use super::numbers::{any_of, find_zero, none_of};
use crate::error::{Error, Kind, Result};

/// Pools of one size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pools {
    /// People in each pool; not always whole (a mean size).
    pub size: f64,
    /// Pools tested.
    pub tested: f64,
    /// Pools positive.
    pub positive: f64,
    /// Quality of the test in pools of this size.
    pub quality: Quality,
}

impl Pools {
    fn slope(&self) -> f64 {
        self.quality.sensitivity + self.quality.specificity - 1.0
    }

    /// θ(p) and 1 − θ(p).
    pub(crate) fn chance(&self, p: f64) -> (f64, f64) {
        if self.quality == Quality::PERFECT {
            return (any_of(p, self.size), none_of(p, self.size));
        }
        let positive = 1.0 - self.quality.specificity + self.slope() * any_of(p, self.size);
        (positive, 1.0 - self.quality.sensitivity + self.slope() * none_of(p, self.size))
    }
}

/// Which estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Maximum likelihood; biased upwards.
    Mle,
    /// Maximum likelihood minus its first-order bias.
    Gart,
    /// The score corrected so that the bias does not arise; the default.
    Firth,
    /// Positive pools per person tested ("minimum infection rate").
    Mir,
}

/// An estimate with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The share; none if every pool was positive.
    pub estimate: Option<f64>,
    /// Limits; none if not defined (imperfect tests, all pools positive).
    pub lower: Option<f64>,
    /// See `lower`.
    pub upper: Option<f64>,
    /// If every pool was positive: "at least this", one-sided at the confidence asked for.
    pub at_least: Option<f64>,
}

/// Pools by size and quality of the test.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub(crate) groups: Vec<Pools>,
}

/// Smallest and largest share looked at when solving.
pub(crate) const LOW: f64 = 1e-18;
pub(crate) const HIGH: f64 = 1.0 - 1e-15;

impl Sample {
    /// Checks the numbers and joins pools of equal size and quality; all faults in one error
    /// (`pooling.prevalence`).
    pub fn new(groups: &[Pools]) -> Result<Self> {
        let mut wrong = Vec::new();
        for (at, g) in groups.iter().enumerate() {
            let row = at + 1;
            if !(g.size.is_finite() && g.size >= 1.0) {
                wrong.push(format!("group {row}: a pool holds at least one person"));
            }
            let is_count = |v: f64| v.is_finite() && v >= 0.0 && v.fract() == 0.0 && v < 4e9;
            if !is_count(g.tested) || !is_count(g.positive) {
                wrong.push(format!("group {row}: numbers of pools are whole and not negative"));
            } else if g.positive > g.tested {
                wrong.push(format!("group {row}: more pools positive than tested"));
            }
            let Quality { sensitivity: se, specificity: sp } = g.quality;
            let is_share = |v: f64| v > 0.0 && v <= 1.0;
            if !is_share(se) || !is_share(sp) || se + sp <= 1.0 {
                wrong.push(format!(
                    "group {row}: sensitivity and specificity lie in (0, 1] and add up to more than 1"
                ));
            }
        }
        if groups.iter().all(|g| g.tested == 0.0) {
            wrong.push("no pool was tested".to_owned());
        }
        if !wrong.is_empty() {
            return Err(Error::new(Kind::Invalid, "pooling.prevalence", wrong.join("; ")));
        }
        let mut sorted: Vec<Pools> = groups.iter().copied().filter(|g| g.tested > 0.0).collect();
        sorted.sort_by(|a, b| {
            let key = |g: &Pools| [g.size, g.quality.sensitivity, g.quality.specificity];
            key(a).partial_cmp(&key(b)).unwrap_or(std::cmp::Ordering::Equal)
        });
        let mut joined: Vec<Pools> = Vec::with_capacity(sorted.len());
        for group in sorted {
            match joined.last_mut() {
                Some(last)
                    if last.size.total_cmp(&group.size).is_eq()
                        && last.quality == group.quality =>
                {
                    last.tested += group.tested;
                    last.positive += group.positive;
                }
                _ => joined.push(group),
            }
        }
        Ok(Self { groups: joined })
    }

    pub(crate) fn is_perfect(&self) -> bool {
        self.groups.iter().all(|g| g.quality == Quality::PERFECT)
    }

    pub(crate) fn positives(&self) -> f64 {
        self.groups.iter().map(|g| g.positive).sum()
    }

    pub(crate) fn people(&self) -> f64 {
        self.groups.iter().map(|g| g.size * g.tested).sum()
    }

    pub(crate) fn is_all_positive(&self) -> bool {
        self.groups.iter().all(|g| g.positive >= g.tested)
    }

    /// Score U(p), its variance I(p), and the drift −2·I·b where b is the first-order bias.
    pub(crate) fn score(&self, p: f64) -> (f64, f64, f64) {
        let (mut u, mut information, mut drift) = (0.0, 0.0, 0.0);
        for g in &self.groups {
            let (yes, no) = g.chance(p);
            let variance = yes * no;
            if variance <= 0.0 {
                // The pool is sure to be positive or negative at this p, to the last digit.
                if yes <= 0.0 && g.positive > 0.0 {
                    u += f64::INFINITY;
                } else if no <= 0.0 && g.positive < g.tested {
                    u += f64::NEG_INFINITY;
                }
                continue;
            }
            let first = g.slope() * g.size * none_of(p, g.size - 1.0);
            let second = -g.slope() * g.size * (g.size - 1.0) * none_of(p, g.size - 2.0);
            u += first * (g.positive * no - (g.tested - g.positive) * yes) / variance;
            information += g.tested * first * first / variance;
            drift += g.tested * first * second / variance;
        }
        (u, information, drift)
    }

    /// First-order bias of the maximum-likelihood estimate at `p`.
    pub(crate) fn bias(&self, p: f64) -> f64 {
        let (_, information, drift) = self.score(p);
        -drift / (2.0 * information * information)
    }

    /// Skewness of the score at `p`.
    pub(crate) fn skewness(&self, p: f64) -> f64 {
        let (mut second, mut third) = (0.0, 0.0);
        for g in &self.groups {
            let (yes, no) = g.chance(p);
            let variance = yes * no;
            if variance > 0.0 {
                let first = g.slope() * g.size * none_of(p, g.size - 1.0);
                second += g.tested * first * first / variance;
                third += g.tested * first.powi(3) * (no - yes) / (variance * variance);
            }
        }
        third / second.powf(1.5)
    }

    pub(crate) fn log_likelihood(&self, p: f64) -> f64 {
        let term = |count: f64, chance: f64| if count > 0.0 { count * chance.ln() } else { 0.0 };
        let sum = self.groups.iter().map(|g| {
            let (yes, no) = g.chance(p);
            let no = if g.quality == Quality::PERFECT {
                (g.tested - g.positive) * g.size * (-p).ln_1p()
            } else {
                term(g.tested - g.positive, no)
            };
            term(g.positive, yes) + no
        });
        sum.sum()
    }

    /// Maximum-likelihood estimate; 0 where the likelihood only falls.
    pub(crate) fn mle(&self) -> f64 {
        if self.positives() <= 0.0 || self.score(LOW).0 <= 0.0 {
            return 0.0;
        }
        if self.score(HIGH).0 > 0.0 {
            return 1.0;
        }
        find_zero(LOW, HIGH, |p| self.score(p).0)
    }

    fn firth(&self) -> f64 {
        let corrected = |p: f64| {
            let (u, information, drift) = self.score(p);
            u + drift / (2.0 * information)
        };
        if corrected(LOW) <= 0.0 {
            return 0.0;
        }
        find_zero(LOW, HIGH, corrected)
    }

    fn point(&self, point: Point) -> f64 {
        if self.positives() <= 0.0 {
            return 0.0;
        }
        match point {
            Point::Mir => self.positives() / self.people(),
            Point::Mle => self.mle(),
            Point::Firth => self.firth(),
            Point::Gart => {
                let mle = self.mle();
                if mle > 0.0 { (mle - self.bias(mle)).max(0.0) } else { 0.0 }
            }
        }
    }

    /// Estimate and interval.
    ///
    /// If every pool is positive there is no estimate, only "at least"; intervals exist for
    /// perfect tests only. Error `pooling.prevalence` if an interval for one size is asked for
    /// several sizes, or the exact one for too many pools.
    pub fn estimate(
        &self,
        point: Point,
        interval: Option<Interval>,
        confidence: f64,
    ) -> Result<Estimate> {
        if !(confidence > 0.0 && confidence < 1.0) {
            let message = "the confidence lies between 0 and 1";
            return Err(Error::new(Kind::Invalid, "pooling.prevalence", message));
        }
        if self.is_all_positive() && point != Point::Mir {
            let (lower, upper) = match interval {
                // Limits that do not start from the estimate exist here too.
                Some(
                    interval @ (Interval::ClopperPearson
                    | Interval::Exact
                    | Interval::Blaker
                    | Interval::Wilson
                    | Interval::AgrestiCoull
                    | Interval::SecondOrder),
                ) if self.is_perfect() => limits(self, interval, confidence)?,
                _ => (None, None),
            };
            let at_least =
                find_zero(LOW, HIGH, |p| (1.0 - confidence).ln() - self.log_likelihood(p));
            return Ok(Estimate { estimate: None, lower, upper, at_least: Some(at_least) });
        }
        let estimate = Some(self.point(point));
        let (lower, upper) = match interval {
            Some(interval) if self.is_perfect() => limits(self, interval, confidence)?,
            Some(_) => {
                let message = "intervals are known for perfect tests only";
                return Err(Error::new(Kind::Invalid, "pooling.prevalence", message));
            }
            None => (None, None),
        };
        Ok(Estimate { estimate, lower, upper, at_least: None })
    }
}

/// Whether confirmed cases per positive pool show that positives share pools, so that the
/// estimate from pools is too low; gives cases per positive pool seen and expected.
///
/// `confirmed` cases were found in `resolved` positive pools whose members are all re-tested.
pub fn household_warning(sample: &Sample, confirmed: f64, resolved: f64) -> Option<(f64, f64)> {
    let p = sample.mle();
    if resolved <= 0.0 || p <= 0.0 {
        return None;
    }
    let weight = |g: &Pools| g.tested * any_of(p, g.size);
    let pools: f64 = sample.groups.iter().map(weight).sum();
    let expected = sample.people() * p / pools;
    let seen = confirmed / resolved;
    // Cases beyond the first of each pool are few: Poisson, two standard deviations.
    let spread = ((expected - 1.0).max(0.0) / resolved).sqrt();
    (seen > expected + 2.0 * spread + 1.0 / resolved).then_some((seen, expected))
}
