//! One event of a batch: read whatever is there, and name everything that is wrong.

use serde::Deserialize;

use super::loose::{Loose, ObjectOf};
use super::person::{self, PersonFields, TypedPerson};
use super::{Uuid, parse_instant, parse_uuid};
use crate::names::codes;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A tube was opened in a collection session.
    TubeOpened,
    /// One person's sample went into a tube.
    SampleCollected,
    /// A sample was taken back.
    SampleWithdrawn,
    /// A tube was closed; its list of people is final.
    TubeSealed,
    /// A tube was thrown away at the point.
    TubeDiscarded,
    /// A rapid antigen test was read.
    AntigenRead,
    /// A second person confirmed the reading.
    AntigenReleased,
}

/// Kinds by their names on the wire.
pub const KINDS: [(&str, Kind); 7] = [
    ("tube.opened", Kind::TubeOpened),
    ("sample.collected", Kind::SampleCollected),
    ("sample.withdrawn", Kind::SampleWithdrawn),
    ("tube.sealed", Kind::TubeSealed),
    ("tube.discarded", Kind::TubeDiscarded),
    ("antigen.read", Kind::AntigenRead),
    ("antigen.released", Kind::AntigenReleased),
];

const SOURCES: [&str; 6] = ["cccd", "personal_qr", "bhyt", "declaration", "hc1", "typed"];
const OUTCOMES: [&str; 4] = ["positive", "negative", "inconclusive", "invalid"];
const RESULT_CODE_LENGTH: usize = 11;
const MAX_TUBE: i64 = 100;

/// An event, validated as far as it can be without a database.
#[derive(Debug, Default)]
pub struct Event {
    /// The event's id; `None` if it has none that can be read.
    pub event_id: Option<Uuid>,
    /// What happened; `None` if the kind is not known.
    pub kind: Option<Kind>,
    /// Microseconds since 1970 by the device's clock.
    pub occurred_at: Option<i64>,
    /// The signed shift grant, as it was.
    pub grant: String,
    /// Stable code of what is wrong; empty if nothing is.
    pub problem: &'static str,
    /// Everything that is wrong, one sentence each.
    pub details: Vec<&'static str>,
    /// Normal form of the tube's code.
    pub tube_code: String,
    /// The collection session's code.
    pub session_code: String,
    /// How many people the tube is meant for.
    pub planned_size: Option<i32>,
    /// The sample's id.
    pub sample_id: Option<Uuid>,
    /// Which place in the tube.
    pub position: Option<i32>,
    /// Normal form of the slip's code.
    pub result_code: String,
    /// Where the person's particulars come from.
    pub source: String,
    /// Whether the person has symptoms.
    pub is_symptomatic: bool,
    /// Why the person is sampled.
    pub subject_group: String,
    /// Normal form of the earlier sample's code.
    pub retest_of: String,
    /// Why something was withdrawn or discarded.
    pub reason: String,
    /// How many samples the device counts in the tube.
    pub sample_count: Option<i32>,
    /// Test kit.
    pub kit_name: String,
    /// Lot of the test kit.
    pub kit_lot: String,
    /// Outcome read.
    pub outcome: String,
    /// Microseconds since 1970 at which the outcome was read.
    pub read_at: Option<i64>,
    /// Who it is.
    pub person: Option<PersonFields>,
}

#[derive(Deserialize, Default)]
struct RawEvent<'a> {
    #[serde(borrow, default)]
    event_id: Loose<'a>,
    #[serde(borrow, default)]
    kind: Loose<'a>,
    #[serde(borrow, default)]
    occurred_at: Loose<'a>,
    #[serde(borrow, default)]
    actor_grant: Loose<'a>,
    #[serde(borrow, default)]
    data: ObjectOf<RawFields<'a>>,
}

