//! The incremental index: is this person already known?
//!
//! A person may have several entries (as registered, as corrected, as merged). An entry is found
//! by any of its blocking keys; chains of equal keys are walked newest first, at most
//! [`LONGEST_WALK`] entries, and what was left out is counted and told, never dropped in silence.

use super::compare::compare;
use super::fields::Pattern;
use super::hashing::{FastMap, FastSet};
use super::keys::{RULES, keys};
use super::model::{Model, probability};
use super::people::{MOST_NEIGHBOURS, MOST_PEOPLE, People};
use super::profile::{NONE, Profile, Typed};
use super::registry::Registry;
use super::verdict::{Verdict, verdict};

/// Entries of one key that a look-up compares at most.
pub const LONGEST_WALK: u32 = 512;

/// A known person who may be the one asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The caller's id of the person.
    pub person: i64,
    /// How the best entry of the person compares.
    pub pattern: Pattern,
    /// Log2 odds that it is the same person.
    pub bits: f64,
    /// What the exact keys say.
    pub verdict: Verdict,
}

/// The answer to one look-up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Candidates, the likeliest first.
    pub candidates: Vec<Candidate>,
    /// Entries that share a key and were not compared because the key is too common.
    pub left_out: u32,
}

impl Found {
    /// The one person an exact key names, if exactly one.
    pub fn exact(&self) -> Option<&Candidate> {
        let mut exact = self.candidates.iter().filter(|c| matches!(c.verdict, Verdict::Same(_)));
        match (exact.next(), exact.next()) {
            (Some(one), None) => Some(one),
            _ => None,
        }
    }
}

/// Entries that are fetched together before they are compared.
const TOGETHER: usize = 24;

