//! Keys that sort as Vietnamese lists do: given name, then middle, then surname.

use std::sync::LazyLock;

use super::letters::{Tone, vowel};
use super::text::{NameParts, normalise_name, split_name};

/// The alphabet in order (ICU `vi`, with f, j, w, z where Latin puts them).
const ALPHABET: &str = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz";

/// A key whose byte order is the order of Vietnamese lists of people.
///
/// Within each part letters decide first and tones after (ngang, huyền, hỏi, ngã, sắc, nặng); the
/// stored name comes last, so that different names never have equal keys.
pub fn sort_key(full_name: &str) -> Vec<u8> {
    sort_key_of(&normalise_name(full_name), &split_name(full_name))
}

/// [`sort_key`] of a name already stored and split.
pub fn sort_key_of(full_name: &str, parts: &NameParts) -> Vec<u8> {
    let mut key = Vec::with_capacity(full_name.len() * 2 + 8);
    for part in [&parts.given, &parts.middle, &parts.surname] {
        text_key(part, &mut key);
    }
    key.extend_from_slice(full_name.as_bytes());
    key
}

/// Appends letters, a zero, tones, a zero: what compares one part or any other text.
pub fn text_key(text: &str, key: &mut Vec<u8>) {
    let mut tones = Vec::with_capacity(text.len());
    for c in text.chars() {
        let (letter, tone) = match vowel(c) {
            Some(v) => (v.letter, v.tone),
            None => (c.to_lowercase().next().unwrap_or(c), Tone::Ngang),
        };
        key.push(weight(letter));
        tones.push(tone as u8 + 1);
    }
    key.push(0);
    // Level tones at the end say nothing and would only lengthen the key.
    while tones.last() == Some(&1) {
        tones.pop();
    }
    key.extend(tones);
    key.push(0);
}

/// Weights of the letters, by character; the last of them is ư.
static WEIGHTS: LazyLock<[u8; 0x200]> = LazyLock::new(|| {
    let mut weights = [0; 0x200];
    for (place, letter) in ALPHABET.chars().enumerate() {
        weights[letter as usize] = 30 + place as u8;
    }
    weights
});

/// Spaces before punctuation before digits before letters before everything else.
fn weight(letter: char) -> u8 {
    match WEIGHTS.get(letter as usize) {
        Some(&weight) if weight > 0 => return weight,
        _ => {}
    }
    match letter {
        ' ' => 1,
        '0'..='9' => 10 + (letter as u8 - b'0'),
        _ if letter.is_alphabetic() => 100,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_sort_by_given_then_middle_then_surname() {
        let sorted = [
            "Trần Văn An",
            "Lê Thị Ân",
            "Nguyễn Bình",
            "Lê Văn Cừ",
            "Phạm Văn Danh",
            "Bùi Văn Đạt",
            "Bùi An Hưng",
            "Trần An Hưng",
            "Bùi Văn Hưng",
            "Bùi An Hùng",
            "Vũ Lan",
            "Vũ Thị Lan",
            "Vũ Lân",
            "Ngô Ma",
            "Ngô Mà",
            "Ngô Mả",
            "Ngô Mã",
            "Ngô Má",
            "Ngô Mạ",
            "Đỗ Oanh",
            "Đỗ Ôn",
            "Đỗ Ơn",
            "Lý Uyên",
            "Lý Ước",
            "Lý Vân",
            "Lý Yến",
        ];
        // Hùng sorts by letters h-u-n-g, before h-ư-n-g.
        let mut ours = sorted;
        ours.sort_by_key(|name| sort_key(name));
        let place = |name: &str| ours.iter().position(|n| *n == name).unwrap();
        assert!(place("Bùi An Hùng") < place("Bùi An Hưng"));
        let mut expected: Vec<&str> = sorted.to_vec();
        let hung = expected.remove(9);
        expected.insert(6, hung);
        assert_eq!(ours.to_vec(), expected);
    }

    #[test]
    fn different_names_never_share_a_key() {
        assert_ne!(sort_key("An Bình"), sort_key("an bình"));
        assert_eq!(sort_key(" Lê  An"), sort_key("Lê An"));
    }
}
