//! A TrueType font cut to the glyphs of one paper. Glyph numbers stay, so that texts need no change.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use miniz_oxide::deflate::compress_to_vec_zlib;

use crate::error::{Error, Kind, Result};

/// Tables of a font in a PDF file, in the order of the file.
const KEPT: [&[u8; 4]; 6] = [b"glyf", b"head", b"hhea", b"hmtx", b"loca", b"maxp"];
const COMPONENTS_AT: usize = 10;
const ARGS_ARE_WORDS: u16 = 0x01;
const HAS_SCALE: u16 = 0x08;
const MORE_COMPONENTS: u16 = 0x20;
const HAS_TWO_SCALES: u16 = 0x40;
const HAS_MATRIX: u16 = 0x80;
/// The outlines of letters hardly shrink more at higher levels.
const LEVEL: u8 = 5;
/// Cuts kept of a face, some eight kilobytes each: papers of a round share those of most faces.
const MOST_CUTS: usize = 256;

/// A cut font as it stands in a file.
#[derive(Debug)]
pub struct Packed {
    /// Bytes before compression.
    pub length: usize,
    /// Compressed.
    pub bytes: Vec<u8>,
}

/// The tables of a font that a paper needs.
#[derive(Debug, Clone)]
pub struct FontFile {
    head: Vec<u8>,
    hhea: Vec<u8>,
    maxp: Vec<u8>,
    hmtx: Vec<u8>,
    glyf: Vec<u8>,
    /// Where each glyph begins in `glyf`, and the end of the last.
    places: Vec<usize>,
    /// The glyphs that each is made of.
    components: Vec<Vec<u16>>,
    /// How many glyphs have an advance of their own.
    advances: usize,
    /// Cuts that were made lately, by their glyphs.
    packed: Arc<Mutex<HashMap<Vec<u16>, Arc<Packed>>>>,
}

fn broken() -> Error {
    Error::new(Kind::Malformed, "pdf.font", "not a TrueType font with outlines")
}

fn word(bytes: &[u8], at: usize) -> Result<u16> {
    let found = bytes.get(at..at + 2).ok_or_else(broken)?;
    Ok(u16::from_be_bytes([found[0], found[1]]))
}

fn long(bytes: &[u8], at: usize) -> Result<usize> {
    Ok(usize::from(word(bytes, at)?) << 16 | usize::from(word(bytes, at + 2)?))
}

impl FontFile {
    /// Reads a font file.
    ///
    /// # Errors
    /// `pdf.font`: a table is missing or does not hold what it should.
    pub fn parse(file: &[u8]) -> Result<Self> {
        let count = usize::from(word(file, 4)?);
        let table = |name: &[u8; 4]| -> Result<Vec<u8>> {
            let entry = (0..count)
                .map(|n| 12 + 16 * n)
                .find(|&at| file.get(at..at + 4) == Some(name))
                .ok_or_else(broken)?;
            let (start, length) = (long(file, entry + 8)?, long(file, entry + 12)?);
            Ok(file.get(start..start + length).ok_or_else(broken)?.to_vec())
        };
        let (head, maxp, loca, glyf) =
            (table(b"head")?, table(b"maxp")?, table(b"loca")?, table(b"glyf")?);
        let glyphs = usize::from(word(&maxp, 4)?);
        let is_long = word(&head, 50)? == 1;
        let places = (0..=glyphs)
            .map(|n| {
                if is_long { long(&loca, 4 * n) } else { Ok(2 * usize::from(word(&loca, 2 * n)?)) }
            })
            .collect::<Result<Vec<_>>>()?;
        if places.windows(2).any(|pair| pair[0] > pair[1]) || places[glyphs] > glyf.len() {
            return Err(broken());
        }
        let components = places
            .windows(2)
            .map(|pair| components(&glyf[pair[0]..pair[1]], glyphs))
            .collect::<Result<Vec<_>>>()?;
        let hhea = table(b"hhea")?;
        let advances = usize::from(word(&hhea, 34)?);
        let hmtx = table(b"hmtx")?;
        if advances > glyphs || hmtx.len() < 2 * advances + 2 * glyphs {
            return Err(broken());
        }
        Ok(Self {
            head,
            hhea,
            maxp,
            hmtx,
            glyf,
            places,
            components,
            advances,
            packed: Arc::default(),
        })
    }

