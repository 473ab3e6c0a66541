//! Who a sample is from: the scanned text where there is one, else what was typed.

use serde::Deserialize;

use super::loose::Loose;
use crate::credential::cbor::Value;
use crate::credential::dcc;
use crate::names::dates::{self, PartialDate};
use crate::names::ids::{self, IdKind};
use crate::names::{Sex, phones, sort, text};
use crate::qr::payload::{self, PayloadKind};

const LONGEST_NAME: usize = 120;
const LONGEST_ADDRESS: usize = 240;
const LONGEST_SORT_KEY: usize = 160;

/// A person's particulars, normalised; empty where not known.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct PersonFields {
    /// As stored.
    pub full_name: String,
    /// Lower case, without marks.
    pub folded_name: String,
    /// Hexadecimal digits whose order is that of Vietnamese lists.
    pub sort_name: String,
    /// The whole day, ISO; empty if not known.
    pub birth_on: String,
    /// The year at least.
    pub birth_year: Option<i32>,
    /// `male`, `female` or `unknown`.
    pub sex: &'static str,
    /// National form.
    pub phone: String,
    /// 12 digits.
    pub national_id: String,
    /// 9 digits.
    pub cmnd: String,
    /// The ten digits that stay with the person.
    pub health_insurance: String,
    /// Id of the unified personal QR.
    pub qid: String,
    /// Passport number.
    pub passport: String,
    /// As written.
    pub address: String,
    /// ISO 3166 code where a document says it; `VN` otherwise.
    pub nationality: &'static str,
    /// Our declaration's code: the person is the one declared.
    pub declaration_code: String,
    /// The name is known without marks only, and may not replace one with marks.
    pub is_name_plain: bool,
    /// What could not be read and was left out; codes, a comma between.
    pub warnings: String,
}

/// Nobody can be made of it.
#[derive(Debug)]
pub(super) struct Unreadable {
    /// Stable.
    pub(super) code: &'static str,
    /// A sentence each.
    pub(super) details: Vec<&'static str>,
}

#[derive(Deserialize, Default, Debug, Clone)]
pub(super) struct TypedPerson<'a> {
    #[serde(borrow, default)]
    full_name: Loose<'a>,
    #[serde(borrow, default)]
    birth_date: Loose<'a>,
    #[serde(borrow, default)]
    birth_year: Loose<'a>,
    #[serde(borrow, default)]
    sex: Loose<'a>,
    #[serde(borrow, default)]
    phone: Loose<'a>,
    #[serde(borrow, default)]
    national_id: Loose<'a>,
    #[serde(borrow, default)]
    health_insurance_number: Loose<'a>,
    #[serde(borrow, default)]
    address: Loose<'a>,
}

/// The person of a sample. A typed form completes what the scanned text does not hold.
pub(super) fn read_person(
    source: &str,
    payload: &str,
    typed: Option<&TypedPerson<'_>>,
    latest_year: u16,
) -> Result<PersonFields, Unreadable> {
    let mut person = PersonFields { sex: "unknown", nationality: "VN", ..PersonFields::default() };
    let mut warnings = Vec::new();
    let is_scanned = source != "typed" && !payload.is_empty();
    if is_scanned
        && let Err(code) = fill_from_payload(&mut person, payload, latest_year, &mut warnings)
    {
        if typed.is_none() {
            let details = vec!["The scanned text names nobody, and no person was typed.", code];
            return Err(Unreadable { code: "unreadable_payload", details });
        }
        warnings.push(code);
    }
    if let Some(typed) = typed {
        fill_from_form(&mut person, typed, latest_year, &mut warnings);
    }
    if person.declaration_code.is_empty() && person.full_name.is_empty() {
        let details = if typed.is_none() && payload.is_empty() {
            vec!["There is neither a scanned text nor a typed person."]
        } else {
            vec!["The person has no name."]
        };
        return Err(Unreadable { code: "no_person", details });
    }
    finish(&mut person, &warnings);
    Ok(person)
}

