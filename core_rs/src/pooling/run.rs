//! The whole campaign at once, or only what new facts touch; both give the same states.

use super::person::Piece;
use super::tube::careful_after;
use super::words::{Code, Reason, State};
use super::world::{NONE, Tube, World, flag, given};

/// Set in a tally when the tube must be walked member by member.
const ODD: u32 = 1 << 31;

/// What the first pass needs of a tube, small enough to stay near.
#[derive(Clone, Copy)]
struct Tally {
    careful: u32,
    members: u32,
    first: u32,
    last: u32,
}

/// A membership whose state changed, and what it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The membership.
    pub member: u32,
    /// State before, as a number of [`State`].
    pub state: u8,
    /// Reason before, as a number of [`Reason`].
    pub reason: u8,
}

/// Members that need more than their tube's verdict.
const SLOW: u8 = flag::WITHDRAWN | flag::LATE | flag::NOT_FOR_POOL | flag::MANY | flag::IDENTITY;

impl World {
    /// Computes every tube and every person anew.
    pub fn run(&mut self) {
        self.measure_all();
        let parents: Vec<u32> = self.children.keys().copied().collect();
        for &parent in &parents {
            self.measure_parent(parent);
        }
        for number in 0..self.tubes.len() as u32 {
            if self.tubes[number as usize].parent == NONE {
                self.judge_tree(number, None, 0);
            }
        }
        self.cross_check_all(&parents);
        self.settle_all();
    }

    /// Computes anew what depends on these tubes (they changed, or their members or results did)
    /// and gives the memberships whose state or reason is another now, with what it was.
    ///
    /// Where much changed, the whole campaign is the shorter way.
    pub fn apply(&mut self, changed: &[u32]) -> Vec<Change> {
        if changed.len() * 8 > self.tubes.len() {
            let (state, reason) = (self.state.clone(), self.reason.clone());
            self.run();
            let old = state.into_iter().zip(reason);
            return self.changes((0..self.person.len() as u32).zip(old));
        }
        let touched = self.judge_near(changed);
        let mut old = Vec::new();
        let mut many = Vec::new();
        for &tube in &touched {
            for member in self.members_of(tube) {
                if self.flags[member as usize] & flag::MANY == 0 {
                    old.push((member, self.shown(member)));
                } else {
                    many.extend_from_slice(self.memberships(self.person[member as usize]));
                }
            }
        }
        many.sort_unstable();
        many.dedup();
        old.extend(many.iter().map(|&member| (member, self.shown(member))));
        self.settle_members_of(&touched);
        self.changes(old.into_iter())
    }

    fn shown(&self, member: u32) -> (u8, u8) {
        (self.state[member as usize], self.reason[member as usize])
    }

    fn changes(&self, old: impl Iterator<Item = (u32, (u8, u8))>) -> Vec<Change> {
        old.filter(|&(m, was)| was != (self.state[m as usize], self.reason[m as usize]))
            .map(|(member, (state, reason))| Change { member, state, reason })
            .collect()
    }

    /// Brings tubes and their members near, all at once: each lies somewhere else, and walks to
    /// memory that do not wait for each other cost a fraction (as [`super::intern::Interner`]
    /// does for codes). The members of a tube mostly lie side by side.
    fn touch(&self, tubes: &[u32]) {
        const NEAR: usize = 64;
        for part in tubes.chunks(NEAR) {
            let mut ends = [(NONE, 0); NEAR];
            for (end, &tube) in ends.iter_mut().zip(part) {
                let tube = &self.tubes[tube as usize];
                // The oldest member of those that came together; anywhere else does no harm.
                *end = (tube.head, tube.head.saturating_sub(tube.on_time.saturating_sub(1)));
            }
            let mut sum = 0;
            for &(head, tail) in ends.iter().filter(|(head, _)| *head != NONE) {
                for m in [head as usize, tail as usize] {
                    sum ^= self.next[m] ^ self.added[m] ^ self.collected[m] ^ self.person[m];
                    sum ^= u32::from(self.flags[m] ^ self.state[m] ^ self.reason[m]);
                }
            }
            std::hint::black_box(sum);
        }
    }

