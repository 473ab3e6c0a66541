//! Python face of linking people in bulk.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, UInt32Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, LargeStringArray, RecordBatch,
    UInt32Array, UInt64Array,
};
use arrow_schema::DataType;
use pyo3::prelude::*;

use super::arrow::{Table, Text, read_table};
use super::linkage::{COLUMNS, Columns, table};
use super::to_python;
use crate::error::{Error, Kind};
use crate::linkage::blocks::Population;
use crate::linkage::cluster::Place;
use crate::linkage::link::{Linked, Options, link};
use crate::linkage::model::{Model, probability};
use crate::linkage::parts::Parts;
use crate::linkage::prior::people_learning;
use crate::linkage::registry::{Registry, Row, most_against};

/// A record's id as the caller wrote it.
enum Ids {
    Numbers(Vec<i64>),
    Texts(Vec<Box<str>>),
}

impl Ids {
    fn extend(&mut self, batch: &RecordBatch, first: usize) -> Result<(), Error> {
        let wrong = |what: &str| {
            Error::new(Kind::Schema, "linkage.record_id", format!("column record_id {what}"))
        };
        let Some(column) = batch.column_by_name("record_id") else {
            let rows = first as i64..(first + batch.num_rows()) as i64;
            return self.numbers(rows).ok_or_else(|| wrong("is missing in a part of the table"));
        };
        if column.null_count() > 0 {
            return Err(wrong("has rows without an id"));
        }
        let mixed = || wrong("changes its type");
        match column.data_type() {
            DataType::Int64 => {
                self.numbers(column.as_primitive::<Int64Type>().values().iter().copied())
            }
            DataType::Int32 => self
                .numbers(column.as_primitive::<Int32Type>().values().iter().map(|v| (*v).into())),
            DataType::UInt32 => self
                .numbers(column.as_primitive::<UInt32Type>().values().iter().map(|v| (*v).into())),
            DataType::UInt64 => {
                self.numbers(column.as_primitive::<UInt64Type>().values().iter().map(|v| *v as i64))
            }
            _ => {
                let text = Text::of("record_id", column)?;
                let texts = (0..batch.num_rows()).map(|r| text.get(r).unwrap_or("").into());
                self.texts(texts)
            }
        }
        .ok_or_else(mixed)
    }

    fn numbers(&mut self, values: impl Iterator<Item = i64>) -> Option<()> {
        if let Self::Texts(known) = self {
            known.is_empty().then_some(())?;
            *self = Self::Numbers(Vec::new());
        }
        if let Self::Numbers(known) = self {
            known.extend(values);
        }
        Some(())
    }

    fn texts(&mut self, values: impl Iterator<Item = Box<str>>) -> Option<()> {
        let Self::Texts(known) = self else { return None };
        known.extend(values);
        Some(())
    }

    fn column(&self, records: impl Iterator<Item = usize>) -> (DataType, ArrayRef) {
        match self {
            Self::Numbers(ids) => {
                let array = Int64Array::from_iter_values(records.map(|r| ids[r]));
                (DataType::Int64, Arc::new(array))
            }
            Self::Texts(ids) => {
                let array = LargeStringArray::from_iter_values(records.map(|r| &*ids[r]));
                (DataType::LargeUtf8, Arc::new(array))
            }
        }
    }
}

/// As many as asked for, or one for each processor.
pub(super) fn threads_of(asked: Option<usize>) -> usize {
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    asked.unwrap_or(available).clamp(1, 64)
}

/// Reads records part by part, then links them all.
#[pyclass(module = "core_rs")]
pub(super) struct PeopleLinker {
    registry: Registry,
    ids: Ids,
    threads: usize,
}

/// What tells whether a row was sent twice.
const SENT: [&str; 3] = ["device_id", "batch_id", "registered_at"];

