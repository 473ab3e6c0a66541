//! `COSE_Sign1` (RFC 9052) with ES256 and PS256.
//!
//! The protected header goes before the other. A public vector (CO20 of the EU) demands that a
//! message is accepted whose algorithm stands in the unprotected header only, against RFC 9052
//! 3.1. Nothing can be gained by changing it there: each kind of key verifies by one algorithm.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaKeyPair, UnparsedPublicKey,
};

use super::cbor::{Value, decode, encode};
use super::x509::PublicKey;
use crate::error::{Error, Kind, Result};

/// A signature algorithm of the DCC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
}

impl Algorithm {
    /// The name of RFC 9053.
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Ps256 => "PS256",
        }
    }

    fn number(self) -> i128 {
        match self {
            Self::Es256 => -7,
            Self::Ps256 => -37,
        }
    }
}

const TAG_SIGN1: u64 = 18;
const TAG_CWT: u64 = 61;
const HEADER_ALGORITHM: i128 = 1;
const HEADER_CRITICAL: i128 = 2;
const HEADER_CONTENT_TYPE: i128 = 3;
const HEADER_KID: i128 = 4;

/// A parsed message, its signature not yet looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Bytes of the protected header, as signed.
    pub protected: Vec<u8>,
    /// By the protected header, else by the other; `None` if neither names one we know.
    pub algorithm: Option<Algorithm>,
    /// By the protected header, else by the other.
    pub kid: Option<Vec<u8>>,
    /// What was signed.
    pub payload: Vec<u8>,
    /// r‖s, or the RSA signature.
    pub signature: Vec<u8>,
}

/// Parses `COSE_Sign1`, tagged or not; the CWT tag stands only before a tagged one (RFC 8392, 6).
///
/// Codes of errors: those of `cbor`, `cose.structure` and `cose.critical`.
pub fn parse(bytes: &[u8]) -> Result<Message> {
    let wrong = || Error::new(Kind::Malformed, "cose.structure", "the bytes are no COSE_Sign1");
    let mut value = decode(bytes)?;
    if let Value::Tag(TAG_CWT, inner) = value {
        value = *inner;
        if !matches!(value, Value::Tag(TAG_SIGN1, _)) {
            return Err(wrong());
        }
    }
    if let Value::Tag(TAG_SIGN1, inner) = value {
        value = *inner;
    }
    let Value::Array(parts) = value else { return Err(wrong()) };
    let Ok([protected, unprotected, payload, signature]) = <[Value; 4]>::try_from(parts) else {
        return Err(wrong());
    };
    let (Value::Bytes(protected), Value::Bytes(payload), Value::Bytes(signature)) =
        (protected, payload, signature)
    else {
        return Err(wrong());
    };
    if !matches!(unprotected, Value::Map(_)) || unprotected.get_number(HEADER_CRITICAL).is_some() {
        return Err(wrong());
    }
    let header = if protected.is_empty() { Value::Map(Vec::new()) } else { decode(&protected)? };
    if !matches!(header, Value::Map(_)) {
        return Err(wrong());
    }
    check_critical(&header)?;
    let named = |map: &Value| map.get_number(HEADER_ALGORITHM).cloned();
    if named(&header).is_some() && named(&unprotected).is_some_and(|n| Some(n) != named(&header)) {
        let text = "the two headers name different algorithms";
        return Err(Error::new(Kind::Malformed, "cose.structure", text));
    }
    let find = |key| header.get_number(key).or_else(|| unprotected.get_number(key));
    let algorithm = match find(HEADER_ALGORITHM) {
        Some(Value::Integer(-7)) => Some(Algorithm::Es256),
        Some(Value::Integer(-37)) => Some(Algorithm::Ps256),
        _ => None,
    };
    let kid = match find(HEADER_KID) {
        None => None,
        Some(Value::Bytes(kid)) => Some(kid.clone()),
        Some(_) => {
            let text = "the identifier of the key is no string of bytes";
            return Err(Error::new(Kind::Malformed, "cose.structure", text));
        }
    };
    Ok(Message { protected, algorithm, kid, payload, signature })
}

/// Refuses a message that asks for something we do not do (RFC 9052, 3.1 `crit`).
fn check_critical(header: &Value) -> Result<()> {
    let refuse = |text| Err(Error::new(Kind::Malformed, "cose.critical", text));
    let labels = match header.get_number(HEADER_CRITICAL) {
        None => return Ok(()),
        Some(Value::Array(labels)) if !labels.is_empty() => labels,
        Some(_) => return refuse("the list of critical headers is empty or no list"),
    };
    for label in labels {
        let known = match label {
            Value::Integer(n) => {
                [HEADER_ALGORITHM, HEADER_CONTENT_TYPE, HEADER_KID].contains(n)
                    && header.get_number(*n).is_some()
            }
            _ => false,
        };
        if !known {
            return refuse("the code demands something that this reader does not know");
        }
    }
    Ok(())
}

