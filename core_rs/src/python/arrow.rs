//! Tables in and out by the Arrow `PyCapsule` interface: no copy, no Python object a row.
//!
//! Whoever has `__arrow_c_stream__` (polars, pyarrow, pandas, duckdb, our own [`Table`]) can be read;
//! string views, large strings and chunks arrive as they are, so readers go through [`Text`].

#![allow(unsafe_code, reason = "the Arrow C interface is pointers by definition")]

use std::ffi::CStr;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchIterator};
use arrow_schema::{DataType, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};

use crate::error::{Error, Kind};

const STREAM: &CStr = c"arrow_array_stream";

/// A table handed to Python; anything that reads `__arrow_c_stream__` can take it.
#[pyclass(module = "core_rs", frozen)]
pub(crate) struct Table {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl Table {
    /// Wraps batches that share `schema`.
    pub(crate) fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self { schema, batches }
    }
}

#[pymethods]
impl Table {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The producer may ignore a requested schema (Arrow PyCapsule interface, "schema requests").
        drop(requested_schema);
        let batches: Vec<_> = self.batches.clone().into_iter().map(Ok).collect();
        let reader = RecordBatchIterator::new(batches, Arc::clone(&self.schema));
        let stream = FFI_ArrowArrayStream::new(Box::new(reader));
        PyCapsule::new_with_value(py, stream, STREAM)
    }

    fn __len__(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

/// Reads every batch of anything with `__arrow_c_stream__`.
pub(crate) fn read_table(table: &Bound<'_, PyAny>) -> PyResult<(SchemaRef, Vec<RecordBatch>)> {
    let none = PyTuple::empty(table.py());
    let capsule = table.call_method1("__arrow_c_stream__", none)?.cast_into::<PyCapsule>()?;
    let pointer = capsule.pointer_checked(Some(STREAM))?;
    // SAFETY: the name was checked, so the capsule holds an ArrowArrayStream; `from_raw` moves it
    // out and leaves a released stream behind, which the capsule's destructor then skips.
    let stream = unsafe { FFI_ArrowArrayStream::from_raw(pointer.as_ptr().cast()) };
    let reader = RecordBatchStreamReader::try_new(stream)
        .map_err(|e| schema_error(table.py(), &e.to_string()))?;
    let schema = arrow_array::RecordBatchReader::schema(&reader);
    let mut batches = Vec::new();
    for batch in reader {
        batches.push(batch.map_err(|e| schema_error(table.py(), &e.to_string()))?);
    }
    Ok((schema, batches))
}

fn schema_error(py: Python<'_>, message: &str) -> PyErr {
    super::to_python(py, &Error::new(Kind::Schema, "arrow.schema", message))
}

/// A text column of any of Arrow's three layouts, or of nothing but nulls.
pub(crate) enum Text<'a> {
    /// 32-bit offsets.
    Small(&'a arrow_array::StringArray),
    /// 64-bit offsets.
    Large(&'a arrow_array::LargeStringArray),
    /// Views, as polars hands them over.
    View(&'a arrow_array::StringViewArray),
    /// A column that is null throughout.
    Null,
}

impl<'a> Text<'a> {
    /// Borrows `column`; any other type is a schema error that names the column.
    pub(crate) fn of(name: &str, column: &'a ArrayRef) -> Result<Self, Error> {
        match column.data_type() {
            DataType::Utf8 => Ok(Self::Small(column.as_string())),
            DataType::LargeUtf8 => Ok(Self::Large(column.as_string())),
            DataType::Utf8View => Ok(Self::View(column.as_string_view())),
            DataType::Null => Ok(Self::Null),
            other => Err(Error::new(
                Kind::Schema,
                "arrow.column_type",
                format!("column {name} is {other}, and text is needed"),
            )),
        }
    }

    /// The text of a row, `None` if null.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Small(a) => a.is_valid(row).then(|| a.value(row)),
            Self::Large(a) => a.is_valid(row).then(|| a.value(row)),
            Self::View(a) => a.is_valid(row).then(|| a.value(row)),
            Self::Null => None,
        }
    }
}
