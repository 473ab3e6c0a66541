//! Which characters the bytes of a symbol mean.
//!
//! The standard's default is Latin-1 (ISO/IEC 18004, 7.3.5), yet most writers put UTF-8 without
//! saying so. Guessing from byte statistics turns Vietnamese into nonsense, so, in this order:
//! UTF-8 where the bytes are valid UTF-8; what the symbol itself declares (ECI); Shift JIS where
//! there is evidence for it; Latin-1 where every byte is a character of Latin-1. Anything else is
//! not text.

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GB18030, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6,
    ISO_8859_7, ISO_8859_8, ISO_8859_10, ISO_8859_13, ISO_8859_14, ISO_8859_15, ISO_8859_16,
    SHIFT_JIS, UTF_16BE, UTF_16LE, WINDOWS_874, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252,
    WINDOWS_1254, WINDOWS_1256,
};

/// What the symbol says about its own bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    /// The extended channel interpretation of the content, if there is exactly one.
    pub(super) eci: Option<u32>,
    /// The symbol has at least one segment in Kanji mode.
    pub(super) has_kanji: bool,
}

/// The text of a symbol's bytes; `None` if they are not text.
pub(super) fn read_text(raw: &[u8], evidence: Evidence) -> Option<String> {
    if let Ok(text) = std::str::from_utf8(raw) {
        return Some(text.to_owned());
    }
    let declared = evidence.eci.and_then(encoding_of_eci);
    if let Some(text) = declared.and_then(|encoding| decode_strictly(encoding, raw)) {
        return Some(text);
    }
    if (evidence.has_kanji || looks_like_shift_jis(raw))
        && let Some(text) = decode_strictly(SHIFT_JIS, raw)
    {
        return Some(text);
    }
    let is_latin = raw.iter().all(|&b| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7E | 0xA0..));
    is_latin.then(|| raw.iter().map(|&b| char::from(b)).collect())
}

fn decode_strictly(encoding: &'static Encoding, raw: &[u8]) -> Option<String> {
    encoding.decode_without_bom_handling_and_without_replacement(raw).map(Into::into)
}

/// The table of AIM ECI assignments (ITS/04-023), as far as they name a set of characters.
fn encoding_of_eci(eci: u32) -> Option<&'static Encoding> {
    Some(match eci {
        4 => ISO_8859_2,
        5 => ISO_8859_3,
        6 => ISO_8859_4,
        7 => ISO_8859_5,
        8 => ISO_8859_6,
        9 => ISO_8859_7,
        10 => ISO_8859_8,
        11 => WINDOWS_1254,
        12 => ISO_8859_10,
        13 => WINDOWS_874,
        15 => ISO_8859_13,
        16 => ISO_8859_14,
        17 => ISO_8859_15,
        18 => ISO_8859_16,
        20 => SHIFT_JIS,
        21 => WINDOWS_1250,
        22 => WINDOWS_1251,
        1 | 3 | 23 => WINDOWS_1252,
        24 => WINDOWS_1256,
        25 => UTF_16BE,
        28 => BIG5,
        29 | 31 | 32 => GB18030,
        30 => EUC_KR,
        33 => UTF_16LE,
        _ => return None,
    })
}

/// Japanese without a Kanji segment: some byte must be impossible in Latin-1 text (0x80 to 0x9F
/// are control codes there), and there must be kana, or two double-byte characters in a row.
/// A lone pair proves nothing: an apostrophe of Windows-1252 and the letter after it are one.
fn looks_like_shift_jis(raw: &[u8]) -> bool {
    if !raw.iter().any(|b| (0x80..0xA0).contains(b)) {
        return false;
    }
    let (mut at, mut after_pair, mut has_evidence) = (0, false, false);
    while let Some(&lead) = raw.get(at) {
        let pair = matches!(lead, 0x81..=0x9F | 0xE0..=0xFC);
        if pair {
            let Some(&trail) = raw.get(at + 1) else { return false };
            let is_kana = lead == 0x82 && trail >= 0x9F || lead == 0x83 && trail <= 0x96;
            has_evidence |= is_kana || after_pair;
        }
        at += if pair { 2 } else { 1 };
        after_pair = pair;
    }
    has_evidence
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &[u8]) -> Option<String> {
        read_text(raw, Evidence::default())
    }

    #[test]
    fn vietnamese_utf_8_needs_no_declaration() {
        let text = "045090000011||Thử Nghiệm Bảy|02011990|Nữ|Hải Lăng, Quảng Trị|15042021";
        assert_eq!(read(text.as_bytes()).as_deref(), Some(text));
        // Even a symbol that declares Latin-1 and holds valid UTF-8 is read as UTF-8.
        let evidence = Evidence { eci: Some(3), has_kanji: false };
        assert_eq!(read_text("Nữ".as_bytes(), evidence).as_deref(), Some("Nữ"));
    }

    #[test]
    fn a_declaration_counts_where_utf_8_does_not_fit() {
        let evidence = Evidence { eci: Some(22), has_kanji: false };
        assert_eq!(read_text(b"\xCF\xF0\xE8\xE2\xE5\xF2", evidence).as_deref(), Some("Привет"));
        let evidence = Evidence { eci: Some(20), has_kanji: false };
        assert_eq!(read_text(b"\x93\xFA", evidence).as_deref(), Some("日"));
    }

    #[test]
    fn shift_jis_needs_evidence() {
        let (japanese, _, _) = SHIFT_JIS.encode("こんにちは 日本");
        assert_eq!(read(&japanese).as_deref(), Some("こんにちは 日本"));
        let kanji = Evidence { eci: None, has_kanji: true };
        assert_eq!(read_text(b"\x93\xFA", kanji).as_deref(), Some("日"));
        assert_eq!(read(b"It\x92s"), None);
    }

    #[test]
    fn latin_1_is_the_last_guess_and_control_codes_are_no_text() {
        assert_eq!(read(b"caf\xE9 \xFCber").as_deref(), Some("café über"));
        assert_eq!(read(b"\xE9\x00\x81\x01"), None);
    }
}
