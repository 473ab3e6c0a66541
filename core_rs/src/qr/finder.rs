//! Finder patterns: dark, light, dark, light, dark as 1:1:3:1:1 along every line through the centre.

use std::f32::consts::{FRAC_1_SQRT_2 as DIAGONAL, SQRT_2};

use super::geometry::Point;
use super::grid::extent;
use super::image::View;
use super::sampler::value;
use super::threshold::{BLOCK, Thresholds};

/// More candidates than this in one image are texture, not codes.
const MOST_FINDERS: usize = 600;
/// Patterns wider than this many pixels are met by several rows.
const LARGE: f32 = 28.0;
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

/// Scans every `step`th row; `slack` is how far like edges may be from their distance, in parts of
/// two modules.
pub(super) fn find(
    view: View<'_>,
    thresholds: &Thresholds,
    step: usize,
    slack: f32,
) -> Vec<Finder> {
    let mut found: Vec<Finder> = Vec::new();
    let mut edges = Edges::default();
    // Places along the row before, and along this one, that looked like a pattern and were none.
    let (mut failed_before, mut failed) = (Vec::new(), Vec::new());
    if view.width() < 2 * BLOCK || view.height() < 2 * BLOCK {
        return found;
    }
    for y in (step / 2..view.height() - 1).step_by(step) {
        let limits = thresholds.row(y);
        edges.look_at(view, thresholds, y);
        std::mem::swap(&mut failed_before, &mut failed);
        failed.clear();
        for at in (0..edges.places.len().saturating_sub(5)).step_by(2) {
            let Some(e) = edges.places[at..].first_chunk() else { break };
            if !may_be_pattern(e, slack) {
                continue;
            }
            // The mere chance of noise is seldom as dark as the wide middle of a finder.
            let x = e[2].midpoint(e[3]);
            let middle = x as usize;
            let mean = view.row(y)[middle].midpoint(view.row(y + 1)[middle]);
            let limit = limits[(middle / BLOCK).min(limits.len() - 1)];
            if mean.saturating_add(thresholds.margin()) > limit {
                continue;
            }
            let near = |f: &&mut Finder| {
                (f.centre[0] - x).abs() < 1.5 * f.module
                    && (f.centre[1] - y as f32 - 1.0).abs() < 2.5 * f.module
            };
            if let Some(known) = found.iter_mut().rev().find(near) {
                known.hits += 1;
                continue;
            }
            // What fails on one row fails on the next; a large pattern has rows enough to try the
            // one after it.
            let width = e[5] - e[0];
            if width > LARGE && failed_before.iter().any(|&f: &f32| (f - x).abs() < 0.1 * width) {
                continue;
            }
            if let Some(finder) = confirm(view, thresholds, [x, y as f32 + 1.0], width) {
                add(&mut found, finder);
                if found.len() >= MOST_FINDERS {
                    return found;
                }
            } else {
                failed.push(x);
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
    /// Where the colour changes, first to dark.
    places: Vec<f32>,
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
        self.places.clear();
        let (above, rest_above) = view.row(y).as_chunks::<WORD>();
        let (below, rest_below) = view.row(y + 1).as_chunks::<WORD>();
        let (limits, rest_limits) = self.limits.as_chunks::<WORD>();
        let (mut base, mut before) = (0.0, 0);
        let mut note = |word: u64| {
            let mut changes = word ^ (word << 1 | before);
            before = word >> 63;
            while changes != 0 {
                self.places.push(base + changes.trailing_zeros() as f32);
                changes &= changes.wrapping_sub(1);
            }
            base += WORD as f32;
        };
        for ((above, below), limits) in above.iter().zip(below).zip(limits) {
            note(dark_bits(above, below, limits));
        }
        // Filled up with light pixels, so that the last dark run ends.
        let mut last = [[255_u8; WORD], [255; WORD], [0; WORD]];
        for (padded, rest) in last.iter_mut().zip([rest_above, rest_below, rest_limits]) {
            padded[..rest.len()].copy_from_slice(rest);
        }
        let [above, below, limits] = last;
        note(dark_bits(&above, &below, &limits));
    }
}

/// Pixels whose colours are gathered in one word.
const WORD: usize = 64;

/// A bit for each pixel, the lowest first: whether the mean of two rows is below the limit.
#[inline]
fn dark_bits(above: &[u8; WORD], below: &[u8; WORD], limits: &[u8; WORD]) -> u64 {
    let mut dark = [0_u8; WORD];
    for (dark, ((a, b), limit)) in dark.iter_mut().zip(above.iter().zip(below).zip(limits)) {
        // The mean of two bytes without a wider type.
        *dark = u8::from((a & b).wrapping_add((a ^ b) >> 1) < *limit);
    }
    let mut word = 0;
    for (n, eight) in dark.as_chunks::<8>().0.iter().enumerate() {
        // Gathers the lowest bit of each of the eight bytes.
        let bits = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        word |= bits << (8 * n);
    }
    word
}

/// A cheap test of six edges. Blur and exposure widen dark at the cost of light (or the other way
/// round) but leave the distance between like edges: 2, 4, 4 and 2 modules.
///
/// Of three runs the middle one is seldom the longest; after that all conditions are worked out and
/// one branch taken, since in data each of them is a coin's toss.
#[allow(clippy::needless_bitwise_bool, reason = "one branch is cheaper than seven here")]
#[inline]
fn may_be_pattern(&[a, b, c, d, e, f]: &[f32; 6], slack: f32) -> bool {
    let middle = d - c;
    if middle <= (c - b).max(e - d) {
        return false;
    }
    let two = (f - a + e - b) * (1.0 / 6.0);
    let four = 2.0 * two;
    let slack = slack * two + 1.0;
    (middle >= two - 1.0)
        & ((d - b - four).abs() <= slack)
        & ((e - c - four).abs() <= slack)
        & (c - a - two >= -slack)
        & (f - d - two >= -slack)
        & (c - a - two <= 2.0 * slack)
        & (f - d - two <= 2.0 * slack)
}

/// Checks the column, then the row again through the better centre, then the column once more.
///
/// `width` is that of the whole pattern along the row, in pixels.
fn confirm(view: View<'_>, thresholds: &Thresholds, at: Point, width: f32) -> Option<Finder> {
    // Half a pattern, if it is as much higher than wide as is allowed.
    let reach = (width * 0.5 * MOST_UNEQUAL) as isize + 4;
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
    let (width, height) = (view.width(), view.height());
    if !(x >= 0.0 && y >= 0.0 && x < width as f32 && y < height as f32) {
        return None;
    }
    // Sums of three pixels across the line, less three times the threshold: dark is negative.
    let (x, y) = (x as usize, y as usize);
    let (columns, limits) = (thresholds.columns(), thresholds.values());
    match axis {
        Axis::Row => {
            let first = y.saturating_sub(1).min(height - 3);
            let rows = [view.row(first), view.row(first + 1), view.row(first + 2)];
            let limits = thresholds.row(y);
            cross_line(x, width, reach, |at| {
                let [a, b, c] = rows.map(|row| i32::from(row[at]));
                let limit = limits[(at / BLOCK).min(columns - 1)];
                (a + b + c).wrapping_sub(3 * i32::from(limit))
            })
        }
        Axis::Column => {
            let first = x.saturating_sub(1).min(width - 3);
            let last_limit = limits.len() / columns - 1;
            let limits = &limits[(x / BLOCK).min(columns - 1)..];
            let pixels = &view.pixels()[first..];
            cross_line(y, height, reach, |at| {
                let at_pixel = at.wrapping_mul(width);
                let Some(&[a, b, c]) = pixels.get(at_pixel..).and_then(<[u8]>::first_chunk) else {
                    return 0;
                };
                let limit = limits[(at / BLOCK).min(last_limit).wrapping_mul(columns)];
                (i32::from(a) + i32::from(b) + i32::from(c)).wrapping_sub(3 * i32::from(limit))
            })
        }
    }
}

/// The centre and module width along a line of `end` values.
#[inline]
fn cross_line(
    start: usize,
    end: usize,
    reach: isize,
    value: impl Fn(usize) -> i32,
) -> Option<(f32, f32)> {
    let first = value(start);
    if first >= 0 {
        return None;
    }
    let back = walk(&value, start, end, -reach, first)?;
    let ahead = walk(&value, start, end, reach, first)?;
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

/// Three edges within `reach` pixels, in the direction of its sign: distances from the centre of the
/// start pixel, to parts of a pixel.
#[inline]
fn walk(
    value: &impl Fn(usize) -> i32,
    start: usize,
    end: usize,
    reach: isize,
    first: i32,
) -> Option<[f32; 3]> {
    let mut edges = [0.0; 3];
    let direction = reach.signum();
    let (mut at, mut before) = (start, first);
    let mut is_dark = true;
    // Steps until the reach is used up, and until the image ends.
    let room = if direction < 0 { start } else { end - 1 - start };
    let (mut steps, most) = (0_usize, reach.unsigned_abs());
    for (n, edge) in edges.iter_mut().enumerate() {
        loop {
            if steps == most {
                return None;
            }
            if steps == room {
                // The image may end with the outer ring.
                if n < 2 {
                    return None;
                }
                *edge = steps as f32 + 0.5;
                break;
            }
            steps = steps.wrapping_add(1);
            at = at.wrapping_add_signed(direction);
            let now = value(at);
            if (now < 0) != is_dark {
                *edge = steps as f32 - 1.0 + before as f32 / (before.wrapping_sub(now)) as f32;
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
            let found = find(view, &Thresholds::of(view), 2, 0.29);
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
        assert_eq!(edges.places, [10.0, 20.0, 62.0, 70.0, 130.0, 131.0]);
    }
}
