//! `COSE_Sign1` (RFC 9052) with ES256 and PS256.

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

/// Parses `COSE_Sign1`, tagged or not, with or without the CWT tag in front.
///
/// Codes of errors: those of `cbor`, and `cose.structure`.
pub fn parse(bytes: &[u8]) -> Result<Message> {
    let wrong = || Error::new(Kind::Malformed, "cose.structure", "the bytes are no COSE_Sign1");
    let mut value = decode(bytes)?;
    if let Value::Tag(TAG_CWT, inner) = value {
        value = *inner;
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
    if !matches!(unprotected, Value::Map(_)) {
        return Err(wrong());
    }
    let header = if protected.is_empty() { Value::Map(Vec::new()) } else { decode(&protected)? };
    let find = |key| header.get_number(key).or_else(|| unprotected.get_number(key));
    let algorithm = match find(HEADER_ALGORITHM).and_then(Value::number) {
        Some(-7) => Some(Algorithm::Es256),
        Some(-37) => Some(Algorithm::Ps256),
        _ => None,
    };
    let kid = find(HEADER_KID).and_then(Value::bytes).map(<[u8]>::to_vec);
    Ok(Message { protected, algorithm, kid, payload, signature })
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
