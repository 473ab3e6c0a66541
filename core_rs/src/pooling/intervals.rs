//! Limits for the share of positive people, tests being perfect.

use super::numbers::{any_of, binomial_tail, find_zero, none_of, normal_quantile};
use super::prevalence::{HIGH, LOW, Pools, Sample};
use crate::error::{Error, Kind, Result};

/// Which interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// Score corrected for skewness; the default.
    SkewScore,
    /// The same with the bias of the estimate taken off the standardised score, as the reference
    /// software does it.
    BcSkewScore,
    /// Score.
    Score,
    /// Likelihood ratio.
    Lrt,
    /// Estimate ± z standard errors, cut at 0.
    Wald,
    /// Wald for positive pools per person.
    Mir,
    /// Clopper–Pearson; one size only.
    ClopperPearson,
    /// Wilson; one size only.
    Wilson,
    /// Agresti–Coull; one size only.
    AgrestiCoull,
    /// Blaker (Canadian Journal of Statistics 28 (2000) 783); one size only.
    Blaker,
    /// Second-order corrected (Cai, Journal of Statistical Planning and Inference 131 (2005) 63);
    /// one size only.
    SecondOrder,
    /// Hepworth: all outcomes ordered by their estimate; few pools.
    Exact,
}

impl Interval {
    /// All, with the names used by callers.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("skew-score", Self::SkewScore),
        ("bc-skew-score", Self::BcSkewScore),
        ("score", Self::Score),
        ("lrt", Self::Lrt),
        ("wald", Self::Wald),
        ("mir", Self::Mir),
        ("clopper-pearson", Self::ClopperPearson),
        ("cp", Self::ClopperPearson),
        ("wilson", Self::Wilson),
        ("agresti-coull", Self::AgrestiCoull),
        ("ac", Self::AgrestiCoull),
        ("blaker", Self::Blaker),
        ("second-order", Self::SecondOrder),
        ("soc", Self::SecondOrder),
        ("exact", Self::Exact),
    ];
}

type Limits = (Option<f64>, Option<f64>);

fn both(lower: f64, upper: f64) -> Limits {
    (Some(lower), Some(upper))
}

/// Lower and upper limit.
pub(crate) fn limits(sample: &Sample, interval: Interval, confidence: f64) -> Result<Limits> {
    let z = normal_quantile(f64::midpoint(1.0, confidence));
    let people = sample.people();
    match interval {
        Interval::ClopperPearson
        | Interval::Wilson
        | Interval::AgrestiCoull
        | Interval::Blaker
        | Interval::SecondOrder => {
            return one_size(sample, interval, confidence, z);
        }
        Interval::Exact => return exact(sample, confidence),
        Interval::Mir => {
            let rate = sample.positives() / people;
            let spread = z * (rate * (1.0 - rate) / people).sqrt();
            return Ok(both((rate - spread).max(0.0), rate + spread));
        }
        _ => {}
    }
    let mle = sample.mle();
    if sample.positives() <= 0.0 {
        // Nothing positive: Wilson's limit on the people, the estimate having no spread.
        let upper = if interval == Interval::Wald { 0.0 } else { z * z / (people + z * z) };
        return Ok(both(0.0, upper));
    }
    if interval == Interval::Wald {
        let (_, information, _) = sample.score(mle);
        let spread = z / information.sqrt();
        return Ok(both((mle - spread).max(0.0), (mle + spread).min(1.0)));
    }
    if interval == Interval::Lrt {
        let top = sample.log_likelihood(mle);
        let within = |p: f64| 2.0 * (top - sample.log_likelihood(p)) - z * z;
        return Ok(both(find_zero(LOW, mle, within), find_zero(mle, HIGH, |p| -within(p))));
    }
    let standard = |p: f64| {
        let (u, information, drift) = sample.score(p);
        let skew = || sample.skewness(p) * (z * z - 1.0) / 6.0;
        let plain = u / information.sqrt();
        match interval {
            Interval::SkewScore => plain - skew(),
            Interval::BcSkewScore => plain - skew() + drift / (2.0 * information * information),
            _ => plain,
        }
    };
    Ok(both(find_zero(LOW, HIGH, |p| standard(p) - z), find_zero(LOW, HIGH, |p| standard(p) + z)))
}

