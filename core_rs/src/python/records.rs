//! Python face of linking records of any kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, UInt32Array};
use arrow_schema::DataType;
use pyo3::prelude::*;

use super::arrow::{Table, Text, read_table};
use super::linkage::table;
use super::to_python;
use crate::error::{Error, Kind as ErrorKind};
use crate::linkage::link::{Linked, Options, link};
use crate::linkage::records::{Kind, Records};

type Pairs = (Table, Table, BTreeMap<String, u64>);

/// Links records of any kind.
#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands over owned values")]
#[pyfunction]
#[pyo3(signature = (records, fields, *, source=None, threads=None))]
fn link_records(
    py: Python<'_>,
    records: &Bound<'_, PyAny>,
    fields: BTreeMap<String, String>,
    source: Option<String>,
    threads: Option<usize>,
) -> PyResult<Pairs> {
    let (_, batches) = read_table(records)?;
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.unwrap_or(available).clamp(1, 64);
    py.detach(|| {
        let linked = run(&batches, &fields, source.as_deref(), threads)?;
        Ok((entities(&linked)?, pairs(&linked)?, linked.lost.into_iter().collect()))
    })
    .map_err(|e: Error| to_python(py, &e))
}

fn run(
    batches: &[RecordBatch],
    fields: &BTreeMap<String, String>,
    source: Option<&str>,
    threads: usize,
) -> Result<Linked, Error> {
    let wrong = |m: String| Error::new(ErrorKind::Schema, "linkage.fields", m);
    let mut kinds = Vec::new();
    for (name, kind) in fields {
        let kind = Kind::parse(kind).ok_or_else(|| {
            wrong(format!("field {name}: kind {kind} is none of name, text, code, number, date"))
        })?;
        kinds.push((name.clone(), kind));
    }
    if kinds.is_empty() || kinds.len() > 12 {
        return Err(wrong(format!("{} fields; from 1 to 12 can be compared", kinds.len())));
    }
    let column = |batch: &'_ RecordBatch, name: &str| -> Result<ArrayRef, Error> {
        let found = batch.column_by_name(name).ok_or_else(|| wrong(format!("no column {name}")))?;
        Ok(Arc::clone(found))
    };
    let names = kinds.iter().map(|(name, _)| name.as_str()).chain(source);
    let names: Vec<&str> = names.collect();
    let mut arrays = Vec::new();
    for batch in batches {
        let own = names.iter().map(|n| column(batch, n)).collect::<Result<Vec<_>, _>>()?;
        arrays.push((batch.num_rows(), own));
    }
    let mut texts = Vec::new();
    for (rows, own) in &arrays {
        let read = names.iter().zip(own).map(|(n, a)| Text::of(n, a));
        texts.push((*rows, read.collect::<Result<Vec<_>, _>>()?));
    }
    let mut place = Vec::new();
    for (part, (rows, _)) in texts.iter().enumerate() {
        place.extend((0..*rows).map(|row| (part, row)));
    }
    let value = |field: usize, row: usize| {
        let (part, row) = place[row];
        texts[part].1[field].get(row)
    };
    let records = Records::read(&kinds, place.len(), value, source.is_some());
    let (model, how) = records.model(&kinds);
    let same_as: Vec<u32> = (0..place.len() as u32).collect();
    Ok(link(
        &records,
        &same_as,
        model,
        &how,
        |_| Some(2.0),
        Options { threads, learn: true, least_bits: -14.0 },
        &|_| (),
    ))
}

fn entities(linked: &Linked) -> Result<Table, Error> {
    let entity = UInt32Array::from_iter_values(linked.places.iter().map(|p| p.entity));
    let bits = Float64Array::from_iter_values(linked.places.iter().map(|p| f64::from(p.bits)));
    table(vec![
        ("entity", DataType::UInt32, Arc::new(entity)),
        ("bits", DataType::Float64, Arc::new(bits)),
    ])
}

fn pairs(linked: &Linked) -> Result<Table, Error> {
    let edges = &linked.edges;
    let column = |values: Vec<u32>| -> ArrayRef { Arc::new(UInt32Array::from(values)) };
    let bits = Float64Array::from_iter_values(edges.iter().map(|e| f64::from(e.2)));
    table(vec![
        ("a", DataType::UInt32, column(edges.iter().map(|e| e.0).collect())),
        ("b", DataType::UInt32, column(edges.iter().map(|e| e.1).collect())),
        ("bits", DataType::Float64, Arc::new(bits)),
    ])
}

/// Adds this area's functions to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(link_records, module)?)
}
