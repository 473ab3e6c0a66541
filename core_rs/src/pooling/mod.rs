//! Pools: matching results to people, design, decoding, prevalence.
//!
//! Matching in one sentence: a result belongs to a tube, a tube to its members, and what a person
//! is told follows from all of the person's tubes together. Read in this order:
//!
//! * [`words`]: outcomes, states, reasons and the table of findings F1–F16
//! * [`policy`]: the dated rules of a campaign, as data
//! * [`intern`]: codes to small numbers
//! * [`world`]: tubes, memberships and results of one campaign, in columns
//! * [`tube`]: what one tube says about its members
//! * [`person`]: what all tubes of one person say together
//! * [`run`]: the whole campaign, or only what new results touch
//! * [`findings`]: the list of contradictions, with their wording; [`suggest`] for unknown codes
//! * [`campaign`]: the same with codes as text, as tables bring them
//!
//! Planning: [`decode`] for overlapping pools, [`pack`] for who goes into which tube.
//! Numbers: [`prevalence`] with [`intervals`], [`design`] and [`array`] with [`optimal`], on
//! [`numbers`].

pub mod array;
pub mod campaign;
pub mod decode;
pub mod design;
pub mod findings;
pub mod intern;
pub mod intervals;
pub mod numbers;
pub mod optimal;
pub mod pack;
pub mod person;
pub mod policy;
pub mod prevalence;
pub mod risks;
pub mod run;
mod splits;
pub mod sterrett;
pub mod suggest;
pub mod tube;
pub mod words;
pub mod world;
