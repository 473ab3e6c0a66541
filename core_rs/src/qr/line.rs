//! The pattern of a finder along one line through its middle, whatever the blur.

use super::geometry::Point;
use super::image::View;
use super::threshold::{BLOCK, Thresholds};

/// How far a line is followed.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    pub(super) pixels: usize,
    /// Whether the outer dark run may go on beyond it.
    pub(super) may_end_dark: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Axis {
    Row,
    Column,
}

/// The centre and module width of the pattern along an axis through a point.
///
/// Nothing is looked at farther than `reach` from the point.
pub(super) fn cross(
    view: View<'_>,
    thresholds: &Thresholds,
    [x, y]: Point,
    axis: Axis,
    reach: Reach,
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
    reach: Reach,
    value: impl Fn(usize) -> i32,
) -> Option<(f32, f32)> {
    let first = value(start);
    if first >= 0 {
        return None;
    }
    let back = walk(&value, (start, end), -1, reach, first)?;
    let ahead = walk(&value, (start, end), 1, reach, first)?;
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

/// Three edges within `reach`: distances from the centre of the start pixel, to parts of a pixel.
#[inline]
fn walk(
    value: &impl Fn(usize) -> i32,
    (start, end): (usize, usize),
    direction: isize,
    reach: Reach,
    first: i32,
) -> Option<[f32; 3]> {
    let mut edges = [0.0; 3];
    let (mut at, mut before) = (start, first);
    let mut is_dark = true;
    // Steps until the reach is used up, and until the image ends.
    let room = if direction < 0 { start } else { end - 1 - start };
    let mut steps = 0_usize;
    for (n, edge) in edges.iter_mut().enumerate() {
        loop {
            if steps == reach.pixels && !(n == 2 && reach.may_end_dark) {
                return None;
            }
            if steps == room || steps == reach.pixels {
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
