//! Two profiles → a pattern of levels.

use super::fields::people::{
    DOB, FAMILY, FAMILY_DIFFERS, FAMILY_ORDER, FAMILY_SLIP, GIVEN, GIVEN_DIFFERS, GIVEN_LAST_SAME,
    GIVEN_MARKS_SLIP, GIVEN_MIDDLE, GIVEN_NICKNAME, GIVEN_OTHER_MARKS, GIVEN_SLIP, GIVEN_SOUND,
    GIVEN_TWO_SLIPS, HOUSEHOLD, INSURANCE, NATIONAL_ID, SEX,
};
use super::fields::{Pattern, level, with};
use super::household::household;
use super::people::People;
use super::profile::{Card, Profile};
use super::spelling::{one_slip, two_slips};

/// Compares two profiles that `people` made.
pub fn compare(people: &People, a: &Profile, b: &Profile) -> Pattern {
    let mut pattern = with(0, HOUSEHOLD, household(people, a, b));
    if a.has_name() && b.has_name() {
        let (family, given) = names(people, a, b);
        pattern = with(with(pattern, FAMILY, family), GIVEN, given);
    }
    pattern = with(pattern, DOB, born(people, a, b));
    // Namesakes are nearly always of one sex: beside the same name the same sex is no news.
    let told = (1..=GIVEN_LAST_SAME).contains(&level(pattern, GIVEN));
    if a.sex > 0 && b.sex > 0 && !(told && a.sex == b.sex) {
        pattern = with(pattern, SEX, if a.sex == b.sex { 1 } else { 2 });
    }
    pattern = with(pattern, NATIONAL_ID, national_id(a, b));
    with(pattern, INSURANCE, insurance(a.insurance, b.insurance))
}

/// Levels of surname-and-middle names, and of the given name.
fn names(people: &People, a: &Profile, b: &Profile) -> (usize, usize) {
    let names = &people.names;
    let fold = |word: u32| names.get(word).fold;
    let both_marked = a.marked && b.marked;
    let (fa, fb) = (a.family(), b.family());
    if fold(a.given) != fold(b.given) && in_other_order(people, a, b) {
        return (FAMILY_ORDER, if both_marked { turned_marks(people, a, b) } else { 0 });
    }
    let family = if fa.is_empty() || fb.is_empty() {
        0
    } else if a.family_id == b.family_id {
        let tones = both_marked
            && fa
                .iter()
                .zip(fb)
                .any(|(x, y)| x != y && names.get(*x).marked && names.get(*y).marked);
        if tones {
            FAMILY_SLIP + 1
        } else {
            1 + people.family_level(a, fold(a.given) == fold(b.given))
        }
    } else {
        other_family(people, fa, fb)
    };
    (family, given(people, a, b, both_marked))
}

fn other_family(people: &People, a: &[u32], b: &[u32]) -> usize {
    let names = &people.names;
    let fold = |word: u32| names.get(word).fold;
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let surname = fold(a[0]) == fold(b[0]);
    if short.len() < long.len() {
        let mut rest = long.iter();
        let inside = short.iter().all(|w| rest.any(|x| fold(*x) == fold(*w)));
        return if inside {
            FAMILY_SLIP - 1
        } else if surname {
            FAMILY_SLIP + 2
        } else {
            FAMILY_DIFFERS
        };
    }
    let close = |x: u32, y: u32| {
        let (x, y) = (names.fold(fold(x)), names.fold(fold(y)));
        x.sound == y.sound || one_slip(&x.text, &y.text)
    };
    let mut different = a.iter().zip(b).filter(|(x, y)| fold(**x) != fold(**y));
    let (first, second) = (different.next(), different.next());
    match (first, second) {
        (Some((x, y)), None) if close(*x, *y) => FAMILY_SLIP,
        _ if surname => FAMILY_SLIP + 2,
        _ if a.len() > 1 && a[1..].iter().zip(&b[1..]).all(|(x, y)| fold(*x) == fold(*y)) => {
            FAMILY_SLIP + 3
        }
        _ => FAMILY_DIFFERS,
    }
}

fn given(people: &People, a: &Profile, b: &Profile, both_marked: bool) -> usize {
    let names = &people.names;
    let (x, y) = (names.get(a.given), names.get(b.given));
    if x.fold == y.fold {
        let common = people.given_level(a, b);
        return if !both_marked {
            5 + common
        } else if a.given == b.given {
            1 + common
        } else if people.is_slip_of_marks(a.given, b.given) {
            GIVEN_MARKS_SLIP
        } else {
            GIVEN_OTHER_MARKS
        };
    }
    let (fx, fy) = (names.fold(x.fold), names.fold(y.fold));
    if one_slip(&fx.text, &fy.text) {
        return GIVEN_SLIP;
    }
    if fx.sound == fy.sound {
        return GIVEN_SOUND;
    }
    let among =
        |fold: u32, others: &[u32]| others.iter().skip(1).any(|w| names.get(*w).fold == fold);
    if (x.nickname && a.marked) != (y.nickname && b.marked) {
        GIVEN_NICKNAME
    } else if among(x.fold, b.family()) || among(y.fold, a.family()) {
        GIVEN_MIDDLE
    } else if two_slips(&fx.text, &fy.text) {
        GIVEN_TWO_SLIPS
    } else {
        GIVEN_DIFFERS
    }
}

