//! Fast, pure rules of Trạm. This file is the table of contents; it holds no logic.
//!
//! * [`error`]: one error type with kinds and stable codes
//! * `qr`: image → text, text → typed payload
//! * `names`: Vietnamese text, names, phones and ids
//! * `linkage`: who is who
//! * `pooling`: design, matching, decoding, prevalence
//! * `credential`: base45, COSE, DCC, our signed slip
//! * `pdf`: a designed page, filled and signed per person
//! * `batch`: an ingest batch, bytes → validated rows
//! * `python`: the only place that knows Python

pub mod batch;
pub mod credential;
pub mod error;
pub mod linkage;
pub mod names;
pub mod pdf;
pub mod pooling;
pub mod qr;

#[cfg(feature = "python")]
mod python;
