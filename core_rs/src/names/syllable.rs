//! What a Vietnamese syllable can be, and where its tone mark stands.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::letters::{Tone, plain, toned, vowel};

/// Onsets, longest first, so that the first match is the right one.
const ONSETS: [&str; 27] = [
    "ngh", "ch", "gh", "gi", "kh", "ng", "nh", "ph", "qu", "th", "tr", "b", "c", "d", "đ", "g",
    "h", "k", "l", "m", "n", "r", "s", "t", "v", "x", "p",
];

/// Rhymes without tone, as taught in school (tables of the spelling rules of 1980 and 1984).
const RHYMES: &str = "a ac ach ai am an ang anh ao ap at au ay ăc ăk ăm ăn ăng ăp ăt âc âm ân \
    âng âp ât âu ây e ec em en eng eo ep et ê êch êm ên ênh êp êt êu i ia ich im in inh ip it iu \
    iêc iêm iên iêng iêp iêt iêu o oa oac oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn \
    oăng oăt oc oe oen oeo oet oi om on ong ooc oong op ot ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp \
    ơt u ua uân uâng uât uây uc uê uêch uênh ui um un ung uôc uôi uôm uôn uông uôt uơ up ut uy \
    uya uych uynh uyt uyên uyêt uyu uyn ư ưa ưc ưi ưng ưt ưu ươc ươi ươm ươn ương ươp ươt ươu y \
    yên yêt yêu yêm yêng ynh yt ych";

static RHYME_SET: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| RHYMES.split_whitespace().collect());
static FOLDED_RHYMES: LazyLock<HashSet<String>> =
    LazyLock::new(|| RHYMES.split_whitespace().map(|r| r.chars().map(plain).collect()).collect());

/// Whether `word` (any case, NFC) is spelt as a Vietnamese syllable with its diacritics.
pub fn is_syllable(word: &str) -> bool {
    let Some((toneless, tone)) = strip_tone(word) else { return false };
    rhymes_of(&toneless).any(|rhyme| RHYME_SET.contains(rhyme) && fits(rhyme, tone))
}

/// Whether `word` (ASCII, any case) could be a syllable that lost its diacritics.
pub fn is_folded_syllable(word: &str) -> bool {
    let lower = word.to_lowercase();
    rhymes_of(&lower).any(|rhyme| FOLDED_RHYMES.contains(rhyme))
}

/// A closed syllable that ends in a stop carries sắc or nặng only.
fn fits(rhyme: &str, tone: Tone) -> bool {
    !rhyme.ends_with(['c', 'p', 't', 'k']) && !rhyme.ends_with("ch")
        || matches!(tone, Tone::Sac | Tone::Nang)
}

/// Every way to take an onset off: none, the matching ones, and `g` where `gi` holds the vowel.
fn rhymes_of(word: &str) -> impl Iterator<Item = &str> {
    let whole = std::iter::once(word);
    whole.chain(ONSETS.iter().filter_map(move |onset| word.strip_prefix(onset)))
}

/// Lower case without tone, and the tone; `None` with two tones or a letter that is not ours.
fn strip_tone(word: &str) -> Option<(String, Tone)> {
    let mut tone = Tone::Ngang;
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        if let Some(v) = vowel(c) {
            if v.tone != Tone::Ngang {
                if tone != Tone::Ngang {
                    return None;
                }
                tone = v.tone;
            }
            out.push(v.letter);
        } else if c.is_ascii_alphabetic() {
            out.push(c.to_ascii_lowercase());
        } else if matches!(c, 'đ' | 'Đ') {
            out.push('đ');
        } else {
            return None;
        }
    }
    Some((out, tone))
}

/// Where the tone mark of an open `oa`, `oe`, `uy` stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TonePlacement {
    /// On the first vowel: hòa, khỏe, thúy.
    Old,
    /// On the second vowel: hoà, khoẻ, thuý.
    New,
}

/// Moves the tone marks of open `oa`, `oe`, `uy` to where `placement` puts them.
///
/// Nothing else moves: `quý` (the u belongs to the onset), `hoàn` (a coda), `giá` stay.
pub fn place_tones(text: &str, placement: TonePlacement) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let mut start = 0;
    while start < letters.len() {
        let length = letters[start..].iter().take_while(|c| c.is_alphabetic()).count();
        if length == 0 {
            start += 1;
            continue;
        }
        place_in_word(&mut letters[start..start + length], placement);
        start += length;
    }
    letters.into_iter().collect()
}

fn place_in_word(word: &mut [char], placement: TonePlacement) {
    let Some((last_two, onset)) = word.len().checked_sub(2).map(|at| {
        let (onset, last_two) = word.split_at_mut(at);
        (last_two, onset)
    }) else {
        return;
    };
    let (Some(first), Some(second)) = (vowel(last_two[0]), vowel(last_two[1])) else { return };
    if !matches!((first.letter, second.letter), ('o', 'a' | 'e') | ('u', 'y')) {
        return;
    }
    if onset.last().is_some_and(|&c| vowel(c).is_some() || matches!(c, 'q' | 'Q')) {
        return;
    }
    let tone = first.tone.max(second.tone);
    let (on_first, on_second) = match (first.tone, second.tone) {
        // Two marks on one syllable are a spelling we do not understand.
        (Tone::Ngang, _) | (_, Tone::Ngang) if placement == TonePlacement::Old => {
            (tone, Tone::Ngang)
        }
        (Tone::Ngang, _) | (_, Tone::Ngang) => (Tone::Ngang, tone),
        _ => return,
    };
    last_two[0] = toned(first.letter, on_first, first.is_upper);
    last_two[1] = toned(second.letter, on_second, second.is_upper);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::tables;

    #[test]
    fn the_table_of_old_and_new_placement_holds_both_ways() {
        let mut count = 0;
        for row in tables::rows(tables::TONE_PLACEMENT) {
            assert_eq!(place_tones(row[0], TonePlacement::New), row[1]);
            assert_eq!(place_tones(row[1], TonePlacement::Old), row[0]);
            let shout = row[0].to_uppercase();
            assert_eq!(place_tones(&shout, TonePlacement::New), row[1].to_uppercase());
            count += 1;
        }
        assert!(count > 20);
    }

    #[test]
    fn only_open_oa_oe_uy_move() {
        for unmoved in ["quý", "Quỳ", "hoàn", "giá", "thuyền", "mùa", "loài", "Huỳnh", "khuya"]
        {
            assert_eq!(place_tones(unmoved, TonePlacement::New), unmoved);
            assert_eq!(place_tones(unmoved, TonePlacement::Old), unmoved);
        }
        assert_eq!(place_tones("Hòa-Thúy, úy", TonePlacement::New), "Hoà-Thuý, uý");
    }

    #[test]
    fn spelling_tells_syllables_from_other_words() {
        for good in ["Nguyễn", "Trần", "Huỳnh", "Quỳnh", "Đặng", "Giàng", "gì", "Nghiệm", "Uý"]
        {
            assert!(is_syllable(good), "{good}");
        }
        for bad in ["Döông", "Buøi", "NguyÔn", "TrÇn", "Bjửrn", "Katơr", "hoàtà", "Björn", "mat"]
        {
            assert!(!is_syllable(bad), "{bad}");
        }
        assert!(is_folded_syllable("Nguyen") && !is_folded_syllable("Nguyeenx"));
    }
}
