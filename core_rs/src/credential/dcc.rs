//! The EU DCC, which Việt Nam's vaccine passport is (Decision 5772/QĐ-BYT): decode, verify, issue.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

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

const CLAIM_ISSUER: i128 = 1;
const CLAIM_EXPIRES: i128 = 4;
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

/// Undoes zlib. Code of the error: `dcc.compression`.
pub fn inflate(bytes: &[u8]) -> Result<Vec<u8>> {
    miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(bytes, LARGEST).map_err(|_| {
        Error::new(
            Kind::Malformed,
            "dcc.compression",
            "the code does not decompress: it is damaged",
        )
    })
}

/// From the text of the QR code to the signed message.
pub fn open(text: &str) -> Result<Message> {
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
    let number = |key| claims.get_number(key).and_then(Value::number);
    Ok(Dcc {
        issuer: claims.get_number(CLAIM_ISSUER).and_then(Value::text).map(str::to_owned),
        issued_at: number(CLAIM_ISSUED),
        expires_at: number(CLAIM_EXPIRES),
        kid: message.kid.clone(),
        algorithm: message.algorithm,
        content,
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
/// Codes of problems: `dcc.prefix`, those of `base45`, `dcc.compression`, those of `cbor`,
/// `cose.structure`, `dcc.claims`, `dcc.algorithm`, `dcc.unknown_key`, `dcc.signature`,
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
    if dcc.issued_at.is_some_and(|issued| issued > at) {
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
        let text = "the signature does not fit: the content was changed, or another key signed";
        return problems.push(Problem::new("dcc.signature", text));
    };
    if !covers(&signer.kinds, &dcc.content) {
        let text = "the signer may not sign certificates of this kind";
        problems.push(Problem::new("dcc.key_usage", text));
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
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

    use super::*;

    const NOW: i64 = 1_640_000_000;

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    fn map(entries: &[(&str, Value)]) -> Value {
        Value::Map(entries.iter().map(|(key, value)| (text(key), value.clone())).collect())
    }

    fn content() -> Value {
        let entry = map(&[
            ("tg", text("840539006")),
            ("vp", text("1119349007")),
            ("mp", text("EU/1/20/1528")),
            ("ma", text("ORG-100030215")),
            ("dn", Value::Integer(2)),
            ("sd", Value::Integer(2)),
            ("dt", text("2021-11-20")),
            ("co", text("VN")),
            ("is", text("Bo Y te")),
            ("ci", text("URN:UVCI:01:VN:0123456789ABCDEF0123456789ABCDEF")),
        ]);
        map(&[
            ("ver", text("1.3.0")),
            ("nam", map(&[("fn", text("Thử")), ("fnt", text("THU")), ("gnt", text("MOT"))])),
            ("dob", text("1990-01-02")),
            ("v", Value::Array(vec![entry])),
        ])
    }

    fn key() -> SigningKey {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        SigningKey::from_pkcs8(der.as_ref()).unwrap()
    }

    fn codes(verdict: &Verdict) -> Vec<&'static str> {
        verdict.problems.iter().map(|p| p.code).collect()
    }

    #[test]
    fn what_was_issued_verifies_and_what_was_changed_does_not() {
        let key = key();
        let mut trust = TrustList::default();
        trust.add_key(b"12345678", key.public_key());
        let issued = issue(&content(), "VN", (NOW, NOW + 1000), b"12345678", &key).unwrap();
        let verdict = verify(&issued, &trust, NOW + 1);
        assert_eq!(codes(&verdict), [] as [&str; 0]);
        let dcc = verdict.dcc.unwrap();
        assert_eq!((dcc.issuer.as_deref(), dcc.algorithm), (Some("VN"), Some(Algorithm::Es256)));
        assert_eq!(dcc.content, content());
        assert_eq!(codes(&verify(&issued, &trust, NOW + 1001)), ["dcc.expired"]);
        assert_eq!(codes(&verify(&issued, &trust, NOW - 1)), ["dcc.not_yet_valid"]);
        assert_eq!(codes(&verify(&issued, &TrustList::default(), NOW)), ["dcc.unknown_key"]);
        assert_eq!(codes(&verify(&issued[4..], &trust, NOW)), ["dcc.prefix"]);
        let mut message = open(&issued).unwrap();
        let at = message.payload.windows(4).position(|w| w == b"1990").unwrap();
        message.payload[at + 3] = b'1';
        assert_eq!(codes(&verify_message(&message, &trust, NOW, None)), ["dcc.signature"]);
        let mut other = TrustList::default();
        other.add_key(b"12345678", self::key().public_key());
        assert_eq!(codes(&verify(&issued, &other, NOW)), ["dcc.signature"]);
        for at in 4..issued.len() {
            let mut letters = issued.clone().into_bytes();
            letters[at] = if letters[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(letters).unwrap();
            // A changed symbol may compress the very same bytes in another way; no other may pass.
            let is_same = open(&changed).is_ok_and(|message| message == open(&issued).unwrap());
            assert_eq!(verify(&changed, &trust, NOW + 1).problems.is_empty(), is_same, "{at}");
        }
    }

    #[test]
    fn a_key_with_a_table_judges_as_one_without() {
        let key = key();
        let mut trust = TrustList::default();
        trust.add_key(b"12345678", key.public_key());
        let issued = issue(&content(), "VN", (NOW, NOW + 1000), b"12345678", &key).unwrap();
        let mut message = open(&issued).unwrap();
        for _ in 0..2 * USES_BEFORE_TABLE {
            assert_eq!(codes(&verify(&issued, &trust, NOW)), [] as [&str; 0]);
        }
        assert_eq!(trust.tables.load(Ordering::Relaxed), 1);
        message.signature[40] ^= 1;
        assert_eq!(codes(&verify_message(&message, &trust, NOW, None)), ["dcc.signature"]);
    }

    #[test]
    fn a_key_signs_only_what_it_may_and_while_it_is_valid() {
        let key = key();
        let certificate = Certificate {
            kid: *b"12345678",
            key: key.public_key(),
            not_before: NOW + 1,
            not_after: NOW + 2,
            usages: vec!["1.3.6.1.4.1.1847.2021.1.1".to_owned()],
            country: None,
        };
        let mut trust = TrustList::default();
        trust.add_certificate(certificate);
        let issued = issue(&content(), "VN", (NOW, NOW + 1000), b"12345678", &key).unwrap();
        assert_eq!(codes(&verify(&issued, &trust, NOW)), ["dcc.key_usage", "dcc.key_not_valid"]);
    }

    #[test]
    fn nothing_is_issued_that_would_not_verify() {
        let Value::Map(mut entries) = content() else { unreachable!() };
        entries.push((text("t"), Value::Array(Vec::new())));
        entries[2].1 = text("1990-1-2");
        let error = issue(&Value::Map(entries), "VN", (5, 5), b"1", &key()).unwrap_err();
        assert_eq!(error.code(), "dcc.schema");
        for part in ["exactly one", "t must hold one entry", "dob is no date", "expire before"] {
            assert!(error.message().contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn a_bomb_does_not_inflate() {
        let bomb = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; 1 << 20], 9);
        assert_eq!(inflate(&bomb).unwrap_err().code(), "dcc.compression");
    }
}
