//! Python face of `names`: convert, release the GIL, call, convert back.

use pyo3::prelude::*;

use super::to_python;
use crate::error::{Error, Kind};
use crate::names::ids::{HealthInsuranceNumber, IdKind, NationalId};
use crate::names::phones::{Phone, PhoneKind};
use crate::names::syllable::TonePlacement;
use crate::names::typing::Typing;
use crate::names::{Sex, Warning, codes, dates, ids, legacy, phones, sort, syllable, text, typing};

/// Something a person should look at; the value stands.
#[pyclass(module = "core_rs", name = "InputWarning", frozen, get_all, eq, hash)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct PyWarning {
    code: &'static str,
    message: &'static str,
}

#[pymethods]
impl PyWarning {
    fn __str__(&self) -> &'static str {
        self.message
    }

    fn __repr__(&self) -> String {
        format!("InputWarning({:?})", self.code)
    }
}

/// The warnings of a parsed value, for Python.
pub(super) fn warnings_of(warnings: &[Warning]) -> Vec<PyWarning> {
    warnings.iter().map(|w| PyWarning { code: w.code, message: w.message }).collect()
}

/// A date of which parts may be unknown.
#[pyclass(module = "core_rs", name = "PartialDate", frozen, get_all, eq, hash)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct PyDate {
    year: u16,
    month: Option<u8>,
    day: Option<u8>,
    iso: String,
    precision: &'static str,
    warnings: Vec<PyWarning>,
}

#[pymethods]
impl PyDate {
    fn __str__(&self) -> &str {
        &self.iso
    }

    fn __repr__(&self) -> String {
        format!("PartialDate({})", self.iso)
    }
}

impl PyDate {
    /// The Python form of a date with what was noticed while reading it.
    pub(super) fn of(date: &dates::PartialDate, warnings: &[Warning]) -> Self {
        Self {
            year: date.year,
            month: date.month,
            day: date.day,
            iso: date.to_string(),
            precision: date.precision().name(),
            warnings: warnings_of(warnings),
        }
    }
}

#[pyclass(module = "core_rs", name = "Phone", frozen, get_all)]
struct PyPhone {
    number: String,
    e164: String,
    kind: &'static str,
    warnings: Vec<PyWarning>,
}

/// The stable name of a kind of phone.
pub(super) fn phone_kind(phone: &Phone) -> &'static str {
    match phone.kind {
        PhoneKind::Mobile => "mobile",
        PhoneKind::Landline => "landline",
    }
}

#[pyclass(module = "core_rs", name = "NationalId", frozen, get_all)]
struct PyNationalId {
    number: String,
    kind: &'static str,
    province_code: Option<String>,
    province: Option<&'static str>,
    sex: Option<&'static str>,
    birth_year: Option<u16>,
    warnings: Vec<PyWarning>,
}

/// The stable name of a kind of ID number.
pub(super) fn id_kind(id: &NationalId) -> &'static str {
    match id.kind {
        IdKind::Cccd => "cccd",
        IdKind::Cmnd => "cmnd",
    }
}

#[pyclass(module = "core_rs", name = "HealthInsuranceNumber", frozen, get_all)]
struct PyHealthInsuranceNumber {
    number: String,
    social_insurance_number: String,
    group: Option<String>,
    benefit_level: Option<u8>,
    province_code: Option<String>,
    warnings: Vec<PyWarning>,
}

#[pyclass(module = "core_rs", name = "NameParts", frozen, get_all)]
struct PyNameParts {
    surname: String,
    middle: String,
    given: String,
}

#[pyclass(module = "core_rs", name = "Repair", frozen, get_all)]
struct PyRepair {
    text: String,
    encoding: &'static str,
    evidence: usize,
}

#[pyfunction]
fn normalise_name(text: &str) -> String {
    text::normalise_name(text)
}

#[pyfunction]
fn canonical_name(text: &str) -> String {
    text::canonical_name(text)
}

#[pyfunction]
fn title_name(text: &str) -> String {
    text::title_name(text)
}

#[pyfunction]
fn fold_name(text: &str) -> String {
    text::fold_name(text)
}

#[pyfunction]
fn soft_fold_name(text: &str) -> String {
    text::soft_fold_name(text)
}

#[pyfunction]
fn sort_key(full_name: &str) -> Vec<u8> {
    sort::sort_key(full_name)
}

#[pyfunction]
fn split_name(text: &str) -> PyNameParts {
    let parts = text::split_name(text);
    PyNameParts { surname: parts.surname, middle: parts.middle, given: parts.given }
}

#[pyfunction]
#[pyo3(signature = (text, placement="new"))]
fn place_tones(py: Python<'_>, text: &str, placement: &str) -> PyResult<String> {
    let placement = match placement {
        "new" => TonePlacement::New,
        "old" => TonePlacement::Old,
        _ => return Err(argument(py, "placement is \"new\" or \"old\"")),
    };
    Ok(syllable::place_tones(text, placement))
}

#[pyfunction]
fn repair_text(text: &str) -> PyRepair {
    let repair = legacy::repair_text(text);
    PyRepair { text: repair.text, encoding: repair.encoding.name(), evidence: repair.evidence }
}

