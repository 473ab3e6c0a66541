//! Three finder patterns that may belong to one symbol.

use super::finder::Finder;
use super::geometry::{Point, cross, length, sub};

/// Each finder is tried as a corner with this many of its nearest fellows of like size.
const NEIGHBOURS: usize = 14;

/// A guess at the corners of one symbol.
#[derive(Debug, Clone, Copy)]
pub(super) struct Triple {
    /// Which finders: top left, top right, bottom left.
    pub(super) members: [usize; 3],
    /// Their centres.
    pub(super) centres: [Point; 3],
    /// Module width of each, in pixels.
    pub(super) modules: [f32; 3],
    /// Smaller is more like a square of equal finders.
    penalty: f32,
}

/// How far the three may be from a square of equal finders.
struct Limits {
    /// Of the module widths of two of them.
    ratio: f32,
    /// Of the cosine between the sides.
    cosine: f32,
    /// Of the lengths of the sides.
    sides: f32,
    /// Of the modules counted along the sides.
    unequal: f32,
}

const USUAL: Limits = Limits { ratio: 2.0, cosine: 0.75, sides: 2.5, unequal: 1.7 };
/// What is seen from far aside.
const LENIENT: Limits = Limits { ratio: 3.0, cosine: 0.85, sides: 3.5, unequal: 2.5 };

/// All plausible triples, best first; a lenient search takes more for plausible.
pub(super) fn group(finders: &[Finder], is_lenient: bool) -> Vec<Triple> {
    let limits = if is_lenient { &LENIENT } else { &USUAL };
    let mut triples = Vec::new();
    let mut near: Vec<(f32, usize)> = Vec::new();
    for (corner, finder) in finders.iter().enumerate() {
        near.clear();
        for (at, other) in finders.iter().enumerate() {
            let ratio = other.module / finder.module;
            let distance = length(sub(other.centre, finder.centre));
            let modules = distance / finder.module.max(other.module);
            if at != corner
                && ratio.max(1.0 / ratio) < limits.ratio
                && (8.0..260.0).contains(&modules)
            {
                near.push((distance * ratio.max(1.0 / ratio), at));
            }
        }
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        near.truncate(NEIGHBOURS);
        for (n, &(_, a)) in near.iter().enumerate() {
            for &(_, b) in &near[n + 1..] {
                triples.extend(judge(finders, [corner, a, b], limits));
            }
        }
    }
    triples.sort_by(|a, b| a.penalty.total_cmp(&b.penalty));
    triples
}

fn judge(finders: &[Finder], [corner, a, b]: [usize; 3], limits: &Limits) -> Option<Triple> {
    let to_a = sub(finders[a].centre, finders[corner].centre);
    let to_b = sub(finders[b].centre, finders[corner].centre);
    let turn = cross(to_a, to_b);
    let (members, right, down) =
        if turn > 0.0 { ([corner, a, b], to_a, to_b) } else { ([corner, b, a], to_b, to_a) };
    let (across, along) = (length(right), length(down));
    let cosine = (right[0] * down[0] + right[1] * down[1]) / (across * along);
    let ratio = across.max(along) / across.min(along);
    if cosine.abs() > limits.cosine || ratio > limits.sides {
        return None;
    }
    let modules = members.map(|m| finders[m].module);
    let (low, high) = modules.iter().fold((f32::MAX, 0.0_f32), |(l, h), &m| (l.min(m), h.max(m)));
    // A square of another count of modules on its two sides is no symbol, whatever the view:
    // depth makes the near side longer and its modules larger alike.
    let side = |length: f32, other: f32| 2.0 * length / (modules[0] + other);
    let (columns, rows) = (side(across, modules[1]), side(along, modules[2]));
    let unequal = columns.max(rows) / columns.min(rows);
    if columns.min(rows) < 9.0 || columns.max(rows) > 220.0 || unequal > limits.unequal {
        return None;
    }
    let hits: f32 = members.iter().map(|&m| 1.0 / (finders[m].hits as f32 + 0.5)).sum();
    let penalty = cosine.abs() * 1.2
        + (ratio - 1.0)
        + (unequal - 1.0) * 2.0
        + (high / low - 1.0)
        + 0.25 * hits
        + columns.max(rows) / 400.0;
    Some(Triple { members, centres: members.map(|m| finders[m].centre), modules, penalty })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finder(x: f32, y: f32) -> Finder {
        Finder { centre: [x, y], module: 4.0, hits: 3 }
    }

    #[test]
    fn corners_are_told_apart_whatever_the_order() {
        // A mirror image cannot be told from a turn here: the order round is always clockwise.
        let all = [finder(200.0, 60.0), finder(50.0, 60.0), finder(50.0, 210.0)];
        for order in [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 2, 1]] {
            let triples = group(&order.map(|n| all[n]), false);
            assert_eq!(triples[0].centres, [[50.0, 60.0], [200.0, 60.0], [50.0, 210.0]]);
        }
    }

    #[test]
    fn finders_in_a_line_are_no_symbol() {
        let line = [finder(50.0, 60.0), finder(200.0, 61.0), finder(350.0, 60.0)];
        assert!(group(&line, true).is_empty());
    }
}
