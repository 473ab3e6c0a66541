//! One shape of a page, filled: the constant bytes in front, the few objects of the person, the
//! signature, the cross-references.
//!
//! The constant objects stand first, so that their offsets never change; those of the person follow.

use std::collections::BTreeSet;

use miniz_oxide::deflate::compress_to_vec_zlib;

use super::font::FontFile;
use super::layout::{Face, Line, Slot, lines};
use super::seal::{Seal, push_hex};
use crate::error::{Error, Kind, Result};
use crate::qr;

/// Fast deflate: content streams are small and much alike.
const LEVEL: u8 = 2;
/// Entries of a block in a map to Unicode, by the specification of `CMaps`.
const BLOCK: usize = 100;
/// Light modules around a symbol, as the standard asks.
const QUIET: usize = 4;

/// How a value stands in an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Plain,
    /// Escaped for XML.
    Xml,
    /// UTF-16, big-endian, in hexadecimal digits.
    Utf16,
}

/// A stretch of an object.
#[derive(Debug, Clone)]
pub enum Piece {
    /// The same for everybody.
    Fixed(Vec<u8>),
    /// A value.
    Value(usize, Encoding),
    /// Where a line of a slot's value begins, in pixels.
    Start(usize, usize),
    /// The glyphs of a line of a slot's value, in hexadecimal digits.
    Glyphs(usize, usize),
    /// The widths of the glyphs that the paper uses of a face.
    Widths(usize),
    /// What these glyphs mean: entries of a map to Unicode, in blocks.
    Meanings(usize),
}

/// What an object holds.
#[derive(Debug, Clone)]
pub enum Body {
    /// No stream.
    Plain(Vec<Piece>),
    /// Dictionary entries, content, whether it is deflated.
    Stream(Vec<u8>, Vec<Piece>, bool),
    /// A picture of the symbol of a value, in gray: further dictionary entries, the value.
    Symbol(Vec<u8>, usize),
    /// The font of a face, cut to the glyphs that the paper uses.
    Font(usize),
}

/// One way the page may look: so many lines for each slot.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Lines of each slot.
    pub counts: Vec<usize>,
    /// Everything that is the same for everybody, from the header on.
    pub prefix: Vec<u8>,
    /// Cross-references by object number: kind, offset or container, place in it.
    pub rows: Vec<(u8, u32, u16)>,
    /// The objects of the person.
    pub parts: Vec<(usize, Body)>,
    /// Glyphs of each face in the texts that are the same for everybody.
    pub fixed_glyphs: Vec<Vec<u16>>,
    /// Number of the signature object and the value that says when; `None` for unsigned papers.
    pub signature: Option<(usize, usize)>,
    /// Entries of the trailer but for the size and the identifier.
    pub trailer: Vec<u8>,
    /// The value with the file's identifier in hexadecimal digits.
    pub identifier: usize,
}

/// The fonts and places of a page; the shapes stand beside it.
#[derive(Debug, Clone, Default)]
pub struct Design {
    /// Fonts.
    pub faces: Vec<Face>,
    /// Places of the first values; further values stand in no place of their own.
    pub slots: Vec<Slot>,
}

impl Design {
    /// Lines of each slot; `None` if this page must be laid out by the designer.
    pub fn counts(&self, values: &[String]) -> Option<Vec<usize>> {
        Some(self.lines(values)?.iter().map(Vec::len).collect())
    }