    /// Brings tubes near before their results are taken in.
    pub(crate) fn touch_tubes(&self, tubes: &[u32]) {
        let keys = tubes.iter().filter_map(|&tube| self.tubes.get(tube as usize));
        std::hint::black_box(keys.fold(0, |sum, tube| sum ^ tube.key ^ tube.head));
    }

    /// Judges what depends on the tubes; gives the tubes whose members must be settled.
    fn judge_near(&mut self, changed: &[u32]) -> Vec<u32> {
        self.touch(changed);
        let mut roots = Vec::new();
        for &tube in changed {
            self.measure_tube(tube);
            let parent = self.tubes[tube as usize].parent;
            roots.push(if parent == NONE { tube } else { parent });
        }
        roots.sort_unstable();
        roots.dedup();
        let mut touched = Vec::new();
        for &root in &roots {
            touched.push(root);
            if self.tubes[root as usize].given & given::PARENT != 0
                && let Some(children) = self.children.get(&root)
            {
                touched.extend(children.iter().filter(|&&c| self.tubes[c as usize].parent == root));
                self.measure_tube(root);
                self.measure_parent(root);
            }
            self.judge_tree(root, None, 0);
        }
        // F10 to F12 need somebody with several tubes, or tubes mixed into tubes.
        let mut near = Vec::new();
        for &tube in &touched {
            let is_mixed = self.tubes[tube as usize].given & given::PARENT != 0
                || self.tubes[tube as usize].parent != NONE;
            let before = near.len();
            for member in self.members_of(tube) {
                if self.flags[member as usize] & flag::MANY == 0 {
                    continue;
                }
                for &other in self.memberships(self.person[member as usize]) {
                    let other = self.tube[other as usize];
                    near.push(other);
                    near.push(self.tubes[other as usize].parent);
                }
            }
            if is_mixed || near.len() > before {
                near.push(tube);
            }
        }
        near.sort_unstable();
        near.dedup();
        near.retain(|&tube| tube != NONE);
        for tube in near {
            if self.cross_check(tube) {
                touched.push(tube);
            }
        }
        // Members of a tube mixed into a doubted one follow it.
        for at in 0..touched.len() {
            if self.tubes[touched[at] as usize].given & given::PARENT != 0
                && let Some(children) = self.children.get(&touched[at])
            {
                touched.extend_from_slice(children);
            }
        }
        touched.sort_unstable();
        touched.dedup();
        touched
    }

    fn measure_all(&mut self) {
        let mut tallies: Vec<Tally> = self
            .tubes
            .iter()
            .map(|t| Tally { careful: careful_after(t), members: 0, first: NONE, last: 0 })
            .collect();
        let mut odd = Vec::new();
        let rows = self.tube.iter().zip(&self.added).zip(&self.collected).zip(&self.flags);
        for (((&tube, &added), &collected), &flags) in rows {
            let tally = &mut tallies[tube as usize];
            let is_odd = added > tally.careful
                || collected > tally.careful
                || flags & (flag::WITHDRAWN | flag::LATE) != 0;
            if is_odd && tally.members & ODD == 0 {
                tally.members |= ODD;
                odd.push(tube);
            }
            tally.members += 1;
            // An unknown time (0) wraps round to the largest and so never is the earliest.
            tally.first = tally.first.min(collected.wrapping_sub(1));
            tally.last = tally.last.max(collected);
        }
        for (tube, tally) in self.tubes.iter_mut().zip(&tallies) {
            tube.on_time = tally.members & !ODD;
            tube.late = 0;
            tube.is_early = false;
            tube.collected_first = tally.first.wrapping_add(1);
            tube.collected_last = tally.last;
        }
        for tube in odd {
            self.measure_tube(tube);
        }
    }

