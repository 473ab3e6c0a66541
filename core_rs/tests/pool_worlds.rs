//! Every small world of people, tubes and events against a slow, obvious oracle, and the promises
//! that no rule may break; random larger worlds by proptest.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

use std::collections::BTreeMap;

use core_rs::pooling::campaign::{Campaign, MemberText, ResultText, TubeText};
use core_rs::pooling::policy::Policy;
use core_rs::pooling::words::{Outcome, Reason, State};
use core_rs::pooling::world::{MemberRow, NONE, NOT_COUNTED, ResultRow, TubeRow, flag};
use proptest::prelude::*;

const HOUR: u32 = 3600;
const START: u32 = 1_770_000_000;
const PEOPLE: [&str; 5] = ["a", "b", "c", "d", "e"];
const TUBES: [&str; 4] = ["T", "U", "V", "W"];

/// Hours after the start; results are recorded at hour 10 (version 1) or 20 (version 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Add { person: usize, tube: usize, hour: u32, is_withdrawn: bool },
    Result { tube: usize, version: u16, outcome: Outcome },
    Tube { tube: usize, counted: Option<u16>, sealed_hour: Option<u32> },
}

type Key = (usize, usize);
type Shown = (State, Reason);

fn time(hour: u32) -> u32 {
    START + hour * HOUR
}

// ---- the oracle: lists, loops and the text of the rules -------------------------------------

#[derive(Clone, Copy)]
struct Member {
    hour: u32,
    is_withdrawn: bool,
}

struct Oracle {
    members: BTreeMap<Key, Member>,
    tubes: BTreeMap<usize, (Option<u16>, Option<u32>)>,
    results: Vec<(usize, u16, Outcome)>,
}

