//! Our own signed result: an address in capitals that any phone camera opens and any page with the
//! public key verifies, also without the database. It holds no name: a salted hash lets whoever
//! knows name and birth date see that the slip is theirs.
//!
//! | bytes | content |
//! |---|---|
//! | 1 | layout, 1 |
//! | 2 | number of the key |
//! | 1 | kind (high half) and outcome (low half) |
//! | 4 | sample taken, minutes since 1970 UTC |
//! | 4 | result released, minutes since 1970 UTC |
//! | 7 | look-up code without its check symbol: ten symbols of five bits |
//! | 8 | salt |
//! | 12 | first bytes of SHA-256 over salt, folded name, newline, ISO birth date |
//! | 64 | Ed25519 over the label `tram slip`, a zero and all before |
//!
//! 103 bytes are 165 symbols; with an address of up to 56 characters that is a QR code of at most
//! 49 modules at level M.

use ring::digest::{Context, SHA256};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use super::dcc::Problem;
use crate::error::{Error, Kind, Result};
use crate::names::codes::{ALPHABET, check_code, code_of};
use crate::names::text::fold_name;

const LAYOUT: u8 = 1;
const SIGNED: usize = 39;
const LENGTH: usize = SIGNED + 64;
const LABEL: &[u8] = b"tram slip\0";
const CODE_SYMBOLS: usize = 10;

/// What a slip speaks of, by number.
pub const KINDS: [&str; 4] = ["single", "pool", "rapid", "other"];
/// Outcomes, by number: the one vocabulary of results.
pub const OUTCOMES: [&str; 5] = ["negative", "positive", "inconclusive", "invalid", "rejected"];

/// The content of a slip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// Number of the key that signs.
    pub key_id: u16,
    /// One of [`KINDS`].
    pub kind: &'static str,
    /// One of [`OUTCOMES`].
    pub outcome: &'static str,
    /// Seconds since 1970, UTC, whole minutes.
    pub sampled_at: i64,
    /// Seconds since 1970, UTC, whole minutes.
    pub released_at: i64,
    /// Look-up code with its check symbol.
    pub code: String,
    salt: [u8; 8],
    identity: [u8; 12],
}

/// What a slip is made of.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// One of [`KINDS`].
    pub kind: &'a str,
    /// One of [`OUTCOMES`].
    pub outcome: &'a str,
    /// Seconds since 1970, UTC.
    pub sampled_at: i64,
    /// Seconds since 1970, UTC.
    pub released_at: i64,
    /// Look-up code of ten symbols and a check symbol.
    pub code: &'a str,
    /// As on the certificate.
    pub full_name: &'a str,
    /// ISO 8601, perhaps of reduced precision.
    pub birth_date: &'a str,
}

/// A key that signs slips.
#[derive(Debug)]
pub struct SlipSigner {
    key: Ed25519KeyPair,
    key_id: u16,
}

fn identity_of(salt: [u8; 8], full_name: &str, birth_date: &str) -> [u8; 12] {
    let mut context = Context::new(&SHA256);
    context.update(&salt);
    context.update(fold_name(full_name).as_bytes());
    context.update(b"\n");
    context.update(birth_date.trim().as_bytes());
    let mut identity = [0; 12];
    identity.copy_from_slice(&context.finish().as_ref()[..12]);
    identity
}

fn wrong(message: &str) -> Error {
    Error::new(Kind::Invalid, "slip.statement", message)
}

impl SlipSigner {
    /// Reads a private key: PKCS#8 DER, or its 32 bytes. Code of the error: `credential.private_key`.
    pub fn new(key: &[u8], key_id: u16) -> Result<Self> {
        let read = if key.len() == 32 {
            Ed25519KeyPair::from_seed_unchecked(key)
        } else {
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(key)
        };
        read.map(|key| Self { key, key_id }).map_err(|_| {
            Error::new(Kind::Invalid, "credential.private_key", "this is no Ed25519 private key")
        })
    }