/// Fills what the scanned text says; the error is the payload's own stable code.
fn fill_from_payload(
    person: &mut PersonFields,
    scanned: &str,
    latest_year: u16,
    warnings: &mut Vec<&'static str>,
) -> Result<(), &'static str> {
    let read = payload::parse_payload(scanned, &[]).map_err(|e| e.code())?;
    match read.kind {
        PayloadKind::Declaration | PayloadKind::LookupCode => {
            person.declaration_code = read.code.unwrap_or_default();
            return Ok(());
        }
        PayloadKind::Dcc => return fill_from_certificate(person, scanned, latest_year, warnings),
        PayloadKind::NationalIdCard
        | PayloadKind::PersonalQr
        | PayloadKind::HealthInsuranceCard
        | PayloadKind::NationalId
        | PayloadKind::SocialInsuranceNumber => {}
        _ => return Err("payload.not_a_person"),
    }
    warnings.extend(read.warnings.iter().map(|w| w.code));
    let claim = read.claim;
    person.full_name = text::normalise_name(claim.full_name.as_deref().unwrap_or_default());
    // Decision 1405 writes names in capitals without marks.
    person.is_name_plain = read.kind == PayloadKind::PersonalQr;
    if let Some(date) = &claim.birth_date {
        set_birth(person, date);
    }
    if let Some(sex) = claim.sex {
        person.sex = sex.name();
    }
    if let Some(number) = claim.national_id.filter(|number| !number.contains('*')) {
        match number.len() {
            12 => person.national_id = number,
            9 if number.bytes().all(|b| b.is_ascii_digit()) => person.cmnd = number,
            _ => person.passport = passport(&number).unwrap_or_default(),
        }
    }
    if let Some(number) = claim.old_national_id {
        person.cmnd = number;
    }
    person.health_insurance = claim.social_insurance_number.unwrap_or_else(|| {
        let card = claim.health_insurance_number.as_deref().unwrap_or_default();
        ids::parse_health_insurance_number(card)
            .map_or_else(|_| String::new(), |card| card.social_insurance_number)
    });
    person.qid = claim.qid.unwrap_or_default();
    person.phone = claim.phone.unwrap_or_default();
    person.address = text::normalise_name(claim.address.as_deref().unwrap_or_default());
    Ok(())
}

/// Name and birth of an HC1 certificate. It is a claim: no key is at hand here to prove it by, so
/// `dcc.unverified` goes with it. Việt Nam writes the surname alone in `fn`, the rest in `gn`.
fn fill_from_certificate(
    person: &mut PersonFields,
    scanned: &str,
    latest_year: u16,
    warnings: &mut Vec<&'static str>,
) -> Result<(), &'static str> {
    let claims = dcc::open(scanned.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n', '\0']))
        .and_then(|message| dcc::read_claims(&message))
        .map_err(|e| e.code())?;
    let names = claims.content.get("nam").ok_or("dcc.claims")?;
    let part = |plain: &str, latin: &str| {
        let text =
            |key: &str| names.get(key).and_then(Value::text).filter(|t| !t.trim().is_empty());
        text(plain).map(str::to_owned).or_else(|| {
            let folded = text(latin)?;
            Some(folded.replace('<', " "))
        })
    };
    let given = part("gn", "gnt");
    let surname = part("fn", "fnt");
    person.is_name_plain = names.get("fn").is_none() && names.get("gn").is_none();
    let whole: Vec<String> = [surname, given].into_iter().flatten().collect();
    person.full_name = text::normalise_name(&whole.join(" "));
    if let Some(birth) = claims.content.get("dob").and_then(Value::text) {
        let day = birth.split('T').next().unwrap_or_default();
        match dates::parse_date(day, latest_year) {
            Ok((date, _)) => set_birth(person, &date),
            Err(_) => warnings.push("date.form"),
        }
    }
    warnings.push("dcc.unverified");
    Ok(())
}

