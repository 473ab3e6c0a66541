//! Python face of `linkage`: convert, release the GIL, call, convert back.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arrow::{Table, Text, read_table};
use super::people::{Linkage, threads_of};
use super::to_python;
use crate::error::{Error, Kind};
use crate::linkage::answers::{Answer, match_rows};
use crate::linkage::index;
use crate::linkage::model::Model;
use crate::linkage::profile::Typed;
use crate::linkage::verdict::{Key, Verdict};

/// Columns of a record and the other names they may come under.
pub(super) const COLUMNS: [&[&str]; 11] = [
    &["full_name"],
    &["dob"],
    &["sex"],
    &["cccd", "national_id"],
    &["cmnd", "old_national_id"],
    &["health_insurance", "health_insurance_number"],
    &["personal_qid"],
    &["phone"],
    &["address"],
    &["ward_code"],
    &["sample_code"],
];

fn typed<'a>(mut value: impl FnMut(usize) -> Option<&'a str>) -> Typed<'a> {
    Typed {
        full_name: value(0),
        dob: value(1),
        sex: value(2),
        cccd: value(3),
        cmnd: value(4),
        health_insurance: value(5),
        personal_qid: value(6),
        phone: value(7),
        address: value(8),
        ward_code: value(9),
        sample_code: value(10),
    }
}

/// The text columns of a batch; missing ones are null throughout.
pub(super) struct Columns<'a>(Vec<Text<'a>>);

impl<'a> Columns<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> Result<Self, Error> {
        let text = |names: &&[&str]| {
            let found = names.iter().find_map(|n| batch.column_by_name(n).map(|c| (n, c)));
            found.map_or(Ok(Text::Null), |(name, column)| Text::of(name, column))
        };
        COLUMNS.iter().map(text).collect::<Result<Vec<_>, _>>().map(Self)
    }

    pub(super) fn row(&self, row: usize) -> Typed<'_> {
        typed(|column| self.0[column].get(row))
    }
}

/// A record given as a mapping: owned texts, borrowed by `typed`.
struct Record(Vec<Option<String>>);

impl Record {
    fn of(record: &Bound<'_, PyDict>) -> PyResult<Self> {
        let mut values = Vec::with_capacity(COLUMNS.len());
        for names in COLUMNS {
            let mut value = None;
            for name in names {
                if let Some(found) = record.get_item(name)?.filter(|v| !v.is_none()) {
                    value = Some(found.extract::<String>()?);
                }
            }
            values.push(value);
        }
        Ok(Self(values))
    }

    fn typed(&self) -> Typed<'_> {
        typed(|column| self.0[column].as_deref())
    }
}

fn person_ids(batch: &RecordBatch) -> Result<&Int64Array, Error> {
    let wrong = |what: &str| {
        Error::new(Kind::Schema, "linkage.person_id", format!("column person_id {what}"))
    };
    let column = batch.column_by_name("person_id").ok_or_else(|| wrong("is missing"))?;
    let ids = column
        .as_primitive_opt::<Int64Type>()
        .ok_or_else(|| wrong("must be of 64-bit integers"))?;
    if arrow_array::Array::null_count(ids) > 0 {
        return Err(wrong("has rows without an id"));
    }
    Ok(ids)
}

/// A known person who may be the one asked for.
#[pyclass(module = "core_rs", frozen, get_all)]
struct Candidate {
    person_id: i64,
    kind: &'static str,
    key: Option<&'static str>,
    bits: f64,
    probability: f64,
    prior_bits: f64,
    pattern: u64,
    weights: Vec<(String, String, f64)>,
}

#[pyclass(module = "core_rs", frozen)]
struct PersonIndex {
    inner: Mutex<index::PersonIndex>,
}

impl PersonIndex {
    fn lock(&self) -> MutexGuard<'_, index::PersonIndex> {
        // A panic inside would have been ours and is reported there; the tables stay readable.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn weights(
    model: &Model,
    pattern: u64,
    records: usize,
) -> (f64, Vec<(String, String, f64)>) {
    let (prior, weights) = model.explain(pattern, records);
    let owned =
        weights.into_iter().map(|w| (w.field.to_owned(), w.level.to_owned(), w.bits)).collect();
    (prior, owned)
}

#[pymethods]
impl PersonIndex {
    #[new]
    fn new() -> Self {
        Self { inner: Mutex::new(index::PersonIndex::new(Model::people())) }
    }

    fn __len__(&self) -> usize {
        self.lock().len()
    }

    fn __contains__(&self, person_id: i64) -> bool {
        self.lock().contains(person_id)
    }

    fn add(&self, py: Python<'_>, person_id: i64, record: &Bound<'_, PyDict>) -> PyResult<()> {
        let record = Record::of(record)?;
        py.detach(|| self.lock().add(person_id, &record.typed()));
        Ok(())
    }

    fn add_many(&self, py: Python<'_>, table: &Bound<'_, PyAny>) -> PyResult<usize> {
        let (_, batches) = read_table(table)?;
        py.detach(|| {
            let mut rows = Vec::new();
            for batch in &batches {
                rows.push((person_ids(batch)?, Columns::of(batch)?));
            }
            let mut index = self.lock();
            for (ids, columns) in &rows {
                for (row, person) in ids.values().iter().enumerate() {
                    index.add(*person, &columns.row(row));
                }
            }
            Ok(batches.iter().map(RecordBatch::num_rows).sum())
        })
        .map_err(|e: Error| to_python(py, &e))
    }

    fn update(&self, py: Python<'_>, person_id: i64, record: &Bound<'_, PyDict>) -> PyResult<()> {
        let record = Record::of(record)?;
        py.detach(|| self.lock().update(person_id, &record.typed()));
        Ok(())
    }

