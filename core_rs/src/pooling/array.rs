//! Arrays: everybody stands in one row and one column, and rows and columns are the pools.
//!
//! Formulas from the same two assumptions as in [`super::design`] (compare Kim, Hudgens, Dreyfuss,
//! Westreich & Pilcher, Biometrics 63 (2007) 1152). Note: binGroup2 1.3.1 adds a term of one person
//! to the total of an array with a master pool; here 1 + ... is the total of the array.

use super::design::{Characteristics, Quality, Sums, check, invalid, quality_at};
use super::numbers::{any_of, none_of};
use crate::error::Result;

/// An array of `rows` × `columns`: every row and column is a pool; tested singly is who stands in
/// a positive row and a positive column, or in a positive row (column) while no column (row) is
/// positive. With `has_master`, all together are tested first.
pub fn array(
    p: f64,
    rows: usize,
    columns: usize,
    has_master: bool,
    quality: &[Quality],
) -> Result<Characteristics> {
    check(&[p], quality)?;
    if rows < 2 || columns < 2 {
        return Err(invalid("an array has at least two rows and two columns"));
    }
    let stages = if has_master { 3 } else { 2 };
    let master = if has_master { quality_at(quality, 0, stages)? } else { Quality::PERFECT };
    let pool = quality_at(quality, stages - 2, stages)?;
    let single = quality_at(quality, stages - 1, stages)?;
    let (r, c) = (rows as f64, columns as f64);
    let people = r * c;
    let (se, fp) = (pool.sensitivity, 1.0 - pool.specificity);

    // Chances that a person is tested singly: over everybody, and given that the person is not
    // positive; each also with nobody positive at all.
    let tested = lines(p, r, c, pool, None);
    let tested_negative = lines(p, r, c, pool, Some(false));
    let tested_positive = lines(p, r, c, pool, Some(true));
    let quiet = fp * fp + fp * pool.specificity.powf(c) + fp * pool.specificity.powf(r);
    debug_assert!(se > 0.0);

    let through = |chance: f64, nobody: f64| {
        master.sensitivity * (chance - nobody * quiet) + (1.0 - master.specificity) * nobody * quiet
    };
    let (started, each, each_negative, found) = if has_master {
        let nobody = none_of(p, people);
        let started = master.sensitivity * any_of(p, people) + (1.0 - master.specificity) * nobody;
        (
            started,
            through(tested, nobody),
            through(tested_negative, none_of(p, people - 1.0)),
            master.sensitivity * tested_positive,
        )
    } else {
        (1.0, tested, tested_negative, tested_positive)
    };
    let first = if has_master { 1.0 } else { 0.0 };
    let expected_tests = first + started * (r + c) + people * each;
    let mut sums = Sums::default();
    sums.add(p, found * single.sensitivity, each_negative * (1.0 - single.specificity));
    let one = sums.characteristics(people, expected_tests);
    let (missed, false_positives) = (people * one.missed, people * one.false_positives);
    Ok(Characteristics { missed, false_positives, ..one })
}

/// P(a person is tested singly), the person being of the status given or of any.
fn lines(p: f64, r: f64, c: f64, pool: Quality, status: Option<bool>) -> f64 {
    let (se, sp) = (pool.sensitivity, pool.specificity);
    // P(a line of n people tests positive / negative).
    let yes = |n: f64| se * any_of(p, n) + (1.0 - sp) * none_of(p, n);
    let no = |n: f64| (1.0 - se) * any_of(p, n) + sp * none_of(p, n);
    // Row positive and all columns negative, for a row of `c` people and columns of `r`: every
    // column crosses the row in one person, who is negative for sure if the row is.
    let row_only = |r: f64, c: f64| match status {
        Some(true) => se * (1.0 - se) * no(r).powf(c - 1.0),
        Some(false) => {
            let own = no(r - 1.0);
            let quiet = ((1.0 - p) * no(r - 1.0)).powf(c - 1.0);
            own * ((1.0 - sp) * quiet + se * (no(r).powf(c - 1.0) - quiet))
        }
        None => {
            let quiet = ((1.0 - p) * no(r - 1.0)).powf(c);
            (1.0 - sp) * quiet + se * (no(r).powf(c) - quiet)
        }
    };
    let both = match status {
        Some(true) => se * se,
        Some(false) => yes(c - 1.0) * yes(r - 1.0),
        None => p * se * se + (1.0 - p) * yes(c - 1.0) * yes(r - 1.0),
    };
    both + row_only(r, c) + row_only(c, r)
}