/// `Sig_structure`: what the signature is over.
fn to_be_signed(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    encode(&Value::Array(vec![
        Value::Text("Signature1".to_owned()),
        Value::Bytes(protected.to_vec()),
        Value::Bytes(Vec::new()),
        Value::Bytes(payload.to_vec()),
    ]))
}

/// The bytes under the signature of a message.
pub(super) fn signed_bytes(message: &Message) -> Vec<u8> {
    to_be_signed(&message.protected, &message.payload)
}

/// Whether `key` made the signature with the algorithm the message names.
pub fn verify(message: &Message, key: &PublicKey) -> bool {
    let signed = signed_bytes(message);
    match (message.algorithm, key) {
        (Some(Algorithm::Es256), PublicKey::P256(point)) => {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(&signed, &message.signature)
                .is_ok()
        }
        (Some(Algorithm::Ps256), PublicKey::Rsa(key)) => {
            UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key)
                .verify(&signed, &message.signature)
                .is_ok()
        }
        _ => false,
    }
}

/// A private key that signs messages.
#[derive(Debug)]
pub enum SigningKey {
    /// P-256.
    Es256(EcdsaKeyPair),
    /// RSA of 2048 bits or more.
    Ps256(RsaKeyPair),
}

impl SigningKey {
    /// Reads PKCS#8 DER. Code of the error: `credential.private_key`.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self> {
        let random = SystemRandom::new();
        if let Ok(key) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &random) {
            return Ok(Self::Es256(key));
        }
        RsaKeyPair::from_pkcs8(der).map(Self::Ps256).map_err(|_| {
            Error::new(
                Kind::Invalid,
                "credential.private_key",
                "the private key is neither P-256 nor RSA of 2048 bits or more, in PKCS#8",
            )
        })
    }

    /// What the key signs with.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Es256(_) => Algorithm::Es256,
            Self::Ps256(_) => Algorithm::Ps256,
        }
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        match self {
            Self::Es256(key) => PublicKey::P256(key.public_key().as_ref().to_vec()),
            Self::Ps256(key) => PublicKey::Rsa(key.public_key().as_ref().to_vec()),
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        let failed = |_| Error::new(Kind::LimitReached, "credential.random", "no random numbers");
        match self {
            Self::Es256(key) => {
                key.sign(&random, message).map(|s| s.as_ref().to_vec()).map_err(failed)
            }
            Self::Ps256(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PSS_SHA256, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
        }
    }
}

