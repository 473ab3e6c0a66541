//! Finder patterns: dark, light, dark, light, dark as 1:1:3:1:1 along every line through the centre.

use std::f32::consts::{FRAC_1_SQRT_2 as DIAGONAL, SQRT_2};

use super::geometry::Point;
use super::grid::extent;
use super::image::View;
use super::sampler::value;
use super::threshold::{BLOCK, Thresholds};

/// More candidates than this in one image are texture, not codes.
const MOST_FINDERS: usize = 600;
/// A pattern that is higher than wide by more, or wider than high, is none.
const MOST_UNEQUAL: f32 = 2.2;

/// A place that looks like a finder pattern.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finder {
    pub(super) centre: Point,
    /// Pixels a module along the symbol's own axes.
    pub(super) module: f32,
    /// Rows that met the pattern.
    pub(super) hits: u32,
}

/// Scans every `step`th row.
pub(super) fn find(view: View<'_>, thresholds: &Thresholds, step: usize) -> Vec<Finder> {
    let mut found: Vec<Finder> = Vec::new();
    let mut edges = Edges::default();
    if view.width() < 2 * BLOCK || view.height() < 2 * BLOCK {
        return found;
    }
    for y in (step / 2..view.height() - 1).step_by(step) {
        let limits = thresholds.row(y);
        edges.look_at(view, thresholds, y);
        for at in (0..edges.places.len().saturating_sub(5)).step_by(2) {
            let e = &edges.places[at..at + 6];
            let runs = [
                i32::from(e[1]) - i32::from(e[0]),
                i32::from(e[2]) - i32::from(e[1]),
                i32::from(e[3]) - i32::from(e[2]),
                i32::from(e[4]) - i32::from(e[3]),
                i32::from(e[5]) - i32::from(e[4]),
            ];
            if !may_be_pattern(runs) {
                continue;
            }
            // The mere chance of noise is seldom as dark as the wide middle of a finder.
            let middle = usize::from(e[2].midpoint(e[3]));
            let mean = view.row(y)[middle].midpoint(view.row(y + 1)[middle]);
            let limit = limits[(middle / BLOCK).min(limits.len() - 1)];
            if mean.saturating_add(thresholds.margin()) > limit {
                continue;
            }
            let x = f32::from(e[2]).midpoint(f32::from(e[3]));
            let near = |f: &&mut Finder| {
                (f.centre[0] - x).abs() < 1.5 * f.module
                    && (f.centre[1] - y as f32 - 1.0).abs() < 2.5 * f.module
            };
            if let Some(known) = found.iter_mut().rev().find(near) {
                known.hits += 1;
            } else if let Some(finder) =
                confirm(view, thresholds, [x, y as f32 + 1.0], runs.iter().sum())
            {
                add(&mut found, finder);
                if found.len() >= MOST_FINDERS {
                    return found;
                }
            }
        }
    }
    found
}

fn add(found: &mut Vec<Finder>, finder: Finder) {
    let same = |f: &&mut Finder| {
        (f.centre[0] - finder.centre[0]).abs() < f.module
            && (f.centre[1] - finder.centre[1]).abs() < f.module
    };
    match found.iter_mut().rev().find(same) {
        Some(known) => known.hits += 1,
        None => found.push(finder),
    }
}

/// The colour changes of one row after the other, with what they need for it.
#[derive(Default)]
struct Edges {
    /// Thresholds of every pixel of the rows of one line of blocks, and which line that is.
    limits: Vec<u8>,
    block_row: Option<usize>,
    /// 1 for each pixel that is dark.
    is_dark: Vec<u8>,
    /// Where the colour changes, first to dark.
    places: Vec<u16>,
}

