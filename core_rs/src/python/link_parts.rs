//! Python face of linking in tasks from file to file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, UInt32Array};
use arrow_schema::DataType;
use pyo3::prelude::*;

use super::arrow::Table;
use super::linkage::table;
use super::people::{needs_review, score};
use super::to_python;
use crate::error::{Error, Kind};
use crate::linkage::parts::{Known, Parts};

type Loaded = (PathBuf, Option<SystemTime>, Arc<Known>);

/// The people of the last task: a worker does many tasks of one directory and reads them once.
static LOADED: Mutex<Option<Loaded>> = Mutex::new(None);

fn known(directory: &std::path::Path, parts: &Parts) -> Result<Arc<Known>, Error> {
    let path = directory.join("people");
    let written = std::fs::metadata(&path).and_then(|m| m.modified()).ok();
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((of, at, known)) = loaded.as_ref()
        && *of == path
        && *at == written
    {
        return Ok(Arc::clone(known));
    }
    let known = Arc::new(parts.known()?);
    *loaded = Some((path, written, Arc::clone(&known)));
    Ok(known)
}

/// Does one task; its file is there when it returns.
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands over owned paths")]
#[pyo3(signature = (directory, task, part, parts, *, threads=1))]
fn link_task(
    py: Python<'_>,
    directory: PathBuf,
    task: &str,
    part: usize,
    parts: usize,
    threads: usize,
) -> PyResult<()> {
    py.detach(|| {
        let all = Parts::new(directory.clone(), parts, threads);
        if part >= all.parts {
            let message = format!("part {part} of {parts}; parts count from 0");
            return Err(Error::new(Kind::Schema, "linkage.task", message));
        }
        if task == "merge" {
            return all.merge();
        }
        let known = known(&directory, &all)?;
        match task {
            "keys" => all.keys(&known, part),
            "blocks" => all.blocks(&known, part),
            "pairs" => all.pairs(&known, part),
            "learn" => all.learn(&known),
            "components" => all.components(&known),
            "cluster" => all.cluster(&known, part),
            _ => Err(Error::new(Kind::Schema, "linkage.task", format!("there is no task {task}"))),
        }
    })
    .map_err(|e| to_python(py, &e))
}

/// What all tasks found: `entity` (row of the entity's first record), `score`, `review`; and the
/// pairs left out, by rule.
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands over owned paths")]
fn link_entities(
    py: Python<'_>,
    directory: PathBuf,
    parts: usize,
) -> PyResult<(Table, BTreeMap<String, u64>)> {
    py.detach(|| {
        let all = Parts::new(directory.clone(), parts, 1);
        let entities = all.entities(&*known(&directory, &all)?)?;
        let places = &entities.places;
        let rows: ArrayRef =
            Arc::new(UInt32Array::from_iter_values(places.iter().map(|p| p.entity)));
        let scores: Float64Array = places.iter().map(score).collect();
        let review: BooleanArray = places
            .iter()
            .enumerate()
            .map(|(row, place)| {
                let conflict = entities.conflicts.binary_search(&(row as u32)).is_ok();
                Some(needs_review(place) || conflict)
            })
            .collect();
        let found = table(vec![
            ("entity", DataType::UInt32, rows),
            ("score", DataType::Float64, Arc::new(scores)),
            ("review", DataType::Boolean, Arc::new(review)),
        ])?;
        Ok((found, entities.lost.into_iter().collect()))
    })
    .map_err(|e: Error| to_python(py, &e))
}

/// Adds this area's functions to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(link_task, module)?)?;
    module.add_function(wrap_pyfunction!(link_entities, module)?)
}
