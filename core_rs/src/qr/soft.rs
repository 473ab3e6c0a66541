//! Gray values of a grid to soft module values: positive for dark, near ±1 when sure.
//!
//! Light and contrast are taken out with the mean and the spread of the modules around. Blur and
//! movement are taken out by a linear filter that is learned from the modules whose colour is known
//! (finders, timing, alignment, then the decisions themselves): least squares, the linear equaliser
//! of J. G. Proakis, *Digital Communications*, 4th ed., 10.2 and 10.3.3 (decision feedback of the
//! training kind), here in two dimensions and at half the module's pitch.

use super::grid::Grid;
use super::image::View;
use super::layout::MAX_VERSION;
use super::sampler::value;

/// Modules to each side that make up the surroundings of a module.
const AROUND: usize = 4;
/// Taps: 5 × 5 at half a module's pitch, and a constant.
const TAPS: usize = 26;
/// Pull towards "the centre alone says it", in training modules.
const PULL: f32 = 6.0;

/// Mean and inverse spread of the surroundings of every module.
struct Surroundings {
    mean: Vec<f32>,
    gain: Vec<f32>,
}

/// Values at the centres of modules.
pub(super) fn sample_centres(view: View<'_>, grid: &Grid) -> Vec<f32> {
    let size = grid.layout.size;
    let mut values = Vec::with_capacity(size * size);
    for y in 0..size {
        for x in 0..size {
            values.push(value(view, grid.at(x as f32 + 0.5, y as f32 + 0.5)));
        }
    }
    values
}

/// Soft values from the centres alone, sharpened by `amount` against the four neighbours.
pub(super) fn from_centres(size: usize, centres: &[f32], amount: f32) -> Vec<f32> {
    let around = surroundings(size, centres);
    let z: Vec<f32> = centres
        .iter()
        .zip(around.mean.iter().zip(&around.gain))
        .map(|(v, (mean, gain))| (mean - v) * gain)
        .collect();
    let mut sharp = z.clone();
    let (above, below) = (&z[1..], &z[2 * size + 1..]);
    for (row, sharp) in sharp.chunks_exact_mut(size).enumerate().take(size - 1).skip(1) {
        let (upper, lower) = (&above[(row - 1) * size..], &below[(row - 1) * size..]);
        let here = z[row * size..(row + 1) * size].windows(3);
        for ((sharp, here), (up, down)) in
            sharp[1..].iter_mut().zip(here).zip(upper.iter().zip(lower))
        {
            let beside = here[0] + here[2] + up + down;
            *sharp = here[1] * (1.0 + amount) - beside * (amount * 0.25);
        }
    }
    sharp
}

/// Sums over the columns of a window grow and shrink by a row at a time; sums of nine beside each
/// other are doubled up from sums of two, four and eight.
fn surroundings(size: usize, centres: &[f32]) -> Surroundings {
    let mut down = [[0.0_f32; WIDE]; 2];
    let (mut mean, mut gain) = (vec![0.0; size * size], vec![0.0; size * size]);
    let add_row = |down: &mut [[f32; WIDE]; 2], row: usize, sign: f32| {
        let [sums, squares] = down;
        let values = &centres[row * size..(row + 1) * size];
        let slots = sums[AROUND..].iter_mut().zip(&mut squares[AROUND..]);
        for ((sum, square), value) in slots.zip(values) {
            let v = value - 128.0;
            *sum += sign * v;
            *square += sign * v * v;
        }
    };
    for row in 0..AROUND.min(size) {
        add_row(&mut down, row, 1.0);
    }
    for y in 0..size {
        if y + AROUND < size {
            add_row(&mut down, y + AROUND, 1.0);
        }
        if y > AROUND {
            add_row(&mut down, y - AROUND - 1, -1.0);
        }
        let rows = (y + AROUND + 1).min(size) - y.saturating_sub(AROUND);
        let [sums, squares] = [nine(&down[0], size), nine(&down[1], size)];
        let line = y * size..(y + 1) * size;
        let places = mean[line.clone()].iter_mut().zip(&mut gain[line]);
        for (x, ((mean, gain), (sum, square))) in places.zip(sums.iter().zip(&squares)).enumerate()
        {
            let columns = (x + AROUND + 1).min(size) - x.saturating_sub(AROUND);
            let share = 1.0 / (rows * columns) as f32;
            let m = sum * share;
            *mean = m + 128.0;
            *gain = 1.0 / (square * share - m * m).max(4.0).sqrt();
        }
    }
    Surroundings { mean, gain }
}

