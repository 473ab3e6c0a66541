//! The size of a symbol and its depth along two sides, from the timing patterns.
//!
//! Whatever the size and the depth, a timing pattern lies on one line between two finders. The line
//! is sampled once; every guess at size and depth then only looks its modules up in the samples.

use super::geometry::{Plane, Point, add, scaled, sub};
use super::grid::{Frame, Grid};
use super::image::View;
use super::layout::Layout;
use super::sampler::{Agreement, value};

/// Timing patterns that agree so well need no further search.
const SURE_TIMING: f32 = 0.7;
/// If nothing agrees at all near the measured depth, it is no timing pattern.
const LEAST_START: f32 = 0.12;
/// One side that agrees less than this is no timing pattern, however good the other.
const LEAST_SIDE_TIMING: f32 = 0.0;
/// Samples of the line for each module.
const PITCH: f32 = 4.0;

/// Versions in the order of how well their timing patterns agree, with the depth that fits best.
pub(super) fn candidates(view: View<'_>, frame: &Frame) -> Vec<Grid> {
    let plane = Plane::of_span(frame.centres, frame.side - 7.0, frame.g, frame.h);
    let far = frame.side - 3.5;
    let upper = Profile::sample(view, frame.side, plane.at(3.5, 6.5), plane.at(far, 6.5));
    let left = Profile::sample(view, frame.side, plane.at(6.5, 3.5), plane.at(6.5, far));
    let nearest = ((frame.side - 17.0) / 4.0).round() as isize;
    let reach = if frame.side > 75.0 { 2 } else { 1 };
    let mut grids = Vec::new();
    for n in 0..=2 * reach {
        // The nearest first, then one more, one less, and so on.
        let version = nearest + if n % 2 == 1 { (n + 1) / 2 } else { -n / 2 };
        let layout = usize::try_from(version).ok().and_then(Layout::of);
        if let Some(grid) = layout.and_then(|layout| fit(frame, layout, &upper, &left)) {
            let is_sure = grid.timing > SURE_TIMING;
            grids.push(grid);
            if is_sure {
                break;
            }
        }
    }
    grids.sort_by(|a: &Grid, b| b.timing.total_cmp(&a.timing));
    grids
}

/// Finds the depth along each side for which the timing pattern there agrees best.
fn fit(frame: &Frame, layout: &'static Layout, upper: &Profile, left: &Profile) -> Option<Grid> {
    let size = layout.size;
    let (g, across) = upper.best_depth(size, frame.g);
    if across < LEAST_SIDE_TIMING {
        return None;
    }
    let (h, along) = left.best_depth(size, frame.h);
    let plane = Plane::through(frame.centres, size, g, h);
    plane.is_sound(size).then_some(Grid {
        layout,
        plane,
        bends: Vec::new(),
        curve: None,
        timing: across.midpoint(along),
    })
}

/// Values along a timing pattern, evenly from beside one finder's centre to beside the other's.
struct Profile {
    values: Vec<f32>,
}

impl Profile {
    fn sample(view: View<'_>, side: f32, from: Point, to: Point) -> Self {
        let count = ((side - 7.0) * PITCH) as usize + 1;
        let step = scaled(sub(to, from), 1.0 / count as f32);
        let values = (0..=count).map(|n| value(view, add(from, scaled(step, n as f32))));
        Self { values: values.collect() }
    }

    /// The depth near `start` with the best agreement, and that agreement.
    fn best_depth(&self, size: usize, start: f32) -> (f32, f32) {
        // The middle of the side moves by span · depth / 4 modules.
        let pitch = 1.0 / (size as f32 - 7.0);
        let mut best = (start, self.agreement(size, start));
        for n in 1..=6 {
            if best.1 > SURE_TIMING || (n == 3 && best.1 < LEAST_START) {
                break;
            }
            for depth in [start + n as f32 * pitch, start - n as f32 * pitch] {
                let agreement = self.agreement(size, depth);
                if agreement > best.1 + 0.01 {
                    best = (depth, agreement);
                }
            }
        }
        best
    }

    /// How well the modules agree if the symbol has `size` and this change of depth.
    fn agreement(&self, size: usize, depth: f32) -> f32 {
        let span = size as f32 - 7.0;
        let whole = (self.values.len() - 1) as f32 * (1.0 + depth);
        let mut agreement = Agreement::default();
        for at in 7..size - 7 {
            let part = (at as f32 - 3.0) / span;
            let place = part * whole / (1.0 + depth * part);
            let Some(&value) = self.values.get((place + 0.5) as usize) else { return -1.0 };
            agreement.add(value, at % 2 == 0);
        }
        agreement.correlation()
    }
}

/// How well a timing pattern agrees on a plane.
pub(super) fn timing_agreement(view: View<'_>, plane: &Plane, size: usize, is_row: bool) -> f32 {
    let mut agreement = Agreement::default();
    for at in 7..size - 7 {
        let t = at as f32 + 0.5;
        let point = if is_row { plane.at(t, 6.5) } else { plane.at(6.5, t) };
        agreement.add(value(view, point), at % 2 == 0);
    }
    agreement.correlation()
}
