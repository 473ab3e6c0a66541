//! What one tube says about its members: who was in time, which findings it has, what follows.

use super::policy::Policy;
use super::words::{Code, Outcome, Reason, State};
use super::world::{NONE, NOT_COUNTED, Tube, World, flag, given};

/// The time after which something about a member needs a closer look.
#[inline]
pub(crate) fn careful_after(tube: &Tube) -> u32 {
    let known = |t: u32| if t == 0 { NONE } else { t };
    known(tube.sealed)
        .min(known(tube.first_recorded))
        .min(known(tube.recorded))
        .min(known(tube.received))
}

impl World {
    /// Counts the members of a tube and finds who came too late, by walking them.
    ///
    /// Late is who was added after sealing, or after the first result. A result earlier than the
    /// collection itself is a wrong clock (F7), not a late member: then only sealing counts.
    pub(crate) fn measure_tube(&mut self, number: u32) {
        let tolerance = self.policy.clock_tolerance;
        let tube = &self.tubes[number as usize];
        let (sealed, first, recorded) = (tube.sealed, tube.first_recorded, tube.recorded);
        let received = tube.received;
        let mut active = 0_u32;
        let mut early = 0_u32;
        let mut strange = 0_u32;
        for m in self.members_of(number) {
            let m = m as usize;
            let is_after_seal = sealed != 0 && self.added[m] > sealed;
            if self.flags[m] & flag::WITHDRAWN != 0
                || (is_after_seal && self.flags[m] & flag::LATE_CLOSED == 0)
            {
                continue;
            }
            active += 1;
            let collected = self.collected[m];
            let before = |t: u32| t != 0 && collected > t.saturating_add(tolerance);
            if before(recorded) || before(received) {
                early += 1;
                if sealed != 0 || self.added[m] == 0 || first == 0 || self.added[m] <= first {
                    strange += 1;
                }
            }
        }
        let is_early = strange > 0 || (early > 0 && early == active);
        let mut on_time = 0;
        let mut late = 0;
        let (mut oldest, mut newest) = (0_u32, 0_u32);
        let mut at = self.tubes[number as usize].head;
        while at != NONE {
            let m = at as usize;
            at = self.next[m];
            self.flags[m] &= !flag::LATE;
            if self.flags[m] & flag::WITHDRAWN != 0 {
                continue;
            }
            let added = self.added[m];
            let is_late = (sealed != 0 && added > sealed)
                || (!is_early && first != 0 && added > first)
                || (!is_early && first != 0 && self.collected[m] > first.saturating_add(tolerance));
            if is_late && self.flags[m] & flag::LATE_CLOSED == 0 {
                self.flags[m] |= flag::LATE;
                late += 1;
            } else {
                on_time += 1;
                let collected = self.collected[m];
                if collected != 0 {
                    oldest = if oldest == 0 { collected } else { oldest.min(collected) };
                    newest = newest.max(collected);
                }
            }
        }
        let tube = &mut self.tubes[number as usize];
        tube.is_early = is_early;
        tube.on_time = on_time;
        tube.late = late;
        tube.collected_first = oldest;
        tube.collected_last = newest;
    }

    /// Counts of a tube that others were mixed into: the sum over those tubes, measured before.
    pub(crate) fn measure_parent(&mut self, number: u32) {
        let Some(children) = self.children.get(&number) else { return };
        let (mut on_time, mut oldest, mut newest) = (0, 0_u32, 0);
        for &child in children {
            let child = &self.tubes[child as usize];
            on_time += child.on_time;
            oldest = super::world::earlier(oldest, child.collected_first);
            newest = newest.max(child.collected_last);
        }
        let tolerance = self.policy.clock_tolerance;
        let tube = &mut self.tubes[number as usize];
        tube.on_time += on_time;
        tube.collected_first = super::world::earlier(tube.collected_first, oldest);
        tube.collected_last = tube.collected_last.max(newest);
        let before = |t: u32| t != 0 && newest > t.saturating_add(tolerance);
        tube.is_early |= before(tube.recorded) || before(tube.received);
    }
}

impl Tube {
    /// Whether it is the test of one person alone. Anybody in doubt makes it a pool: nobody is
    /// called positive by a tube that may hold a second swab.
    pub fn is_single(&self) -> bool {
        self.on_time + self.late == 1
            && (self.counted == NOT_COUNTED || self.counted == 1)
            && self.given & given::PARENT == 0
    }

    /// People in the tube: what the laboratory counted, else who was registered in time.
    pub fn size(&self) -> u32 {
        if self.counted == NOT_COUNTED || self.given & given::PARENT != 0 {
            self.on_time
        } else {
            self.on_time.max(u32::from(self.counted))
        }
    }

    /// People for F3. A count above the list is a question (F4) first; once somebody answered it,
    /// or where a stranger's swab is no obstacle, it is the size.
    pub(crate) fn accepted_size(&self, policy: &Policy) -> u32 {
        let is_question = u32::from(self.counted) != self.on_time + self.late
            && self.closed & Code::Count.bit() == 0
            && !policy.stranger_clears;
        if is_question { self.on_time } else { self.size() }
    }

    /// The current result says positive where an older version said negative.
    pub fn is_turned_positive(&self) -> bool {
        self.outcome == Outcome::Positive && self.negative_key < self.key
    }

