//! Soft module values to content: format, masks, blocks, error correction with erasures.

use super::bits::{self, Content};
use super::layout::{Blocks, Layout, Level};
use super::reed_solomon::{Syndromes, correct};

/// Blocks are accepted only if a random word would pass as rarely as 256⁻³·⁵ (4·10⁻⁹).
const SAFETY_CODEWORDS: f32 = 3.5;

/// How hard the blocks of a symbol are repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repairs {
    /// Errors only, and no block after one that cannot be repaired.
    Plain,
    /// And erasures.
    Erasing,
    /// And every block, for what is to be learned from those that can be repaired.
    All,
}

/// What was learned about a symbol whose blocks were not all repaired, or were.
pub(super) struct Attempt {
    /// The content, if every block was repaired and the segments make sense.
    pub(super) content: Option<Content>,
    /// Data modules of repaired blocks with their true colour (`true` for dark).
    pub(super) settled: Vec<(u32, bool)>,
    /// How many blocks were repaired, of how many.
    pub(super) repaired: (usize, usize),
}

/// Level and mask that the format bits may say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Format {
    pub(super) level: Level,
    pub(super) mask: u8,
    /// Agreement with the soft bits, 1 if all are right, about 0.5 for noise.
    pub(super) agreement: f32,
    bits: u16,
}

impl Format {
    /// The colour of each format module, lowest bit first.
    pub(super) fn is_dark(self, bit: usize) -> bool {
        self.bits >> bit & 1 == 1
    }
}

/// The 15 format bits of the 5 data bits (Annex C): BCH remainder, then the fixed mask.
pub(super) fn format_bits(data: u16) -> u16 {
    let mut rest = data << 10;
    for bit in (10..15).rev() {
        if rest >> bit & 1 == 1 {
            rest ^= 0x537 << (bit - 10);
        }
    }
    (data << 10 | rest) ^ 0x5412
}

/// The 18 version bits of a version (Annex D).
pub(super) fn version_bits(version: usize) -> u32 {
    let data = version as u32;
    let mut rest = data << 12;
    for bit in (12..18).rev() {
        if rest >> bit & 1 == 1 {
            rest ^= 0x1F25 << (bit - 12);
        }
    }
    data << 12 | rest
}

/// The likeliest formats, best first: of both copies together, then of each alone.
pub(super) fn read_formats(values: &[f32], layout: &Layout) -> Vec<Format> {
    let copy = |n: usize| layout.format[n].map(|at| values[at as usize].clamp(-1.0, 1.0));
    let (a, b) = (copy(0), copy(1));
    let mut both = a;
    for (sum, value) in both.iter_mut().zip(b) {
        *sum += value;
    }
    let mut found: Vec<Format> = Vec::new();
    for soft in [both, a, b] {
        let best = best_format(&soft);
        if !found.iter().any(|f| f.bits == best.bits) {
            found.push(best);
        }
    }
    found
}

fn best_format(soft: &[f32; 15]) -> Format {
    let total: f32 = soft.iter().map(|v| v.abs()).sum::<f32>() + 1e-6;
    let mut best = Format { level: Level::M, mask: 0, agreement: f32::MIN, bits: 0 };
    for data in 0..32 {
        let bits = format_bits(data);
        let signed = |(n, v): (usize, &f32)| if bits >> n & 1 == 1 { *v } else { -*v };
        let score: f32 = soft.iter().enumerate().map(signed).sum();
        let agreement = 0.5 + 0.5 * score / total;
        if agreement > best.agreement {
            let level = [Level::M, Level::L, Level::H, Level::Q][usize::from(data >> 3)];
            best = Format { level, mask: (data & 7) as u8, agreement, bits };
        }
    }
    best
}

/// The version that the version bits of a symbol of 45 modules or more say, and its agreement.
pub(super) fn read_version(values: &[f32], layout: &Layout) -> (usize, f32) {
    let mut soft = [0.0_f32; 18];
    for (bit, sum) in soft.iter_mut().enumerate() {
        *sum = layout.version_bit(bit).iter().map(|&at| values[at].clamp(-1.0, 1.0)).sum();
    }
    let total: f32 = soft.iter().map(|v| v.abs()).sum::<f32>() + 1e-6;
    let mut best = (0, f32::MIN);
    for version in 7..=40 {
        let bits = version_bits(version);
        let signed = |(n, v): (usize, &f32)| if bits >> n & 1 == 1 { *v } else { -*v };
        let agreement = 0.5 + 0.5 * soft.iter().enumerate().map(signed).sum::<f32>() / total;
        if agreement > best.1 {
            best = (version, agreement);
        }
    }
    best
}

