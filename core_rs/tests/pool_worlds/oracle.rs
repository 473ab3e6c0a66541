//! The oracle: lists, loops and the text of the rules.

use super::*;

#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) hour: u32,
    pub(super) is_withdrawn: bool,
}

pub(super) struct Oracle {
    pub(super) members: BTreeMap<Key, Member>,
    pub(super) tubes: BTreeMap<usize, (Option<u16>, Option<u32>)>,
    pub(super) results: Vec<(usize, u16, Outcome)>,
}

impl Oracle {
    pub(super) fn new(events: &[Event]) -> Self {
        let mut oracle =
            Self { members: BTreeMap::new(), tubes: BTreeMap::new(), results: Vec::new() };
        for event in events {
            match *event {
                Event::Add { person, tube, hour, is_withdrawn } => {
                    let new = Member { hour, is_withdrawn };
                    let kept = oracle.members.entry((person, tube)).or_insert(new);
                    kept.hour = kept.hour.min(hour);
                    kept.is_withdrawn |= is_withdrawn;
                }
                Event::Result { tube, version, outcome } => {
                    oracle.results.push((tube, version, outcome));
                }
                Event::Tube { tube, counted, sealed_hour } => {
                    oracle.tubes.insert(tube, (counted, sealed_hour));
                }
            }
        }
        oracle
    }

    pub(super) fn of_tube(&self, tube: usize) -> Vec<(usize, Member)> {
        let all = self.members.iter().filter(|((_, t), m)| *t == tube && !m.is_withdrawn);
        all.map(|((person, _), member)| (*person, *member)).collect()
    }

    pub(super) fn first_result_hour(&self, tube: usize) -> Option<u32> {
        self.results.iter().filter(|r| r.0 == tube).map(|r| u32::from(r.1) * 10).min()
    }

