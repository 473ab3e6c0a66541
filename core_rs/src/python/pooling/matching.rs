//! `match_pools`, `match_tube` and `PoolMatch`.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::columns::Rows;
use super::policy::PoolPolicy;
use super::{intake, output};
use crate::error::{Error, Kind, Result};
use crate::pooling::campaign::Campaign;
use crate::pooling::policy::Policy;
use crate::pooling::words::{Code, Outcome, Reason, State};
use crate::pooling::world::{NONE, flag};
use crate::python::arrow::{Table, read_table};
use crate::python::to_python;

/// A campaign matched: four tables and the counts by state.
#[pyclass(module = "core_rs", frozen)]
pub(crate) struct PoolMatch {
    campaign: Campaign,
    rows: Vec<u32>,
    as_of: u32,
    core_seconds: f64,
}

impl PoolMatch {
    fn table(py: Python<'_>, made: Result<Table>) -> PyResult<Table> {
        made.map_err(|error| to_python(py, &error))
    }
}

#[pymethods]
impl PoolMatch {
    #[getter]
    fn members(&self, py: Python<'_>) -> PyResult<Table> {
        Self::table(py, py.detach(|| output::members(&self.campaign, &self.rows)))
    }

    #[getter]
    fn tubes(&self, py: Python<'_>) -> PyResult<Table> {
        Self::table(py, py.detach(|| output::tubes(&self.campaign, None)))
    }

    #[getter]
    fn findings(&self, py: Python<'_>) -> PyResult<Table> {
        let made = py.detach(|| output::findings(&self.campaign, &self.rows, self.as_of));
        Self::table(py, made)
    }

    #[getter]
    fn retests(&self, py: Python<'_>) -> PyResult<Table> {
        Self::table(py, py.detach(|| output::retests(&self.campaign, &self.rows)))
    }

    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        counts_by_state(py, &self.campaign)
    }

    #[getter]
    fn core_seconds(&self) -> f64 {
        self.core_seconds
    }

    fn __len__(&self) -> usize {
        self.rows.len()
    }
}

/// Memberships by state, states without any left out.
pub(super) fn counts_by_state<'py>(
    py: Python<'py>,
    campaign: &Campaign,
) -> PyResult<Bound<'py, PyDict>> {
    let mut sums = [0_u64; State::ALL.len()];
    for &state in &campaign.world.state {
        sums[usize::from(state)] += 1;
    }
    let counts = PyDict::new(py);
    for (state, sum) in State::ALL.iter().zip(sums) {
        if sum > 0 {
            counts.set_item(state.text(), sum)?;
        }
    }
    Ok(counts)
}

/// An aware datetime as seconds since 1970.
pub(super) fn seconds_of(instant: &Bound<'_, PyAny>) -> PyResult<u32> {
    Ok(instant.call_method0("timestamp")?.extract::<f64>()? as u32)
}

/// Arrow tables, or lists of dictionaries, as batches of rows.
pub(super) fn rows_of<'py>(table: &Bound<'py, PyAny>) -> PyResult<Vec<Rows<'py>>> {
    let refused = |what: &Bound<'py, PyAny>| {
        let named = what.get_type().name().map_or_else(|_| String::new(), |n| n.to_string());
        let message = format!(
            "a table with __arrow_c_stream__ or a list of dictionaries is needed, not {named}"
        );
        to_python(what.py(), &Error::new(Kind::Schema, "pooling.columns", message))
    };
    if let Ok(list) = table.cast::<PyList>() {
        let mut dicts = Vec::with_capacity(list.len());
        for row in list {
            dicts.push(row.cast::<PyDict>().map_err(|_| refused(&row))?.clone());
        }
        return Ok(vec![Rows::Dicts(dicts)]);
    }
    if !table.hasattr("__arrow_c_stream__")? {
        return Err(refused(table));
    }
    let (_, batches) = read_table(table)?;
    Ok(batches.into_iter().map(Rows::Batch).collect())
}

/// Latest instant of the tables: what F8 counts to if the caller gives no time.
fn latest(campaign: &Campaign) -> u32 {
    let tubes = campaign.world.tubes.iter();
    tubes.map(|t| t.sent.max(t.received).max(t.recorded).max(t.collected_last)).max().unwrap_or(0)
}

