//! The third finder of a symbol where only two were found: it is looked for where a square would
//! have it, by likeness with the whole pattern, which a torn ring or a bright spot leaves alone.

use super::finder::Finder;
use super::geometry::{Point, add, length, scaled, sub};
use super::image::View;
use super::sampler::{Agreement, is_inside, value};

/// Only the finders that most rows met are paired.
const MOST_FINDERS: usize = 6;
/// Modules around the expected centre that are searched.
const REACH: i32 = 3;
/// Likeness that a damaged pattern still has and data seldom.
const LEAST_LIKENESS: f32 = 0.5;
/// And what half a pattern has.
const LEAST_LENIENT_LIKENESS: f32 = 0.25;

/// Finders that complete pairs of `finders` to corners of a square.
pub(super) fn complete(
    view: View<'_>,
    finders: &[Finder],
    is_used: &[bool],
    is_lenient: bool,
) -> Vec<Finder> {
    let least = if is_lenient { LEAST_LENIENT_LIKENESS } else { LEAST_LIKENESS };
    let mut found: Vec<Finder> = Vec::new();
    let mut surest: Vec<&Finder> =
        finders.iter().zip(is_used).filter(|(_, used)| !**used).map(|(f, _)| f).collect();
    surest.sort_by_key(|f| std::cmp::Reverse(f.hits));
    surest.truncate(MOST_FINDERS);
    for (n, a) in surest.iter().enumerate() {
        for b in &surest[n + 1..] {
            if !(0.7..1.43).contains(&(a.module / b.module)) {
                continue;
            }
            let module = a.module.midpoint(b.module);
            let side = sub(b.centre, a.centre);
            let modules = length(side) / module;
            if !(12.0..240.0).contains(&modules) {
                continue;
            }
            let across = [-side[1], side[0]];
            let middle = add(a.centre, scaled(side, 0.5));
            let places = [
                add(a.centre, across),
                sub(a.centre, across),
                add(b.centre, across),
                sub(b.centre, across),
                add(middle, scaled(across, 0.5)),
                sub(middle, scaled(across, 0.5)),
            ];
            for (place, expected) in places.into_iter().enumerate() {
                // On the diagonal the sides are shorter, and turned by 45 degrees.
                let along = scaled(side, 1.0 / length(side));
                let along = if place < 4 {
                    along
                } else {
                    scaled(sub(along, [-along[1], along[0]]), std::f32::consts::FRAC_1_SQRT_2)
                };
                let is_known = |f: &Finder| length(sub(f.centre, expected)) < 3.0 * module;
                if finders.iter().any(is_known) || found.iter().any(is_known) {
                    continue;
                }
                found.extend(match_pattern(view, expected, along, module, least));
            }
        }
    }
    found
}

/// The best likeness near a point, with modules along `along`.
fn match_pattern(
    view: View<'_>,
    expected: Point,
    along: Point,
    module: f32,
    least: f32,
) -> Option<Finder> {
    if !is_inside(view, expected, 0.0) {
        return None;
    }
    let right = scaled(along, module);
    let down = [-right[1], right[0]];
    let likeness = |centre: Point, step: i8| -> f32 {
        let mut agreement = Agreement::default();
        for y in -4_i8..=4 {
            for x in -4_i8..=4 {
                let ring = x.abs().max(y.abs());
                // The quiet zone or separator has its corners beyond any doubt of damage.
                if (ring == 4 && x.abs() == y.abs()) || (x + y) % step != 0 {
                    continue;
                }
                let at = add(scaled(right, f32::from(x)), scaled(down, f32::from(y)));
                agreement.add(value(view, add(centre, at)), ring != 2 && ring != 4);
            }
        }
        agreement.correlation()
    };
    let look_around = |middle: Point, reach: i32, pitch: f32, step: i8| -> (f32, Point) {
        let mut best = (f32::MIN, middle);
        for y in -reach..=reach {
            for x in -reach..=reach {
                let (dx, dy) = (x as f32 * pitch, y as f32 * pitch);
                let centre = add(middle, add(scaled(right, dx), scaled(down, dy)));
                let score = likeness(centre, step);
                if score > best.0 {
                    best = (score, centre);
                }
            }
        }
        best
    };
    // Every other module is enough to find the place.
    let (rough_likeness, rough) = look_around(expected, REACH, 1.0, 2);
    if rough_likeness < least * 0.6 {
        return None;
    }
    let (_, better) = look_around(rough, 2, 0.5, 1);
    let best = look_around(better, 1, 0.25, 1);
    (best.0 > least).then_some(Finder { centre: best.1, module, hits: 1 })
}