/// Whether a given name, turned round, has other marks than in the other name: twins' names may be
/// turned round as well as anybody's.
fn turned_marks(people: &People, a: &Profile, b: &Profile) -> usize {
    let fold = |word: u32| people.names.get(word).fold;
    let words = |p: &Profile| p.family().iter().copied().chain([p.given]).collect::<Vec<u32>>();
    let other = |given: u32, words: &[u32]| {
        if words.contains(&given) {
            return None;
        }
        words.iter().copied().find(|word| fold(*word) == fold(given))
    };
    let pairs = [(a.given, other(a.given, &words(b))), (b.given, other(b.given, &words(a)))];
    let differ = pairs.into_iter().find_map(|(given, other)| Some((given, other?)));
    match differ {
        None => 0,
        Some((x, y)) if people.is_slip_of_marks(x, y) => GIVEN_MARKS_SLIP,
        Some(_) => GIVEN_OTHER_MARKS,
    }
}

/// Whether two names are the same words in another order, but for one slip.
fn in_other_order(people: &People, a: &Profile, b: &Profile) -> bool {
    if a.name != 0 && a.name == b.name {
        return true;
    }
    if a.family_len != b.family_len || a.family_len == 0 {
        return false;
    }
    let names = &people.names;
    let fold = |word: &u32| names.get(*word).fold;
    // Turned round, each given name stands among the other's family names.
    let inside = |given: u32, others: &[u32]| others.iter().any(|w| fold(w) == fold(&given));
    if !inside(a.given, b.family()) && !inside(b.given, a.family()) {
        return false;
    }
    let mut rest: Vec<u32> = b.family().iter().chain([&b.given]).map(fold).collect();
    let mut odd = None;
    for word in a.family().iter().chain([&a.given]).map(fold) {
        if let Some(at) = rest.iter().position(|other| *other == word) {
            rest.swap_remove(at);
        } else if odd.replace(word).is_some() {
            return false;
        }
    }
    match (odd, rest.as_slice()) {
        (Some(x), [y]) if x != fold(&a.given) || *y != fold(&b.given) => {
            let (x, y) = (names.fold(x), names.fold(*y));
            x.sound == y.sound || one_slip(&x.text, &y.text)
        }
        _ => false,
    }
}

fn born(people: &People, one: &Profile, other: &Profile) -> usize {
    let (a, b) = (one.born, other.born);
    if !a.is_known() || !b.is_known() {
        return 0;
    }
    let apart = a.year().abs_diff(b.year());
    if apart == 0 {
        return match (a.is_exact(), b.is_exact()) {
            (true, true) if a == b && people.is_day_common(one) => 2,
            (true, true) if a == b => 1,
            (false, false) if a == b && a.day() > 0 => 2,
            (true, true) if a.day() == b.month() && a.month() == b.day() => 4,
            (true, true) if a.day() == b.day() || a.month() == b.month() => 5,
            (true, true) => 8,
            _ => 3,
        };
    }
    if a.is_exact() && b.is_exact() && a.day() == b.day() && a.month() == b.month() {
        if apart.is_multiple_of(10) {
            return 6;
        }
        if apart <= 2 || slip(a.year().into(), b.year().into()) {
            return 7;
        }
    }
    // Nobody is a parent before fifteen, so that below it a year that differs is no namesake's.
    match (a.is_exact() && b.is_exact(), apart) {
        (_, 15..) => 10,
        (true, _) => 9,
        (false, 1 | 2 | 10) => 12,
        (false, _) => 11,
    }
}

fn national_id(a: &Profile, b: &Profile) -> usize {
    let doubtful = a.card == Card::Doubtful || b.card == Card::Doubtful;
    if a.cccd > 0 && b.cccd > 0 {
        if a.cccd == b.cccd {
            return if doubtful { 2 } else { 1 };
        }
        if a.cccd.abs_diff(b.cccd) <= 3 && !doubtful {
            return 4;
        }
        if slip(a.cccd, b.cccd) {
            return 3;
        }
        return if doubtful { 6 } else { 5 };
    }
    if a.cmnd > 0 && b.cmnd > 0 {
        return if a.cmnd == b.cmnd {
            7
        } else if slip(u64::from(a.cmnd), u64::from(b.cmnd)) {
            8
        } else {
            9
        };
    }
    0
}

fn insurance(a: u64, b: u64) -> usize {
    match (a, b) {
        (0, _) | (_, 0) => 0,
        (a, b) if a == b => 1,
        (a, b) if slip(a, b) => 2,
        _ => 3,
    }
}

/// Whether two numbers differ in one digit, or in two neighbours swapped.
fn slip(mut a: u64, mut b: u64) -> bool {
    while a % 10 == b % 10 {
        a /= 10;
        b /= 10;
    }
    a / 10 == b / 10 || (a / 100 == b / 100 && a % 10 == (b / 10) % 10 && b % 10 == (a / 10) % 10)
}
