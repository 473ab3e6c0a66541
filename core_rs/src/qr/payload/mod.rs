//! Text of a scan or a keyboard → typed payload. Any text; nothing is fetched, nothing is trusted.
//!
//! * `cards`: CCCD and căn cước, health insurance cards; `personal`: the unified personal QR
//! * `links`: our own addresses; `typed`: numbers and codes without a frame
//!
//! Everything a payload says of a person is a claim: none of these codes is signed.

mod cards;
mod links;
mod personal;
mod typed;

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Kind, Result};
use crate::names::dates::PartialDate;
use crate::names::legacy::Encoding;
use crate::names::typing::read_typing;
use crate::names::{Sex, Warning};

/// The longest text looked at; the densest QR code holds 7,089 digits.
pub const LONGEST: usize = 8192;

/// What a text is. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PayloadKind {
    /// QR of a CCCD (2021) or căn cước (2024).
    NationalIdCard,
    /// Unified personal QR of Decision 1405/QĐ-BTTTT.
    PersonalQr,
    /// QR of a health insurance card.
    HealthInsuranceCard,
    /// `HC1:`, for the credential module.
    Dcc,
    /// Tube code of ours.
    Tube,
    /// May be a tube code of a registered foreign range.
    MaybeTube,
    /// Address of a health declaration.
    Declaration,
    /// Address of a venue.
    Venue,
    /// Address of a signed result slip.
    ResultSlip,
    /// Address of a certificate.
    Certificate,
    /// Look-up code, typed.
    LookupCode,
    /// National ID number, typed.
    NationalId,
    /// Ten digits of the social insurance number, typed.
    SocialInsuranceNumber,
    /// Fifteen characters of a health insurance card, typed.
    HealthInsuranceNumber,
    /// Mobile number, typed.
    Phone,
    /// Somebody else's address: never to be opened.
    ForeignUrl,
}

impl PayloadKind {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::NationalIdCard => "national_id_card",
            Self::PersonalQr => "personal_qr",
            Self::HealthInsuranceCard => "health_insurance_card",
            Self::Dcc => "dcc",
            Self::Tube => "tube",
            Self::MaybeTube => "maybe_tube",
            Self::Declaration => "declaration",
            Self::Venue => "venue",
            Self::ResultSlip => "result_slip",
            Self::Certificate => "certificate",
            Self::LookupCode => "lookup_code",
            Self::NationalId => "national_id",
            Self::SocialInsuranceNumber => "social_insurance_number",
            Self::HealthInsuranceNumber => "health_insurance_number",
            Self::Phone => "phone",
            Self::ForeignUrl => "foreign_url",
        }
    }
}

/// What a payload claims of a person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claim {
    /// 12 or 9 digits, a passport number, or a number with `*` for what is hidden.
    pub national_id: Option<String>,
    /// CMND of 9 digits.
    pub old_national_id: Option<String>,
    /// Cancelled personal number (2024 card).
    pub cancelled_national_id: Option<String>,
    /// As it stands in the payload; repaired only where that is without loss.
    pub full_name: Option<String>,
    /// What a name broken by a keyboard driver was probably meant to be.
    pub name_hint: Option<String>,
    /// With unknown or hidden parts.
    pub birth_date: Option<PartialDate>,
    /// Male or female, as stated.
    pub sex: Option<Sex>,
    /// Free text of the card.
    pub address: Option<String>,
    /// Day of issue of the card.
    pub issued_on: Option<PartialDate>,
    /// For minors only; show it for nobody else.
    pub father_name: Option<String>,
    /// For minors only; show it for nobody else. A BHYT card names one parent: it stands here.
    pub mother_or_guardian_name: Option<String>,
    /// Identifier of the national QR platform, stable for a person.
    pub qid: Option<String>,
    /// Whether somebody else made the declaration.
    pub declared_by_other: Option<bool>,
    /// QID of who made it.
    pub declared_by_qid: Option<String>,
    /// 15 characters, or 10 digits of a new card.
    pub health_insurance_number: Option<String>,
    /// The ten digits that stay with the person.
    pub social_insurance_number: Option<String>,
    /// National form.
    pub phone: Option<String>,
    /// First registered clinic, `45-001`.
    pub registered_clinic: Option<String>,
    /// Validity of a health insurance card.
    pub valid_from: Option<PartialDate>,
    /// Validity of a health insurance card.
    pub valid_to: Option<PartialDate>,
    /// Whether `*` hides a part.
    pub is_masked: bool,
}

