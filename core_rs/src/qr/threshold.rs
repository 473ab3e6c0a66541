//! A threshold for each block of 8 × 8 pixels, from the range of the blocks around it.

use super::image::View;

/// Side of a block in pixels.
pub(super) const BLOCK: usize = 8;

/// The middle between dark and light, in parts of 256.
const MIDDLE: u16 = 128;

/// Blocks whose surroundings differ by less than this hold no pattern: all light.
const LEAST_RANGE: f32 = 12.0;
/// The range of a block of mere noise, in standard deviations.
const RANGE_OF_NOISE: f32 = 7.0;
/// Noise is not believed to be more than this: fine texture looks like it.
const MOST_NOISE: f32 = 6.0;

/// The thresholds of one image.
pub(super) struct Thresholds {
    columns: usize,
    values: Vec<u8>,
    margin: u8,
}

impl Thresholds {
    /// Thresholds of an image of at least one block; a rest of less than a block belongs to the
    /// last one.
    pub(super) fn of(view: View<'_>) -> Self {
        Self::at(view, MIDDLE)
    }

    /// The same at another place between dark and light than the middle, in parts of 256: sparks of
    /// light pull the middle above the paper, pale ink and coloured finders lie above it.
    pub(super) fn at(view: View<'_>, share: u16) -> Self {
        let (columns, rows) = ((view.width() / BLOCK).max(1), (view.height() / BLOCK).max(1));
        let (mut lows, mut highs) = (Vec::new(), Vec::new());
        let (mut low_row, mut high_row) = (vec![0_u8; view.width()], vec![0_u8; view.width()]);
        for row in 0..rows {
            fold_rows(view, row * BLOCK, &mut low_row, &mut high_row);
            fold_blocks(&low_row, &mut lows, u8::min);
            fold_blocks(&high_row, &mut highs, u8::max);
        }
        let least_range = LEAST_RANGE.max(RANGE_OF_NOISE * noise(view).min(MOST_NOISE)) as u8;
        let middles = middles(columns, rows, lows, highs, (least_range, share));
        let values = smooth(columns, &middles);
        Self { columns, values, margin: least_range / 4 }
    }

    /// The thresholds of a row of blocks; the last row serves what is below it too.
    #[inline]
    pub(super) fn row(&self, y: usize) -> &[u8] {
        let rows = self.values.len() / self.columns;
        let at = (y / BLOCK).min(rows - 1) * self.columns;
        &self.values[at..at + self.columns]
    }

    /// How much darker than the threshold the middle of a pattern is at least: half of the least
    /// range would be so without blur.
    pub(super) fn margin(&self) -> u8 {
        self.margin
    }

    /// How many blocks are in a row.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// All thresholds, row by row.
    pub(super) fn values(&self) -> &[u8] {
        &self.values
    }
}

/// The standard deviation of the sensor's noise, from the lower quartile of the differences of
/// neighbours on some rows: most of an image is flat.
fn noise(view: View<'_>) -> f32 {
    let mut counts = [0_u32; 256];
    for y in (0..view.height()).step_by(view.height() / 24 + 1) {
        for pair in view.row(y).chunks_exact(2) {
            counts[usize::from(pair[0].abs_diff(pair[1]))] += 1;
        }
    }
    let total: u32 = counts.iter().sum();
    let mut below = 0;
    for (difference, &count) in counts.iter().enumerate() {
        if (below + count) * 4 >= total.max(1) {
            // A part of the step, so that the estimate does not jump by whole gray levels. The
            // quartile of the difference of two normal values is 0.45 standard deviations.
            let part = (total as f32 / 4.0 - below as f32) / count.max(1) as f32;
            return (difference as f32 + part - 0.5).max(0.0) / 0.45;
        }
        below += count;
    }
    0.0
}

/// The least and the greatest of each column of the block's rows from `top` on, four rows at a time.
fn fold_rows(view: View<'_>, top: usize, lows: &mut [u8], highs: &mut [u8]) {
    lows.fill(255);
    highs.fill(0);
    for first in [top, top + BLOCK / 2] {
        let [a, b, c, d] = std::array::from_fn(|n| view.row((first + n).min(view.height() - 1)));
        let rows = a.iter().zip(b).zip(c.iter().zip(d));
        for ((low, high), ((&a, &b), (&c, &d))) in lows.iter_mut().zip(highs.iter_mut()).zip(rows) {
            *low = (*low).min(a.min(b).min(c.min(d)));
            *high = (*high).max(a.max(b).max(c.max(d)));
        }
    }
}

/// One value of each whole block of a row; a row of less than a block is one.
fn fold_blocks(row: &[u8], values: &mut Vec<u8>, pick: impl Fn(u8, u8) -> u8) {
    let (blocks, rest) = row.as_chunks::<BLOCK>();
    values.extend(blocks.iter().map(|b| {
        let four: [u8; 4] = std::array::from_fn(|n| pick(b[n], b[n + 4]));
        pick(pick(four[0], four[2]), pick(four[1], four[3]))
    }));
    if blocks.is_empty() {
        values.extend(rest.iter().copied().reduce(pick));
    }
}

