//! The EU DCC, which Việt Nam's vaccine passport is (Decision 5772/QĐ-BYT): decode, verify, issue.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::cbor::{Value, decode, encode};
use super::cose::{self, Algorithm, Message, SigningKey};
use super::p256::Table;
use super::x509::{Certificate, PublicKey};
use super::{base45, schema};
use crate::error::{Error, Kind, Result};

/// What stands before the Base45.
pub const PREFIX: &str = "HC1:";

/// More than any certificate inflates to; a bomb stops here.
const LARGEST: usize = 64 * 1024;

/// Characters of a code: fifteen times what the largest QR code holds.
const LONGEST: usize = 64 * 1024;

const CLAIM_ISSUER: i128 = 1;
const CLAIM_EXPIRES: i128 = 4;
const CLAIM_NOT_BEFORE: i128 = 5;
const CLAIM_ISSUED: i128 = 6;
const CLAIM_HCERT: i128 = -260;

/// A certificate as it was decoded; whether it is genuine is another question.
#[derive(Debug, Clone, PartialEq)]
pub struct Dcc {
    /// Country of the issuer.
    pub issuer: Option<String>,
    /// Seconds since 1970, UTC.
    pub issued_at: Option<i64>,
    /// Seconds since 1970, UTC.
    pub expires_at: Option<i64>,
    /// Seconds since 1970, UTC: no DCC needs it, but a CWT that has it means it (RFC 8392, 3.1.5).
    pub not_before: Option<i64>,
    /// Key identifier.
    pub kid: Option<Vec<u8>>,
    /// As the message names it.
    pub algorithm: Option<Algorithm>,
    /// `ver`, `nam`, `dob` and one of `v`, `t`, `r`.
    pub content: Value,
}

/// Why a certificate does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable.
    pub code: &'static str,
    /// A sentence for people, without personal data.
    pub message: String,
}

impl Problem {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// The outcome of a verification: valid if there is no problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Everything found, in the order of the layers.
    pub problems: Vec<Problem>,
    /// What was decoded, also of a certificate that is not valid.
    pub dcc: Option<Dcc>,
}

/// Takes `HC1:` off. Code of the error: `dcc.prefix`.
pub fn unprefix(text: &str) -> Result<&str> {
    text.trim_end_matches(['\r', '\n', '\0']).strip_prefix(PREFIX).ok_or_else(|| {
        Error::new(Kind::Malformed, "dcc.prefix", "the code does not begin with HC1:")
    })
}

/// Undoes zlib, whose stream and checksum must end where the bytes end.
///
/// Code of the error: `dcc.compression`.
pub fn inflate(bytes: &[u8]) -> Result<Vec<u8>> {
    let refuse = |kind, text| Err(Error::new(kind, "dcc.compression", text));
    let flags = TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let mut inflater = Box::<DecompressorOxide>::default();
    let mut out = vec![0; (bytes.len() * 2).clamp(64, LARGEST)];
    let (mut read, mut written) = (0, 0);
    loop {
        let rest = bytes.get(read..).unwrap_or_default();
        let (status, taken, given) = decompress(&mut inflater, rest, &mut out, written, flags);
        read += taken;
        written += given;
        match status {
            TINFLStatus::Done if read < bytes.len() => {
                return refuse(Kind::Malformed, "bytes follow the compressed content");
            }
            TINFLStatus::Done => {
                out.truncate(written);
                return Ok(out);
            }
            TINFLStatus::HasMoreOutput if out.len() < LARGEST => {
                out.resize((out.len() * 2).min(LARGEST), 0);
            }
            TINFLStatus::HasMoreOutput => {
                return refuse(Kind::LimitReached, "the code holds more than any certificate");
            }
            _ => {
                return refuse(Kind::Malformed, "the code does not decompress: it is damaged");
            }
        }
    }
}

