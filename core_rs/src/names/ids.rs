//! National ID numbers, old and new, and health insurance numbers.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Sex, Warning, tables};
use crate::error::{Error, Kind, Result};

static PROVINCES: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| tables::rows(tables::PROVINCES).map(|row| (row[0], row[2])).collect());

/// Which document a number is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdKind {
    /// 12 digits: CCCD, căn cước, personal number.
    Cccd,
    /// 9 digits: CMND.
    Cmnd,
}

/// A national ID number and what its digits say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NationalId {
    /// Digits only.
    pub number: String,
    /// Of which document.
    pub kind: IdKind,
    /// Three digits: province or country where the birth was registered; 12 digits only.
    pub province_code: Option<String>,
    /// Its name of before 1 July 2025, where the code is known.
    pub province: Option<&'static str>,
    /// Sex by the fourth digit; 12 digits only.
    pub sex: Option<Sex>,
    /// Year of birth by digits 4 to 6; 12 digits only.
    pub birth_year: Option<u16>,
    /// What was repaired, and what does not agree.
    pub warnings: Vec<Warning>,
}

const ZERO: Warning = Warning {
    code: "id.leading_zero",
    message: "a spreadsheet ate the leading zero; the province code allows to restore it",
};
const PROVINCE: Warning = Warning {
    code: "id.unknown_province",
    message: "the first three digits are no known province",
};
const SEX: Warning = Warning { code: "id.sex", message: "the fourth digit says another sex" };
const YEAR: Warning =
    Warning { code: "id.birth_year", message: "digits four to six say another year of birth" };
const REPEATED: Warning =
    Warning { code: "id.placeholder", message: "one digit repeated: perhaps not a real number" };

/// Reads a national ID number, and compares it with what is known of the person.
///
/// Structure of 12 digits: province of birth registration, century and sex, year, serial (TT
/// 07/2016/TT-BCA); no check digit exists, so disagreement warns and never refuses.
/// Codes of errors: `id.empty`, `id.scientific`, `id.characters`, `id.length`.
pub fn parse_national_id(
    text: &str,
    sex: Option<Sex>,
    birth_year: Option<u16>,
) -> Result<NationalId> {
    let mut digits = id_digits(text)?;
    let mut warnings = Vec::new();
    if digits.len() == 11 {
        let padded = format!("0{digits}");
        if PROVINCES.contains_key(&padded[..3]) {
            warnings.push(ZERO);
            digits = padded;
        }
    }
    let kind = match digits.len() {
        12 => IdKind::Cccd,
        9 => IdKind::Cmnd,
        _ => {
            return Err(Error::new(
                Kind::Invalid,
                "id.length",
                "a national ID number has 12 digits, or 9 on an old card",
            ));
        }
    };
    if digits.bytes().all(|b| b == digits.as_bytes()[0]) {
        warnings.push(REPEATED);
    }
    let mut id = NationalId {
        number: digits,
        kind,
        province_code: None,
        province: None,
        sex: None,
        birth_year: None,
        warnings,
    };
    if kind == IdKind::Cccd {
        read_structure(&mut id);
        if sex.is_some() && id.sex != sex {
            id.warnings.push(SEX);
        }
        if birth_year.is_some() && id.birth_year != birth_year {
            id.warnings.push(YEAR);
        }
    }
    Ok(id)
}

fn read_structure(id: &mut NationalId) {
    let province = &id.number[..3];
    id.province = PROVINCES.get(province).copied();
    // 100 and above are countries, of which no list is public.
    if id.province.is_none() && province.starts_with('0') {
        id.warnings.push(PROVINCE);
    }
    id.province_code = Some(province.to_owned());
    let digit = |at: usize| u16::from(id.number.as_bytes()[at] - b'0');
    let century = digit(3);
    id.sex = Some(if century.is_multiple_of(2) { Sex::Male } else { Sex::Female });
    id.birth_year = Some(1900 + century / 2 * 100 + digit(4) * 10 + digit(5));
}

fn id_digits(text: &str) -> Result<String> {
    let trimmed = text.trim().trim_start_matches(['\'', '’']);
    let trimmed = trimmed.strip_suffix(".0").unwrap_or(trimmed);
    let compact: String =
        trimmed.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '.' | '-')).collect();
    if compact.is_empty() {
        return Err(Error::new(Kind::Malformed, "id.empty", "the ID number is empty"));
    }
    if compact.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(compact);
    }
    let is_scientific = compact.split_once(['e', 'E']).is_some_and(|(mantissa, exponent)| {
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        digits(&mantissa.replace(',', "")) && digits(exponent.trim_start_matches('+'))
    });
    Err(if is_scientific {
        Error::new(
            Kind::Invalid,
            "id.scientific",
            "a spreadsheet turned the number into scientific notation; digits are lost",
        )
    } else {
        Error::new(Kind::Malformed, "id.characters", "a national ID number has digits only")
    })
}

/// A health insurance number: the 15 characters of the card, or the 10 digits of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthInsuranceNumber {
    /// As on the card, upper case.
    pub number: String,
    /// The ten digits of the social insurance number, which stay with the person.
    pub social_insurance_number: String,
    /// Two letters of the group of insured (`HS`, `GD`, …); 15 characters only.
    pub group: Option<String>,
    /// Benefit level 1–5; 15 characters only.
    pub benefit_level: Option<u8>,
    /// Two digits of the province of issue; 15 characters only.
    pub province_code: Option<String>,
    /// What looks odd.
    pub warnings: Vec<Warning>,
}

