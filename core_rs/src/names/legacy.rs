//! Texts of before Unicode, and UTF-8 read as Windows-1252: told by evidence, repaired by table.
//!
//! The judge is spelling: a decoding is believed when words that are no Vietnamese syllables as
//! they stand all become syllables by it. Some words are syllables either way (`Tó` is `Tú` in
//! TCVN3), so a column decides together; a single text is repaired on its own evidence only.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

use super::letters::upper;
use super::syllable::is_syllable;
use super::tables;

/// How the bytes of a text were meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// As it stands.
    Unicode,
    /// `.VnTime` fonts: one byte a letter.
    Tcvn3,
    /// `VNI-` fonts: two characters for an accented vowel.
    Vni,
    /// UTF-8 that somebody read as Windows-1252.
    Utf8AsWindows1252,
}

impl Encoding {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unicode => "unicode",
            Self::Tcvn3 => "tcvn3",
            Self::Vni => "vni",
            Self::Utf8AsWindows1252 => "utf8_as_windows1252",
        }
    }

    /// Reads `text` as this encoding; `None` where that is impossible.
    pub fn decode(self, text: &str) -> Option<String> {
        match self {
            Self::Unicode => Some(text.to_owned()),
            Self::Tcvn3 => Some(decode_tcvn3(text)),
            Self::Vni => Some(decode_vni(text)),
            Self::Utf8AsWindows1252 => decode_utf8_as_windows1252(text),
        }
    }
}

const LEGACY: [Encoding; 3] = [Encoding::Utf8AsWindows1252, Encoding::Tcvn3, Encoding::Vni];

static TCVN3: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let rows = tables::rows(tables::TCVN3);
    rows.filter_map(|row| {
        // The byte, not the picture of it: ư is a soft hyphen, which editors love to lose.
        let byte = u8::from_str_radix(row[1], 16).ok()?;
        Some((char::from(byte), row[2].chars().next()?))
    })
    .collect()
});

type Pairs = HashMap<(char, char), char>;

static VNI: LazyLock<(Pairs, HashMap<char, char>)> = LazyLock::new(|| {
    let mut pairs = HashMap::new();
    let mut singles = HashMap::new();
    for row in tables::rows(tables::VNI) {
        let mut from = row[0].chars();
        let Some(to) = row[1].chars().next() else { continue };
        match (from.next(), from.next()) {
            (Some(a), Some(b)) => drop(pairs.insert((a, b), to)),
            (Some(a), None) => drop(singles.insert(a, to)),
            _ => {}
        }
    }
    (pairs, singles)
});

/// TCVN3 to Unicode. Capitals with tones do not exist in it: a word in capitals stays in capitals.
pub fn decode_tcvn3(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for word in text.split_inclusive(' ') {
        let plain = || word.chars().filter(char::is_ascii_alphabetic);
        let shouts = plain().count() > 1 && plain().all(|c| c.is_ascii_uppercase());
        for c in word.chars() {
            let letter = TCVN3.get(&c).copied().unwrap_or(c);
            out.push(if shouts { upper(letter) } else { letter });
        }
    }
    out
}

/// VNI to Unicode, longest sequence first.
pub fn decode_vni(text: &str) -> String {
    let (pairs, singles) = &*VNI;
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if let Some(&letter) = rest.peek().and_then(|&next| pairs.get(&(c, next))) {
            rest.next();
            out.push(letter);
        } else {
            out.push(singles.get(&c).copied().unwrap_or(c));
        }
    }
    out
}

/// Windows-1252 for 0x80–0x9F; its five holes stand for themselves.
const HIGH_CONTROLS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn decode_utf8_as_windows1252(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        bytes.push(match u8::try_from(u32::from(c)) {
            Ok(byte) => byte,
            Err(_) => 0x80 + HIGH_CONTROLS.iter().position(|&h| h == c)? as u8,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Words of a text that hold a letter beyond ASCII, counted by whether they are syllables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Spelling {
    good: usize,
    bad: usize,
}

fn spelling(text: &str) -> Spelling {
    let mut count = Spelling::default();
    for word in text.split(|c: char| c.is_whitespace() || c.is_ascii_punctuation()) {
        if word.is_ascii() {
        } else if is_syllable(word) {
            count.good += 1;
        } else {
            count.bad += 1;
        }
    }
    count
}

/// A text after repair, and what the repair rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// The text, repaired or as it was.
    pub text: String,
    /// The encoding it was read by.
    pub encoding: Encoding,
    /// Words that were no syllables as they stood and are by this encoding.
    pub evidence: usize,
}

/// Repairs one text on its own evidence: every odd word must become a syllable.
pub fn repair_text(text: &str) -> Repair {
    let (encoding, evidence) = judge(text);
    let decoded = encoding.decode(text).unwrap_or_else(|| text.to_owned());
    Repair { text: decoded, encoding, evidence }
}

fn judge(text: &str) -> (Encoding, usize) {
    // Decomposed text is Unicode, and spelling knows composed letters only.
    if text.chars().any(|c| matches!(c, '\u{300}'..='\u{36F}')) {
        return (Encoding::Unicode, 0);
    }
    let as_is = spelling(text);
    if as_is.bad == 0 {
        return (Encoding::Unicode, 0);
    }
    let mut best = (Encoding::Unicode, 0);
    for encoding in LEGACY {
        let Some(decoded) = encoding.decode(text) else { continue };
        let by_it = spelling(&decoded);
        if by_it.bad == 0 && by_it.good > best.1 {
            best = (encoding, by_it.good);
        }
    }
    best
}

/// What a column of texts was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnVerdict {
    /// The encoding of the column.
    pub encoding: Encoding,
    /// Texts that can only be that.
    pub for_it: usize,
    /// Texts that can only be something else.
    pub against: usize,
}

/// Decides how a column was written, by the texts that leave no doubt.
pub fn judge_column<'a>(texts: impl Iterator<Item = &'a str>) -> ColumnVerdict {
    let mut votes = [0_usize; 4];
    for text in texts {
        if text.is_ascii() {
            continue;
        }
        let (encoding, _) = judge(text);
        if encoding != Encoding::Unicode {
            votes[encoding as usize] += 1;
        } else if is_surely_unicode(text) {
            votes[0] += 1;
        }
    }
    let all: usize = votes.iter().sum();
    let most = LEGACY.into_iter().max_by_key(|&e| votes[e as usize]).unwrap_or(Encoding::Unicode);
    let encoding = if votes[most as usize] > all / 2 { most } else { Encoding::Unicode };
    let for_it = votes[encoding as usize];
    ColumnVerdict { encoding, for_it, against: all - for_it }
}

