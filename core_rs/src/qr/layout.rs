//! What is where in a symbol: function patterns, the path of the data, blocks (ISO/IEC 18004).
//!
//! A module is named by its index `y * size + x`, counted from the top left.

use std::sync::OnceLock;

/// The highest version: 177 × 177 modules.
pub(super) const MAX_VERSION: usize = 40;

/// Error correction levels in the order of [`EC_PER_BLOCK`] and [`BLOCKS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    L,
    M,
    Q,
    H,
}

/// Error correction codewords of each block (table 9 of the standard), by level and version.
#[rustfmt::skip]
const EC_PER_BLOCK: [[u8; MAX_VERSION]; 4] = [
    [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28,
     28, 28, 30, 30, 26, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30],
    [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26,
     26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28],
    [13, 22, 18, 26, 18, 24, 18, 22, 20, 24, 28, 26, 24, 20, 30, 24, 28, 28, 26, 30,
     28, 30, 30, 30, 30, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30],
    [17, 28, 22, 16, 22, 28, 26, 26, 24, 28, 24, 28, 22, 24, 24, 30, 28, 28, 26, 28,
     30, 24, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30],
];

/// Blocks of each symbol (table 9 of the standard), by level and version.
#[rustfmt::skip]
const BLOCKS: [[u8; MAX_VERSION]; 4] = [
    [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8,
     8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 24, 25],
    [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16,
     17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49],
    [1, 1, 2, 2, 4, 4, 6, 6, 8, 8, 8, 10, 12, 16, 12, 17, 16, 18, 21, 20,
     23, 23, 25, 27, 29, 34, 34, 35, 38, 40, 43, 45, 48, 51, 53, 56, 59, 62, 65, 68],
    [1, 1, 2, 4, 4, 4, 5, 6, 8, 8, 11, 11, 16, 16, 18, 16, 19, 21, 25, 25,
     25, 34, 30, 32, 35, 37, 40, 42, 45, 48, 51, 54, 57, 60, 63, 66, 70, 74, 77, 81],
];

/// How the codewords of a symbol fall into blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocks {
    /// How many blocks; the last ones may have one data codeword more.
    pub(super) count: usize,
    /// Error correction codewords of each.
    pub(super) ec: usize,
    /// Data codewords of the short ones.
    pub(super) short_data: usize,
    /// How many are short.
    pub(super) short_count: usize,
}

/// A module that is the same in every symbol of the version.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) x: u8,
    pub(super) y: u8,
    pub(super) is_dark: bool,
}

/// One version's plan.
pub(super) struct Layout {
    pub(super) version: usize,
    pub(super) size: usize,
    /// Rows and columns of the centres of alignment patterns, ascending; empty for version 1.
    pub(super) alignment: Vec<usize>,
    /// Data modules in the order of their bits, highest bit of the first codeword first.
    pub(super) path: Vec<u32>,
    /// For each of them a bit for each data mask, the lowest for mask 0: whether it inverts it.
    pub(super) masks: Vec<u8>,
    /// Modules past the last codeword.
    pub(super) remainder: Vec<u32>,
    /// Finders with separators, timing and alignment patterns, the dark module.
    pub(super) known: Vec<Known>,
    /// Indices of the two copies of the format bits, lowest bit first.
    pub(super) format: [[u32; 15]; 2],
}

impl Layout {
    /// The plan of a version from 1 to 40, made once.
    pub(super) fn of(version: usize) -> Option<&'static Self> {
        static PLANS: [OnceLock<Layout>; MAX_VERSION] = [const { OnceLock::new() }; MAX_VERSION];
        let plan = PLANS.get(version.checked_sub(1)?)?;
        Some(plan.get_or_init(|| Self::make(version)))
    }

    /// Codewords of the symbol, data and error correction together.
    pub(super) fn codewords(&self) -> usize {
        self.path.len() / 8
    }

    /// The blocks at a level.
    pub(super) fn blocks(&self, level: Level) -> Blocks {
        let count = usize::from(BLOCKS[level as usize][self.version - 1]);
        let ec = usize::from(EC_PER_BLOCK[level as usize][self.version - 1]);
        let total = self.codewords();
        Blocks { count, ec, short_data: total / count - ec, short_count: count - total % count }
    }

    /// Indices of the two copies of version bit `bit` (versions 7 and up), lowest bit first.
    pub(super) fn version_bit(&self, bit: usize) -> [usize; 2] {
        let (a, b) = (self.size - 11 + bit % 3, bit / 3);
        [b * self.size + a, a * self.size + b]
    }

    fn make(version: usize) -> Self {
        let size = 17 + 4 * version;
        let alignment = alignment_centres(version);
        let mut known = Vec::new();
        let mut is_function = vec![false; size * size];
        let mut put = |x: usize, y: usize, dark: Option<bool>| {
            let was_set = std::mem::replace(&mut is_function[y * size + x], true);
            if let (Some(is_dark), false) = (dark, was_set) {
                known.push(Known { x: x as u8, y: y as u8, is_dark });
            }
        };
        for (left, top) in [(0, 0), (size - 7, 0), (0, size - 7)] {
            for y in top.saturating_sub(1)..(top + 8).min(size) {
                for x in left.saturating_sub(1)..(left + 8).min(size) {
                    let ring = (x + 4).abs_diff(left + 7).max((y + 4).abs_diff(top + 7));
                    put(x, y, Some(ring != 2 && ring < 4));
                }
            }
        }
        for &y in &alignment {
            for &x in &alignment {
                if (x == 6 && (y == 6 || y == size - 7)) || (y == 6 && x == size - 7) {
                    continue;
                }
                for dy in 0..5 {
                    for dx in 0..5 {
                        let ring = 2_usize.abs_diff(dx).max(2_usize.abs_diff(dy));
                        put(x + dx - 2, y + dy - 2, Some(ring != 1));
                    }
                }
            }
        }
        for at in 8..size - 8 {
            put(at, 6, Some(at % 2 == 0));
            put(6, at, Some(at % 2 == 0));
        }
        put(8, size - 8, Some(true));
        let format = format_places(size);
        for at in format.iter().flatten() {
            put(*at as usize % size, *at as usize / size, None);
        }
        if version >= 7 {
            for bit in 0..18 {
                let (a, b) = (size - 11 + bit % 3, bit / 3);
                put(a, b, None);
                put(b, a, None);
            }
        }
        let mut path = data_path(size, &is_function);
        let remainder = path.split_off(path.len() / 8 * 8);
        let masks_of = |&at: &u32| {
            let (x, y) = (at as usize % size, at as usize / size);
            (0..8).fold(0, |masks, mask| masks | u8::from(is_masked(mask, x, y)) << mask)
        };
        let masks = path.iter().map(masks_of).collect();
        Self { version, size, alignment, path, masks, remainder, known, format }
    }
}

