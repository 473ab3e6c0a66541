//! Python face of `credential::merkle`.

use std::sync::{Mutex, MutexGuard};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use super::arrow::{Text, read_table};
use super::to_python;
use crate::credential::merkle::{self, Hash, MerkleLog, RunningRoot};
use crate::error::{Error, Kind, Result};

#[pyclass(module = "core_rs", name = "MerkleLog", frozen)]
struct PyMerkleLog {
    log: Mutex<MerkleLog>,
}

/// Hands every entry of a binary or text column to `work`; a null is an error.
fn each_entry(column: &ArrayRef, name: &str, mut work: impl FnMut(&[u8])) -> Result<()> {
    let missing = || {
        Error::new(Kind::Invalid, "merkle.null", format!("column {name} has a row without entry"))
    };
    if column.null_count() > 0 {
        return Err(missing());
    }
    match column.data_type() {
        DataType::Binary => column.as_binary::<i32>().iter().flatten().for_each(work),
        DataType::LargeBinary => column.as_binary::<i64>().iter().flatten().for_each(work),
        DataType::BinaryView => column.as_binary_view().iter().flatten().for_each(work),
        _ => {
            let text = Text::of(name, column)?;
            for row in 0..column.len() {
                work(text.get(row).ok_or_else(missing)?.as_bytes());
            }
        }
    }
    Ok(())
}

fn hash_of(bytes: &[u8]) -> PyResult<Hash> {
    bytes.try_into().map_err(|_| PyValueError::new_err("a hash has 32 bytes"))
}

fn hashes_of(proof: &[Vec<u8>]) -> PyResult<Vec<Hash>> {
    proof.iter().map(|hash| hash_of(hash)).collect()
}

impl PyMerkleLog {
    fn lock(&self) -> PyResult<MutexGuard<'_, MerkleLog>> {
        self.log.lock().map_err(|_| PyValueError::new_err("a thread failed while it held the log"))
    }
}

fn beyond() -> PyErr {
    PyIndexError::new_err("the log has no such entry or size")
}

#[pymethods]
impl PyMerkleLog {
    #[new]
    #[pyo3(signature = (leaves=None))]
    fn new(py: Python<'_>, leaves: Option<&[u8]>) -> PyResult<Self> {
        let leaves = leaves.unwrap_or_default();
        if !leaves.len().is_multiple_of(32) {
            return Err(PyValueError::new_err("leaves are hashes of 32 bytes"));
        }
        let log = py.detach(|| {
            let mut log = MerkleLog::default();
            for leaf in leaves.as_chunks::<32>().0 {
                log.append_leaf(*leaf);
            }
            log
        });
        Ok(Self { log: Mutex::new(log) })
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(self.lock()?.len())
    }

    fn append(&self, entry: &[u8]) -> PyResult<usize> {
        Ok(self.lock()?.append(entry))
    }

    #[pyo3(signature = (table, column="entry"))]
    fn append_many(
        &self,
        py: Python<'_>,
        table: &Bound<'_, PyAny>,
        column: &str,
    ) -> PyResult<usize> {
        let (schema, batches) = read_table(table)?;
        let done = py.detach(|| -> Result<usize> {
            let at = schema.index_of(column).map_err(|_| missing(column))?;
            // All or nothing: a bad row must not leave the rows before it in the log.
            let mut leaves = Vec::new();
            for batch in &batches {
                each_entry(batch.column(at), column, |e| leaves.push(merkle::leaf_hash(e)))?;
            }
            let mut log = self.log.lock().map_err(|_| {
                Error::new(Kind::LimitReached, "merkle.lock", "a thread failed with the log")
            })?;
            for leaf in leaves {
                log.append_leaf(leaf);
            }
            Ok(log.len())
        });
        done.map_err(|e| to_python(py, &e))
    }

    #[pyo3(signature = (size=None))]
    fn root<'py>(&self, py: Python<'py>, size: Option<usize>) -> PyResult<Bound<'py, PyBytes>> {
        let log = self.lock()?;
        let root = log.root(size.unwrap_or_else(|| log.len())).ok_or_else(beyond)?;
        Ok(PyBytes::new(py, &root))
    }

    fn leaf<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.lock()?.leaf(index).ok_or_else(beyond)?))
    }

    #[pyo3(signature = (start=0))]
    fn leaves<'py>(&self, py: Python<'py>, start: usize) -> PyResult<Bound<'py, PyBytes>> {
        let log = self.lock()?;
        let leaves: Vec<Hash> = (start..log.len()).filter_map(|n| log.leaf(n)).collect();
        Ok(PyBytes::new(py, leaves.as_flattened()))
    }

    #[pyo3(signature = (index, size=None))]
    fn inclusion_proof<'py>(
        &self,
        py: Python<'py>,
        index: usize,
        size: Option<usize>,
    ) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let log = self.lock()?;
        let size = size.unwrap_or_else(|| log.len());
        let proof = log.inclusion_proof(index, size).ok_or_else(beyond)?;
        Ok(proof.iter().map(|hash| PyBytes::new(py, hash)).collect())
    }

    #[pyo3(signature = (old_size, new_size=None))]
    fn consistency_proof<'py>(
        &self,
        py: Python<'py>,
        old_size: usize,
        new_size: Option<usize>,
    ) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let log = self.lock()?;
        let size = new_size.unwrap_or_else(|| log.len());
        let proof = log.consistency_proof(old_size, size).ok_or_else(beyond)?;
        Ok(proof.iter().map(|hash| PyBytes::new(py, hash)).collect())
    }
}