impl Edges {
    /// Looks at the mean of rows `y` and `y + 1`: it halves the noise and costs nothing against a
    /// module's height.
    fn look_at(&mut self, view: View<'_>, thresholds: &Thresholds, y: usize) {
        if self.block_row.replace(y / BLOCK) != Some(y / BLOCK) {
            let limits = thresholds.row(y);
            self.limits.clear();
            self.limits.extend(limits.iter().flat_map(|&limit| [limit; BLOCK]));
            self.limits.resize(view.width(), limits.last().copied().unwrap_or_default());
        }
        let rows = view.row(y).iter().zip(view.row(y + 1)).zip(&self.limits);
        self.is_dark.clear();
        self.is_dark.extend(rows.map(|((a, b), limit)| {
            // The mean of two bytes without a wider type.
            u8::from((a & b).wrapping_add((a ^ b) >> 1) < *limit)
        }));
        // Rounded up with light pixels, so that the last dark run ends.
        self.is_dark.resize(self.is_dark.len() / 64 * 64 + 64, 0);
        self.places.clear();
        let (mut base, mut before) = (0_u16, 0_u64);
        for eights in self.is_dark.as_chunks::<8>().0.as_chunks::<8>().0 {
            let mut word = 0_u64;
            for (n, eight) in eights.iter().enumerate() {
                // Gathers the lowest bit of each of the eight bytes.
                let bits = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
                word |= bits << (8 * n);
            }
            let mut changes = word ^ (word << 1 | before);
            before = word >> 63;
            while changes != 0 {
                self.places.push(base.wrapping_add(changes.trailing_zeros() as u16));
                changes &= changes.wrapping_sub(1);
            }
            base = base.wrapping_add(64);
        }
    }
}

/// A cheap test in whole pixels. Blur and exposure widen dark at the cost of light (or the other
/// way round) but leave the distance between like edges: 2, 4, 4 and 2 modules.
fn may_be_pattern([a, b, c, d, e]: [i32; 5]) -> bool {
    if c <= b.max(d) {
        return false;
    }
    let twelve = a + 2 * (b + c + d) + e;
    let slack = 7 * twelve / 12 + 12;
    // Distances of like edges, times twelve.
    (12 * (b + c) - 4 * twelve).abs() <= slack
        && (12 * (c + d) - 4 * twelve).abs() <= slack
        && 12 * (a + b) - 2 * twelve >= -slack
        && 12 * (d + e) - 2 * twelve >= -slack
        && 12 * (a + b) - 2 * twelve <= 2 * slack
        && 12 * (d + e) - 2 * twelve <= 2 * slack
        && 12 * c >= 2 * twelve - 12
}

/// Checks the column, then the row again through the better centre, then the column once more.
///
/// `width` is that of the whole pattern along the row, in pixels.
fn confirm(view: View<'_>, thresholds: &Thresholds, at: Point, width: i32) -> Option<Finder> {
    // Half a pattern, if it is as much higher than wide as is allowed.
    let reach = (width as f32 * 0.5 * MOST_UNEQUAL) as isize + 4;
    let (y, _) = cross(view, thresholds, at, Axis::Column, reach)?;
    let (x, wide) = cross(view, thresholds, [at[0], y], Axis::Row, reach)?;
    let (y, high) = cross(view, thresholds, [x, y], Axis::Column, reach)?;
    if wide.max(high) > MOST_UNEQUAL * wide.min(high) {
        return None;
    }
    let (centre, upright) = ([x, y], (wide * high).sqrt());
    let turn = turn(view, centre, upright)?;
    is_ringed(view, centre, [wide * turn, high * turn]).then_some(Finder {
        centre,
        module: upright * turn,
        hits: 1,
    })
}

/// How much narrower a module is along the symbol's axes than along the image's: from the pattern
/// along both diagonals. At an angle a, lines along the rows see 1 / cos a, lines along the
/// diagonals 1 / cos(45° - a).
fn turn(view: View<'_>, centre: Point, upright: f32) -> Option<f32> {
    let mut diagonal = 1.0;
    for direction in [[DIAGONAL, DIAGONAL], [DIAGONAL, -DIAGONAL]] {
        diagonal *= extent(view, centre, direction, upright * 1.1)?.module;
    }
    let tangent = (SQRT_2 * upright / diagonal.sqrt() - 1.0).clamp(0.0, 1.0);
    Some(1.0 / tangent.hypot(1.0))
}

