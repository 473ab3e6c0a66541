//! Which glyphs a value needs, how wide they are, and where its lines break.

use std::collections::HashMap;

use super::font::FontFile;

/// Units of Pango in a pixel: positions are whole numbers of them.
const UNITS: f64 = 1024.0;
/// A line this close to the width (pixels) might break otherwise than computed.
const DOUBT: f64 = 0.05;

/// The letters of a font file.
#[derive(Debug, Clone, Default)]
pub struct Face {
    /// Font units of an em.
    pub units: u64,
    /// Letter → glyph and its advance in font units.
    pub glyphs: HashMap<char, (u16, u16)>,
    /// Glyph → letter.
    pub letters: HashMap<u16, char>,
    /// The font itself, where each paper gets its own cut of it.
    pub file: Option<FontFile>,
}

impl Face {
    /// Of letters, each with a glyph of its own, and of the font if papers cut it.
    #[must_use]
    pub fn new(units: u64, glyphs: HashMap<char, (u16, u16)>, file: Option<FontFile>) -> Self {
        let letters = glyphs.iter().map(|(&letter, &(glyph, _))| (glyph, letter)).collect();
        Self { units, glyphs, letters, file }
    }

    /// The width of a text in Pango units at a size in Pango units; `None` if a letter is missing.
    fn width(&self, text: &str, size: u64) -> Option<u64> {
        text.chars().map(|letter| self.advance(letter, size)).sum()
    }

    fn advance(&self, letter: char, size: u64) -> Option<u64> {
        let (_, advance) = self.glyphs.get(&letter)?;
        // As HarfBuzz scales: rounded to whole units, letter by letter.
        Some((u64::from(*advance) * size + self.units / 2) / self.units)
    }
}

/// A place on the page for a value.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    /// Number of the face.
    pub face: usize,
    /// Font size in Pango units.
    pub size: u64,
    /// Whether lines are centred; else they begin at the left edge.
    pub is_centred: bool,
    /// Left edge of the place, in pixels.
    pub left: f64,
    /// Its width in pixels.
    pub width: f64,
}

/// A line of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line<'a> {
    /// Its text, without the space it broke at.
    pub text: &'a str,
    /// Where it begins, in pixels.
    pub x: f64,
}

/// The lines of a value; none for an empty one.
///
/// `None` where this simple rule is not sure to break as a full implementation of UAX #14 does:
/// odd spaces, letters outside the font, words wider than the place, signs with rules of their own.
pub fn lines<'a>(slot: &Slot, face: &Face, value: &'a str) -> Option<Vec<Line<'a>>> {
    if value.is_empty() {
        return Some(Vec::new());
    }
    if value.starts_with(' ') || value.ends_with(' ') || value.contains("  ") {
        return None;
    }
    let whole = face.width(value, slot.size)?;
    let room = slot.width * UNITS;
    let fits = |width: u64| width as f64 <= room;
    let is_doubtful = |width: u64| (width as f64 - room).abs() < DOUBT * UNITS;
    if is_doubtful(whole) {
        return None;
    }
    if fits(whole) {
        return Some(vec![line(slot, value, whole)]);
    }
    let space = face.advance(' ', slot.size)?;
    let mut found = Vec::new();
    let (mut start, mut end, mut width) = (0, 0, 0);
    for (at, piece, follows_space) in pieces(value)? {
        let own = face.width(piece, slot.size)?;
        let longer =
            if end == start { own } else { width + own + u64::from(follows_space) * space };
        if is_doubtful(longer) {
            return None;
        }
        if fits(longer) {
            width = longer;
        } else {
            if end == start || !fits(own) {
                return None;
            }
            found.push(line(slot, &value[start..end], width));
            (start, width) = (at, own);
        }
        end = at + piece.len();
    }
    found.push(line(slot, &value[start..end], width));
    Some(found)
}

fn line<'a>(slot: &Slot, text: &'a str, width: u64) -> Line<'a> {
    let rest = if slot.is_centred { (slot.width - width as f64 / UNITS) / 2.0 } else { 0.0 };
    Line { text, x: slot.left + rest }
}

/// What may not be parted, with its place and whether a space stands before it; `None` for signs
/// whose breaks depend on more than their neighbours.
fn pieces(value: &str) -> Option<Vec<(usize, &str, bool)>> {
    let mut found = Vec::new();
    let mut word_at = 0;
    for word in value.split(' ') {
        let mut start = 0;
        let mut letters = word.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            let next = letters.peek().map(|&(_, next)| next);
            match letter {
                // LB13: nothing breaks before a slash, also after spaces.
                '/' if at == 0 => return None,
                // LB21, LB25: a break after them, but not before a digit.
                '/' | '-' if next.is_some_and(char::is_alphabetic) && at > 0 => {
                    let end = at + letter.len_utf8();
                    found.push((word_at + start, &word[start..end], start == 0));
                    start = end;
                }
                '/' | '-'
                    if next.is_none_or(|n| n.is_ascii_digit()) && (at > 0 || next.is_none()) => {}
                '–' if at == 0 && next.is_none() => {}
                '(' if at == 0 && next.is_some() => {}
                ')' if at > 0 && next.is_none_or(|n| matches!(n, '.' | ',' | ';' | ':')) => {}
                '.' | ',' | ':' | ';' if at > 0 => {}
                _ if letter.is_alphanumeric() => {}
                _ => return None,
            }
        }
        found.push((word_at + start, &word[start..], start == 0));
        word_at += word.len() + 1;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face() -> Face {
        let glyphs = ('\u{20}'..'\u{7f}').map(|c| (c, (c as u16 - 31, 1024))).collect();
        Face::new(2048, glyphs, None)
    }

    /// Letters of 8 pixels.
    fn texts(width: f64, value: &str) -> Option<Vec<&str>> {
        let slot = Slot { face: 0, size: 16 * 1024, is_centred: false, left: 3.0, width };
        Some(lines(&slot, &face(), value)?.iter().map(|line| line.text).collect())
    }

    #[test]
    fn a_value_breaks_at_spaces_and_after_hyphens_before_letters() {
        assert_eq!(texts(100.0, "").unwrap(), Vec::<&str>::new());
        assert_eq!(texts(100.0, "Hoa Khanh").unwrap(), ["Hoa Khanh"]);
        assert_eq!(texts(50.0, "Hoa Khanh, DN").unwrap(), ["Hoa", "Khanh,", "DN"]);
        assert_eq!(texts(60.0, "la RT-PCR").unwrap(), ["la RT-", "PCR"]);
        assert_eq!(texts(60.0, "la 12/3-4 A").unwrap(), ["la", "12/3-4", "A"]);
    }

    #[test]
    fn what_is_not_sure_is_left_to_the_designer() {
        for value in ["a  b", " a", "a ", "ß", "abcdefghijklmnop", "Nam / Female abc"] {
            assert_eq!(texts(60.0, value), None, "{value}");
        }
        assert_eq!(texts(72.0, "Hoa Khanh"), None, "as wide as the place");
    }

    #[test]
    fn centred_lines_stand_in_the_middle() {
        let slot = Slot { face: 0, size: 16 * 1024, is_centred: true, left: 3.0, width: 50.0 };
        let found = lines(&slot, &face(), "abcd efg").unwrap();
        assert_eq!(found[0], Line { text: "abcd", x: 12.0 });
        assert_eq!(found[1], Line { text: "efg", x: 16.0 });
    }
}