/// Limits for the share of positive pools, turned into the share of people.
fn one_size(sample: &Sample, interval: Interval, confidence: f64, z: f64) -> Result<Limits> {
    let [Pools { size, tested, positive, .. }] = sample.groups[..] else {
        let message = "this interval needs pools of one size";
        return Err(Error::new(Kind::Invalid, "pooling.prevalence", message));
    };
    let (n, x) = (tested as u32, positive as u32);
    let (low, high) = match interval {
        Interval::ClopperPearson => {
            let half = (1.0 - confidence) / 2.0;
            let low = if x == 0 {
                0.0
            } else {
                find_zero(LOW, HIGH, |share| half - binomial_tail(x, n, share))
            };
            let high = if x == n {
                1.0
            } else {
                // P(X ≤ x) = P(n − X ≥ n − x), the failures having chance 1 − share.
                find_zero(LOW, HIGH, |share| binomial_tail(n - x, n, 1.0 - share) - half)
            };
            (low, high)
        }
        Interval::Wilson => {
            let centre = (positive + z * z / 2.0) / (tested + z * z);
            let spread = z / (tested + z * z)
                * (positive * (tested - positive) / tested + z * z / 4.0).sqrt();
            (centre - spread, centre + spread)
        }
        Interval::SecondOrder => {
            let eta = z * z / 3.0 + 1.0 / 6.0;
            let share = positive / tested;
            let correction = |v: f64| v * -(13.0 * z * z + 17.0) / 18.0 + z * z / 18.0 + 7.0 / 36.0;
            let variance = share * (1.0 - share);
            let spread = z * ((variance + correction(variance) / tested) / tested).max(0.0).sqrt();
            let centre = (positive + eta) / (tested + 2.0 * eta);
            (centre - spread, centre + spread)
        }
        Interval::Blaker => blaker(x, n, 1.0 - confidence),
        _ => {
            let all = tested + z * z;
            let share = (positive + z * z / 2.0) / all;
            let spread = z * (share * (1.0 - share) / all).sqrt();
            (share - spread, share + spread)
        }
    };
    // A share of pools back to a share of people.
    let people = |share: f64| any_of(share.clamp(0.0, 1.0), 1.0 / size);
    let lower = if x == 0 { 0.0 } else { people(low) };
    let ends_at_one =
        matches!(interval, Interval::ClopperPearson | Interval::Blaker | Interval::SecondOrder);
    Ok(both(lower, if x == n && ends_at_one { 1.0 } else { people(high) }))
}

/// Blaker: every share under which an outcome as unlikely as the one seen, on the side of it or on
/// the other, has at least `alpha`. Such shares may leave gaps; the limits are the outermost.
fn blaker(x: u32, n: u32, alpha: f64) -> (f64, f64) {
    let ways = log_ways(n as usize);
    let accepts = |share: f64| {
        let (yes, no) = (share.ln(), (-share).ln_1p());
        let chance = |k: usize| (ways[k] + k as f64 * yes + (n as usize - k) as f64 * no).exp();
        let chances: Vec<f64> = (0..=n as usize).map(chance).collect();
        let (at, end) = (x as usize, n as usize);
        let up: f64 = chances[at..].iter().sum();
        let down: f64 = chances[..=at].iter().sum();
        // The tail of the other side, as far as it is no larger than that of the own one.
        let own = up.min(down);
        let mut other = 0.0;
        let far: Box<dyn Iterator<Item = usize>> =
            if up < down { Box::new(0..at) } else { Box::new((at + 1..=end).rev()) };
        for k in far {
            if other + chances[k] > own * (1.0 + 1e-12) {
                break;
            }
            other += chances[k];
        }
        own + other >= alpha
    };
    let seen = f64::from(x) / f64::from(n);
    // Clopper–Pearson lies outside: from there inwards in steps, then halved.
    let half = alpha / 2.0;
    let inwards = |outer: f64| {
        const STEPS: u32 = 2_000;
        if accepts(outer) {
            return outer;
        }
        let at = |step: u32| outer + (seen - outer) * f64::from(step) / f64::from(STEPS);
        let first = (1..=STEPS).find(|&step| accepts(at(step))).unwrap_or(STEPS);
        let (mut out, mut inside) = (at(first - 1), at(first));
        for _ in 0..60 {
            let middle = f64::midpoint(out, inside);
            if accepts(middle) { inside = middle } else { out = middle }
        }
        inside
    };
    let low =
        if x == 0 { 0.0 } else { inwards(find_zero(LOW, HIGH, |s| half - binomial_tail(x, n, s))) };
    let high = if x == n {
        1.0
    } else {
        inwards(find_zero(LOW, HIGH, |s| binomial_tail(n - x, n, 1.0 - s) - half))
    };
    (low, high)
}

