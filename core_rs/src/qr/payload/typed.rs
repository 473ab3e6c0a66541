//! Numbers and codes without a frame: typed by hand, or a barcode of one line.

use super::{Payload, PayloadKind};
use crate::names::Warning;
use crate::names::codes::{check_code, check_tube_code};
use crate::names::ids::{
    IdKind, begins_with_province, parse_health_insurance_number, parse_national_id,
};
use crate::names::phones::{PhoneKind, parse_phone};

/// Ten random symbols and the check symbol.
const LOOKUP_LENGTH: usize = 11;

/// Reads one line; `None` if it is nothing we know.
pub(super) fn read(text: &str) -> Option<Payload> {
    let compact: String = text.chars().filter(|c| !matches!(c, ' ' | '\u{a0}')).collect();
    if let Ok(code) = check_tube_code(&compact) {
        return Some(Payload::with_code(PayloadKind::Tube, code));
    }
    if let Some(number) = read_number(&compact) {
        return Some(number);
    }
    if compact.len() == 15
        && let Ok(number) = parse_health_insurance_number(&compact)
    {
        let mut payload = Payload::new(PayloadKind::HealthInsuranceNumber);
        payload.claim.social_insurance_number = Some(number.social_insurance_number);
        payload.claim.health_insurance_number = Some(number.number);
        payload.warnings = number.warnings;
        return Some(payload);
    }
    if let Ok(code) = check_code(&compact, Some(LOOKUP_LENGTH)) {
        return Some(Payload::with_code(PayloadKind::LookupCode, code));
    }
    read_tube(&compact)
}

/// A tube code of ours, or what a registered foreign range may hold.
pub(super) fn read_tube(text: &str) -> Option<Payload> {
    if let Ok(code) = check_tube_code(text) {
        return Some(Payload::with_code(PayloadKind::Tube, code));
    }
    let code = text.to_ascii_uppercase();
    let fits = (6..=24).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
        && code.bytes().any(|b| b.is_ascii_digit());
    fits.then(|| Payload::with_code(PayloadKind::MaybeTube, code))
}

fn read_number(text: &str) -> Option<Payload> {
    let digits: String = text.chars().filter(|c| !matches!(c, '.' | '-')).collect();
    let plain = digits.strip_prefix('+').unwrap_or(&digits);
    if plain.is_empty() || !plain.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let phone = parse_phone(&digits).ok().filter(|p| p.kind == PhoneKind::Mobile);
    match digits.len() {
        9 | 11 | 12 if plain == digits => {
            if let Ok(id) = parse_national_id(&digits, None, None) {
                let mut payload = Payload::new(PayloadKind::NationalId);
                if id.kind == IdKind::Cmnd {
                    payload.claim.old_national_id = Some(id.number.clone());
                }
                payload.claim.sex = id.sex;
                payload.claim.national_id = Some(id.number);
                payload.warnings = id.warnings;
                return Some(payload);
            }
        }
        10 if phone.is_none() => {
            let mut payload = Payload::new(PayloadKind::SocialInsuranceNumber);
            payload.claim.social_insurance_number = Some(digits);
            return Some(payload);
        }
        _ => {}
    }
    phone.filter(|_| plain != digits || matches!(digits.len(), 10 | 11)).map(|phone| {
        let mut payload = Payload::new(PayloadKind::Phone);
        payload.claim.phone = Some(phone.national);
        payload.warnings = phone.warnings;
        if digits.len() == 10 && begins_with_province(&digits) {
            payload.warnings.push(Warning {
                code: "payload.maybe_social_insurance_number",
                message: "ten digits that may also be a social insurance number",
            });
        }
        payload
    })
}
