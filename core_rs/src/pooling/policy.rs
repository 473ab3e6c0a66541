//! The rules of a campaign as data: dated and sourced by whoever sets them, never constants.

use crate::error::{Error, Kind, Result};

/// What a campaign allows. Times are seconds, sizes are people in one tube.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "each is one question a policy answers")]
pub struct Policy {
    /// Most people in one tube; `None`: only the tube's own planned size counts.
    pub max_size: Option<u32>,
    /// Largest size validated for the assay: up to it an over-full tube is only a warning.
    pub validated_size: Option<u32>,
    /// A negative pool with more swabs than members may clear the registered ones.
    pub stranger_clears: bool,
    /// How much clocks may differ before a result counts as earlier than the collection.
    pub clock_tolerance: u32,
    /// Two memberships of one person closer than this belong to one round, where no round is given.
    pub round_seconds: u32,
    /// Evidence of one person further apart than this belongs to two episodes.
    pub episode_seconds: u32,
    /// "The same day" for F11.
    pub same_day_seconds: u32,
    /// A tube whose members were collected further apart than this had its label used twice.
    pub reuse_seconds: u32,
    /// Sent, not received: chase after this.
    pub receipt_seconds: u32,
    /// Received, no result: chase after this.
    pub result_seconds: u32,
    /// Invalid single tests before a person must decide.
    pub max_attempts: u32,
    /// F12: a pool weaker than this, and how much weaker the best single may be than its pool.
    pub weak_ct: f32,
    /// See `weak_ct`.
    pub ct_gap: f32,
    /// F14: how unlikely the share of positive tubes of a team, laboratory or rack must be.
    pub alarm_probability: f64,
    /// The design puts people in several pools on purpose.
    pub overlapping: bool,
    /// The only remaining candidate of a positive pool may be called positive without a single test.
    pub accept_decoded_positive: bool,
    /// People with symptoms may be pooled.
    pub pool_symptomatic: bool,
    /// Contact classes that must be tested singly.
    pub single_contact_classes: Vec<String>,
    /// Specimen types that may be pooled; empty: all.
    pub pooled_specimen_types: Vec<String>,
    /// Methods that may be pooled; empty: all.
    pub pooled_methods: Vec<String>,
}

const HOUR: u32 = 3600;
const DAY: u32 = 24 * HOUR;

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_size: None,
            validated_size: None,
            stranger_clears: false,
            clock_tolerance: 300,
            round_seconds: 7 * DAY,
            episode_seconds: 14 * DAY,
            same_day_seconds: DAY,
            reuse_seconds: DAY,
            receipt_seconds: DAY,
            result_seconds: 2 * DAY,
            max_attempts: 2,
            weak_ct: 35.0,
            ct_gap: 3.0,
            alarm_probability: 0.001,
            overlapping: false,
            accept_decoded_positive: false,
            pool_symptomatic: false,
            single_contact_classes: Vec::new(),
            pooled_specimen_types: Vec::new(),
            pooled_methods: Vec::new(),
        }
    }
}

impl Policy {
    /// Refuses values that contradict each other, all of them in one error (`pooling.policy`).
    pub fn checked(self) -> Result<Self> {
        let mut wrong = Vec::new();
        if self.max_size == Some(0) || self.validated_size == Some(0) {
            wrong.push("a pool size is at least 1");
        }
        if self.max_attempts < 2 {
            wrong.push("max_attempts is at least 2");
        }
        if self.round_seconds == 0 || self.episode_seconds < self.round_seconds {
            wrong.push("a round lasts longer than nothing and not longer than an episode");
        }
        if !(self.alarm_probability > 0.0 && self.alarm_probability < 1.0) {
            wrong.push("alarm_probability lies between 0 and 1");
        }
        if !(self.weak_ct.is_finite() && self.ct_gap.is_finite() && self.ct_gap >= 0.0) {
            wrong.push("weak_ct and ct_gap are numbers, and ct_gap is not negative");
        }
        if wrong.is_empty() {
            Ok(self)
        } else {
            Err(Error::new(Kind::Invalid, "pooling.policy", wrong.join("; ")))
        }
    }

    /// The size up to which an over-full tube does not block.
    pub(crate) fn allowed_size(&self, planned: Option<u32>) -> Option<u32> {
        self.validated_size.or(self.max_size).or(planned)
    }
}