/// From the text of the QR code to the signed message.
///
/// Codes of errors: `dcc.prefix`, `dcc.too_long`, those of `base45`, `dcc.compression`, and those
/// of [`cose::parse`].
pub fn open(text: &str) -> Result<Message> {
    if text.len() > LONGEST {
        let text = "the code is longer than any certificate";
        return Err(Error::new(Kind::LimitReached, "dcc.too_long", text));
    }
    cose::parse(&inflate(&base45::decode(unprefix(text)?)?)?)
}

/// The claims of a message. Codes of errors: those of `cbor`, and `dcc.claims`.
pub fn read_claims(message: &Message) -> Result<Dcc> {
    let claims = decode(&message.payload)?;
    let content = claims
        .untagged()
        .get_number(CLAIM_HCERT)
        .and_then(|hcert| hcert.untagged().get_number(1))
        .ok_or_else(|| {
            Error::new(Kind::Malformed, "dcc.claims", "the signed content is no health certificate")
        })?
        .clone();
    let claims = claims.untagged();
    let number = |key, text| claim(claims, key, Value::number, text);
    let issuer = claim(claims, CLAIM_ISSUER, Value::text, "its issuer is no text")?;
    Ok(Dcc {
        issuer: issuer.map(str::to_owned),
        issued_at: number(CLAIM_ISSUED, "its time of issue is no number of seconds")?,
        expires_at: number(CLAIM_EXPIRES, "its time of expiry is no number of seconds")?,
        not_before: number(CLAIM_NOT_BEFORE, "its first moment is no number of seconds")?,
        kid: message.kid.clone(),
        algorithm: message.algorithm,
        content,
    })
}

/// A claim that may be missing; one of another type is an error: it would count as missing.
fn claim<'v, T>(
    claims: &'v Value,
    key: i128,
    read: impl Fn(&'v Value) -> Option<T>,
    wrong: &str,
) -> Result<Option<T>> {
    let Some(value) = claims.get_number(key) else { return Ok(None) };
    read(value).map(Some).ok_or_else(|| {
        Error::new(Kind::Malformed, "dcc.claims", format!("the certificate is not usable: {wrong}"))
    })
}

/// Keys that are trusted, by `kid`.
#[derive(Debug, Clone, Default)]
pub struct TrustList {
    keys: HashMap<Vec<u8>, Vec<Trusted>>,
    tables: Arc<AtomicUsize>,
}

/// A table is worth its two milliseconds once a key was seen this often.
const USES_BEFORE_TABLE: u32 = 32;

/// 170 kB each: a list of thousands of keys, few of them in use, stays small.
const MOST_TABLES: usize = 128;

/// Multiples of a key that is often used, made when it has proved to be.
#[derive(Debug, Default)]
struct Multiples {
    uses: AtomicU32,
    table: OnceLock<Option<Table>>,
}

#[derive(Debug, Clone)]
struct Trusted {
    key: PublicKey,
    /// Empty: the key may sign every kind.
    kinds: Vec<char>,
    /// `None` for a bare key.
    validity: Option<(i64, i64)>,
    multiples: Arc<Multiples>,
}

impl Trusted {
    /// Whether this key signed the message.
    fn verify(&self, message: &Message, tables: &AtomicUsize) -> bool {
        match (self.table(tables), message.algorithm) {
            (Some(table), Some(Algorithm::Es256)) => {
                table.verify(&cose::signed_bytes(message), &message.signature)
            }
            _ => cose::verify(message, &self.key),
        }
    }

    fn table(&self, tables: &AtomicUsize) -> Option<&Table> {
        let PublicKey::P256(point) = &self.key else { return None };
        let made = self.multiples.table.get();
        if made.is_none() && self.multiples.uses.fetch_add(1, Ordering::Relaxed) < USES_BEFORE_TABLE
        {
            return None;
        }
        let make = || {
            let place = tables.fetch_add(1, Ordering::Relaxed);
            if place < MOST_TABLES { Table::new(point) } else { None }
        };
        self.multiples.table.get_or_init(make).as_ref()
    }
}