/// An array of people with chances of their own, row by row (informative arrays).
///
/// Takes rows × columns × (rows + columns) steps.
pub fn array_each(
    chances: &[f64],
    rows: usize,
    columns: usize,
    has_master: bool,
    quality: &[Quality],
) -> Result<Characteristics> {
    check(chances, quality)?;
    if rows < 2 || columns < 2 || rows * columns != chances.len() || chances.len() > 40_000 {
        return Err(invalid(
            "an array has at least two rows and two columns, 40000 people and a chance for each",
        ));
    }
    let stages = if has_master { 3 } else { 2 };
    let master = if has_master { quality_at(quality, 0, stages)? } else { Quality::PERFECT };
    let single = quality_at(quality, stages - 1, stages)?;
    let pool = quality_at(quality, stages - 2, stages)?;
    let upright = Grid::new(chances.to_vec(), rows, columns, pool);
    let mut turned = vec![0.0; chances.len()];
    for (at, &p) in chances.iter().enumerate() {
        turned[at % columns * rows + at / columns] = p;
    }
    let turned = Grid::new(turned, columns, rows, pool);
    let (r, c) = (rows as f64, columns as f64);
    let fp = 1.0 - pool.specificity;
    let quiet = fp * fp + fp * pool.specificity.powf(c) + fp * pool.specificity.powf(r);
    let nobody_but = |but: usize| -> f64 {
        chances.iter().enumerate().filter(|(at, _)| *at != but).map(|(_, p)| 1.0 - p).product()
    };
    let nobody: f64 = nobody_but(usize::MAX);
    let (se, sp) = (master.sensitivity, master.specificity);
    let through =
        |chance: f64, nobody: f64| se * (chance - nobody * quiet) + (1.0 - sp) * nobody * quiet;
    let started = if has_master { se * (1.0 - nobody) + (1.0 - sp) * nobody } else { 1.0 };
    let mut expected_tests = if has_master { 1.0 } else { 0.0 } + started * (r + c);
    let mut sums = Sums::default();
    for (at, &p) in chances.iter().enumerate() {
        let (i, j) = (at / columns, at % columns);
        let of = |status: bool| {
            upright.both(i, j, status)
                + upright.row_only(i, j, status)
                + turned.row_only(j, i, status)
        };
        let mut found = of(true);
        let mut alarm = of(false);
        if has_master {
            // Nobody else positive: with the person negative, nobody at all is.
            let alone = if nobody > 0.0 { nobody / (1.0 - p) } else { nobody_but(at) };
            found *= se;
            alarm = through(alarm, alone);
        }
        expected_tests += p * found + (1.0 - p) * alarm;
        sums.add(p, found * single.sensitivity, alarm * (1.0 - single.specificity));
    }
    Ok(sums.characteristics(chances.len() as f64, expected_tests))
}

/// Where people of known risk stand in an array (Tebbs, Bilder and others, Biometrics 68 (2012)
/// 793).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrangement {
    /// As they are given, row by row.
    Given,
    /// Column by column, the highest risks first.
    Gradient,
    /// Around the corner of the first row and column, the highest risks there.
    Spiral,
}

impl Arrangement {
    /// Names used by callers.
    pub const NAMES: &'static [(&'static str, Self)] =
        &[("given", Self::Given), ("gradient", Self::Gradient), ("spiral", Self::Spiral)];
}

/// Chances row by row for an array of that arrangement.
pub fn arrange(
    chances: &[f64],
    rows: usize,
    columns: usize,
    arrangement: Arrangement,
) -> Result<Vec<f64>> {
    if rows * columns != chances.len() || rows < 2 || columns < 2 {
        return Err(invalid("an array has two rows and columns at least, and a chance for each"));
    }
    let mut falling = chances.to_vec();
    falling.sort_by(|a, b| b.total_cmp(a));
    let mut placed = vec![0.0; chances.len()];
    match arrangement {
        Arrangement::Given => return Ok(chances.to_vec()),
        Arrangement::Gradient => {
            for (at, p) in falling.into_iter().enumerate() {
                placed[at % rows * columns + at / rows] = p;
            }
        }
        Arrangement::Spiral => {
            let mut next = falling.into_iter();
            let (mut tall, mut wide) = (0, 1);
            while tall < rows || wide < columns {
                // A column is filled upwards from the last row there is, a row from the left; the
                // first two people are a column.
                if tall < 2 || tall < rows && tall <= wide || wide == columns {
                    for column in 0..wide {
                        placed[tall * columns + column] = next.next().unwrap_or(0.0);
                    }
                    tall += 1;
                } else {
                    for row in (0..tall).rev() {
                        placed[row * columns + wide] = next.next().unwrap_or(0.0);
                    }
                    wide += 1;
                }
            }
        }
    }
    Ok(placed)
}

/// Chances row by row, with what each column says by itself.
struct Grid {
    p: Vec<f64>,
    rows: usize,
    columns: usize,
    pool: Quality,
    /// P(column tests negative).
    negative: Vec<f64>,
    /// The same with the person of that row negative for sure.
    negative_but: Vec<f64>,
}

