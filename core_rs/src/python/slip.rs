//! Python face of `credential::slip` and of whole columns of codes: the GIL released, all cores.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::arrow::{Table, Text, read_table};
use super::cbor_objects::{instant, to_datetime};
use super::credential::{PyProblem, PyTrustList, der_of, problems_of};
use super::to_python;
use crate::credential::cbor::Value;
use crate::credential::dcc::{self, Problem};
use crate::credential::slip::{self, Slip, SlipSigner, Statement};
use crate::error::{Error, Kind};

#[pyclass(module = "core_rs", name = "SlipSigner", frozen)]
struct PySlipSigner {
    signer: SlipSigner,
}

#[pymethods]
impl PySlipSigner {
    #[new]
    #[pyo3(signature = (private_key, key_id=1))]
    fn new(py: Python<'_>, private_key: &Bound<'_, PyAny>, key_id: u16) -> PyResult<Self> {
        let signer = SlipSigner::new(&der_of(private_key)?, key_id);
        Ok(Self { signer: signer.map_err(|e| to_python(py, &e))? })
    }

    #[getter]
    fn public_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.signer.public_key())
    }

    #[pyo3(signature = (*, kind, outcome, sampled_at, released_at, code, full_name, birth_date))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn sign(
        &self,
        py: Python<'_>,
        kind: &str,
        outcome: &str,
        sampled_at: &Bound<'_, PyAny>,
        released_at: &Bound<'_, PyAny>,
        code: &str,
        full_name: &str,
        birth_date: &str,
    ) -> PyResult<String> {
        let statement = Statement {
            kind,
            outcome,
            sampled_at: instant(sampled_at)?,
            released_at: instant(released_at)?,
            code,
            full_name,
            birth_date,
        };
        self.signer.sign(&statement).map_err(|e| to_python(py, &e))
    }
}

#[pyclass(module = "core_rs", name = "Slip", frozen)]
struct PySlip {
    slip: Option<Slip>,
    #[pyo3(get)]
    problems: Vec<PyProblem>,
}

#[pymethods]
impl PySlip {
    #[getter]
    fn is_valid(&self) -> bool {
        self.problems.is_empty()
    }

    #[getter]
    fn key_id(&self) -> Option<u16> {
        self.slip.as_ref().map(|s| s.key_id)
    }

    #[getter]
    fn kind(&self) -> Option<&'static str> {
        self.slip.as_ref().map(|s| s.kind)
    }

    #[getter]
    fn outcome(&self) -> Option<&'static str> {
        self.slip.as_ref().map(|s| s.outcome)
    }

    #[getter]
    fn code(&self) -> Option<&str> {
        self.slip.as_ref().map(|s| s.code.as_str())
    }

    #[getter]
    fn sampled_at(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.slip.as_ref().map(|s| to_datetime(py, s.sampled_at)).transpose()
    }

    #[getter]
    fn released_at(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.slip.as_ref().map(|s| to_datetime(py, s.released_at)).transpose()
    }

    fn is_of(&self, full_name: &str, birth_date: &str) -> bool {
        self.slip.as_ref().is_some_and(|s| s.is_of(full_name, birth_date))
    }
}

type Keys = HashMap<u16, Vec<u8>>;

#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "pyo3 hands over what it made of the mapping")]
fn verify_slip(text: &str, keys: Keys) -> PySlip {
    let (slip, problems) = slip::verify(text, |id| keys.get(&id).map(Vec::as_slice));
    PySlip { slip, problems: problems_of(problems) }
}

/// Works on a text column with `threads` threads, in order, without the GIL.
fn map_texts<T: Send>(
    py: Python<'_>,
    table: &Bound<'_, PyAny>,
    column: &str,
    threads: Option<usize>,
    work: impl Fn(&str) -> T + Sync,
) -> PyResult<Vec<Option<T>>> {
    let (schema, batches) = read_table(table)?;
    let done = py.detach(|| -> Result<_, Error> {
        let at = schema.index_of(column).map_err(|_| {
            let message = format!("the table has no column {column}");
            Error::new(Kind::Schema, "arrow.column_missing", message)
        })?;
        let mut texts = Vec::new();
        for batch in &batches {
            let chunk = Text::of(column, batch.column(at))?;
            texts.extend((0..batch.num_rows()).map(|row| chunk.get(row)));
        }
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = threads.unwrap_or_else(cores).max(1);
        let share = texts.len().div_ceil(threads).max(1);
        let work = &work;
        Ok(std::thread::scope(|scope| {
            let running: Vec<_> = texts
                .chunks(share)
                .map(|part| {
                    scope.spawn(move || part.iter().map(|t| t.map(work)).collect::<Vec<_>>())
                })
                .collect();
            running
                .into_iter()
                .flat_map(|thread| thread.join().unwrap_or_else(|p| std::panic::resume_unwind(p)))
                .collect()
        }))
    });
    done.map_err(|e| to_python(py, &e))
}

