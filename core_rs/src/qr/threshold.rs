//! A threshold for each block of 8 × 8 pixels, from the range of the blocks around it.

use super::image::View;

/// Side of a block in pixels.
pub(super) const BLOCK: usize = 8;

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
}

impl Thresholds {
    /// Thresholds of an image of at least one block; a rest of less than a block belongs to the
    /// last one.
    pub(super) fn of(view: View<'_>) -> Self {
        let (columns, rows) = ((view.width() / BLOCK).max(1), (view.height() / BLOCK).max(1));
        let mut ranges = vec![(255_u8, 0_u8); columns * rows];
        let (mut lows, mut highs) = (vec![255_u8; view.width()], vec![0_u8; view.width()]);
        for row in 0..rows {
            lows.fill(255);
            highs.fill(0);
            for y in row * BLOCK..(row * BLOCK + BLOCK).min(view.height()) {
                for ((low, high), &p) in lows.iter_mut().zip(&mut highs).zip(view.row(y)) {
                    *low = (*low).min(p);
                    *high = (*high).max(p);
                }
            }
            for column in 0..columns {
                let span = column * BLOCK..(column * BLOCK + BLOCK).min(view.width());
                let low = lows[span.clone()].iter().fold(255, |a, &b| a.min(b));
                let high = highs[span].iter().fold(0, |a, &b| a.max(b));
                ranges[row * columns + column] = (low, high);
            }
        }
        let least_range = LEAST_RANGE.max(RANGE_OF_NOISE * noise(view).min(MOST_NOISE)) as u8;
        Self { columns, values: smooth(columns, rows, &ranges, least_range) }
    }

    /// The thresholds of a row of blocks; the last row serves what is below it too.
    #[inline]
    pub(super) fn row(&self, y: usize) -> &[u8] {
        let rows = self.values.len() / self.columns;
        let at = (y / BLOCK).min(rows - 1) * self.columns;
        &self.values[at..at + self.columns]
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

/// The middle between the darkest and the lightest pixel of the 3 × 3 blocks around, then the mean
/// of that over 3 × 3 blocks; 0 where there is no contrast.
///
/// The middle and not the mean: in the corner of a symbol most is quiet zone, and the mean is
/// lighter than the light ring of a blurred finder.
fn smooth(columns: usize, rows: usize, ranges: &[(u8, u8)], least_range: u8) -> Vec<u8> {
    let around = |at: usize, end: usize| (at.saturating_sub(1), (at + 2).min(end));
    let mut spread = ranges.to_vec();
    for row in 0..rows {
        let line = &ranges[row * columns..(row + 1) * columns];
        for column in 0..columns {
            let (from, to) = around(column, columns);
            spread[row * columns + column] = widest(&line[from..to]);
        }
    }
    let mut middles = vec![0_u16; columns * rows];
    for row in 0..rows {
        let (from, to) = around(row, rows);
        for column in 0..columns {
            let (mut low, mut high) = (255, 0);
            for r in from..to {
                let (l, h) = spread[r * columns + column];
                low = low.min(l);
                high = high.max(h);
            }
            if high.saturating_sub(low) >= least_range {
                middles[row * columns + column] = u16::from(low).midpoint(u16::from(high)) + 1;
            }
        }
    }
    let mut values = vec![0; columns * rows];
    for row in 0..rows {
        let (top, bottom) = around(row, rows);
        for column in 0..columns {
            if middles[row * columns + column] == 0 {
                continue;
            }
            let (left, right) = around(column, columns);
            let (mut sum, mut count) = (0, 0);
            for r in top..bottom {
                for &middle in &middles[r * columns + left..r * columns + right] {
                    sum += middle;
                    count += u16::from(middle != 0);
                }
            }
            values[row * columns + column] = (sum / count).min(255) as u8;
        }
    }
    values
}

fn widest(ranges: &[(u8, u8)]) -> (u8, u8) {
    ranges.iter().fold((255, 0), |(low, high), &(l, h)| (low.min(l), high.max(h)))
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