#[derive(Deserialize, Default, Debug, Clone)]
struct RawFields<'a> {
    #[serde(borrow, default)]
    tube_code: Loose<'a>,
    #[serde(borrow, default)]
    session_code: Loose<'a>,
    #[serde(borrow, default)]
    planned_size: Loose<'a>,
    #[serde(borrow, default)]
    sample_id: Loose<'a>,
    #[serde(borrow, default)]
    position: Loose<'a>,
    #[serde(borrow, default)]
    result_code: Loose<'a>,
    #[serde(borrow, default)]
    source: Loose<'a>,
    #[serde(borrow, default)]
    payload: Loose<'a>,
    #[serde(borrow, default)]
    person: ObjectOf<TypedPerson<'a>>,
    #[serde(borrow, default)]
    is_symptomatic: Loose<'a>,
    #[serde(borrow, default)]
    subject_group: Loose<'a>,
    #[serde(borrow, default)]
    retest_of: Loose<'a>,
    #[serde(borrow, default)]
    reason: Loose<'a>,
    #[serde(borrow, default)]
    sample_count: Loose<'a>,
    #[serde(borrow, default)]
    kit_name: Loose<'a>,
    #[serde(borrow, default)]
    kit_lot: Loose<'a>,
    #[serde(borrow, default)]
    outcome: Loose<'a>,
    #[serde(borrow, default)]
    read_at: Loose<'a>,
}

/// Reads one event; never fails, the event says what is wrong with it.
pub(super) fn read_event(text: &str, latest_year: u16) -> Event {
    let Ok(ObjectOf(Some(raw))) = serde_json::from_str::<ObjectOf<RawEvent<'_>>>(text) else {
        return Event {
            problem: "bad_event",
            details: vec!["The event is not an object, or names a field twice."],
            ..Event::default()
        };
    };
    let mut reader = Reader::default();
    let mut event = Event {
        event_id: reader.uuid(&raw.event_id, "event_id is not a UUID."),
        occurred_at: reader.instant(&raw.occurred_at, "occurred_at is not an RFC 3339 instant."),
        grant: raw.actor_grant.text().unwrap_or_default().to_owned(),
        ..Event::default()
    };
    let name = raw.kind.text().unwrap_or_default();
    event.kind = KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    let data = raw.data.0.unwrap_or_else(|| {
        reader.say("data is not an object.");
        RawFields::default()
    });
    match event.kind {
        Some(kind) => reader.fill(&mut event, kind, &data, latest_year),
        None => reader.say("kind is not known."),
    }
    event.problem = if reader.problems.is_empty() { reader.softer } else { "bad_event" };
    event.details = reader.problems;
    event.details.extend(reader.softer_details);
    event
}

#[derive(Default)]
struct Reader {
    problems: Vec<&'static str>,
    /// A code more precise than `bad_event`, used when nothing else is wrong.
    softer: &'static str,
    softer_details: Vec<&'static str>,
}

impl Reader {
    fn say(&mut self, problem: &'static str) {
        self.problems.push(problem);
    }

    fn soften(&mut self, code: &'static str, detail: &'static str) {
        if self.softer.is_empty() {
            self.softer = code;
        }
        self.softer_details.push(detail);
    }

    fn fill(&mut self, event: &mut Event, kind: Kind, data: &RawFields<'_>, latest_year: u16) {
        if matches!(
            kind,
            Kind::TubeOpened | Kind::SampleCollected | Kind::TubeSealed | Kind::TubeDiscarded
        ) {
            event.tube_code = self.tube_code(&data.tube_code);
        } else {
            event.sample_id = self.uuid(&data.sample_id, "sample_id is not a UUID.");
        }
        match kind {
            Kind::TubeOpened => {
                event.session_code = self.needed_text(
                    &data.session_code,
                    16,
                    "session_code is missing or too long.",
                );
                event.planned_size = self.number(
                    &data.planned_size,
                    1,
                    MAX_TUBE,
                    "planned_size is not a number from 1 to 100.",
                );
            }
            Kind::SampleCollected => self.fill_sample(event, data, latest_year),
            Kind::SampleWithdrawn | Kind::TubeDiscarded => {
                event.reason = self.text(&data.reason, 80, "reason is longer than 80 characters.");
            }
            Kind::TubeSealed => {
                event.sample_count = self.number(
                    &data.sample_count,
                    0,
                    MAX_TUBE,
                    "sample_count is not a number from 0 to 100.",
                );
            }
            Kind::AntigenRead => {
                event.kit_name =
                    self.needed_text(&data.kit_name, 80, "kit_name is missing or too long.");
                event.kit_lot =
                    self.needed_text(&data.kit_lot, 40, "kit_lot is missing or too long.");
                event.outcome = self.outcome(&data.outcome);
                event.read_at = self.instant(&data.read_at, "read_at is not an RFC 3339 instant.");
            }
            Kind::AntigenReleased => event.outcome = self.outcome(&data.outcome),
        }
    }