    fn lines<'a>(&self, values: &'a [String]) -> Option<Vec<Vec<Line<'a>>>> {
        if values.len() < self.slots.len() {
            return None;
        }
        self.slots
            .iter()
            .zip(values)
            .map(|(slot, value)| lines(slot, self.faces.get(slot.face)?, value))
            .collect()
    }

    /// The file of one person.
    ///
    /// # Errors
    /// `pdf.shape`: the values do not have the lines of the shape, or it names what is not there.
    pub fn fill(&self, shape: &Shape, values: &[String], seal: Option<&Seal>) -> Result<Vec<u8>> {
        let lines = self.lines(values).ok_or_else(|| unfit("the values can not be laid out"))?;
        if !lines.iter().map(Vec::len).eq(shape.counts.iter().copied()) {
            return Err(unfit("the values have other numbers of lines"));
        }
        let glyphs = self.used_glyphs(shape, &lines);
        let filled = Filled { design: self, values, lines, glyphs };
        let mut rows = shape.rows.clone();
        let mut out = Vec::with_capacity(shape.prefix.len() + 24_000);
        out.extend_from_slice(&shape.prefix);
        for (number, body) in &shape.parts {
            let row = rows.get_mut(*number).ok_or_else(|| unfit("an object is not counted"))?;
            *row = (1, out.len() as u32, 0);
            filled.object(&mut out, *number, body)?;
        }
        let hole = match (shape.signature, seal) {
            (Some((number, stamp)), Some(&Seal { contents, .. })) => {
                let row = rows.get_mut(number).ok_or_else(|| unfit("no signature is counted"))?;
                *row = (1, out.len() as u32, 0);
                Some(signature_object(&mut out, number, filled.value(stamp)?, contents))
            }
            (None, None) => None,
            _ => return Err(unfit("a seal and a place for it go together")),
        };
        references(&mut out, shape, &mut rows, filled.value(shape.identifier)?);
        if let (Some(hole), Some(seal)) = (hole, seal) {
            close(&mut out, &hole, seal)?;
        }
        Ok(out)
    }
}

impl Design {
    /// The glyphs that a paper shows of each face.
    fn used_glyphs(&self, shape: &Shape, lines: &[Vec<Line<'_>>]) -> Vec<BTreeSet<u16>> {
        let mut found: Vec<BTreeSet<u16>> =
            shape.fixed_glyphs.iter().map(|glyphs| glyphs.iter().copied().collect()).collect();
        found.resize(self.faces.len(), BTreeSet::new());
        for (slot, lines) in self.slots.iter().zip(lines) {
            let letters = lines.iter().flat_map(|line| line.text.chars());
            let glyphs = &self.faces[slot.face].glyphs;
            found[slot.face].extend(letters.filter_map(|letter| Some(glyphs.get(&letter)?.0)));
        }
        found
    }
}

fn unfit(sentence: &str) -> Error {
    Error::new(Kind::Invalid, "pdf.shape", sentence)
}

struct Filled<'a> {
    design: &'a Design,
    values: &'a [String],
    lines: Vec<Vec<Line<'a>>>,
    glyphs: Vec<BTreeSet<u16>>,
}

