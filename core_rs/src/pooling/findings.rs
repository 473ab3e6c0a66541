//! The list of contradictions, worked out from the world as it stands after a run.

use super::intern::Interner;
use super::numbers::binomial_tail;
use super::person::{Piece, find_two};
use super::suggest::similar_codes;
use super::words::{Code, Outcome, State};
use super::world::{NONE, NOT_COUNTED, Tube, World, flag, given};

/// One contradiction; numbers are [`NONE`] where the finding has no such part.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Which.
    pub code: Code,
    /// It holds back a person or the tube until somebody closes it.
    pub is_blocking: bool,
    /// The tube.
    pub tube: u32,
    /// The person.
    pub person: u32,
    /// The membership.
    pub member: u32,
    /// What exactly, for a person to read; codes, counts and times, no names.
    pub detail: String,
}

/// Groups of tubes for F14: a kind ("team", "laboratory", "rack"), the names, one name a tube.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    /// Kind of group.
    pub kind: &'static str,
    /// Names by number.
    pub names: Interner,
    /// Number of the group of each tube, [`NONE`] without.
    pub of_tube: Vec<u32>,
}

/// One person to be tested again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retest {
    /// The membership that asks for it.
    pub member: u32,
    /// The result turned from negative to positive.
    pub is_urgent: bool,
    /// The person must be sampled again.
    pub needs_new_sample: bool,
}

impl World {
    /// All findings. `tubes` holds the tube codes; `as_of` (seconds) is the time F8 counts to.
    pub fn findings(&self, tubes: &Interner, groups: &[Groups], as_of: u32) -> Vec<Finding> {
        let mut all = Vec::new();
        for number in 0..self.tubes.len() as u32 {
            self.findings_of_tube(number, tubes, as_of, &mut all);
        }
        self.findings_of_members(&mut all);
        self.findings_of_people(tubes, &mut all);
        for group in groups {
            self.find_shares(group, &mut all);
        }
        all.sort_by(|a, b| {
            let text = |f: &Finding| if f.tube == NONE { "" } else { tubes.text(f.tube) };
            a.code.cmp(&b.code).then_with(|| text(a).cmp(text(b))).then(a.member.cmp(&b.member))
        });
        all
    }

    /// Findings of one tube and its members (F2, F14 and F15 need more than one tube).
    pub fn findings_of_tube(
        &self,
        number: u32,
        tubes: &Interner,
        as_of: u32,
        all: &mut Vec<Finding>,
    ) {
        let tube = &self.tubes[number as usize];
        let mut push = |code: Code, is_blocking: bool, detail: String| {
            let (person, member) = (NONE, NONE);
            all.push(Finding { code, is_blocking, tube: number, person, member, detail });
        };
        let is_known = tube.head != NONE || tube.given & (given::LISTED | given::PARENT) != 0;
        if !is_known {
            if tube.key != 0 && tube.oldest_key != NONE {
                let is_tube = |n: u32| {
                    self.tubes.get(n as usize).is_some_and(|t| {
                        t.head != NONE || t.given & (given::LISTED | given::PARENT) != 0
                    })
                };
                let offered = similar_codes(tubes.text(number), tubes, is_tube, 5);
                push(Code::UnknownTube, true, format!("similar: {}", offered.join(" ")));
            }
            return;
        }
        if let Some(detail) = self.overdue(tube, as_of) {
            push(Code::Overdue, false, detail);
        }
        if tube.found == 0 {
            return;
        }
        for &code in Code::ALL {
            if tube.found & code.bit() != 0 {
                push(code, tube.blocks(&self.policy, code), self.tube_detail(tube, code));
            }
        }
    }

    fn overdue(&self, tube: &Tube, as_of: u32) -> Option<String> {
        if tube.outcome != Outcome::Missing || tube.given & (given::LOST | given::REJECTED) != 0 {
            return None;
        }
        let is_after = |since: u32, limit: u32| since != 0 && as_of > since.saturating_add(limit);
        let hours = |since: u32| (as_of - since) / 3600;
        if tube.received == 0 && is_after(tube.sent, self.policy.receipt_seconds) {
            return Some(format!("sent {} hours ago, not received", hours(tube.sent)));
        }
        let since = self.waits_since(tube)?;
        is_after(since, self.policy.result_seconds)
            .then(|| format!("received {} hours ago, no result", hours(since)))
    }

