//! The vocabulary of matching: outcomes, states of a person, reasons, findings.

/// Makes an enum of `u8` whose members have a stable spelling for tables and screens.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$each:meta])* $member:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $name { $($(#[$each])* $member),+ }

        impl $name {
            /// Every member, in order.
            pub const ALL: &'static [Self] = &[$(Self::$member),+];

            /// The stable spelling.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$member => $text),+ }
            }

            /// The member with this spelling.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.text() == text)
            }

            /// The member with this number; the first one for a number out of range.
            pub fn of(number: u8) -> Self {
                Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::ALL[0])
            }
        }
    };
}

words! {
    /// The outcome of a lab result; `Missing` is "no result yet".
    Outcome {
        /// No result yet, or the result was moved to another tube.
        Missing = "missing",
        /// Not detected.
        Negative = "negative",
        /// Detected.
        Positive = "positive",
        /// Neither: the tube is tested once more, then counts as positive.
        Inconclusive = "inconclusive",
        /// The internal control failed: says nothing about the people.
        Invalid = "invalid",
        /// The laboratory refused the tube.
        Rejected = "rejected",
    }
}

words! {
    /// What is shown for a person (glossary, "Results: one vocabulary").
    State {
        /// Planned, in no tube.
        NotSampled = "NOT_SAMPLED",
        /// In a tube without a result that counts.
        Waiting = "WAITING",
        /// A blocking finding must be closed first; the reason says which.
        Hold = "HOLD",
        /// Cleared by a negative pool.
        NegByPool = "NEG_BY_POOL",
        /// Cleared by an own, single test.
        NegSingle = "NEG_SINGLE",
        /// Member of a positive pool, no re-test arranged yet.
        SuspectPool = "SUSPECT_POOL",
        /// A new sample or test is needed or arranged, and has not begun.
        RetestDue = "RETEST_DUE",
        /// The re-test sample is taken and has no result yet.
        RetestRunning = "RETEST_RUNNING",
        /// Positive by a single test (or by the decoder, where the policy accepts that).
        PosConfirmed = "POS_CONFIRMED",
        /// A person must decide: attempts used up, withdrawn.
        Unresolved = "UNRESOLVED",
    }
}