impl Filled<'_> {
    fn value(&self, number: usize) -> Result<&str> {
        let value = self.values.get(number).ok_or_else(|| unfit("a value is missing"))?;
        Ok(value)
    }

    fn line(&self, slot: usize, number: usize) -> Result<&Line<'_>> {
        let line = self.lines.get(slot).and_then(|lines| lines.get(number));
        line.ok_or_else(|| unfit("a line is missing"))
    }

    fn object(&self, out: &mut Vec<u8>, number: usize, body: &Body) -> Result<()> {
        out.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        match body {
            Body::Plain(pieces) => self.pieces(out, pieces)?,
            Body::Stream(entries, pieces, is_deflated) => {
                let mut content = Vec::with_capacity(20_000);
                self.pieces(&mut content, pieces)?;
                if *is_deflated {
                    content = compress_to_vec_zlib(&content, LEVEL);
                }
                stream(out, entries, &content, *is_deflated);
            }
            Body::Symbol(entries, value) => {
                let (side, pixels) = picture(self.value(*value)?)?;
                let mut entries = entries.clone();
                let size = format!("/Width {side}/Height {side}");
                entries.extend_from_slice(size.as_bytes());
                stream(out, &entries, &compress_to_vec_zlib(&pixels, LEVEL), true);
            }
            Body::Font(face) => {
                let file = self.face(*face)?.file.as_ref();
                let file: &FontFile = file.ok_or_else(|| unfit("a font is missing"))?;
                let packed = file.packed(&self.glyphs[*face]);
                let entries = format!("/Length1 {}", packed.length);
                stream(out, entries.as_bytes(), &packed.bytes, true);
            }
        }
        out.extend_from_slice(b"\nendobj\n");
        Ok(())
    }

    fn pieces(&self, out: &mut Vec<u8>, pieces: &[Piece]) -> Result<()> {
        for piece in pieces {
            match piece {
                Piece::Fixed(bytes) => out.extend_from_slice(bytes),
                Piece::Value(number, encoding) => encode(out, self.value(*number)?, *encoding),
                Piece::Start(slot, number) => {
                    out.extend_from_slice(number_text(self.line(*slot, *number)?.x).as_bytes());
                }
                Piece::Glyphs(slot, number) => self.glyphs(out, *slot, *number)?,
                Piece::Widths(face) => self.widths(out, *face)?,
                Piece::Meanings(face) => self.meanings(out, *face)?,
            }
        }
        Ok(())
    }

    fn glyphs(&self, out: &mut Vec<u8>, slot: usize, number: usize) -> Result<()> {
        let face = &self.design.faces[self.design.slots[slot].face];
        for letter in self.line(slot, number)?.text.chars() {
            let (glyph, _) =
                face.glyphs.get(&letter).ok_or_else(|| unfit("a letter is missing"))?;
            push_hex(out, &glyph.to_be_bytes());
        }
        Ok(())
    }

    fn face(&self, number: usize) -> Result<&Face> {
        self.design.faces.get(number).ok_or_else(|| unfit("a face is missing"))
    }

    /// The letters of a face that the paper shows, with their glyphs, in the order of these.
    fn letters(&self, face: usize) -> Result<Vec<(u16, char)>> {
        let letters = &self.face(face)?.letters;
        Ok(self.glyphs[face]
            .iter()
            .filter_map(|glyph| Some((*glyph, *letters.get(glyph)?)))
            .collect())
    }

    /// Thousandths of an em, as PDF files give them.
    fn widths(&self, out: &mut Vec<u8>, number: usize) -> Result<()> {
        let face = self.face(number)?;
        for (glyph, letter) in self.letters(number)? {
            let advance = f64::from(face.glyphs[&letter].1) * 1000.0 / face.units as f64;
            out.extend_from_slice(format!("{glyph}[{}]", advance.round_ties_even()).as_bytes());
        }
        Ok(())
    }

    fn meanings(&self, out: &mut Vec<u8>, number: usize) -> Result<()> {
        for block in self.letters(number)?.chunks(BLOCK) {
            out.extend_from_slice(format!("{} beginbfchar\n", block.len()).as_bytes());
            for (glyph, letter) in block {
                let line = format!("<{glyph:04x}> <{:04x}>\n", u32::from(*letter));
                out.extend_from_slice(line.as_bytes());
            }
            out.extend_from_slice(b"endbfchar\n");
        }
        Ok(())
    }
}

