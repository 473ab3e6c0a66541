//! Python face of `credential`: convert, release the GIL, call, convert back.

use pyo3::prelude::*;

/// Adds this area's functions and classes to the module.
pub(super) fn register(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
