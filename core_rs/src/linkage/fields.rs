//! The seven comparisons of two people, and what each of their levels means.
//!
//! Level 0 of every field is "one side is missing" (or what it says is told by another field) and weighs nothing, neither for nor against.

/// How two records compare: five bits a field, the first field lowest.
pub type Pattern = u64;

/// Bits of a field in a pattern.
pub const BITS: u32 = 5;
/// The most levels a field may have.
pub const LEVELS: usize = 1 << BITS;

/// A comparison: its stable name and the stable names of its levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Stable name, as shown to callers.
    pub name: String,
    /// Stable names of the levels; the first is always `missing`.
    pub levels: Vec<String>,
}

/// The level of a field in a pattern.
#[inline]
pub fn level(pattern: Pattern, field: usize) -> usize {
    ((pattern >> (field as u32 * BITS)) & (LEVELS as Pattern - 1)) as usize
}

/// Sets the level of a field that is still 0.
#[inline]
pub fn with(pattern: Pattern, field: usize, level: usize) -> Pattern {
    pattern | ((level as Pattern) << (field as u32 * BITS))
}

/// Order of the fields of people. The household comes first: what it explains is not counted
/// again for the name and the day of birth (see [`super::model`]).
pub mod people {
    #![allow(missing_docs, reason = "the names are the documentation; levels are listed below")]
    pub const HOUSEHOLD: usize = 0;
    pub const FAMILY: usize = 1;
    pub const DOB: usize = 2;
    pub const SEX: usize = 3;
    pub const GIVEN: usize = 4;
    pub const NATIONAL_ID: usize = 5;
    pub const INSURANCE: usize = 6;
    pub const COUNT: usize = 7;
    pub const FAMILY_SLIP: usize = 7;
    pub const FAMILY_ORDER: usize = 11;
    pub const FAMILY_DIFFERS: usize = 12;
    pub const GIVEN_LAST_SAME: usize = 8;
    pub const GIVEN_MARKS_SLIP: usize = 9;
    pub const GIVEN_OTHER_MARKS: usize = 10;
    pub const GIVEN_SLIP: usize = 11;
    pub const GIVEN_SOUND: usize = 12;
    pub const GIVEN_MIDDLE: usize = 13;
    pub const GIVEN_NICKNAME: usize = 14;
    pub const GIVEN_TWO_SLIPS: usize = 15;
    pub const GIVEN_DIFFERS: usize = 16;
}

/// Names of fields and levels of people, in the order of [`people`].
pub const PEOPLE: [(&str, &[&str]); people::COUNT] = [
    (
        "household",
        &[
            "missing",
            "same_phone_same_address",
            "same_phone_other_address",
            "same_phone",
            "same_address_other_phone",
            "same_address",
            "same_ward_other_phone",
            "same_ward",
            "other_phone_other_ward",
            "other_ward",
            "other_phone",
            "same_hamlet_other_phone",
            "same_hamlet",
            "same_ward_other_phone_other_address",
            "same_ward_other_address",
            "other_phone_other_ward_other_address",
            "other_ward_other_address",
            "same_phone_same_ward_other_address",
            "same_address_other_phone_other_ward",
            "same_address_other_ward",
        ],
    ),
    (
        "family_name",
        &[
            "missing",
            "same_rare",
            "same_uncommon",
            "same",
            "same_common",
            "same_very_common",
            "middle_name_missing",
            "one_word_differs_slightly",
            "tones_differ",
            "only_surname_same",
            "only_middle_name_same",
            "words_in_other_order",
            "differs",
        ],
    ),
    (
        "dob",
        &[
            "missing",
            "same",
            "same_first_of_january",
            "same_year_only",
            "day_and_month_swapped",
            "one_part_differs",
            "same_day_other_decade",
            "same_day_year_differs",
            "same_year",
            "differs",
            "differs_by_a_generation",
            "year_differs",
            "year_differs_slightly",
        ],
    ),
    ("sex", &["missing_or_told_by_name", "same", "differs"]),
    (
        "given_name",
        &[
            "missing",
            "same_rare",
            "same_uncommon",
            "same",
            "same_common",
            "letters_same_rare",
            "letters_same_uncommon",
            "letters_same",
            "letters_same_common",
            "one_slip_of_marks",
            "another_name_by_marks",
            "one_slip",
            "sounds_same",
            "is_others_middle_name",
            "is_a_nickname",
            "two_slips",
            "differs",
        ],
    ),
    (
        "national_id",
        &[
            "missing",
            "same",
            "same_but_doubtful",
            "one_slip",
            "neighbouring_number",
            "differs",
            "differs_but_doubtful",
            "same_old_number",
            "old_number_one_slip",
            "old_number_differs",
        ],
    ),
    ("health_insurance", &["missing", "same", "one_slip", "differs"]),
];