/// A length as the designer writes it: six decimals, without the zeros at the end.
fn number_text(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn encode(out: &mut Vec<u8>, value: &str, encoding: Encoding) {
    match encoding {
        Encoding::Plain => out.extend_from_slice(value.as_bytes()),
        Encoding::Utf16 => {
            for unit in value.encode_utf16() {
                push_hex(out, &unit.to_be_bytes());
            }
        }
        Encoding::Xml => {
            for letter in value.chars() {
                match letter {
                    '&' => out.extend_from_slice(b"&amp;"),
                    '<' => out.extend_from_slice(b"&lt;"),
                    '>' => out.extend_from_slice(b"&gt;"),
                    _ => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
                }
            }
        }
    }
}

fn stream(out: &mut Vec<u8>, entries: &[u8], content: &[u8], is_deflated: bool) {
    let filter = if is_deflated { "/Filter/FlateDecode" } else { "" };
    out.extend_from_slice(b"<<");
    out.extend_from_slice(entries);
    out.extend_from_slice(format!("{filter}/Length {}>>\nstream\n", content.len()).as_bytes());
    out.extend_from_slice(content);
    out.extend_from_slice(b"\nendstream");
}

/// The symbol of a text with its quiet zone, a byte a module.
fn picture(text: &str) -> Result<(usize, Vec<u8>)> {
    let modules = qr::write(text)?;
    let side = modules.size + 2 * QUIET;
    let mut pixels = vec![255; side * side];
    for (at, _) in modules.is_dark.iter().enumerate().filter(|(_, is_dark)| **is_dark) {
        let (x, y) = (at % modules.size + QUIET, at / modules.size + QUIET);
        pixels[y * side + x] = 0;
    }
    Ok((side, pixels))
}

/// Where the byte range and the CMS go.
struct Hole {
    ranges: usize,
    contents: usize,
}

const RANGES: &[u8; 43] = b"0000000000 0000000000 0000000000 0000000000";

fn signature_object(out: &mut Vec<u8>, number: usize, stamp: &str, size: usize) -> Hole {
    let head = format!(
        "{number} 0 obj\n<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached\
         /M(D:{stamp}Z)/ByteRange["
    );
    out.extend_from_slice(head.as_bytes());
    let ranges = out.len();
    out.extend_from_slice(RANGES);
    out.extend_from_slice(b"]/Contents");
    let contents = out.len();
    out.push(b'<');
    out.resize(out.len() + 2 * size, b'0');
    out.extend_from_slice(b">>>\nendobj\n");
    Hole { ranges, contents }
}

/// A cross-reference stream, uncompressed: it is small, and its bytes are the person's own.
fn references(out: &mut Vec<u8>, shape: &Shape, rows: &mut Vec<(u8, u32, u16)>, identifier: &str) {
    let start = out.len();
    let number = rows.len();
    rows.push((1, start as u32, 0));
    let size = rows.len();
    let length = 6 * size;
    out.extend_from_slice(format!("{number} 0 obj\n<</Type/XRef/Size {size}/W[1 3 2]").as_bytes());
    out.extend_from_slice(&shape.trailer);
    let tail = format!("/ID[<{identifier}><{identifier}>]/Length {length}>>\nstream\n");
    out.extend_from_slice(tail.as_bytes());
    for (kind, offset, place) in rows {
        out.push(*kind);
        out.extend_from_slice(&offset.to_be_bytes()[1..]);
        out.extend_from_slice(&place.to_be_bytes());
    }
    let end = format!("\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n");
    out.extend_from_slice(end.as_bytes());
}

/// Writes the byte range, then the CMS over it.
fn close(out: &mut [u8], hole: &Hole, seal: &Seal) -> Result<()> {
    let after = hole.contents + 2 * seal.contents + 2;
    let ranges = format!("{:010} {:010} {after:010} {:010}", 0, hole.contents, out.len() - after);
    out[hole.ranges..hole.ranges + RANGES.len()].copy_from_slice(ranges.as_bytes());
    let cms = seal.sign(&out[..hole.contents], &out[after..])?;
    let mut digits = Vec::with_capacity(2 * cms.len());
    push_hex(&mut digits, &cms);
    out[hole.contents + 1..hole.contents + 1 + digits.len()].copy_from_slice(&digits);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_short() {
        assert_eq!(number_text(374.173_228_346), "374.173228");
        assert_eq!(number_text(350.5406), "350.5406");
        assert_eq!(number_text(12.0), "12");
        assert_eq!(number_text(100.0), "100");
    }

    #[test]
    fn values_are_encoded_for_their_place() {
        let encoded = |value, encoding| {
            let mut out = Vec::new();
            encode(&mut out, value, encoding);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(encoded("A & <Đ>", Encoding::Xml), "A &amp; &lt;Đ&gt;");
        assert_eq!(encoded("AĐ", Encoding::Utf16), "00410110");
        assert_eq!(encoded("a", Encoding::Plain), "a");
    }

    #[test]
    fn a_shape_that_does_not_fit_is_refused() {
        let design = Design::default();
        let shape = Shape {
            counts: vec![1],
            prefix: Vec::new(),
            rows: Vec::new(),
            parts: Vec::new(),
            fixed_glyphs: Vec::new(),
            signature: None,
            trailer: Vec::new(),
            identifier: 0,
        };
        let found = design.fill(&shape, &[String::from("00")], None);
        assert_eq!(found.unwrap_err().code(), "pdf.shape");
    }
}