/// A typed payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// What it is.
    pub kind: PayloadKind,
    /// `2021`, `2024` of ID cards; `old`, `new` of health insurance cards.
    pub version: Option<&'static str>,
    /// The code of a tube, venue, declaration, slip, certificate, or look-up, in normal form.
    pub code: Option<String>,
    /// Host of an address, lower case.
    pub host: Option<String>,
    /// What is said of a person; empty for other kinds.
    pub claim: Claim,
    /// What was repaired, and what does not agree.
    pub warnings: Vec<Warning>,
}

impl Payload {
    fn new(kind: PayloadKind) -> Self {
        Self {
            kind,
            version: None,
            code: None,
            host: None,
            claim: Claim::default(),
            warnings: Vec::new(),
        }
    }

    fn with_code(kind: PayloadKind, code: impl Into<String>) -> Self {
        Self { code: Some(code.into()), ..Self::new(kind) }
    }
}

const MOJIBAKE: Warning = Warning {
    code: "payload.mojibake",
    message: "the scanner read UTF-8 as another code page; set it to UTF-8",
};
const KEYBOARD: Warning = Warning {
    code: "payload.keyboard_driver",
    message: "a Vietnamese keyboard driver (Telex or VNI) changed the scan; switch it off",
};
const ASCII_SCANNER: Warning = Warning {
    code: "payload.ascii_scanner",
    message: "the scanner dropped letters beyond ASCII; set it to UTF-8",
};

/// Reads the text of a scan.
///
/// `hosts` are the names our addresses live under; where none is given, any host with one of our
/// paths counts. Codes of errors: `payload.empty`, `payload.too_long`, `payload.unknown`,
/// `payload.keyboard_driver`, `payload.mojibake`, `payload.id_card`, `payload.insurance_card`.
/// No error repeats the text, which may name a person.
pub fn parse_payload(text: &str, hosts: &[&str]) -> Result<Payload> {
    let trimmed = text.trim_matches(|c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{200b}')
    });
    if trimmed.is_empty() {
        return Err(Error::new(Kind::Malformed, "payload.empty", "nothing was scanned"));
    }
    if trimmed.len() > LONGEST {
        return Err(Error::new(
            Kind::Malformed,
            "payload.too_long",
            "no code of ours is this long",
        ));
    }
    if trimmed.starts_with("HC1:") {
        return Ok(Payload::new(PayloadKind::Dcc));
    }
    let (whole, was_broken) = match undo_mojibake(trimmed) {
        Some(whole) => (Cow::Owned(whole), true),
        None => (Cow::Borrowed(trimmed), false),
    };
    let whole: String = whole.nfc().collect();
    let mut payload = dispatch(&whole, hosts)?.ok_or_else(|| unknown(&whole, was_broken))?;
    if was_broken {
        payload.warnings.push(MOJIBAKE);
    }
    Ok(payload)
}

fn dispatch(text: &str, hosts: &[&str]) -> Result<Option<Payload>> {
    if let Some(link) = links::read(text, hosts) {
        return Ok(Some(link));
    }
    if text.contains('|') {
        let fields: Vec<&str> = text.split('|').map(str::trim).collect();
        if let Some(personal) = personal::read(&fields) {
            return Ok(Some(personal));
        }
        if let Some(card) = cards::read_insurance_card(&fields)? {
            return Ok(Some(card));
        }
        return cards::read_id_card(&fields);
    }
    Ok(typed::read(text))
}

/// UTF-8 that a scanner sent as Windows-1252 or `Shift_JIS`, if the whole text is that.
fn undo_mojibake(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    if let Some(whole) = Encoding::Utf8AsWindows1252.decode(text) {
        return Some(whole);
    }
    // Half-width katakana stand in no Vietnamese text.
    if !text.chars().any(|c| matches!(c, '\u{FF61}'..='\u{FF9F}')) {
        return None;
    }
    let (bytes, _, has_holes) = encoding_rs::SHIFT_JIS.encode(text);
    if has_holes {
        return None;
    }
    String::from_utf8(bytes.into_owned()).ok()
}

fn unknown(text: &str, was_broken: bool) -> Error {
    let odd = |c: char| matches!(c, '\u{FFFD}' | '\u{FF61}'..='\u{FF9F}' | '\u{80}'..='\u{9F}');
    if was_broken || text.chars().any(odd) {
        return Error::new(Kind::Invalid, MOJIBAKE.code, MOJIBAKE.message);
    }
    if read_typing(text).is_some() {
        return Error::new(Kind::Invalid, KEYBOARD.code, KEYBOARD.message);
    }
    Error::new(Kind::Malformed, "payload.unknown", "this is no code that Trạm knows")
}

#[cfg(test)]
mod tests;