#[pyfunction]
fn read_typing(text: &str) -> Option<(String, &'static str)> {
    typing::read_typing(text).map(|(text, typing)| {
        let name = match typing {
            Typing::Telex => "telex",
            Typing::Vni => "vni",
        };
        (text, name)
    })
}

#[pyfunction]
fn parse_phone(py: Python<'_>, text: &str) -> PyResult<PyPhone> {
    let phone = phones::parse_phone(text).map_err(|e| to_python(py, &e))?;
    Ok(PyPhone {
        e164: phone.e164(),
        kind: phone_kind(&phone),
        warnings: warnings_of(&phone.warnings),
        number: phone.national,
    })
}

#[pyfunction]
#[pyo3(signature = (text, *, sex=None, birth_year=None))]
fn parse_national_id(
    py: Python<'_>,
    text: &str,
    sex: Option<&str>,
    birth_year: Option<u16>,
) -> PyResult<PyNationalId> {
    let sex = match sex {
        None => None,
        Some("male") => Some(Sex::Male),
        Some("female") => Some(Sex::Female),
        Some(_) => return Err(argument(py, "sex is \"male\", \"female\" or None")),
    };
    let id = ids::parse_national_id(text, sex, birth_year).map_err(|e| to_python(py, &e))?;
    Ok(PyNationalId {
        kind: id_kind(&id),
        province_code: id.province_code,
        province: id.province,
        sex: id.sex.map(Sex::name),
        birth_year: id.birth_year,
        warnings: warnings_of(&id.warnings),
        number: id.number,
    })
}

#[pyfunction]
fn parse_health_insurance_number(py: Python<'_>, text: &str) -> PyResult<PyHealthInsuranceNumber> {
    let number: HealthInsuranceNumber =
        ids::parse_health_insurance_number(text).map_err(|e| to_python(py, &e))?;
    Ok(PyHealthInsuranceNumber {
        number: number.number,
        social_insurance_number: number.social_insurance_number,
        group: number.group,
        benefit_level: number.benefit_level,
        province_code: number.province_code,
        warnings: warnings_of(&number.warnings),
    })
}

#[pyfunction]
#[pyo3(signature = (text, *, latest_year=2030))]
fn parse_date(py: Python<'_>, text: &str, latest_year: u16) -> PyResult<PyDate> {
    let (date, warnings) = dates::parse_date(text, latest_year).map_err(|e| to_python(py, &e))?;
    Ok(PyDate::of(&date, &warnings))
}

#[pyfunction]
#[pyo3(signature = (n=10))]
fn new_code(py: Python<'_>, n: usize) -> PyResult<String> {
    codes::new_code(n).map_err(|e| to_python(py, &e))
}

#[pyfunction]
#[pyo3(signature = (text, *, length=None))]
fn check_code(py: Python<'_>, text: &str, length: Option<usize>) -> PyResult<String> {
    codes::check_code(text, length).map_err(|e| to_python(py, &e))
}

#[pyfunction]
fn code_check_symbol(py: Python<'_>, body: &str) -> PyResult<String> {
    codes::code_check_symbol(body).map(String::from).map_err(|e| to_python(py, &e))
}

#[pyfunction]
fn check_tube_code(py: Python<'_>, text: &str) -> PyResult<String> {
    codes::check_tube_code(text).map_err(|e| to_python(py, &e))
}

#[pyfunction]
fn tube_check_digit(py: Python<'_>, body: &str) -> PyResult<String> {
    codes::tube_check_digit(body).map(String::from).map_err(|e| to_python(py, &e))
}

fn argument(py: Python<'_>, message: &str) -> PyErr {
    to_python(py, &Error::new(Kind::Schema, "names.argument", message))
}

/// Adds this area's functions and classes to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyWarning>()?;
    module.add_class::<PyDate>()?;
    module.add_class::<PyPhone>()?;
    module.add_class::<PyNationalId>()?;
    module.add_class::<PyHealthInsuranceNumber>()?;
    module.add_class::<PyNameParts>()?;
    module.add_class::<PyRepair>()?;
    for function in [
        wrap_pyfunction!(normalise_name, module)?,
        wrap_pyfunction!(canonical_name, module)?,
        wrap_pyfunction!(title_name, module)?,
        wrap_pyfunction!(fold_name, module)?,
        wrap_pyfunction!(soft_fold_name, module)?,
        wrap_pyfunction!(sort_key, module)?,
        wrap_pyfunction!(split_name, module)?,
        wrap_pyfunction!(place_tones, module)?,
        wrap_pyfunction!(repair_text, module)?,
        wrap_pyfunction!(read_typing, module)?,
        wrap_pyfunction!(parse_phone, module)?,
        wrap_pyfunction!(parse_national_id, module)?,
        wrap_pyfunction!(parse_health_insurance_number, module)?,
        wrap_pyfunction!(parse_date, module)?,
        wrap_pyfunction!(new_code, module)?,
        wrap_pyfunction!(check_code, module)?,
        wrap_pyfunction!(code_check_symbol, module)?,
        wrap_pyfunction!(check_tube_code, module)?,
        wrap_pyfunction!(tube_check_digit, module)?,
    ] {
        module.add_function(function)?;
    }
    super::name_columns::register(module)
}