const BENEFIT: Warning =
    Warning { code: "bhyt.benefit_level", message: "the third character is no level from 1 to 5" };
const CARD_PROVINCE: Warning = Warning {
    code: "bhyt.unknown_province",
    message: "digits four and five are no known province",
};

/// Reads a health insurance number.
///
/// Codes of errors: `bhyt.empty`, `bhyt.form`.
pub fn parse_health_insurance_number(text: &str) -> Result<HealthInsuranceNumber> {
    let compact: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '.' | '\''))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let form = || {
        Error::new(
            Kind::Malformed,
            "bhyt.form",
            "a health insurance number is 2 letters and 13 digits, or 10 digits",
        )
    };
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    match compact.len() {
        0 => Err(Error::new(Kind::Malformed, "bhyt.empty", "the number is empty")),
        10 if digits(&compact) => Ok(HealthInsuranceNumber {
            social_insurance_number: compact.clone(),
            number: compact,
            group: None,
            benefit_level: None,
            province_code: None,
            warnings: Vec::new(),
        }),
        15 if compact.is_ascii() && digits(&compact[2..]) => {
            if !compact[..2].bytes().all(|b| b.is_ascii_uppercase()) {
                return Err(form());
            }
            let mut warnings = Vec::new();
            let level = compact.as_bytes()[2] - b'0';
            if !(1..=5).contains(&level) {
                warnings.push(BENEFIT);
            }
            let province = &compact[3..5];
            if !PROVINCES.contains_key(format!("0{province}").as_str()) {
                warnings.push(CARD_PROVINCE);
            }
            Ok(HealthInsuranceNumber {
                social_insurance_number: compact[5..].to_owned(),
                group: Some(compact[..2].to_owned()),
                benefit_level: Some(level),
                province_code: Some(province.to_owned()),
                warnings,
                number: compact,
            })
        }
        _ => Err(form()),
    }
}

/// Whether the first two digits of a social insurance number are those of a province.
pub fn begins_with_province(digits: &str) -> bool {
    digits.get(..2).is_some_and(|code| PROVINCES.contains_key(format!("0{code}").as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(warnings: &[Warning]) -> Vec<&'static str> {
        warnings.iter().map(|w| w.code).collect()
    }

    #[test]
    fn twelve_digits_tell_province_sex_and_year() {
        let id = parse_national_id("045 303 000 012", Some(Sex::Female), Some(2003)).unwrap();
        assert_eq!(id.kind, IdKind::Cccd);
        assert_eq!(id.province, Some("Quảng Trị"));
        assert_eq!((id.sex, id.birth_year), (Some(Sex::Female), Some(2003)));
        assert!(id.warnings.is_empty());
        let odd = parse_national_id("045190000011", Some(Sex::Male), Some(1991)).unwrap();
        assert_eq!(codes(&odd.warnings), ["id.sex", "id.birth_year"]);
        let unknown = parse_national_id("097090000011", None, None).unwrap();
        assert_eq!(codes(&unknown.warnings), ["id.unknown_province"]);
        assert!(parse_national_id("101090000011", None, None).unwrap().warnings.is_empty());
    }

    #[test]
    fn spreadsheets_lose_zeros_that_only_a_province_can_restore() {
        let id = parse_national_id("45090000011", None, None).unwrap();
        assert_eq!(
            (id.number.as_str(), codes(&id.warnings)),
            ("045090000011", vec!["id.leading_zero"])
        );
        for (text, code) in [
            ("99090000011", "id.length"),
            ("4.509E+10", "id.scientific"),
            ("4,509E+10", "id.scientific"),
            ("", "id.empty"),
            ("04509000001A", "id.characters"),
            ("1234567890", "id.length"),
        ] {
            assert_eq!(parse_national_id(text, None, None).unwrap_err().code(), code, "{text}");
        }
        assert_eq!(parse_national_id("191000011", None, None).unwrap().kind, IdKind::Cmnd);
        let placeholder = parse_national_id("000000000", None, None).unwrap();
        assert_eq!(codes(&placeholder.warnings), ["id.placeholder"]);
    }

    #[test]
    fn insurance_numbers_come_apart() {
        let card = parse_health_insurance_number("hs4 45 4500000001").unwrap();
        assert_eq!(card.number, "HS4454500000001");
        assert_eq!(card.social_insurance_number, "4500000001");
        assert_eq!((card.group.as_deref(), card.benefit_level), (Some("HS"), Some(4)));
        assert!(card.warnings.is_empty());
        let odd = parse_health_insurance_number("HS9994500000001").unwrap();
        assert_eq!(codes(&odd.warnings), ["bhyt.benefit_level", "bhyt.unknown_province"]);
        assert_eq!(parse_health_insurance_number("4500000001").unwrap().group, None);
        for bad in ["", "HS44545000000", "4S4454500000001", "HSé454500000001"] {
            assert!(parse_health_insurance_number(bad).is_err(), "{bad}");
        }
    }
}
