//! Finder patterns: dark, light, dark, light, dark as 1:1:3:1:1 along every line through the centre.

use std::f32::consts::{FRAC_1_SQRT_2 as DIAGONAL, SQRT_2};

use super::geometry::{Point, is_within};
use super::grid::extent;
use super::image::View;
use super::line::{Axis, Reach, cross};
use super::sampler::value;
use super::threshold::{BLOCK, Thresholds};

/// More candidates than this in one image are texture, not codes.
const MOST_FINDERS: usize = 600;
/// Patterns wider than this many pixels are met by several rows.
const LARGE: f32 = 28.0;
/// A pattern that is higher than wide by more, or wider than high, is none.
const MOST_UNEQUAL: f32 = 2.2;
/// The same for a lenient search.
const MOST_UNEQUAL_LENIENT: f32 = 3.2;

/// A place that looks like a finder pattern.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finder {
    pub(super) centre: Point,
    /// Pixels a module along the symbol's own axes.
    pub(super) module: f32,
    /// Rows that met the pattern.
    pub(super) hits: u32,
}

/// How the rows are scanned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scan {
    /// Rows between scans.
    pub(super) step: usize,
    /// How far like edges may be from their distance, in parts of two modules.
    pub(super) slack: f32,
    /// Whether the dark ring may be lost in something dark on one side, or lack its corners, and the
    /// square may be sheared.
    pub(super) is_lenient: bool,
}

