//! Python face of `pooling`: convert, release the GIL, call, convert back.

use pyo3::prelude::*;

mod columns;
mod index;
mod intake;
mod matching;
mod numbers;
mod output;
mod planning;
mod policy;

/// Adds this area's functions and classes to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    policy::register(module)?;
    matching::register(module)?;
    index::register(module)?;
    planning::register(module)?;
    numbers::register(module)
}