/// Whether the centre is dark and the ring around it light, all the way round.
fn is_ringed(view: View<'_>, centre: Point, module: Point) -> bool {
    // At 2.1 modules from the centre every direction is inside the light ring of the square.
    const ROUND: [Point; 12] = [
        [1.0, 0.0],
        [0.866, 0.5],
        [0.5, 0.866],
        [0.0, 1.0],
        [-0.5, 0.866],
        [-0.866, 0.5],
        [-1.0, 0.0],
        [-0.866, -0.5],
        [-0.5, -0.866],
        [0.0, -1.0],
        [0.5, -0.866],
        [0.866, -0.5],
    ];
    let at = |radius: f32, [x, y]: Point| {
        value(view, [centre[0] + radius * module[0] * x, centre[1] + radius * module[1] * y])
    };
    let dark: f32 = ROUND.iter().map(|&d| at(0.6, d)).sum::<f32>() / 12.0;
    let ring = ROUND.map(|d| at(2.1, d));
    let light = ring.iter().sum::<f32>() / 12.0;
    let limit = dark + 0.35 * (light - dark);
    light - dark > 6.0 && ring.iter().filter(|&&v| v < limit).count() <= 2
}

#[derive(Clone, Copy)]
enum Axis {
    Row,
    Column,
}

/// The centre and module width of the pattern along an axis through a point.
///
/// Nothing is looked at farther than `reach` pixels from the point.
fn cross(
    view: View<'_>,
    thresholds: &Thresholds,
    [x, y]: Point,
    axis: Axis,
    reach: isize,
) -> Option<(f32, f32)> {
    let (width, height) = (view.width() as isize, view.height() as isize);
    let (x, y) = (x as isize, y as isize);
    let (start, end, fixed_end) = match axis {
        Axis::Row => (x, width, height),
        Axis::Column => (y, height, width),
    };
    let fixed = match axis {
        Axis::Row => y,
        Axis::Column => x,
    };
    if start < 0 || start >= end || fixed < 0 || fixed >= fixed_end {
        return None;
    }
    let line = Line::new(view, thresholds, fixed as usize, axis);
    let first = line.value(start);
    if first >= 0 {
        return None;
    }
    let back = walk(&line, start, end, -reach, first)?;
    let ahead = walk(&line, start, end, reach, first)?;
    let (b, c, d) = (back[1] - back[0], back[0] + ahead[0], ahead[1] - ahead[0]);
    // From the inside: 4 modules between like edges on either side of the ring of light.
    let module = (b + c + c + d) / 8.0;
    let is_near = |value: f32, modules: f32, part: f32| {
        (value - modules * module).abs() < part * module + 0.6
    };
    let (a, e) = (back[2] - back[1], ahead[2] - ahead[1]);
    let is_pattern = is_near(b + c, 4.0, 0.5)
        && is_near(c + d, 4.0, 0.5)
        && is_near(c, 3.0, 0.9)
        && is_near(b, 1.0, 0.65)
        && is_near(d, 1.0, 0.65)
        && a > 0.25 * module
        && e > 0.25 * module
        && (is_near(a, 1.0, 0.9) || is_near(e, 1.0, 0.9));
    // The mean of the four inner edges is the centre.
    let middle = start as f32 + 0.5 + (ahead[0] - back[0] + ahead[1] - back[1]) / 4.0;
    is_pattern.then_some((middle, module))
}

/// A row or column of the image: sums of three pixels across it, less three times the threshold;
/// dark is negative.
struct Line<'a> {
    pixels: &'a [u8],
    limits: &'a [u8],
    /// Where the line starts, and the two beside it.
    starts: [usize; 3],
    step: usize,
    /// Where its thresholds start, and how far one is from the next.
    limit_start: usize,
    limit_step: usize,
    last_limit: usize,
}

