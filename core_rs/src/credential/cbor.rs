//! CBOR (RFC 8949) as far as COSE and CWT need it: any well-formed input, bounded depth.
//!
//! Lengths and numbers may be written longer than need be, and lengths may be indefinite: what
//! was signed is the bytes, and issuers differ. A key that stands twice is refused however it is
//! written, as are simple values and chunks of text that RFC 8949 (3.2.3, 3.3) calls not well-formed.

use std::collections::HashSet;

use crate::error::{Error, Kind, Result};

/// A CBOR value. Maps keep their order; tags stand in front of their value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Major types 0 and 1.
    Integer(i128),
    /// Major type 2.
    Bytes(Vec<u8>),
    /// Major type 3.
    Text(String),
    /// Major type 4.
    Array(Vec<Value>),
    /// Major type 5, in the order of the input.
    Map(Vec<(Value, Value)>),
    /// Major type 6.
    Tag(u64, Box<Value>),
    /// Half, single and double precision.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// Null, undefined and unassigned simple values.
    Null,
}

/// Nesting beyond this is refused: a DCC needs seven.
const DEEPEST: usize = 32;

impl Value {
    /// The value under a text key of a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(k, _)| matches!(k, Self::Text(t) if t == key)).map(|(_, v)| v)
    }

    /// The value under an integer key of a map.
    pub fn get_number(&self, key: i128) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(k, _)| *k == Self::Integer(key)).map(|(_, v)| v)
    }

    /// The value without tags.
    pub fn untagged(&self) -> &Self {
        match self {
            Self::Tag(_, inner) => inner.untagged(),
            other => other,
        }
    }

    /// The text, tags aside.
    pub fn text(&self) -> Option<&str> {
        match self.untagged() {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, tags aside; fractions are cut off.
    pub fn number(&self) -> Option<i64> {
        match self.untagged() {
            Self::Integer(number) => i64::try_from(*number).ok(),
            Self::Float(number) if number.is_finite() => Some(*number as i64),
            _ => None,
        }
    }

    /// The bytes, tags aside.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self.untagged() {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// Decodes one value that fills the input. Codes of errors: `cbor.truncated`, `cbor.malformed`,
/// `cbor.depth`, `cbor.trailing`.
pub fn decode(input: &[u8]) -> Result<Value> {
    let mut reader = Reader { rest: input };
    let value = reader.value(0)?;
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(Error::new(Kind::Malformed, "cbor.trailing", "bytes follow the value"))
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

/// What ends an array or map of indefinite length.
const BREAK: u8 = 0xFF;

impl<'a> Reader<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8]> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| Error::new(Kind::Malformed, "cbor.truncated", "the value is cut off"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self, bytes: u64) -> Result<u64> {
        Ok(self.take(bytes)?.iter().fold(0, |sum, &b| sum << 8 | u64::from(b)))
    }

    /// The argument of a head; `None` for an indefinite length.
    fn argument(&mut self, info: u8) -> Result<Option<u64>> {
        match info {
            0..=23 => Ok(Some(u64::from(info))),
            24 => self.number(1).map(Some),
            25 => self.number(2).map(Some),
            26 => self.number(4).map(Some),
            27 => self.number(8).map(Some),
            31 => Ok(None),
            _ => Err(malformed()),
        }
    }

    fn ends(&mut self) -> Result<bool> {
        let ends =
            *self.rest.first().ok_or_else(|| {
                Error::new(Kind::Malformed, "cbor.truncated", "the value is cut off")
            })? == BREAK;
        if ends {
            self.rest = &self.rest[1..];
        }
        Ok(ends)
    }

    fn value(&mut self, depth: usize) -> Result<Value> {
        if depth > DEEPEST {
            return Err(Error::new(
                Kind::LimitReached,
                "cbor.depth",
                "the value is nested too deep",
            ));
        }
        let head = self.take(1)?[0];
        let (major, info) = (head >> 5, head & 31);
        if major == 7 {
            return self.simple(info);
        }
        let argument = self.argument(info)?;
        match (major, argument) {
            (0, Some(n)) => Ok(Value::Integer(i128::from(n))),
            (1, Some(n)) => Ok(Value::Integer(-1 - i128::from(n))),
            (2, _) => self.string(2, argument).map(Value::Bytes),
            (3, _) => String::from_utf8(self.string(3, argument)?)
                .map(Value::Text)
                .map_err(|_| malformed()),
            (4, _) => self.array(argument, depth),
            (5, _) => self.map(argument, depth),
            (6, Some(tag)) => Ok(Value::Tag(tag, Box::new(self.value(depth + 1)?))),
            _ => Err(malformed()),
        }
    }

    /// The bytes of a string; each chunk of a text is a text of its own.
    fn string(&mut self, major: u8, length: Option<u64>) -> Result<Vec<u8>> {
        if let Some(length) = length {
            return self.take(length).map(<[u8]>::to_vec);
        }
        let mut out = Vec::new();
        while !self.ends()? {
            let head = self.take(1)?[0];
            // Chunks are strings of the same type and of definite length.
            match self.argument(head & 31)? {
                Some(length) if head >> 5 == major => {
                    let chunk = self.take(length)?;
                    if major == 3 && std::str::from_utf8(chunk).is_err() {
                        return Err(malformed());
                    }
                    out.extend_from_slice(chunk);
                }
                _ => return Err(malformed()),
            }
        }
        Ok(out)
    }

    fn array(&mut self, length: Option<u64>, depth: usize) -> Result<Value> {
        let mut out = Vec::new();
        let mut left = length;
        loop {
            match &mut left {
                Some(0) => break,
                Some(n) => *n -= 1,
                None if self.ends()? => break,
                None => {}
            }
            out.push(self.value(depth + 1)?);
        }
        Ok(Value::Array(out))
    }

    fn map(&mut self, length: Option<u64>, depth: usize) -> Result<Value> {
        let mut out: Vec<(Value, Value)> = Vec::new();
        let mut keys = HashSet::new();
        let mut left = length;
        loop {
            match &mut left {
                Some(0) => break,
                Some(n) => *n -= 1,
                None if self.ends()? => break,
                None => {}
            }
            let key = self.value(depth + 1)?;
            // Two values under one key would let two readers see two certificates.
            // By their shortest bytes: 1 and 1 in two bytes are one key; NaN equals NaN here.
            if !keys.insert(encode(&key)) {
                return Err(Error::new(Kind::Malformed, "cbor.malformed", "a key stands twice"));
            }
            out.push((key, self.value(depth + 1)?));
        }
        Ok(Value::Map(out))
    }

    fn simple(&mut self, info: u8) -> Result<Value> {
        match info {
            20 => Ok(Value::Bool(false)),
            21 => Ok(Value::Bool(true)),
            0..=23 => Ok(Value::Null),
            // Values below 32 have one byte (RFC 8949, 3.3).
            24 => match self.take(1)?[0] {
                0..32 => Err(malformed()),
                _ => Ok(Value::Null),
            },
            25 => self.number(2).map(|bits| Value::Float(half(bits as u16))),
            26 => self.number(4).map(|bits| Value::Float(f64::from(f32::from_bits(bits as u32)))),
            27 => self.number(8).map(|bits| Value::Float(f64::from_bits(bits))),
            _ => Err(malformed()),
        }
    }
}

/// Half precision (RFC 8949 appendix D).
fn half(bits: u16) -> f64 {
    let exponent = i32::from(bits >> 10 & 0x1F);
    let mantissa = f64::from(bits & 0x3FF);
    let size = match exponent {
        0 => mantissa * 2_f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * 2_f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

fn malformed() -> Error {
    Error::new(Kind::Malformed, "cbor.malformed", "the bytes are no CBOR")
}

/// Encodes with definite lengths and shortest heads, maps in their own order.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let top = major << 5;
    match argument {
        0..=23 => out.push(top | argument as u8),
        24..=0xFF => out.extend([top | 0x18, argument as u8]),
        0x100..=0xFFFF => {
            out.push(top | 0x19);
            out.extend((argument as u16).to_be_bytes());
        }
        0x1_0000..=0xFFFF_FFFF => {
            out.push(top | 0x1A);
            out.extend((argument as u32).to_be_bytes());
        }
        _ => {
            out.push(top | 0x1B);
            out.extend(argument.to_be_bytes());
        }
    }
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Integer(n) if *n >= 0 => head(0, *n as u64, out),
        Value::Integer(n) => head(1, (-1 - n) as u64, out),
        Value::Bytes(bytes) => {
            head(2, bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
        Value::Text(text) => {
            head(3, text.len() as u64, out);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Array(values) => {
            head(4, values.len() as u64, out);
            for value in values {
                write(value, out);
            }
        }
        Value::Map(entries) => {
            head(5, entries.len() as u64, out);
            for (key, value) in entries {
                write(key, out);
                write(value, out);
            }
        }
        Value::Tag(tag, inner) => {
            head(6, *tag, out);
            write(inner, out);
        }
        Value::Float(number) => {
            out.push(0xFB);
            out.extend(number.to_be_bytes());
        }
        Value::Bool(value) => out.push(if *value { 0xF5 } else { 0xF4 }),
        Value::Null => out.push(0xF6),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn the_examples_of_the_standard_hold() {
        let text = |t: &str| Value::Text(t.to_owned());
        for (hex, value) in [
            ("1bffffffffffffffff", Value::Integer(18_446_744_073_709_551_615)),
            ("3bffffffffffffffff", Value::Integer(-18_446_744_073_709_551_616)),
            ("f97bff", Value::Float(65504.0)),
            ("f90001", Value::Float(5.960_464_477_539_063e-8)),
            ("fb3ff199999999999a", Value::Float(1.1)),
            ("c11a514b67b0", Value::Tag(1, Box::new(Value::Integer(1_363_896_240)))),
            ("7f657374726561646d696e67ff", text("streaming")),
            ("5f42010243030405ff", Value::Bytes(vec![1, 2, 3, 4, 5])),
            (
                "bf6346756ef563416d7421ff",
                Value::Map(vec![
                    (text("Fun"), Value::Bool(true)),
                    (text("Amt"), Value::Integer(-2)),
                ]),
            ),
        ] {
            assert_eq!(decode(&bytes(hex)).unwrap(), value, "{hex}");
        }
        for (hex, code) in [
            ("", "cbor.truncated"),
            ("1b00", "cbor.truncated"),
            ("9bffffffffffffffff", "cbor.truncated"),
            ("1c", "cbor.malformed"),
            ("61ff", "cbor.malformed"),
            ("ff", "cbor.malformed"),
            ("a201020103", "cbor.malformed"),
            // The same key again, in two bytes, in a map without a length, and not a number.
            ("a20102180103", "cbor.malformed"),
            ("bf01020103ff", "cbor.malformed"),
            ("a2f97e0001f97e0002", "cbor.malformed"),
            ("f81f", "cbor.malformed"),
            ("7f61c361a9ff", "cbor.malformed"),
            ("5f4101", "cbor.truncated"),
            ("5f5f4101ffff", "cbor.malformed"),
            ("0000", "cbor.trailing"),
        ] {
            assert_eq!(decode(&bytes(hex)).unwrap_err().code(), code, "{hex}");
        }
        assert_eq!(decode(&[0x81; 100]).unwrap_err().code(), "cbor.depth");
    }

    #[test]
    fn numbers_and_lengths_may_be_longer_than_need_be() {
        for (long, short) in
            [("1b0000000000000001", "01"), ("79000161", "6161"), ("980101", "8101")]
        {
            assert_eq!(decode(&bytes(long)).unwrap(), decode(&bytes(short)).unwrap(), "{long}");
        }
    }

    #[test]
    fn a_map_of_very_many_keys_is_read_in_no_time() {
        let entry = |n: i128| (Value::Integer(n), Value::Null);
        let large = Value::Map((0..200_000).map(entry).collect());
        assert_eq!(decode(&encode(&large)).unwrap(), large);
    }

    proptest! {
        #[test]
        fn no_input_makes_it_panic_and_what_decodes_comes_back(
            input in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            if let Ok(value) = decode(&input) {
                // NaN is not equal to itself; its bytes are.
                let once = encode(&value);
                prop_assert_eq!(encode(&decode(&once).unwrap()), once);
            }
        }
    }
}