impl TrustList {
    /// Adds a signer's certificate under its own `kid`.
    pub fn add_certificate(&mut self, certificate: Certificate) {
        let kinds = kinds_of(&certificate.usages);
        let validity = Some((certificate.not_before, certificate.not_after));
        let trusted = Trusted { key: certificate.key, kinds, validity, multiples: Arc::default() };
        self.keys.entry(certificate.kid.to_vec()).or_default().push(trusted);
    }

    /// Adds a bare key under a `kid` that somebody vouches for.
    pub fn add_key(&mut self, kid: &[u8], key: PublicKey) {
        let multiples = Arc::default();
        let trusted = Trusted { key, kinds: Vec::new(), validity: None, multiples };
        self.keys.entry(kid.to_vec()).or_default().push(trusted);
    }

    /// How many keys.
    pub fn len(&self) -> usize {
        self.keys.values().map(Vec::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Keys under a `kid`; all of them for a message that names none.
    fn find(&self, kid: Option<&[u8]>) -> Vec<&Trusted> {
        match kid {
            Some(kid) => self.keys.get(kid).into_iter().flatten().collect(),
            None => self.keys.values().flatten().collect(),
        }
    }
}

/// Extended key usages of test (t), vaccination (v) and recovery (r); the second row is the one
/// of before the object identifiers were assigned, which early signers carry.
const USAGES: [(&str, char); 6] = [
    ("1.3.6.1.4.1.1847.2021.1.1", 't'),
    ("1.3.6.1.4.1.1847.2021.1.2", 'v'),
    ("1.3.6.1.4.1.1847.2021.1.3", 'r'),
    ("1.3.6.1.4.1.0.1847.2021.1.1", 't'),
    ("1.3.6.1.4.1.0.1847.2021.1.2", 'v'),
    ("1.3.6.1.4.1.0.1847.2021.1.3", 'r'),
];

fn kinds_of(usages: &[String]) -> Vec<char> {
    let of = |usage: &String| USAGES.iter().find(|(oid, _)| oid == usage).map(|(_, kind)| *kind);
    usages.iter().filter_map(of).collect()
}

/// Whether keys of these kinds may sign this content; no kind at all means every kind.
fn covers(kinds: &[char], content: &Value) -> bool {
    let held = [("t", 't'), ("v", 'v'), ("r", 'r')].into_iter();
    kinds.is_empty()
        || held.filter(|(key, _)| content.get(key).is_some()).all(|(_, kind)| kinds.contains(&kind))
}

/// Whether the extended key usage of a signer's certificate allows to sign this content.
pub fn may_sign(certificate: &Certificate, content: &Value) -> bool {
    covers(&kinds_of(&certificate.usages), content)
}

/// Verifies the text of a QR code at an instant (seconds since 1970, UTC).
///
/// Codes of problems: `dcc.prefix`, `dcc.too_long`, those of `base45`, `dcc.compression`, those of
/// `cbor`, `cose.structure`, `cose.critical`, `dcc.claims`, `dcc.algorithm`, `dcc.unknown_key`, `dcc.signature`,
/// `dcc.key_usage`, `dcc.key_not_valid`, `dcc.not_yet_valid`, `dcc.expired`, `dcc.schema`.
pub fn verify(text: &str, trust: &TrustList, at: i64) -> Verdict {
    match open(text) {
        Ok(message) => verify_message(&message, trust, at, None),
        Err(error) => refused(&error),
    }
}

fn refused(error: &Error) -> Verdict {
    Verdict { problems: vec![Problem::new(error.code(), error.message())], dcc: None }
}

/// Verifies a message; `version` is the schema to check by, else the one it names.
pub fn verify_message(
    message: &Message,
    trust: &TrustList,
    at: i64,
    version: Option<&str>,
) -> Verdict {
    let dcc = match read_claims(message) {
        Ok(dcc) => dcc,
        Err(error) => return refused(&error),
    };
    let mut problems = Vec::new();
    check_signature(message, &dcc, trust, &mut problems);
    if dcc.issued_at.max(dcc.not_before).is_some_and(|begins| begins > at) {
        problems.push(Problem::new("dcc.not_yet_valid", "the certificate is not valid yet"));
    }
    match dcc.expires_at {
        Some(expires) if expires < at => {
            problems.push(Problem::new("dcc.expired", "the certificate has expired"));
        }
        Some(_) => {}
        None => problems.push(Problem::new("dcc.expired", "the certificate names no last day")),
    }
    for wrong in schema::check(&dcc.content, version) {
        problems.push(Problem::new("dcc.schema", wrong));
    }
    Verdict { problems, dcc: Some(dcc) }
}

fn check_signature(message: &Message, dcc: &Dcc, trust: &TrustList, problems: &mut Vec<Problem>) {
    if message.algorithm.is_none() {
        let text = "the certificate is signed with neither ES256 nor PS256";
        return problems.push(Problem::new("dcc.algorithm", text));
    }
    let known = trust.find(message.kid.as_deref());
    if known.is_empty() {
        let text = "nobody on the trust list signs with this key";
        return problems.push(Problem::new("dcc.unknown_key", text));
    }
    let signer = known.into_iter().find(|trusted| trusted.verify(message, &trust.tables));
    let Some(signer) = signer else {
        let is_es256 = message.algorithm == Some(Algorithm::Es256);
        let text = if is_es256 && message.signature.len() != 64 {
            "the signature is cut off or too long"
        } else {
            "the signature does not fit: the content was changed, or another key signed"
        };
        return problems.push(Problem::new("dcc.signature", text));
    };
    if !covers(&signer.kinds, &dcc.content) {
        let text = "the signer may not sign certificates of this kind";
        problems.push(Problem::new("dcc.key_usage", text));
    }
    if signer.validity.is_some() && dcc.issued_at.is_none() {
        let text = "the certificate does not say when it was issued, as it must";
        problems.push(Problem::new("dcc.key_not_valid", text));
    }
    let outside = signer.validity.zip(dcc.issued_at);
    if outside.is_some_and(|((from, to), issued)| issued < from || issued > to) {
        let text = "the signer's certificate was not valid when this was issued";
        problems.push(Problem::new("dcc.key_not_valid", text));
    }
}

/// Signs a certificate and gives the text of its QR code.
///
/// Code of the error: `dcc.schema`, naming everything that is wrong.
pub fn issue(
    content: &Value,
    issuer: &str,
    (issued_at, expires_at): (i64, i64),
    kid: &[u8],
    key: &SigningKey,
) -> Result<String> {
    let mut wrong = schema::check(content, None);
    if expires_at <= issued_at {
        wrong.push("the certificate would expire before it is issued".to_owned());
    }
    if !wrong.is_empty() {
        return Err(Error::new(Kind::Invalid, "dcc.schema", wrong.join("; ")));
    }
    let number = |n: i64| Value::Integer(i128::from(n));
    let claims = encode(&Value::Map(vec![
        (Value::Integer(CLAIM_ISSUER), Value::Text(issuer.to_owned())),
        (Value::Integer(CLAIM_EXPIRES), number(expires_at)),
        (Value::Integer(CLAIM_ISSUED), number(issued_at)),
        (Value::Integer(CLAIM_HCERT), Value::Map(vec![(Value::Integer(1), content.clone())])),
    ]));
    let message = cose::sign(&claims, kid, key)?;
    let compressed = miniz_oxide::deflate::compress_to_vec_zlib(&message, 9);
    Ok(format!("{PREFIX}{}", base45::encode(&compressed)))
}

#[cfg(test)]
mod tests;
