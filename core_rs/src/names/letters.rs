//! The Vietnamese letter as vowel quality plus tone, and tables to take it apart and put it together.

use std::sync::LazyLock;

/// The six tones in the order of Vietnamese dictionaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tone {
    /// No mark.
    Ngang,
    /// Grave.
    Huyen,
    /// Hook above.
    Hoi,
    /// Tilde.
    Nga,
    /// Acute.
    Sac,
    /// Dot below.
    Nang,
}

const TONES: [Tone; 6] = [Tone::Ngang, Tone::Huyen, Tone::Hoi, Tone::Nga, Tone::Sac, Tone::Nang];

/// The twelve vowels, each with its six tones in the order of [`Tone`].
const VOWELS: [[char; 6]; 12] = [
    ['a', 'à', 'ả', 'ã', 'á', 'ạ'],
    ['ă', 'ằ', 'ẳ', 'ẵ', 'ắ', 'ặ'],
    ['â', 'ầ', 'ẩ', 'ẫ', 'ấ', 'ậ'],
    ['e', 'è', 'ẻ', 'ẽ', 'é', 'ẹ'],
    ['ê', 'ề', 'ể', 'ễ', 'ế', 'ệ'],
    ['i', 'ì', 'ỉ', 'ĩ', 'í', 'ị'],
    ['o', 'ò', 'ỏ', 'õ', 'ó', 'ọ'],
    ['ô', 'ồ', 'ổ', 'ỗ', 'ố', 'ộ'],
    ['ơ', 'ờ', 'ở', 'ỡ', 'ớ', 'ợ'],
    ['u', 'ù', 'ủ', 'ũ', 'ú', 'ụ'],
    ['ư', 'ừ', 'ử', 'ữ', 'ứ', 'ự'],
    ['y', 'ỳ', 'ỷ', 'ỹ', 'ý', 'ỵ'],
];

/// Every precomposed Vietnamese letter is below this.
const LIMIT: usize = 0x1F00;

/// A vowel taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vowel {
    /// Lower case, with its quality mark and without tone: `ơ` of `Ờ`.
    pub letter: char,
    /// The tone mark it carries.
    pub tone: Tone,
    /// Whether it was upper case.
    pub is_upper: bool,
}

static TABLE: LazyLock<Vec<Option<Vowel>>> = LazyLock::new(|| {
    let mut table = vec![None; LIMIT];
    for row in VOWELS {
        for (letter, tone) in row.into_iter().zip(TONES) {
            let vowel = Vowel { letter: row[0], tone, is_upper: false };
            table[letter as usize] = Some(vowel);
            for upper in letter.to_uppercase() {
                table[upper as usize] = Some(Vowel { is_upper: true, ..vowel });
            }
        }
    }
    table
});

/// Takes a precomposed vowel apart; `None` for consonants and everything else.
#[inline]
pub fn vowel(c: char) -> Option<Vowel> {
    *TABLE.get(c as usize)?
}

/// The vowel `letter` (lower case, with its quality mark) carrying `tone`.
pub fn toned(letter: char, tone: Tone, is_upper: bool) -> char {
    let row = VOWELS.iter().find(|row| row[0] == letter);
    let c = row.map_or(letter, |row| row[tone as usize]);
    if is_upper { upper(c) } else { c }
}

/// One-to-one upper case, which every Vietnamese letter has.
pub fn upper(c: char) -> char {
    c.to_uppercase().next().unwrap_or(c)
}

/// The plain ASCII letter under a Vietnamese vowel quality: `ơ` → `o`.
pub fn plain(letter: char) -> char {
    match letter {
        'ă' | 'â' => 'a',
        'ê' => 'e',
        'ô' | 'ơ' => 'o',
        'ư' => 'u',
        'đ' => 'd',
        other => other,
    }
}

/// Whether `c` can stand in a Vietnamese text: an ASCII letter, a Vietnamese vowel, đ or Đ.
pub fn is_vietnamese(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, 'đ' | 'Đ') || vowel(c).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vowel_comes_apart_and_back() {
        let mut count = 0;
        for row in VOWELS {
            for c in row {
                for is_upper in [false, true] {
                    let shown = if is_upper { upper(c) } else { c };
                    let v = vowel(shown).unwrap();
                    assert_eq!(toned(v.letter, v.tone, v.is_upper), shown);
                    assert_eq!(v.is_upper, is_upper);
                    count += 1;
                }
            }
        }
        // 146 letters of the alphabet with tones are these 144, đ and Đ.
        assert_eq!(count, 144);
    }
}