    /// The font with the outlines of these glyphs, compressed: made once for papers of the same
    /// letters. The same glyphs give the same bytes, kept or not.
    pub fn packed(&self, glyphs: &BTreeSet<u16>) -> Arc<Packed> {
        let key: Vec<u16> = glyphs.iter().copied().collect();
        let known = || self.packed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(&key) {
            return Arc::clone(found);
        }
        // Outside the lock: other threads go on meanwhile.
        let file = self.cut(glyphs);
        let bytes = compress_to_vec_zlib(&file, LEVEL);
        let made = Arc::new(Packed { length: file.len(), bytes });
        let mut kept = known();
        if kept.len() >= MOST_CUTS {
            kept.clear();
        }
        kept.insert(key, Arc::clone(&made));
        made
    }

    /// The font with the outlines and advances of these glyphs, and of what they are made of.
    #[must_use]
    pub fn cut(&self, glyphs: &BTreeSet<u16>) -> Vec<u8> {
        let mut kept = vec![false; self.components.len()];
        let mut waiting: Vec<u16> = glyphs.iter().copied().chain([0]).collect();
        while let Some(glyph) = waiting.pop() {
            let number = usize::from(glyph);
            if number < kept.len() && !kept[number] {
                kept[number] = true;
                waiting.extend(&self.components[number]);
            }
        }
        let mut glyf = Vec::with_capacity(self.glyf.len() / 2);
        let mut loca = Vec::with_capacity(4 * self.places.len());
        let mut hmtx = self.hmtx.clone();
        for (number, pair) in self.places.windows(2).enumerate() {
            loca.extend_from_slice(&(glyf.len() as u32).to_be_bytes());
            if kept[number] {
                glyf.extend_from_slice(&self.glyf[pair[0]..pair[1]]);
                glyf.resize(glyf.len().next_multiple_of(4), 0);
            } else {
                self.forget(&mut hmtx, number);
            }
        }
        loca.extend_from_slice(&(glyf.len() as u32).to_be_bytes());
        let mut head = self.head.clone();
        head[8..12].fill(0);
        head[50..52].copy_from_slice(&[0, 1]);
        assemble(&[&glyf, &head, &self.hhea, &hmtx, &loca, &self.maxp])
    }

    /// Zeros in place of an advance that is not used: they take no room once compressed.
    fn forget(&self, hmtx: &mut [u8], number: usize) {
        if number + 1 < self.advances {
            hmtx[4 * number..4 * number + 4].fill(0);
        } else if number >= self.advances {
            let at = 4 * self.advances + 2 * (number - self.advances);
            hmtx[at..at + 2].fill(0);
        }
    }
}

/// The glyphs that an outline is made of; none for a simple one.
fn components(outline: &[u8], glyphs: usize) -> Result<Vec<u16>> {
    let mut found = Vec::new();
    if outline.is_empty() || word(outline, 0)? < 0x8000 {
        return Ok(found);
    }
    let mut at = COMPONENTS_AT;
    loop {
        let (flags, glyph) = (word(outline, at)?, word(outline, at + 2)?);
        if usize::from(glyph) >= glyphs {
            return Err(broken());
        }
        found.push(glyph);
        at += if flags & ARGS_ARE_WORDS == 0 { 6 } else { 8 };
        at += match flags & (HAS_SCALE | HAS_TWO_SCALES | HAS_MATRIX) {
            0 => 0,
            HAS_SCALE => 2,
            HAS_TWO_SCALES => 4,
            _ => 8,
        };
        if flags & MORE_COMPONENTS == 0 {
            return Ok(found);
        }
    }
}

