//! Addresses: ours by host and path, all others never to be opened.

use super::{Payload, PayloadKind};
use crate::names::Warning;
use crate::names::codes::{check_code, check_tube_code};

/// Reads `http(s)://host/…`; `None` if the text is no address.
pub(super) fn read(text: &str, hosts: &[&str]) -> Option<Payload> {
    let (scheme, rest) = text.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    // "user@host" pretends to be somebody else's host.
    let host = host.rsplit('@').next().unwrap_or(host).to_ascii_lowercase();
    let path = path.split(['?', '#']).next().unwrap_or("");
    let ours = hosts.is_empty() || hosts.iter().any(|h| h.eq_ignore_ascii_case(&host));
    let mut payload = ours
        .then(|| of_path(path))
        .flatten()
        .unwrap_or_else(|| Payload::new(PayloadKind::ForeignUrl));
    payload.host = Some(host);
    Some(payload)
}

fn of_path(path: &str) -> Option<Payload> {
    let mut segments = path.trim_end_matches('/').rsplit('/');
    let code = segments.next()?;
    let kind = match segments.next()? {
        "t" | "T" => return tube(code),
        "r" | "R" => return slip(code),
        "k" | "K" => PayloadKind::Declaration,
        "v" | "V" => PayloadKind::Venue,
        "c" | "C" => PayloadKind::Certificate,
        _ => return None,
    };
    match check_code(code, None) {
        Ok(code) => Some(Payload::with_code(kind, code)),
        Err(error) if error.code() == "code.check_symbol" => {
            let mut payload = Payload::with_code(kind, code.to_ascii_uppercase());
            payload.warnings.push(Warning {
                code: "code.check_symbol",
                message: "the check symbol of the code does not fit: misprinted or not ours",
            });
            Some(payload)
        }
        Err(_) => None,
    }
}

fn tube(code: &str) -> Option<Payload> {
    super::typed::read_tube(code).or_else(|| {
        check_tube_code(code).ok().map(|code| Payload::with_code(PayloadKind::Tube, code))
    })
}

/// The signed slip is base32 in capitals; the credential module opens it.
fn slip(code: &str) -> Option<Payload> {
    let is_base32 = code.len() >= 16 && code.bytes().all(|b| b.is_ascii_alphanumeric());
    is_base32.then(|| Payload::with_code(PayloadKind::ResultSlip, code.to_ascii_uppercase()))
}