    /// The 32 bytes that verify.
    pub fn public_key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        key.copy_from_slice(self.key.public_key().as_ref());
        key
    }

    /// Signs a statement; the result stands behind `/R/` of an address.
    ///
    /// The salt is a hash of the key's signature over the code, so that issuing the same again
    /// gives the same slip. Code of errors: `slip.statement`.
    pub fn sign(&self, statement: &Statement<'_>) -> Result<String> {
        let find = |names: &[&str], name: &str| names.iter().position(|n| *n == name);
        let kind = find(&KINDS, statement.kind).ok_or_else(|| wrong("no such kind of slip"))?;
        let outcome = find(&OUTCOMES, statement.outcome).ok_or_else(|| wrong("no such outcome"))?;
        let minutes =
            |at: i64| u32::try_from(at.div_euclid(60)).map_err(|_| wrong("an instant before 1970"));
        let code = check_code(statement.code, Some(CODE_SYMBOLS + 1))?;
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(LAYOUT);
        bytes.extend(self.key_id.to_be_bytes());
        bytes.push((kind << 4 | outcome) as u8);
        bytes.extend(minutes(statement.sampled_at)?.to_be_bytes());
        bytes.extend(minutes(statement.released_at)?.to_be_bytes());
        bytes.extend(&pack_code(&code).to_be_bytes()[1..]);
        let secret = self.key.sign(&[b"tram salt\0", bytes.as_slice()].concat());
        let mut salt = [0; 8];
        salt.copy_from_slice(&ring::digest::digest(&SHA256, secret.as_ref()).as_ref()[..8]);
        bytes.extend(salt);
        bytes.extend(identity_of(salt, statement.full_name, statement.birth_date));
        let signature = self.key.sign(&[LABEL, bytes.as_slice()].concat());
        bytes.extend(signature.as_ref());
        Ok(base32(&bytes))
    }
}

/// Ten symbols of five bits, the first in the highest bits.
fn pack_code(code: &str) -> u64 {
    code.bytes().take(CODE_SYMBOLS).fold(0, |sum, symbol| {
        sum << 5 | ALPHABET.iter().position(|a| *a == symbol).unwrap_or(0) as u64
    })
}

fn unpack_code(packed: u64) -> String {
    let symbols: Vec<u8> =
        (0..CODE_SYMBOLS).rev().map(|at| (packed >> (5 * at) & 31) as u8).collect();
    code_of(&symbols)
}

/// Five bits a symbol in the alphabet of our codes; zeros fill the last.
fn base32(bytes: &[u8]) -> String {
    let symbols = (bytes.len() * 8).div_ceil(5);
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| usize::from(byte >> (7 - at % 8) & 1));
    let symbol = |n: usize| (0..5).fold(0, |sum, at| sum << 1 | bit(n * 5 + at));
    (0..symbols).map(|n| char::from(ALPHABET[symbol(n)])).collect()
}

/// Back, as people may have typed it; `None` unless it is exactly what [`base32`] writes.
fn of_base32(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(LENGTH);
    let (mut left, mut bits) = (0_u32, 0);
    for c in text.chars() {
        let folded = match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        let value = ALPHABET.iter().position(|a| char::from(*a) == folded)? as u32;
        left = left << 5 | value;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push((left >> bits) as u8);
            left &= (1 << bits) - 1;
        }
    }
    (left == 0 && bits < 5).then_some(out)
}

/// What is behind `/R/` (or the whole address) and its signature. Code of errors: `slip.form`.
pub fn read(text: &str) -> Result<(Slip, Signed)> {
    let form = || Error::new(Kind::Malformed, "slip.form", "this is no result slip of ours");
    let last = text.trim().rsplit('/').next().unwrap_or("");
    let bytes = of_base32(last).filter(|b| b.len() == LENGTH && b[0] == LAYOUT).ok_or_else(form)?;
    let number = |from: usize, to: usize| {
        bytes[from..to].iter().fold(0_u64, |sum, &b| sum << 8 | u64::from(b))
    };
    let mut salt = [0; 8];
    let mut identity = [0; 12];
    salt.copy_from_slice(&bytes[19..27]);
    identity.copy_from_slice(&bytes[27..SIGNED]);
    let packed = number(12, 19);
    let slip = Slip {
        key_id: number(1, 3) as u16,
        kind: KINDS.get(usize::from(bytes[3] >> 4)).ok_or_else(form)?,
        outcome: OUTCOMES.get(usize::from(bytes[3] & 15)).ok_or_else(form)?,
        sampled_at: number(4, 8) as i64 * 60,
        released_at: number(8, 12) as i64 * 60,
        code: unpack_code(packed),
        salt,
        identity,
    };
    if packed >> (5 * CODE_SYMBOLS) != 0 {
        return Err(form());
    }
    Ok((slip, Signed { bytes }))
}

