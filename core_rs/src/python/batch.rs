//! Python face of `batch`: envelopes for the door, columns for the applier.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Int32Builder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyBytesMethods};

use super::arrow::Table;
use super::to_python;
use crate::batch::{self, Event, KINDS, PersonFields, uuid_hex};
use crate::error::{Error, Kind};

/// `(device_uid, batch_id, seq, event_count)`; ids as 32 hexadecimal digits.
type EnvelopeTuple = (String, String, i64, usize);

#[pyfunction]
fn check_envelope(py: Python<'_>, body: &[u8]) -> PyResult<EnvelopeTuple> {
    let envelope = batch::check_envelope(body).map_err(|e| to_python(py, &e))?;
    Ok((
        uuid_hex(&envelope.device_uid),
        uuid_hex(&envelope.batch_id),
        envelope.seq,
        envelope.event_count,
    ))
}

#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "how pyo3 hands over a list")]
fn read_batches(
    py: Python<'_>,
    bodies: Vec<Bound<'_, PyBytes>>,
    latest_year: u16,
) -> PyResult<(Vec<EnvelopeTuple>, Table)> {
    // `PyBytes` never changes, and the list keeps it alive while the GIL is released.
    let slices: Vec<&[u8]> = bodies.iter().map(PyBytesMethods::as_bytes).collect();
    py.detach(|| read_all(&slices, latest_year)).map_err(|e| to_python(py, &e))
}

fn read_all(bodies: &[&[u8]], latest_year: u16) -> Result<(Vec<EnvelopeTuple>, Table), Error> {
    let mut envelopes = Vec::with_capacity(bodies.len());
    let mut columns = Columns::default();
    for (n, body) in bodies.iter().enumerate() {
        let (envelope, events) = batch::read_batch(body, latest_year)?;
        envelopes.push((
            uuid_hex(&envelope.device_uid),
            uuid_hex(&envelope.batch_id),
            envelope.seq,
            envelope.event_count,
        ));
        for placed in &events {
            columns.append_place(n, placed.start, placed.end);
            columns.append(&placed.event);
        }
    }
    Ok((envelopes, columns.finish()?))
}

#[derive(Default)]
struct Columns {
    numbers: [Int32Builder; 7],
    instants: [Int64Builder; 2],
    flags: [BooleanBuilder; 3],
    texts: [StringBuilder; 31],
}

const NUMBERS: [&str; 7] =
    ["body", "start", "end", "planned_size", "position", "sample_count", "birth_year"];
const INSTANTS: [&str; 2] = ["occurred_at", "read_at"];
const FLAGS: [&str; 3] = ["is_symptomatic", "has_person", "is_name_plain"];
const TEXTS: [&str; 31] = [
    "event_id",
    "kind",
    "grant",
    "problem",
    "detail",
    "tube_code",
    "session_code",
    "sample_id",
    "result_code",
    "source",
    "subject_group",
    "retest_of",
    "reason",
    "kit_name",
    "kit_lot",
    "outcome",
    "full_name",
    "folded_name",
    "sort_name",
    "birth_on",
    "sex",
    "phone",
    "national_id",
    "cmnd",
    "health_insurance",
    "qid",
    "passport",
    "address",
    "declaration_code",
    "warnings",
    "nationality",
];

impl Columns {
    fn append_place(&mut self, body: usize, start: usize, end: usize) {
        for (builder, value) in self.numbers.iter_mut().zip([body, start, end]) {
            builder.append_value(value as i32);
        }
    }

    fn append(&mut self, event: &Event) {
        let nobody = PersonFields::default();
        let person = event.person.as_ref().unwrap_or(&nobody);
        let rest = [event.planned_size, event.position, event.sample_count, person.birth_year];
        for (builder, value) in self.numbers[3..].iter_mut().zip(rest) {
            builder.append_option(value);
        }
        for (builder, value) in self.instants.iter_mut().zip([event.occurred_at, event.read_at]) {
            builder.append_option(value);
        }
        let flags = [event.is_symptomatic, event.person.is_some(), person.is_name_plain];
        for (builder, value) in self.flags.iter_mut().zip(flags) {
            builder.append_value(value);
        }
        let kind = event.kind.and_then(|kind| KINDS.iter().find(|(_, known)| *known == kind));
        let event_id = event.event_id.as_ref().map(uuid_hex).unwrap_or_default();
        let sample_id = event.sample_id.as_ref().map(uuid_hex).unwrap_or_default();
        let detail = event.details.join(" ");
        let texts: [&str; 31] = [
            &event_id,
            kind.map_or("", |(name, _)| *name),
            &event.grant,
            event.problem,
            &detail,
            &event.tube_code,
            &event.session_code,
            &sample_id,
            &event.result_code,
            &event.source,
            &event.subject_group,
            &event.retest_of,
            &event.reason,
            &event.kit_name,
            &event.kit_lot,
            &event.outcome,
            &person.full_name,
            &person.folded_name,
            &person.sort_name,
            &person.birth_on,
            person.sex,
            &person.phone,
            &person.national_id,
            &person.cmnd,
            &person.health_insurance,
            &person.qid,
            &person.passport,
            &person.address,
            &person.declaration_code,
            &person.warnings,
            person.nationality,
        ];
        for (builder, value) in self.texts.iter_mut().zip(texts) {
            builder.append_value(value);
        }
    }

    fn finish(mut self) -> Result<Table, Error> {
        let mut fields = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for (name, builder) in NUMBERS.iter().zip(&mut self.numbers) {
            fields.push(Field::new(*name, DataType::Int32, true));
            arrays.push(Arc::new(builder.finish()));
        }
        for (name, builder) in INSTANTS.iter().zip(&mut self.instants) {
            fields.push(Field::new(*name, DataType::Int64, true));
            arrays.push(Arc::new(builder.finish()));
        }
        for (name, builder) in FLAGS.iter().zip(&mut self.flags) {
            fields.push(Field::new(*name, DataType::Boolean, false));
            arrays.push(Arc::new(builder.finish()));
        }
        for (name, builder) in TEXTS.iter().zip(&mut self.texts) {
            fields.push(Field::new(*name, DataType::Utf8, false));
            arrays.push(Arc::new(builder.finish()));
        }
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)
            .map_err(|e| Error::new(Kind::Schema, "batch.columns", e.to_string()))?;
        Ok(Table::new(schema, vec![batch]))
    }
}

/// Adds the functions of this file to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(check_envelope, module)?)?;
    module.add_function(wrap_pyfunction!(read_batches, module)?)
}
