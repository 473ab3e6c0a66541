//! Text to symbol: the smallest version at level M, then the highest level that it still holds.
//!
//! One segment, alphanumeric where the text allows it, else bytes (ISO/IEC 18004, 7.4 and 7.8).

use super::codewords::{block_places, format_bits, version_bits};
use super::layout::{Layout, Level, MAX_VERSION, is_masked};
use super::reed_solomon::parity;
use crate::error::{Error, Kind, Result};

const ALPHANUMERIC: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/// The modules of a symbol, row by row from the top left, without a quiet zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modules {
    /// Modules of a side.
    pub size: usize,
    /// `true` for dark.
    pub is_dark: Vec<bool>,
}

/// Draws a text.
///
/// # Errors
/// `qr.too_long`: no version holds it.
pub fn write(text: &str) -> Result<Modules> {
    let (layout, level) = plan(text)
        .ok_or_else(|| Error::new(Kind::LimitReached, "qr.too_long", "no symbol holds the text"))?;
    let words = codewords(text, layout, level);
    let mut best: Option<(u32, Vec<bool>)> = None;
    for mask in 0..8 {
        let drawn = draw(layout, level, mask, &words);
        let penalty = penalty(&drawn, layout.size);
        if best.as_ref().is_none_or(|(least, _)| penalty < *least) {
            best = Some((penalty, drawn));
        }
    }
    Ok(Modules { size: layout.size, is_dark: best.map(|(_, drawn)| drawn).unwrap_or_default() })
}

fn value_of(byte: u8) -> Option<u32> {
    ALPHANUMERIC.iter().position(|&known| known == byte).map(|at| at as u32)
}

fn is_alphanumeric(text: &str) -> bool {
    text.bytes().all(|byte| value_of(byte).is_some())
}

/// Bits of the character count, by version and mode (table 3).
fn count_bits(version: usize, alphanumeric: bool) -> usize {
    match (alphanumeric, version) {
        (true, ..=9) => 9,
        (true, ..=26) => 11,
        (true, _) => 13,
        (false, ..=9) => 8,
        (false, _) => 16,
    }
}

fn needed_bits(text: &str, version: usize) -> usize {
    let (length, short) = (text.len(), is_alphanumeric(text));
    let content = if short { length / 2 * 11 + length % 2 * 6 } else { length * 8 };
    4 + count_bits(version, short) + content
}

fn data_words(layout: &Layout, level: Level) -> usize {
    let blocks = layout.blocks(level);
    layout.codewords() - blocks.count * blocks.ec
}

fn plan(text: &str) -> Option<(&'static Layout, Level)> {
    (1..=MAX_VERSION).find_map(|version| {
        let layout = Layout::of(version)?;
        let holds = |level: &Level| needed_bits(text, version) <= 8 * data_words(layout, *level);
        if !holds(&Level::M) {
            return None;
        }
        let level = [Level::H, Level::Q, Level::M].into_iter().find(holds)?;
        Some((layout, level))
    })
}

struct Bits {
    words: Vec<u8>,
    count: usize,
}

impl Bits {
    fn push(&mut self, value: u32, width: usize) {
        for bit in (0..width).rev() {
            if self.count.is_multiple_of(8) {
                self.words.push(0);
            }
            if value >> bit & 1 == 1 {
                self.words[self.count / 8] |= 0x80 >> (self.count % 8);
            }
            self.count += 1;
        }
    }
}

/// All codewords in the order of the path: data and error correction, interleaved.
fn codewords(text: &str, layout: &Layout, level: Level) -> Vec<u8> {
    let capacity = data_words(layout, level);
    let mut bits = Bits { words: Vec::with_capacity(capacity), count: 0 };
    let short = is_alphanumeric(text);
    bits.push(if short { 0b0010 } else { 0b0100 }, 4);
    bits.push(text.len() as u32, count_bits(layout.version, short));
    if short {
        for pair in text.as_bytes().chunks(2) {
            let values: Vec<u32> = pair.iter().filter_map(|&byte| value_of(byte)).collect();
            match values[..] {
                [first, second] => bits.push(45 * first + second, 11),
                [last] => bits.push(last, 6),
                _ => {}
            }
        }
    } else {
        for byte in text.bytes() {
            bits.push(u32::from(byte), 8);
        }
    }
    bits.push(0, (8 * capacity - bits.count).min(4));
    let mut data = bits.words;
    let padding = [0xEC, 0x11].into_iter().cycle();
    let missing = capacity - data.len();
    data.extend(padding.take(missing));

    let blocks = layout.blocks(level);
    let mut words = vec![0; layout.codewords()];
    let (mut places, mut start) = (Vec::new(), 0);
    for number in 0..blocks.count {
        block_places(&blocks, number, &mut places);
        let count = places.len() - blocks.ec;
        let block = &data[start..start + count];
        for (&place, word) in
            places.iter().zip(block.iter().copied().chain(parity(block, blocks.ec)))
        {
            words[place] = word;
        }
        start += count;
    }
    words
}

