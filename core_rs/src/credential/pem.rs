//! PEM and plain Base64 → bytes.

use crate::error::{Error, Kind, Result};

/// The first PEM block, or the Base64 the whole text is. Code of the error: `pem.form`.
pub fn decode(text: &str) -> Result<Vec<u8>> {
    let body = match text.split_once("-----BEGIN ") {
        Some((_, rest)) => {
            let after = rest.split_once("-----").map(|(_, after)| after);
            after.and_then(|after| after.split_once("-----END")).map(|(body, _)| body)
        }
        None => Some(text),
    };
    body.and_then(base64)
        .filter(|bytes| !bytes.is_empty())
        .ok_or_else(|| Error::new(Kind::Malformed, "pem.form", "this is neither PEM nor Base64"))
}

/// RFC 4648 with padding; white space between is allowed.
fn base64(text: &str) -> Option<Vec<u8>> {
    let symbols: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    if !symbols.len().is_multiple_of(4) {
        return None;
    }
    let padding = symbols.iter().rev().take_while(|b| **b == b'=').count();
    let mut out = Vec::with_capacity(symbols.len() / 4 * 3);
    let (mut left, mut bits) = (0_u32, 0);
    for symbol in &symbols[..symbols.len() - padding.min(2)] {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        left = left << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((left >> bits) as u8);
            left &= (1 << bits) - 1;
        }
    }
    (left == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_and_base64_decode() {
        assert_eq!(decode("SGVsbG8=").unwrap(), b"Hello");
        let pem = "x\n-----BEGIN A B-----\nSGVs\nbG8h\n-----END A B-----\n";
        assert_eq!(decode(pem).unwrap(), b"Hello!");
        for bad in ["", "a", "S===", "SGVsbG9=", "-----BEGIN A-----\nSGVs", "SG Vs*A=="] {
            assert!(decode(bad).is_err(), "{bad}");
        }
    }
}
