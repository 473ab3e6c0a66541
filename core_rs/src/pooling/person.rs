//! What all tubes of one person say together.
//!
//! A valid single test counts more than a pool. A positive single test stands for the whole
//! episode. A negative one answers the pools it was taken for; a pool taken later asks again.
//! Nobody is cleared by one pool while another of the same round is positive or held.

use super::intern::Interner;
use super::policy::Policy;
use super::words::{Outcome, Reason, State};
use super::world::{NONE, World, flag, given};

/// One membership as the rules for a person see it.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is one fact the rules ask for")]
pub(crate) struct Piece {
    pub(crate) member: u32,
    pub(crate) tube: u32,
    pub(crate) state: State,
    pub(crate) reason: Reason,
    /// Outcome of the tube without conflict; `Missing` otherwise.
    pub(crate) says: Outcome,
    pub(crate) is_single: bool,
    pub(crate) is_taken: bool,
    pub(crate) is_unexplained: bool,
    /// The only person left to explain this positive pool (DD).
    pub(crate) is_sole: bool,
    pub(crate) collected: u32,
    pub(crate) first_recorded: u32,
    pub(crate) parent: u32,
    pub(crate) retest_of: u32,
    pub(crate) round: u32,
    added: u32,
}

impl Piece {
    /// When the sample was taken, or at least entered; a planned one lies in the future.
    fn moment(&self) -> u32 {
        match (self.collected, self.added) {
            (0, 0) => NONE,
            (0, added) => added,
            (collected, _) => collected,
        }
    }

    /// Whether this single test was taken because of `pool`.
    pub(crate) fn is_retest_of(&self, pool: &Self) -> bool {
        if self.retest_of != NONE {
            return self.retest_of == pool.tube;
        }
        self.is_single && pool.first_recorded != 0 && self.moment() >= pool.first_recorded
    }

    fn is_mixed_with(&self, other: &Self) -> bool {
        self.parent == other.tube || other.parent == self.tube
    }

    pub(crate) fn is_same_round(&self, other: &Self, policy: &Policy) -> bool {
        if self.round != NONE && other.round != NONE {
            return self.round == other.round;
        }
        if self.collected == 0 || other.collected == 0 {
            return true;
        }
        self.collected.abs_diff(other.collected) < policy.round_seconds
    }
}

/// F2 for one person: two tubes of one round, neither the re-test of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Two {
    pub(crate) tubes: (u32, u32),
    /// One says negative and the other positive.
    pub(crate) is_contradiction: bool,
}

/// Looks for F2 among the memberships of one episode: a contradiction if there is one, and of
/// equals the pair whose codes come first (numbers depend on the order of registration).
pub(crate) fn find_two(policy: &Policy, pieces: &[Piece], codes: &Interner) -> Option<Two> {
    let name = |two: &Two| (codes.text(two.tubes.0), codes.text(two.tubes.1));
    let mut found: Option<Two> = None;
    for (at, a) in pieces.iter().enumerate() {
        for b in &pieces[at + 1..] {
            if !is_two(policy, a, b) || is_missed(policy, a, b) || is_missed(policy, b, a) {
                continue;
            }
            let is_ordered = codes.text(a.tube) <= codes.text(b.tube);
            let two = Two {
                tubes: if is_ordered { (a.tube, b.tube) } else { (b.tube, a.tube) },
                is_contradiction: !policy.overlapping && is_contradiction(policy, a, b),
            };
            let is_better = match found {
                None => true,
                Some(old) => {
                    (two.is_contradiction && !old.is_contradiction)
                        || (two.is_contradiction == old.is_contradiction && name(&two) < name(&old))
                }
            };
            if is_better {
                found = Some(two);
            }
        }
    }
    found
}

fn is_two(policy: &Policy, a: &Piece, b: &Piece) -> bool {
    !(a.retest_of != NONE
        || b.retest_of != NONE
        || a.is_retest_of(b)
        || b.is_retest_of(a)
        || a.is_mixed_with(b))
        && a.is_same_round(b, policy)
}

/// F11 says more about these two than F2 would.
fn is_missed(policy: &Policy, pool: &Piece, single: &Piece) -> bool {
    single.state == State::PosConfirmed
        && pool.says == Outcome::Negative
        && pool.collected != 0
        && single.collected != 0
        && pool.collected.abs_diff(single.collected) < policy.same_day_seconds
}

/// Negative here and positive there. A positive single test beside a negative pool is F11 on the
/// same day and new on another: it is no reason to doubt the single test.
fn is_contradiction(policy: &Policy, a: &Piece, b: &Piece) -> bool {
    if !is_two(policy, a, b) {
        return false;
    }
    let differs = matches!(
        (a.says, b.says),
        (Outcome::Negative, Outcome::Positive) | (Outcome::Positive, Outcome::Negative)
    );
    let positive = if a.says == Outcome::Positive { a } else { b };
    differs && positive.state != State::PosConfirmed
}

