//! One million memberships, 150,000 results: from text, on numbers, and one delivery of 1,000.
//!
//! `cargo bench --bench pools`; processor time (one thread), median and best of several rounds,
//! and bytes a membership.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints and may stop")]

use core_rs::pooling::campaign::{Campaign, MemberText, ResultText};
use core_rs::pooling::policy::Policy;
use core_rs::pooling::words::Outcome;
use core_rs::pooling::world::{MemberRow, ResultRow};

const START: u32 = 1_770_000_000;

/// Processor time of this thread in seconds: what the work costs, however busy the machine is.
fn now() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() * 1e-9
}

struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

struct Tables {
    people: Vec<String>,
    tubes: Vec<String>,
    members: Vec<(u32, u32)>,
    results: Vec<(u32, u16, Outcome)>,
}

fn tables() -> Tables {
    let mut rng = Rng(42);
    let mut made = Tables { people: vec![], tubes: vec![], members: vec![], results: vec![] };
    while made.members.len() < 1_000_000 {
        let tube = made.tubes.len() as u32;
        made.tubes.push(format!("T{tube:09}"));
        for _ in 0..[1, 3, 5, 10, 20][rng.below(5) as usize] {
            let person = made.people.len() as u32;
            made.people.push(format!("P{person:013}"));
            made.members.push((person, tube));
        }
        let outcome = match rng.below(1000) {
            0..=39 => Outcome::Positive,
            40..=44 => Outcome::Inconclusive,
            45..=46 => Outcome::Invalid,
            _ => Outcome::Negative,
        };
        made.results.push((tube, 1, outcome));
        if rng.below(100) == 0 {
            made.results.push((tube, 2, Outcome::Negative));
        }
    }
    for _ in 0..2_000 {
        let person = rng.below(made.people.len() as u64) as u32;
        made.members.push((person, rng.below(made.tubes.len() as u64) as u32));
    }
    made
}

fn result(tables: &Tables, (tube, version, outcome): (u32, u16, Outcome)) -> ResultText<'_> {
    let recorded = START + 90_000;
    let row = ResultRow { run: 1, version, outcome, recorded, ct: f32::NAN };
    let tube = &tables.tubes[tube as usize];
    ResultText { tube, id: None, amends: None, version: Some(version), row }
}

fn load(tables: &Tables) -> Campaign {
    let mut campaign = Campaign::new(Policy::default());
    campaign.reserve(tables.members.len(), 14);
    let member = |row: usize| {
        let (person, tube) = tables.members[row];
        let time = START + tube % 50_000;
        MemberText {
            person: &tables.people[person as usize],
            tube: Some(&tables.tubes[tube as usize]),
            row: MemberRow { added: time, collected: time, flags: 0 },
            ..MemberText::default()
        }
    };
    campaign.add_members(tables.members.len(), &mut Vec::new(), member).unwrap();
    let rows: Vec<_> = tables.results.iter().map(|&row| result(tables, row)).collect();
    campaign.add_results(&rows).unwrap();
    campaign
}

/// Prints the median and the best of several times.
fn report(what: &str, limit: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let (best, median) = (times[0] * 1e3, times[times.len() / 2] * 1e3);
    println!("{what:<14} {median:9.3} ms, best {best:9.3} ms {limit}");
}

fn main() {
    let tables = tables();
    println!(
        "{} memberships, {} tubes, {} results",
        tables.members.len(),
        tables.tubes.len(),
        tables.results.len()
    );
    let mut from_text = Vec::new();
    let mut campaign = Campaign::default();
    for _ in 0..5 {
        let start = now();
        campaign = load(&tables);
        campaign.run();
        from_text.push(now() - start);
    }
    report("from text", "(limit 200)", from_text);
    let mut on_numbers = Vec::new();
    let mut findings = Vec::new();
    for _ in 0..15 {
        let start = now();
        campaign.world.run();
        on_numbers.push(now() - start);
        let start = now();
        std::hint::black_box(campaign.findings(START + 100_000).len());
        findings.push(now() - start);
    }
    report("on numbers", "(limit 15)", on_numbers);
    report("findings", "", findings);
    let mut delivery = Vec::new();
    let mut rng = Rng(7);
    for version in 10..41 {
        let rows: Vec<_> = (0..1_000)
            .map(|_| {
                let outcome =
                    if rng.below(20) == 0 { Outcome::Positive } else { Outcome::Negative };
                result(&tables, (rng.below(tables.tubes.len() as u64) as u32, version, outcome))
            })
            .collect();
        let start = now();
        campaign.add_results(&rows).unwrap();
        std::hint::black_box(campaign.settle().len());
        delivery.push(now() - start);
    }
    report("1,000 results", "(limit 1)", delivery);
    let bytes = campaign.byte_size() as f64 / campaign.world.person.len() as f64;
    println!("memory         {bytes:8.1} bytes a membership (limit 64)");
}
