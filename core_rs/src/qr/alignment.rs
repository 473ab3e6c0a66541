//! Alignment patterns: the depth of the far corner, and how the paper bends.

use super::geometry::{Plane, Point, add, depth_from, scaled, sub};
use super::grid::{Frame, Grid};
use super::image::View;
use super::sampler::{Agreement, is_inside, value};
use super::timing::timing_agreement;

/// Looks for the alignment pattern farthest from the finders and takes the depth from it.
pub(super) fn align(view: View<'_>, frame: &Frame, grid: &mut Grid) {
    let Some(&last) = grid.layout.alignment.last() else { return };
    let size = grid.layout.size;
    let far = last as f32 + 0.5;
    // The depth along the sides is known already, so the far corner is seldom far from its place.
    let seen = find_alignment(view, grid, (far, far), [0.0; 2], 1.5, SURE_ALIGNMENT)
        .or_else(|| find_alignment(view, grid, (far, far), [0.0; 2], 4.0, LEAST_ALIGNMENT));
    if let Some(seen) = seen
        && let Some((g, h)) = depth_from(frame.centres, size, (far, far), seen)
    {
        let plane = Plane::through(frame.centres, size, g, h);
        if plane.is_sound(size) {
            let timing = timing_agreement(view, &plane, size, true)
                .midpoint(timing_agreement(view, &plane, size, false));
            if timing > grid.timing - 0.25 {
                grid.plane = plane;
                grid.timing = timing;
            }
        }
    }
}

/// Alignment patterns agree so well, at least, or so well that there is no doubt.
const LEAST_ALIGNMENT: f32 = 0.55;
const SURE_ALIGNMENT: f32 = 0.8;
/// What a module away from the expected place takes off.
const FAR: f32 = 0.02;
/// Half modules to each side of the largest patch: four modules of reach, two of the pattern.
const MOST_HALF: usize = 12;

/// Values around a point at half a module's pitch, so that a search looks each up many times.
struct Patch {
    values: [f32; (2 * MOST_HALF + 1) * (2 * MOST_HALF + 1)],
    width: usize,
}

impl Patch {
    /// Samples `half` half modules to each side.
    fn sample(view: View<'_>, half: usize, at: impl Fn(f32, f32) -> Point) -> Self {
        let width = 2 * half.min(MOST_HALF) + 1;
        let mut values = [0.0; (2 * MOST_HALF + 1) * (2 * MOST_HALF + 1)];
        let place = |n: usize| (n as f32 - half as f32) * 0.5;
        for (y, row) in values.chunks_exact_mut(width).take(width).enumerate() {
            for (x, slot) in row.iter_mut().enumerate() {
                *slot = value(view, at(place(x), place(y)));
            }
        }
        Self { values, width }
    }

    /// How much the pattern whose window starts at (x, y) looks like an alignment pattern.
    fn likeness(&self, x: usize, y: usize) -> f32 {
        let mut sum = 0.0;
        let mut squares = 0.0;
        let mut light = 0.0;
        for row in 0..5 {
            let start = (y + 2 * row) * self.width + x;
            let Some(line) = self.values.get(start..start + 9) else { return -1.0 };
            let line = [line[0], line[2], line[4], line[6], line[8]];
            sum += line.iter().sum::<f32>();
            squares += line.iter().map(|v| v * v).sum::<f32>();
            light += match row {
                1 | 3 => line[1] + line[2] + line[3],
                2 => line[1] + line[3],
                _ => 0.0,
            };
        }
        // The correlation of 17 dark and 8 light modules with -1 and +1.
        let mean = sum / 25.0;
        let spread = squares / 25.0 - mean * mean;
        let bias = -9.0 / 25.0;
        if spread < 1.0 {
            return 0.0;
        }
        ((2.0 * light - sum) / 25.0 - mean * bias) / (spread * (1.0 - bias * bias)).sqrt()
    }
}