/// Annex E: evenly spaced from the far side, the odd remainder before the second.
fn alignment_centres(version: usize) -> Vec<usize> {
    if version == 1 {
        return Vec::new();
    }
    let (size, count) = (17 + 4 * version, version / 7 + 2);
    let gaps = count - 1;
    let step = if version == 32 { 26 } else { (size - 13).div_ceil(2 * gaps) * 2 };
    let mut centres: Vec<_> = (0..gaps).map(|n| size - 7 - n * step).collect();
    centres.push(6);
    centres.reverse();
    centres
}

fn format_places(size: usize) -> [[u32; 15]; 2] {
    let first = std::array::from_fn(|bit| {
        let (x, y) = match bit {
            0..=5 => (8, bit),
            6 => (8, 7),
            7 => (8, 8),
            8 => (7, 8),
            _ => (14 - bit, 8),
        };
        (y * size + x) as u32
    });
    let second = std::array::from_fn(|bit| {
        let (x, y) = if bit < 8 { (size - 1 - bit, 8) } else { (8, size - 15 + bit) };
        (y * size + x) as u32
    });
    [first, second]
}

/// Columns in pairs from the right, upwards first, past the vertical timing pattern.
fn data_path(size: usize, is_function: &[bool]) -> Vec<u32> {
    let mut path = Vec::new();
    let pairs = (7..size).rev().step_by(2).chain([5, 3, 1]);
    for (number, right) in pairs.enumerate() {
        for step in 0..size {
            let y = if number % 2 == 0 { size - 1 - step } else { step };
            for x in [right, right - 1] {
                if !is_function[y * size + x] {
                    path.push((y * size + x) as u32);
                }
            }
        }
    }
    path
}

/// Whether the data mask (table 10 of the standard) inverts a module.
pub(super) fn is_masked(mask: u8, x: usize, y: usize) -> bool {
    let rest = match mask {
        0 => (x + y) % 2,
        1 => y % 2,
        2 => x % 3,
        3 => (x + y) % 3,
        4 => (x / 3 + y / 2) % 2,
        5 => x * y % 2 + x * y % 3,
        6 => (x * y % 2 + x * y % 3) % 2,
        _ => ((x + y) % 2 + x * y % 3) % 2,
    };
    rest == 0
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a version of the loop exists")]
mod tests {
    use super::*;

    #[test]
    fn centres_are_those_of_annex_e() {
        assert_eq!(alignment_centres(2), [6, 18]);
        assert_eq!(alignment_centres(7), [6, 22, 38]);
        assert_eq!(alignment_centres(14), [6, 26, 46, 66]);
        assert_eq!(alignment_centres(22), [6, 26, 50, 74, 98]);
        assert_eq!(alignment_centres(32), [6, 34, 60, 86, 112, 138]);
        assert_eq!(alignment_centres(36), [6, 24, 50, 76, 102, 128, 154]);
        assert_eq!(alignment_centres(40), [6, 30, 58, 86, 114, 142, 170]);
    }

    #[test]
    fn every_version_has_the_codewords_of_the_standard() {
        let first = [26, 44, 70, 100, 134, 172, 196, 242, 292, 346, 404, 466];
        for (n, codewords) in first.into_iter().enumerate() {
            assert_eq!(Layout::of(n + 1).unwrap().codewords(), codewords);
        }
        assert_eq!(Layout::of(40).unwrap().codewords(), 3706);
        for version in 1..=MAX_VERSION {
            let layout = Layout::of(version).unwrap();
            for level in [Level::L, Level::M, Level::Q, Level::H] {
                let b = layout.blocks(level);
                let long_count = b.count - b.short_count;
                let total = b.count * (b.short_data + b.ec) + long_count;
                assert_eq!(total, layout.codewords());
            }
        }
        assert!(Layout::of(0).is_none() && Layout::of(41).is_none());
    }
}