/// The state of a person within one episode.
pub(crate) fn decide(policy: &Policy, pieces: &[Piece], is_two_closed: bool) -> (State, Reason) {
    if pieces.is_empty() {
        return (State::Unresolved, Reason::Withdrawn);
    }
    if let Some(sure) = pieces.iter().find(|p| p.state == State::PosConfirmed) {
        return (State::PosConfirmed, sure.reason);
    }
    let has_cleared_single = pieces.iter().any(|p| p.state == State::NegSingle);
    if policy.overlapping
        && policy.accept_decoded_positive
        && !pieces.iter().any(|p| matches!(p.state, State::NegByPool | State::NegSingle))
        && pieces.iter().any(|p| p.is_sole && p.state == State::SuspectPool)
    {
        return (State::PosConfirmed, Reason::Decoded);
    }
    let (state, reason) = from_pools(policy, pieces, has_cleared_single, is_two_closed);
    if has_cleared_single {
        let is_open = matches!(state, State::SuspectPool | State::Hold | State::RetestDue);
        if !is_open {
            return (State::NegSingle, Reason::Plain);
        }
    }
    from_singles(policy, pieces, has_cleared_single, (state, reason))
}

/// Whether a negative single test answers what this pool left open.
fn is_answered(policy: &Policy, pool: &Piece, pieces: &[Piece]) -> bool {
    pieces.iter().filter(|s| s.state == State::NegSingle && s.tube != pool.tube).any(|s| {
        s.is_retest_of(pool)
            || s.parent == pool.tube
            || (pool.state != State::SuspectPool
                && s.collected.saturating_add(policy.same_day_seconds) >= pool.collected)
    })
}

fn from_pools(
    policy: &Policy,
    pieces: &[Piece],
    has_cleared_single: bool,
    is_two_closed: bool,
) -> (State, Reason) {
    let open = |p: &&Piece| !(p.is_single || has_cleared_single && is_answered(policy, p, pieces));
    let pools = || pieces.iter().filter(open);
    if pools().any(|p| p.state == State::SuspectPool) {
        if policy.overlapping {
            let negative = pools().any(|p| p.state == State::NegByPool);
            let unexplained = pools().any(|p| p.state == State::SuspectPool && p.is_unexplained);
            if negative && !unexplained {
                return (State::NegByPool, Reason::Decoded);
            }
            if negative {
                return (State::Hold, Reason::TwoTubes);
            }
        }
        let is_contradicted = pools().filter(|p| p.state == State::SuspectPool).any(|pool| {
            pieces.iter().any(|other| {
                matches!(other.state, State::NegByPool | State::NegSingle)
                    && is_contradiction(policy, pool, other)
            })
        });
        return if is_contradicted && !is_two_closed && !policy.overlapping {
            (State::Hold, Reason::TwoTubes)
        } else {
            (State::SuspectPool, Reason::Suspect)
        };
    }
    let least = |state: State| pools().filter(|p| p.state == state).map(|p| p.reason).min();
    if let Some(reason) = least(State::Hold) {
        return (State::Hold, reason);
    }
    if pools().any(|p| p.state == State::NegByPool) {
        return (State::NegByPool, Reason::Plain);
    }
    if let Some(reason) = least(State::RetestDue) {
        return (State::RetestDue, reason);
    }
    let waiting = pools().filter(|p| p.state == State::Waiting).map(|p| p.reason).max();
    (State::Waiting, waiting.unwrap_or(Reason::Plain))
}

fn from_singles(
    policy: &Policy,
    pieces: &[Piece],
    has_cleared_single: bool,
    (state, reason): (State, Reason),
) -> (State, Reason) {
    let singles = || pieces.iter().filter(|p| p.is_single);
    if state == State::Hold {
        return (state, reason);
    }
    if !has_cleared_single
        && let Some(reason) = singles().filter(|p| p.state == State::Hold).map(|p| p.reason).min()
    {
        return (State::Hold, reason);
    }
    let failed = || singles().filter(|p| !has_cleared_single && p.state == State::RetestDue);
    let needs_test = matches!(state, State::SuspectPool | State::RetestDue);
    if !needs_test && failed().next().is_none() {
        return (state, reason);
    }
    let cause = failed().map(|p| p.reason).min().filter(|_| !needs_test).unwrap_or(reason);
    let mut waiting = singles().filter(|p| p.state == State::Waiting).peekable();
    if waiting.peek().is_some() {
        return if waiting.any(|p| p.is_taken) {
            (State::RetestRunning, cause)
        } else {
            (State::RetestDue, cause)
        };
    }
    match failed().count() {
        0 => (state, reason),
        n if n as u32 >= policy.max_attempts => (State::Unresolved, Reason::Attempts),
        _ => (State::RetestDue, failed().map(|p| p.reason).min().unwrap_or(reason)),
    }
}

impl World {
    /// What the tube of this membership says about this member alone.
    pub(crate) fn member_base(&self, member: u32) -> (State, Reason) {
        let m = member as usize;
        let flags = self.flags[m];
        if flags & flag::WITHDRAWN != 0 {
            return (State::Unresolved, Reason::Withdrawn);
        }
        if flags & flag::LATE != 0 {
            return (State::Hold, Reason::Late);
        }
        match self.tube_base(self.tube[m]) {
            (State::NegByPool, _) if flags & flag::NOT_FOR_POOL != 0 => {
                (State::Hold, Reason::NotForPool)
            }
            base => base,
        }
    }

