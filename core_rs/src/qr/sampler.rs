//! Gray values between pixels, and how well they agree with what is known of a symbol.

use super::geometry::Point;
use super::image::View;

/// The value at a point, linear between the four nearest pixel centres; the border is repeated.
#[inline]
pub(super) fn value(view: View<'_>, [x, y]: Point) -> f32 {
    let (width, height) = (view.width() as i32, view.height() as i32);
    let (x, y) = (within(x - 0.5, width as f32 - 1.0), within(y - 0.5, height as f32 - 1.0));
    // At the far border the pixel before it counts in full instead.
    let (left, top) = ((x as i32).min(width - 2).max(0), (y as i32).min(height - 2).max(0));
    let (fx, fy) = (x - left as f32, y - top as f32);
    let upper = top.wrapping_mul(width).wrapping_add(left) as usize;
    let lower = upper.wrapping_add(if height > 1 { width as usize } else { 0 });
    let next = usize::from(width > 1);
    let pixels = view.pixels();
    let (Some(above), Some(below)) = (
        pixels.get(upper..upper.wrapping_add(next).wrapping_add(1)),
        pixels.get(lower..lower.wrapping_add(next).wrapping_add(1)),
    ) else {
        return 0.0;
    };
    let (a, b) = (f32::from(above[0]), f32::from(above[next]));
    let (c, d) = (f32::from(below[0]), f32::from(below[next]));
    let above = a + (b - a) * fx;
    let below = c + (d - c) * fx;
    above + (below - above) * fy
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
