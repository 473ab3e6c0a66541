//! Names in the letters of machine-readable documents (ICAO Doc 9303 part 3, section 6).

use unicode_normalization::char::decompose_canonical;

use crate::names::letters::{plain, vowel};

/// The longest name a DCC holds.
pub const LONGEST: usize = 80;

/// `Đặng Thị-Hòa` → `DANG<THI<HOA`: capitals, `<` between words, at most 80 characters.
///
/// Vietnamese letters lose their marks; `Ä Ö Ü Å Æ Œ Ø Þ ß` become two letters as the table says;
/// apostrophes fall away; letters of other scripts, for which this table has none, fall away too.
pub fn transliterate(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in crate::names::text::normalise_name(text).chars() {
        if let Some(v) = vowel(c) {
            out.push(plain(v.letter).to_ascii_uppercase());
        } else if c.is_ascii_alphabetic() {
            out.push(c.to_ascii_uppercase());
        } else if let Some(letters) = of_table(c) {
            out.push_str(letters);
        } else if c.is_alphabetic() {
            decompose_canonical(c, |part| {
                if part.is_ascii_alphabetic() {
                    out.push(part.to_ascii_uppercase());
                }
            });
        } else if matches!(c, ' ' | '-' | ',' | '–' | '.' | '/') && !out.ends_with('<') {
            out.push('<');
        }
    }
    let trimmed = out.trim_matches('<');
    trimmed.chars().take(LONGEST).collect()
}

/// Letters that do not simply lose their marks.
fn of_table(c: char) -> Option<&'static str> {
    Some(match c {
        'Ä' | 'ä' | 'Æ' | 'æ' => "AE",
        'Ö' | 'ö' | 'Ø' | 'ø' | 'Œ' | 'œ' => "OE",
        'Ü' | 'ü' => "UE",
        'Å' | 'å' => "AA",
        'ß' | 'ẞ' => "SS",
        'Þ' | 'þ' => "TH",
        'Đ' | 'đ' => "D",
        'Ħ' | 'ħ' => "H",
        'ı' => "I",
        'Ĳ' | 'ĳ' => "IJ",
        'ĸ' => "Q",
        'Ł' | 'ł' => "L",
        'Ŋ' | 'ŋ' => "N",
        'Ŧ' | 'ŧ' => "T",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_letters_a_machine_reads() {
        for (name, letters) in [
            ("Đặng Thị-Hòa", "DANG<THI<HOA"),
            ("Nguyễn Thế Ưng", "NGUYEN<THE<UNG"),
            ("Bảo Duy", "BAO<DUY"),
            ("Musterfrau-Gößinger", "MUSTERFRAU<GOESSINGER"),
            ("d'Červenková Panklová", "DCERVENKOVA<PANKLOVA"),
            ("H'Hen Niê", "HHEN<NIE"),
            ("Rogaliński-Król", "ROGALINSKI<KROL"),
            ("😀", ""),
        ] {
            assert_eq!(transliterate(name), letters);
        }
        assert_eq!(transliterate(&"a ".repeat(100)).len(), LONGEST);
    }
}