/// A tagged message over `payload`, algorithm and `kid` in the protected header.
pub fn sign(payload: &[u8], kid: &[u8], key: &SigningKey) -> Result<Vec<u8>> {
    let protected = encode(&Value::Map(vec![
        (Value::Integer(HEADER_ALGORITHM), Value::Integer(key.algorithm().number())),
        (Value::Integer(HEADER_KID), Value::Bytes(kid.to_vec())),
    ]));
    let signature = key.sign(&to_be_signed(&protected, payload))?;
    Ok(encode(&Value::Tag(
        TAG_SIGN1,
        Box::new(Value::Array(vec![
            Value::Bytes(protected),
            Value::Map(Vec::new()),
            Value::Bytes(payload.to_vec()),
            Value::Bytes(signature),
        ])),
    )))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING;

    use super::*;

    fn key() -> SigningKey {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        SigningKey::from_pkcs8(der.as_ref()).unwrap()
    }

    fn number(n: i128) -> Value {
        Value::Integer(n)
    }

    fn bytes(text: &[u8]) -> Value {
        Value::Bytes(text.to_vec())
    }

    /// A signed message with these headers.
    fn made(key: &SigningKey, header: &Value, unprotected: &[(Value, Value)]) -> Vec<u8> {
        let protected = encode(header);
        let signature = key.sign(&to_be_signed(&protected, b"content")).unwrap();
        encode(&Value::Array(vec![
            Value::Bytes(protected),
            Value::Map(unprotected.to_vec()),
            bytes(b"content"),
            Value::Bytes(signature),
        ]))
    }

    fn map(entries: &[(Value, Value)]) -> Value {
        Value::Map(entries.to_vec())
    }

    #[test]
    fn headers_are_taken_from_where_they_are_signed() {
        let key = key();
        let (alg, kid) = ((number(1), number(-7)), (number(4), bytes(b"right")));
        let wrong_kid = (number(4), bytes(b"wrong"));
        for (header, unprotected, found) in [
            (map(&[alg.clone(), kid.clone()]), vec![], Some(&b"right"[..])),
            (map(std::slice::from_ref(&alg)), vec![kid.clone()], Some(b"right")),
            (map(&[alg.clone(), kid.clone()]), vec![wrong_kid.clone()], Some(b"right")),
            (map(&[alg.clone(), kid.clone()]), vec![alg.clone()], Some(b"right")),
            (map(&[]), vec![alg.clone(), kid.clone()], Some(b"right")),
            (map(std::slice::from_ref(&alg)), vec![], None),
        ] {
            let message = parse(&made(&key, &header, &unprotected)).unwrap();
            assert_eq!(message.kid.as_deref(), found);
            assert!(verify(&message, &key.public_key()));
        }
        let two = made(&key, &map(std::slice::from_ref(&alg)), &[(number(1), number(-37))]);
        assert_eq!(parse(&two).unwrap_err().code(), "cose.structure");
        for other in [number(-8), Value::Float(-7.0), Value::Text("ES256".into()), Value::Null] {
            let message = parse(&made(&key, &map(&[(number(1), other)]), &[])).unwrap();
            assert_eq!((message.algorithm, verify(&message, &key.public_key())), (None, false));
        }
        let message = parse(&made(&key, &map(&[(number(1), number(-37))]), &[])).unwrap();
        assert!(!verify(&message, &key.public_key()));
    }

    #[test]
    fn what_a_message_calls_critical_must_be_known() {
        let key = key();
        let header = |critical: Value| {
            map(&[(number(1), number(-7)), (number(2), critical), (number(99), Value::Null)])
        };
        let list = |labels: &[i128]| Value::Array(labels.iter().map(|n| number(*n)).collect());
        for (critical, is_known) in [
            (list(&[1]), true),
            (list(&[99]), false),
            (list(&[1, 99]), false),
            (list(&[4]), false),
            (list(&[]), false),
            (number(1), false),
            (Value::Array(vec![Value::Text("later".into())]), false),
        ] {
            let read = parse(&made(&key, &header(critical.clone()), &[]));
            let code = read.err().map(|error| error.code());
            assert_eq!(code, (!is_known).then_some("cose.critical"), "{critical:?}");
        }
        let hidden = made(&key, &map(&[(number(1), number(-7))]), &[(number(2), list(&[1]))]);
        assert_eq!(parse(&hidden).unwrap_err().code(), "cose.structure");
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let parts = || vec![bytes(b""), map(&[]), bytes(b"content"), bytes(&[1; 64])];
        let tagged = |tags: &[u64]| {
            let message = Value::Array(parts());
            encode(&tags.iter().rev().fold(message, |inner, tag| Value::Tag(*tag, Box::new(inner))))
        };
        assert!(parse(&tagged(&[61, 18])).is_ok() && parse(&tagged(&[18])).is_ok());
        let with = |at: usize, value: Value| {
            let mut parts = parts();
            parts[at] = value;
            encode(&Value::Array(parts))
        };
        for wrong in [
            encode(&Value::Array(parts()[..3].to_vec())),
            encode(&Value::Array([parts(), parts()].concat())),
            with(0, map(&[])),
            with(0, bytes(&encode(&number(1)))),
            with(1, Value::Null),
            with(2, Value::Null),
            with(3, Value::Text("x".into())),
            encode(&Value::Tag(98, Box::new(Value::Array(parts())))),
            // The tag of a CWT before no tag, either tag twice, and the two the other way round.
            tagged(&[61]),
            tagged(&[18, 18]),
            tagged(&[61, 61, 18]),
            tagged(&[18, 61]),
            with(1, map(&[(number(4), Value::Text("12345678".into()))])),
            with(0, bytes(&encode(&map(&[(number(4), number(5))])))),
        ] {
            assert_eq!(parse(&wrong).unwrap_err().code(), "cose.structure", "{wrong:02x?}");
        }
        let tail = with(0, bytes(&[0xA0, 0]));
        assert_eq!(parse(&tail).unwrap_err().code(), "cbor.trailing");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(
            header in prop::collection::vec(any::<u8>(), 0..24),
            rest in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let _ = parse(&rest);
            let message = [&[0x84, 0x58, header.len() as u8], &header[..], &rest].concat();
            let _ = parse(&message);
        }
    }
}
