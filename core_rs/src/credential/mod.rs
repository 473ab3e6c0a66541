//! Signed codes and logs: EU DCC, our compact slip, the Merkle tree of the audit log.
//!
//! * [`base45`], [`cbor`], [`cose`], [`x509`], [`pem`]: the layers a DCC is made of
//! * `p256`, `montgomery`: ES256 with a table for each key, for lists that few keys sign
//! * [`dcc`]: decode, verify against a trust list, issue; [`schema`]: what a DCC must hold
//! * [`icao`]: names in the letters of machine-readable documents
//! * [`slip`]: our own signed result, small enough for any phone camera
//! * [`merkle`]: RFC 6962, for a log that cannot be rewritten

pub mod base45;
pub mod cbor;
pub mod cose;
pub mod dcc;
pub mod icao;
pub mod merkle;
mod montgomery;
mod p256;
pub mod pem;
pub mod schema;
pub mod slip;
pub mod x509;