#[pyfunction]
#[pyo3(signature = (members, results, policy=None, *, tubes=None, closings=None, as_of=None))]
fn match_pools(
    py: Python<'_>,
    members: &Bound<'_, PyAny>,
    results: &Bound<'_, PyAny>,
    policy: Option<&PoolPolicy>,
    tubes: Option<&Bound<'_, PyAny>>,
    closings: Option<&Bound<'_, PyAny>>,
    as_of: Option<&Bound<'_, PyAny>>,
) -> PyResult<PoolMatch> {
    let as_of = as_of.map(seconds_of).transpose()?;
    let tables = [Some(members), tubes, Some(results), closings];
    let mut batches = Vec::with_capacity(4);
    for table in tables {
        batches.push(table.map(rows_of).transpose()?.unwrap_or_default());
    }
    let policy = policy.map_or_else(Policy::default, |p| p.policy.clone());
    let mut campaign = Campaign::new(policy);
    let mut rows = Vec::new();
    let done = detached(py, &batches, |tables| {
        let begun = std::time::Instant::now();
        load(&mut campaign, tables, &mut rows).map(|()| begun.elapsed().as_secs_f64())
    });
    let core_seconds = done.map_err(|error| to_python(py, &error))?;
    let as_of = as_of.unwrap_or_else(|| latest(&campaign));
    Ok(PoolMatch { campaign, rows, as_of, core_seconds })
}

/// Calls `work` with the tables; without the GIL if they are Arrow memory only.
pub(super) fn detached<T: Send>(
    py: Python<'_>,
    tables: &[Vec<Rows<'_>>],
    work: impl FnOnce(&[Vec<Rows<'_>>]) -> T + Send,
) -> T {
    let mut arrow: Vec<Vec<arrow_array::RecordBatch>> = Vec::with_capacity(tables.len());
    for table in tables {
        let mut batches = Vec::with_capacity(table.len());
        for rows in table {
            match rows {
                Rows::Batch(batch) => batches.push(batch.clone()),
                Rows::Dicts(_) => return work(tables),
            }
        }
        arrow.push(batches);
    }
    py.detach(|| {
        let tables: Vec<Vec<Rows<'_>>> =
            arrow.into_iter().map(|t| t.into_iter().map(Rows::Batch).collect()).collect();
        work(&tables)
    })
}

/// Reads all tables; what is wrong with any of them is told in one error.
fn load(campaign: &mut Campaign, tables: &[Vec<Rows<'_>>], rows: &mut Vec<u32>) -> Result<()> {
    campaign.reserve_tubes(tables[1].iter().map(Rows::len).sum());
    let members = tables[0].iter().try_for_each(|t| intake::add_members(campaign, t, rows));
    let made = [
        ("members", members),
        ("tubes", intake::add_tubes(campaign, &tables[1])),
        ("results", intake::add_results(campaign, &tables[2])),
        ("closings", intake::add_closings(campaign, &tables[3])),
    ];
    let faults: Vec<(&str, Error)> =
        made.into_iter().filter_map(|(name, made)| Some((name, made.err()?))).collect();
    if let Some((_, first)) = faults.first() {
        let (kind, code) = (first.kind(), first.code());
        let told: Vec<_> =
            faults.iter().map(|(name, e)| format!("{name}: {}", e.message())).collect();
        return Err(Error::new(kind, code, told.join("; ")));
    }
    campaign.run();
    Ok(())
}

/// One row of an output table as a dictionary.
fn tube_row<'py>(
    py: Python<'py>,
    campaign: &Campaign,
    number: u32,
) -> PyResult<Bound<'py, PyDict>> {
    let world = &campaign.world;
    let tube = &world.tubes[number as usize];
    let found: Vec<_> = Code::ALL.iter().copied().filter(|c| tube.found & c.bit() != 0).collect();
    let row = PyDict::new(py);
    row.set_item("tube_code", campaign.tubes.text(number))?;
    row.set_item("registered", tube.on_time)?;
    row.set_item("late", tube.late)?;
    row.set_item("size", tube.size())?;
    row.set_item("outcome", (tube.outcome != Outcome::Missing).then_some(tube.outcome.text()))?;
    row.set_item("run", tube.key >> 16)?;
    row.set_item("version", tube.key & 0xFFFF)?;
    row.set_item("is_amended", tube.oldest_key < tube.key)?;
    row.set_item("is_turned_positive", tube.is_turned_positive())?;
    row.set_item("state", tube.base.text())?;
    row.set_item("reason", reason_text(tube.reason))?;
    row.set_item("is_blocked", found.iter().any(|&c| tube.blocks(&world.policy, c)))?;
    row.set_item("findings", found.iter().map(|c| c.text()).collect::<Vec<_>>())?;
    Ok(row)
}

fn reason_text(reason: Reason) -> Option<&'static str> {
    (reason != Reason::Plain).then_some(reason.text())
}

#[pyfunction]
#[pyo3(signature = (tube_code, members, results, policy=None, *, tubes=None, closings=None,
    as_of=None))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of one Python call")]
