//! An ingest batch: bytes → an envelope the door can trust, and validated events for the applier.
//!
//! One event that is wrong never spoils its neighbours: each carries its own problems, all of them.
//!
//! * `loose`: JSON values of any type, so that a wrong type is a problem and not an end
//! * `instant`: RFC 3339
//! * `event`: one event
//! * `person`: who the scanned text or the typed form says it is

mod event;
mod instant;
mod loose;
mod person;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

pub use event::{Event, KINDS, Kind};
pub use instant::parse_instant;
pub use person::PersonFields;

use crate::error::{Error, Kind as ErrorKind, Result};
use loose::Loose;

/// 16 bytes of a UUID.
pub type Uuid = [u8; 16];

/// Most events in a batch.
pub const MAX_EVENTS: usize = 2000;
/// Sequence numbers end where a JavaScript number stops to be exact.
const MAX_SEQ: i64 = (1 << 53) - 1;

/// Who sent which batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The device's own id.
    pub device_uid: Uuid,
    /// The batch's id.
    pub batch_id: Uuid,
    /// The device's own number of the batch, from 1.
    pub seq: i64,
    /// How many events it has.
    pub event_count: usize,
}

/// An event and where its text lies in the body.
#[derive(Debug)]
pub struct Placed {
    /// First byte.
    pub start: usize,
    /// One after the last byte.
    pub end: usize,
    /// The event.
    pub event: Event,
}

#[derive(Deserialize)]
struct Sealed<'a> {
    #[serde(borrow, default)]
    device_id: Loose<'a>,
    #[serde(borrow, default)]
    batch_id: Loose<'a>,
    #[serde(borrow, default)]
    seq: Loose<'a>,
    #[serde(default)]
    events: loose::ListOf<IgnoredAny>,
}

#[derive(Deserialize)]
struct Opened<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

/// Reads the envelope only; events may be anything.
///
/// Code of the error: `batch.envelope`; its message names every problem, one a line.
pub fn check_envelope(body: &[u8]) -> Result<Envelope> {
    let wrong =
        |problems: &[&str]| Error::new(ErrorKind::Malformed, "batch.envelope", problems.join("\n"));
    let text = std::str::from_utf8(body).map_err(|_| wrong(&["The body is not UTF-8."]))?;
    let not_a_batch = "The body is not a JSON object with the fields of a batch.";
    let sealed: loose::ObjectOf<Sealed<'_>> =
        serde_json::from_str(text).map_err(|e| match e.classify() {
            serde_json::error::Category::Data => wrong(&[not_a_batch]),
            _ => wrong(&["The body is not JSON."]),
        })?;
    let sealed = sealed.0.ok_or_else(|| wrong(&[not_a_batch]))?;
    let device_uid = sealed.device_id.text().and_then(parse_uuid);
    let batch_id = sealed.batch_id.text().and_then(parse_uuid);
    let seq = sealed.seq.integer().filter(|s| (1..=MAX_SEQ).contains(s));
    let event_count = sealed.events.count.filter(|n| (1..=MAX_EVENTS).contains(n));
    if let (Some(device_uid), Some(batch_id), Some(seq), Some(event_count)) =
        (device_uid, batch_id, seq, event_count)
    {
        return Ok(Envelope { device_uid, batch_id, seq, event_count });
    }
    let events = format!("events is not a list of 1 to {MAX_EVENTS} events.");
    let all = [
        (device_uid.is_none(), "device_id is not a UUID."),
        (batch_id.is_none(), "batch_id is not a UUID."),
        (seq.is_none(), "seq is not a whole number from 1 on."),
        (event_count.is_none(), events.as_str()),
    ];
    let named: Vec<&str> = all.iter().filter(|(is, _)| *is).map(|(_, text)| *text).collect();
    Err(wrong(&named))
}

/// Reads envelope and events. `latest_year` is the year of today, for two-digit years of birth.
///
/// Fails only as [`check_envelope`] does; whatever is wrong in an event is said by the event.
pub fn read_batch(body: &[u8], latest_year: u16) -> Result<(Envelope, Vec<Placed>)> {
    let envelope = check_envelope(body)?;
    let opened: Opened<'_> = serde_json::from_slice(body)
        .map_err(|e| Error::new(ErrorKind::Malformed, "batch.envelope", e.to_string()))?;
    let base = body.as_ptr().addr();
    let events = opened
        .events
        .iter()
        .map(|raw| {
            let text = raw.get();
            let start = text.as_ptr().addr() - base;
            Placed { start, end: start + text.len(), event: event::read_event(text, latest_year) }
        })
        .collect();
    Ok((envelope, events))
}

/// Reads a UUID with hyphens (or bare), of any case.
pub(crate) fn parse_uuid(text: &str) -> Option<Uuid> {
    let bytes = text.as_bytes();
    let has_hyphens = bytes.len() == 36;
    if !has_hyphens && bytes.len() != 32 {
        return None;
    }
    let mut uuid = [0; 16];
    let mut at = 0;
    for (n, byte) in uuid.iter_mut().enumerate() {
        if has_hyphens && matches!(n, 4 | 6 | 8 | 10) {
            if bytes[at] != b'-' {
                return None;
            }
            at += 1;
        }
        let high = char::from(bytes[at]).to_digit(16)?;
        let low = char::from(bytes[at + 1]).to_digit(16)?;
        *byte = (high * 16 + low) as u8;
        at += 2;
    }
    Some(uuid)
}

/// 32 hexadecimal digits of a UUID.
pub fn uuid_hex(uuid: &Uuid) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    uuid.iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests;
