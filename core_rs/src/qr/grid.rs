//! The place of every module, and what three finders say about it: size and depth.

use super::curve::Curve;
use super::geometry::{Plane, Point, add, length, scaled, sub};
use super::image::View;
use super::layout::Layout;
use super::sampler::{Agreement, value};
use super::triple::Triple;

/// Where the modules of a symbol are: a plane, and what bends it at the alignment patterns.
pub(super) struct Grid {
    pub(super) layout: &'static Layout,
    pub(super) plane: Plane,
    /// Shifts in pixels at the crossings of `layout.alignment`, row by row; empty if flat.
    pub(super) bends: Vec<Point>,
    /// What bends the symbol as a whole.
    pub(super) curve: Option<Curve>,
    /// How well the timing patterns agree, from -1 to 1.
    pub(super) timing: f32,
}

impl Grid {
    /// Where a point of the symbol, in modules from its top left corner, lies in the image.
    #[inline]
    pub(super) fn at(&self, u: f32, v: f32) -> Point {
        let flat = self.plane.at(u, v);
        if self.bends.is_empty() && self.curve.is_none() {
            return flat;
        }
        add(flat, self.shift(u, v))
    }

    /// What the curve and the bends add at a point of the symbol.
    fn shift(&self, u: f32, v: f32) -> Point {
        let curved = self.curve.map_or([0.0; 2], |curve| curve.at(u, v));
        if self.bends.is_empty() {
            return curved;
        }
        let lines = &self.layout.alignment;
        let (column, fu) = between(lines, u);
        let (row, fv) = between(lines, v);
        let n = lines.len();
        let bend = |r: usize, c: usize| self.bends[r * n + c];
        let mix = |a: Point, b: Point, t: f32| add(scaled(a, 1.0 - t), scaled(b, t));
        let above = mix(bend(row, column), bend(row, column + 1), fu);
        let below = mix(bend(row + 1, column), bend(row + 1, column + 1), fu);
        add(curved, mix(above, below, fv))
    }

    /// How well all modules of known colour agree, from -1 to 1.
    pub(super) fn agreement(&self, view: View<'_>) -> f32 {
        let mut agreement = Agreement::default();
        for known in &self.layout.known {
            let point = self.at(f32::from(known.x) + 0.5, f32::from(known.y) + 0.5);
            agreement.add(value(view, point), known.is_dark);
        }
        agreement.correlation()
    }

    /// The corners of the symbol, clockwise from its top left.
    pub(super) fn corners(&self) -> [Point; 4] {
        let s = self.layout.size as f32;
        [self.at(0.0, 0.0), self.at(s, 0.0), self.at(s, s), self.at(0.0, s)]
    }
}

/// The gap of alignment centres that holds a coordinate, and the part of it; beyond the outer
/// centres the last bend goes on unchanged.
fn between(lines: &[usize], at: f32) -> (usize, f32) {
    let mut gap = 0;
    while gap + 2 < lines.len() && at > lines[gap + 1] as f32 + 0.5 {
        gap += 1;
    }
    let (from, to) = (lines[gap] as f32 + 0.5, lines[gap + 1] as f32 + 0.5);
    (gap, ((at - from) / (to - from)).clamp(0.0, 1.0))
}

/// What is measured of one finder along one direction.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    /// Pixels a module along the direction.
    pub(super) module: f32,
    /// How far the centre is from where it was assumed, along the direction, in pixels.
    pub(super) shift: f32,
}

/// A triple with centres and depth measured along the symbol's own sides.
pub(super) struct Frame {
    pub(super) centres: [Point; 3],
    pub(super) g: f32,
    pub(super) h: f32,
    /// Estimated modules of a side.
    pub(super) side: f32,
}