#[pymethods]
impl PeopleLinker {
    #[classattr]
    #[pyo3(name = "COLUMNS")]
    fn columns() -> Vec<&'static str> {
        ["record_id"].into_iter().chain(COLUMNS.concat()).chain(SENT).collect()
    }

    #[new]
    #[pyo3(signature = (*, threads=None, ward_successors=None))]
    fn new(threads: Option<usize>, ward_successors: Option<BTreeMap<String, String>>) -> Self {
        let wards = ward_successors.unwrap_or_default();
        let registry = Registry::new(wards.iter().map(|(old, new)| (&**old, &**new)));
        let threads = threads_of(threads);
        Self { registry, ids: Ids::Texts(Vec::new()), threads }
    }

    fn __len__(&self) -> usize {
        self.registry.len()
    }

    fn add(&mut self, py: Python<'_>, records: &Bound<'_, PyAny>) -> PyResult<()> {
        let (_, batches) = read_table(records)?;
        py.detach(|| self.read(&batches)).map_err(|e| to_python(py, &e))
    }

    /// Writes the rows read as one part of a linking in tasks.
    fn save_part(&mut self, py: Python<'_>, directory: PathBuf, part: usize) -> PyResult<()> {
        py.detach(|| Parts::new(directory, 1, 1).store_read(part, &self.registry))
            .map_err(|e| to_python(py, &e))
    }

    #[pyo3(signature = (*, learn=true, after_step=None))]
    #[allow(clippy::needless_pass_by_value, reason = "PyO3 hands over owned objects")]
    fn link(
        &mut self,
        py: Python<'_>,
        learn: bool,
        after_step: Option<Py<PyAny>>,
    ) -> PyResult<Linkage> {
        let failed = OnceLock::new();
        let tell = |step| {
            let told = |hear: &Py<PyAny>| Python::attach(|py| hear.call1(py, (step,)));
            if let Some(Err(error)) = after_step.as_ref().map(told) {
                // The first is raised at the end; the steps go on.
                let _ = failed.set(error);
            }
        };
        let linkage = py.detach(|| self.finish(learn, &tell));
        failed.into_inner().map_or(Ok(linkage), Err)
    }
}

impl PeopleLinker {
    fn read(&mut self, batches: &[RecordBatch]) -> Result<(), Error> {
        let mut parts = Vec::new();
        let mut first = self.registry.len();
        for batch in batches {
            self.ids.extend(batch, first)?;
            first += batch.num_rows();
            let sent = SENT.map(|name| {
                batch.column_by_name(name).map_or(Ok(Text::Null), |c| Text::of(name, c))
            });
            let [device, ingest, at] = sent;
            parts.push((batch.num_rows(), Columns::of(batch)?, [device?, ingest?, at?]));
        }
        let starts: Vec<usize> = parts
            .iter()
            .scan(0, |sum, (rows, ..)| {
                let start = *sum;
                *sum += rows;
                Some(start)
            })
            .collect();
        let count = parts.iter().map(|(rows, ..)| rows).sum();
        let row = |at: usize| {
            let part = starts.partition_point(|start| *start <= at) - 1;
            let (_, columns, sent) = &parts[part];
            let row = at - starts[part];
            Row { typed: columns.row(row), sent: [0, 1, 2].map(|i| sent[i].get(row)) }
        };
        self.registry.read(count, row, self.threads);
        Ok(())
    }

    fn finish(&mut self, learn: bool, done: &dyn Fn(&'static str)) -> Linkage {
        let registry = std::mem::replace(&mut self.registry, Registry::new(std::iter::empty()));
        let ids = std::mem::replace(&mut self.ids, Ids::Texts(Vec::new()));
        Linkage::of(registry, ids, self.threads, learn, done)
    }
}

impl Linkage {
    fn of(
        mut registry: Registry,
        ids: Ids,
        threads: usize,
        learn: bool,
        done: &dyn Fn(&'static str),
    ) -> Self {
        let (start, how) = (Model::people(), people_learning());
        let same_as = registry.settle(threads);
        let options = Options { threads, learn, ..Options::default() };
        let linked = link(&registry, &same_as, start, &how, most_against, options, done);
        let conflicts = registry.shared_tubes(|r| linked.places[r as usize].entity);
        Self { registry, ids, linked, conflicts }
    }

    /// Links what an index holds; the ids are its persons.
    pub(super) fn of_persons(registry: Registry, persons: Vec<i64>, threads: usize) -> Self {
        Self::of(registry, Ids::Numbers(persons), threads, true, &|_| ())
    }
}

/// The result of linking: a table, and how it came about.
#[pyclass(module = "core_rs", frozen)]
pub(super) struct Linkage {
    registry: Registry,
    ids: Ids,
    linked: Linked,
    conflicts: Vec<u32>,
}

/// Below this probability a person should look at the link.
const REVIEW_BELOW: f64 = 0.95;

/// Probability of the weakest join that holds a record, none for one alone.
pub(super) fn score(place: &Place) -> Option<f64> {
    place.bits.is_finite().then(|| probability(place.bits.into()))
}

/// Whether the join is weak, or a plausible link was refused.
pub(super) fn needs_review(place: &Place) -> bool {
    place.torn || score(place).is_some_and(|score| score < REVIEW_BELOW)
}

#[pymethods]
impl Linkage {
    fn __len__(&self) -> usize {
        self.linked.places.len()
    }

