//! The unified personal QR of PC-Covid, Bluezone, SSKĐT and `VNeID` (Decision 1405/QĐ-BTTTT, v1.1):
//! `document|NAME|YYYY-MM-DD|declared|QID|EXT`, where `*` hides a character.

use super::{Payload, PayloadKind};
use crate::names::dates::PartialDate;
use crate::names::ids::parse_national_id;
use crate::names::phones::parse_phone;
use crate::names::text::normalise_name;
use crate::names::{Sex, Warning};

const BIRTH_DATE: Warning =
    Warning { code: "personal_qr.birth_date", message: "the date of birth is no date" };
const PHONE: Warning =
    Warning { code: "personal_qr.phone", message: "the phone number is not one of Việt Nam" };

/// Reads the six fields; `None` if this is something else.
pub(super) fn read(fields: &[&str]) -> Option<Payload> {
    let [document, name, birth, declared, qid, extension] = fields else { return None };
    if !matches!(*declared, "0" | "1") || !has_date_shape(birth) {
        return None;
    }
    let mut payload = Payload::new(PayloadKind::PersonalQr);
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut parts = extension.split('<').map(str::trim);
    let mut next = || parts.next().unwrap_or("");
    let claim = &mut payload.claim;
    claim.declared_by_qid = filled(next());
    claim.sex = match next() {
        "1" => Some(Sex::Male),
        "2" => Some(Sex::Female),
        _ => None,
    };
    claim.health_insurance_number = filled(next());
    match next() {
        "" => {}
        phone => match parse_phone(phone) {
            Ok(phone) => claim.phone = Some(phone.national),
            Err(_) => payload.warnings.push(PHONE),
        },
    }
    claim.birth_date = birth_date(birth);
    if claim.birth_date.is_none() && birth.bytes().any(|b| b.is_ascii_digit()) {
        payload.warnings.push(BIRTH_DATE);
    }
    claim.national_id = filled(document);
    claim.full_name = filled(&normalise_name(name));
    claim.declared_by_other = Some(*declared == "1");
    claim.qid = filled(qid);
    claim.is_masked = document.contains('*') || birth.contains('*') || name.contains('*');
    let year = claim.birth_date.as_ref().map(|d| d.year);
    if document.len() == 12
        && let Ok(id) = parse_national_id(document, claim.sex, year)
    {
        payload.warnings.extend(id.warnings);
    }
    Some(payload)
}

fn has_date_shape(text: &str) -> bool {
    let shape = b"dddd-dd-dd";
    text.len() == shape.len()
        && text.bytes().zip(shape).all(|(b, want)| match want {
            b'd' => b.is_ascii_digit() || b == b'*',
            dash => b == *dash,
        })
}

/// A hidden day hides the day; a hidden month hides both.
fn birth_date(text: &str) -> Option<PartialDate> {
    let year = text[..4].parse().ok()?;
    let month = text[5..7].parse().unwrap_or(0);
    let day = if month == 0 { 0 } else { text[8..].parse().unwrap_or(0) };
    PartialDate::new(year, month, day)
}
