//! Phone numbers as people and spreadsheets write them → the national number.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::{Warning, tables};
use crate::error::{Error, Kind, Result};

static MIGRATION: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| tables::rows(tables::PHONE_MIGRATION).map(|row| (row[1], row[2])).collect());
static PREFIXES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| tables::rows(tables::PHONE_PREFIXES).map(|row| row[0]).collect());

/// What a number reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PhoneKind {
    /// Ten digits, can take text messages.
    Mobile,
    /// 02…, eleven digits.
    Landline,
}

/// A phone number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    /// National form: `0901234567`.
    pub national: String,
    /// Mobile or landline.
    pub kind: PhoneKind,
    /// What had to be repaired, or looks odd.
    pub warnings: Vec<Warning>,
}

impl Phone {
    /// E.164: `+84901234567`.
    pub fn e164(&self) -> String {
        format!("+84{}", &self.national[1..])
    }
}

const RESTORED: Warning =
    Warning { code: "phone.leading_zero", message: "a spreadsheet ate the leading zero" };
const MIGRATED: Warning =
    Warning { code: "phone.old_prefix", message: "an 11-digit number of before 15/9/2018" };
const SEVERAL: Warning =
    Warning { code: "phone.several", message: "several numbers were given; the first is taken" };
const REPEATED: Warning =
    Warning { code: "phone.placeholder", message: "one digit repeated: perhaps not a real number" };
const PREFIX: Warning =
    Warning { code: "phone.unlisted_prefix", message: "no operator is known to use this prefix" };

/// Reads a phone number.
///
/// Codes of errors: `phone.empty`, `phone.scientific`, `phone.characters`, `phone.length`,
/// `phone.prefix`, `phone.foreign`.
pub fn parse_phone(text: &str) -> Result<Phone> {
    let mut warnings = Vec::new();
    let trimmed = text.trim().trim_start_matches(['\'', '’']).trim();
    let trimmed = trimmed.strip_suffix(".0").unwrap_or(trimmed);
    let mut candidates =
        trimmed.split(['/', ';', ',', '\n']).map(str::trim).filter(|t| !t.is_empty());
    let first = candidates
        .next()
        .ok_or_else(|| Error::new(Kind::Malformed, "phone.empty", "the phone number is empty"))?;
    if candidates.next().is_some() {
        warnings.push(SEVERAL);
    }
    let (digits, is_international) = digits_of(first)?;
    let national = match digits.strip_prefix("84") {
        Some(rest) if is_international || digits.len() >= 11 && !digits.starts_with('0') => {
            format!("0{}", rest.trim_start_matches('0'))
        }
        None if is_international => {
            return Err(Error::new(
                Kind::Invalid,
                "phone.foreign",
                "the number is of another country",
            ));
        }
        _ => digits,
    };
    let restored = format!("0{national}");
    let national = if !national.starts_with('0') && migrate_or_check(&restored).is_some() {
        warnings.push(RESTORED);
        restored
    } else {
        national
    };
    let (national, was_old) = migrate_or_check(&national).ok_or_else(|| wrong(&national))?;
    if was_old {
        warnings.push(MIGRATED);
    }
    let kind = if national.starts_with("02") { PhoneKind::Landline } else { PhoneKind::Mobile };
    if kind == PhoneKind::Mobile && !PREFIXES.contains(&national[..3]) {
        warnings.push(PREFIX);
    }
    if national.bytes().skip(3).all(|b| b == national.as_bytes()[3]) {
        warnings.push(REPEATED);
    }
    Ok(Phone { national, kind, warnings })
}

