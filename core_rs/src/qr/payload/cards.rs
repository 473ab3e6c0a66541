//! QR codes printed on cards: CCCD and căn cước, health insurance.

use super::{ASCII_SCANNER, KEYBOARD, MOJIBAKE, Payload, PayloadKind};
use crate::error::{Error, Kind, Result};
use crate::names::dates::{PartialDate, parse_card_date, parse_date};
use crate::names::ids::{parse_health_insurance_number, parse_national_id};
use crate::names::legacy::{Encoding, repair_text};
use crate::names::syllable::is_folded_syllable;
use crate::names::text::normalise_name;
use crate::names::typing::read_typing;
use crate::names::{Sex, Warning};

const NO_SEX: Warning = Warning { code: "card.sex", message: "the sex on the card is unreadable" };
const NO_ISSUE_DAY: Warning =
    Warning { code: "card.issued_on", message: "the day of issue is missing or no date" };
const BEFORE_BIRTH: Warning =
    Warning { code: "card.issued_before_birth", message: "the card was issued before the birth" };
const BEFORE_CHIPS: Warning =
    Warning { code: "card.issued_before_2021", message: "cards with this code exist since 2021" };
const OLD_ID: Warning =
    Warning { code: "card.old_national_id", message: "the old ID number has not 9 digits" };
const HIDDEN_DATE: Warning =
    Warning { code: "card.date", message: "a date on the card is no date" };

/// Reads `id|cmnd|name|ddmmyyyy|sex|address|ddmmyyyy[|cancelled id|father|mother|]`.
///
/// The order of what follows the seventh field is an assumption: no public description has it.
pub(super) fn read_id_card(fields: &[&str]) -> Result<Option<Payload>> {
    let fields: Vec<&str> = fields.iter().map(|field| without_label(field)).collect();
    let id = fields[0];
    if id.len() != 12 || !id.bytes().all(|b| b.is_ascii_digit()) || fields.len() < 6 {
        return Ok(None);
    }
    let wrong = |_| {
        Error::new(Kind::Invalid, "payload.id_card", "an ID card whose date of birth is no date")
    };
    let birth = card_date(fields[3]).map_err(wrong)?;
    let mut payload = Payload::new(PayloadKind::NationalIdCard);
    let filled = |at: usize| fields.get(at).filter(|f| !f.is_empty()).map(|f| normalise_name(f));
    read_name(fields[2], &mut payload);
    let sex = Sex::parse(fields[4])
        .or_else(|| read_typing(fields[4]).and_then(|(sex, _)| Sex::parse(&sex)));
    let checked = parse_national_id(id, sex, Some(birth.year))?;
    payload.warnings.extend(checked.warnings);
    if sex.is_none() {
        payload.warnings.push(NO_SEX);
    }
    let issued = fields.get(6).and_then(|text| card_date(text).ok());
    match &issued {
        None => payload.warnings.push(NO_ISSUE_DAY),
        Some(day) if *day < birth => payload.warnings.push(BEFORE_BIRTH),
        Some(day) if day.year < 2021 => payload.warnings.push(BEFORE_CHIPS),
        Some(_) => {}
    }
    let old = filled(1);
    if old.as_ref().is_some_and(|old| !matches!(old.len(), 9 | 12)) {
        payload.warnings.push(OLD_ID);
    }
    let is_new = fields.iter().skip(7).any(|f| !f.is_empty()) || fields.len() > 9;
    payload.version = Some(if is_new { "2024" } else { "2021" });
    let claim = &mut payload.claim;
    claim.national_id = Some(id.to_owned());
    claim.old_national_id = old;
    claim.birth_date = Some(birth);
    // A scan that lost the sex still has it in the fourth digit.
    claim.sex = sex.or(checked.sex);
    claim.address = filled(5);
    claim.issued_on = issued;
    claim.cancelled_national_id = filled(7);
    claim.father_name = filled(8);
    claim.mother_or_guardian_name = filled(9);
    Ok(Some(payload))
}