    /// Judges a tube, then the tubes that were mixed into it.
    pub(crate) fn judge_tree(&mut self, number: u32, above: Option<(State, Reason)>, depth: u32) {
        let tube = &mut self.tubes[number as usize];
        tube.judge(&self.policy, above);
        tube.is_doubted = false;
        tube.sole = NONE;
        let verdict = (tube.base, tube.reason);
        if depth > 3 || self.tubes[number as usize].given & given::PARENT == 0 {
            return;
        }
        for child in self.children.get(&number).cloned().unwrap_or_default() {
            if self.tubes[child as usize].parent == number {
                self.judge_tree(child, Some(verdict), depth + 1);
            }
        }
    }

    fn settle_all(&mut self) {
        let verdicts: Vec<(u8, u8)> = (0..self.tubes.len() as u32)
            .map(|number| self.tube_base(number))
            .map(|(state, reason)| (state as u8, reason as u8))
            .collect();
        let mut slow = Vec::new();
        let rows = self.tube.iter().zip(&self.flags);
        let out = self.state.iter_mut().zip(&mut self.reason);
        for (member, ((&tube, &flags), (state, reason))) in rows.zip(out).enumerate() {
            (*state, *reason) = verdicts[tube as usize];
            if flags & SLOW != 0 {
                slow.push(member as u32);
            }
        }
        let mut pieces = Vec::new();
        for member in slow {
            self.settle_member(member, &mut pieces, true);
        }
    }

    /// Settles one member; of a person with several memberships only at the first, if `is_sweep`.
    pub(crate) fn settle_member(&mut self, member: u32, pieces: &mut Vec<Piece>, is_sweep: bool) {
        let m = member as usize;
        if self.flags[m] & flag::MANY == 0 {
            let (state, reason) = self.lone_state(member);
            self.state[m] = state as u8;
            self.reason[m] = reason as u8;
        } else if !is_sweep || self.head[self.person[m] as usize] == member {
            self.settle_person(self.person[m], pieces);
        }
    }

    fn settle_members_of(&mut self, tubes: &[u32]) {
        let mut pieces = Vec::new();
        for &tube in tubes {
            let mut at = self.tubes[tube as usize].head;
            while at != NONE {
                self.settle_member(at, &mut pieces, false);
                at = self.next[at as usize];
            }
        }
    }

    /// F10, F11 and F12 over all tubes that share a person with another tube.
    fn cross_check_all(&mut self, parents: &[u32]) {
        let mut is_shared = vec![false; self.tubes.len()];
        for &parent in parents {
            is_shared[parent as usize] = true;
        }
        for &member in self.many.values().flatten() {
            is_shared[self.tube[member as usize] as usize] = true;
        }
        for (number, is_shared) in is_shared.into_iter().enumerate() {
            if is_shared {
                self.cross_check(number as u32);
            }
        }
    }

    /// F10, F11 and F12 of one tube by walking its members and their other tubes; says whether
    /// the members must be settled again.
    pub(crate) fn cross_check(&mut self, number: u32) -> bool {
        const CROSS: u16 = Code::Unexplained.bit() | Code::Missed.bit() | Code::Ct.bit();
        let shown =
            |tube: &Tube| (tube.is_doubted, tube.sole, tube.found & Code::Unexplained.bit());
        let tube = &self.tubes[number as usize];
        let before = shown(tube);
        let is_positive_pool = tube.base == State::SuspectPool && !tube.is_single();
        let is_negative_pool = tube.base == State::NegByPool;
        let mut found = 0;
        if tube.is_weak(&self.policy) || (is_positive_pool && self.is_gap(number)) {
            found |= Code::Ct.bit();
        }
        if is_positive_pool && self.is_unexplained(number) {
            found |= Code::Unexplained.bit();
        }
        if is_negative_pool && self.has_missed(number) {
            found |= Code::Missed.bit();
        }
        let sole =
            if is_positive_pool && self.policy.overlapping { self.sole(number) } else { NONE };
        let tube = &mut self.tubes[number as usize];
        tube.sole = sole;
        tube.found = tube.found & !CROSS | found;
        tube.is_doubted = found & !tube.closed & Code::Missed.bit() != 0;
        before != shown(tube)
    }

