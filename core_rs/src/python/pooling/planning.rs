//! Decoding of overlapping pools and packing of households.

#![allow(clippy::needless_pass_by_value, reason = "arguments are taken out of Python objects")]

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::pooling::decode::decode;
use crate::pooling::pack::pack_households;
use crate::python::to_python;

#[pyfunction]
fn decode_pools(
    py: Python<'_>,
    people: u32,
    pools: Vec<Vec<u32>>,
    outcomes: Vec<Option<bool>>,
) -> PyResult<Bound<'_, PyDict>> {
    let made =
        py.detach(|| decode(people, &pools, &outcomes)).map_err(|error| to_python(py, &error))?;
    let row = PyDict::new(py);
    row.set_item("candidates", made.candidates)?;
    row.set_item("definite", made.definite)?;
    row.set_item("negative", made.negative)?;
    row.set_item("open", made.open)?;
    row.set_item("greedy", made.greedy)?;
    row.set_item("smallest", made.smallest)?;
    row.set_item("is_cut_off", made.is_cut_off)?;
    row.set_item("contradictions", made.contradictions)?;
    row.set_item("doubted", made.doubted)?;
    Ok(row)
}

#[pyfunction(name = "pack_households")]
fn pack(py: Python<'_>, households: Vec<u32>, size: usize) -> Vec<Vec<usize>> {
    py.detach(|| pack_households(&households, size))
}

/// Adds the functions to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(decode_pools, module)?)?;
    module.add_function(wrap_pyfunction!(pack, module)?)
}
