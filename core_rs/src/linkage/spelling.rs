//! A word as it was typed → what can be compared: letters, vowel shapes, tone, sound.
//!
//! The tone is kept apart from the letters, so that `hoà` and `hòa` are the same word, and so that
//! `Hùng` and `Hưng` (often twins) fold together but are known to differ.

use std::sync::LazyLock;

/// Vowel shapes: none, circumflex, breve, horn, and the stroke of đ.
const SHAPES: [char; 5] = [' ', '^', '(', '+', '-'];

/// Rows of one letter and shape in the order of tones: none, huyền, hỏi, ngã, sắc, nặng.
const ROWS: [(&str, u8, u8); 12] = [
    ("aàảãáạ", b'a', 0),
    ("ăằẳẵắặ", b'a', 2),
    ("âầẩẫấậ", b'a', 1),
    ("eèẻẽéẹ", b'e', 0),
    ("êềểễếệ", b'e', 1),
    ("iìỉĩíị", b'i', 0),
    ("oòỏõóọ", b'o', 0),
    ("ôồổỗốộ", b'o', 1),
    ("ơờởỡớợ", b'o', 3),
    ("uùủũúụ", b'u', 0),
    ("ưừửữứự", b'u', 3),
    ("yỳỷỹýỵ", b'y', 0),
];

/// `[letter, shape, tone]` of every Vietnamese code point below U+1F00; letter 0 elsewhere.
static LETTERS: LazyLock<Vec<[u8; 3]>> = LazyLock::new(|| {
    let mut table = vec![[0; 3]; 0x1F00];
    for c in b'a'..=b'z' {
        table[c as usize] = [c, 0, 0];
    }
    for (row, letter, shape) in ROWS {
        for (tone, c) in row.chars().enumerate() {
            table[c as usize] = [letter, shape, tone as u8];
        }
    }
    table['đ' as usize] = [b'd', 4, 0];
    table
});

/// A word taken apart. All three texts are ASCII for Vietnamese words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelled {
    /// Letters only: `nguyen`.
    pub folded: String,
    /// Letters, shapes and tone in one canonical order: `nguye^n3`.
    pub toned: String,
    /// Tone removed, shapes kept: `nguye^n`.
    pub shaped: String,
    /// What is left when regional pronunciations are told apart no more: `nguien`.
    pub sound: String,
    /// Whether the word carries any mark.
    pub marked: bool,
}

#[derive(Clone, Copy)]
struct Letter {
    base: char,
    shape: u8,
}

/// Takes a word apart, repairing what Telex and VNI keyboards leave behind (`Nguyeenx`, `Hu7ng`).
pub fn spell(word: &str) -> Spelled {
    let mut letters: Vec<Letter> = Vec::with_capacity(8);
    let mut tone = 0;
    for typed in word.chars() {
        for c in typed.to_lowercase() {
            read(c, &mut letters, &mut tone);
        }
    }
    if tone == 0 {
        tone = repair(&mut letters);
    } else {
        repair(&mut letters);
    }
    finish(&letters, tone)
}

fn read(c: char, letters: &mut Vec<Letter>, tone: &mut u8) {
    let [base, shape, own] = LETTERS.get(c as usize).copied().unwrap_or_default();
    if base > 0 {
        letters.push(Letter { base: base as char, shape });
        if own > 0 {
            *tone = own;
        }
        return;
    }
    let combining = match c {
        '\u{300}' => Some(1),
        '\u{309}' => Some(2),
        '\u{303}' => Some(3),
        '\u{301}' => Some(4),
        '\u{323}' => Some(5),
        _ => None,
    };
    if let Some(own) = combining {
        *tone = own;
        return;
    }
    let shape = match c {
        '\u{302}' => 1,
        '\u{306}' => 2,
        '\u{31B}' => 3,
        _ => 0,
    };
    if shape > 0 {
        if let Some(last) = letters.last_mut() {
            last.shape = shape;
        }
    } else if c.is_alphanumeric() {
        letters.push(Letter { base: c, shape: 0 });
    }
}

fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