    /// Everybody in the tube, those of tubes mixed into it included.
    fn everybody(&self, number: u32) -> Vec<u32> {
        let mut all: Vec<u32> = self.members_of(number).collect();
        for child in self.children.get(&number).map_or(&[][..], Vec::as_slice) {
            if self.tubes[*child as usize].parent == number {
                all.extend(self.members_of(*child));
            }
        }
        all.retain(|&m| self.flags[m as usize] & flag::WITHDRAWN == 0);
        all
    }

    /// F10: every member was negative by a finer test (in overlapping designs: by another pool).
    fn is_unexplained(&self, number: u32) -> bool {
        let tube = &self.tubes[number as usize];
        if tube.size() > tube.on_time {
            return false;
        }
        let all = self.everybody(number);
        !all.is_empty() && all.iter().all(|&m| self.is_cleared_elsewhere(m, number))
    }

    /// DD: the only member of a positive pool whom no other pool clears, if nobody else can be in it.
    fn sole(&self, number: u32) -> u32 {
        let tube = &self.tubes[number as usize];
        let all = self.everybody(number).into_iter();
        let mut left = all.filter(|&m| !self.is_cleared_elsewhere(m, number));
        match (left.next(), left.next()) {
            (Some(only), None) if tube.size() <= tube.on_time && tube.late == 0 => {
                self.person[only as usize]
            }
            _ => NONE,
        }
    }

    /// Negative by a tube other than `number`, so that `number` has nothing left to explain it.
    fn is_cleared_elsewhere(&self, member: u32, number: u32) -> bool {
        let person = self.person[member as usize];
        let at = self.collected[member as usize];
        self.memberships(person).iter().any(|&other| {
            let m = other as usize;
            if self.flags[m] & (flag::WITHDRAWN | flag::LATE) != 0 || self.tube[m] == number {
                return false;
            }
            let tube = &self.tubes[self.tube[m] as usize];
            let is_near = self.collected[m].abs_diff(at) <= self.policy.episode_seconds
                || self.collected[m] == 0
                || at == 0;
            let is_finer = (tube.base == State::NegSingle && self.is_retest(other, member))
                || ((self.policy.overlapping || tube.parent == number)
                    && tube.base == State::NegByPool);
            is_near && is_finer
        }) || (self.tube[member as usize] != number
            && matches!(
                self.tubes[self.tube[member as usize] as usize].base,
                State::NegSingle | State::NegByPool
            ))
    }

    /// F11: a member on time is positive by a single test of the same day.
    fn has_missed(&self, number: u32) -> bool {
        self.everybody(number).into_iter().any(|member| {
            let m = member as usize;
            if self.tube[m] != number {
                let child = &self.tubes[self.tube[m] as usize];
                return matches!(child.base, State::SuspectPool | State::PosConfirmed);
            }
            self.flags[m] & flag::MANY != 0
                && self.flags[m] & flag::LATE == 0
                && self.memberships(self.person[m]).iter().any(|&other| {
                    let o = other as usize;
                    let tube = &self.tubes[self.tube[o] as usize];
                    self.flags[o] & (flag::WITHDRAWN | flag::LATE) == 0
                        && tube.base == State::PosConfirmed
                        && self.collected[o] != 0
                        && self.collected[m] != 0
                        && self.collected[o].abs_diff(self.collected[m])
                            < self.policy.same_day_seconds
                })
        })
    }

    /// F12: the best single Ct among the members is weaker than the pool by more than the gap.
    fn is_gap(&self, number: u32) -> bool {
        let pool = self.tubes[number as usize].ct;
        let mut best = f32::INFINITY;
        for member in self.everybody(number) {
            for &other in self.memberships(self.person[member as usize]) {
                let o = other as usize;
                let tube = &self.tubes[self.tube[o] as usize];
                if self.tube[o] != number
                    && tube.base == State::PosConfirmed
                    && self.flags[o] & (flag::WITHDRAWN | flag::LATE) == 0
                    && self.collected[o].abs_diff(self.collected[member as usize])
                        <= self.policy.episode_seconds
                {
                    best = best.min(tube.ct);
                }
            }
        }
        best.is_finite() && best > pool + self.policy.ct_gap
    }
}
