//! Data codewords to bytes: modes, counts, terminator, padding (ISO/IEC 18004, 7.4).

use super::text::Evidence;

/// What the data codewords of a symbol say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    pub(super) evidence: Evidence,
    /// After the terminator come the padding bytes of the standard, all of them.
    pub(super) has_standard_padding: bool,
}

/// The characters of the alphanumeric mode, by value.
const ALPHANUMERIC: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn left(&self) -> usize {
        self.data.len() * 8 - self.at
    }

    fn take(&mut self, count: usize) -> Option<usize> {
        if count > self.left() {
            return None;
        }
        let mut value = 0;
        for at in self.at..self.at + count {
            value = value << 1 | usize::from(self.data[at / 8] >> (7 - at % 8) & 1);
        }
        self.at += count;
        Some(value)
    }
}

/// Reads the segments; `None` if a mode, a count or a value is impossible.
pub(super) fn parse(data: &[u8], version: usize) -> Option<Content> {
    let mut bits = Bits { data, at: 0 };
    let mut content =
        Content { bytes: Vec::new(), evidence: Evidence::default(), has_standard_padding: true };
    let mut ecis = Vec::new();
    let mut is_gs1 = false;
    let long = match version {
        0..=9 => 0,
        10..=26 => 1,
        _ => 2,
    };
    while bits.left() >= 4 {
        match bits.take(4)? {
            0b0000 => {
                content.has_standard_padding = is_padding(&bits);
                break;
            }
            0b0001 => numeric(&mut bits, [10, 12, 14][long], &mut content.bytes)?,
            0b0010 => alphanumeric(&mut bits, [9, 11, 13][long], is_gs1, &mut content.bytes)?,
            0b0100 => {
                let count = bits.take([8, 16, 16][long])?;
                for _ in 0..count {
                    content.bytes.push(bits.take(8)? as u8);
                }
            }
            0b1000 => {
                kanji(&mut bits, [8, 10, 12][long], &mut content.bytes)?;
                content.evidence.has_kanji = true;
            }
            0b1101 => {
                hanzi(&mut bits, [8, 10, 12][long], &mut content.bytes)?;
                ecis.push(29);
            }
            0b0111 => ecis.push(eci(&mut bits)?),
            0b0011 => {
                // Structured append: position, count and parity; each part is read by itself.
                bits.take(16)?;
            }
            0b0101 => is_gs1 = true,
            0b1001 => {
                is_gs1 = true;
                bits.take(8)?;
            }
            _ => return None,
        }
    }
    ecis.dedup();
    if let [only] = ecis[..] {
        content.evidence.eci = Some(only);
    }
    Some(content)
}

/// Whether the rest is zero bits up to a byte and then 0xEC and 0x11 in turn.
fn is_padding(bits: &Bits<'_>) -> bool {
    let mut rest = Bits { data: bits.data, at: bits.at };
    let open = (8 - rest.at % 8) % 8;
    rest.take(open).unwrap_or(0) == 0
        && rest.data[rest.at / 8..].iter().zip([0xEC, 0x11].iter().cycle()).all(|(a, b)| a == b)
}

fn numeric(bits: &mut Bits<'_>, width: usize, out: &mut Vec<u8>) -> Option<()> {
    let mut count = bits.take(width)?;
    while count > 0 {
        let digits = count.min(3);
        let value = bits.take([0, 4, 7, 10][digits])?;
        if value >= [1, 10, 100, 1000][digits] {
            return None;
        }
        let text = [value / 100, value / 10 % 10, value % 10];
        out.extend(text[3 - digits..].iter().map(|&digit| b'0' + digit as u8));
        count -= digits;
    }
    Some(())
}

fn alphanumeric(bits: &mut Bits<'_>, width: usize, is_gs1: bool, out: &mut Vec<u8>) -> Option<()> {
    let mut count = bits.take(width)?;
    let start = out.len();
    while count >= 2 {
        let value = bits.take(11)?;
        out.push(*ALPHANUMERIC.get(value / 45)?);
        out.push(ALPHANUMERIC[value % 45]);
        count -= 2;
    }
    if count == 1 {
        out.push(*ALPHANUMERIC.get(bits.take(6)?)?);
    }
    if is_gs1 {
        // In GS1 symbols a single % stands for the separator, and two for one % (7.4.8.1).
        let text = out.split_off(start);
        let mut rest = text.iter().peekable();
        while let Some(&byte) = rest.next() {
            let is_pair = byte == b'%' && rest.next_if(|&&next| next == b'%').is_some();
            out.push(if byte == b'%' && !is_pair { 0x1D } else { byte });
        }
    }
    Some(())
}

