//! Gray values between pixels, and how well they agree with what is known of a symbol.

use super::geometry::Point;
use super::image::View;

/// The value at a point, linear between the four nearest pixel centres; the border is repeated.
#[inline]
pub(super) fn value(view: View<'_>, [x, y]: Point) -> f32 {
    let (width, height) = (view.width(), view.height());
    let x = (x - 0.5).clamp(0.0, width as f32 - 1.0);
    let y = (y - 0.5).clamp(0.0, height as f32 - 1.0);
    let (left, top) = (x as usize, y as usize);
    let (fx, fy) = (x - left as f32, y - top as f32);
    let upper = top * width + left;
    let step_x = usize::from(left + 1 < width);
    let lower = upper + if top + 1 < height { width } else { 0 };
    let pixels = view.pixels();
    let a = f32::from(pixels[upper]);
    let b = f32::from(pixels[upper + step_x]);
    let c = f32::from(pixels[lower]);
    let d = f32::from(pixels[lower + step_x]);
    let above = a + (b - a) * fx;
    let below = c + (d - c) * fx;
    above + (below - above) * fy
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
