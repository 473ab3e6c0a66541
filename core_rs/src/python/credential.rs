//! Python face of `credential`: DCC, slips; `merkle` and `cbor_objects` beside it.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use super::cbor_objects::{instant, to_datetime, to_object, to_value};
use super::to_python;
use crate::credential::cose::{self, Message, SigningKey};
use crate::credential::dcc::{self, Problem, TrustList, Verdict};
use crate::credential::{base45, cbor, icao, pem, schema, x509};
use crate::error::{Error, Kind, Result};

/// Why a code does not count.
#[pyclass(module = "core_rs", name = "Problem", frozen, get_all, eq, hash)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct PyProblem {
    code: &'static str,
    message: String,
}

#[pymethods]
impl PyProblem {
    fn __str__(&self) -> &str {
        &self.message
    }

    fn __repr__(&self) -> String {
        format!("Problem({:?})", self.code)
    }
}

/// Problems for Python.
pub(super) fn problems_of(problems: Vec<Problem>) -> Vec<PyProblem> {
    problems.into_iter().map(|p| PyProblem { code: p.code, message: p.message }).collect()
}

/// Bytes as they are, or the content of a PEM or Base64 text.
pub(super) fn der_of(source: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(text) = source.cast::<PyString>() {
        return pem::decode(text.to_str()?).map_err(|e| to_python(source.py(), &e));
    }
    let bytes = source.extract::<Vec<u8>>()?;
    if bytes.starts_with(b"-----") {
        let text = String::from_utf8_lossy(&bytes);
        return pem::decode(&text).map_err(|e| to_python(source.py(), &e));
    }
    Ok(bytes)
}

#[pyclass(module = "core_rs", name = "TrustList", frozen)]
pub(super) struct PyTrustList {
    list: std::sync::RwLock<Arc<TrustList>>,
}

impl PyTrustList {
    fn change(&self, py: Python<'_>, work: impl FnOnce(&mut TrustList)) -> PyResult<()> {
        let mut list = self.list.write().map_err(|_| poisoned(py))?;
        work(Arc::make_mut(&mut list));
        Ok(())
    }

    /// The list as it is now, to work with while the GIL is released.
    pub(super) fn now(&self, py: Python<'_>) -> PyResult<Arc<TrustList>> {
        Ok(Arc::clone(&*self.list.read().map_err(|_| poisoned(py))?))
    }
}

fn poisoned(py: Python<'_>) -> PyErr {
    to_python(py, &Error::new(Kind::LimitReached, "credential.lock", "a thread failed before"))
}

#[pymethods]
impl PyTrustList {
    #[new]
    fn new() -> Self {
        Self { list: std::sync::RwLock::default() }
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.list.read().map_err(|_| poisoned(py))?.len())
    }

    fn add_certificate<'py>(
        &self,
        py: Python<'py>,
        certificate: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let read = x509::read(&der_of(certificate)?).map_err(|e| to_python(py, &e))?;
        let kid = PyBytes::new(py, &read.kid);
        self.change(py, |list| list.add_certificate(read))?;
        Ok(kid)
    }

    fn add_key(&self, py: Python<'_>, kid: &[u8], public_key: &Bound<'_, PyAny>) -> PyResult<()> {
        let key = x509::read_public_key(&der_of(public_key)?).map_err(|e| to_python(py, &e))?;
        self.change(py, |list| list.add_key(kid, key))
    }
}

#[pyclass(module = "core_rs", name = "DccVerdict", frozen, get_all)]
struct PyVerdict {
    is_valid: bool,
    problems: Vec<PyProblem>,
    issuer: Option<String>,
    issued_at: Option<Py<PyAny>>,
    expires_at: Option<Py<PyAny>>,
    kid: Option<Vec<u8>>,
    algorithm: Option<&'static str>,
    content: Option<Py<PyAny>>,
}