fn checksum(table: &[u8]) -> u32 {
    table.chunks(4).fold(0, |sum: u32, chunk| {
        let mut padded = [0; 4];
        padded[..chunk.len()].copy_from_slice(chunk);
        sum.wrapping_add(u32::from_be_bytes(padded))
    })
}

/// A font file of the tables of `KEPT`.
fn assemble(tables: &[&[u8]; 6]) -> Vec<u8> {
    // Version 1.0, six tables, and the numbers of a binary search over them.
    let mut out = vec![0, 1, 0, 0, 0, 6, 0, 64, 0, 2, 0, 32];
    let mut start = 12 + 16 * KEPT.len();
    let mut head_at = 0;
    for (name, table) in KEPT.iter().zip(tables) {
        if *name == b"head" {
            head_at = start;
        }
        out.extend_from_slice(*name);
        out.extend_from_slice(&checksum(table).to_be_bytes());
        out.extend_from_slice(&(start as u32).to_be_bytes());
        out.extend_from_slice(&(table.len() as u32).to_be_bytes());
        start += table.len().next_multiple_of(4);
    }
    for table in tables {
        out.extend_from_slice(table);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    let adjustment = 0xb1b0_afba_u32.wrapping_sub(checksum(&out));
    out[head_at + 8..head_at + 12].copy_from_slice(&adjustment.to_be_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four glyphs: nothing, a simple one, one made of it, another simple one.
    fn font() -> Vec<u8> {
        let simple = [0, 1, 0, 0, 0, 0, 0, 9, 0, 9, 0, 0];
        let composite = [255, 255, 0, 0, 0, 0, 0, 9, 0, 9, 0, 0, 0, 1, 0, 0];
        let glyf = [&simple[..], &composite, &simple].concat();
        let loca = [0, 0, 0, 0, 0, 6, 0, 14, 0, 20];
        let mut head = vec![0; 54];
        head[18] = 8;
        let mut hhea = vec![0; 36];
        hhea[35] = 4;
        let hmtx = [0, 0, 0, 0, 0, 10, 0, 0, 0, 20, 0, 0, 0, 30, 0, 0];
        let maxp = [0, 1, 0, 0, 0, 4];
        assemble(&[&glyf, &head, &hhea, &hmtx, &loca, &maxp])
    }

    #[test]
    fn a_cut_font_holds_what_is_asked_and_what_it_is_made_of() {
        let whole = FontFile::parse(&font()).unwrap();
        let cut = FontFile::parse(&whole.cut(&BTreeSet::from([2]))).unwrap();
        let sizes: Vec<usize> = cut.places.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(sizes, [0, 12, 16, 0]);
        assert_eq!(cut.components[2], [1]);
        assert_eq!(&cut.hmtx[4..12], [0, 10, 0, 0, 0, 20, 0, 0]);
        assert_eq!(cut.head[50..52], [0, 1]);
    }

    #[test]
    fn a_cut_that_was_kept_is_the_one_that_is_made() {
        let whole = FontFile::parse(&font()).unwrap();
        let glyphs = BTreeSet::from([1, 2]);
        let (first, again) = (whole.packed(&glyphs), whole.packed(&glyphs));
        assert!(Arc::ptr_eq(&first, &again));
        for number in 0..2 * MOST_CUTS as u16 {
            let _ = whole.packed(&BTreeSet::from([number]));
        }
        let made = whole.packed(&glyphs);
        assert!(!Arc::ptr_eq(&first, &made));
        assert_eq!((first.length, &first.bytes), (made.length, &made.bytes));
        assert!(whole.packed.lock().unwrap().len() <= MOST_CUTS);
    }

    #[test]
    fn the_checksum_of_a_file_is_the_one_of_the_standard() {
        let whole = FontFile::parse(&font()).unwrap();
        assert_eq!(checksum(&whole.cut(&BTreeSet::from([1]))), 0xb1b0_afba);
    }

    #[test]
    fn what_is_no_font_is_refused() {
        for file in [&b""[..], b"%PDF-1.7", &[0; 300], &font()[..200]] {
            assert_eq!(FontFile::parse(file).unwrap_err().code(), "pdf.font");
        }
    }
}