    /// Since when a tube without a result waits for a test of its own; none if it does not. A tube
    /// mixed into another is tested as a part of that, and by itself only if that was not negative.
    fn waits_since(&self, tube: &Tube) -> Option<u32> {
        let Some(mix) = self.tubes.get(tube.parent as usize) else { return Some(tube.received) };
        match mix.outcome {
            Outcome::Negative => None,
            Outcome::Missing if mix.received != 0 => None, // the mix is chased
            Outcome::Missing => Some(tube.received),
            _ => Some(tube.received.max(mix.recorded)),
        }
    }

    fn tube_detail(&self, tube: &Tube, code: Code) -> String {
        match code {
            Code::OverSize => {
                let size = tube.accepted_size(&self.policy);
                format!("{size} in a tube for {}", self.limit(tube))
            }
            Code::Count => {
                debug_assert!(tube.counted != NOT_COUNTED);
                let kind = if u32::from(tube.counted) > tube.on_time {
                    "a stranger's swab is in the tube"
                } else {
                    "a member's swab is missing"
                };
                format!("{} registered, {} counted: {kind}", tube.on_time, tube.counted)
            }
            Code::Early => {
                let seconds = tube.collected_last.saturating_sub(tube.recorded);
                format!("{:.1} hours before the last collection", f64::from(seconds) / 3600.0)
            }
            Code::Conflict => "two outcomes of the same version".to_owned(),
            Code::ReusedLabel if tube.given & given::REUSED != 0 => {
                "registered twice with different contents".to_owned()
            }
            Code::ReusedLabel => {
                let days = (tube.collected_last - tube.collected_first) / 86_400;
                format!("members collected {days} days apart")
            }
            Code::Ct if tube.is_weak(&self.policy) => format!("weak pool, Ct {:.1}", tube.ct),
            Code::Ct => format!("pool Ct {:.1}, every single test is weaker", tube.ct),
            Code::Unexplained => format!("{} members, all negative", tube.on_time),
            _ => String::new(),
        }
    }

    fn limit(&self, tube: &Tube) -> u32 {
        match (self.policy.max_size, u32::from(tube.planned)) {
            (None, planned) => planned,
            (Some(limit), 0) => limit,
            (Some(limit), planned) => limit.min(planned),
        }
    }

    fn findings_of_members(&self, all: &mut Vec<Finding>) {
        for (m, &flags) in self.flags.iter().enumerate() {
            if flags & (flag::LATE | flag::NOT_FOR_POOL) == 0 || flags & flag::WITHDRAWN != 0 {
                continue;
            }
            let number = self.tube[m];
            let tube = &self.tubes[number as usize];
            let mut push = |code: Code, detail: &str| {
                all.push(Finding {
                    code,
                    is_blocking: true,
                    tube: number,
                    person: self.person[m],
                    member: m as u32,
                    detail: detail.to_owned(),
                });
            };
            if flags & flag::LATE != 0 {
                let is_sealed = tube.sealed != 0 && self.added[m] > tube.sealed;
                push(Code::Late, if is_sealed { "after sealing" } else { "after the result" });
            }
            if flags & flag::NOT_FOR_POOL != 0 && !tube.is_single() {
                push(Code::NotForPool, "");
            }
        }
    }

    fn findings_of_people(&self, tubes: &Interner, all: &mut Vec<Finding>) {
        let mut pieces: Vec<Piece> = Vec::new();
        for &person in self.many.keys() {
            self.pieces(person, &mut pieces);
            let mut start = 0;
            while start < pieces.len() {
                let end = self.episode_end(&pieces, start);
                if let Some(two) = find_two(&self.policy, &pieces[start..end], tubes) {
                    let member = self.find_membership(person, two.tubes.0).unwrap_or(NONE);
                    let state = State::of(self.state[member as usize]);
                    let is_settled = matches!(state, State::NegSingle | State::PosConfirmed);
                    let is_closed = self.flags[member as usize] & flag::TWO_CLOSED != 0;
                    let (a, b) = (tubes.text(two.tubes.0), tubes.text(two.tubes.1));
                    all.push(Finding {
                        code: Code::TwoTubes,
                        is_blocking: two.is_contradiction && !is_settled && !is_closed,
                        tube: two.tubes.0,
                        person,
                        member,
                        detail: format!("{a} {b}"),
                    });
                }
                start = end;
            }
        }
        for (person, &head) in self.head.iter().enumerate() {
            if head == NONE {
                all.push(Finding {
                    code: Code::NoTube,
                    is_blocking: false,
                    tube: NONE,
                    person: person as u32,
                    member: NONE,
                    detail: String::new(),
                });
            }
        }
        for (&person, &other) in &self.identities {
            let member = self.head[person as usize];
            all.push(Finding {
                code: Code::Identity,
                is_blocking: true,
                tube: NONE,
                person,
                member,
                detail: if person == other {
                    "two identities".to_owned()
                } else {
                    "shares the identity of another person".to_owned()
                },
            });
        }
    }