/// Decides what a scanned name is worth; a broken one is better looked up by the number.
fn read_name(name: &str, payload: &mut Payload) {
    let repair = repair_text(name);
    let words = || name.split_whitespace();
    if name.contains(['?', '\u{FFFD}']) || name.chars().any(char::is_control) {
        payload.warnings.push(ASCII_SCANNER);
    } else if repair.encoding != Encoding::Unicode {
        payload.warnings.push(MOJIBAKE);
        payload.claim.name_hint = Some(normalise_name(&repair.text));
    } else if let Some((meant, _)) = read_typing(name) {
        payload.warnings.push(KEYBOARD);
        payload.claim.name_hint = Some(normalise_name(&meant));
    } else if !name.is_empty() {
        if name.is_ascii() && words().any(|word| !is_folded_syllable(word)) {
            payload.warnings.push(ASCII_SCANNER);
        }
        payload.claim.full_name = Some(normalise_name(name));
    }
}

/// Demonstrations print `Họ tên: …`; real cards do not, and reading it costs nothing.
fn without_label(field: &str) -> &str {
    match field.split_once(':') {
        Some((label, value)) if label.chars().all(|c| c.is_alphabetic() || c == ' ') => {
            value.trim()
        }
        _ => field,
    }
}

fn card_date(text: &str) -> Result<PartialDate> {
    parse_card_date(text).or_else(|error| {
        if text.contains('/') { parse_date(text, 2100).map(|(date, _)| date) } else { Err(error) }
    })
}

/// Reads a health insurance card: 15 fields of the old one, 17 of the new one, `$` at the end.
pub(super) fn read_insurance_card(fields: &[&str]) -> Result<Option<Payload>> {
    let Ok(number) = parse_health_insurance_number(fields[0]) else { return Ok(None) };
    // A social insurance number alone is ten digits; the dollar is what makes it a card.
    if fields.last() != Some(&"$") {
        return Ok(None);
    }
    let version = match fields.len() {
        15 => "old",
        17 => "new",
        _ => {
            return Err(Error::new(
                Kind::Invalid,
                "payload.insurance_card",
                "a health insurance card with fields missing",
            ));
        }
    };
    let mut payload = Payload::new(PayloadKind::HealthInsuranceCard);
    payload.version = Some(version);
    payload.warnings = number.warnings;
    let filled = |at: usize| fields.get(at).copied().filter(|f| !matches!(*f, "" | "-"));
    let mut date = |at: usize| {
        let text = filled(at)?;
        let read = parse_date(text, 2100).ok().map(|(date, _)| date);
        if read.is_none() {
            payload.warnings.push(HIDDEN_DATE);
        }
        read
    };
    let (birth, from, to, issued) = (date(2), date(6), date(7), date(8));
    let claim = &mut payload.claim;
    claim.birth_date = birth;
    claim.valid_from = from;
    claim.valid_to = to;
    claim.issued_on = issued;
    claim.full_name = filled(1).map(|text| normalise_name(&of_hex(text)));
    claim.sex = filled(3).map(|sex| if sex == "1" { Sex::Male } else { Sex::Female });
    claim.address = filled(4).map(|text| normalise_name(&of_hex(text)));
    claim.registered_clinic = filled(5).map(|clinic| clinic.replace(' ', ""));
    claim.mother_or_guardian_name = filled(10).map(|text| normalise_name(&of_hex(text)));
    claim.health_insurance_number = Some(number.number);
    claim.social_insurance_number = Some(number.social_insurance_number);
    Ok(Some(payload))
}

/// Hexadecimal UTF-8; anything else stands as it is.
fn of_hex(text: &str) -> String {
    let pairs = text.as_bytes().chunks(2).map(|pair| {
        let digit = |at: usize| pair.get(at).and_then(|&b| char::from(b).to_digit(16));
        Some((digit(0)? << 4 | digit(1)?) as u8)
    });
    let bytes: Option<Vec<u8>> = pairs.collect();
    bytes.and_then(|b| String::from_utf8(b).ok()).unwrap_or_else(|| text.to_owned())
}
