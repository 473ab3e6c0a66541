//! Tubes, memberships and results of one campaign, in columns.
//!
//! Everything added is a fact that may come in any order and any number of times: the fields kept
//! are minima, maxima and newest versions, so the world is the same in the end. Times are seconds
//! since 1970 in 32 bits, 0 meaning "not known".

use std::collections::{BTreeMap, HashMap};

use super::policy::Policy;
use super::words::{Outcome, Reason, State};

/// No tube, no member, no person.
pub const NONE: u32 = u32::MAX;
/// The laboratory has not counted the swabs.
pub const NOT_COUNTED: u16 = u16::MAX;

/// Facts of a tube that are true or not.
pub mod given {
    /// Listed among the tubes, with or without members.
    pub const LISTED: u8 = 1;
    /// Lost on the way.
    pub const LOST: u8 = 2;
    /// Refused by the laboratory.
    pub const REJECTED: u8 = 4;
    /// Mixed in the laboratory: the single samples are kept (else several swabs in one tube).
    pub const MEDIA: u8 = 8;
    /// Nothing is left for a second test.
    pub const USED_UP: u8 = 16;
    /// The code stands on two tubes.
    pub const REUSED: u8 = 32;
    /// A result with the same id and other content exists.
    pub const CLASH: u8 = 64;
    /// Other tubes name this one as the tube they were mixed into.
    pub const PARENT: u8 = 128;
}

/// Facts of a membership.
pub mod flag {
    /// Taken back: not in the tube.
    pub const WITHDRAWN: u8 = 1;
    /// F16 by symptoms, contact class, specimen type or method.
    pub const NOT_FOR_POOL: u8 = 2;
    /// The person has more than one membership.
    pub const MANY: u8 = 4;
    /// Computed: added too late to be covered by the result.
    pub const LATE: u8 = 8;
    /// F5 was closed by somebody who may: the member counts as on time.
    pub const LATE_CLOSED: u8 = 16;
    /// The person's identity is in doubt (F15).
    pub const IDENTITY: u8 = 32;
    /// F2 was closed for this person.
    pub const TWO_CLOSED: u8 = 64;
    /// Computed: the person stands in a contradiction F2 that blocks.
    pub const TWO_BLOCKED: u8 = 128;
}

/// One tube: what was registered, what its results say, what follows for its members.
#[derive(Debug, Clone)]
pub struct Tube {
    /// When the member list was frozen.
    pub sealed: u32,
    /// When it left for the laboratory.
    pub sent: u32,
    /// When the laboratory took it in.
    pub received: u32,
    /// The tube it was mixed into, or [`NONE`].
    pub parent: u32,
    /// Places for samples; 0 if not known.
    pub planned: u16,
    /// Swabs counted by the laboratory, or [`NOT_COUNTED`].
    pub counted: u16,
    /// Bits of [`given`].
    pub given: u8,
    /// Outcome of the newest version.
    pub outcome: Outcome,
    /// Two different outcomes share the newest version.
    pub is_conflict: bool,
    /// Run and version of the current result: `run << 16 | version`; 0 without a result.
    pub key: u32,
    /// Smallest key that said negative.
    pub negative_key: u32,
    /// Smallest key at all.
    pub oldest_key: u32,
    /// Earliest time at which any result was recorded.
    pub first_recorded: u32,
    /// Earliest time of the current version.
    pub recorded: u32,
    /// Ct value of the current result; NaN without one.
    pub ct: f32,
    /// First member, or [`NONE`]; the others follow by [`World::next`].
    pub head: u32,
    /// Members present before sealing and result.
    pub on_time: u32,
    /// Members added later.
    pub late: u32,
    /// Earliest and latest collection among the members on time.
    pub collected_first: u32,
    /// See `collected_first`.
    pub collected_last: u32,
    /// Computed: bits of [`super::words::Code`] found on this tube.
    pub found: u16,
    /// Findings closed by somebody who may.
    pub closed: u16,
    /// Computed: what the tube says about a member on time.
    pub base: State,
    /// Computed: why.
    pub reason: Reason,
    /// Computed, overlapping designs: the only person left to explain this positive pool.
    pub sole: u32,
    /// Computed: a member of this negative pool is positive on the same day (F11).
    pub is_doubted: bool,
    /// Computed: the result is earlier than the collection.
    pub is_early: bool,
}

impl Default for Tube {
    fn default() -> Self {
        Self {
            sealed: 0,
            sent: 0,
            received: 0,
            parent: NONE,
            planned: 0,
            counted: NOT_COUNTED,
            given: 0,
            outcome: Outcome::Missing,
            is_conflict: false,
            key: 0,
            negative_key: NONE,
            oldest_key: NONE,
            first_recorded: 0,
            recorded: 0,
            ct: f32::NAN,
            head: NONE,
            on_time: 0,
            late: 0,
            collected_first: 0,
            collected_last: 0,
            found: 0,
            closed: 0,
            base: State::Waiting,
            reason: Reason::Plain,
            sole: NONE,
            is_doubted: false,
            is_early: false,
        }
    }
}