fn missing(column: &str) -> Error {
    let message = format!("the table has no column {column}");
    Error::new(Kind::Schema, "arrow.column_missing", message)
}

#[pyclass(module = "core_rs", name = "RunningRoot", frozen)]
struct PyRunningRoot {
    running: Mutex<RunningRoot>,
}

impl PyRunningRoot {
    fn lock(&self) -> PyResult<MutexGuard<'_, RunningRoot>> {
        self.running.lock().map_err(|_| PyValueError::new_err("a thread failed with the root"))
    }
}

#[pymethods]
impl PyRunningRoot {
    #[new]
    fn new() -> Self {
        Self { running: Mutex::default() }
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(self.lock()?.len())
    }

    #[allow(clippy::needless_pass_by_value, reason = "pyo3 hands over what it made of the list")]
    fn add<'py>(
        &self,
        py: Python<'py>,
        entries: Vec<PyBackedBytes>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let leaves = py.detach(|| -> PyResult<Vec<Hash>> {
            let mut running = self.lock()?;
            Ok(entries.iter().map(|entry| running.add(entry)).collect())
        })?;
        Ok(PyBytes::new(py, leaves.as_flattened()))
    }

    fn add_leaves(&self, py: Python<'_>, leaves: &[u8]) -> PyResult<()> {
        let (leaves, []) = leaves.as_chunks::<32>() else {
            return Err(PyValueError::new_err("leaves are hashes of 32 bytes"));
        };
        py.detach(|| {
            let mut running = self.lock()?;
            for leaf in leaves {
                running.add_leaf(*leaf);
            }
            Ok(())
        })
    }

    fn root<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.lock()?.root()))
    }

    fn copy(&self) -> PyResult<Self> {
        Ok(Self { running: Mutex::new(self.lock()?.clone()) })
    }
}

#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "pyo3 hands over what it made of the sequence")]
fn verify_inclusion(
    entry: &[u8],
    index: usize,
    size: usize,
    proof: Vec<Vec<u8>>,
    root: &[u8],
) -> PyResult<bool> {
    let (proof, root) = (hashes_of(&proof)?, hash_of(root)?);
    Ok(merkle::verify_inclusion(&merkle::leaf_hash(entry), index, size, &proof, &root))
}

#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "pyo3 hands over what it made of the sequence")]
fn verify_consistency(
    old_size: usize,
    new_size: usize,
    old_root: &[u8],
    new_root: &[u8],
    proof: Vec<Vec<u8>>,
) -> PyResult<bool> {
    let (old, new) = (hash_of(old_root)?, hash_of(new_root)?);
    Ok(merkle::verify_consistency(old_size, new_size, &old, &new, &hashes_of(&proof)?))
}

#[pyfunction]
fn leaf_hash<'py>(py: Python<'py>, entry: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &merkle::leaf_hash(entry))
}

#[pyfunction]
#[pyo3(signature = (table, column="entry"))]
fn merkle_root<'py>(
    py: Python<'py>,
    table: &Bound<'py, PyAny>,
    column: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let (schema, batches) = read_table(table)?;
    let root = py.detach(|| -> Result<Hash> {
        let at = schema.index_of(column).map_err(|_| missing(column))?;
        let mut root = RunningRoot::default();
        for batch in &batches {
            each_entry(batch.column(at), column, |entry| {
                root.add(entry);
            })?;
        }
        Ok(root.root())
    });
    Ok(PyBytes::new(py, &root.map_err(|e| to_python(py, &e))?))
}

/// Adds the log and its verifiers to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyMerkleLog>()?;
    module.add_class::<PyRunningRoot>()?;
    module.add_function(wrap_pyfunction!(verify_inclusion, module)?)?;
    module.add_function(wrap_pyfunction!(verify_consistency, module)?)?;
    module.add_function(wrap_pyfunction!(leaf_hash, module)?)?;
    module.add_function(wrap_pyfunction!(merkle_root, module)?)
}
