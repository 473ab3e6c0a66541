//! Python face of the QR decoder: convert, release the GIL, call, convert back.

use std::cell::Cell;
use std::num::NonZero;
use std::time::Duration;

use pyo3::buffer::PyBuffer;
use pyo3::create_exception;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyList};

use super::CoreError;
use crate::error::{Error, Result};
use crate::qr::{self, Input, Mode, Options};

create_exception!(
    core_rs,
    QrError,
    CoreError,
    "An image that cannot be read; `code` is stable (`qr.deadline`, `qr.too_many_pixels`, …)."
);

/// Adds the decoder's functions and classes to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("QrError", module.py().get_type::<QrError>())?;
    module.add_class::<Symbol>()?;
    module.add_function(wrap_pyfunction!(decode_image, module)?)?;
    module.add_function(wrap_pyfunction!(decode_gray, module)?)?;
    module.add_function(wrap_pyfunction!(decode_many, module)?)
}

/// One QR symbol of an image.
#[pyclass(module = "core_rs", frozen)]
struct Symbol(qr::Symbol);

type Corner = (f32, f32);

#[pymethods]
impl Symbol {
    #[getter]
    fn text(&self) -> Option<&str> {
        self.0.text.as_deref()
    }

    #[getter]
    fn raw<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.raw)
    }

    #[getter]
    fn corners(&self) -> (Corner, Corner, Corner, Corner) {
        let [a, b, c, d] = self.0.corners.map(|[x, y]| (x, y));
        (a, b, c, d)
    }

    // The content of a card is personal: it stays out of logs and tracebacks.
    fn __repr__(&self) -> String {
        format!("<Symbol of {} bytes>", self.0.raw.len())
    }
}

#[pyfunction]
#[pyo3(signature = (data, *, mode="fast", max_pixels=qr::DEFAULT_MAX_PIXELS, deadline_ms=5000))]
fn decode_image(
    py: Python<'_>,
    data: &Bound<'_, PyAny>,
    mode: &str,
    max_pixels: usize,
    deadline_ms: Option<u64>,
) -> PyResult<Vec<Symbol>> {
    let options = options(mode, max_pixels, deadline_ms)?;
    let data = Pixels::of_file(data)?;
    to_python(py, data.decode(py, options))
}

#[pyfunction]
#[pyo3(signature = (array, *, mode="fast", max_pixels=qr::DEFAULT_MAX_PIXELS, deadline_ms=5000))]
fn decode_gray(
    py: Python<'_>,
    array: &Bound<'_, PyAny>,
    mode: &str,
    max_pixels: usize,
    deadline_ms: Option<u64>,
) -> PyResult<Vec<Symbol>> {
    let options = options(mode, max_pixels, deadline_ms)?;
    let pixels = Pixels::of_gray(array)?;
    to_python(py, pixels.decode(py, options))
}

#[pyfunction]
#[pyo3(signature = (
    images, *, threads=None, mode="fast", max_pixels=qr::DEFAULT_MAX_PIXELS, deadline_ms=5000
))]
fn decode_many(
    py: Python<'_>,
    images: &Bound<'_, PyAny>,
    threads: Option<NonZero<usize>>,
    mode: &str,
    max_pixels: usize,
    deadline_ms: Option<u64>,
) -> PyResult<Py<PyList>> {
    let options = options(mode, max_pixels, deadline_ms)?;
    let images =
        images.try_iter()?.map(|image| Pixels::of_any(&image?)).collect::<PyResult<Vec<_>>>()?;
    let threads =
        threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let answers = py.detach(|| {
        qr::in_order(&images, threads, |image| Python::attach(|py| image.decode(py, options)))
    });
    let list = PyList::empty(py);
    for answer in answers {
        match to_python(py, answer) {
            Ok(symbols) => list.append(symbols)?,
            Err(problem) => list.append(problem.into_value(py))?,
        }
    }
    Ok(list.unbind())
}