/// What is registered about a tube.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TubeRow {
    /// See [`Tube::sealed`].
    pub sealed: u32,
    /// See [`Tube::sent`].
    pub sent: u32,
    /// See [`Tube::received`].
    pub received: u32,
    /// See [`Tube::parent`].
    pub parent: u32,
    /// See [`Tube::planned`].
    pub planned: u16,
    /// See [`Tube::counted`].
    pub counted: u16,
    /// LOST, REJECTED, MEDIA and `USED_UP` of [`given`].
    pub given: u8,
}

/// One membership: a person's sample in a tube.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemberRow {
    /// When it was entered into the tube's list.
    pub added: u32,
    /// When the sample was taken.
    pub collected: u32,
    /// WITHDRAWN, `NOT_FOR_POOL` and the closing bits of [`flag`].
    pub flags: u8,
}

/// One version of a tube's result.
#[derive(Debug, Clone, Copy)]
pub struct ResultRow {
    /// 1 for the first test of the tube, 2 when it was tested once more.
    pub run: u16,
    /// 1, and one more for every amendment.
    pub version: u16,
    /// What it says.
    pub outcome: Outcome,
    /// When it was recorded.
    pub recorded: u32,
    /// Ct value, NaN without.
    pub ct: f32,
}

/// The campaign in columns; member columns have one entry a membership.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The rules.
    pub policy: Policy,
    /// All tubes known, by number.
    pub tubes: Vec<Tube>,
    /// Person of each membership.
    pub person: Vec<u32>,
    /// Tube of each membership.
    pub tube: Vec<u32>,
    /// Time of entry of each membership.
    pub added: Vec<u32>,
    /// Time of collection of each membership.
    pub collected: Vec<u32>,
    /// Next member of the same tube, or [`NONE`].
    pub next: Vec<u32>,
    /// Bits of [`flag`].
    pub flags: Vec<u8>,
    /// Computed state of the person, as seen from this membership's episode.
    pub state: Vec<u8>,
    /// Computed reason.
    pub reason: Vec<u8>,
    /// First membership of each person.
    pub head: Vec<u32>,
    /// All memberships of those who have several.
    pub many: HashMap<u32, Vec<u32>>,
    /// Round of a membership, where rounds are given.
    pub round: Option<Vec<u32>>,
    /// The tube a membership re-tests, where that is said.
    pub retest_of: HashMap<u32, u32>,
    /// F15: a person and whose identity is shared (the person's own number: two identities).
    pub identities: BTreeMap<u32, u32>,
    /// Tubes mixed into a tube.
    pub children: HashMap<u32, Vec<u32>>,
}