/// The bytes of a slip with their signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    bytes: Vec<u8>,
}

impl Signed {
    /// Whether the holder of `public_key` signed.
    pub fn verify(&self, public_key: &[u8]) -> bool {
        let (content, signature) = self.bytes.split_at(SIGNED);
        UnparsedPublicKey::new(&ED25519, public_key)
            .verify(&[LABEL, content].concat(), signature)
            .is_ok()
    }
}

impl Slip {
    /// Whether the slip is of this person: name with or without diacritics, ISO birth date.
    pub fn is_of(&self, full_name: &str, birth_date: &str) -> bool {
        identity_of(self.salt, full_name, birth_date) == self.identity
    }
}

/// Reads and verifies. Codes of problems: `slip.form`, `slip.unknown_key`, `slip.signature`.
pub fn verify<'k>(
    text: &str,
    find_key: impl Fn(u16) -> Option<&'k [u8]>,
) -> (Option<Slip>, Vec<Problem>) {
    let problem = |code, message: &str| vec![Problem { code, message: message.to_owned() }];
    match read(text) {
        Err(error) => (None, problem(error.code(), error.message())),
        Ok((slip, signed)) => match find_key(slip.key_id) {
            None => (Some(slip), problem("slip.unknown_key", "no key of this number is known")),
            Some(key) if signed.verify(key) => (Some(slip), Vec::new()),
            Some(_) => {
                let text = "the signature does not fit: the slip was changed or is not ours";
                (Some(slip), problem("slip.signature", text))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> (SlipSigner, String) {
        let signer = SlipSigner::new(&[7; 32], 513).unwrap();
        let code = code_of(&[31, 1, 2, 3, 4, 5, 6, 7, 8, 30]);
        let text = signer
            .sign(&Statement {
                kind: "pool",
                outcome: "negative",
                sampled_at: 1_629_000_000,
                released_at: 1_629_040_061,
                code: &code,
                full_name: "Thử Nghiệm Một",
                birth_date: "1990-01-02",
            })
            .unwrap();
        (signer, text)
    }

    #[test]
    fn a_slip_comes_back_and_knows_its_person() {
        let (signer, text) = signed();
        let key = signer.public_key();
        assert_eq!(text.len(), 165);
        let url = format!("HTTPS://TRAM.EXAMPLE.GOV.VN/R/{text}");
        let (slip, problems) = verify(&url, |id| (id == 513).then_some(&key[..]));
        let slip = slip.unwrap();
        assert_eq!(problems, []);
        assert_eq!((slip.kind, slip.outcome), ("pool", "negative"));
        assert_eq!((slip.sampled_at, slip.released_at), (1_629_000_000, 1_629_040_020));
        assert_eq!(slip.code, code_of(&[31, 1, 2, 3, 4, 5, 6, 7, 8, 30]));
        assert!(slip.is_of("THU NGHIEM  MOT", "1990-01-02"));
        assert!(!slip.is_of("Thử Nghiệm Một", "1990-01-03"));
        assert!(!slip.is_of("Thử Nghiệm Hai", "1990-01-02"));
        assert_eq!(signed().1, text);
    }

    #[test]
    fn every_changed_symbol_is_found() {
        let (signer, text) = signed();
        let key = signer.public_key();
        for at in 0..text.len() {
            let mut letters: Vec<char> = text.chars().collect();
            letters[at] = if letters[at] == '7' { '8' } else { '7' };
            let changed: String = letters.into_iter().collect();
            let (_, problems) = verify(&changed, |_| Some(&key[..]));
            assert_eq!(problems.len(), 1, "{at}");
        }
        let (_, problems) = verify(&text, |_| None);
        assert_eq!(problems[0].code, "slip.unknown_key");
        for bad in ["", "https://a.b/r/", "ABC", "é"] {
            assert_eq!(verify(bad, |_| None).1[0].code, "slip.form");
        }
    }
}