    /// The outcomes of the newest version; more than one different is a conflict.
    pub(super) fn current(&self, tube: usize) -> Vec<Outcome> {
        let of_tube = || self.results.iter().filter(|r| r.0 == tube);
        let newest = of_tube().map(|r| r.1).max();
        let mut all: Vec<_> = of_tube().filter(|r| Some(r.1) == newest).map(|r| r.2).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    pub(super) fn current_hour(&self, tube: usize) -> Option<u32> {
        self.results.iter().filter(|r| r.0 == tube).map(|r| u32::from(r.1) * 10).max()
    }

    pub(super) fn sealed(&self, tube: usize) -> Option<u32> {
        self.tubes.get(&tube).and_then(|t| t.1)
    }

    pub(super) fn is_after_seal(&self, tube: usize, member: Member) -> bool {
        self.sealed(tube).is_some_and(|sealed| member.hour > sealed)
    }

    /// F7: everybody in time for sealing was collected after the result, or somebody was although
    /// the sealing says that it was in time.
    pub(super) fn is_early(&self, tube: usize) -> bool {
        let Some(result) = self.current_hour(tube) else { return false };
        let present: Vec<Member> = self
            .of_tube(tube)
            .into_iter()
            .map(|(_, m)| m)
            .filter(|m| !self.is_after_seal(tube, *m))
            .collect();
        let after = present.iter().filter(|m| m.hour > result).count();
        after > 0 && (after == present.len() || self.sealed(tube).is_some())
    }

    pub(super) fn is_late(&self, tube: usize, member: Member) -> bool {
        let is_after_result = self.first_result_hour(tube).is_some_and(|r| member.hour > r);
        self.is_after_seal(tube, member) || (is_after_result && !self.is_early(tube))
    }

    pub(super) fn is_single(&self, tube: usize) -> bool {
        let counted = self.tubes.get(&tube).and_then(|t| t.0);
        self.of_tube(tube).len() == 1 && counted.is_none_or(|n| n == 1)
    }

    /// What the tube says to a member on time, F11 left out.
    pub(super) fn tube_says(&self, tube: usize) -> Shown {
        let current = self.current(tube);
        if current.len() > 1 {
            return (State::Hold, Reason::Conflict);
        }
        let Some(&outcome) = current.first() else { return (State::Waiting, Reason::Plain) };
        if self.is_early(tube) {
            return (State::Hold, Reason::Early);
        }
        match (outcome, self.is_single(tube)) {
            (Outcome::Negative, is_single) => {
                let all = self.of_tube(tube);
                let on_time = all.iter().filter(|(_, m)| !self.is_late(tube, *m)).count();
                let counted = self.tubes.get(&tube).and_then(|t| t.0).map(usize::from);
                if counted.is_some_and(|n| n != on_time && n != all.len()) {
                    (State::Hold, Reason::Count)
                } else if is_single {
                    (State::NegSingle, Reason::Plain)
                } else {
                    (State::NegByPool, Reason::Plain)
                }
            }
            (Outcome::Positive, true) => (State::PosConfirmed, Reason::Plain),
            (Outcome::Positive, false) => (State::SuspectPool, Reason::Suspect),
            (Outcome::Inconclusive, false) => (State::Waiting, Reason::RepeatTube),
            (Outcome::Rejected, _) => (State::RetestDue, Reason::Rejected),
            (_, true) => (State::RetestDue, Reason::SingleInvalid),
            (_, false) => (State::RetestDue, Reason::Resample),
        }
    }

    /// F11: somebody on time is positive by a single test of the same day.
    pub(super) fn is_doubted(&self, tube: usize) -> bool {
        self.of_tube(tube).iter().any(|&(person, member)| {
            !self.is_late(tube, member)
                && self.members.iter().any(|(&(p, other), m)| {
                    p == person
                        && !m.is_withdrawn
                        && !self.is_late(other, *m)
                        && self.tube_says(other).0 == State::PosConfirmed
                        && m.hour.abs_diff(member.hour) < 24
                })
        })
    }

    pub(super) fn member_says(&self, tube: usize, member: Member) -> Shown {
        if self.is_late(tube, member) {
            return (State::Hold, Reason::Late);
        }
        let says = self.tube_says(tube);
        if says.0 == State::NegByPool && self.is_doubted(tube) {
            return (State::Hold, Reason::Doubted);
        }
        says
    }

    /// Test of one person taken because of the pool: sampled after its first result.
    pub(super) fn is_retest(&self, single: usize, hour: u32, pool: usize) -> bool {
        self.is_single(single) && self.first_result_hour(pool).is_some_and(|r| hour >= r)
    }

    pub(super) fn person_says(&self, person: usize) -> Shown {
        let mine: Vec<(usize, Member, Shown)> = self
            .members
            .iter()
            .filter(|((p, _), m)| *p == person && !m.is_withdrawn)
            .map(|(&(_, tube), &m)| (tube, m, self.member_says(tube, m)))
            .collect();
        if mine.is_empty() {
            return (State::Unresolved, Reason::Withdrawn);
        }
        let has = |state: State| mine.iter().any(|(_, _, s)| s.0 == state);
        if has(State::PosConfirmed) {
            return (State::PosConfirmed, Reason::Plain);
        }
        let cleared: Vec<_> = mine.iter().filter(|(_, _, s)| s.0 == State::NegSingle).collect();
        let is_answered = |pool: &(usize, Member, Shown)| {
            cleared.iter().any(|(single, m, _)| {
                self.is_retest(*single, m.hour, pool.0)
                    || (pool.2.0 != State::SuspectPool && m.hour + 24 >= pool.1.hour)
            })
        };
        let open: Vec<_> =
            mine.iter().filter(|piece| !self.is_single(piece.0) && !is_answered(piece)).collect();
        let pool_has = |state: State| open.iter().any(|(_, _, s)| s.0 == state);
        let least = |state: State| {
            open.iter().filter(|(_, _, s)| s.0 == state).map(|(_, _, s)| s.1).min().unwrap()
        };
        let by_pools = if pool_has(State::SuspectPool) {
            let suspect = open.iter().filter(|(_, _, s)| s.0 == State::SuspectPool);
            let is_contradicted = suspect.clone().any(|pool| {
                let is_positive = self.current(pool.0) == [Outcome::Positive];
                mine.iter().any(|other| {
                    matches!(other.2.0, State::NegByPool | State::NegSingle)
                        && is_positive
                        && !self.is_retest(other.0, other.1.hour, pool.0)
                        && !self.is_retest(pool.0, pool.1.hour, other.0)
                })
            });
            if is_contradicted {
                (State::Hold, Reason::TwoTubes)
            } else {
                (State::SuspectPool, Reason::Suspect)
            }
        } else if pool_has(State::Hold) {
            (State::Hold, least(State::Hold))
        } else if pool_has(State::NegByPool) {
            (State::NegByPool, Reason::Plain)
        } else if pool_has(State::RetestDue) {
            (State::RetestDue, least(State::RetestDue))
        } else if open.iter().any(|(_, _, s)| *s == (State::Waiting, Reason::RepeatTube)) {
            (State::Waiting, Reason::RepeatTube)
        } else {
            (State::Waiting, Reason::Plain)
        };
        let is_open = matches!(by_pools.0, State::SuspectPool | State::Hold | State::RetestDue);
        if !cleared.is_empty() && !is_open {
            return (State::NegSingle, Reason::Plain);
        }
        if by_pools.0 == State::Hold {
            return by_pools;
        }
        let singles: Vec<_> = mine.iter().filter(|piece| self.is_single(piece.0)).collect();
        let reasons = |state: State| {
            let mut all: Vec<_> =
                singles.iter().filter(|(_, _, s)| s.0 == state).map(|(_, _, s)| s.1).collect();
            all.sort_unstable();
            all
        };
        if cleared.is_empty()
            && let Some(&reason) = reasons(State::Hold).first()
        {
            return (State::Hold, reason);
        }
        let failed = if cleared.is_empty() { reasons(State::RetestDue) } else { Vec::new() };
        let needs = matches!(by_pools.0, State::SuspectPool | State::RetestDue);
        if !needs && failed.is_empty() {
            return by_pools;
        }
        let cause = if needs { by_pools.1 } else { failed[0] };
        if singles.iter().any(|(_, _, s)| s.0 == State::Waiting) {
            return (State::RetestRunning, cause);
        }
        match failed.len() {
            0 => by_pools,
            1 => (State::RetestDue, failed[0]),
            _ => (State::Unresolved, Reason::Attempts),
        }
    }

    pub(super) fn states(&self) -> BTreeMap<Key, Shown> {
        self.members
            .iter()
            .map(|(&key, member)| {
                let alone = self.members.keys().filter(|(p, _)| *p == key.0).count() == 1;
                if member.is_withdrawn && !alone {
                    return (key, (State::Unresolved, Reason::Withdrawn));
                }
                (key, self.person_says(key.0))
            })
            .collect()
    }
}