    fn fill_sample(&mut self, event: &mut Event, data: &RawFields<'_>, latest_year: u16) {
        event.sample_id = self.uuid(&data.sample_id, "sample_id is not a UUID.");
        event.position = if data.position == Loose::Missing {
            Some(1)
        } else {
            self.number(&data.position, 1, MAX_TUBE, "position is not a number from 1 to 100.")
        };
        event.result_code =
            self.result_code(&data.result_code, "result_code is not a slip's code.");
        if !data.retest_of.is_empty() {
            event.retest_of = self.result_code(&data.retest_of, "retest_of is not a slip's code.");
        }
        event.subject_group =
            self.text(&data.subject_group, 24, "subject_group is longer than 24 characters.");
        event.is_symptomatic = if data.is_symptomatic == Loose::Missing {
            false
        } else {
            data.is_symptomatic.flag().unwrap_or_else(|| {
                self.say("is_symptomatic is neither true nor false.");
                false
            })
        };
        data.source.text().unwrap_or_default().clone_into(&mut event.source);
        if !SOURCES.contains(&event.source.as_str()) {
            self.say("source is none of cccd, personal_qr, bhyt, declaration, hc1, typed.");
            return;
        }
        let typed = data.person.0.as_ref();
        let payload = data.payload.text().unwrap_or_default();
        match person::read_person(&event.source, payload, typed, latest_year) {
            Ok(person) => event.person = Some(person),
            Err(person::Unreadable { code, details }) => {
                for detail in details {
                    self.soften(code, detail);
                }
            }
        }
    }

    fn uuid(&mut self, value: &Loose<'_>, problem: &'static str) -> Option<Uuid> {
        let uuid = value.text().and_then(parse_uuid);
        if uuid.is_none() {
            self.say(problem);
        }
        uuid
    }

    fn instant(&mut self, value: &Loose<'_>, problem: &'static str) -> Option<i64> {
        let instant = value.text().and_then(parse_instant);
        if instant.is_none() {
            self.say(problem);
        }
        instant
    }

    fn number(
        &mut self,
        value: &Loose<'_>,
        lowest: i64,
        highest: i64,
        problem: &'static str,
    ) -> Option<i32> {
        let number = value.integer().filter(|n| (lowest..=highest).contains(n));
        if number.is_none() {
            self.say(problem);
        }
        number.map(|n| n as i32)
    }

    fn text(&mut self, value: &Loose<'_>, longest: usize, problem: &'static str) -> String {
        let is_text = matches!(value, Loose::Text(_) | Loose::Missing);
        let text = value.text().unwrap_or_default().trim();
        if !is_text || text.chars().count() > longest || text.contains('\0') {
            self.say(problem);
            return String::new();
        }
        text.to_owned()
    }

    fn needed_text(&mut self, value: &Loose<'_>, longest: usize, problem: &'static str) -> String {
        let before = self.problems.len();
        let text = self.text(value, longest, problem);
        if text.is_empty() && self.problems.len() == before {
            self.say(problem);
        }
        text
    }

    fn tube_code(&mut self, value: &Loose<'_>) -> String {
        let code = value.text().unwrap_or_default().trim().to_ascii_uppercase();
        let is_code = (6..=24).contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-');
        if !is_code {
            self.say("tube_code is not 6 to 24 letters, digits or hyphens.");
        }
        code
    }

    fn result_code(&mut self, value: &Loose<'_>, problem: &'static str) -> String {
        let code = value.text().and_then(|t| codes::check_code(t, Some(RESULT_CODE_LENGTH)).ok());
        code.unwrap_or_else(|| {
            self.say(problem);
            String::new()
        })
    }

    fn outcome(&mut self, value: &Loose<'_>) -> String {
        let outcome = value.text().unwrap_or_default();
        if !OUTCOMES.contains(&outcome) {
            self.say("outcome is none of positive, negative, inconclusive, invalid.");
        }
        outcome.to_owned()
    }
}
