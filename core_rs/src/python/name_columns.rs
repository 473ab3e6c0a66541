//! Whole columns of names, phones, ids and dates: Arrow in, Arrow out, the GIL released.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, RecordBatch, StringArray, UInt8Array, UInt16Array, UInt32Array,
};
use pyo3::prelude::*;

use super::arrow::{Table, Text, read_table};
use super::to_python;
use crate::error::{Error, Kind};
use crate::names::{dates, ids, legacy, phones, sort, text};

/// Whether a column was written before Unicode, and what says so.
#[pyclass(module = "core_rs", name = "ColumnVerdict", frozen, get_all)]
struct PyColumnVerdict {
    encoding: &'static str,
    for_it: usize,
    against: usize,
}

type Columns = Vec<(&'static str, ArrayRef)>;

/// Reads the text column `name` and hands its values, chunk by chunk, to `work` without the GIL.
fn map_column<W>(py: Python<'_>, table: &Bound<'_, PyAny>, name: &str, work: W) -> PyResult<Table>
where
    W: Fn(&[Option<&str>]) -> Columns + Sync,
{
    let (schema, batches) = read_table(table)?;
    let made = py.detach(|| -> Result<Vec<RecordBatch>, Error> {
        let at = schema.index_of(name).map_err(|_| missing(name))?;
        let mut made = Vec::with_capacity(batches.len().max(1));
        for batch in &batches {
            let column = Text::of(name, batch.column(at))?;
            let values: Vec<Option<&str>> =
                (0..batch.num_rows()).map(|row| column.get(row)).collect();
            made.push(batch_of(work(&values))?);
        }
        if made.is_empty() {
            made.push(batch_of(work(&[]))?);
        }
        Ok(made)
    });
    let made = made.map_err(|e| to_python(py, &e))?;
    Ok(Table::new(made[0].schema(), made))
}

fn batch_of(columns: Columns) -> Result<RecordBatch, Error> {
    let nullable = columns.into_iter().map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(nullable)
        .map_err(|e| Error::new(Kind::Schema, "arrow.schema", e.to_string()))
}

fn missing(name: &str) -> Error {
    Error::new(Kind::Schema, "arrow.column_missing", format!("the table has no column {name}"))
}

fn texts<T: AsRef<str>>(values: impl Iterator<Item = Option<T>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

#[pyfunction]
#[pyo3(signature = (table, column="full_name"))]
fn fold_names(py: Python<'_>, table: &Bound<'_, PyAny>, column: &str) -> PyResult<Table> {
    map_column(py, table, column, |values| {
        vec![("folded", texts(values.iter().map(|v| v.map(text::fold_name))))]
    })
}

#[pyfunction]
#[pyo3(signature = (table, column="full_name"))]
fn name_keys(py: Python<'_>, table: &Bound<'_, PyAny>, column: &str) -> PyResult<Table> {
    map_column(py, table, column, |values| {
        let each = |make: fn(&str) -> String| texts(values.iter().map(|v| v.map(make)));
        let stored: Vec<_> = values.iter().map(|v| v.map(text::normalise_name)).collect();
        let parts: Vec<_> = stored.iter().map(|v| v.as_deref().map(text::split_name)).collect();
        let part =
            |of: fn(&text::NameParts) -> &String| texts(parts.iter().map(|v| v.as_ref().map(of)));
        let both = stored.iter().zip(&parts);
        let keys: BinaryArray = both
            .map(|(name, parts)| Some(sort::sort_key_of(name.as_deref()?, parts.as_ref()?)))
            .collect();
        vec![
            ("normalised", texts(stored.iter().map(Option::as_deref))),
            ("canonical", each(text::canonical_name)),
            ("folded", each(text::fold_name)),
            ("soft_folded", each(text::soft_fold_name)),
            ("surname", part(|p| &p.surname)),
            ("middle", part(|p| &p.middle)),
            ("given", part(|p| &p.given)),
            ("sort_key", Arc::new(keys)),
        ]
    })
}

#[pyfunction]
#[pyo3(signature = (table, column="full_name"))]
fn repair_names(
    py: Python<'_>,
    table: &Bound<'_, PyAny>,
    column: &str,
) -> PyResult<(Table, PyColumnVerdict)> {
    let (schema, batches) = read_table(table)?;
    let done = py.detach(|| -> Result<_, Error> {
        let at = schema.index_of(column).map_err(|_| missing(column))?;
        let mut values = Vec::new();
        for batch in &batches {
            let chunk = Text::of(column, batch.column(at))?;
            values.extend((0..batch.num_rows()).map(|row| chunk.get(row)));
        }
        let verdict = legacy::judge_column(values.iter().copied().flatten());
        let repairs: Vec<_> = values
            .iter()
            .map(|v| v.map(|v| legacy::repair_in_column(v, verdict.encoding)))
            .collect();
        let evidence: UInt32Array =
            repairs.iter().map(|r| r.as_ref().map(|r| r.evidence as u32)).collect();
        let batch = batch_of(vec![
            ("text", texts(repairs.iter().map(|r| r.as_ref().map(|r| &r.text)))),
            ("encoding", texts(repairs.iter().map(|r| r.as_ref().map(|r| r.encoding.name())))),
            ("evidence", Arc::new(evidence)),
        ])?;
        Ok((batch, verdict))
    });
    let (batch, verdict) = done.map_err(|e| to_python(py, &e))?;
    let verdict = PyColumnVerdict {
        encoding: verdict.encoding.name(),
        for_it: verdict.for_it,
        against: verdict.against,
    };
    Ok((Table::new(batch.schema(), vec![batch]), verdict))
}

/// Codes of warnings in one cell, comma between; null where there are none.
fn codes(warnings: &[crate::names::Warning]) -> Option<String> {
    let codes: Vec<&str> = warnings.iter().map(|w| w.code).collect();
    (!codes.is_empty()).then(|| codes.join(","))
}

/// `number`, `kind`, `warnings`, `problem` of results of parsing.
fn outcome<T>(
    results: &[Option<Result<T, Error>>],
    number: impl Fn(&T) -> (&str, &'static str, Option<String>),
) -> Columns {
    let good = || results.iter().map(|r| r.as_ref().and_then(|r| r.as_ref().ok()).map(&number));
    let bad = results.iter().map(|r| r.as_ref().and_then(|r| r.as_ref().err()).map(Error::code));
    vec![
        ("number", texts(good().map(|g| g.map(|g| g.0)))),
        ("kind", texts(good().map(|g| g.map(|g| g.1)))),
        ("warnings", texts(good().map(|g| g.and_then(|g| g.2)))),
        ("problem", texts(bad)),
    ]
}

#[pyfunction]
#[pyo3(signature = (table, column="phone"))]
fn parse_phones(py: Python<'_>, table: &Bound<'_, PyAny>, column: &str) -> PyResult<Table> {
    map_column(py, table, column, |values| {
        let parsed: Vec<_> = values.iter().map(|v| v.map(phones::parse_phone)).collect();
        outcome(&parsed, |p| (&p.national, super::names::phone_kind(p), codes(&p.warnings)))
    })
}

#[pyfunction]
#[pyo3(signature = (table, column="national_id"))]
fn parse_national_ids(py: Python<'_>, table: &Bound<'_, PyAny>, column: &str) -> PyResult<Table> {
    map_column(py, table, column, |values| {
        let parsed: Vec<_> =
            values.iter().map(|v| v.map(|v| ids::parse_national_id(v, None, None))).collect();
        outcome(&parsed, |p| (&p.number, super::names::id_kind(p), codes(&p.warnings)))
    })
}

#[pyfunction]
#[pyo3(signature = (table, column="birth_date", *, latest_year=2030))]
fn parse_dates(
    py: Python<'_>,
    table: &Bound<'_, PyAny>,
    column: &str,
    latest_year: u16,
) -> PyResult<Table> {
    map_column(py, table, column, |values| {
        let parsed: Vec<_> =
            values.iter().map(|v| v.map(|v| dates::parse_date(v, latest_year))).collect();
        let good = || parsed.iter().map(|r| r.as_ref().and_then(|r| r.as_ref().ok()));
        let bad = parsed.iter().map(|r| r.as_ref().and_then(|r| r.as_ref().err()).map(Error::code));
        let years: UInt16Array = good().map(|g| g.map(|g| g.0.year)).collect();
        let months: UInt8Array = good().map(|g| g.and_then(|g| g.0.month)).collect();
        let days: UInt8Array = good().map(|g| g.and_then(|g| g.0.day)).collect();
        vec![
            ("iso", texts(good().map(|g| g.map(|g| g.0.to_string())))),
            ("year", Arc::new(years)),
            ("month", Arc::new(months)),
            ("day", Arc::new(days)),
            ("precision", texts(good().map(|g| g.map(|g| g.0.precision().name())))),
            ("warnings", texts(good().map(|g| g.and_then(|g| codes(&g.1))))),
            ("problem", texts(bad)),
        ]
    })
}

/// Adds the functions on columns to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyColumnVerdict>()?;
    module.add_function(wrap_pyfunction!(fold_names, module)?)?;
    module.add_function(wrap_pyfunction!(name_keys, module)?)?;
    module.add_function(wrap_pyfunction!(repair_names, module)?)?;
    module.add_function(wrap_pyfunction!(parse_phones, module)?)?;
    module.add_function(wrap_pyfunction!(parse_national_ids, module)?)?;
    module.add_function(wrap_pyfunction!(parse_dates, module)?)
}
