//! Of an X.509 certificate what a verifier of a DCC needs: key, validity, extended key usage.
//!
//! The chain is not followed: a certificate counts because a trust list holds it.

use ring::digest::{SHA256, digest};

use crate::error::{Error, Kind, Result};

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// P-256, the point uncompressed.
    P256(Vec<u8>),
    /// DER of `RSAPublicKey`.
    Rsa(Vec<u8>),
}

/// What a certificate says, as far as it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// First eight bytes of SHA-256 of the DER: the `kid` of a DCC.
    pub kid: [u8; 8],
    /// Of the holder.
    pub key: PublicKey,
    /// Seconds since 1970, UTC.
    pub not_before: i64,
    /// Seconds since 1970, UTC.
    pub not_after: i64,
    /// Object identifiers of the extended key usage, dotted.
    pub usages: Vec<String>,
    /// Two letters of the subject's country, if it names one.
    pub country: Option<String>,
}

const EC_KEY: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";
const RSA_KEY: &str = "1.2.840.113549.1.1.1";
const RSA_PSS_KEY: &str = "1.2.840.113549.1.1.10";
const COUNTRY: &str = "2.5.4.6";
const EXTENDED_KEY_USAGE: &str = "2.5.29.37";

/// A DER element and what follows it.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
}

fn wrong(message: &str) -> Error {
    Error::new(Kind::Malformed, "certificate.der", message)
}

/// Takes one element off; definite lengths of at most three bytes.
fn next<'a>(input: &mut &'a [u8]) -> Result<Element<'a>> {
    let cut = || wrong("the certificate is cut off");
    let (&[tag, short], rest) = input.split_first_chunk::<2>().ok_or_else(cut)?;
    let (length, rest) = if short < 0x80 {
        (usize::from(short), rest)
    } else {
        let count = usize::from(short & 0x7F);
        if !(1..=3).contains(&count) {
            return Err(wrong("a length that no certificate needs"));
        }
        let (bytes, rest) = rest.split_at_checked(count).ok_or_else(cut)?;
        (bytes.iter().fold(0, |sum, &b| sum << 8 | usize::from(b)), rest)
    };
    let (content, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
    *input = rest;
    Ok(Element { tag, content })
}

fn expect<'a>(input: &mut &'a [u8], tag: u8) -> Result<&'a [u8]> {
    let element = next(input)?;
    if element.tag == tag { Ok(element.content) } else { Err(wrong("an element is missing")) }
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;

/// Reads a DER certificate. Codes of errors: `certificate.der`, `certificate.key`.
pub fn read(der: &[u8]) -> Result<Certificate> {
    let mut input = der;
    let mut whole = expect(&mut input, SEQUENCE)?;
    let mut body = expect(&mut whole, SEQUENCE)?;
    let mut first = next(&mut body)?;
    if first.tag == 0xA0 {
        first = next(&mut body)?;
    }
    if first.tag != 0x02 {
        return Err(wrong("the serial number is missing"));
    }
    expect(&mut body, SEQUENCE)?;
    expect(&mut body, SEQUENCE)?;
    let mut validity = expect(&mut body, SEQUENCE)?;
    let (not_before, not_after) = (time(&mut validity)?, time(&mut validity)?);
    let subject = expect(&mut body, SEQUENCE)?;
    let key = public_key(expect(&mut body, SEQUENCE)?)?;
    let mut usages = Vec::new();
    while !body.is_empty() {
        let element = next(&mut body)?;
        if element.tag == 0xA3 {
            let mut wrapped = element.content;
            usages = extended_key_usage(expect(&mut wrapped, SEQUENCE)?)?;
        }
    }
    Ok(Certificate {
        kid: kid_of(der),
        key,
        not_before,
        not_after,
        usages,
        country: country(subject),
    })
}

/// First eight bytes of SHA-256.
pub fn kid_of(der: &[u8]) -> [u8; 8] {
    let hash = digest(&SHA256, der);
    let mut kid = [0; 8];
    kid.copy_from_slice(&hash.as_ref()[..8]);
    kid
}

/// Reads a `SubjectPublicKeyInfo` on its own.
pub fn read_public_key(der: &[u8]) -> Result<PublicKey> {
    let mut input = der;
    public_key(expect(&mut input, SEQUENCE)?)
}