fn codes(problems: &[Problem]) -> Option<String> {
    let codes: Vec<_> = problems.iter().map(|p| p.code).collect();
    (!codes.is_empty()).then(|| codes.join(","))
}

fn table_of(py: Python<'_>, columns: Vec<(&str, ArrayRef)>) -> PyResult<Table> {
    let nullable = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(nullable)
        .map_err(|e| to_python(py, &Error::new(Kind::Schema, "arrow.schema", e.to_string())))?;
    Ok(Table::new(batch.schema(), vec![batch]))
}

fn texts<T: AsRef<str>>(values: impl Iterator<Item = Option<T>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

#[pyfunction]
#[pyo3(signature = (table, trust, at, column="code", *, threads=None))]
fn verify_dccs(
    py: Python<'_>,
    table: &Bound<'_, PyAny>,
    trust: &PyTrustList,
    at: &Bound<'_, PyAny>,
    column: &str,
    threads: Option<usize>,
) -> PyResult<Table> {
    let (trust, at) = (trust.now(py)?, instant(at)?);
    let done = map_texts(py, table, column, threads, |text| dcc::verify(text, &trust, at))?;
    let each = || done.iter().map(Option::as_ref);
    let dcc = || each().map(|v| v.and_then(|v| v.dcc.as_ref()));
    let valid: BooleanArray = each().map(|v| v.map(|v| v.problems.is_empty())).collect();
    let expires: Int64Array = dcc().map(|d| d.and_then(|d| d.expires_at)).collect();
    let name = |key: &str| {
        let of = |d: &dcc::Dcc| Some(d.content.get("nam")?.get(key)?.text()?.to_owned());
        texts(dcc().map(|d| d.and_then(of)))
    };
    let birth = |d: &dcc::Dcc| d.content.get("dob").and_then(Value::text).map(str::to_owned);
    table_of(
        py,
        vec![
            ("is_valid", Arc::new(valid)),
            ("problems", texts(each().map(|v| v.and_then(|v| codes(&v.problems))))),
            ("issuer", texts(dcc().map(|d| d.and_then(|d| d.issuer.clone())))),
            ("expires_at", Arc::new(expires)),
            ("surname", name("fnt")),
            ("given", name("gnt")),
            ("birth_date", texts(dcc().map(|d| d.and_then(birth)))),
        ],
    )
}

#[pyfunction]
#[pyo3(signature = (table, keys, column="code", *, threads=None))]
#[allow(clippy::needless_pass_by_value, reason = "pyo3 hands over what it made of the mapping")]
fn verify_slips(
    py: Python<'_>,
    table: &Bound<'_, PyAny>,
    keys: Keys,
    column: &str,
    threads: Option<usize>,
) -> PyResult<Table> {
    let find = |id: u16| keys.get(&id).map(Vec::as_slice);
    let done = map_texts(py, table, column, threads, |text| slip::verify(text, find))?;
    let each = || done.iter().map(Option::as_ref);
    let slips = || each().map(|v| v.and_then(|v| v.0.as_ref()));
    let valid: BooleanArray = each().map(|v| v.map(|v| v.1.is_empty())).collect();
    let released: Int64Array = slips().map(|s| s.map(|s| s.released_at)).collect();
    table_of(
        py,
        vec![
            ("is_valid", Arc::new(valid)),
            ("problems", texts(each().map(|v| v.and_then(|v| codes(&v.1))))),
            ("code", texts(slips().map(|s| s.map(|s| s.code.clone())))),
            ("outcome", texts(slips().map(|s| s.map(|s| s.outcome)))),
            ("released_at", Arc::new(released)),
        ],
    )
}

/// Adds slips and columns of codes to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PySlipSigner>()?;
    module.add_class::<PySlip>()?;
    module.add_function(wrap_pyfunction!(verify_slip, module)?)?;
    module.add_function(wrap_pyfunction!(verify_dccs, module)?)?;
    module.add_function(wrap_pyfunction!(verify_slips, module)?)
}