fn match_tube<'py>(
    py: Python<'py>,
    tube_code: &str,
    members: &Bound<'py, PyAny>,
    results: &Bound<'py, PyAny>,
    policy: Option<&PoolPolicy>,
    tubes: Option<&Bound<'py, PyAny>>,
    closings: Option<&Bound<'py, PyAny>>,
    as_of: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let matched = match_pools(py, members, results, policy, tubes, closings, as_of)?;
    let campaign = &matched.campaign;
    let world = &campaign.world;
    let Some(number) = campaign.tubes.find(tube_code).filter(|&n| (n as usize) < world.tubes.len())
    else {
        let message = format!("tube {tube_code} is in none of the tables");
        return Err(to_python(py, &Error::new(Kind::Invalid, "pooling.tube", message)));
    };
    let mut order: Vec<u32> = world.members_of(number).collect();
    order.sort_unstable();
    let states = PyList::empty(py);
    for &member in &order {
        let m = member as usize;
        let row = PyDict::new(py);
        row.set_item("person_id", campaign.people.text(world.person[m]))?;
        row.set_item("state", State::of(world.state[m]).text())?;
        row.set_item("reason", reason_text(Reason::of(world.reason[m])))?;
        row.set_item("is_late", world.flags[m] & flag::LATE != 0)?;
        states.append(row)?;
    }
    let findings = PyList::empty(py);
    let people: Vec<u32> = order.iter().map(|&m| world.person[m as usize]).collect();
    for finding in campaign.findings(matched.as_of) {
        if finding.tube != number && !people.contains(&finding.person) {
            continue;
        }
        let row = PyDict::new(py);
        row.set_item("code", finding.code.text())?;
        row.set_item("is_blocking", finding.is_blocking)?;
        let tube = (finding.tube != NONE).then(|| campaign.tubes.text(finding.tube));
        let person = (finding.person != NONE).then(|| campaign.people.text(finding.person));
        row.set_item("tube_code", tube)?;
        row.set_item("person_id", person)?;
        row.set_item("detail", finding.detail)?;
        findings.append(row)?;
    }
    let verdict = PyDict::new(py);
    verdict.set_item("tube", tube_row(py, campaign, number)?)?;
    verdict.set_item("members", states)?;
    verdict.set_item("findings", findings)?;
    Ok(verdict)
}

#[pyfunction]
fn pool_finding_kinds(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let kinds = PyList::empty(py);
    for code in Code::ALL {
        let kind = PyDict::new(py);
        kind.set_item("code", code.text())?;
        kind.set_item("title", code.title())?;
        kind.set_item("effect", code.effect())?;
        kind.set_item("can_block", code.can_block())?;
        kind.set_item("closers", code.closers())?;
        kinds.append(kind)?;
    }
    Ok(kinds)
}

/// Adds the functions and classes to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PoolMatch>()?;
    module.add_function(wrap_pyfunction!(match_pools, module)?)?;
    module.add_function(wrap_pyfunction!(match_tube, module)?)?;
    module.add_function(wrap_pyfunction!(pool_finding_kinds, module)?)
}
