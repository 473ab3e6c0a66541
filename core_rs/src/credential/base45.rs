//! Base45 (RFC 9285), strict: what does not come back to the same text is refused.

use crate::error::{Error, Kind, Result};

const ALPHABET: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

const fn values() -> [u8; 256] {
    let mut table = [u8::MAX; 256];
    let mut at = 0;
    while at < ALPHABET.len() {
        table[ALPHABET[at] as usize] = at as u8;
        at += 1;
    }
    table
}

static VALUES: [u8; 256] = values();

/// Bytes → text.
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(2) * 3);
    let mut push = |value: u32| out.push(char::from(ALPHABET[value as usize]));
    for chunk in bytes.chunks(2) {
        let number = chunk.iter().fold(0_u32, |sum, &b| sum << 8 | u32::from(b));
        push(number % 45);
        push(number / 45 % 45);
        if chunk.len() == 2 {
            push(number / 45 / 45);
        }
    }
    out
}

/// Text → bytes. Codes of errors: `base45.length`, `base45.character`, `base45.value`.
pub fn decode(text: &str) -> Result<Vec<u8>> {
    let text = text.as_bytes();
    if text.len() % 3 == 1 {
        return Err(Error::new(Kind::Malformed, "base45.length", "the text is cut off"));
    }
    let mut out = Vec::with_capacity(text.len() / 3 * 2 + 1);
    for chunk in text.chunks(3) {
        let mut number = 0_u32;
        for &symbol in chunk.iter().rev() {
            let value = VALUES[usize::from(symbol)];
            if value == u8::MAX {
                return Err(Error::new(
                    Kind::Malformed,
                    "base45.character",
                    "a character that Base45 does not have",
                ));
            }
            number = number * 45 + u32::from(value);
        }
        let limit = if chunk.len() == 3 { 0xFFFF } else { 0xFF };
        if number > limit {
            return Err(Error::new(Kind::Malformed, "base45.value", "no bytes encode to this"));
        }
        if chunk.len() == 3 {
            out.push((number >> 8) as u8);
        }
        out.push(number as u8);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_standard_hold() {
        for (text, encoded) in
            [("AB", "BB8"), ("Hello!!", "%69 VD92EX0"), ("base-45", "UJCLQE7W581")]
        {
            assert_eq!(encode(text.as_bytes()), encoded);
            assert_eq!(decode(encoded).unwrap(), text.as_bytes());
        }
        assert_eq!(decode("QED8WEX0").unwrap(), b"ietf!");
        for (bad, code) in [
            ("GGW", "base45.value"),
            ("::", "base45.value"),
            ("A", "base45.length"),
            ("ab", "base45.character"),
        ] {
            assert_eq!(decode(bad).unwrap_err().code(), code, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(decode(&encode(&bytes)).unwrap(), bytes);
        }

        #[test]
        fn what_decodes_encodes_to_the_same(text in "[0-9A-Z $%*+./:-]{0,60}") {
            if let Ok(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }
    }
}