fn fill_from_form(
    person: &mut PersonFields,
    typed: &TypedPerson<'_>,
    latest_year: u16,
    warnings: &mut Vec<&'static str>,
) {
    let name = text::normalise_name(typed.full_name.text().unwrap_or_default());
    if !name.is_empty() && (person.full_name.is_empty() || person.is_name_plain) {
        person.full_name = name;
        person.is_name_plain = false;
    }
    if person.birth_year.is_none() {
        fill_birth(person, typed, latest_year, warnings);
    }
    if person.sex == "unknown" {
        if let Some(sex) = typed.sex.text().and_then(Sex::parse) {
            person.sex = sex.name();
        } else if !typed.sex.is_empty() && typed.sex.text() != Some("unknown") {
            warnings.push("sex");
        }
    }
    if person.phone.is_empty() && !typed.phone.is_empty() {
        match phones::parse_phone(typed.phone.text().unwrap_or_default()) {
            Ok(phone) => person.phone = phone.national,
            Err(problem) => warnings.push(problem.code()),
        }
    }
    if person.national_id.is_empty() && !typed.national_id.is_empty() {
        let year = person.birth_year.and_then(|y| u16::try_from(y).ok());
        let sex = Sex::parse(person.sex);
        let number = typed.national_id.text().unwrap_or_default();
        match ids::parse_national_id(number, sex, year) {
            Ok(id) if id.kind == IdKind::Cccd => person.national_id = id.number,
            Ok(id) => person.cmnd = id.number,
            // A passport has letters; anything that is no number of ours is kept as one if short.
            Err(problem) => match passport(number) {
                Some(passport) => person.passport = passport,
                None => warnings.push(problem.code()),
            },
        }
    }
    if person.health_insurance.is_empty() && !typed.health_insurance_number.is_empty() {
        let number = typed.health_insurance_number.text().unwrap_or_default();
        match ids::parse_health_insurance_number(number) {
            Ok(card) => person.health_insurance = card.social_insurance_number,
            Err(problem) => warnings.push(problem.code()),
        }
    }
    if person.address.is_empty() {
        person.address = text::normalise_name(typed.address.text().unwrap_or_default());
    }
}

/// A letter or two and seven or eight digits, as passports of most countries have.
fn passport(text: &str) -> Option<String> {
    let number: String =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    let letters = number.bytes().take_while(u8::is_ascii_uppercase).count();
    let is_passport = (1..=2).contains(&letters)
        && (7..=10).contains(&number.len())
        && number.bytes().skip(letters).all(|b| b.is_ascii_digit());
    is_passport.then_some(number)
}

fn fill_birth(
    person: &mut PersonFields,
    typed: &TypedPerson<'_>,
    latest_year: u16,
    warnings: &mut Vec<&'static str>,
) {
    if let Some(text) = typed.birth_date.text().filter(|t| !t.trim().is_empty()) {
        match dates::parse_date(text, latest_year) {
            Ok((date, _)) => set_birth(person, &date),
            Err(problem) => warnings.push(problem.code()),
        }
    }
    if person.birth_year.is_none() && !typed.birth_year.is_empty() {
        let year = typed
            .birth_year
            .integer()
            .or_else(|| typed.birth_year.text().and_then(|t| t.trim().parse().ok()));
        match year.filter(|y| (1850..=i64::from(latest_year)).contains(y)) {
            Some(year) => person.birth_year = Some(year as i32),
            None => warnings.push("date.year"),
        }
    }
}

fn set_birth(person: &mut PersonFields, date: &PartialDate) {
    person.birth_year = Some(i32::from(date.year));
    if date.day.is_some() {
        person.birth_on = date.to_string();
    }
}

fn finish(person: &mut PersonFields, warnings: &[&'static str]) {
    person.full_name = shortened(&person.full_name, LONGEST_NAME);
    person.address = shortened(&person.address, LONGEST_ADDRESS);
    person.folded_name = shortened(&text::fold_name(&person.full_name), LONGEST_NAME);
    let mut key = String::with_capacity(LONGEST_SORT_KEY);
    for byte in sort::sort_key(&person.full_name).iter().take(LONGEST_SORT_KEY / 2) {
        use std::fmt::Write as _;
        // Writing to a string does not fail.
        let _ = write!(key, "{byte:02x}");
    }
    person.sort_name = key;
    person.warnings = warnings.join(",");
}

fn shortened(text: &str, longest: usize) -> String {
    text.chars().filter(|c| *c != '\0').take(longest).collect()
}
