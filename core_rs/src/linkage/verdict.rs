//! What a shared document number proves, and when it proves that something is wrong.

use super::fields::people::{
    DOB, FAMILY, FAMILY_DIFFERS, FAMILY_ORDER, GIVEN, GIVEN_LAST_SAME, GIVEN_MARKS_SLIP,
    GIVEN_SLIP, GIVEN_SOUND, NATIONAL_ID, SEX,
};
use super::fields::{Pattern, level};
use super::profile::Profile;

/// The document whose number is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// CCCD.
    NationalId,
    /// Identifier of the national QR platform.
    PersonalQid,
    /// Health insurance number.
    HealthInsurance,
    /// CMND of nine digits.
    OldNationalId,
}

impl Key {
    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::NationalId => "national_id",
            Self::PersonalQid => "personal_qid",
            Self::HealthInsurance => "health_insurance",
            Self::OldNationalId => "old_national_id",
        }
    }
}

/// What the exact keys of a pair say. The order is the order of showing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The key is shared and nothing speaks against one person.
    Same(Key),
    /// The key is shared by what look like two people: a relative's card or a typing error.
    /// Reported, never merged (pitfall 13).
    Conflict(Key),
    /// No shared key; only the score can propose.
    Open,
}

/// Judges a pair that compares as `pattern`.
pub fn verdict(pattern: Pattern, a: &Profile, b: &Profile) -> Verdict {
    let id = level(pattern, NATIONAL_ID);
    let key = if matches!(id, 1 | 2) {
        Key::NationalId
    } else if a.qid != 0 && a.qid == b.qid {
        Key::PersonalQid
    } else if a.insurance != 0 && a.insurance == b.insurance {
        Key::HealthInsurance
    } else if id == 7 {
        Key::OldNationalId
    } else {
        return Verdict::Open;
    };
    let family = level(pattern, FAMILY);
    // Another name by its marks is how twins are named (Hùng, Hưng): not the same name.
    let name = match level(pattern, GIVEN) {
        0 if family == FAMILY_ORDER => Some(true),
        0 => None,
        1..=GIVEN_LAST_SAME | GIVEN_MARKS_SLIP | GIVEN_SLIP | GIVEN_SOUND => {
            Some(family != FAMILY_DIFFERS)
        }
        _ => Some(false),
    };
    let day = match level(pattern, DOB) {
        0 => None,
        1..=7 => Some(true),
        _ => Some(false),
    };
    let sure_day = matches!(level(pattern, DOB), 1 | 2);
    let sex_differs = level(pattern, SEX) == 2;
    let same = match (name, day) {
        (Some(true), Some(true)) => sure_day || (id != 2 && !sex_differs),
        (Some(true), None) => !sex_differs && id != 2,
        (None, Some(true)) => sure_day && !sex_differs,
        _ => false,
    };
    if same { Verdict::Same(key) } else { Verdict::Conflict(key) }
}
