//! Risks of people as they are expected of a beta distribution, lowest first.
//!
//! Black, Bilder & Tebbs, Applied Statistics 64 (2015) 633: a group of people whose risks follow
//! Beta(α, α(1/p − 1)) is represented by the expected order statistics of that distribution.

use super::design::invalid;
use crate::error::Result;

/// Step of the double exponential integration.
const STEP: f64 = 1.0 / 128.0;

/// Stirling's series of the logarithm of the gamma function.
const SERIES: [f64; 6] =
    [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360_360.0];

/// Expected order statistics of `people` draws from Beta(α, α(1/p − 1)), mean `p`. An infinite
/// `alpha` gives everybody `p`; 0 gives the limit in which a share `p` is sure to be positive.
pub fn expected_risks(p: f64, alpha: f64, people: usize) -> Result<Vec<f64>> {
    if !(p > 0.0 && p < 1.0) || alpha.is_nan() || alpha < 0.0 || people == 0 || people > 10_000 {
        return Err(invalid(
            "a mean risk between 0 and 1, alpha of at least 0, up to 10000 people",
        ));
    }
    if alpha.is_infinite() {
        return Ok(vec![p; people]);
    }
    let mut sums = vec![0.0; people];
    if alpha == 0.0 {
        add_tails(&mut sums, 1.0, 1.0 - p);
        return Ok(sums);
    }
    let beta = alpha * (1.0 / p - 1.0);
    // E(X) is the integral of P(X > x) from 0 to 1. Double exponential: x = 1 / (1 + e^(-2s)),
    // s = π/2 sinh(t), so that the bends at the ends do no harm.
    let half = std::f64::consts::FRAC_PI_2;
    let scale = ln_gamma(alpha + beta) - ln_gamma(alpha) - ln_gamma(beta);
    for at in -800_i32..=800 {
        let t = f64::from(at) * STEP;
        let s = half * t.sinh();
        let x = 1.0 / (1.0 + (-2.0 * s).exp());
        let rest = 1.0 / (1.0 + (2.0 * s).exp());
        let weight = STEP * 2.0 * half * t.cosh() * x * rest;
        if weight > 0.0 {
            add_tails(&mut sums, weight, below(x, rest, alpha, beta, scale));
        }
    }
    Ok(sums)
}

/// Adds to each place `weight` times P(the order statistic lies above), `share` being P(one draw
/// lies below).
fn add_tails(sums: &mut [f64], weight: f64, share: f64) {
    let n = sums.len();
    if share <= 0.0 || share >= 1.0 {
        let above = if share <= 0.0 { weight } else { 0.0 };
        for sum in sums {
            *sum += above;
        }
        return;
    }
    // The i-th lies above where at most i - 1 of the draws lie below.
    let mut log_term = n as f64 * (-share).ln_1p();
    let odds = (share / (1.0 - share)).ln();
    let mut tail = 0.0;
    for (i, sum) in sums.iter_mut().enumerate() {
        tail += log_term.exp();
        *sum += weight * f64::min(tail, 1.0);
        log_term += ((n - i) as f64 / (i + 1) as f64).ln() + odds;
    }
}

/// P(a draw from the beta distribution is below `x`), `rest` being 1 − x without loss.
fn below(x: f64, rest: f64, a: f64, b: f64, scale: f64) -> f64 {
    let front = (scale + a * x.ln() + b * rest.ln()).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(x, a, b) / a
    } else {
        1.0 - front * fraction(rest, b, a) / b
    }
}

/// The continued fraction of the incomplete beta function (Numerical Recipes 6.4; Lentz).
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    let safe = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / safe(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for m in 1..10_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut step = 1.0;
        for term in [even, odd] {
            d = 1.0 / safe(1.0 + term * d);
            c = safe(1.0 + term / c);
            step = c * d;
            value *= step;
        }
        if (step - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

/// Logarithm of the gamma function, by Stirling's series from 10 on.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 10.0 {
        shift -= x.ln();
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    let series: f64 = SERIES.iter().rev().fold(0.0, |sum, term| sum * inverse + term) / x;
    shift + (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_risks_are_evenly_spaced() -> Result<()> {
        for (at, risk) in expected_risks(0.5, 1.0, 9)?.into_iter().enumerate() {
            assert!((risk - (at + 1) as f64 / 10.0).abs() < 1e-13, "{risk}");
        }
        Ok(())
    }

    #[test]
    fn the_mean_of_the_risks_is_the_mean_risk() -> Result<()> {
        for (p, alpha, people) in
            [(0.01, 2.0, 20), (0.01, 0.5, 30), (0.05, 0.1, 100), (0.2, 50.0, 7), (0.03, 0.0, 12)]
        {
            let risks = expected_risks(p, alpha, people)?;
            let mean = risks.iter().sum::<f64>() / people as f64;
            assert!((mean / p - 1.0).abs() < 1e-11, "{p} {alpha}: {mean}");
            assert!(risks.is_sorted());
        }
        Ok(())
    }

    #[test]
    fn the_lowest_of_a_power_distribution_is_known() -> Result<()> {
        // Beta(1, b): the lowest of n draws has mean 1 / (1 + n b).
        let risks = expected_risks(0.02, 1.0, 15)?;
        let wanted = 1.0 / (1.0 + 15.0 * 49.0);
        assert!((risks[0] / wanted - 1.0).abs() < 1e-12, "{}", risks[0]);
        Ok(())
    }
}
