//! Paper that bends as a whole: a smooth shift over the symbol, fitted to the modules of known
//! colour. A small symbol has one alignment pattern, so that its timing patterns must say it.

use super::geometry::{Point, add, length, scaled, sub};
use super::grid::Grid;
use super::image::View;

/// Shapes that are mixed; none moves a finder's centre.
const SHAPES: usize = 7;
/// Modules that a shape is tried with first, to both sides.
const TRIED: [f32; 5] = [0.4, 0.8, 1.3, 2.0, 3.0];
/// Modules that the best mix is then changed by.
const STEPS: [f32; 3] = [0.4, 0.2, 0.1];
/// Rounds at each of those steps.
const ROUNDS: usize = 3;
/// What a change must add to the agreement.
const LEAST_GAIN: f32 = 1e-3;
/// What a curve must add, to be worth another try.
const LEAST_IMPROVEMENT: f32 = 0.015;

/// A smooth shift in pixels over a symbol.
#[derive(Debug, Clone, Copy)]
pub(super) struct Curve {
    /// Modules between two finders' centres.
    span: f32,
    amounts: [Point; SHAPES],
}

impl Curve {
    /// The shift at a point of the symbol, in modules from its top left corner.
    pub(super) fn at(&self, u: f32, v: f32) -> Point {
        let (s, t) = ((u - 3.5) / self.span, (v - 3.5) / self.span);
        // Arcs over the width and the height, the narrowing of both ends of a cylinder, arcs that
        // differ from side to side, and the fourth corner.
        let (across, along) = (4.0 * s * (1.0 - s), 4.0 * t * (1.0 - t));
        let shapes = [
            across,
            across * (2.0 * s - 1.0) * 2.0,
            along,
            along * (2.0 * t - 1.0) * 2.0,
            across * (t - 0.5),
            along * (s - 0.5),
            s * t,
        ];
        shapes.iter().zip(&self.amounts).fold([0.0; 2], |sum, (&k, &a)| add(sum, scaled(a, k)))
    }
}

/// Bends the grid as a whole to where the modules of known colour agree best; returns whether they
/// agree better then.
pub(super) fn curve(view: View<'_>, grid: &mut Grid) -> bool {
    let middle = grid.layout.size as f32 * 0.5;
    let centre = grid.plane.at(middle, middle);
    let sides = [
        sub(grid.plane.at(middle + 1.0, middle), centre),
        sub(grid.plane.at(middle, middle + 1.0), centre),
    ];
    if sides.iter().any(|&side| !(0.5..100.0).contains(&length(side))) {
        return false;
    }
    let before = grid.agreement(view);
    let flat = Curve { span: grid.layout.size as f32 - 7.0, amounts: [[0.0; 2]; SHAPES] };
    let mut best = (before, flat);
    let change = |grid: &mut Grid, best: &mut (f32, Curve), shape: usize, shift: Point| {
        let mut curve = best.1;
        curve.amounts[shape] = add(curve.amounts[shape], shift);
        grid.curve = Some(curve);
        let agreement = grid.agreement(view);
        let is_better = agreement > best.0 + LEAST_GAIN;
        if is_better {
            *best = (agreement, curve);
        }
        is_better
    };
    for shape in 0..SHAPES {
        for side in sides {
            let from = best;
            for modules in TRIED.iter().flat_map(|&m| [m, -m]) {
                // Each from the same start, so that the best of them is kept.
                let mut tried = from;
                if change(grid, &mut tried, shape, scaled(side, modules)) && tried.0 > best.0 {
                    best = tried;
                }
            }
        }
    }
    for step in STEPS {
        for _ in 0..ROUNDS {
            let mut is_better = false;
            for shape in 0..SHAPES {
                for side in sides {
                    is_better |= change(grid, &mut best, shape, scaled(side, step))
                        || change(grid, &mut best, shape, scaled(side, -step));
                }
            }
            if !is_better {
                break;
            }
        }
    }
    let is_better = best.0 > before + LEAST_IMPROVEMENT;
    grid.curve = is_better.then_some(best.1);
    is_better
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "the text fits")]
mod tests {
    use super::super::geometry::Plane;
    use super::super::layout::Layout;
    use super::super::write::write;
    use super::*;

    /// A symbol whose rows are arcs of a height of modules, and the flat grid through its finders.
    fn arched(height: f32) -> (usize, Vec<u8>, Grid) {
        const MODULE: f32 = 6.0;
        let drawn = write("https://vi-du.example/giay-cong-quanh-chai").unwrap();
        let size = drawn.size as f32;
        let side = ((size + 16.0) * MODULE) as usize;
        let mut pixels = vec![230_u8; side * side];
        for (at, pixel) in pixels.iter_mut().enumerate() {
            let u = ((at % side) as f32 + 0.5) / MODULE - 8.0;
            let s = (u - 3.5) / (size - 7.0);
            let v = ((at / side) as f32 + 0.5) / MODULE - 8.0 - height * 4.0 * s * (1.0 - s);
            if u >= 0.0 && v >= 0.0 && u < size && v < size {
                let is_dark = drawn.is_dark[v as usize * drawn.size + u as usize];
                *pixel = if is_dark { 30 } else { 230 };
            }
        }
        let (near, far) = (11.5 * MODULE, (size + 4.5) * MODULE);
        let plane = Plane::through([[near, near], [far, near], [near, far]], drawn.size, 0.0, 0.0);
        let layout = Layout::of((drawn.size - 17) / 4).unwrap();
        (side, pixels, Grid { layout, plane, bends: Vec::new(), curve: None, timing: 0.5 })
    }

    #[test]
    fn rows_that_are_arcs_are_followed() {
        for height in [-2.5, -1.2, 1.2, 2.0] {
            let (side, pixels, mut grid) = arched(height);
            let view = View::new(side, side, &pixels).unwrap();
            let before = grid.agreement(view);
            assert!(curve(view, &mut grid), "{height}: {before}");
            let after = grid.agreement(view);
            assert!(after > 0.9 && after > before + 0.03, "{height}: {before} {after}");
        }
    }

    #[test]
    fn what_is_flat_stays_flat() {
        let (side, pixels, mut grid) = arched(0.0);
        let view = View::new(side, side, &pixels).unwrap();
        assert!(!curve(view, &mut grid) && grid.curve.is_none());
    }
}
