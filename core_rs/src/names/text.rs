//! Text as it is stored, compared and searched.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::decompose_canonical;

use super::letters::{plain, upper, vowel};
use super::syllable::{TonePlacement, place_tones};

/// A name as it is stored: NFC, one space between words, no invisible characters.
///
/// Letters stay as typed but for `Ð ð Ɖ` (Icelandic and African letters that look like Đ and come
/// from old code pages), which become `Đ đ`. Case and tone placement are the person's own.
pub fn normalise_name(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.nfc() {
        if is_invisible(c) {
            continue;
        }
        if c.is_whitespace() || c.is_control() {
            if !out.ends_with(' ') && !out.is_empty() {
                out.push(' ');
            }
            continue;
        }
        out.push(match c {
            'Ð' | 'Ɖ' => 'Đ',
            'ð' | 'ɖ' => 'đ',
            '’' | '‘' | 'ʼ' | '`' => '\'',
            other => other,
        });
    }
    out.truncate(out.trim_end().len());
    out
}

/// The key that compares names *with* diacritics: stored form, lower case, new tone placement.
pub fn canonical_name(text: &str) -> String {
    place_tones(&normalise_name(text).to_lowercase(), TonePlacement::New)
}

/// Capital at the start of each word: what a list in capitals becomes on a certificate.
pub fn title_name(text: &str) -> String {
    let normalised = normalise_name(text);
    let mut out = String::with_capacity(normalised.len());
    let mut starts_word = true;
    for c in normalised.chars() {
        if starts_word {
            out.push(upper(c));
        } else {
            out.extend(c.to_lowercase());
        }
        starts_word = !c.is_alphanumeric();
    }
    out
}

/// The key that compares names *without* diacritics: lower case ASCII words, one space between.
///
/// Everything that is neither letter nor digit separates words; `đ` is `d`, which Unicode's own
/// decomposition does not know.
pub fn fold_name(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    fold_into(text, &mut out);
    out
}

/// Appends the fold of `text` to `out`: [`fold_name`] without an allocation for each name.
pub fn fold_into(text: &str, out: &mut String) {
    let start = out.len();
    let mut gap = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            separate(out, start, &mut gap);
            out.push(c.to_ascii_lowercase());
        } else if let Some(v) = vowel(c) {
            separate(out, start, &mut gap);
            out.push(plain(v.letter));
        } else if matches!(c, 'đ' | 'Đ' | 'ð' | 'Ð' | 'Ɖ' | 'ɖ') {
            separate(out, start, &mut gap);
            out.push('d');
        } else if is_mark(c) || is_invisible(c) {
        } else if c.is_alphanumeric() {
            separate(out, start, &mut gap);
            decompose_canonical(c, |part| {
                if !is_mark(part) {
                    out.extend(part.to_lowercase());
                }
            });
        } else {
            gap = true;
        }
    }
}

fn separate(out: &mut String, start: usize, gap: &mut bool) {
    if *gap && out.len() > start {
        out.push(' ');
    }
    *gap = false;
}

/// The fold with spellings that people vary made one: Lý/Lí, Quý/Quí, Đắc/Đắk.
///
/// A soft match only: two people may differ by nothing else.
pub fn soft_fold_name(text: &str) -> String {
    let folded = fold_name(text);
    let mut out = String::with_capacity(folded.len());
    for (n, word) in folded.split(' ').enumerate() {
        if n > 0 {
            out.push(' ');
        }
        let onset = word.strip_suffix('y').unwrap_or("");
        let open_y = onset == "qu" || !onset.is_empty() && !onset.contains(is_plain_vowel);
        if open_y {
            out.push_str(onset);
            out.push('i');
        } else if let Some(rest) = word.strip_suffix('k').filter(|r| r.ends_with(is_plain_vowel)) {
            out.push_str(rest);
            out.push('c');
        } else {
            out.push_str(word);
        }
    }
    out
}

fn is_plain_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

/// Combining marks of Latin and Vietnamese texts.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}')
}

/// Characters nobody sees: zero widths, direction marks, BOM, soft hyphen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}'
        | '\u{FEFF}' | '\u{AD}' | '\0')
}

/// A full name in its three parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameParts {
    /// First word; empty in a name of one word.
    pub surname: String,
    /// Everything between, often empty.
    pub middle: String,
    /// Last word: what people are called and lists are sorted by.
    pub given: String,
}

/// Splits a stored name into surname, middle and given name (first word, between, last word).
pub fn split_name(text: &str) -> NameParts {
    let name = normalise_name(text);
    let words: Vec<&str> = name.split(' ').filter(|w| !w.is_empty()).collect();
    match words.as_slice() {
        [] => NameParts::default(),
        [given] => NameParts { given: (*given).to_owned(), ..NameParts::default() },
        [surname, middle @ .., given] => NameParts {
            surname: (*surname).to_owned(),
            middle: middle.join(" "),
            given: (*given).to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decomposed_and_composed_text_become_one() {
        let nfd: String = "Nguyễn  Đắc\u{a0}Hoàng ".nfd().collect();
        assert_eq!(normalise_name(&nfd), "Nguyễn Đắc Hoàng");
        assert_eq!(normalise_name("\u{feff}Ðặng Văn\u{200b} A\r\n"), "Đặng Văn A");
        assert_eq!(fold_name(&nfd), "nguyen dac hoang");
        assert_eq!(canonical_name("NGUYỄN THÚY HÒA"), "nguyễn thuý hoà");
        assert_eq!(title_name("NGUYỄN VĂN ĐỨC"), "Nguyễn Văn Đức");
        assert_eq!(title_name("h'hen niê"), "H'Hen Niê");
    }

    #[test]
    fn fold_keeps_letters_and_digits_only() {
        assert_eq!(fold_name("  H'Hen — Niê, (Chamaléa) 2 "), "h hen nie chamalea 2");
        assert_eq!(fold_name("ĐỖ ƯỚC"), "do uoc");
        assert_eq!(fold_name(""), "");
    }

    #[test]
    fn spelling_variants_meet_softly() {
        assert_eq!(soft_fold_name("Lý Quý Mỹ"), soft_fold_name("Lí Quí Mĩ"));
        assert_eq!(soft_fold_name("Đắc"), soft_fold_name("Đắk"));
        assert_ne!(soft_fold_name("Thúy"), soft_fold_name("Thúi"));
        assert_ne!(soft_fold_name("May"), soft_fold_name("Mai"));
    }

    #[test]
    fn names_split_at_first_and_last_word() {
        let parts = split_name("Tôn Nữ Thị Ninh");
        assert_eq!((&*parts.surname, &*parts.middle, &*parts.given), ("Tôn", "Nữ Thị", "Ninh"));
        let parts = split_name("Hồ Lan");
        assert_eq!((&*parts.surname, &*parts.middle, &*parts.given), ("Hồ", "", "Lan"));
        assert_eq!(split_name(" Y ").given, "Y");
        assert_eq!(split_name(""), NameParts::default());
    }
}