/// Tries to read the symbol: `values` are positive for dark and larger where surer.
///
/// Beyond [`Repairs::Plain`] the least sure codewords of a block are erased, more and more of them.
pub(super) fn read(values: &[f32], layout: &Layout, format: Format, repairs: Repairs) -> Attempt {
    let (words, sureness) = collect(values, layout, format.mask);
    let blocks = layout.blocks(format.level);
    let mut data = vec![0; layout.codewords() - blocks.count * blocks.ec];
    let mut attempt = Attempt { content: None, settled: Vec::new(), repaired: (0, blocks.count) };
    let (mut places, mut block, mut doubts) = (Vec::new(), Vec::new(), Vec::new());
    let mut start = 0;
    for number in 0..blocks.count {
        block_places(&blocks, number, &mut places);
        block.clear();
        block.extend(places.iter().map(|&at| words[at]));
        doubts.clear();
        doubts.extend(places.iter().map(|&at| sureness[at]));
        let data_count = places.len() - blocks.ec;
        if repair(&mut block, &doubts, blocks.ec, repairs != Repairs::Plain) {
            attempt.repaired.0 += 1;
            data[start..start + data_count].copy_from_slice(&block[..data_count]);
            if repairs == Repairs::All {
                settle(&mut attempt.settled, layout, format.mask, &places, &block);
            }
        } else if repairs != Repairs::All {
            return attempt;
        }
        start += data_count;
    }
    if attempt.repaired.0 == blocks.count {
        // A plain texture can look like the code word of zeros: nothing is not a content.
        attempt.content =
            bits::parse(&data, layout.version).filter(|content| !content.bytes.is_empty());
    }
    attempt
}

/// Codewords in the order of the path, and how sure each is: as sure as its least sure bit.
fn collect(values: &[f32], layout: &Layout, mask: u8) -> (Vec<u8>, Vec<f32>) {
    let mut words = Vec::with_capacity(layout.codewords());
    let mut sureness = Vec::with_capacity(layout.codewords());
    let (modules, masks) = (layout.path.as_chunks::<8>().0, layout.masks.as_chunks::<8>().0);
    for (modules, masks) in modules.iter().zip(masks) {
        let (mut word, mut least) = (0_u8, f32::MAX);
        for (&at, &masks) in modules.iter().zip(masks) {
            let value = values[at as usize];
            word = word << 1 | (u8::from(value > 0.0) ^ (masks >> mask & 1));
            least = least.min(value.abs());
        }
        words.push(word);
        sureness.push(least);
    }
    (words, sureness)
}

/// Places in the codeword sequence of one block's data and error correction (7.6).
pub(super) fn block_places(blocks: &Blocks, number: usize, places: &mut Vec<usize>) {
    places.clear();
    let Blocks { count, ec, short_data, short_count } = *blocks;
    places.extend((0..short_data).map(|n| n * count + number));
    if number >= short_count {
        places.push(short_data * count + number - short_count);
    }
    let data = short_data * count + count - short_count;
    places.extend((0..ec).map(|n| data + n * count + number));
}

fn repair(block: &mut [u8], sureness: &[f32], ec: usize, with_erasures: bool) -> bool {
    let syndromes = Syndromes::of(block, ec);
    if correct(block, &syndromes, &[], allowed_errors(block.len(), ec, 0)).is_some() {
        return true;
    }
    if !with_erasures {
        return false;
    }
    let mut order: Vec<usize> = (0..block.len()).collect();
    order.sort_by(|&a, &b| sureness[a].total_cmp(&sureness[b]));
    for erased in (2..=ec).step_by(2) {
        let erasures = &order[..erased.min(order.len())];
        let errors = allowed_errors(block.len(), ec, erased);
        if errors == usize::MAX {
            return false;
        }
        if correct(block, &syndromes, erasures, errors).is_some() {
            return true;
        }
    }
    false
}

/// The most errors beside `erased` erasures for which a false repair stays as rare as promised:
/// a random word is repaired with probability C(n, v) · 255^v / 256^(ec - erased).
/// `usize::MAX` if not even none is safe.
fn allowed_errors(length: usize, ec: usize, erased: usize) -> usize {
    let room = ec as f32 - erased as f32 - SAFETY_CODEWORDS;
    if room < 0.0 {
        return usize::MAX;
    }
    let mut log_choices = 0.0_f32;
    let mut errors = 0;
    while 2 * (errors + 1) + erased <= ec {
        let next = (errors + 1) as f32;
        log_choices += ((length - errors) as f32 / next).ln() / 256_f32.ln();
        if next + log_choices > room {
            break;
        }
        errors += 1;
    }
    errors
}

/// Notes the true colours of a repaired block's modules.
fn settle(
    settled: &mut Vec<(u32, bool)>,
    layout: &Layout,
    mask: u8,
    places: &[usize],
    block: &[u8],
) {
    for (&place, &word) in places.iter().zip(block) {
        for bit in 0..8 {
            let at = place * 8 + bit;
            let is_dark = (word >> (7 - bit) ^ layout.masks[at] >> mask) & 1 == 1;
            settled.push((layout.path[at], is_dark));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_and_version_bits_are_those_of_the_annexes() {
        // Annex C: level M, mask 5; Annex D: version 7.
        assert_eq!(format_bits(0b00101), 0b100_0000_1100_1110);
        assert_eq!(version_bits(7), 0b00_0111_1100_1001_0100);
    }

    #[test]
    fn false_repairs_stay_rare_whatever_is_erased() {
        // A version 1-L block: 26 codewords, 7 of them error correction.
        assert_eq!(allowed_errors(26, 7, 0), 2);
        assert_eq!(allowed_errors(26, 7, 2), 0);
        assert_eq!(allowed_errors(26, 7, 4), usize::MAX);
        assert_eq!(allowed_errors(100, 30, 0), 15);
        assert_eq!(allowed_errors(100, 30, 26), 0);
    }
}