impl World {
    /// An empty campaign.
    pub fn new(policy: Policy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// Room for more members, exactly.
    pub fn reserve(&mut self, members: usize) {
        for column in
            [&mut self.person, &mut self.tube, &mut self.added, &mut self.collected, &mut self.next]
        {
            column.reserve_exact(members);
        }
        for column in [&mut self.flags, &mut self.state, &mut self.reason] {
            column.reserve_exact(members);
        }
    }

    /// Makes sure that tubes up to `number` exist.
    pub fn touch_tube(&mut self, number: u32) {
        if self.tubes.len() <= number as usize {
            self.tubes.resize(number as usize + 1, Tube::default());
        }
    }

    /// Adds a membership, or joins it with the same one; gives its number.
    pub fn add_member(&mut self, person: u32, tube: u32, row: MemberRow) -> u32 {
        self.touch_tube(tube);
        if self.head.len() <= person as usize {
            self.head.resize(person as usize + 1, NONE);
        }
        let first = self.head[person as usize];
        if first != NONE
            && let Some(same) = self.find_membership(person, tube)
        {
            self.join(same as usize, row);
            return same;
        }
        let member = self.person.len() as u32;
        self.person.push(person);
        self.tube.push(tube);
        self.added.push(row.added);
        self.collected.push(row.collected);
        self.flags.push(row.flags);
        self.state.push(State::Waiting as u8);
        self.reason.push(Reason::Plain as u8);
        let head = &mut self.tubes[tube as usize].head;
        self.next.push(*head);
        *head = member;
        if first == NONE {
            self.head[person as usize] = member;
        } else {
            self.many.entry(person).or_insert_with(|| vec![first]).push(member);
            self.flags[first as usize] |= flag::MANY;
            self.flags[member as usize] |= flag::MANY;
            let shared = self.flags[first as usize] & (flag::IDENTITY | flag::TWO_CLOSED);
            self.flags[member as usize] |= shared;
        }
        member
    }

    /// Notes a person who is planned, and so far in no tube.
    pub fn add_planned(&mut self, person: u32) {
        if self.head.len() <= person as usize {
            self.head.resize(person as usize + 1, NONE);
        }
    }

    /// The membership of a person in a tube.
    pub fn find_membership(&self, person: u32, tube: u32) -> Option<u32> {
        self.memberships(person).iter().copied().find(|&m| self.tube[m as usize] == tube)
    }

    /// All memberships of a person.
    pub fn memberships(&self, person: u32) -> &[u32] {
        let first = match self.head.get(person as usize) {
            Some(first) if *first != NONE => first,
            _ => return &[],
        };
        if self.flags[*first as usize] & flag::MANY == 0 {
            return std::slice::from_ref(first);
        }
        self.many.get(&person).map_or(std::slice::from_ref(first), Vec::as_slice)
    }

    /// Marks all memberships of a person.
    pub fn mark_person(&mut self, person: u32, bit: u8) {
        for member in self.memberships(person).to_vec() {
            self.flags[member as usize] |= bit;
        }
    }

    /// The same membership again: the earliest times count, a withdrawal stays.
    fn join(&mut self, member: usize, row: MemberRow) {
        self.added[member] = earlier(self.added[member], row.added);
        self.collected[member] = earlier(self.collected[member], row.collected);
        self.flags[member] |= row.flags;
    }

    /// Adds one version of a result; the newest version counts, whatever the order.
    pub fn add_result(&mut self, tube: u32, row: ResultRow) {
        self.touch_tube(tube);
        let tube = &mut self.tubes[tube as usize];
        let key = u32::from(row.run) << 16 | u32::from(row.version);
        tube.oldest_key = tube.oldest_key.min(key);
        if row.outcome == Outcome::Negative {
            tube.negative_key = tube.negative_key.min(key);
        }
        if row.outcome != Outcome::Missing {
            tube.first_recorded = earlier(tube.first_recorded, row.recorded);
        }
        if key > tube.key {
            tube.key = key;
            tube.outcome = row.outcome;
            tube.recorded = row.recorded;
            tube.ct = row.ct;
            tube.is_conflict = false;
        } else if key == tube.key {
            if tube.outcome != row.outcome {
                tube.is_conflict = true;
                // Which of the two is kept must not depend on the order.
                tube.outcome = tube.outcome.max(row.outcome);
            }
            tube.recorded = earlier(tube.recorded, row.recorded);
            tube.ct = if tube.ct.is_nan() { row.ct } else { tube.ct.min(row.ct) };
        }
    }

    /// Sets what is registered about a tube.
    pub fn set_tube(&mut self, number: u32, row: &TubeRow) {
        self.touch_tube(number);
        if row.parent != NONE && row.parent != number {
            self.touch_tube(row.parent);
            self.tubes[row.parent as usize].given |= given::PARENT;
            let children = self.children.entry(row.parent).or_default();
            if !children.contains(&number) {
                children.push(number);
            }
        }
        let tube = &mut self.tubes[number as usize];
        tube.sealed = row.sealed;
        tube.sent = row.sent;
        tube.received = row.received;
        tube.parent = if row.parent == number { NONE } else { row.parent };
        tube.planned = row.planned;
        tube.counted = row.counted;
        let kept = tube.given & (given::REUSED | given::CLASH | given::PARENT);
        tube.given = kept | row.given | given::LISTED;
    }

    /// Members of a tube, newest first.
    pub fn members_of(&self, tube: u32) -> Members<'_> {
        Members { world: self, at: self.tubes.get(tube as usize).map_or(NONE, |t| t.head) }
    }

    /// The round of a membership, if rounds are given.
    pub(crate) fn round_of(&self, member: u32) -> u32 {
        self.round.as_ref().and_then(|r| r.get(member as usize)).copied().unwrap_or(NONE)
    }

    /// Bytes held, spare room included (without the texts of the codes).
    pub fn byte_size(&self) -> usize {
        let words = self.person.capacity()
            + self.tube.capacity()
            + self.added.capacity()
            + self.collected.capacity()
            + self.next.capacity()
            + self.head.capacity()
            + self.round.as_ref().map_or(0, Vec::capacity);
        let bytes = self.flags.capacity() + self.state.capacity() + self.reason.capacity();
        let many: usize = self.many.values().map(|v| 40 + v.capacity() * 4).sum();
        words * 4
            + bytes
            + many
            + self.retest_of.capacity() * 9
            + self.tubes.capacity() * size_of::<Tube>()
    }
}

/// Walks the members of one tube.
pub struct Members<'a> {
    world: &'a World,
    at: u32,
}

impl Iterator for Members<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.at == NONE {
            return None;
        }
        let member = self.at;
        self.at = self.world.next[member as usize];
        Some(member)
    }
}

/// The earlier of two times, 0 being unknown.
pub(crate) fn earlier(a: u32, b: u32) -> u32 {
    match (a, b) {
        (0, known) | (known, 0) => known,
        _ => a.min(b),
    }
}