    /// What a tube says about a member on time, F11 included: a pool that missed somebody, or was
    /// mixed into one that did, clears nobody.
    pub(crate) fn tube_base(&self, number: u32) -> (State, Reason) {
        let tube = &self.tubes[number as usize];
        let is_above_doubted = || {
            tube.parent != NONE
                && tube.outcome == Outcome::Missing
                && self.tubes[tube.parent as usize].is_doubted
        };
        if tube.base == State::NegByPool && (tube.is_doubted || is_above_doubted()) {
            return (State::Hold, Reason::Doubted);
        }
        (tube.base, tube.reason)
    }

    /// State of somebody with this one membership.
    pub(crate) fn lone_state(&self, member: u32) -> (State, Reason) {
        let (state, reason) = self.member_base(member);
        if self.flags[member as usize] & flag::IDENTITY != 0 && state != State::Unresolved {
            return (State::Hold, Reason::Identity);
        }
        (state, reason)
    }

    /// Whether the single test of `single` was taken because of the pool of `pool`.
    pub(crate) fn is_retest(&self, single: u32, pool: u32) -> bool {
        if let Some(&of) = self.retest_of.get(&single) {
            return of == self.tube[pool as usize];
        }
        let s = single as usize;
        let moment = if self.collected[s] == 0 { self.added[s] } else { self.collected[s] };
        let first = self.tubes[self.tube[pool as usize] as usize].first_recorded;
        first != 0 && (moment == 0 || moment >= first)
    }

    /// The memberships of a person that were not withdrawn, oldest sample first.
    pub(crate) fn pieces(&self, person: u32, into: &mut Vec<Piece>) {
        into.clear();
        for &member in self.memberships(person) {
            let m = member as usize;
            if self.flags[m] & flag::WITHDRAWN != 0 {
                continue;
            }
            let (state, reason) = self.member_base(member);
            let number = self.tube[m];
            let tube = &self.tubes[number as usize];
            let is_late = self.flags[m] & flag::LATE != 0;
            into.push(Piece {
                member,
                tube: number,
                state,
                reason,
                says: match () {
                    () if tube.is_conflict || is_late => Outcome::Missing,
                    () if tube.is_positive() => Outcome::Positive,
                    () => tube.outcome,
                },
                is_single: tube.is_single(),
                is_taken: self.collected[m] != 0 || tube.received != 0,
                is_unexplained: tube.found & super::words::Code::Unexplained.bit() != 0,
                is_sole: tube.sole == person,
                collected: self.collected[m],
                first_recorded: tube.first_recorded,
                parent: tube.parent,
                retest_of: self.retest_of.get(&member).copied().unwrap_or(NONE),
                round: self.round_of(member),
                added: self.added[m],
            });
        }
        into.sort_unstable_by_key(|p| (p.collected.wrapping_sub(1), p.tube));
    }

    /// The end of the episode that starts at `start`.
    pub(crate) fn episode_end(&self, pieces: &[Piece], start: usize) -> usize {
        let limit = pieces[start].collected.saturating_add(self.policy.episode_seconds);
        let rest = &pieces[start..];
        start + rest.iter().take_while(|p| p.collected <= limit).count()
    }

    /// Writes the states of a person with several memberships; `pieces` is scratch room.
    pub(crate) fn settle_person(&mut self, person: u32, pieces: &mut Vec<Piece>) {
        self.pieces(person, pieces);
        for &member in self.many.get(&person).map_or(&[][..], Vec::as_slice) {
            let m = member as usize;
            self.state[m] = State::Unresolved as u8;
            self.reason[m] = Reason::Withdrawn as u8;
            self.flags[m] &= !flag::TWO_BLOCKED;
        }
        let mut start = 0;
        while start < pieces.len() {
            let end = self.episode_end(pieces, start);
            let episode = &pieces[start..end];
            let bits = episode.iter().fold(0, |all, p| all | self.flags[p.member as usize]);
            let (mut state, mut reason) =
                decide(&self.policy, episode, bits & flag::TWO_CLOSED != 0);
            if bits & flag::IDENTITY != 0 {
                (state, reason) = (State::Hold, Reason::Identity);
            }
            for piece in episode {
                let m = piece.member as usize;
                self.state[m] = state as u8;
                self.reason[m] = reason as u8;
                if (state, reason) == (State::Hold, Reason::TwoTubes) {
                    self.flags[m] |= flag::TWO_BLOCKED;
                }
            }
            start = end;
        }
    }

    /// Whether a re-test of a member of this tube needs a new sample: in a swab pool no single
    /// sample is left.
    pub fn needs_new_sample(&self, member: u32) -> bool {
        let tube = &self.tubes[self.tube[member as usize] as usize];
        let is_spent = matches!(
            Reason::of(self.reason[member as usize]),
            Reason::Lost | Reason::Rejected | Reason::Late | Reason::SingleInvalid
        );
        let is_kept = tube.given & given::MEDIA != 0 || (tube.parent != NONE && tube.is_single());
        is_spent || !is_kept
    }
}