/// What `pick` leaves of each value and its up to eight neighbours.
fn around(columns: usize, values: Vec<u8>, pick: impl Fn(u8, u8) -> u8 + Copy) -> Vec<u8> {
    let mut wide = values;
    let mut before = vec![0; columns];
    for row in wide.chunks_exact_mut(columns) {
        before.copy_from_slice(row);
        for (value, &left) in row[1..].iter_mut().zip(&before) {
            *value = pick(*value, left);
        }
        for (value, &right) in row.iter_mut().zip(&before[1..]) {
            *value = pick(*value, right);
        }
    }
    let mut all = wide.clone();
    for (value, &above) in all[columns..].iter_mut().zip(&wide) {
        *value = pick(*value, above);
    }
    for (value, &below) in all.iter_mut().zip(&wide[columns..]) {
        *value = pick(*value, below);
    }
    all
}

/// The middle between the darkest and the lightest pixel of the 3 × 3 blocks around; 0 where there
/// is no contrast.
///
/// The middle and not the mean: in the corner of a symbol most is quiet zone, and the mean is
/// lighter than the light ring of a blurred finder.
fn middles(
    columns: usize,
    rows: usize,
    lows: Vec<u8>,
    highs: Vec<u8>,
    (least, share): (u8, u16),
) -> Vec<u8> {
    let (lows, highs) = (around(columns, lows, u8::min), around(columns, highs, u8::max));
    let mut middles = Vec::with_capacity(columns * rows);
    middles.extend(lows.iter().zip(&highs).map(|(&low, &high)| {
        let range = high.saturating_sub(low);
        let part = (u16::from(range).wrapping_mul(share) >> 8) as u8;
        if range >= least { low.saturating_add(part).saturating_add(1) } else { 0 }
    }));
    middles
}

/// The mean of each middle and its neighbours that have contrast; 0 where there is none.
fn smooth(columns: usize, middles: &[u8]) -> Vec<u8> {
    // The sum in the lower twelve bits, how many of them above: at most nine of 255.
    const ONE: u16 = 1 << 12;
    const SUM: u16 = ONE - 1;
    /// Reciprocals in parts of 65536, rounded up.
    const PARTS: [u32; 10] = [0, 65536, 32768, 21846, 16384, 13108, 10923, 9363, 8192, 7282];
    let marked = |m: u8| u16::from(m) | if m == 0 { 0 } else { ONE };
    let mut wide: Vec<u16> = middles.iter().map(|&m| marked(m)).collect();
    for (row, before) in wide.chunks_exact_mut(columns).zip(middles.chunks_exact(columns)) {
        for (sum, &left) in row[1..].iter_mut().zip(before) {
            *sum = sum.wrapping_add(marked(left));
        }
        for (sum, &right) in row.iter_mut().zip(&before[1..]) {
            *sum = sum.wrapping_add(marked(right));
        }
    }
    let mut sums = wide.clone();
    for (sum, &above) in sums[columns..].iter_mut().zip(&wide) {
        *sum = sum.wrapping_add(above);
    }
    for (sum, &below) in sums.iter_mut().zip(&wide[columns..]) {
        *sum = sum.wrapping_add(below);
    }
    let mean = |(&middle, &sum): (&u8, &u16)| {
        if middle == 0 {
            return 0;
        }
        ((u32::from(sum & SUM) * PARTS[usize::from((sum / ONE).min(9))]) >> 16) as u8
    };
    middles.iter().zip(&sums).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_image_is_light_and_an_edge_is_cut_between_its_sides() {
        let flat = vec![90; 64 * 48];
        let Some(view) = View::new(64, 48, &flat) else { unreachable!() };
        assert!((0..48).all(|y| (0..64).all(|x| Thresholds::of(view).row(y)[x / BLOCK] == 0)));
        let edge: Vec<u8> = (0..64 * 48).map(|n| if n % 64 < 32 { 40 } else { 200 }).collect();
        let Some(view) = View::new(64, 48, &edge) else { unreachable!() };
        let thresholds = Thresholds::of(view);
        assert!((41..200).contains(&thresholds.row(20)[3]));
        assert!((41..200).contains(&thresholds.row(47)[4]));
    }

    #[test]
    fn images_smaller_than_a_block_have_thresholds() {
        for (width, height) in [(1, 1), (7, 3), (9, 17)] {
            let pixels: Vec<u8> = (0..width * height).map(|n| (n * 37 % 256) as u8).collect();
            let Some(view) = View::new(width, height, &pixels) else { unreachable!() };
            assert!(!Thresholds::of(view).row(height - 1).is_empty());
        }
    }
}