impl Oracle {
    fn new(events: &[Event]) -> Self {
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

    fn of_tube(&self, tube: usize) -> Vec<(usize, Member)> {
        let all = self.members.iter().filter(|((_, t), m)| *t == tube && !m.is_withdrawn);
        all.map(|((person, _), member)| (*person, *member)).collect()
    }

    fn first_result_hour(&self, tube: usize) -> Option<u32> {
        self.results.iter().filter(|r| r.0 == tube).map(|r| u32::from(r.1) * 10).min()
    }

    /// The outcomes of the newest version; more than one different is a conflict.
    fn current(&self, tube: usize) -> Vec<Outcome> {
        let of_tube = || self.results.iter().filter(|r| r.0 == tube);
        let newest = of_tube().map(|r| r.1).max();
        let mut all: Vec<_> = of_tube().filter(|r| Some(r.1) == newest).map(|r| r.2).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn current_hour(&self, tube: usize) -> Option<u32> {
        self.results.iter().filter(|r| r.0 == tube).map(|r| u32::from(r.1) * 10).max()
    }

    fn sealed(&self, tube: usize) -> Option<u32> {
        self.tubes.get(&tube).and_then(|t| t.1)
    }

    fn is_after_seal(&self, tube: usize, member: Member) -> bool {
        self.sealed(tube).is_some_and(|sealed| member.hour > sealed)
    }

    /// F7: everybody in time for sealing was collected after the result, or somebody was although
    /// the sealing says that it was in time.
    fn is_early(&self, tube: usize) -> bool {
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

    fn is_late(&self, tube: usize, member: Member) -> bool {
        let is_after_result = self.first_result_hour(tube).is_some_and(|r| member.hour > r);
        self.is_after_seal(tube, member) || (is_after_result && !self.is_early(tube))
    }

    fn is_single(&self, tube: usize) -> bool {
        let counted = self.tubes.get(&tube).and_then(|t| t.0);
        self.of_tube(tube).len() == 1 && counted.is_none_or(|n| n == 1)
    }

    /// What the tube says to a member on time, F11 left out.
    fn tube_says(&self, tube: usize) -> Shown {
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
    fn is_doubted(&self, tube: usize) -> bool {
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

    fn member_says(&self, tube: usize, member: Member) -> Shown {
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
    fn is_retest(&self, single: usize, hour: u32, pool: usize) -> bool {
        self.is_single(single) && self.first_result_hour(pool).is_some_and(|r| hour >= r)
    }

    fn person_says(&self, person: usize) -> Shown {
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
        if cleared.is_empty() {
            if let Some(&reason) = reasons(State::Hold).first() {
                return (State::Hold, reason);
            }
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

    fn states(&self) -> BTreeMap<Key, Shown> {
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

// ---- the system under test -------------------------------------------------------------------

fn tell(campaign: &mut Campaign, event: Event) {
    match event {
        Event::Add { person, tube, hour, is_withdrawn } => {
            let flags = if is_withdrawn { flag::WITHDRAWN } else { 0 };
            let row = MemberRow { added: time(hour), collected: time(hour), flags };
            let (person, tube) = (PEOPLE[person], Some(TUBES[tube]));
            let text = MemberText { person, tube, row, ..MemberText::default() };
            campaign.add_member(&text).unwrap();
        }
        Event::Result { tube, version, outcome } => {
            let recorded = time(u32::from(version) * 10);
            let row = ResultRow { run: 1, version, outcome, recorded, ct: f32::NAN };
            let tube = TUBES[tube];
            let text = ResultText { tube, id: None, amends: None, version: Some(version), row };
            campaign.add_results(&[text]).unwrap();
        }
        Event::Tube { tube, counted, sealed_hour } => {
            let row = TubeRow {
                sealed: sealed_hour.map_or(0, time),
                sent: 0,
                received: 0,
                parent: NONE,
                planned: 0,
                counted: counted.unwrap_or(NOT_COUNTED),
                given: 0,
            };
            let text = TubeText { tube: TUBES[tube], parent: None, row, groups: [None; 3] };
            campaign.add_tubes(&[text]).unwrap();
        }
    }
}

fn shown(campaign: &Campaign) -> BTreeMap<Key, Shown> {
    let world = &campaign.world;
    let number = |list: &[&str], code: &str| list.iter().position(|c| *c == code).unwrap();
    (0..world.person.len())
        .map(|m| {
            let person = number(&PEOPLE, campaign.people.text(world.person[m]));
            let tube = number(&TUBES, campaign.tubes.text(world.tube[m]));
            ((person, tube), (State::of(world.state[m]), Reason::of(world.reason[m])))
        })
        .collect()
}

fn whole(events: &[Event]) -> BTreeMap<Key, Shown> {
    let mut campaign = Campaign::new(Policy::default());
    for &event in events {
        tell(&mut campaign, event);
    }
    campaign.run();
    shown(&campaign)
}

fn piece_by_piece<'a>(events: impl Iterator<Item = &'a Event>) -> BTreeMap<Key, Shown> {
    let mut campaign = Campaign::new(Policy::default());
    for &event in events {
        tell(&mut campaign, event);
        campaign.settle();
    }
    shown(&campaign)
}

/// What must hold whatever the rules say: nobody cleared by a pool while late or uncounted or in
/// conflict, nobody positive or cleared singly without a test of that person alone.
fn check_promises(events: &[Event], states: &BTreeMap<Key, Shown>) {
    let facts = Oracle::new(events);
    for (&(person, tube), (state, _)) in states {
        let mine = facts.members.iter().filter(|((p, _), m)| *p == person && !m.is_withdrawn);
        let in_time = mine
            .clone()
            .filter(|((_, t), m)| !facts.sealed(*t).is_some_and(|sealed| m.hour > sealed));
        let has = |outcome: Outcome, only_single: bool| {
            in_time.clone().any(|((_, t), m)| {
                let counted = facts.tubes.get(t).and_then(|t| t.0).map(usize::from);
                let registered = facts.of_tube(*t).len();
                let is_alone = registered == 1 && counted.is_none_or(|n| n == 1);
                let is_counted = counted.is_none_or(|n| {
                    let late = facts.of_tube(*t).into_iter().filter(|(_, m)| facts.is_late(*t, *m));
                    n == registered || n == registered - late.count()
                });
                facts.current(*t) == [outcome]
                    && m.hour <= facts.current_hour(*t).unwrap()
                    && (!only_single || is_alone)
                    && (outcome == Outcome::Positive || is_counted)
            })
        };
        match state {
            State::PosConfirmed => assert!(has(Outcome::Positive, true), "{events:?}"),
            State::NegSingle => assert!(has(Outcome::Negative, true), "{events:?}"),
            State::NegByPool => {
                assert!(has(Outcome::Negative, false), "{events:?}");
                let member = facts.members[&(person, tube)];
                assert!(!facts.is_late(tube, member), "{events:?}");
                assert_ne!(facts.current(tube).len(), 2, "{events:?}");
            }
            _ => {}
        }
    }
}

fn check(events: &[Event]) {
    let expected = Oracle::new(events).states();
    let states = whole(events);
    assert_eq!(states, expected, "{events:?}");
    assert_eq!(piece_by_piece(events.iter()), expected, "piece by piece {events:?}");
    // Tube rows replace each other, so only their order among themselves matters.
    let mut back: Vec<Event> = events.iter().rev().copied().collect();
    let rows: Vec<Event> =
        events.iter().filter(|e| matches!(e, Event::Tube { .. })).copied().collect();
    back.retain(|e| !matches!(e, Event::Tube { .. }));
    back.extend(rows);
    assert_eq!(piece_by_piece(back.iter().chain(&back)), expected, "backwards {events:?}");
    check_promises(events, &states);
}

// ---- every small world -----------------------------------------------------------------------

fn alphabet() -> Vec<Event> {
    let mut all = Vec::new();
    for tube in 0..3 {
        for person in 0..4 {
            for hour in [1, 15] {
                all.push(Event::Add { person, tube, hour, is_withdrawn: false });
            }
        }
        for outcome in [Outcome::Negative, Outcome::Positive, Outcome::Invalid] {
            all.push(Event::Result { tube, version: 1, outcome });
        }
        all.push(Event::Result { tube, version: 2, outcome: Outcome::Positive });
        all.push(Event::Result { tube, version: 2, outcome: Outcome::Negative });
        all.push(Event::Tube { tube, counted: Some(2), sealed_hour: Some(2) });
    }
    all
}

/// People and tubes are interchangeable: each world is looked at with its people, and its tubes,
/// numbered in the order in which the list of events first names them.
fn is_canonical(events: &[Event]) -> bool {
    let (mut people, mut tubes) = (0, 0);
    for event in events {
        let (person, tube) = match *event {
            Event::Add { person, tube, .. } => (Some(person), tube),
            Event::Result { tube, .. } | Event::Tube { tube, .. } => (None, tube),
        };
        if tube > tubes || person.is_some_and(|person| person > people) {
            return false;
        }
        tubes = tubes.max(tube + 1);
        people = people.max(person.map_or(0, |person| person + 1));
    }
    true
}

fn every_world(
    alphabet: &[Event],
    from: usize,
    left: usize,
    world: &mut Vec<Event>,
    count: &mut usize,
) {
    if !world.is_empty() {
        check(world);
        *count += 1;
    }
    if left == 0 {
        return;
    }
    for at in from..alphabet.len() {
        world.push(alphabet[at]);
        if is_canonical(world) {
            every_world(alphabet, at + 1, left - 1, world, count);
        }
        world.pop();
    }
}

#[test]
fn every_world_of_four_events_keeps_rules_and_promises() {
    let mut count = 0;
    every_world(&alphabet(), 0, 4, &mut Vec::new(), &mut count);
    assert!(count > 1_000, "{count}");
}

/// Takes a minute: `cargo test --test pool_worlds -- --ignored`.
#[test]
#[ignore = "part of make proof"]
fn every_world_of_six_events_keeps_rules_and_promises() {
    let mut count = 0;
    every_world(&alphabet(), 0, 6, &mut Vec::new(), &mut count);
    assert!(count > 100_000, "{count}");
}

// ---- larger worlds ---------------------------------------------------------------------------

fn any_event() -> impl Strategy<Value = Event> {
    let outcome = prop_oneof![
        3 => Just(Outcome::Negative),
        3 => Just(Outcome::Positive),
        1 => Just(Outcome::Inconclusive),
        1 => Just(Outcome::Invalid),
        1 => Just(Outcome::Rejected),
    ];
    prop_oneof![
        5 => (0..5_usize, 0..4_usize, prop_oneof![Just(1), Just(5), Just(15), Just(40)], 0..12)
            .prop_map(|(person, tube, hour, n)| Event::Add {
                person, tube, hour, is_withdrawn: n == 0,
            }),
        4 => (0..4_usize, 1..3_u16, outcome)
            .prop_map(|(tube, version, outcome)| Event::Result { tube, version, outcome }),
        1 => (0..4_usize, proptest::option::of(0..4_u16), proptest::option::of(2..20_u32))
            .prop_map(|(tube, counted, sealed_hour)| Event::Tube { tube, counted, sealed_hour }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn larger_worlds_keep_rules_and_promises(
        events in proptest::collection::vec(any_event(), 1..24)
    ) {
        check(&events);
    }
}