impl Grid {
    fn new(p: Vec<f64>, rows: usize, columns: usize, pool: Quality) -> Self {
        let mut grid =
            Self { p, rows, columns, pool, negative: Vec::new(), negative_but: Vec::new() };
        grid.negative = (0..columns).map(|j| grid.negative(grid.column_none(j, rows))).collect();
        grid.negative_but = (0..rows * columns)
            .map(|at| grid.negative(grid.column_none(at % columns, at / columns)))
            .collect();
        grid
    }

    /// P(nobody in the column but row `but` is positive).
    fn column_none(&self, column: usize, but: usize) -> f64 {
        let others = (0..self.rows).filter(|&i| i != but);
        others.map(|i| 1.0 - self.p[i * self.columns + column]).product()
    }

    fn row_none(&self, row: usize, but: usize) -> f64 {
        let others = (0..self.columns).filter(|&j| j != but);
        others.map(|j| 1.0 - self.p[row * self.columns + j]).product()
    }

    /// P(a line tests negative) where `none` is the chance that nobody in it is positive.
    fn negative(&self, none: f64) -> f64 {
        (1.0 - self.pool.sensitivity) * (1.0 - none) + self.pool.specificity * none
    }

    /// P(row and column of the person test positive).
    fn both(&self, i: usize, j: usize, is_positive: bool) -> f64 {
        if is_positive {
            return self.pool.sensitivity * self.pool.sensitivity;
        }
        let yes = |none: f64| 1.0 - self.negative(none);
        yes(self.row_none(i, j)) * yes(self.column_none(j, i))
    }

    /// P(row positive, all columns negative). Every column crosses the row in one person, who is
    /// negative for sure if the row is.
    fn row_only(&self, i: usize, j: usize, is_positive: bool) -> f64 {
        let (se, sp) = (self.pool.sensitivity, self.pool.specificity);
        let others = || (0..self.columns).filter(|&other| other != j);
        let all: f64 = others().map(|other| self.negative[other]).product();
        if is_positive {
            return se * (1.0 - se) * all;
        }
        let at = |column: usize| i * self.columns + column;
        let quiet: f64 =
            others().map(|o| (1.0 - self.p[at(o)]) * self.negative_but[at(o)]).product();
        self.negative_but[at(j)] * ((1.0 - sp) * quiet + se * (all - quiet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_chances_one_by_one_give_the_formula_for_all() -> Result<()> {
        let quality = [(0.99, 0.98), (0.95, 0.97), (0.9, 0.96)]
            .map(|(sensitivity, specificity)| Quality { sensitivity, specificity });
        for has_master in [false, true] {
            let quality = &quality[usize::from(!has_master)..];
            let one = array(0.07, 3, 5, has_master, quality)?;
            let each = array_each(&[0.07; 15], 3, 5, has_master, quality)?;
            for (a, b) in [
                (one.expected_tests, each.expected_tests),
                (one.sensitivity, each.sensitivity),
                (one.specificity, each.specificity),
                (one.ppv, each.ppv),
                (one.npv, each.npv),
            ] {
                assert!((a - b).abs() < 1e-12, "{a} {b}");
            }
        }
        Ok(())
    }

    /// All 2^(4 + 1) truths times all 2^(4) answers of the lines of a 2 × 2 array, one by one.
    #[test]
    fn unequal_chances_agree_with_the_sum_over_all_worlds() -> Result<()> {
        let chances = [0.0, 0.3, 1.0, 0.2];
        let quality = [
            Quality { sensitivity: 0.9, specificity: 0.8 },
            Quality { sensitivity: 0.85, specificity: 0.95 },
        ];
        let made = array_each(&chances, 2, 2, false, &quality)?;
        let (mut tests, mut found, mut positive) = (4.0, 0.0, 0.0);
        for truth in 0_u32..16 {
            let is = |at: usize| truth >> at & 1 == 1;
            let weight: f64 =
                (0..4).map(|at| if is(at) { chances[at] } else { 1.0 - chances[at] }).product();
            let lines = [is(0) || is(1), is(2) || is(3), is(0) || is(2), is(1) || is(3)];
            for answer in 0_u32..16 {
                let says = |line: usize| answer >> line & 1 == 1;
                let likely: f64 = (0..4)
                    .map(|line| {
                        let yes = if lines[line] { 0.9 } else { 1.0 - 0.8 };
                        if says(line) { yes } else { 1.0 - yes }
                    })
                    .product();
                for at in 0..4 {
                    let (row, column) = (says(at / 2), says(2 + at % 2));
                    let no_row = !says(0) && !says(1);
                    let no_column = !says(2) && !says(3);
                    let is_row = row && (column || no_column);
                    if is_row || (column && no_row) {
                        tests += weight * likely;
                        found += weight * likely * f64::from(u8::from(is(at))) * 0.85;
                    }
                }
            }
            positive += weight * f64::from(truth.count_ones());
        }
        assert!((made.expected_tests - tests).abs() < 1e-12, "{} {tests}", made.expected_tests);
        assert!((made.sensitivity - found / positive).abs() < 1e-12);
        Ok(())
    }
}