/// Columns of the largest symbol with the surroundings of its sides.
const WIDE: usize = 17 + 4 * MAX_VERSION + 2 * AROUND;

/// The sums of nine columns each, the first of them where the window begins.
fn nine(columns: &[f32; WIDE], size: usize) -> [f32; WIDE] {
    let mut sums = *columns;
    let used = &mut sums[..size + 2 * AROUND];
    for reach in [1, 2, 4] {
        for n in 0..used.len() - reach {
            used[n] += used[n + reach];
        }
    }
    for (sum, last) in sums.iter_mut().zip(&columns[2 * AROUND..]) {
        *sum += last;
    }
    sums
}

/// The samples of a grid at half a module's pitch, ready to be filtered.
pub(super) struct Equaliser {
    size: usize,
    pitch: usize,
    lattice: Vec<f32>,
    around: Surroundings,
}

impl Equaliser {
    /// Samples the grid, half a module beyond its sides.
    pub(super) fn sample(view: View<'_>, grid: &Grid) -> Self {
        let size = grid.layout.size;
        let pitch = 2 * size + 3;
        let mut lattice = Vec::with_capacity(pitch * pitch);
        for y in 0..pitch {
            for x in 0..pitch {
                let (u, v) = ((x as f32 - 1.0) * 0.5, (y as f32 - 1.0) * 0.5);
                lattice.push(value(view, grid.at(u, v)));
            }
        }
        let centres: Vec<f32> = (0..size * size)
            .map(|at| lattice[(2 * (at / size) + 2) * pitch + 2 * (at % size) + 2])
            .collect();
        Self { size, pitch, lattice, around: surroundings(size, &centres) }
    }

    fn taps(&self, at: usize) -> [f32; TAPS] {
        let (x, y) = (at % self.size, at / self.size);
        let (mean, gain) = (self.around.mean[at], self.around.gain[at]);
        let mut taps = [1.0; TAPS];
        for dy in 0..5 {
            let start = (2 * y + dy) * self.pitch + 2 * x;
            for (tap, v) in taps[dy * 5..dy * 5 + 5].iter_mut().zip(&self.lattice[start..]) {
                *tap = (mean - v) * gain;
            }
        }
        taps
    }

    /// Learns the filter from modules of known colour and applies it to all.
    pub(super) fn run(&self, taught: &[(usize, bool)]) -> Vec<f32> {
        let mut normal = [[0.0_f32; TAPS]; TAPS];
        let mut right = [0.0_f32; TAPS];
        for &(at, is_dark) in taught {
            let taps = self.taps(at);
            let target = if is_dark { 1.0 } else { -1.0 };
            for (row, &a) in normal.iter_mut().zip(&taps) {
                for (cell, &b) in row.iter_mut().zip(&taps) {
                    *cell += a * b;
                }
            }
            for (cell, &a) in right.iter_mut().zip(&taps) {
                *cell += a * target;
            }
        }
        for (n, row) in normal.iter_mut().enumerate() {
            row[n] += PULL;
        }
        right[12] += PULL;
        let weights = solve(&mut normal, right);
        (0..self.size * self.size)
            .map(|at| self.taps(at).iter().zip(&weights).map(|(tap, w)| tap * w).sum())
            .collect()
    }
}

/// Solves a symmetric positive definite system by Cholesky's factors, in place.
fn solve(matrix: &mut [[f32; TAPS]; TAPS], mut right: [f32; TAPS]) -> [f32; TAPS] {
    for n in 0..TAPS {
        for m in 0..=n {
            let dot: f32 = (0..m).map(|k| matrix[n][k] * matrix[m][k]).sum();
            let rest = matrix[n][m] - dot;
            matrix[n][m] = if n == m { rest.max(1e-3).sqrt() } else { rest / matrix[m][m] };
        }
    }
    for n in 0..TAPS {
        let dot: f32 = (0..n).map(|k| matrix[n][k] * right[k]).sum();
        right[n] = (right[n] - dot) / matrix[n][n];
    }
    for n in (0..TAPS).rev() {
        let dot: f32 = (n + 1..TAPS).map(|k| matrix[k][n] * right[k]).sum();
        right[n] = (right[n] - dot) / matrix[n][n];
    }
    right
}
