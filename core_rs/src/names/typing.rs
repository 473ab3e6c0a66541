//! Text that a Vietnamese keyboard driver should have turned into letters, or did so by halves.

use super::letters::{Tone, toned, upper, vowel};
use super::syllable::{is_folded_syllable, is_syllable};

/// How a word was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Typing {
    /// Letters for marks: `Nguyeenx`.
    Telex,
    /// Digits for marks: `Nguye6n4`.
    Vni,
}

/// Reads residue of Telex or VNI typing: the text as it was meant, and how it was typed.
///
/// Only words that are no syllables as they stand and are by the rules of typing count; `None`
/// where there is none. `Hans` reads as `Hán` in Telex: take it for a hint, never for the truth.
pub fn read_typing(text: &str) -> Option<(String, Typing)> {
    [Typing::Telex, Typing::Vni].into_iter().find_map(|typing| {
        let mut found = false;
        let words: Vec<String> = text
            .split(' ')
            .map(|word| {
                let read = read_word(word, typing);
                found |= read.is_some();
                read.unwrap_or_else(|| word.to_owned())
            })
            .collect();
        found.then(|| (words.join(" "), typing))
    })
}

fn read_word(word: &str, typing: Typing) -> Option<String> {
    let odd = !is_folded_syllable(word) && !is_syllable(word);
    if word.chars().count() > 12 || !odd || !word.starts_with(char::is_alphabetic) {
        return None;
    }
    let mut letters: Vec<char> = Vec::new();
    let mut tone = Tone::Ngang;
    for c in word.to_lowercase().chars() {
        let (bare, mark) = vowel(c).map_or((c, Tone::Ngang), |v| (v.letter, v.tone));
        let taken = match typing {
            Typing::Telex => telex_key(bare, &mut letters, &mut tone),
            Typing::Vni => vni_key(bare, &mut letters, &mut tone),
        };
        if mark != Tone::Ngang {
            tone = mark;
        }
        if !taken {
            letters.push(bare);
        }
    }
    put_tone(&mut letters, tone);
    let read: String = letters.iter().collect();
    (is_syllable(&read) && !read.is_ascii()).then(|| {
        let mut rest = read.chars();
        let first = rest.next().map(upper);
        first.into_iter().chain(rest).collect()
    })
}

/// Applies a Telex key to what was typed so far; false where it is a letter of its own.
fn telex_key(key: char, letters: &mut Vec<char>, tone: &mut Tone) -> bool {
    let has_vowel = letters.iter().any(|&c| vowel(c).is_some());
    let mark = match key {
        's' => Tone::Sac,
        'f' => Tone::Huyen,
        'r' => Tone::Hoi,
        'x' => Tone::Nga,
        'j' => Tone::Nang,
        'a' => return change(letters, &[('a', 'â')]),
        'e' => return change(letters, &[('e', 'ê')]),
        'o' => return change(letters, &[('o', 'ô')]),
        'd' => return change(letters, &[('d', 'đ')]),
        'w' => {
            // With no vowel to put a horn on, w is a ư of its own.
            if !horn(letters) {
                letters.push('ư');
            }
            return true;
        }
        _ => return false,
    };
    if has_vowel {
        *tone = mark;
    }
    has_vowel
}

/// The same for VNI, where digits are the keys.
fn vni_key(key: char, letters: &mut [char], tone: &mut Tone) -> bool {
    *tone = match key {
        '1' => Tone::Sac,
        '2' => Tone::Huyen,
        '3' => Tone::Hoi,
        '4' => Tone::Nga,
        '5' => Tone::Nang,
        '6' => return change(letters, &[('a', 'â'), ('e', 'ê'), ('o', 'ô')]),
        '7' => return horn(letters),
        '8' => return change(letters, &[('a', 'ă')]),
        '9' => return change(letters, &[('d', 'đ')]),
        _ => return false,
    };
    true
}

/// `ươ` of `uo`, else `ư`, `ơ` or `ă` of the last vowel that can be one.
fn horn(letters: &mut [char]) -> bool {
    let pair = letters.windows(2).rposition(|two| two == ['u', 'o']);
    if let Some(at) = pair.filter(|&at| at == 0 || letters[at - 1] != 'q') {
        (letters[at], letters[at + 1]) = ('ư', 'ơ');
        return true;
    }
    change(letters, &[('u', 'ư'), ('o', 'ơ'), ('a', 'ă')])
}

/// Changes the last letter that one of `rules` speaks of.
fn change(letters: &mut [char], rules: &[(char, char)]) -> bool {
    for letter in letters.iter_mut().rev() {
        if let Some(rule) = rules.iter().find(|rule| rule.0 == *letter) {
            *letter = rule.1;
            return true;
        }
    }
    false
}

/// Puts the tone where spelling wants it: on the marked vowel, else before a final vowel letter.
fn put_tone(letters: &mut [char], tone: Tone) {
    let onset = match letters {
        ['q', 'u', ..] => 2,
        ['g', 'i', next, ..] if vowel(*next).is_some() => 2,
        _ => 0,
    };
    let vowels: Vec<usize> =
        (onset..letters.len()).filter(|&at| vowel(letters[at]).is_some()).collect();
    let marked = vowels.iter().rev().find(|&&at| !letters[at].is_ascii());
    let at = match (marked, vowels.as_slice()) {
        (Some(&at), _) => at,
        (None, []) => return,
        (None, [only]) => *only,
        (None, [first, .., last]) => {
            let open = last + 1 == letters.len();
            let second_bears =
                matches!((letters[*first], letters[*last]), ('o', 'a' | 'e') | ('u', 'y'));
            if vowels.len() > 2 || !open || second_bears { vowels[1] } else { *first }
        }
    };
    letters[at] = toned(letters[at], tone, false);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telex_and_vni_residue_reads_as_meant() {
        for (typed, meant, typing) in [
            ("ThwR NghieejM MOOtj", "Thử Nghiệm Một", Typing::Telex),
            ("Nguyeenx Vawn Dduwcs", "Nguyễn Văn Đức", Typing::Telex),
            ("Traanf Thij Huowng", "Trần Thị Hương", Typing::Telex),
            ("Nguye6n4 Va8n D9u71c", "Nguyễn Văn Đức", Typing::Vni),
            ("Quys Hoaf", "Quý Hoà", Typing::Telex),
        ] {
            assert_eq!(read_typing(typed), Some((meant.to_owned(), typing)), "{typed}");
        }
    }

    #[test]
    fn whole_names_are_left_alone() {
        for whole in ["Nguyễn Văn Đức", "NGUYEN VAN DUC", "Katơr Thị Kpuih", "Rmah Ksor", "A 5", ""]
        {
            assert_eq!(read_typing(whole), None, "{whole}");
        }
    }
}