    /// Whether this tube says positive: positive, or inconclusive for the second time.
    pub fn is_positive(&self) -> bool {
        match self.outcome {
            Outcome::Positive => true,
            Outcome::Inconclusive => self.key >> 16 >= 2,
            _ => false,
        }
    }

    /// Finds what is wrong with the tube by itself and decides what it says about its members.
    ///
    /// `above` is the verdict of the tube it was mixed into, if there is one.
    pub(crate) fn judge(&mut self, policy: &Policy, above: Option<(State, Reason)>) {
        self.found = self.own_findings(policy);
        let open = self.found & !self.closed;
        let (state, reason) = self.verdict(policy, open, above);
        self.base = state;
        self.reason = reason;
    }

    fn own_findings(&self, policy: &Policy) -> u16 {
        let mut found = 0;
        let size = self.accepted_size(policy);
        if self.given & given::PARENT == 0 {
            let planned = (self.planned != 0).then_some(u32::from(self.planned));
            let is_over = |limit: Option<u32>| limit.is_some_and(|limit| size > limit);
            if is_over(planned) || is_over(policy.max_size) {
                found |= Code::OverSize.bit();
            }
            let counted = u32::from(self.counted);
            if self.counted != NOT_COUNTED
                && counted != self.on_time
                && counted != self.on_time + self.late
            {
                found |= Code::Count.bit();
            }
            if self.collected_last - self.collected_first > policy.reuse_seconds {
                found |= Code::ReusedLabel.bit();
            }
        }
        if self.given & given::REUSED != 0 {
            found |= Code::ReusedLabel.bit();
        }
        if self.is_conflict || self.given & given::CLASH != 0 {
            found |= Code::Conflict.bit();
        }
        if self.is_early {
            found |= Code::Early.bit();
        }
        if self.is_weak(policy) {
            found |= Code::Ct.bit();
        }
        found
    }

    /// F12, first half: a pool so weak that it should be tested again.
    pub(crate) fn is_weak(&self, policy: &Policy) -> bool {
        self.outcome == Outcome::Positive && self.ct > policy.weak_ct && !self.is_single()
    }

    /// Whether a finding of this tube blocks its release.
    pub fn blocks(&self, policy: &Policy, code: Code) -> bool {
        if self.closed & code.bit() != 0 {
            return false;
        }
        match code {
            Code::OverSize => {
                let planned = (self.planned != 0).then_some(u32::from(self.planned));
                policy.allowed_size(planned).is_some_and(|limit| self.accepted_size(policy) > limit)
            }
            _ => code.can_block(),
        }
    }

    fn verdict(
        &self,
        policy: &Policy,
        open: u16,
        above: Option<(State, Reason)>,
    ) -> (State, Reason) {
        let has = |code: Code| open & code.bit() != 0;
        if has(Code::ReusedLabel) {
            return (State::Hold, Reason::ReusedLabel);
        }
        if has(Code::Conflict) {
            return (State::Hold, Reason::Conflict);
        }
        if self.outcome == Outcome::Missing {
            if self.given & given::LOST != 0 {
                return (State::RetestDue, Reason::Lost);
            }
            if self.given & given::REJECTED != 0 {
                return (State::RetestDue, Reason::Rejected);
            }
            if above.is_none() {
                return (State::Waiting, Reason::Plain);
            }
        }
        if has(Code::Early) {
            return (State::Hold, Reason::Early);
        }
        if self.outcome == Outcome::Missing {
            return match above {
                Some((State::NegByPool | State::NegSingle, _)) => self.cleared(policy, open, true),
                Some((State::SuspectPool | State::PosConfirmed, _)) => {
                    (State::SuspectPool, Reason::Suspect)
                }
                Some((State::RetestDue, _)) => (State::Waiting, Reason::RepeatTube),
                Some((State::Hold, reason)) => (State::Hold, reason),
                Some((_, reason)) => (State::Waiting, reason),
                None => (State::Waiting, Reason::Plain),
            };
        }
        let is_single = self.is_single();
        match self.outcome {
            Outcome::Negative => self.cleared(policy, open, !is_single),
            Outcome::Positive if is_single => (State::PosConfirmed, Reason::Plain),
            Outcome::Inconclusive | Outcome::Invalid if is_single => {
                (State::RetestDue, Reason::SingleInvalid)
            }
            Outcome::Inconclusive if !self.is_positive() => {
                if self.given & given::USED_UP == 0 {
                    (State::Waiting, Reason::RepeatTube)
                } else {
                    (State::RetestDue, Reason::Resample)
                }
            }
            Outcome::Invalid => (State::RetestDue, Reason::Resample),
            Outcome::Rejected => (State::RetestDue, Reason::Rejected),
            _ => (State::SuspectPool, Reason::Suspect),
        }
    }

    /// Negative, unless the number of people in the tube is in doubt.
    fn cleared(&self, policy: &Policy, open: u16, is_pool: bool) -> (State, Reason) {
        if open & Code::OverSize.bit() != 0 && self.blocks(policy, Code::OverSize) {
            return (State::Hold, Reason::OverSize);
        }
        if open & Code::Count.bit() != 0 {
            let has_stranger = u32::from(self.counted) > self.on_time;
            if !(has_stranger && policy.stranger_clears) {
                return (State::Hold, Reason::Count);
            }
        }
        if is_pool { (State::NegByPool, Reason::Plain) } else { (State::NegSingle, Reason::Plain) }
    }
}
