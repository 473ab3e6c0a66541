//! Python face of `pdf` and of `qr::write`: papers filled on all cores, the GIL released.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::to_python;
use crate::error::{Error, Kind, Result};
use crate::pdf::font::FontFile;
use crate::pdf::layout::{Face, Slot};
use crate::pdf::paper::{Body, Design, Encoding, Piece, Shape};
use crate::pdf::seal::{Seal, Skeleton};
use crate::qr;

#[pyclass(module = "core_rs", name = "PaperSeal", frozen)]
struct PySeal {
    seal: Arc<Seal>,
}

#[pymethods]
impl PySeal {
    #[new]
    #[pyo3(signature = (
        key, *, cms, digest_at, signature_at, attributes, attributes_digest_at, contents
    ))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python<'_>,
        key: Option<&[u8]>,
        cms: Vec<u8>,
        digest_at: usize,
        signature_at: usize,
        attributes: Vec<u8>,
        attributes_digest_at: usize,
        contents: usize,
    ) -> PyResult<Self> {
        let skeleton = Skeleton { cms, digest_at, signature_at, attributes, attributes_digest_at };
        let seal = Seal::new(key, skeleton, contents).map_err(|e| to_python(py, &e))?;
        Ok(Self { seal: Arc::new(seal) })
    }
}

/// A face as Python hands it over: units of an em, letter → (glyph, advance), and the font file
/// where each paper cuts it.
type RawFace = (u64, HashMap<char, (u16, u16)>, Option<Vec<u8>>);

fn face_of((units, glyphs, file): RawFace) -> Result<Face> {
    Ok(Face::new(units, glyphs, file.as_deref().map(FontFile::parse).transpose()?))
}

type Shapes = HashMap<Vec<usize>, Arc<Shape>>;

#[pyclass(module = "core_rs", name = "PaperDesign", frozen)]
struct PyDesign {
    design: Design,
    shapes: RwLock<Shapes>,
}

/// A piece as Python hands it over: the kind, two numbers, bytes.
type RawPiece = (String, usize, usize, Vec<u8>);

fn piece_of((kind, first, second, bytes): RawPiece) -> Option<Piece> {
    Some(match kind.as_str() {
        "fixed" => Piece::Fixed(bytes),
        "plain" => Piece::Value(first, Encoding::Plain),
        "xml" => Piece::Value(first, Encoding::Xml),
        "utf16" => Piece::Value(first, Encoding::Utf16),
        "start" => Piece::Start(first, second),
        "glyphs" => Piece::Glyphs(first, second),
        "widths" => Piece::Widths(first),
        "meanings" => Piece::Meanings(first),
        _ => return None,
    })
}

/// An object as Python hands it over: number, kind, dictionary entries, pieces, value.
type RawPart = (usize, String, Vec<u8>, Vec<RawPiece>, usize);

fn part_of((number, kind, entries, pieces, value): RawPart) -> Option<(usize, Body)> {
    let pieces = pieces.into_iter().map(piece_of).collect::<Option<Vec<_>>>()?;
    let body = match kind.as_str() {
        "object" => Body::Plain(pieces),
        "stream" => Body::Stream(entries, pieces, false),
        "deflated" => Body::Stream(entries, pieces, true),
        "symbol" => Body::Symbol(entries, value),
        "font" => Body::Font(value),
        _ => return None,
    };
    Some((number, body))
}

#[pymethods]
impl PyDesign {
    /// Faces: (units of an em, {letter: (glyph, advance)}, font file or None); slots: (face, size,
    /// centred, left, width).
    #[new]
    fn new(
        py: Python<'_>,
        faces: Vec<RawFace>,
        slots: Vec<(usize, u64, bool, f64, f64)>,
    ) -> PyResult<Self> {
        let faces = faces.into_iter().map(face_of).collect::<Result<Vec<_>>>();
        let faces = faces.map_err(|e| to_python(py, &e))?;
        let slots = slots
            .into_iter()
            .map(|(face, size, is_centred, left, width)| Slot {
                face,
                size,
                is_centred,
                left,
                width,
            })
            .collect();
        Ok(Self { design: Design { faces, slots }, shapes: RwLock::default() })
    }

    #[allow(clippy::needless_pass_by_value, reason = "converted from Python")]
    fn counts(&self, values: Vec<String>) -> Option<Vec<usize>> {
        self.design.counts(&values)
    }