/// Undoes raw keystrokes; the tone they meant, or 0.
fn repair(letters: &mut Vec<Letter>) -> u8 {
    let has_letter = letters.iter().any(|l| l.base.is_ascii_alphabetic());
    if !has_letter || letters.len() < 2 {
        return 0;
    }
    if letters.iter().any(|l| l.base.is_ascii_digit()) {
        // A house number such as 12a begins with its digits; VNI digits follow a letter.
        return if letters[0].base.is_ascii_digit() { 0 } else { repair_vni(letters) };
    }
    repair_telex(letters)
}

fn repair_vni(letters: &mut Vec<Letter>) -> u8 {
    let mut tone = 0;
    let mut kept: Vec<Letter> = Vec::with_capacity(letters.len());
    for letter in letters.iter() {
        match letter.base {
            '1' => tone = 4,
            '2' => tone = 1,
            '3' => tone = 2,
            '4' => tone = 3,
            '5' => tone = 5,
            '6' => reshape(&mut kept, &['a', 'e', 'o'], 1),
            '7' => horn(&mut kept),
            '8' => reshape(&mut kept, &['a'], 2),
            '9' => reshape(&mut kept, &['d'], 4),
            _ => kept.push(*letter),
        }
    }
    *letters = kept;
    tone
}

fn repair_telex(letters: &mut Vec<Letter>) -> u8 {
    let mut tone = 0;
    let mut kept: Vec<Letter> = Vec::with_capacity(letters.len());
    let mut vowel_seen = false;
    for (at, letter) in letters.iter().enumerate() {
        let c = letter.base;
        // In Vietnamese these never follow the vowel: there they are keystrokes.
        let keystroke = match c {
            's' => 4,
            'f' => 1,
            'r' => 2,
            'x' => 3,
            'j' => 5,
            _ => 0,
        };
        let doubled = matches!(c, 'a' | 'e' | 'o' | 'd')
            && letter.shape == 0
            && kept.last().is_some_and(|last| last.base == c && last.shape == 0);
        if vowel_seen && keystroke > 0 && letter.shape == 0 {
            tone = keystroke;
        } else if doubled && (c != 'd' || at == 1) {
            if let Some(last) = kept.last_mut() {
                last.shape = if c == 'd' { 4 } else { 1 };
            }
        } else if c == 'w' {
            if kept.iter().any(|l| matches!(l.base, 'a' | 'o' | 'u')) {
                breve_or_horn(&mut kept);
            } else {
                kept.push(Letter { base: 'u', shape: 3 });
                vowel_seen = true;
            }
        } else {
            vowel_seen |= is_vowel(c);
            kept.push(*letter);
        }
    }
    *letters = kept;
    tone
}

fn reshape(letters: &mut [Letter], bases: &[char], shape: u8) {
    if let Some(found) = letters.iter_mut().rev().find(|l| bases.contains(&l.base)) {
        found.shape = shape;
    }
}

fn breve_or_horn(letters: &mut [Letter]) {
    let near = letters.iter().rposition(|l| matches!(l.base, 'a' | 'o' | 'u'));
    match near {
        Some(at) if letters[at].base == 'a' && !(at > 0 && letters[at - 1].base == 'u') => {
            letters[at].shape = 2;
        }
        _ => horn(letters),
    }
}

/// ươ takes both horns from one key.
fn horn(letters: &mut [Letter]) {
    if let Some(at) = letters.iter().rposition(|l| matches!(l.base, 'o' | 'u')) {
        letters[at].shape = 3;
        if letters[at].base == 'o' && at > 0 && letters[at - 1].base == 'u' {
            letters[at - 1].shape = 3;
        }
    }
}

fn finish(letters: &[Letter], tone: u8) -> Spelled {
    let folded: String = letters.iter().map(|l| l.base).collect();
    let mut shaped = String::with_capacity(letters.len() + 4);
    for letter in letters {
        shaped.push(letter.base);
        if letter.shape > 0 {
            shaped.push(SHAPES[letter.shape as usize]);
        }
    }
    let mut toned = shaped.clone();
    if tone > 0 {
        toned.push(char::from(b'0' + tone));
    }
    let sound = sound(&folded);
    let marked = toned.len() > folded.len();
    Spelled { folded, toned, shaped, sound, marked }
}

