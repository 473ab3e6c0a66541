//! Who is who: scoring, blocking, clustering, the incremental person index.
//!
//! From the bottom up:
//! * [`spelling`], [`values`]: one word, one number as typed
//! * [`lexicon`], [`address`], [`profile`], [`people`]: records as small numbers, with frequencies;
//!   `wards`: codes that mean one ward
//! * `alike`: records of one name and day, and what they teach
//! * [`common`]: what is common, noted in the profiles
//! * [`fields`], [`compare`], [`household`]: two records → a pattern of levels
//! * [`model`], [`prior`]: a pattern → bits for and against, field by field
//! * [`verdict`]: what a shared document number proves
//! * [`blocks`], [`learn`], [`link`], [`cluster`]: all records at once; [`parts`]: in tasks, file to file
//! * [`keys`], [`index`], [`answers`]: who is worth comparing; the incremental index; a batch

pub mod address;
mod alike;
pub mod answers;
pub mod blocks;
pub mod cluster;
pub mod common;
pub mod compare;
pub mod fields;
pub mod hashing;
mod household;
pub mod index;
pub mod keys;
pub mod learn;
pub mod lexicon;
pub mod link;
pub mod model;
pub mod parts;
pub mod people;
pub mod prior;
pub mod profile;
pub mod records;
pub mod registry;
pub mod spelling;
mod store;
pub mod values;
pub mod verdict;
mod wards;
