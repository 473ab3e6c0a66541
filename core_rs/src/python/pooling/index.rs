//! `PoolIndex`: a campaign kept in memory, matched as its tables grow.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::columns::Rows;
use super::matching::{counts_by_state, detached, rows_of, seconds_of};
use super::policy::PoolPolicy;
use super::{intake, output};
use crate::error::Result;
use crate::pooling::campaign::Campaign;
use crate::pooling::policy::Policy;
use crate::python::arrow::Table;
use crate::python::to_python;

/// A campaign that grows.
#[pyclass(module = "core_rs")]
pub(crate) struct PoolIndex {
    campaign: Campaign,
}

type Intake = fn(&mut Campaign, &[Rows<'_>]) -> Result<()>;

fn members(campaign: &mut Campaign, chunks: &[Rows<'_>]) -> Result<()> {
    chunks.iter().try_for_each(|rows| intake::add_members(campaign, rows, &mut Vec::new()))
}

impl PoolIndex {
    /// Adds a table and tells what changed by it.
    fn add(&mut self, py: Python<'_>, table: &Bound<'_, PyAny>, intake: Intake) -> PyResult<Table> {
        let batches = vec![rows_of(table)?];
        let campaign = &mut self.campaign;
        let made = detached(py, &batches, |tables| {
            intake(campaign, &tables[0])?;
            let changed = campaign.settle();
            output::changes(campaign, &changed)
        });
        made.map_err(|error| to_python(py, &error))
    }
}

#[pymethods]
impl PoolIndex {
    #[new]
    #[pyo3(signature = (policy=None))]
    fn new(policy: Option<&PoolPolicy>) -> Self {
        let policy = policy.map_or_else(Policy::default, |p| p.policy.clone());
        Self { campaign: Campaign::new(policy) }
    }

    fn add_members(&mut self, py: Python<'_>, table: &Bound<'_, PyAny>) -> PyResult<Table> {
        self.add(py, table, members)
    }

    fn set_tubes(&mut self, py: Python<'_>, table: &Bound<'_, PyAny>) -> PyResult<Table> {
        self.add(py, table, intake::add_tubes)
    }

    fn add_results(&mut self, py: Python<'_>, table: &Bound<'_, PyAny>) -> PyResult<Table> {
        self.add(py, table, intake::add_results)
    }

    fn close_findings(&mut self, py: Python<'_>, table: &Bound<'_, PyAny>) -> PyResult<Table> {
        self.add(py, table, intake::add_closings)
    }

    fn rematch(&mut self, py: Python<'_>) {
        let campaign = &mut self.campaign;
        py.detach(|| campaign.run());
    }

    #[getter]
    fn members(&self, py: Python<'_>) -> PyResult<Table> {
        py.detach(|| output::states_of_all(&self.campaign)).map_err(|e| to_python(py, &e))
    }

    #[getter]
    fn tubes(&self, py: Python<'_>) -> PyResult<Table> {
        py.detach(|| output::tubes(&self.campaign, None)).map_err(|e| to_python(py, &e))
    }

    #[getter]
    fn retests(&self, py: Python<'_>) -> PyResult<Table> {
        let rows = self.rows();
        py.detach(|| output::retests(&self.campaign, &rows)).map_err(|e| to_python(py, &e))
    }

    fn findings(&self, py: Python<'_>, as_of: &Bound<'_, PyAny>) -> PyResult<Table> {
        let as_of = seconds_of(as_of)?;
        let rows = self.rows();
        py.detach(|| output::findings(&self.campaign, &rows, as_of)).map_err(|e| to_python(py, &e))
    }

    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        counts_by_state(py, &self.campaign)
    }

    #[getter]
    fn byte_size(&self) -> usize {
        self.campaign.byte_size()
    }

    fn __len__(&self) -> usize {
        self.campaign.world.person.len()
    }
}

impl PoolIndex {
    /// The rows of `members`: one for each membership.
    fn rows(&self) -> Vec<u32> {
        (0..self.campaign.world.person.len() as u32).collect()
    }
}

/// Adds the class to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PoolIndex>()
}
