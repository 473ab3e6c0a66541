//! Codes to small numbers: each distinct text gets the next number, once.
//!
//! A flat table of four bytes a slot: eight bits of the hash to skip strangers, 24 bits of the
//! number. It holds up to 2^24 − 1 texts, a whole province several times over, in about
//! 9 bytes a text and the text itself.

use crate::error::{Error, Kind, Result};

/// Codes that are brought near at once.
pub(crate) const NEAR: usize = 32;

const NUMBER: u32 = (1 << 24) - 1;
const LOW: u64 = 0x9E37_79B9_7F4A_7C15;
const HIGH: u64 = 0xD6E8_FEB8_6659_FD93;

/// Distinct texts, numbered from 0 in the order they came.
#[derive(Debug, Clone, Default)]
pub struct Interner {
    slots: Vec<u32>,
    ends: Vec<u32>,
    text: Vec<u8>,
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

#[inline]
fn word(bytes: &[u8]) -> u64 {
    let mut eight = [0_u8; 8];
    eight[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(eight)
}

/// A 64-bit hash of a text: folded multiplication over 16 bytes at a time.
#[inline]
pub(crate) fn hash(text: &[u8]) -> u64 {
    let mut sum = text.len() as u64 ^ LOW;
    let mut chunks = text.chunks_exact(8);
    let mut pending: Option<u64> = None;
    for chunk in &mut chunks {
        let mut eight = [0_u8; 8];
        eight.copy_from_slice(chunk);
        let value = u64::from_le_bytes(eight);
        match pending.take() {
            None => pending = Some(value),
            Some(first) => sum = fold(sum ^ first, value ^ HIGH),
        }
    }
    fold(sum ^ pending.unwrap_or(0), word(chunks.remainder()) ^ HIGH)
}

impl Interner {
    /// Room for `texts` texts of `bytes` bytes in total.
    pub fn with_capacity(texts: usize, bytes: usize) -> Self {
        let mut new = Self {
            slots: Vec::new(),
            ends: Vec::with_capacity(texts),
            text: Vec::with_capacity(bytes),
        };
        new.resize(texts);
        new
    }

    /// How many texts it holds.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of a number.
    #[inline]
    pub fn text(&self, number: u32) -> &str {
        std::str::from_utf8(self.bytes(number)).unwrap_or_default()
    }

    /// The bytes of the text of a number.
    #[inline]
    pub(crate) fn bytes(&self, number: u32) -> &[u8] {
        let at = number as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        &self.text[start..self.ends[at] as usize]
    }

    #[inline]
    fn start(&self, hash: u64) -> usize {
        (((hash >> 32) * self.slots.len() as u64) >> 32) as usize
    }

    /// The number of `text`, if it is known.
    pub fn find(&self, text: &str) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        self.probe(text.as_bytes(), hash(text.as_bytes())).ok()
    }

    /// Either the number, or the free slot where it belongs.
    #[inline]
    fn probe(&self, text: &[u8], hash: u64) -> std::result::Result<u32, usize> {
        let tag = (hash as u32) & !NUMBER;
        let mut at = self.start(hash);
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return Err(at);
            }
            if slot & !NUMBER == tag {
                let number = (slot & NUMBER) - 1;
                if self.bytes(number) == text {
                    return Ok(number);
                }
            }
            at += 1;
            if at == self.slots.len() {
                at = 0;
            }
        }
    }

    /// Brings the slots of several hashes near, and the texts these stand for, all at once: a
    /// million texts in random places cost a walk to memory each, and walks that do not wait for
    /// each other cost a fraction.
    #[inline]
    pub(crate) fn touch(&self, hashes: &[u64]) {
        if self.slots.is_empty() {
            return;
        }
        for part in hashes.chunks(NEAR) {
            let mut numbers = [0_u32; NEAR];
            for (number, &hash) in numbers.iter_mut().zip(part) {
                *number = self.slots[self.start(hash)] & NUMBER;
            }
            let mut ends = [0_u32; NEAR];
            for (end, &number) in ends.iter_mut().zip(&numbers).filter(|(_, n)| **n > 0) {
                *end = self.ends[number as usize - 1];
            }
            let texts = ends.iter().filter(|&&end| end > 0);
            let sum = texts.fold(0, |sum, &end| sum ^ self.text[end as usize - 1]);
            std::hint::black_box(sum);
        }
    }

    /// The number of `text`, given now if it is new; the flag says whether it was.
    #[inline]
    pub fn add(&mut self, text: &str) -> Result<(u32, bool)> {
        self.add_hashed(text, hash(text.as_bytes()))
    }

    /// The same with the hash already known.
    #[inline]
    pub(crate) fn add_hashed(&mut self, text: &str, sum: u64) -> Result<(u32, bool)> {
        if self.slots.len() * 4 < (self.ends.len() + 1) * 5 {
            self.resize((self.ends.len() + 8) * 2);
        }
        let bytes = text.as_bytes();
        match self.probe(bytes, sum) {
            Ok(number) => Ok((number, false)),
            Err(at) => {
                let number = self.ends.len() as u32;
                let end = self.text.len() + bytes.len();
                if number + 1 > NUMBER || end > u32::MAX as usize {
                    return Err(Error::new(
                        Kind::LimitReached,
                        "pooling.codes",
                        "more than 16,777,214 codes, or more than 4 GiB of them, in one campaign",
                    ));
                }
                self.slots[at] = ((sum as u32) & !NUMBER) | (number + 1);
                self.text.extend_from_slice(bytes);
                self.ends.push(end as u32);
                Ok((number, true))
            }
        }
    }

    fn resize(&mut self, texts: usize) {
        self.slots = vec![0; texts.max(self.ends.len()) * 5 / 4 + 16];
        for number in 0..self.ends.len() as u32 {
            let sum = hash(self.bytes(number));
            let mut at = self.start(sum);
            while self.slots[at] != 0 {
                at = (at + 1) % self.slots.len();
            }
            self.slots[at] = ((sum as u32) & !NUMBER) | (number + 1);
        }
    }

    /// Bytes held, spare room included.
    pub fn byte_size(&self) -> usize {
        self.slots.capacity() * 4 + self.ends.capacity() * 4 + self.text.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_keeps_its_number_through_growth() -> Result<()> {
        let mut codes = Interner::default();
        assert_eq!(codes.find("A"), None);
        for round in 0..2 {
            for n in 0..5_000_u32 {
                let (number, is_new) = codes.add(&format!("P{n:08}"))?;
                assert_eq!((number, is_new), (n, round == 0));
            }
        }
        assert_eq!(codes.find("P00004999"), Some(4999));
        assert_eq!(codes.find("P00005000"), None);
        assert_eq!(codes.text(17), "P00000017");
        Ok(())
    }

    #[test]
    fn texts_that_differ_only_in_length_are_two() -> Result<()> {
        let mut codes = Interner::default();
        let first = codes.add("AB")?.0;
        assert_ne!(first, codes.add("AB\0")?.0);
        assert_ne!(first, codes.add("")?.0);
        Ok(())
    }
}
