//! Every small world of people, tubes and events against a slow, obvious oracle, and the promises
//! that no rule may break; random larger worlds by proptest.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

use std::collections::BTreeMap;

use core_rs::pooling::campaign::{Campaign, MemberText, ResultText, TubeText};
use core_rs::pooling::intern::Interner;
use core_rs::pooling::policy::Policy;
use core_rs::pooling::words::{Code, Outcome, Reason, State};
use core_rs::pooling::world::{MemberRow, NONE, NOT_COUNTED, ResultRow, TubeRow, flag};
use proptest::prelude::*;

mod oracle;

use oracle::Oracle;

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
    let mut campaign = Campaign::new(policy());
    for &event in events {
        tell(&mut campaign, event);
    }
    campaign.run();
    shown(&campaign)
}

fn piece_by_piece<'a>(events: impl Iterator<Item = &'a Event>) -> BTreeMap<Key, Shown> {
    let mut campaign = Campaign::new(policy());
    for &event in events {
        tell(&mut campaign, event);
        campaign.settle();
    }
    shown(&campaign)
}

/// Samples of these worlds lie up to two days apart, and their tubes' labels are used once.
fn policy() -> Policy {
    Policy { reuse_seconds: 7 * 86_400, ..Policy::default() }
}

/// What must hold whatever the rules say: nobody cleared by a pool while late or uncounted or in
/// conflict, nobody positive or cleared singly without a test of that person alone.
fn check_promises(events: &[Event], states: &BTreeMap<Key, Shown>) {
    let facts = Oracle::new(events);
    for (&(person, tube), (state, _)) in states {
        let mine = facts.members.iter().filter(|((p, _), m)| *p == person && !m.is_withdrawn);
        let in_time = mine
            .clone()
            .filter(|((_, t), m)| facts.sealed(*t).is_none_or(|sealed| m.hour <= sealed));
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

type Told = (BTreeMap<Key, Shown>, Vec<(Code, String, String, bool)>);

/// States and findings, with codes in place of numbers.
fn told(campaign: &Campaign) -> Told {
    let text = |codes: &Interner, number: u32| {
        if number == NONE { String::new() } else { codes.text(number).to_owned() }
    };
    let mut findings: Vec<_> = campaign
        .findings(time(100))
        .iter()
        .map(|f| {
            let tube = text(&campaign.tubes, f.tube);
            (f.code, tube, text(&campaign.people, f.person), f.is_blocking)
        })
        .collect();
    findings.sort();
    (shown(campaign), findings)
}

fn told_whole(events: &[Event], policy: Policy) -> Told {
    let mut campaign = Campaign::new(policy);
    for &event in events {
        tell(&mut campaign, event);
    }
    campaign.run();
    told(&campaign)
}

/// Rows of a tube replace each other, so that each tube has one here.
fn one_row_a_tube(events: &[Event]) -> Vec<Event> {
    let mut seen = Vec::new();
    let is_first = |event: &Event| match *event {
        Event::Tube { tube, .. } => {
            let is_new = !seen.contains(&tube);
            seen.push(tube);
            is_new
        }
        _ => true,
    };
    events.iter().copied().filter(is_first).collect()
}

fn events_in_any_order() -> impl Strategy<Value = (Vec<Event>, Vec<Event>, bool)> {
    (proptest::collection::vec(any_event(), 1..24), any::<bool>()).prop_flat_map(
        |(events, is_overlapping)| {
            let events = one_row_a_tube(&events);
            let twice: Vec<Event> = events.iter().chain(&events).copied().collect();
            (Just(events), Just(twice).prop_shuffle(), Just(is_overlapping))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// Every event twice and in any order: the same states and the same findings, whole and piece
    /// by piece, for simple and for overlapping designs.
    #[test]
    fn order_and_double_delivery_change_nothing(
        (events, shuffled, overlapping) in events_in_any_order()
    ) {
        let policy = Policy { overlapping, ..policy() };
        let expected = told_whole(&events, policy.clone());
        prop_assert_eq!(&told_whole(&shuffled, policy.clone()), &expected);
        let mut campaign = Campaign::new(policy);
        for event in shuffled {
            tell(&mut campaign, event);
            campaign.settle();
        }
        prop_assert_eq!(&told(&campaign), &expected);
    }
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
