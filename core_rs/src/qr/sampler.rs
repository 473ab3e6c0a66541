//! Gray values between pixels, and how well they agree with what is known of a symbol.

use super::geometry::Point;
use super::image::View;

/// Parts of a pixel that are told apart.
const PARTS: u32 = 64;
/// At this size a float has no room for more than those parts, which are its lowest bits then.
const ALIGNED: f32 = 131_072.0;
const LOWEST: u32 = 0x7F_FFFF;

/// The value at a point, linear between the four nearest pixel centres; the border is repeated, and
/// nothing is told apart beyond 131,071 pixels or in images of less than two by two.
#[inline]
pub(super) fn value(view: View<'_>, [x, y]: Point) -> f32 {
    let (width, height) = (view.width(), view.height());
    // What a pixel before the last row or column is, and the parts of it.
    let place = |v: f32, size: usize| {
        let v = within(v - 0.5, ((size as u32).wrapping_sub(1) as f32).min(ALIGNED - 1.0));
        let parts = (v + ALIGNED).to_bits() & LOWEST;
        // At the far border the pixel before it counts in full instead.
        let whole = (parts / PARTS).min((size as u32).saturating_sub(2));
        (whole as usize, parts.wrapping_sub(whole.wrapping_mul(PARTS)) as i32)
    };
    let ((left, fx), (top, fy)) = (place(x, width), place(y, height));
    let upper = top.wrapping_mul(width).wrapping_add(left);
    let four = |at: usize| view.pixels().get(at..).and_then(<[u8]>::first_chunk);
    let (Some(&[a, b]), Some(&[c, d])) = (four(upper), four(upper.wrapping_add(width))) else {
        return 0.0;
    };
    let mix = |from: i32, to: i32, part: i32| {
        from.wrapping_mul(PARTS as i32).wrapping_add(to.wrapping_sub(from).wrapping_mul(part))
    };
    let above = mix(i32::from(a), i32::from(b), fx);
    let below = mix(i32::from(c), i32::from(d), fx);
    mix(above, below, fy) as f32 * (1.0 / (PARTS * PARTS) as f32)
}

/// From 0 to `most`; not a number is 0. Two instructions, where `clamp` also checks its bounds.
#[inline]
fn within(value: f32, most: f32) -> f32 {
    let value = if value > 0.0 { value } else { 0.0 };
    if value < most { value } else { most }
}

/// Whether a point lies in the image, or outside by no more than `margin` pixels.
#[inline]
pub(super) fn is_inside(view: View<'_>, [x, y]: Point, margin: f32) -> bool {
    x >= -margin
        && y >= -margin
        && x <= view.width() as f32 + margin
        && y <= view.height() as f32 + margin
}

/// The correlation, from -1 to 1, of darkness with `+1` and `-1`: how sure the values say the same
/// as the expected colours, whatever brightness and contrast.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Agreement {
    count: f32,
    sum: f32,
    squares: f32,
    expected: f32,
    products: f32,
}

impl Agreement {
    /// Adds one value and the colour it should have.
    #[inline]
    pub(super) fn add(&mut self, value: f32, is_dark: bool) {
        let sign = if is_dark { -1.0 } else { 1.0 };
        self.count += 1.0;
        self.sum += value;
        self.squares += value * value;
        self.expected += sign;
        self.products += sign * value;
    }

    /// The correlation so far; 0 for values without contrast.
    #[inline]
    pub(super) fn correlation(&self) -> f32 {
        let n = self.count.max(1.0);
        let spread = self.squares / n - (self.sum / n).powi(2);
        let bias = self.expected / n;
        let known = 1.0 - bias * bias;
        if spread < 1.0 || known <= 0.0 {
            return 0.0;
        }
        (self.products / n - self.sum / n * bias) / (spread * known).sqrt()
    }
}