/// Pairs of Shift JIS in 13 bits (7.4.6).
fn kanji(bits: &mut Bits<'_>, width: usize, out: &mut Vec<u8>) -> Option<()> {
    for _ in 0..bits.take(width)? {
        let value = bits.take(13)?;
        let pair = ((value / 0xC0) << 8) + value % 0xC0;
        let pair = pair + if pair < 0x1F00 { 0x8140 } else { 0xC140 };
        out.extend(u16::try_from(pair).ok()?.to_be_bytes());
    }
    Some(())
}

/// Pairs of GB 2312 in 13 bits (GB/T 18284, mode 1101, subset 1).
fn hanzi(bits: &mut Bits<'_>, width: usize, out: &mut Vec<u8>) -> Option<()> {
    if bits.take(4)? != 1 {
        return None;
    }
    for _ in 0..bits.take(width)? {
        let value = bits.take(13)?;
        let pair = ((value / 0x60) << 8) + value % 0x60;
        let pair = pair + if pair < 0x0A00 { 0xA1A1 } else { 0xA6A1 };
        out.extend(u16::try_from(pair).ok()?.to_be_bytes());
    }
    Some(())
}

/// One to three bytes, told apart by the first bits (7.4.3.1).
fn eci(bits: &mut Bits<'_>) -> Option<u32> {
    let first = bits.take(8)?;
    let value = match first {
        0..=0x7F => first,
        0x80..=0xBF => (first & 0x3F) << 8 | bits.take(8)?,
        0xC0..=0xDF => (first & 0x1F) << 16 | bits.take(16)?,
        _ => return None,
    };
    u32::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes (value, bits) pairs as bytes, zeros behind.
    fn pack(parts: &[(usize, usize)]) -> Vec<u8> {
        let bits: Vec<u8> = parts
            .iter()
            .flat_map(|&(value, count)| (0..count).rev().map(move |n| (value >> n & 1) as u8))
            .collect();
        bits.chunks(8)
            .map(|c| c.iter().enumerate().fold(0, |byte, (n, bit)| byte | bit << (7 - n)))
            .collect()
    }

    fn bytes(parts: &[(usize, usize)]) -> Option<Vec<u8>> {
        parse(&pack(parts), 1).map(|content| content.bytes)
    }

    #[test]
    fn the_standards_examples_are_read() {
        // ISO/IEC 18004, 7.4.4: 01234567 in numeric mode, version 1.
        let digits = [(1, 4), (8, 10), (12, 10), (345, 10), (67, 7), (0, 4)];
        assert_eq!(bytes(&digits).as_deref(), Some(&b"01234567"[..]));
        // 7.4.5: AC-42 in alphanumeric mode.
        let letters = [(2, 4), (5, 9), (462, 11), (1849, 11), (2, 6), (0, 4)];
        assert_eq!(bytes(&letters).as_deref(), Some(&b"AC-42"[..]));
        // 7.4.6: two characters in Kanji mode.
        let kanji = [(8, 4), (2, 8), (0xD9F, 13), (0x1AAA, 13), (0, 4)];
        assert_eq!(bytes(&kanji).as_deref(), Some(&b"\x93\x5F\xE4\xAA"[..]));
    }

    #[test]
    fn impossible_values_are_refused() {
        assert_eq!(bytes(&[(1, 4), (3, 10), (1000, 10)]), None);
        assert_eq!(bytes(&[(2, 4), (2, 9), (2047, 11)]), None);
        assert_eq!(bytes(&[(4, 4), (200, 8), (65, 8)]), None);
        assert_eq!(bytes(&[(6, 4), (0, 20)]), None);
    }

    #[test]
    fn padding_is_checked() {
        let head = [(4, 4), (1, 8), (65, 8), (0, 4)];
        let good = [&head[..], &[(0xEC, 8), (0x11, 8), (0xEC, 8)]].concat();
        assert_eq!(parse(&pack(&good), 1).map(|c| c.has_standard_padding), Some(true));
        let bad = [&head[..], &[(0xEC, 8), (0x10, 8)]].concat();
        assert_eq!(parse(&pack(&bad), 1).map(|c| c.has_standard_padding), Some(false));
    }

    #[test]
    fn a_declared_set_of_characters_is_evidence() {
        let declared = [(7, 4), (26, 8), (4, 4), (1, 8), (65, 8), (0, 4)];
        assert_eq!(parse(&pack(&declared), 1).and_then(|c| c.evidence.eci), Some(26));
    }
}
