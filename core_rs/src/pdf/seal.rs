//! The signature: a CMS made once, its digest and RSA value patched in for every paper.

use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

use crate::error::{Error, Kind, Result};

/// A key with everything of its signatures that does not change.
///
/// Without a key the place of the RSA value stays empty: somebody else fills it.
pub struct Seal {
    key: Option<RsaKeyPair>,
    /// Bytes kept for the CMS in a file.
    pub contents: usize,
    cms: Vec<u8>,
    digest_at: usize,
    signature_at: usize,
    attributes: Vec<u8>,
    attributes_digest_at: usize,
}

/// The places of what changes in a CMS and in its signed attributes.
#[derive(Debug, Clone)]
pub struct Skeleton {
    /// DER of the whole.
    pub cms: Vec<u8>,
    /// Where the 32 bytes of the digest stand.
    pub digest_at: usize,
    /// Where the signature stands, to the length of the key.
    pub signature_at: usize,
    /// DER of the signed attributes as the SET that is signed.
    pub attributes: Vec<u8>,
    /// Where the digest stands in them.
    pub attributes_digest_at: usize,
}

impl Seal {
    /// Of a key (PKCS #8, DER), the skeleton of its certificate, and the bytes kept for a CMS.
    ///
    /// # Errors
    /// `pdf.private_key`: no RSA key of 2,048 to 4,096 bits. `pdf.skeleton`: places outside.
    /// `pdf.certificate_size`: the CMS is longer than what is kept for it.
    pub fn new(key: Option<&[u8]>, skeleton: Skeleton, contents: usize) -> Result<Self> {
        let key = key.map(RsaKeyPair::from_pkcs8).transpose().map_err(|problem| {
            Error::new(Kind::Malformed, "pdf.private_key", format!("not usable: {problem}"))
        })?;
        if skeleton.cms.len() > contents {
            let sentence = "the certificate is too long for the place kept for it";
            return Err(Error::new(Kind::LimitReached, "pdf.certificate_size", sentence));
        }
        let Skeleton { cms, digest_at, signature_at, attributes, attributes_digest_at } = skeleton;
        let fits = |whole: &[u8], at: usize, length: usize| {
            at.checked_add(length).is_some_and(|end| end <= whole.len())
        };
        if !fits(&cms, digest_at, 32)
            || !fits(&cms, signature_at, key.as_ref().map_or(0, |key| key.public().modulus_len()))
            || !fits(&attributes, attributes_digest_at, 32)
        {
            return Err(Error::new(Kind::Invalid, "pdf.skeleton", "a place lies outside the CMS"));
        }
        Ok(Self { key, contents, cms, digest_at, signature_at, attributes, attributes_digest_at })
    }

    /// The CMS over two stretches of a file. PKCS #1 v1.5 knows no chance: equal files give equal
    /// signatures.
    ///
    /// # Errors
    /// `pdf.signing`: the key refuses.
    pub fn sign(&self, before: &[u8], after: &[u8]) -> Result<Vec<u8>> {
        let mut context = ring::digest::Context::new(&SHA256);
        context.update(before);
        context.update(after);
        let of_file = context.finish();
        let mut cms = self.cms.clone();
        patch(&mut cms, self.digest_at, of_file.as_ref());
        let Some(key) = &self.key else { return Ok(cms) };
        let mut attributes = self.attributes.clone();
        patch(&mut attributes, self.attributes_digest_at, of_file.as_ref());
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &attributes, &mut signature)
            .map_err(|_| Error::new(Kind::Invalid, "pdf.signing", "the key refuses to sign"))?;
        patch(&mut cms, self.signature_at, &signature);
        Ok(cms)
    }
}

fn patch(whole: &mut [u8], at: usize, part: &[u8]) {
    whole[at..at + part.len()].copy_from_slice(part);
}

/// SHA-256 as lower-case hexadecimal digits.
pub fn sha256_hex(content: &[u8]) -> String {
    let mut out = Vec::with_capacity(64);
    push_hex(&mut out, digest(&SHA256, content).as_ref());
    String::from_utf8(out).unwrap_or_default()
}

/// Appends lower-case hexadecimal digits.
pub fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}