/// Finds what looks like a finder pattern, outside of the symbols that are `known` by their corners,
/// in an image of two blocks each way at least.
pub(super) fn find(
    view: View<'_>,
    thresholds: &Thresholds,
    scan: Scan,
    known: &[[Point; 4]],
) -> Vec<Finder> {
    let Scan { step, slack, is_lenient } = scan;
    let mut found: Vec<Finder> = Vec::new();
    let mut edges = Edges::default();
    // Places along the row before, and along this one, that looked like a pattern and were none.
    let (mut failed_before, mut failed) = (Vec::new(), Vec::new());
    for y in (step / 2..view.height() - 1).step_by(step) {
        let limits = thresholds.row(y);
        edges.look_at(view, thresholds, y);
        std::mem::swap(&mut failed_before, &mut failed);
        failed.clear();
        edges.judge(slack);
        for at in 0..edges.is_whole.len() {
            let is_whole = edges.is_whole[at];
            if !is_whole && !is_lenient {
                continue;
            }
            let e = &edges.six(at);
            if !is_whole && !may_be_merged(e, slack) {
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
            if known.iter().any(|corners| is_within(corners, [x, y as f32])) {
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
            let width = if is_whole { e[5] - e[0] } else { 7.0 * inner_module(e) };
            if width > LARGE && failed_before.iter().any(|&f: &f32| (f - x).abs() < 0.1 * width) {
                continue;
            }
            if let Some(finder) = confirm(view, thresholds, [x, y as f32 + 1.0], width, is_lenient)
            {
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
    /// Where dark begins and where it ends: as many of each.
    begins: Vec<f32>,
    ends: Vec<f32>,
    /// Of each three dark runs that follow each other, whether they may be a whole pattern.
    is_whole: Vec<bool>,
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
        // No row has more dark runs than every other pixel.
        let most = view.width() / 2 + 1;
        self.begins.resize(most, 0.0);
        self.ends.resize(most, 0.0);
        let (mut begun, mut ended) = (self.begins.iter_mut(), self.ends.iter_mut());
        let (above, rest_above) = view.row(y).as_chunks::<WORD>();
        let (below, rest_below) = view.row(y + 1).as_chunks::<WORD>();
        let (limits, rest_limits) = self.limits.as_chunks::<WORD>();
        let mut before = 0;
        let mut note = |base: usize, word: u64| {
            let mut begins = word & !(word << 1 | before);
            let mut ends = !word & (word << 1 | before);
            before = word >> 63;
            while begins != 0
                && let Some(slot) = begun.next()
            {
                *slot = (base as u32 | begins.trailing_zeros()) as f32;
                begins &= begins.wrapping_sub(1);
            }
            while ends != 0
                && let Some(slot) = ended.next()
            {
                *slot = (base as u32 | ends.trailing_zeros()) as f32;
                ends &= ends.wrapping_sub(1);
            }
        };
        for (n, ((above, below), limits)) in above.iter().zip(below).zip(limits).enumerate() {
            note(n * WORD, dark_bits(above, below, limits));
        }
        // Filled up with light pixels, so that the last dark run ends.
        let mut last = [[255_u8; WORD], [255; WORD], [0; WORD]];
        for (padded, rest) in last.iter_mut().zip([rest_above, rest_below, rest_limits]) {
            padded[..rest.len()].copy_from_slice(rest);
        }
        let [last_above, last_below, last_limits] = last;
        note(above.len() * WORD, dark_bits(&last_above, &last_below, &last_limits));
        let rest = ended.len();
        self.begins.truncate(most - rest);
        self.ends.truncate(most - rest);
    }

    /// Judges each three dark runs that follow each other, as many at once as the machine can: one
    /// after the other, each condition would be a coin's toss for it.
    fn judge(&mut self, slack: f32) {
        let count = self.ends.len().saturating_sub(2);
        let (begins, ends) = (&self.begins, &self.ends);
        self.is_whole.clear();
        if count == 0 {
            return;
        }
        let (a, c, e) = (&begins[..count], &begins[1..=count], &begins[2..count + 2]);
        let (b, d, f) = (&ends[..count], &ends[1..=count], &ends[2..count + 2]);
        self.is_whole.extend(
            (0..count).map(|n| may_be_pattern([a[n], b[n], c[n], d[n], e[n], f[n]], slack)),
        );
    }

    /// The six edges of three dark runs.
    fn six(&self, at: usize) -> [f32; 6] {
        std::array::from_fn(|n| if n % 2 == 0 { &self.begins } else { &self.ends }[at + n / 2])
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
/// All conditions are worked out, without a branch, so that several are judged at once.
#[allow(clippy::needless_bitwise_bool, reason = "no branch is wanted here")]
#[inline]
fn may_be_pattern([a, b, c, d, e, f]: [f32; 6], slack: f32) -> bool {
    let middle = d - c;
    let two = (f - a + e - b) * (1.0 / 6.0);
    let four = 2.0 * two;
    let slack = slack * two + 1.0;
    (middle > c - b)
        & (middle > e - d)
        & (middle >= two - 1.0)
        & ((d - b - four).abs() <= slack)
        & ((e - c - four).abs() <= slack)
        & (c - a - two >= -slack)
        & (f - d - two >= -slack)
        & (c - a - two <= 2.0 * slack)
        & (f - d - two <= 2.0 * slack)
}

/// A module's width from the four inner edges.
#[inline]
fn inner_module(&[_, b, c, d, e, _]: &[f32; 6]) -> f32 {
    (d - b + e - c) * 0.125
}

/// The test of six edges where the dark ring ends on one side only.
#[inline]
fn may_be_merged(edges: &[f32; 6], slack: f32) -> bool {
    let &[a, b, c, d, e, f] = edges;
    let module = inner_module(edges);
    let slack = 2.0 * slack * module + 1.0;
    let is_ring = |width: f32| (width - module).abs() <= slack && width >= 0.4 * module;
    (d - b - 4.0 * module).abs() <= slack
        && d - c >= 2.0 * module - 1.0
        && is_ring(c - b)
        && is_ring(e - d)
        && (is_ring(b - a) || is_ring(f - e))
}

/// Checks the column, then the row again through the better centre, then the column once more.
///
/// `width` is that of the whole pattern along the row, in pixels.
fn confirm(
    view: View<'_>,
    thresholds: &Thresholds,
    at: Point,
    width: f32,
    is_lenient: bool,
) -> Option<Finder> {
    let most_unequal = if is_lenient { MOST_UNEQUAL_LENIENT } else { MOST_UNEQUAL };
    // Half a pattern, if it is as much higher than wide as is allowed.
    let reach =
        Reach { pixels: (width * 0.5 * most_unequal) as usize + 4, may_end_dark: is_lenient };
    let (y, _) = cross(view, thresholds, at, Axis::Column, reach)?;
    let (x, wide) = cross(view, thresholds, [at[0], y], Axis::Row, reach)?;
    let (y, high) = cross(view, thresholds, [x, y], Axis::Column, reach)?;
    if wide.max(high) > most_unequal * wide.min(high) {
        return None;
    }
    let (centre, upright) = ([x, y], (wide * high).sqrt());
    let found = |turn: f32| Finder { centre, module: upright * turn, hits: 1 };
    match turn(view, centre, upright) {
        Some(turn) if is_ringed(view, centre, [wide * turn, high * turn]) => Some(found(turn)),
        turn if is_lenient => {
            is_surrounded(view, centre, [wide, high]).then(|| found(turn.unwrap_or(1.0)))
        }
        _ => None,
    }
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

/// Directions all round.
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

/// Whether the centre is dark and the ring around it light, all the way round.
fn is_ringed(view: View<'_>, centre: Point, module: Point) -> bool {
    // At 2.1 modules from the centre every direction is inside the light ring of the square.
    let at = |radius: f32, [x, y]: Point| {
        value(view, [centre[0] + radius * module[0] * x, centre[1] + radius * module[1] * y])
    };
    let dark: f32 = ROUND.iter().map(|&d| at(0.6, d)).sum::<f32>() / 12.0;
    let ring = ROUND.map(|d| at(2.1, d));
    let light = ring.iter().sum::<f32>() / 12.0;
    let limit = dark + 0.35 * (light - dark);
    light - dark > 6.0 && ring.iter().filter(|&&v| v < limit).count() <= 2
}

/// Whether every way out of the dark centre meets light where a square's ring may be, however it is
/// sheared: between one module and four.
fn is_surrounded(view: View<'_>, centre: Point, module: Point) -> bool {
    let at = |radius: f32, [x, y]: Point| {
        value(view, [centre[0] + radius * module[0] * x, centre[1] + radius * module[1] * y])
    };
    let dark: f32 = ROUND.iter().map(|&d| at(0.6, d)).sum::<f32>() / 12.0;
    let ring = ROUND.map(|d| (4..=16).map(|n| at(n as f32 * 0.25, d)).fold(0.0, f32::max));
    let light = ring.iter().sum::<f32>() / 12.0;
    let limit = dark + 0.5 * (light - dark);
    light - dark > 6.0 && ring.iter().filter(|&&v| v < limit).count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCAN: Scan = Scan { step: 2, slack: 0.29, is_lenient: false };

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
            let found = find(view, &Thresholds::of(view), SCAN, &[]);
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
        assert_eq!(edges.begins, [10.0, 62.0, 130.0]);
        assert_eq!(edges.ends, [20.0, 70.0, 131.0]);
    }
}