impl PyVerdict {
    fn of(py: Python<'_>, verdict: Verdict) -> PyResult<Self> {
        let dcc = verdict.dcc.as_ref();
        let at = |seconds: Option<i64>| seconds.map(|s| to_datetime(py, s)).transpose();
        Ok(Self {
            is_valid: verdict.problems.is_empty(),
            issuer: dcc.and_then(|d| d.issuer.clone()),
            issued_at: at(dcc.and_then(|d| d.issued_at))?,
            expires_at: at(dcc.and_then(|d| d.expires_at))?,
            kid: dcc.and_then(|d| d.kid.clone()),
            algorithm: dcc.and_then(|d| d.algorithm).map(cose::Algorithm::name),
            // What no Python object can be (a map with maps as keys) the schema has refused.
            content: dcc.and_then(|d| to_object(py, &d.content).ok()),
            problems: problems_of(verdict.problems),
        })
    }
}

#[pymethods]
impl PyVerdict {
    fn __repr__(&self) -> String {
        let codes: Vec<_> = self.problems.iter().map(|p| p.code).collect();
        format!("DccVerdict(is_valid={}, problems={codes:?})", self.is_valid)
    }
}

#[pyfunction]
fn verify_dcc(
    py: Python<'_>,
    text: &str,
    trust: &PyTrustList,
    at: &Bound<'_, PyAny>,
) -> PyResult<PyVerdict> {
    let (trust, at) = (trust.now(py)?, instant(at)?);
    let verdict = py.detach(|| dcc::verify(text, &trust, at));
    PyVerdict::of(py, verdict)
}

#[pyfunction]
#[pyo3(signature = (message, trust, at, *, schema_version=None))]
fn verify_cose(
    py: Python<'_>,
    message: &[u8],
    trust: &PyTrustList,
    at: &Bound<'_, PyAny>,
    schema_version: Option<&str>,
) -> PyResult<PyVerdict> {
    let (trust, at) = (trust.now(py)?, instant(at)?);
    let message = cose::parse(message).map_err(|e| to_python(py, &e))?;
    PyVerdict::of(py, dcc::verify_message(&message, &trust, at, schema_version))
}

#[pyclass(module = "core_rs", name = "CoseMessage", frozen, get_all)]
struct PyMessage {
    algorithm: Option<&'static str>,
    kid: Option<Vec<u8>>,
    payload: Vec<u8>,
    signature: Vec<u8>,
    content: Py<PyAny>,
}

#[pyfunction]
fn read_cose(py: Python<'_>, message: &[u8]) -> PyResult<PyMessage> {
    let read = || -> Result<(Message, dcc::Dcc)> {
        let message = cose::parse(message)?;
        let dcc = dcc::read_claims(&message)?;
        Ok((message, dcc))
    };
    let (message, dcc) = read().map_err(|e| to_python(py, &e))?;
    Ok(PyMessage {
        algorithm: message.algorithm.map(cose::Algorithm::name),
        kid: message.kid,
        payload: message.payload,
        signature: message.signature,
        content: to_object(py, &dcc.content)?,
    })
}

#[pyfunction]
fn dcc_unprefix(py: Python<'_>, text: &str) -> PyResult<String> {
    dcc::unprefix(text).map(str::to_owned).map_err(|e| to_python(py, &e))
}

#[pyfunction]
fn dcc_inflate<'py>(py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    dcc::inflate(data).map(|b| PyBytes::new(py, &b)).map_err(|e| to_python(py, &e))
}

#[pyfunction]
fn base45_decode<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyBytes>> {
    base45::decode(text).map(|b| PyBytes::new(py, &b)).map_err(|e| to_python(py, &e))
}

#[pyfunction]
fn base45_encode(data: &[u8]) -> String {
    base45::encode(data)
}

#[pyfunction]
fn cbor_decode(py: Python<'_>, data: &[u8]) -> PyResult<Py<PyAny>> {
    let value = cbor::decode(data).map_err(|e| to_python(py, &e))?;
    to_object(py, &value)
}

#[pyfunction]
fn cbor_encode<'py>(py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &cbor::encode(&to_value(value)?)))
}

#[pyfunction]
#[pyo3(signature = (content, schema_version=None))]
fn check_dcc_schema(
    content: &Bound<'_, PyAny>,
    schema_version: Option<&str>,
) -> PyResult<Vec<String>> {
    Ok(schema::check(&to_value(content)?, schema_version))
}