/// Outcomes that the exact interval may list.
const MOST_OUTCOMES: f64 = 200_000.0;

/// Hepworth 1996: the limit is where all outcomes with an estimate at least (at most) as large as
/// the one seen have together half of 1 − confidence.
fn exact(sample: &Sample, confidence: f64) -> Result<Limits> {
    let groups = &sample.groups;
    let count: f64 = groups.iter().map(|g| g.tested + 1.0).product();
    if count > MOST_OUTCOMES {
        let message = format!("the exact interval lists {count:.0} outcomes, at most 200000");
        return Err(Error::new(Kind::LimitReached, "pooling.prevalence", message));
    }
    let seen = sample.mle();
    let mut above = Vec::new();
    let mut below = Vec::new();
    let mut outcome = sample.clone();
    for group in &mut outcome.groups {
        group.positive = 0.0;
    }
    loop {
        let estimate = outcome.mle();
        let tolerance = 1e-9 * seen.max(1e-9);
        let counts: Vec<f64> = outcome.groups.iter().map(|g| g.positive).collect();
        if estimate >= seen - tolerance {
            above.push(counts.clone());
        }
        if estimate <= seen + tolerance {
            below.push(counts);
        }
        // Counts up like an odometer.
        let Some(at) = outcome.groups.iter().position(|g| g.positive < g.tested) else { break };
        outcome.groups[at].positive += 1.0;
        for group in &mut outcome.groups[..at] {
            group.positive = 0.0;
        }
    }
    let half = (1.0 - confidence) / 2.0;
    let ways: Vec<Vec<f64>> = groups.iter().map(|g| log_ways(g.tested as usize)).collect();
    let chance = |set: &[Vec<f64>], p: f64| -> f64 {
        let logs: Vec<(f64, f64)> =
            groups.iter().map(|g| (any_of(p, g.size).ln(), none_of(p, g.size).ln())).collect();
        let one = |counts: &Vec<f64>| -> f64 {
            let mut sum = 0.0;
            for (at, group) in groups.iter().enumerate() {
                let x = counts[at];
                sum += ways[at][x as usize];
                if x > 0.0 {
                    sum += x * logs[at].0;
                }
                if x < group.tested {
                    sum += (group.tested - x) * logs[at].1;
                }
            }
            sum.exp()
        };
        set.iter().map(one).sum()
    };
    let lower = if sample.positives() <= 0.0 {
        0.0
    } else {
        find_zero(LOW, HIGH, |p| half - chance(&above, p))
    };
    let upper = if sample.is_all_positive() {
        1.0
    } else {
        find_zero(LOW, HIGH, |p| chance(&below, p) - half)
    };
    Ok(both(lower, upper))
}

/// Logarithms of the binomial coefficients of `n`.
fn log_ways(n: usize) -> Vec<f64> {
    let mut logs = Vec::with_capacity(n + 1);
    let mut sum = 0.0;
    for k in 0..=n {
        logs.push(sum);
        sum += ((n - k) as f64 / (k + 1) as f64).ln();
    }
    logs
}