/// The best match of an alignment pattern within `reach` modules of its expected centre, which is
/// `shift` pixels from where the grid puts it.
fn find_alignment(
    view: View<'_>,
    grid: &Grid,
    (u, v): (f32, f32),
    shift: Point,
    reach: f32,
    least: f32,
) -> Option<Point> {
    let flat = grid.at(u, v);
    let right = sub(grid.at(u + 1.0, v), flat);
    let down = sub(grid.at(u, v + 1.0), flat);
    let origin = add(flat, shift);
    if !is_inside(view, origin, 0.0) {
        return None;
    }
    let at = |du: f32, dv: f32| add(origin, add(scaled(right, du), scaled(down, dv)));
    let steps = (reach * 2.0) as usize;
    let patch = Patch::sample(view, steps + 4, at);
    let mut best = (0.0, 0.0, f32::MIN);
    for y in 0..=2 * steps {
        for x in 0..=2 * steps {
            let (du, dv) = (x as f32 - steps as f32, y as f32 - steps as f32);
            let (du, dv) = (du * 0.5, dv * 0.5);
            let s = patch.likeness(x, y) - FAR * (du * du + dv * dv).sqrt();
            if s > best.2 {
                best = (du, dv, s);
            }
        }
    }
    let score = |du: f32, dv: f32| -> f32 {
        let mut agreement = Agreement::default();
        for y in -2_i8..=2 {
            for x in -2_i8..=2 {
                let point = at(du + f32::from(x), dv + f32::from(y));
                agreement.add(value(view, point), x.abs().max(y.abs()) != 1);
            }
        }
        agreement.correlation() - FAR * (du * du + dv * dv).sqrt()
    };
    for step in [0.25, 0.125] {
        let (u0, v0, _) = best;
        for (x, y) in [(-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0)] {
            let (du, dv) = (u0 + x * step, v0 + y * step);
            let s = score(du, dv);
            if s > best.2 {
                best = (du, dv, s);
            }
        }
    }
    (best.2 > least).then(|| at(best.0, best.1))
}

/// Measures how far each alignment pattern is from where the plane puts it, and bends the plane to
/// them: curved and crumpled paper, lenses. Returns whether anything changed.
///
/// From the finders outwards: paper that bends shifts the patterns of a large symbol farther than can
/// be searched, but seldom far from where their neighbours' shifts lead. Only a `wide` search goes
/// beyond the usual distance from there.
pub(super) fn bend(view: View<'_>, grid: &mut Grid, is_wide: bool) -> bool {
    if grid.layout.alignment.len() < 3 {
        return false;
    }
    let lines = &grid.layout.alignment;
    let n = lines.len();
    grid.bends.clear();
    let mut bends: Vec<Option<Point>> = vec![None; n * n];
    let finders = [0, n - 1, n * n - n];
    for at in finders {
        bends[at] = Some([0.0; 2]);
    }
    let mut rest: Vec<usize> = (0..n * n).filter(|at| !finders.contains(at)).collect();
    while let Some((place, (_, expected))) = rest
        .iter()
        .map(|&at| expected_shift(&bends, n, at))
        .enumerate()
        .max_by_key(|(place, (count, _))| (*count, std::cmp::Reverse(*place)))
    {
        let at = rest.remove(place);
        let (u, v) = (lines[at % n] as f32 + 0.5, lines[at / n] as f32 + 0.5);
        let search = |reach, least| find_alignment(view, grid, (u, v), expected, reach, least);
        let mut seen = search(1.5, LEAST_ALIGNMENT);
        if is_wide && seen.is_none() {
            seen = search(3.0, SURE_ALIGNMENT);
        }
        bends[at] = seen.map(|seen| sub(seen, grid.at(u, v)));
    }
    // What was not found moves like its neighbours.
    for at in 0..n * n {
        if bends[at].is_none() {
            let (row, column) = (at / n, at % n);
            let mut sum = [0.0; 2];
            let mut weight = 0.0;
            for (other, seen) in bends.iter().enumerate() {
                if let Some(seen) = seen {
                    let d = (other / n).abs_diff(row) + (other % n).abs_diff(column);
                    let w = 1.0 / ((d * d) as f32 + 0.01);
                    sum = add(sum, scaled(*seen, w));
                    weight += w;
                }
            }
            if weight > 0.0 {
                bends[at] = Some(scaled(sum, 1.0 / weight));
            }
        }
    }
    grid.bends = bends.into_iter().map(|b| b.unwrap_or([0.0; 2])).collect();
    true
}

/// How many ways from known shifts lead to the one at `at`, and where to: along each row, column
/// and diagonal as the last two of them differ, or like the last.
fn expected_shift(bends: &[Option<Point>], n: usize, at: usize) -> (usize, Point) {
    let known = |x: isize, y: isize| -> Option<Point> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        if x < n && y < n { bends[y * n + x] } else { None }
    };
    let (x, y) = ((at % n) as isize, (at / n) as isize);
    let (mut count, mut sum) = (0, [0.0; 2]);
    for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1)] {
        if let Some(near) = known(x + dx, y + dy) {
            let far = known(x + 2 * dx, y + 2 * dy).unwrap_or(near);
            sum = add(sum, sub(scaled(near, 2.0), far));
            count += 1;
        }
    }
    (count, scaled(sum, 1.0 / count.max(1) as f32))
}