/// Repairs a text of a column judged to be `column`.
///
/// A text that is surely Unicode stays even in a legacy column, and a text with evidence of its
/// own is repaired even in a Unicode column.
pub fn repair_in_column(text: &str, column: Encoding) -> Repair {
    if text.is_ascii() {
        return Repair { text: text.to_owned(), encoding: Encoding::Unicode, evidence: 0 };
    }
    let own = repair_text(text);
    if own.encoding != Encoding::Unicode || column == Encoding::Unicode || is_surely_unicode(text) {
        return own;
    }
    match column.decode(text) {
        Some(decoded) => Repair { text: decoded, encoding: column, evidence: 0 },
        None => own,
    }
}

/// Holds a Vietnamese letter that no 8-bit code page has, and every word is a syllable.
fn is_surely_unicode(text: &str) -> bool {
    text.chars().any(|c| u32::from(c) > 0xFF) && spelling(&text.nfc().collect::<String>()).bad == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_with_evidence_are_repaired_one_by_one() {
        for (broken, whole, encoding) in [
            ("Nguyeãn Vaên Döông", "Nguyễn Văn Dương", Encoding::Vni),
            ("Buøi Thò Ñoã", "Bùi Thị Đỗ", Encoding::Vni),
            ("NGUYEÃN THÒ HÖÔNG", "NGUYỄN THỊ HƯƠNG", Encoding::Vni),
            ("NguyÔn V¨n H\u{ad}¬ng", "Nguyễn Văn Hương", Encoding::Tcvn3),
            ("TrÇn ThÞ Hång §µo", "Trần Thị Hồng Đào", Encoding::Tcvn3),
            ("NGUYÔN V¡N D\u{ad}¬NG", "NGUYỄN VĂN DƯƠNG", Encoding::Tcvn3),
            ("Thá»\u{ad} Nghiá»‡m Má»™t", "Thử Nghiệm Một", Encoding::Utf8AsWindows1252),
        ] {
            let repair = repair_text(broken);
            assert_eq!((repair.text.as_str(), repair.encoding), (whole, encoding), "{broken}");
            assert!(repair.evidence > 0);
        }
        for whole in ["Nguyễn Văn Dương", "Bjorn", "Zoë", "Quý", "Hòa", "Chamaléa", "", "Tó"]
        {
            assert_eq!(repair_text(whole).text, whole);
        }
    }

    #[test]
    fn a_column_decides_for_its_doubtful_texts() {
        let column = ["Vâ V¨n Nam", "Tó Lan", "NguyÔn An", "Lª Minh", "TrÇn Tó", "Nguyễn Ở"];
        let verdict = judge_column(column.into_iter());
        assert_eq!(verdict.encoding, Encoding::Tcvn3);
        assert_eq!((verdict.for_it, verdict.against), (4, 1));
        let read: Vec<String> =
            column.iter().map(|t| repair_in_column(t, verdict.encoding).text).collect();
        let whole = ["Võ Văn Nam", "Tú Lan", "Nguyễn An", "Lê Minh", "Trần Tú", "Nguyễn Ở"];
        assert_eq!(read, whole);
    }

    #[test]
    fn a_few_legacy_rows_do_not_turn_a_unicode_column() {
        let column = ["Nguyễn Văn An", "Trần Thị Bưởi", "Döông Thò Lan", "Tó", "Lê Hồ"];
        let verdict = judge_column(column.into_iter());
        assert_eq!(verdict.encoding, Encoding::Unicode);
        assert_eq!(repair_in_column(column[2], verdict.encoding).text, "Dương Thị Lan");
        assert_eq!(repair_in_column(column[3], verdict.encoding).text, "Tó");
    }

    #[test]
    fn every_row_of_the_tables_decodes() {
        for row in tables::rows(tables::VNI) {
            assert_eq!(decode_vni(row[0]), row[1]);
        }
        assert_eq!(tables::rows(tables::TCVN3).count(), TCVN3.len());
        assert_eq!(TCVN3.len(), 74);
    }
}
