//! Vietnamese text, names, phones, ids, dates and codes. Pure; every function takes any text.

pub mod codes;
pub mod dates;
pub mod ids;
pub mod legacy;
pub mod letters;
pub mod phones;
pub mod sort;
pub mod syllable;
mod tables;
pub mod text;
pub mod typing;

/// Something a person should look at: not an error, the value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Warning {
    /// Stable, `area.reason`.
    pub code: &'static str,
    /// A sentence for people, without personal data.
    pub message: &'static str,
}

/// Sex as documents state it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sex {
    /// Nam.
    Male,
    /// Nữ.
    Female,
}

impl Sex {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Male => "male",
            Self::Female => "female",
        }
    }

    /// Reads `Nam`, `Nữ` and their usual spellings.
    pub fn parse(text: &str) -> Option<Self> {
        match text::fold_name(text).as_str() {
            "nam" | "male" | "m" => Some(Self::Male),
            "nu" | "female" | "f" => Some(Self::Female),
            _ => None,
        }
    }
}