    fn remove(&self, person_id: i64) -> usize {
        self.lock().remove(person_id)
    }

    fn redirect(&self, from_person_id: i64, to_person_id: i64) -> usize {
        self.lock().redirect(from_person_id, to_person_id)
    }

    fn rename_ward(&self, old_code: &str, new_code: &str) {
        self.lock().rename_ward(old_code, new_code);
    }

    #[pyo3(signature = (record, *, limit=5, least_bits=0.0))]
    fn look_up(
        &self,
        py: Python<'_>,
        record: &Bound<'_, PyDict>,
        limit: usize,
        least_bits: f64,
    ) -> PyResult<Vec<Candidate>> {
        let record = Record::of(record)?;
        Ok(py.detach(|| {
            let mut index = self.lock();
            let found = index.look_up(&record.typed(), limit, least_bits);
            let several = found.exact().is_none();
            found.candidates.iter().map(|c| candidate(&index, c, several)).collect()
        }))
    }

    fn explain(&self, pattern: u64) -> (f64, Vec<(String, String, f64)>) {
        let index = self.lock();
        weights(index.model(), pattern, index.len())
    }

    #[pyo3(signature = (table, *, limit=3, least_bits=0.0))]
    fn match_many(
        &self,
        py: Python<'_>,
        table: &Bound<'_, PyAny>,
        limit: usize,
        least_bits: f64,
    ) -> PyResult<Table> {
        let (_, batches) = read_table(table)?;
        py.detach(|| {
            let columns = batches.iter().map(|b| Columns::of(b).map(|c| (b.num_rows(), c)));
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            let rows = columns.iter().flat_map(|(count, c)| (0..*count).map(|row| c.row(row)));
            answers_table(&match_rows(&mut self.lock(), rows, limit, least_bits))
        })
        .map_err(|e| to_python(py, &e))
    }

    #[pyo3(signature = (*, threads=None))]
    fn link(&self, py: Python<'_>, threads: Option<usize>) -> Linkage {
        py.detach(|| {
            // Look-ups go on while this copy is linked.
            let (registry, persons) = self.lock().registry();
            Linkage::of_persons(registry, persons, threads_of(threads))
        })
    }

    #[allow(clippy::needless_pass_by_value, reason = "PyO3 hands over owned paths")]
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| {
            let bytes = self.lock().to_bytes();
            // A reader sees the old file or the new one, never half of it.
            let beside = path.with_extension("new");
            std::fs::write(&beside, bytes)?;
            std::fs::rename(&beside, &path)?;
            Ok(())
        })
    }

    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let bytes = py.detach(|| std::fs::read(path))?;
        let inner =
            py.detach(|| index::PersonIndex::from_bytes(&bytes)).map_err(|e| to_python(py, &e))?;
        Ok(Self { inner: Mutex::new(inner) })
    }
}

fn candidate(index: &index::PersonIndex, c: &index::Candidate, several: bool) -> Candidate {
    let (kind, key) = match c.verdict {
        Verdict::Same(key) if several => ("conflict", Some(key.name())),
        Verdict::Same(key) => ("exact", Some(key.name())),
        Verdict::Conflict(key) => ("conflict", Some(key.name())),
        Verdict::Open => ("proposal", None),
    };
    let (prior_bits, weights) = weights(index.model(), c.pattern, index.len());
    Candidate {
        person_id: c.person,
        kind,
        key,
        bits: c.bits,
        probability: c.probability(),
        prior_bits,
        pattern: c.pattern,
        weights,
    }
}

fn answers_table(answers: &[Answer]) -> Result<Table, Error> {
    let all = answers.iter();
    let columns: Vec<(&str, DataType, ArrayRef)> = vec![
        (
            "row",
            DataType::UInt32,
            Arc::new(UInt32Array::from_iter_values(all.clone().map(|a| a.row))),
        ),
        (
            "kind",
            DataType::Utf8,
            Arc::new(StringArray::from_iter_values(all.clone().map(Answer::kind))),
        ),
        (
            "person_id",
            DataType::Int64,
            Arc::new(all.clone().map(|a| a.person).collect::<Int64Array>()),
        ),
        (
            "other_row",
            DataType::UInt32,
            Arc::new(all.clone().map(|a| a.other_row).collect::<UInt32Array>()),
        ),
        (
            "key",
            DataType::Utf8,
            Arc::new(all.clone().map(|a| a.key().map(Key::name)).collect::<StringArray>()),
        ),
        (
            "probability",
            DataType::Float64,
            Arc::new(Float64Array::from_iter_values(all.clone().map(Answer::probability))),
        ),
        (
            "bits",
            DataType::Float64,
            Arc::new(Float64Array::from_iter_values(all.clone().map(|a| a.bits))),
        ),
        (
            "pattern",
            DataType::UInt64,
            Arc::new(UInt64Array::from_iter_values(all.map(|a| a.pattern))),
        ),
    ];
    table(columns)
}

/// A table of one batch.
pub(super) fn table(columns: Vec<(&str, DataType, ArrayRef)>) -> Result<Table, Error> {
    let fields: Vec<Field> =
        columns.iter().map(|(name, kind, _)| Field::new(*name, kind.clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays = columns.into_iter().map(|(_, _, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)
        .map_err(|e| Error::new(Kind::Schema, "arrow.schema", e.to_string()))?;
    Ok(Table::new(schema, vec![batch]))
}

/// Adds this area's functions and classes to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Candidate>()?;
    module.add_class::<PersonIndex>()?;
    super::link_parts::register(module)?;
    super::people::register(module)?;
    super::records::register(module)
}
