//! CBOR values as Python objects and back, and instants.

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::credential::cbor::Value;

/// The object a value is; tags fall away.
pub(super) fn to_object(py: Python<'_>, value: &Value) -> PyResult<Py<PyAny>> {
    Ok(match value {
        Value::Integer(number) => number.into_pyobject(py)?.into_any().unbind(),
        Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any().unbind(),
        Value::Text(text) => PyString::new(py, text).into_any().unbind(),
        Value::Array(values) => {
            let objects: PyResult<Vec<_>> = values.iter().map(|v| to_object(py, v)).collect();
            PyList::new(py, objects?)?.into_any().unbind()
        }
        Value::Map(entries) => {
            let dict = PyDict::new(py);
            for (key, value) in entries {
                let key = match key {
                    // Lists cannot be keys in Python.
                    Value::Array(_) | Value::Map(_) => {
                        return Err(PyValueError::new_err("a map has a list or a map as key"));
                    }
                    key => to_object(py, key)?,
                };
                dict.set_item(key, to_object(py, value)?)?;
            }
            dict.into_any().unbind()
        }
        Value::Tag(_, inner) => to_object(py, inner)?,
        Value::Float(number) => PyFloat::new(py, *number).into_any().unbind(),
        Value::Bool(value) => PyBool::new(py, *value).to_owned().into_any().unbind(),
        Value::Null => py.None(),
    })
}

/// The value of what `json.loads` gives, and of bytes.
pub(super) fn to_value(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    if object.is_none() {
        Ok(Value::Null)
    } else if let Ok(value) = object.cast::<PyBool>() {
        Ok(Value::Bool(value.is_true()))
    } else if object.is_instance_of::<PyInt>() {
        Ok(Value::Integer(i128::from(object.extract::<i64>()?)))
    } else if let Ok(text) = object.cast::<PyString>() {
        Ok(Value::Text(text.to_str()?.to_owned()))
    } else if let Ok(bytes) = object.cast::<PyBytes>() {
        Ok(Value::Bytes(bytes.as_bytes().to_vec()))
    } else if let Ok(number) = object.cast::<PyFloat>() {
        Ok(Value::Float(number.value()))
    } else if let Ok(dict) = object.cast::<PyDict>() {
        let entries: PyResult<Vec<_>> =
            dict.iter().map(|(key, value)| Ok((to_value(&key)?, to_value(&value)?))).collect();
        Ok(Value::Map(entries?))
    } else if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        let values: PyResult<Vec<_>> = object.try_iter()?.map(|v| to_value(&v?)).collect();
        Ok(Value::Array(values?))
    } else {
        Err(PyTypeError::new_err("only dict, list, str, int, float, bool, bytes and None"))
    }
}

/// Seconds since 1970 of an aware `datetime`, or the number itself.
pub(super) fn instant(at: &Bound<'_, PyAny>) -> PyResult<i64> {
    if let Ok(seconds) = at.extract::<i64>() {
        return Ok(seconds);
    }
    if at.getattr("tzinfo")?.is_none() {
        return Err(PyValueError::new_err("an instant needs a time zone"));
    }
    Ok(at.call_method0("timestamp")?.extract::<f64>()?.floor() as i64)
}

/// An aware `datetime` in UTC; None for an instant beyond the years that Python knows.
pub(super) fn to_datetime(py: Python<'_>, seconds: i64) -> PyResult<Py<PyAny>> {
    let made = || -> PyResult<Py<PyAny>> {
        let datetime = py.import("datetime")?;
        let utc = datetime.getattr("timezone")?.getattr("utc")?;
        // Added to 1970, so that years before it and far after it are dates as well.
        let epoch = datetime.getattr("datetime")?.call1((1970, 1, 1, 0, 0, 0, 0, utc))?;
        let passed = datetime.getattr("timedelta")?.call1((0, seconds))?;
        Ok(epoch.add(passed)?.unbind())
    };
    match made() {
        // A code may state any number; that must not be an exception of its reader.
        Err(error) if error.is_instance_of::<PyOverflowError>(py) => Ok(py.None()),
        other => other,
    }
}