    #[pyo3(signature = (
        counts, *, prefix, rows, parts, fixed_glyphs, signature, trailer, identifier
    ))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn add_shape(
        &self,
        py: Python<'_>,
        counts: Vec<usize>,
        prefix: Vec<u8>,
        rows: Vec<(u8, u32, u16)>,
        parts: Vec<RawPart>,
        fixed_glyphs: Vec<Vec<u16>>,
        signature: Option<(usize, usize)>,
        trailer: Vec<u8>,
        identifier: usize,
    ) -> PyResult<()> {
        let parts =
            parts.into_iter().map(part_of).collect::<Option<Vec<_>>>().ok_or_else(|| {
                to_python(py, &Error::new(Kind::Schema, "pdf.part", "a part of an unknown kind"))
            })?;
        let shape =
            Shape { counts, prefix, rows, parts, fixed_glyphs, signature, trailer, identifier };
        let mut shapes = self.shapes.write().unwrap_or_else(PoisonError::into_inner);
        shapes.insert(shape.counts.clone(), Arc::new(shape));
        Ok(())
    }

    #[pyo3(signature = (papers, seal=None, *, threads=0))]
    #[allow(clippy::needless_pass_by_value, reason = "converted from Python")]
    fn fill<'py>(
        &self,
        py: Python<'py>,
        papers: Vec<Vec<String>>,
        seal: Option<&PySeal>,
        threads: usize,
    ) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let shapes = self.shapes.read().unwrap_or_else(PoisonError::into_inner).clone();
        let seal = seal.map(|seal| Arc::clone(&seal.seal));
        let filled =
            py.detach(|| fill_many(&self.design, &shapes, &papers, seal.as_deref(), threads));
        let filled = filled.map_err(|e| to_python(py, &e))?;
        Ok(filled.iter().map(|pdf| PyBytes::new(py, pdf)).collect())
    }
}

/// Papers a thread takes at a time.
const TURN: usize = 8;

fn fill_many(
    design: &Design,
    shapes: &Shapes,
    papers: &[Vec<String>],
    seal: Option<&Seal>,
    threads: usize,
) -> Result<Vec<Vec<u8>>> {
    let one = |values: &Vec<String>| {
        let counts = design.counts(values).unwrap_or_default();
        let shape = shapes.get(&counts).ok_or_else(|| {
            Error::new(Kind::Invalid, "pdf.shape", "no shape has these numbers of lines")
        })?;
        design.fill(shape, values, seal)
    };
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = if threads == 0 { cores() } else { threads };
    if threads == 1 || papers.len() < 2 {
        return papers.iter().map(one).collect();
    }
    // Each takes the next few: the core beside whoever asks may be busy with something else.
    let (next, last) = (AtomicUsize::new(0), papers.len());
    let take_turns = || {
        let mut filled = Vec::with_capacity(last / threads + TURN);
        loop {
            let first = next.fetch_add(TURN, Ordering::Relaxed);
            if first >= last {
                return Ok(filled);
            }
            for (place, values) in papers.iter().enumerate().skip(first).take(TURN) {
                filled.push((place, one(values)?));
            }
        }
    };
    let stopped = |_| Error::new(Kind::LimitReached, "pdf.thread", "a thread stopped");
    let mut filled = vec![Vec::new(); last];
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(take_turns)).collect();
        for thread in running {
            let part: Result<Vec<_>> = thread.join().map_err(stopped)?;
            for (place, pdf) in part? {
                filled[place] = pdf;
            }
        }
        Ok(filled)
    })
}

/// The modules of a symbol: side, and one byte a module (1 for dark), row by row.
#[pyfunction]
fn write_qr<'py>(py: Python<'py>, text: &str) -> PyResult<(usize, Bound<'py, PyBytes>)> {
    let modules = qr::write(text).map_err(|e| to_python(py, &e))?;
    let bytes: Vec<u8> = modules.is_dark.iter().map(|&is_dark| u8::from(is_dark)).collect();
    Ok((modules.size, PyBytes::new(py, &bytes)))
}

/// Adds papers to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PySeal>()?;
    module.add_class::<PyDesign>()?;
    module.add_function(wrap_pyfunction!(write_qr, module)?)
}
