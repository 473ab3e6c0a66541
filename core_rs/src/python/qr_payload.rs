//! Python face of `qr::payload`: convert, call, convert back. A call takes microseconds.

use pyo3::prelude::*;

use super::names::{PyDate, PyWarning, warnings_of};
use super::to_python;
use crate::names::Sex;
use crate::names::dates::PartialDate;
use crate::qr::payload;

#[pyclass(module = "core_rs", name = "Payload", frozen, get_all)]
struct PyPayload {
    kind: &'static str,
    version: Option<&'static str>,
    code: Option<String>,
    host: Option<String>,
    national_id: Option<String>,
    old_national_id: Option<String>,
    cancelled_national_id: Option<String>,
    full_name: Option<String>,
    name_hint: Option<String>,
    birth_date: Option<PyDate>,
    sex: Option<&'static str>,
    address: Option<String>,
    issued_on: Option<PyDate>,
    father_name: Option<String>,
    mother_or_guardian_name: Option<String>,
    qid: Option<String>,
    declared_by_other: Option<bool>,
    declared_by_qid: Option<String>,
    health_insurance_number: Option<String>,
    social_insurance_number: Option<String>,
    phone: Option<String>,
    registered_clinic: Option<String>,
    valid_from: Option<PyDate>,
    valid_to: Option<PyDate>,
    is_masked: bool,
    warnings: Vec<PyWarning>,
}

#[pymethods]
impl PyPayload {
    /// Says the kind only: what it holds of a person must not reach a log by accident.
    fn __repr__(&self) -> String {
        format!("Payload({:?})", self.kind)
    }
}

#[pyfunction]
#[pyo3(signature = (text, *, hosts=None))]
fn parse_payload(py: Python<'_>, text: &str, hosts: Option<Vec<String>>) -> PyResult<PyPayload> {
    let hosts = hosts.unwrap_or_default();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let read = payload::parse_payload(text, &hosts).map_err(|e| to_python(py, &e))?;
    let date = |date: Option<PartialDate>| date.map(|date| PyDate::of(&date, &[]));
    let claim = read.claim;
    Ok(PyPayload {
        kind: read.kind.name(),
        version: read.version,
        code: read.code,
        host: read.host,
        national_id: claim.national_id,
        old_national_id: claim.old_national_id,
        cancelled_national_id: claim.cancelled_national_id,
        full_name: claim.full_name,
        name_hint: claim.name_hint,
        birth_date: date(claim.birth_date),
        sex: claim.sex.map(Sex::name),
        address: claim.address,
        issued_on: date(claim.issued_on),
        father_name: claim.father_name,
        mother_or_guardian_name: claim.mother_or_guardian_name,
        qid: claim.qid,
        declared_by_other: claim.declared_by_other,
        declared_by_qid: claim.declared_by_qid,
        health_insurance_number: claim.health_insurance_number,
        social_insurance_number: claim.social_insurance_number,
        phone: claim.phone,
        registered_clinic: claim.registered_clinic,
        valid_from: date(claim.valid_from),
        valid_to: date(claim.valid_to),
        is_masked: claim.is_masked,
        warnings: warnings_of(&read.warnings),
    })
}

/// Adds the payload reader to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyPayload>()?;
    module.add_function(wrap_pyfunction!(parse_payload, module)?)
}
