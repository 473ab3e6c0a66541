//! The few numerical tools that prevalence and design share.

/// Quantile of the standard normal distribution, to about 16 digits.
///
/// Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied
/// Statistics 37 (1988) 477-484, routine PPND16.
pub fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 8] = [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ];
    const B: [f64; 8] = [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_854,
    ];
    const C: [f64; 8] = [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        7.745_450_142_783_414e-4,
    ];
    const D: [f64; 8] = [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ];
    const E: [f64; 8] = [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_87,
        0.026_532_189_526_576_124,
        0.001_242_660_947_388_078_4,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ];
    const F: [f64; 8] = [
        1.0,
        0.599_832_206_555_888,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_7e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ];
    let ratio = |top: &[f64; 8], bottom: &[f64; 8], x: f64| {
        let sum = |c: &[f64; 8]| c.iter().rev().fold(0.0, |s, c| s * x + c);
        sum(top) / sum(bottom)
    };
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(&A, &B, 0.180_625 - q * q);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail <= 0.0 {
        return if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let r = (-tail.ln()).sqrt();
    let z = if r <= 5.0 { ratio(&C, &D, r - 1.6) } else { ratio(&E, &F, r - 5.0) };
    if q < 0.0 { -z } else { z }
}

/// The zero of a function that is positive at `low` and not at `high`, both within (0, 1).
///
/// Halves the interval of the log-odds, so that small probabilities keep all their digits.
pub fn find_zero(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let odds = |p: f64| (p / (1.0 - p)).ln();
    let back = |t: f64| {
        if t < 0.0 { t.exp() / (1.0 + t.exp()) } else { 1.0 / (1.0 + (-t).exp()) }
    };
    let (mut a, mut b) = (odds(low), odds(high));
    for _ in 0..200 {
        let middle = f64::midpoint(a, b);
        if middle <= a.min(b) || middle >= a.max(b) {
            break;
        }
        if f(back(middle)) > 0.0 {
            a = middle;
        } else {
            b = middle;
        }
    }
    back(f64::midpoint(a, b))
}

/// P(X ≥ k) of a binomial, summed with the logarithm of each term.
pub fn binomial_tail(k: u32, n: u32, p: f64) -> f64 {
    if k == 0 || p >= 1.0 {
        return 1.0;
    }
    if k > n || p <= 0.0 {
        return 0.0;
    }
    let mut log_term = f64::from(n) * (-p).ln_1p();
    let odds = (p / (1.0 - p)).ln();
    let mut sum = 0.0;
    for i in 0..=n {
        if i >= k {
            sum += log_term.exp();
        }
        log_term += (f64::from(n - i) / f64::from(i + 1)).ln() + odds;
    }
    sum.min(1.0)
}

/// `(1 - p)^m`, the probability that a pool of `m` holds nobody positive.
#[inline]
pub fn none_of(p: f64, m: f64) -> f64 {
    (m * (-p).ln_1p()).exp()
}

/// `1 - (1 - p)^m` without loss for small `p`.
#[inline]
pub fn any_of(p: f64, m: f64) -> f64 {
    -(m * (-p).ln_1p()).exp_m1()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, z) in [
            (0.975, 1.959_963_984_540_054),
            (0.95, 1.644_853_626_951_472_2),
            (0.995, 2.575_829_303_548_901),
            (1e-10, -6.361_340_902_404_056),
            (1e-20, -9.262_340_089_798_409),
            (0.5, 0.0),
        ] {
            let error = (normal_quantile(p) - z).abs();
            assert!(error <= 1e-14 * z.abs().max(1.0), "{p}: {}", normal_quantile(p));
        }
    }

    #[test]
    fn a_binomial_tail_is_the_sum_of_its_terms() {
        let exact = 10.0 * 0.3_f64.powi(9) * 0.7 + 0.3_f64.powi(10);
        assert!((binomial_tail(9, 10, 0.3) - exact).abs() < 1e-16);
        assert!((binomial_tail(1, 5, 0.1) - (1.0 - 0.9_f64.powi(5))).abs() < 1e-15);
    }

    #[test]
    fn a_zero_keeps_its_digits_near_nothing() {
        let zero = find_zero(1e-18, 0.5, |p| 1e-12 - p);
        assert!((zero / 1e-12 - 1.0).abs() < 1e-12);
    }
}