impl<'a> Line<'a> {
    fn new(view: View<'a>, thresholds: &'a Thresholds, at: usize, axis: Axis) -> Self {
        let (width, height) = (view.width(), view.height());
        let (columns, limits) = (thresholds.columns(), thresholds.values());
        let rows = limits.len() / columns;
        match axis {
            Axis::Row => Self {
                pixels: view.pixels(),
                limits,
                starts: [at.saturating_sub(1), at, (at + 1).min(height - 1)].map(|y| y * width),
                step: 1,
                limit_start: (at / BLOCK).min(rows - 1) * columns,
                limit_step: 1,
                last_limit: columns - 1,
            },
            Axis::Column => Self {
                pixels: view.pixels(),
                limits,
                starts: [at.saturating_sub(1), at, (at + 1).min(width - 1)],
                step: width,
                limit_start: (at / BLOCK).min(columns - 1),
                limit_step: columns,
                last_limit: rows - 1,
            },
        }
    }

    #[inline]
    fn value(&self, at: isize) -> i32 {
        let at = at as usize;
        let offset = at.wrapping_mul(self.step);
        let sum: i32 = self
            .starts
            .iter()
            .map(|start| i32::from(self.pixels[start.wrapping_add(offset)]))
            .sum();
        let block = (at / BLOCK).min(self.last_limit).wrapping_mul(self.limit_step);
        sum - 3 * i32::from(self.limits[self.limit_start.wrapping_add(block)])
    }
}

/// Three edges within `reach` pixels, in the direction of its sign: distances from the centre of the
/// start pixel, to parts of a pixel.
fn walk(line: &Line<'_>, start: isize, end: isize, reach: isize, first: i32) -> Option<[f32; 3]> {
    let mut edges = [0.0; 3];
    let (direction, last) = (reach.signum(), start + reach);
    let (mut at, mut before) = (start, first);
    let mut is_dark = true;
    for (n, edge) in edges.iter_mut().enumerate() {
        loop {
            if at == last {
                return None;
            }
            at += direction;
            if at < 0 || at >= end {
                // The image may end with the outer ring.
                if n < 2 {
                    return None;
                }
                *edge = (at - start).abs() as f32 - 0.5;
                break;
            }
            let now = line.value(at);
            if (now < 0) != is_dark {
                let part = before as f32 / (before - now) as f32;
                *edge = (at - direction - start).abs() as f32 + part;
                is_dark = !is_dark;
                before = now;
                break;
            }
            before = now;
        }
    }
    Some(edges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_found_at_its_centre_and_size() {
        for module in [2_usize, 3, 5, 9] {
            let (side, left, top) = (module * 20, module * 6 + 3, module * 7 + 1);
            let mut pixels = vec![220_u8; side * side];
            for y in 0..7 * module {
                for x in 0..7 * module {
                    let ring = (x / module).abs_diff(3).max((y / module).abs_diff(3));
                    pixels[(top + y) * side + left + x] = if ring == 2 { 220 } else { 30 };
                }
            }
            let Some(view) = View::new(side, side, &pixels) else { unreachable!() };
            let found = find(view, &Thresholds::of(view), 2);
            assert_eq!(found.len(), 1, "module of {module} pixels: {found:?}");
            let half = module as f32 * 3.5;
            assert!((found[0].centre[0] - left as f32 - half).abs() < 0.5, "{found:?}");
            assert!((found[0].centre[1] - top as f32 - half).abs() < 0.5, "{found:?}");
            assert!((found[0].module - module as f32).abs() < 0.5, "{found:?}");
        }
    }

    #[test]
    fn edges_name_the_first_pixel_of_each_colour() {
        let mut pixels = vec![200_u8; 160 * 16];
        for row in pixels.chunks_exact_mut(160) {
            row[10..20].fill(20);
            row[62..70].fill(20);
            row[130..131].fill(20);
        }
        let Some(view) = View::new(160, 16, &pixels) else { unreachable!() };
        let mut edges = Edges::default();
        edges.look_at(view, &Thresholds::of(view), 3);
        assert_eq!(edges.places, [10, 20, 62, 70, 130, 131]);
    }
}