fn draw(layout: &Layout, level: Level, mask: u8, words: &[u8]) -> Vec<bool> {
    let size = layout.size;
    let mut drawn = vec![false; size * size];
    for known in &layout.known {
        drawn[usize::from(known.y) * size + usize::from(known.x)] = known.is_dark;
    }
    for (n, &at) in layout.path.iter().enumerate() {
        let at = at as usize;
        let is_set = words[n / 8] >> (7 - n % 8) & 1 == 1;
        drawn[at] = is_set ^ is_masked(mask, at % size, at / size);
    }
    remainder(layout, mask, &mut drawn);
    let marks = [1, 0, 3, 2][level as usize];
    let format = format_bits(marks << 3 | u16::from(mask));
    for copy in layout.format {
        for (bit, at) in copy.into_iter().enumerate() {
            drawn[at as usize] = format >> bit & 1 == 1;
        }
    }
    if layout.version >= 7 {
        let version = version_bits(layout.version);
        for bit in 0..18 {
            for at in layout.version_bit(bit) {
                drawn[at] = version >> bit & 1 == 1;
            }
        }
    }
    drawn
}

/// The few modules past the last codeword are zeros under the mask.
fn remainder(layout: &Layout, mask: u8, drawn: &mut [bool]) {
    let size = layout.size;
    for &at in &layout.remainder {
        let at = at as usize;
        drawn[at] = is_masked(mask, at % size, at / size);
    }
}

/// The four features of 7.8.3.1.
fn penalty(drawn: &[bool], size: usize) -> u32 {
    let row = |y: usize| (0..size).map(move |x| drawn[y * size + x]);
    let column = |x: usize| (0..size).map(move |y| drawn[y * size + x]);
    let mut sum = 0;
    for at in 0..size {
        sum += line_penalty(row(at)) + line_penalty(column(at));
    }
    for y in 1..size {
        for x in 1..size {
            let here = drawn[y * size + x];
            let others = [(y - 1) * size + x, y * size + x - 1, (y - 1) * size + x - 1];
            if others.into_iter().all(|at| drawn[at] == here) {
                sum += 3;
            }
        }
    }
    let dark = drawn.iter().filter(|&&is_dark| is_dark).count();
    let twentieths = (dark * 20).abs_diff(size * size * 10) / (size * size);
    sum + 10 * twentieths as u32
}

/// Runs of five or more, and finders with four light modules beside them.
fn line_penalty(line: impl Iterator<Item = bool>) -> u32 {
    let (mut sum, mut run, mut last) = (0, 0_u32, None);
    let mut window = 0_u16;
    for (seen, is_dark) in line.enumerate() {
        run = if last == Some(is_dark) { run + 1 } else { 1 };
        last = Some(is_dark);
        sum += match run {
            5 => 3,
            6.. => 1,
            _ => 0,
        };
        window = (window << 1 | u16::from(is_dark)) & 0x7FF;
        if seen >= 10 && (window == 0b000_0101_1101 || window == 0b101_1101_0000) {
            sum += 40;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qr::image::View;
    use crate::qr::{Options, decode_gray};

    fn read(modules: &Modules) -> String {
        let (scale, border) = (3, 4);
        let side = (modules.size + 2 * border) * scale;
        let mut gray = vec![255_u8; side * side];
        for y in 0..modules.size * scale {
            for x in 0..modules.size * scale {
                if modules.is_dark[y / scale * modules.size + x / scale] {
                    gray[(y + border * scale) * side + x + border * scale] = 0;
                }
            }
        }
        let view = View::new(side, side, &gray).unwrap();
        let found = decode_gray(view, Options::default()).unwrap();
        found.first().and_then(|symbol| symbol.text.clone()).unwrap_or_default()
    }

    #[test]
    fn what_is_written_is_read_again() {
        for length in [1, 7, 36, 80, 165, 300, 700] {
            let text: String = (0..length).map(|n| ALPHANUMERIC[n * 7 % 36] as char).collect();
            assert_eq!(read(&write(&text).unwrap()), text);
        }
        let words = "https://xn.example.vn/c/7q2m – Đà Nẵng";
        assert_eq!(read(&write(words).unwrap()), words);
    }

    #[test]
    fn too_long_a_text_is_refused() {
        assert_eq!(write(&"x".repeat(3000)).unwrap_err().code(), "qr.too_long");
    }
}