fn options(mode: &str, max_pixels: usize, deadline_ms: Option<u64>) -> PyResult<Options> {
    let mode = match mode {
        "fast" => Mode::Fast,
        "thorough" => Mode::Thorough,
        _ => return Err(PyValueError::new_err("mode is \"fast\" or \"thorough\"")),
    };
    Ok(Options { mode, max_pixels, deadline: deadline_ms.map(Duration::from_millis) })
}

/// What became of one image: the decoder's own answer, or Python's refusal to hand over the bytes.
type Answer = PyResult<Result<Vec<qr::Symbol>>>;

fn to_python(py: Python<'_>, answer: Answer) -> PyResult<Vec<Symbol>> {
    match answer? {
        Ok(symbols) => Ok(symbols.into_iter().map(Symbol).collect()),
        Err(problem) => Err(raise(py, &problem)),
    }
}

fn raise(py: Python<'_>, error: &Error) -> PyErr {
    let raised = QrError::new_err(error.message().to_owned());
    let value = raised.value(py);
    let set = value
        .setattr("code", error.code())
        .and_then(|()| value.setattr("kind", format!("{:?}", error.kind())));
    set.map_or_else(|problem| problem, |()| raised)
}

/// Of the bytes copied from Python this many are kept for the next image of the thread: a frame of
/// a camera. Fresh memory costs more than what is written into it.
const KEPT_BYTES: usize = 1 << 20;

thread_local! {
    static COPY: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What Python handed over: `bytes` are immutable and shared; any other buffer may change while the
/// GIL is released, and is copied when its turn comes.
enum Pixels {
    Shared(PyBackedBytes),
    File(PyBuffer<u8>),
    Gray { width: usize, height: usize, buffer: PyBuffer<u8> },
}

impl Pixels {
    fn of_any(image: &Bound<'_, PyAny>) -> PyResult<Self> {
        if image.is_instance_of::<PyBytes>() {
            return Self::of_file(image);
        }
        match PyBuffer::<u8>::get(image)?.dimensions() {
            1 => Self::of_file(image),
            _ => Self::of_gray(image),
        }
    }

    fn of_file(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        if data.is_instance_of::<PyBytes>() {
            return Ok(Self::Shared(data.extract()?));
        }
        let buffer = PyBuffer::<u8>::get(data)?;
        if buffer.dimensions() != 1 {
            return Err(PyTypeError::new_err("a file is bytes; use decode_gray for pixels"));
        }
        Ok(Self::File(buffer))
    }

    fn of_gray(array: &Bound<'_, PyAny>) -> PyResult<Self> {
        let buffer = PyBuffer::<u8>::get(array)?;
        let &[height, width] = buffer.shape() else {
            return Err(PyTypeError::new_err("gray pixels are an array of two dimensions"));
        };
        Ok(Self::Gray { width, height, buffer })
    }

    /// Reads every QR symbol with the GIL released.
    fn decode(&self, py: Python<'_>, options: Options) -> Answer {
        let buffer = match self {
            Self::Shared(bytes) => {
                return Ok(py.detach(|| Input::File(bytes).decode(options)));
            }
            Self::File(buffer) | Self::Gray { buffer, .. } => buffer,
        };
        let mut copy = COPY.take();
        copy.resize(buffer.item_count(), 0);
        buffer.copy_to_slice(py, &mut copy)?;
        let answer = py.detach(|| self.input(&copy).decode(options));
        if copy.capacity() <= KEPT_BYTES {
            COPY.set(copy);
        }
        Ok(answer)
    }

    fn input<'a>(&self, bytes: &'a [u8]) -> Input<'a> {
        if let Self::Gray { width, height, .. } = self
            && let Some(view) = qr::image::View::new(*width, *height, bytes)
        {
            return Input::Gray(view);
        }
        Input::File(bytes)
    }
}