/// Regional confusions of the first and last consonants: s/x, tr/ch, n/l, d/gi/v/r, k/c/q, i/y,
/// -n/-ng/-nh, -t/-c/-ch (northern and southern speech; requirements of the field, names).
fn sound(folded: &str) -> String {
    const FIRST: [(&str, &str); 16] = [
        ("ngh", "ng"),
        ("gh", "g"),
        ("gi", "d"),
        ("tr", "c"),
        ("ch", "c"),
        ("kh", "kh"),
        ("ph", "f"),
        ("th", "th"),
        ("nh", "nh"),
        ("ng", "ng"),
        ("qu", "w"),
        ("x", "s"),
        ("k", "c"),
        ("n", "l"),
        ("v", "d"),
        ("r", "d"),
    ];
    let (first, rest) = FIRST
        .iter()
        .find_map(|(from, to)| folded.strip_prefix(from).map(|rest| (*to, rest)))
        .unwrap_or(("", folded));
    let (rest, last) = match rest.len() {
        0..=1 => (rest, ""),
        _ => ["ng", "nh", "ch", "n", "c", "t"]
            .iter()
            .find_map(|end| {
                let last = if end.starts_with('n') { "n" } else { "t" };
                rest.strip_suffix(end).map(|kept| (kept, last))
            })
            .unwrap_or((rest, "")),
    };
    let mut out = String::with_capacity(folded.len());
    out.push_str(first);
    out.extend(rest.chars().map(|c| if c == 'y' { 'i' } else { c }));
    out.push_str(last);
    out
}

/// Whether two short words differ by at most one typing slip: a letter added, lost, changed, or
/// two neighbours swapped (optimal string alignment distance ≤ 1).
pub fn one_slip(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if long.len() - short.len() > 1 {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    let (short, long) = (&short[same..], &long[same..]);
    if long.len() > short.len() {
        return short == &long[1..];
    }
    match short.len() {
        0 | 1 => true,
        _ => {
            short[1..] == long[1..]
                || (short[0] == long[1] && short[1] == long[0] && short[2..] == long[2..])
        }
    }
}

/// Whether two words of four letters and more differ by at most two letters added, lost or changed.
pub fn two_slips(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len().min(b.len()) < 4 || a.len().abs_diff(b.len()) > 2 || a.len().max(b.len()) > 15 {
        return false;
    }
    let mut row: [u8; 16] = std::array::from_fn(|i| i as u8);
    for (i, x) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i as u8 + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + u8::from(x != y);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()] <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_the_tone_and_the_unicode_form_do_not_matter() {
        for (a, b) in [("hòa", "hoà"), ("THÚY", "thuý"), ("Hùng", "Hu\u{300}ng")] {
            assert_eq!(spell(a), spell(b), "{a} {b}");
        }
        assert_eq!(spell("Đường").toned, "d-u+o+ng1");
    }

    #[test]
    fn keyboard_residue_is_undone() {
        for (typed, meant) in [
            ("Nguyeenx", "Nguyễn"),
            ("Hungf", "Hùng"),
            ("Huwng", "Hưng"),
            ("ddawngj", "đặng"),
            ("dduwowngf", "đường"),
            ("Nguye64n", "Nguyễn"),
            ("Hu7ng", "Hưng"),
            ("D9u7o7ng", "Đương"),
            ("Ho2a", "Hòa"),
        ] {
            assert_eq!(spell(typed), spell(meant), "{typed}");
        }
    }

    #[test]
    fn real_words_are_left_alone() {
        for word in ["trang", "xuan", "sang", "rong", "12a", "quynh"] {
            assert_eq!(spell(word).folded, word);
            assert!(!spell(word).marked);
        }
    }

    #[test]
    fn twins_by_tone_or_shape_stay_two_words() {
        let (a, b) = (spell("Hùng"), spell("Hưng"));
        assert_eq!(a.folded, b.folded);
        assert_ne!(a.shaped, b.shaped);
        let (a, b) = (spell("Thủy"), spell("Thúy"));
        assert_eq!(a.shaped, b.shaped);
        assert_ne!(a.toned, b.toned);
    }

    #[test]
    fn one_slip_is_found_and_two_are_not() {
        for (a, b) in [("hung", "hun"), ("hung", "hugn"), ("hung", "hong"), ("a", ""), ("an", "an")]
        {
            assert!(one_slip(a, b) && one_slip(b, a), "{a} {b}");
        }
        for (a, b) in [("hung", "hang1"), ("hung", "hnu"), ("ab", "cd")] {
            assert!(!one_slip(a, b) && !one_slip(b, a), "{a} {b}");
        }
    }
}