/// Digits without punctuation, and whether a country code stood in front.
fn digits_of(text: &str) -> Result<(String, bool)> {
    let mut digits = String::with_capacity(text.len());
    let mut international = false;
    for (at, c) in text.chars().enumerate() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if at == 0 => international = true,
            ' ' | '\u{a0}' | '.' | '-' | '(' | ')' | '\u{2013}' | '\'' => {}
            'e' | 'E' => {
                return Err(Error::new(
                    Kind::Invalid,
                    "phone.scientific",
                    "a spreadsheet turned the number into scientific notation; digits are lost",
                ));
            }
            _ => {
                return Err(Error::new(
                    Kind::Malformed,
                    "phone.characters",
                    "a phone number has digits only",
                ));
            }
        }
    }
    if let Some(rest) = digits.strip_prefix("00").filter(|rest| rest.len() >= 11) {
        return Ok((rest.to_owned(), true));
    }
    Ok((digits, international))
}

/// The number in today's form and whether it was of the old one; `None` if it is neither.
fn migrate_or_check(national: &str) -> Option<(String, bool)> {
    if national.len() == 11 {
        if let Some(new) = MIGRATION.get(&national[..4]) {
            return Some((format!("{new}{}", &national[4..]), true));
        }
        return national.starts_with("02").then(|| (national.to_owned(), false));
    }
    let is_mobile = national.len() == 10 && {
        let digit = national.as_bytes();
        // 0(3[2-9]|5[25689]|7[06-9]|8[1-9]|9x)xxxxxxx
        match (digit[1], digit[2]) {
            (b'3', b'2'..=b'9')
            | (b'5', b'2' | b'5' | b'6' | b'8' | b'9')
            | (b'7', b'0' | b'6'..=b'9')
            | (b'8', b'1'..=b'9')
            | (b'9', _) => digit[0] == b'0',
            _ => false,
        }
    };
    is_mobile.then(|| (national.to_owned(), false))
}

fn wrong(national: &str) -> Error {
    if matches!(national.len(), 10 | 11) && national.starts_with('0') {
        Error::new(Kind::Invalid, "phone.prefix", "no Vietnamese number begins like this")
    } else {
        Error::new(
            Kind::Invalid,
            "phone.length",
            "a mobile number has 10 digits and a landline 11, with the leading zero",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (written, national, code) in [
            ("0901 234 567", "0901234567", ""),
            ("+84 901.234.567", "0901234567", ""),
            ("0084901234567", "0901234567", ""),
            ("84901234567", "0901234567", ""),
            ("+84 (0)901234567", "0901234567", ""),
            ("'0901234567", "0901234567", ""),
            ("901234567", "0901234567", "phone.leading_zero"),
            ("901234567.0", "0901234567", "phone.leading_zero"),
            ("01682345678", "0382345678", "phone.old_prefix"),
            ("02333852222", "02333852222", ""),
            ("0901234567 / 0912345678", "0901234567", "phone.several"),
            ("0999999999", "0999999999", "phone.placeholder"),
            ("0951234567", "0951234567", "phone.unlisted_prefix"),
        ] {
            let phone = parse_phone(written).unwrap();
            assert_eq!(phone.national, national, "{written}");
            let codes: Vec<_> = phone.warnings.iter().map(|w| w.code).collect();
            assert_eq!(codes.contains(&code), !code.is_empty(), "{written} {codes:?}");
        }
        let old = parse_phone("1682345678").unwrap();
        assert_eq!(old.national, "0382345678");
        assert_eq!(old.warnings, [RESTORED, MIGRATED]);
        assert_eq!(old.e164(), "+84382345678");
    }

    #[test]
    fn every_old_prefix_moves() {
        for row in tables::rows(tables::PHONE_MIGRATION) {
            let phone = parse_phone(&format!("{}1234567", row[1])).unwrap();
            assert_eq!(phone.national, format!("{}1234567", row[2]));
        }
    }

    #[test]
    fn wrong_numbers_say_why() {
        for (written, code) in [
            ("", "phone.empty"),
            (" ' ", "phone.empty"),
            ("9.01E+08", "phone.scientific"),
            ("09O1234567", "phone.characters"),
            ("090123456", "phone.length"),
            ("0101234567", "phone.prefix"),
            ("+1 202 555 0100", "phone.foreign"),
            ("0000000000", "phone.prefix"),
        ] {
            assert_eq!(parse_phone(written).unwrap_err().code(), code, "{written}");
        }
    }
}