/// Measures a triple; `None` if it cannot be a symbol.
pub(super) fn measure(view: View<'_>, triple: &Triple) -> Option<Frame> {
    let mut centres = triple.centres;
    let mut modules = [[0.0_f32; 2]; 3];
    // Directions need centres, and centres directions: twice is enough.
    for _ in 0..2 {
        let right = unit(sub(centres[1], centres[0]))?;
        let down = unit(sub(centres[2], centres[0]))?;
        for (n, centre) in centres.iter_mut().enumerate() {
            let guess = triple.modules[n];
            let start = *centre;
            for (axis, direction) in [right, down].into_iter().enumerate() {
                let seen = extent(view, start, direction, guess);
                let seen = seen.unwrap_or(Extent { module: guess, shift: 0.0 });
                modules[n][axis] = seen.module;
                *centre = add(*centre, scaled(direction, seen.shift.clamp(-guess, guess)));
            }
        }
    }
    let depth = |near: f32, far: f32| (near / far).sqrt().clamp(0.4, 2.5) - 1.0;
    let g = depth(modules[0][0], modules[1][0]);
    let h = depth(modules[0][1], modules[2][1]);
    let columns = length(sub(centres[1], centres[0])) * (1.0 + g) / modules[0][0];
    let rows = length(sub(centres[2], centres[0])) * (1.0 + h) / modules[0][1];
    let side = columns.midpoint(rows) + 7.0;
    (side > 17.0 && side < 190.0).then_some(Frame { centres, g, h, side })
}

fn unit(a: Point) -> Option<Point> {
    let length = length(a);
    (length > 1.0).then(|| scaled(a, 1.0 / length))
}

/// Follows a line through a finder's centre both ways to its edges.
pub(super) fn extent(
    view: View<'_>,
    centre: Point,
    direction: Point,
    module: f32,
) -> Option<Extent> {
    const REACH: usize = 56;
    let step = (module / 5.0).max(0.4);
    let reach = ((5.2 * module / step) as usize).min(REACH);
    let mut values = [0.0_f32; 2 * REACH + 1];
    let values = &mut values[..=2 * reach];
    let (mut low, mut high) = (f32::MAX, f32::MIN);
    for (n, slot) in values.iter_mut().enumerate() {
        let t = (n as f32 - reach as f32) * step;
        *slot = value(view, add(centre, scaled(direction, t)));
        if t.abs() < 4.5 * module {
            low = low.min(*slot);
            high = high.max(*slot);
        }
    }
    let limit = low.midpoint(high);
    if high - low < 8.0 || values[reach] >= limit {
        return None;
    }
    // Edges of the centre, of the light ring and, if it is to be seen, of the dark ring.
    let walk = |sign: isize| -> Option<([f32; 2], Option<f32>)> {
        let mut edges = [None; 3];
        let mut at = reach as isize;
        let mut is_dark = true;
        'edges: for edge in &mut edges {
            loop {
                let before = values[at as usize];
                at += sign;
                let Some(&now) = usize::try_from(at).ok().and_then(|at| values.get(at)) else {
                    break 'edges;
                };
                if (now < limit) != is_dark {
                    let part = (before - limit) / (before - now);
                    *edge = Some(((at - sign - reach as isize).abs() as f32 + part) * step);
                    is_dark = !is_dark;
                    break;
                }
            }
        }
        let inner = [edges[0]?, edges[1]?];
        Some((inner, edges[2].filter(|&outer| (1.2..1.65).contains(&(outer / inner[1])))))
    };
    let ((back, back_outer), (ahead, ahead_outer)) = (walk(-1)?, walk(1)?);
    let mut shift = ahead[0] - back[0] + ahead[1] - back[1];
    // The edges around a light or a dark ring are 4 or 6 modules apart on average, whatever the
    // blur. Something dark beside the symbol hides the outer ones.
    let size = if let (Some(b), Some(a)) = (back_outer, ahead_outer) {
        shift = (shift + a - b) / 6.0;
        (back[1] + b + ahead[1] + a) / 12.0
    } else {
        shift /= 4.0;
        (back[0] + back[1] + ahead[0] + ahead[1]) / 8.0
    };
    ((0.5..2.0).contains(&(size / module)) && shift.abs() < module)
        .then_some(Extent { module: size, shift })
}
