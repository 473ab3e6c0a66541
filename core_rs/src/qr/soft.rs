//! Gray values of a grid to soft module values: positive for dark, near ±1 when sure.
//!
//! Light and contrast are taken out with the mean and the spread of the modules around. Blur and
//! movement are taken out by a linear filter that is learned from the modules whose colour is known
//! (finders, timing, alignment, then the decisions themselves): least squares, the linear equaliser
//! of J. G. Proakis, *Digital Communications*, 4th ed., 10.2 and 10.3.3 (decision feedback of the
//! training kind), here in two dimensions and at half the module's pitch.

use super::grid::Grid;
use super::image::View;
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
    for y in 1..size - 1 {
        for x in 1..size - 1 {
            let at = y * size + x;
            let beside = z[at - 1] + z[at + 1] + z[at - size] + z[at + size];
            sharp[at] = z[at] * (1.0 + amount) - beside * (amount * 0.25);
        }
    }
    sharp
}

fn surroundings(size: usize, centres: &[f32]) -> Surroundings {
    let wide = size + 1;
    let mut sums = vec![0.0_f32; wide * wide];
    let mut squares = vec![0.0_f32; wide * wide];
    for y in 0..size {
        let (mut sum, mut square) = (0.0, 0.0);
        for x in 0..size {
            let v = centres[y * size + x] - 128.0;
            sum += v;
            square += v * v;
            sums[(y + 1) * wide + x + 1] = sums[y * wide + x + 1] + sum;
            squares[(y + 1) * wide + x + 1] = squares[y * wide + x + 1] + square;
        }
    }
    let mut mean = Vec::with_capacity(size * size);
    let mut gain = Vec::with_capacity(size * size);
    for y in 0..size {
        let (top, bottom) = (y.saturating_sub(AROUND), (y + AROUND + 1).min(size));
        for x in 0..size {
            let (left, right) = (x.saturating_sub(AROUND), (x + AROUND + 1).min(size));
            let over = |table: &[f32]| {
                table[bottom * wide + right]
                    - table[top * wide + right]
                    - table[bottom * wide + left]
                    + table[top * wide + left]
            };
            let count = ((bottom - top) * (right - left)) as f32;
            let m = over(&sums) / count;
            let variance = (over(&squares) / count - m * m).max(4.0);
            mean.push(m + 128.0);
            gain.push(1.0 / variance.sqrt());
        }
    }
    Surroundings { mean, gain }
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