#[pyfunction]
fn transliterate_name(text: &str) -> String {
    icao::transliterate(text)
}

#[pyfunction]
fn read_certificate<'py>(
    py: Python<'py>,
    certificate: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    let read = x509::read(&der_of(certificate)?).map_err(|e| to_python(py, &e))?;
    let fields = PyDict::new(py);
    fields.set_item("kid", PyBytes::new(py, &read.kid))?;
    fields.set_item("not_before", to_datetime(py, read.not_before)?)?;
    fields.set_item("not_after", to_datetime(py, read.not_after)?)?;
    fields.set_item("usages", read.usages)?;
    fields.set_item("country", read.country)?;
    Ok(fields)
}

#[pyfunction]
fn may_sign_dcc(
    py: Python<'_>,
    certificate: &Bound<'_, PyAny>,
    content: &Bound<'_, PyAny>,
) -> PyResult<bool> {
    let read = x509::read(&der_of(certificate)?).map_err(|e| to_python(py, &e))?;
    Ok(dcc::may_sign(&read, &to_value(content)?))
}

#[pyclass(module = "core_rs", name = "DccSigner", frozen)]
struct PyDccSigner {
    key: SigningKey,
    kid: Vec<u8>,
    issuer: String,
}

#[pymethods]
impl PyDccSigner {
    #[new]
    #[pyo3(signature = (private_key, *, certificate=None, kid=None, issuer="VN"))]
    fn new(
        py: Python<'_>,
        private_key: &Bound<'_, PyAny>,
        certificate: Option<&Bound<'_, PyAny>>,
        kid: Option<Vec<u8>>,
        issuer: &str,
    ) -> PyResult<Self> {
        let raise = |error: Error| to_python(py, &error);
        let key = SigningKey::from_pkcs8(&der_of(private_key)?).map_err(raise)?;
        let kid = match (certificate, kid) {
            (Some(certificate), None) => {
                let read = x509::read(&der_of(certificate)?).map_err(raise)?;
                if read.key != key.public_key() {
                    return Err(raise(Error::new(
                        Kind::Invalid,
                        "credential.key_pair",
                        "the certificate is of another key",
                    )));
                }
                read.kid.to_vec()
            }
            (None, Some(kid)) => kid,
            _ => {
                return Err(raise(Error::new(
                    Kind::Schema,
                    "credential.argument",
                    "give either the certificate or the kid",
                )));
            }
        };
        Ok(Self { key, kid, issuer: issuer.to_owned() })
    }

    fn issue(
        &self,
        py: Python<'_>,
        content: &Bound<'_, PyAny>,
        issued_at: &Bound<'_, PyAny>,
        expires_at: &Bound<'_, PyAny>,
    ) -> PyResult<String> {
        let content = to_value(content)?;
        let times = (instant(issued_at)?, instant(expires_at)?);
        py.detach(|| dcc::issue(&content, &self.issuer, times, &self.kid, &self.key))
            .map_err(|e| to_python(py, &e))
    }
}

/// Adds this area's functions and classes to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyProblem>()?;
    module.add_class::<PyTrustList>()?;
    module.add_class::<PyVerdict>()?;
    module.add_class::<PyMessage>()?;
    module.add_class::<PyDccSigner>()?;
    for function in [
        wrap_pyfunction!(verify_dcc, module)?,
        wrap_pyfunction!(verify_cose, module)?,
        wrap_pyfunction!(read_cose, module)?,
        wrap_pyfunction!(dcc_unprefix, module)?,
        wrap_pyfunction!(dcc_inflate, module)?,
        wrap_pyfunction!(base45_decode, module)?,
        wrap_pyfunction!(base45_encode, module)?,
        wrap_pyfunction!(cbor_decode, module)?,
        wrap_pyfunction!(cbor_encode, module)?,
        wrap_pyfunction!(check_dcc_schema, module)?,
        wrap_pyfunction!(transliterate_name, module)?,
        wrap_pyfunction!(read_certificate, module)?,
        wrap_pyfunction!(may_sign_dcc, module)?,
    ] {
        module.add_function(function)?;
    }
    super::slip::register(module)?;
    super::merkle::register(module)
}