fn public_key(mut info: &[u8]) -> Result<PublicKey> {
    let unknown = || Error::new(Kind::Invalid, "certificate.key", "neither a P-256 nor an RSA key");
    let mut algorithm = expect(&mut info, SEQUENCE)?;
    let bits = expect(&mut info, BIT_STRING)?;
    let key = bits.split_first().filter(|(unused, _)| **unused == 0).ok_or_else(unknown)?.1;
    match object_id(expect(&mut algorithm, OBJECT_ID)?).as_str() {
        EC_KEY if object_id(expect(&mut algorithm, OBJECT_ID)?) == P256 && key.len() == 65 => {
            Ok(PublicKey::P256(key.to_vec()))
        }
        RSA_KEY | RSA_PSS_KEY => Ok(PublicKey::Rsa(key.to_vec())),
        _ => Err(unknown()),
    }
}

fn extended_key_usage(mut extensions: &[u8]) -> Result<Vec<String>> {
    let mut usages = Vec::new();
    while !extensions.is_empty() {
        let mut extension = expect(&mut extensions, SEQUENCE)?;
        if object_id(expect(&mut extension, OBJECT_ID)?) != EXTENDED_KEY_USAGE {
            continue;
        }
        while !extension.is_empty() {
            let element = next(&mut extension)?;
            if element.tag == OCTET_STRING {
                let mut wrapped = element.content;
                let mut list = expect(&mut wrapped, SEQUENCE)?;
                while !list.is_empty() {
                    usages.push(object_id(expect(&mut list, OBJECT_ID)?));
                }
            }
        }
    }
    Ok(usages)
}

/// The country of a name; a name that is not as it should be has none.
fn country(mut name: &[u8]) -> Option<String> {
    while !name.is_empty() {
        let mut set = expect(&mut name, SET).ok()?;
        let mut pair = expect(&mut set, SEQUENCE).ok()?;
        if object_id(expect(&mut pair, OBJECT_ID).ok()?) == COUNTRY {
            return String::from_utf8(next(&mut pair).ok()?.content.to_vec()).ok();
        }
    }
    None
}

fn object_id(content: &[u8]) -> String {
    let mut numbers: Vec<u64> = Vec::new();
    let mut number = 0_u64;
    for &byte in content {
        number = number.wrapping_shl(7) | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                let first = (number / 40).min(2);
                numbers.extend([first, number - first * 40]);
            } else {
                numbers.push(number);
            }
            number = 0;
        }
    }
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// `UTCTime` and `GeneralizedTime` in UTC.
fn time(input: &mut &[u8]) -> Result<i64> {
    let element = next(input)?;
    let text = std::str::from_utf8(element.content).map_err(|_| wrong("a time that is no text"))?;
    let bad = || wrong("a time that is none");
    let digits = text.strip_suffix('Z').ok_or_else(bad)?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(bad());
    }
    let full = match (element.tag, digits.len()) {
        // RFC 5280: two-digit years from 50 on are of the last century.
        (0x17, 10 | 12) => {
            let century = if digits < "50" { "20" } else { "19" };
            format!("{century}{digits:0<12}")
        }
        (0x18, 14) => digits.to_owned(),
        _ => return Err(bad()),
    };
    let part = |from: usize, to: usize| full[from..to].parse::<i64>().unwrap_or(0);
    let day = days_since_1970(part(0, 4), part(4, 6), part(6, 8));
    Ok(day * 86_400 + part(8, 10) * 3600 + part(10, 12) * 60 + part(12, 14))
}

/// Days since 1 January 1970 in the Gregorian calendar (years counted from March).
pub fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_1970() {
        assert_eq!(days_since_1970(1970, 1, 1), 0);
        assert_eq!(days_since_1970(2000, 3, 1), 11_017);
        assert_eq!(days_since_1970(2021, 8, 15), 18_854);
        assert_eq!(days_since_1970(1969, 12, 31), -1);
    }

    #[test]
    fn what_is_no_certificate_is_an_error_and_never_a_panic() {
        for bad in [&b""[..], b"\x30", b"\x30\x03\x30\x01", b"\x30\x80", &[0x30; 64]] {
            assert!(read(bad).is_err());
        }
    }
}
