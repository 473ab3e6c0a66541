//! From three finders to the place of every module: size, depth, alignment patterns.

use super::geometry::{Plane, Point, add, depth_from, length, scaled, sub};
use super::image::View;
use super::layout::Layout;
use super::sampler::{Agreement, is_inside, value};
use super::triple::Triple;

/// Where the modules of a symbol are: a plane, and what bends it at the alignment patterns.
pub(super) struct Grid {
    pub(super) layout: &'static Layout,
    pub(super) plane: Plane,
    /// Shifts in pixels at the crossings of `layout.alignment`, row by row; empty if flat.
    bends: Vec<Point>,
    /// How well the timing patterns agree, from -1 to 1.
    pub(super) timing: f32,
}

impl Grid {
    /// Where a point of the symbol, in modules from its top left corner, lies in the image.
    #[inline]
    pub(super) fn at(&self, u: f32, v: f32) -> Point {
        let flat = self.plane.at(u, v);
        if self.bends.is_empty() {
            return flat;
        }
        let lines = &self.layout.alignment;
        let (column, fu) = between(lines, u);
        let (row, fv) = between(lines, v);
        let n = lines.len();
        let bend = |r: usize, c: usize| self.bends[r * n + c];
        let mix = |a: Point, b: Point, t: f32| add(scaled(a, 1.0 - t), scaled(b, t));
        let above = mix(bend(row, column), bend(row, column + 1), fu);
        let below = mix(bend(row + 1, column), bend(row + 1, column + 1), fu);
        add(flat, mix(above, below, fv))
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
    g: f32,
    h: f32,
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
    let depth = |near: f32, far: f32| (near / far).sqrt().clamp(0.6, 1.6) - 1.0;
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

/// Timing patterns that agree so well need no further search.
const SURE_TIMING: f32 = 0.7;

/// Versions in the order of how well their timing patterns agree, with the depth that fits best.
pub(super) fn candidates(view: View<'_>, frame: &Frame) -> Vec<Grid> {
    let nearest = ((frame.side - 17.0) / 4.0).round() as isize;
    let reach = if frame.side > 60.0 { 2 } else { 1 };
    let mut grids = Vec::new();
    for n in 0..=2 * reach {
        // The nearest first, then one more, one less, and so on.
        let version = nearest + if n % 2 == 1 { (n + 1) / 2 } else { -n / 2 };
        let layout = usize::try_from(version).ok().and_then(Layout::of);
        if let Some(grid) = layout.and_then(|layout| fit_timing(view, frame, layout)) {
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
fn fit_timing(view: View<'_>, frame: &Frame, layout: &'static Layout) -> Option<Grid> {
    let size = layout.size;
    let along = |is_row: bool, depth: f32| -> f32 {
        let (g, h) = if is_row { (depth, frame.h) } else { (frame.g, depth) };
        let plane = Plane::through(frame.centres, size, g, h);
        timing_agreement(view, &plane, size, is_row)
    };
    // The middle of the side moves by span · depth / 4 modules.
    let pitch = 1.0 / (size as f32 - 7.0);
    let best = |is_row: bool, start: f32| -> (f32, f32) {
        let mut best = (start, along(is_row, start));
        for n in 1..=6 {
            if best.1 > SURE_TIMING {
                break;
            }
            for depth in [start + n as f32 * pitch, start - n as f32 * pitch] {
                let agreement = along(is_row, depth);
                if agreement > best.1 + 0.01 {
                    best = (depth, agreement);
                }
            }
        }
        best
    };
    let (g, across) = best(true, frame.g);
    if across < LEAST_SIDE_TIMING {
        return None;
    }
    let (h, along) = best(false, frame.h);
    let plane = Plane::through(frame.centres, size, g, h);
    plane.is_sound(size).then_some(Grid {
        layout,
        plane,
        bends: Vec::new(),
        timing: across.midpoint(along),
    })
}

/// One side that agrees less than this is no timing pattern, however good the other.
const LEAST_SIDE_TIMING: f32 = 0.0;

fn timing_agreement(view: View<'_>, plane: &Plane, size: usize, is_row: bool) -> f32 {
    let mut agreement = Agreement::default();
    for at in 7..size - 7 {
        let t = at as f32 + 0.5;
        let point = if is_row { plane.at(t, 6.5) } else { plane.at(6.5, t) };
        agreement.add(value(view, point), at % 2 == 0);
    }
    agreement.correlation()
}

/// Looks for the alignment pattern farthest from the finders and takes the depth from it; then for
/// all others, and bends the plane to them.
pub(super) fn align(view: View<'_>, frame: &Frame, grid: &mut Grid) {
    let Some(&last) = grid.layout.alignment.last() else { return };
    let size = grid.layout.size;
    let far = last as f32 + 0.5;
    if let Some(seen) = find_alignment(view, grid, far, far, 4.0)
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
    if grid.layout.alignment.len() > 2 {
        bend(view, grid);
    }
}

/// The best match of an alignment pattern within `reach` modules of its expected centre.
fn find_alignment(view: View<'_>, grid: &Grid, u: f32, v: f32, reach: f32) -> Option<Point> {
    let origin = grid.at(u, v);
    let right = sub(grid.at(u + 1.0, v), origin);
    let down = sub(grid.at(u, v + 1.0), origin);
    if !is_inside(view, origin, 0.0) {
        return None;
    }
    let score = |du: f32, dv: f32| -> f32 {
        let centre = add(origin, add(scaled(right, du), scaled(down, dv)));
        let mut agreement = Agreement::default();
        for y in -2_i8..=2 {
            for x in -2_i8..=2 {
                let offset = add(scaled(right, f32::from(x)), scaled(down, f32::from(y)));
                agreement.add(value(view, add(centre, offset)), x.abs().max(y.abs()) != 1);
            }
        }
        agreement.correlation()
    };
    let steps = (reach * 2.0) as i32;
    let mut best = (0.0, 0.0, f32::MIN);
    for y in -steps..=steps {
        for x in -steps..=steps {
            let (du, dv) = (x as f32 * 0.5, y as f32 * 0.5);
            let s = score(du, dv) - 0.02 * du.hypot(dv);
            if s > best.2 {
                best = (du, dv, s);
            }
        }
    }
    for step in [0.25, 0.125] {
        let (u0, v0, _) = best;
        for (x, y) in [(-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0)] {
            let (du, dv) = (u0 + x * step, v0 + y * step);
            let s = score(du, dv) - 0.02 * du.hypot(dv);
            if s > best.2 {
                best = (du, dv, s);
            }
        }
    }
    (best.2 > 0.55).then(|| add(origin, add(scaled(right, best.0), scaled(down, best.1))))
}

/// Measures how far each alignment pattern is from where the plane puts it.
fn bend(view: View<'_>, grid: &mut Grid) {
    let lines = &grid.layout.alignment;
    let n = lines.len();
    let size = grid.layout.size;
    let mut bends: Vec<Option<Point>> = vec![None; n * n];
    for (row, &y) in lines.iter().enumerate() {
        for (column, &x) in lines.iter().enumerate() {
            let is_corner = (x == 6 && (y == 6 || y == size - 7)) || (y == 6 && x == size - 7);
            bends[row * n + column] = if is_corner {
                Some([0.0; 2])
            } else {
                let (u, v) = (x as f32 + 0.5, y as f32 + 0.5);
                find_alignment(view, grid, u, v, 1.5).map(|seen| sub(seen, grid.plane.at(u, v)))
            };
        }
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
}