    /// `record_id, entity_id, score, review`.
    fn table(&self, py: Python<'_>) -> PyResult<Table> {
        let places = &self.linked.places;
        let (kind, record_ids) = self.ids.column(0..places.len());
        let (_, entity_ids) = self.ids.column(places.iter().map(|p| p.entity as usize));
        let scores: Float64Array = places.iter().map(score).collect();
        let review: BooleanArray = places
            .iter()
            .enumerate()
            .map(|(record, place)| {
                let conflict = self.conflicts.binary_search(&(record as u32)).is_ok();
                Some(needs_review(place) || conflict)
            })
            .collect();
        table(vec![
            ("record_id", kind.clone(), record_ids),
            ("entity_id", kind, entity_ids),
            ("score", DataType::Float64, Arc::new(scores)),
            ("review", DataType::Boolean, Arc::new(review)),
        ])
        .map_err(|e| to_python(py, &e))
    }

    /// Plausible pairs by row numbers: `a, b, bits, pattern`.
    fn pairs(&self, py: Python<'_>) -> PyResult<Table> {
        let edges = &self.linked.edges;
        let column = |values: Vec<u32>| -> ArrayRef { Arc::new(UInt32Array::from(values)) };
        table(vec![
            ("a", DataType::UInt32, column(edges.iter().map(|e| e.0).collect())),
            ("b", DataType::UInt32, column(edges.iter().map(|e| e.1).collect())),
            (
                "bits",
                DataType::Float64,
                Arc::new(Float64Array::from_iter_values(edges.iter().map(|e| f64::from(e.2)))),
            ),
            (
                "pattern",
                DataType::UInt64,
                Arc::new(UInt64Array::from_iter_values(
                    edges.iter().map(|e| self.registry.compare(e.0, e.1)),
                )),
            ),
        ])
        .map_err(|e| to_python(py, &e))
    }

    /// How many pairs were compared, by the first rule that brought them.
    #[getter]
    fn compared(&self) -> BTreeMap<String, u64> {
        self.linked.compared.iter().cloned().collect()
    }

    /// Pairs left out because their block was too large, by rule.
    #[getter]
    fn lost_candidates(&self) -> BTreeMap<String, u64> {
        self.linked.lost.iter().cloned().collect()
    }

    /// Seconds of each step.
    #[getter]
    fn seconds(&self) -> BTreeMap<&'static str, f64> {
        self.linked.seconds.iter().copied().collect()
    }

    /// What was learnt: field → level → probability in each class, strangers last.
    #[getter]
    fn probabilities(&self) -> BTreeMap<String, Vec<(String, Vec<f64>)>> {
        let model = &self.linked.model;
        let fields = model.fields.iter().enumerate().map(|(at, field)| {
            let levels = field.levels.iter().enumerate().skip(1).map(|(level, name)| {
                (name.clone(), model.classes.iter().map(|c| c[at][level]).collect())
            });
            (field.name.clone(), levels.collect())
        });
        fields.collect()
    }

    /// Pairs a record, of each class but strangers.
    #[getter]
    fn rates(&self) -> Vec<f64> {
        self.linked.model.rates.clone()
    }

    /// Prior bits and the weight of every field of a pattern.
    fn explain(&self, pattern: u64) -> (f64, Vec<(String, String, f64)>) {
        super::linkage::weights(&self.linked.model, pattern, self.linked.places.len())
    }
}

/// Links people: every record of `records` gets an entity.
#[pyfunction]
#[pyo3(signature = (records, *, threads=None, learn=true, ward_successors=None))]
fn link_people(
    py: Python<'_>,
    records: &Bound<'_, PyAny>,
    threads: Option<usize>,
    learn: bool,
    ward_successors: Option<BTreeMap<String, String>>,
) -> PyResult<Table> {
    let mut linker = PeopleLinker::new(threads, ward_successors);
    linker.add(py, records)?;
    linker.link(py, learn, None)?.table(py)
}

/// Adds this area's functions and classes to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PeopleLinker>()?;
    module.add_class::<Linkage>()?;
    module.add_function(wrap_pyfunction!(link_people, module)?)
}
