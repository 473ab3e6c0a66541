//! The only place with `use pyo3`: convert, release the GIL, call, convert back.
//! One file for each area, each with `register`.

use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::error::Error;

#[allow(dead_code, reason = "read by linkage and pooling")]
mod arrow;
mod batch;
mod cbor_objects;
mod credential;
mod link_parts;
mod linkage;
mod merkle;
mod name_columns;
mod names;
mod pdf;
mod people;
mod pooling;
mod qr_decode;
mod qr_payload;
mod records;
mod slip;

create_exception!(
    core_rs,
    CoreError,
    PyValueError,
    "An error of core_rs; `code` is stable, `kind` is coarse."
);

/// The Python exception for a Rust error: the message as its text, `code` and `kind` as attributes.
#[allow(dead_code, reason = "used by every area once it raises")]
fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    let raised = CoreError::new_err(error.message().to_owned());
    let value = raised.value(py);
    let set = value
        .setattr("code", error.code())
        .and_then(|()| value.setattr("kind", format!("{:?}", error.kind())));
    match set {
        Ok(()) => raised,
        Err(problem) => problem,
    }
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<arrow::Table>()?;
    module.add("CoreError", module.py().get_type::<CoreError>())?;
    batch::register(module)?;
    credential::register(module)?;
    linkage::register(module)?;
    names::register(module)?;
    pdf::register(module)?;
    pooling::register(module)?;
    qr_decode::register(module)?;
    qr_payload::register(module)
}