#[derive(Debug, Clone, Copy, Default)]
struct Chain {
    first: u32,
    length: u32,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct PersonIndex {
    pub(super) people: People,
    pub(super) persons: Vec<i64>,
    pub(super) model: Model,
    keys: Vec<[u32; RULES]>,
    next: Vec<[u32; RULES]>,
    chains: Vec<FastMap<u32, Chain>>,
    entries: FastMap<i64, Vec<u32>>,
    free: Vec<u32>,
    place_counts: FastMap<u32, u8>,
    scratch: Vec<u32>,
}

/// Marks an entry that was removed.
pub(super) const GONE: i64 = i64::MIN;

impl PersonIndex {
    /// An empty index with a model.
    pub fn new(model: Model) -> Self {
        Self {
            people: People::default(),
            persons: Vec::new(),
            model,
            keys: Vec::new(),
            next: Vec::new(),
            chains: vec![FastMap::default(); RULES],
            entries: FastMap::default(),
            free: Vec::new(),
            place_counts: FastMap::default(),
            scratch: Vec::new(),
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.persons.len() - self.free.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a person has any entry.
    pub fn contains(&self, person: i64) -> bool {
        self.entries.contains_key(&person)
    }

    /// The model in use.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Registers wards that were renamed or merged: old code → new code.
    pub fn rename_ward(&mut self, old: &str, new: &str) {
        let hash = |code| super::profile::text_hash(Some(code)) as u32;
        self.people.wards.insert(hash(old), hash(new));
    }

    /// Adds an entry for a person.
    pub fn add(&mut self, person: i64, typed: &Typed<'_>) {
        let profile = self.people.read(typed);
        self.insert(person, profile);
    }

    pub(super) fn insert(&mut self, person: i64, profile: Profile) {
        self.people.count(&profile, 1);
        let slot = if let Some(slot) = self.free.pop() {
            self.people.profiles[slot as usize] = profile;
            self.persons[slot as usize] = person;
            slot
        } else {
            self.people.profiles.push(profile);
            self.persons.push(person);
            self.keys.push([0; RULES]);
            self.next.push([NONE; RULES]);
            (self.persons.len() - 1) as u32
        };
        // Days become common slowly: it is enough to look again when there are twice as many.
        if self.persons.len() >= 4_096 && self.persons.len().is_power_of_two() {
            self.people.find_common_days();
        }
        self.notice_crowds(&profile);
        let keys = keys(&self.people, &profile);
        for (rule, key) in keys.iter().enumerate().filter(|(_, key)| **key != 0) {
            let chain = self.chains[rule].entry(*key).or_insert(Chain { first: NONE, length: 0 });
            self.next[slot as usize][rule] = chain.first;
            *chain = Chain { first: slot, length: chain.length + 1 };
        }
        self.keys[slot as usize] = keys;
        self.entries.entry(person).or_default().push(slot);
    }

    /// A phone or an address that more than [`MOST_PEOPLE`] names share stops being evidence.
    fn notice_crowds(&mut self, profile: &Profile) {
        if profile.phone > 0 && !self.people.crowded_phones.contains(&profile.phone) {
            let key = keys(&self.people, profile)[super::keys::PHONE];
            let chain = self.chains[super::keys::PHONE].get(&key).copied().unwrap_or_default();
            if chain.length as usize >= MOST_PEOPLE {
                let names: FastSet<u32> = self
                    .walk(super::keys::PHONE, chain)
                    .map(|slot| self.people.profiles[slot as usize].name)
                    .chain([profile.name])
                    .collect();
                if names.len() > MOST_PEOPLE {
                    self.people.crowded_phones.insert(profile.phone);
                }
            }
        }
        if profile.address.is_known() {
            let count = self.place_counts.entry(profile.address.id).or_default();
            *count = count.saturating_add(1);
            // Entries, not names: about three for each person of the household.
            if usize::from(*count) > 3 * MOST_PEOPLE {
                self.people.crowded_places.insert(profile.address.id);
            }
            if usize::from(*count) > 3 * MOST_NEIGHBOURS {
                self.people.vast_places.insert(profile.address.id);
            }
        }
    }

    fn walk(&self, rule: usize, chain: Chain) -> impl Iterator<Item = u32> + '_ {
        let first = (chain.length > 0).then_some(chain.first);
        std::iter::successors(first, move |slot| {
            Some(self.next[*slot as usize][rule]).filter(|next| *next != NONE)
        })
        .take(LONGEST_WALK as usize)
    }

    /// Removes every entry of a person; how many there were.
    pub fn remove(&mut self, person: i64) -> usize {
        let slots = self.entries.remove(&person).unwrap_or_default();
        for slot in &slots {
            let at = *slot as usize;
            for rule in 0..RULES {
                self.unlink(rule, *slot);
            }
            let profile = self.people.profiles[at];
            self.people.count(&profile, -1);
            if let Some(count) = self.place_counts.get_mut(&profile.address.id) {
                *count = count.saturating_sub(1);
            }
            self.persons[at] = GONE;
            self.keys[at] = [0; RULES];
            self.next[at] = [NONE; RULES];
            self.free.push(*slot);
        }
        slots.len()
    }

    fn unlink(&mut self, rule: usize, slot: u32) {
        let key = self.keys[slot as usize][rule];
        let Some(chain) = self.chains[rule].get_mut(&key).filter(|_| key != 0) else { return };
        let after = self.next[slot as usize][rule];
        chain.length -= 1;
        if chain.first == slot {
            chain.first = after;
        } else {
            let mut at = chain.first;
            while self.next[at as usize][rule] != slot {
                at = self.next[at as usize][rule];
            }
            self.next[at as usize][rule] = after;
        }
        if self.chains[rule].get(&key).is_some_and(|chain| chain.length == 0) {
            self.chains[rule].remove(&key);
        }
    }

    /// Replaces all entries of a person by one.
    pub fn update(&mut self, person: i64, typed: &Typed<'_>) {
        self.remove(person);
        self.add(person, typed);
    }

    /// Moves every entry of one person to another: what a merge by redirection does.
    pub fn redirect(&mut self, from: i64, to: i64) -> usize {
        let slots = self.entries.remove(&from).unwrap_or_default();
        for slot in &slots {
            self.persons[*slot as usize] = to;
        }
        let moved = slots.len();
        if moved > 0 {
            self.entries.entry(to).or_default().extend(slots);
        }
        moved
    }

    /// All entries for [`super::link::link`], with the person of each, in the order of persons:
    /// the same whatever the order in which they came.
    pub fn registry(&self) -> (Registry, Vec<i64>) {
        let mut slots: Vec<usize> =
            (0..self.persons.len()).filter(|slot| self.persons[*slot] != GONE).collect();
        slots.sort_by_key(|slot| self.persons[*slot]);
        let persons = slots.iter().map(|slot| self.persons[*slot]).collect();
        let profiles = slots.iter().map(|slot| self.people.profiles[*slot]);
        (Registry::of(self.people.emptied(), profiles), persons)
    }

    /// Who this may be: at most `limit` people with odds of at least `least_bits`, and every
    /// person whose exact key was shown.
    pub fn look_up(&mut self, typed: &Typed<'_>, limit: usize, least_bits: f64) -> Found {
        let profile = self.people.read(typed);
        self.look_up_profile(&profile, limit, least_bits)
    }

    pub(super) fn look_up_profile(
        &mut self,
        profile: &Profile,
        limit: usize,
        least_bits: f64,
    ) -> Found {
        let mut slots = std::mem::take(&mut self.scratch);
        slots.clear();
        let mut left_out = 0;
        for (rule, key) in keys(&self.people, profile).iter().enumerate() {
            if let Some(chain) = self.chains[rule].get(key).filter(|_| *key != 0) {
                left_out += chain.length.saturating_sub(LONGEST_WALK);
                slots.extend(self.walk(rule, *chain));
            }
        }
        slots.sort_unstable();
        slots.dedup();
        let mut candidates: Vec<Candidate> = Vec::new();
        let prior = self.model.prior(self.len());
        for together in slots.chunks(TOGETHER) {
            for slot in together {
                std::hint::black_box(self.people.profiles[*slot as usize].touch());
            }
            for slot in together {
                let known = &self.people.profiles[*slot as usize];
                let pattern = compare(&self.people, profile, known);
                let verdict = verdict(pattern, profile, known);
                let open = verdict == Verdict::Open;
                if open && self.model.most_bits_from(pattern, &prior) < least_bits {
                    continue;
                }
                let bits = self.model.bits_from(pattern, &prior);
                if bits >= least_bits || !open {
                    let person = self.persons[*slot as usize];
                    candidates.push(Candidate { person, pattern, bits, verdict });
                }
            }
        }
        self.scratch = slots;
        Found { candidates: best_of_each(candidates, limit), left_out }
    }
}

/// The best candidate of each person: exact keys first, then odds, then the smaller id.
fn best_of_each(mut candidates: Vec<Candidate>, limit: usize) -> Vec<Candidate> {
    candidates.sort_by(|a, b| {
        a.person.cmp(&b.person).then(a.verdict.cmp(&b.verdict)).then(b.bits.total_cmp(&a.bits))
    });
    candidates.dedup_by_key(|c| c.person);
    candidates.sort_by(|a, b| {
        a.verdict.cmp(&b.verdict).then(b.bits.total_cmp(&a.bits)).then(a.person.cmp(&b.person))
    });
    let told = candidates.iter().filter(|c| c.verdict != Verdict::Open).count();
    candidates.truncate(limit.max(told));
    candidates
}

impl Candidate {
    /// Probability that it is the same person.
    pub fn probability(&self) -> f64 {
        probability(self.bits)
    }
}