words! {
    /// Why a person is in the state: the finding behind a HOLD, the cause of a re-test.
    Reason {
        /// The state says it all.
        Plain = "",
        /// F6: two current results differ.
        Conflict = "conflict",
        /// F7: the result or receipt is earlier than the collection.
        Early = "early",
        /// F5: added after sealing or after the result.
        Late = "late",
        /// F3: more people in the tube than the policy allows.
        OverSize = "over_size",
        /// F4: the laboratory counted another number of swabs.
        Count = "count",
        /// F2: one tube says negative, another of the same round positive.
        TwoTubes = "two_tubes",
        /// F13: the tube code was used twice.
        ReusedLabel = "reused_label",
        /// F15: one person with two identities, or two persons with one.
        Identity = "identity",
        /// F16: should not have been pooled.
        NotForPool = "not_for_pool",
        /// F11: the pool missed a person who is positive by a single test.
        Doubted = "doubted",
        /// Inconclusive once: the laboratory tests the same tube again.
        RepeatTube = "repeat_tube",
        /// The tube gave no valid result: a new sample.
        Resample = "resample",
        /// The tube was lost.
        Lost = "lost",
        /// The laboratory refused the tube.
        Rejected = "rejected",
        /// The single test gave no valid result.
        SingleInvalid = "single_invalid",
        /// Two or more single tests gave no valid result.
        Attempts = "attempts",
        /// Member of a positive pool.
        Suspect = "suspect",
        /// Decided by the decoder of overlapping pools.
        Decoded = "decoded",
        /// The only membership was withdrawn.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// The findings of pooling.md section 6.
    Code {
        /// A result for a tube nobody registered.
        UnknownTube = "F1",
        /// A person in two tubes of one round.
        TwoTubes = "F2",
        /// A tube over its size.
        OverSize = "F3",
        /// Swabs counted are not the members registered.
        Count = "F4",
        /// A member added after sealing or after the result.
        Late = "F5",
        /// Two current results of one tube differ.
        Conflict = "F6",
        /// Result or receipt before collection.
        Early = "F7",
        /// Sent and not received, or received and without result, for too long.
        Overdue = "F8",
        /// Planned and in no tube.
        NoTube = "F9",
        /// Positive pool, all members negative.
        Unexplained = "F10",
        /// Negative pool, a member positive on the same day.
        Missed = "F11",
        /// Ct values that do not fit.
        Ct = "F12",
        /// A tube code used twice.
        ReusedLabel = "F13",
        /// A share of positive tubes that chance does not explain.
        Share = "F14",
        /// One person, two identities, or two persons, one identity.
        Identity = "F15",
        /// A member who should not have been pooled.
        NotForPool = "F16",
    }
}

impl Code {
    /// The bit of this finding in a tube's mask.
    pub const fn bit(self) -> u16 {
        1 << (self as u8)
    }

    /// What is wrong, in one sentence (the English source text of the screens).
    pub const fn title(self) -> &'static str {
        match self {
            Self::UnknownTube => "A result for a tube that is not registered",
            Self::TwoTubes => "One person is in two tubes of one round",
            Self::OverSize => "More samples in the tube than allowed",
            Self::Count => "The laboratory counted another number of swabs",
            Self::Late => "A member was added after sealing or after the result",
            Self::Conflict => "Two current results of the tube differ",
            Self::Early => "The result or receipt is earlier than the collection",
            Self::Overdue => "No receipt or no result for too long",
            Self::NoTube => "Planned, but in no tube",
            Self::Unexplained => "The pool is positive and all its members are negative",
            Self::Missed => "The pool is negative and a member is positive on the same day",
            Self::Ct => "The Ct values do not fit",
            Self::ReusedLabel => "The tube code was used twice",
            Self::Share => "The share of positive tubes is not explained by chance",
            Self::Identity => "One person with two identities, or two persons with one",
            Self::NotForPool => "A member who should not have been pooled",
        }
    }

    /// What has to be done, in one sentence.
    pub const fn effect(self) -> &'static str {
        match self {
            Self::UnknownTube => {
                "Compare with the codes offered and assign by hand, never by guess"
            }
            Self::TwoTubes => "If the results differ, take a single sample; else note why",
            Self::OverSize => "Hold, unless the size was validated for the assay",
            Self::Count => {
                "Find the missing person or the stranger's swab before anybody is cleared"
            }
            Self::Late => "Take a new sample, or correct the time with a signature",
            Self::Conflict => "The laboratory says which result stands",
            Self::Early => "Correct the clock or the time zone, then release",
            Self::Overdue => "Chase the shipment or the laboratory",
            Self::NoTube => "The team samples the person or notes why not",
            Self::Unexplained => "Test the pool again; look for a swap with its neighbours",
            Self::Missed => "Re-test the members of the pool; look for a swap",
            Self::Ct => "Look for a swap or a stronger member; repeat a weak pool",
            Self::ReusedLabel => "Find out which tube the result belongs to; sample again",
            Self::Share => "Look for contamination; think about the pool size",
            Self::Identity => "Decide who it is in the duplicates list",
            Self::NotForPool => "Take a single sample",
        }
    }

    /// Who may close it; nobody below a coordinator or clinician closes a blocking finding.
    pub const fn closers(self) -> &'static [&'static str] {
        match self {
            Self::Conflict | Self::Early => &["laboratory_lead", "coordinator"],
            Self::OverSize | Self::Ct => &["laboratory_lead", "clinician", "coordinator"],
            Self::Late | Self::Missed | Self::NotForPool => &["clinician", "coordinator"],
            Self::Overdue | Self::NoTube => &["team_lead", "coordinator"],
            _ => &["coordinator"],
        }
    }

    /// Whether it can block a release (some block only in part of their cases).
    pub const fn can_block(self) -> bool {
        !matches!(self, Self::Overdue | Self::NoTube | Self::Ct | Self::Share)
    }
}