    /// F14: the share of positive tubes of a group, against what tubes of the same sizes show
    /// over the whole campaign (exact binomial tail with the mean expected share: by Hoeffding
    /// 1956 that tail is not smaller than the one of unequal shares, so an alarm is not invented).
    fn find_shares(&self, groups: &Groups, all: &mut Vec<Finding>) {
        let mut by_size = std::collections::BTreeMap::<u32, (f64, f64)>::new();
        let mut counted = Vec::new();
        for (number, tube) in self.tubes.iter().enumerate() {
            let is_retest = tube.is_single()
                && tube.head != NONE
                && self.flags[tube.head as usize] & flag::MANY != 0;
            let is_result = tube.is_positive() || tube.outcome == Outcome::Negative;
            if is_retest || !is_result || tube.on_time == 0 {
                continue;
            }
            counted.push(number);
            let entry = by_size.entry(tube.size()).or_default();
            entry.0 += f64::from(u8::from(tube.is_positive()));
            entry.1 += 1.0;
        }
        let mut sums = vec![(0_u32, 0_u32, 0.0_f64); groups.names.len()];
        for number in counted {
            let tube = &self.tubes[number];
            if let Some(sum) = groups.of_tube.get(number).and_then(|g| sums.get_mut(*g as usize)) {
                let (positive, tested) = by_size[&tube.size()];
                sum.0 += u32::from(tube.is_positive());
                sum.1 += 1;
                sum.2 += positive / tested;
            }
        }
        for (group, &(positive, tested, expected)) in sums.iter().enumerate() {
            if positive < 3 {
                continue;
            }
            let share = expected / f64::from(tested);
            let tail = binomial_tail(positive, tested, share);
            if tail < self.policy.alarm_probability {
                all.push(Finding {
                    code: Code::Share,
                    is_blocking: false,
                    tube: NONE,
                    person: NONE,
                    member: NONE,
                    detail: format!(
                        "{} {}: {positive} of {tested} tubes positive, {expected:.1} expected \
                         (chance {tail:.1e})",
                        groups.kind,
                        groups.names.text(group as u32),
                    ),
                });
            }
        }
    }

    /// Who has to be tested again, one row a person, in the order of registration.
    pub fn retests(&self) -> Vec<Retest> {
        let mut all = Vec::new();
        for m in 0..self.person.len() {
            let state = State::of(self.state[m]);
            let is_wanted = match state {
                State::SuspectPool | State::RetestDue => true,
                State::Hold => matches!(
                    super::words::Reason::of(self.reason[m]),
                    super::words::Reason::Late
                        | super::words::Reason::TwoTubes
                        | super::words::Reason::Doubted
                        | super::words::Reason::NotForPool
                        | super::words::Reason::ReusedLabel
                ),
                _ => false,
            };
            if !is_wanted || !self.is_cause(m as u32, state) {
                continue;
            }
            all.push(Retest {
                member: m as u32,
                is_urgent: self.tubes[self.tube[m] as usize].is_turned_positive(),
                needs_new_sample: self.needs_new_sample(m as u32),
            });
        }
        all
    }

    /// Of several memberships of a person, whether this is the one that asks for the re-test.
    fn is_cause(&self, member: u32, state: State) -> bool {
        if self.flags[member as usize] & flag::MANY == 0 {
            return true;
        }
        let weight = |m: u32| {
            let base = self.member_base(m).0;
            match base {
                _ if State::of(self.state[m as usize]) != state => 9,
                State::SuspectPool => 0,
                _ if base == state => 1,
                _ => 2,
            }
        };
        let person = self.person[member as usize];
        let best = self.memberships(person).iter().copied().min_by_key(|&m| (weight(m), m));
        best == Some(member)
    }
}
