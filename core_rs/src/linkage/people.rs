//! Profiles with what they refer to: words, addresses, frequencies, shared phones and addresses.

use super::address::Reader as Addresses;
use super::alike::{Alike, names_by_marks};
use super::hashing::{FastMap, FastSet, mix};
use super::lexicon::Lexicon;
use super::profile::{Profile, Typed, read};
use super::store::{Reader, Writer};
use super::values::Born;
use crate::error::Result;

/// A phone or an address shared by more people than this belongs to a clinic, a volunteer or a
/// whole hamlet and says nothing about the person (pitfall 3).
pub const MOST_PEOPLE: usize = 12;

/// An address of more people than [`MOST_PEOPLE`] and up to this many is a few houses of one
/// hamlet without numbers: weaker than a house, and far stronger than a ward.
pub const MOST_NEIGHBOURS: usize = 60;

/// See [`common_days`].
const MANY_TIMES: f64 = 6.0;
/// Fewer people than this on one day are chance.
const LEAST_COMMON: f64 = 30.0;

/// Birth cohorts by decade, from before 1950 to 2010 and later, and the unknown: names have their
/// time, so that two strangers born in one year share a name far more often than any two.
const COHORTS: usize = 9;

pub(super) fn cohort(profile: &Profile) -> usize {
    match profile.born.year() {
        0 => COHORTS - 1,
        year => (year.saturating_sub(1940) / 10).min(COHORTS as u32 - 2) as usize,
    }
}

/// Profiles and their context.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// One for each record, in the order of arrival.
    pub profiles: Vec<Profile>,
    /// Words of names.
    pub names: Lexicon,
    addresses: Addresses,
    /// Records for each family combination and for each folded given name.
    family_ids: FastMap<u64, u32>,
    pub(super) family_counts: Vec<u32>,
    pub(super) given_counts: Vec<[u32; COHORTS]>,
    pub(super) cohort_counts: [u32; COHORTS],
    /// Records typed with marks, for each given name with its marks and without.
    marked_counts: Vec<u32>,
    marked_fold_counts: Vec<u32>,
    /// Records for each pair of given name and family combination.
    pub(super) joint_counts: FastMap<u64, u32>,
    /// Phones and addresses of more than [`MOST_PEOPLE`] people.
    pub crowded_phones: FastSet<u32>,
    /// See `crowded_phones`.
    pub crowded_places: FastSet<u32>,
    /// Addresses of more than [`MOST_NEIGHBOURS`]: not even a few houses.
    pub vast_places: FastSet<u32>,
    /// Days of birth that far more people state than others: what some register or form puts for
    /// an unknown day, so that they weigh no more than 1 January.
    pub common_days: FastSet<u32>,
    /// Given names that are names although nearly nobody has them.
    rare_names: FastSet<u32>,
    /// Old ward code → its successor, both hashed (pitfall 12).
    pub wards: FastMap<u32, u32>,
}

impl People {
    /// Nobody yet, with old ward codes and their successors.
    pub fn with_wards(wards: FastMap<u32, u32>) -> Self {
        Self { wards, ..Self::default() }
    }

    /// The same words, wards and addresses with nobody in them.
    pub(super) fn emptied(&self) -> Self {
        let mut people = self.clone();
        people.profiles = Vec::new();
        people.family_counts.fill(0);
        people.given_counts.clear();
        people.cohort_counts = [0; COHORTS];
        people.marked_counts.clear();
        people.marked_fold_counts.clear();
        people.joint_counts.clear();
        people
    }

    /// Reads a record without keeping it: words and addresses are interned, counts are not moved.
    pub fn read(&mut self, typed: &Typed<'_>) -> Profile {
        let mut profile = read(typed, &mut self.names);
        if let Some(successor) = self.wards.get(&profile.ward) {
            profile.ward = *successor;
        }
        if let Some(address) = typed.address {
            profile.address = self.addresses.read(address);
        }
        if profile.has_name() {
            profile.family_id = self.family(&profile);
        }
        profile
    }

    /// Reads and keeps a record; its number.
    pub fn add(&mut self, typed: &Typed<'_>) -> u32 {
        let profile = self.read(typed);
        self.keep(profile)
    }

    /// Keeps a profile made by [`People::read`]; its number.
    pub fn keep(&mut self, profile: Profile) -> u32 {
        self.count(&profile, 1);
        self.profiles.push(profile);
        (self.profiles.len() - 1) as u32
    }

    /// Adds (1) or takes back (-1) a profile's words in the frequencies.
    pub fn count(&mut self, profile: &Profile, by: i32) {
        if !profile.has_name() {
            return;
        }
        let fold = self.names.get(profile.given).fold as usize;
        if self.given_counts.len() <= fold {
            self.given_counts.resize(fold + 1, [0; COHORTS]);
        }
        let cohort = cohort(profile);
        let joint = self.joint_counts.entry(joint(fold as u32, profile.family_id)).or_insert(0);
        for count in [
            &mut self.given_counts[fold][cohort],
            &mut self.cohort_counts[cohort],
            &mut self.family_counts[profile.family_id as usize],
            joint,
        ] {
            *count = count.saturating_add_signed(by);
        }
        if profile.marked {
            let word = profile.given as usize;
            bump(&mut self.marked_counts, word, by);
            bump(&mut self.marked_fold_counts, fold, by);
        }
    }

    /// Whether one of two given names that differ by their marks only is a slip for the other:
    /// a spelling that nearly nobody else has. While few are known, both count as names.
    #[inline]
    pub fn is_slip_of_marks(&self, a: u32, b: u32) -> bool {
        let fold = self.names.get(a).fold as usize;
        let all = self.marked_fold_counts.get(fold).copied().unwrap_or(0);
        // A word typed without its marks inside a name that has some is a slip more often than
        // any one wrong mark.
        let rare = |word: u32| {
            let own = self.marked_counts.get(word as usize).copied().unwrap_or(0);
            own < 4 || own < all / if self.names.get(word).marked { 200 } else { 40 }
        };
        let slip = |word: u32| rare(word) && !self.rare_names.contains(&word);
        all >= 40 && (slip(a) || slip(b))
    }

    fn family(&mut self, profile: &Profile) -> u32 {
        let hash = profile
            .family()
            .iter()
            .fold(5, |h, w| mix(h, self.names.fold(self.names.get(*w).fold).hash));
        let next = self.family_counts.len() as u32;
        let id = *self.family_ids.entry(hash).or_insert(next);
        if id == next {
            self.family_counts.push(0);
        }
        id
    }

    /// Takes in people read by another thread; call in one fixed order for one fixed result.
    pub fn take_in(&mut self, mut other: Self) {
        let (words, folds) = self.names.take_in(&other.names);
        let families = self.take_in_families(&other);
        for profile in other.profiles.iter_mut().filter(|p| p.has_name()) {
            profile.given = words[profile.given as usize];
            for word in &mut profile.family[..usize::from(profile.family_len)] {
                *word = words[*word as usize];
            }
            profile.family_id = families[profile.family_id as usize];
        }
        self.profiles.append(&mut other.profiles);
        // Frequencies are added up word by word, which are few, and not person by person.
        for (at, counts) in other.given_counts.iter().enumerate() {
            let fold = folds[at] as usize;
            if self.given_counts.len() <= fold {
                self.given_counts.resize(fold + 1, [0; COHORTS]);
            }
            add(&mut self.given_counts[fold], counts);
        }
        add(&mut self.cohort_counts, &other.cohort_counts);
        for (at, count) in other.marked_counts.iter().enumerate() {
            bump(&mut self.marked_counts, words[at] as usize, *count as i32);
        }
        for (at, count) in other.marked_fold_counts.iter().enumerate() {
            bump(&mut self.marked_fold_counts, folds[at] as usize, *count as i32);
        }
        for (pair, count) in other.joint_counts {
            let (fold, family) = ((pair >> 32) as usize, pair as u32 as usize);
            *self.joint_counts.entry(joint(folds[fold], families[family])).or_default() += count;
        }
    }

    /// Takes in family combinations and their counts; the table from the other's ids to ours.
    fn take_in_families(&mut self, other: &Self) -> Vec<u32> {
        let mut hashes = vec![0; other.family_counts.len()];
        for (hash, id) in &other.family_ids {
            hashes[*id as usize] = *hash;
        }
        let taken = hashes.into_iter().zip(&other.family_counts).map(|(hash, count)| {
            let next = self.family_counts.len() as u32;
            let id = *self.family_ids.entry(hash).or_insert(next);
            if id == next {
                self.family_counts.push(0);
            }
            self.family_counts[id as usize] += count;
            id
        });
        taken.collect()
    }

    /// Finds the days of birth that too many people state.
    pub fn find_common_days(&mut self) {
        self.common_days = common_days(self.profiles.iter().map(|p| p.born));
    }

    /// Finds the spellings of given names that come again; `contents` are equal, and not 0, for
    /// records that were sent twice.
    pub(super) fn find_names(&mut self, alike: &Alike, contents: &[u64]) {
        let profiles = &self.profiles;
        let content = |record: usize| contents.get(record).copied().unwrap_or(0);
        let sent_twice = |a: usize, b: usize| {
            let tube = profiles[a].tube;
            (tube != 0 && tube == profiles[b].tube) || (content(a) != 0 && content(a) == content(b))
        };
        self.rare_names = names_by_marks(alike, profiles, &self.names, sent_twice);
    }

    /// Finds the phones, addresses and days of birth that too many people share.
    pub fn find_crowds(&mut self) {
        let profiles = &self.profiles;
        let (phones, places, days) = std::thread::scope(|scope| {
            let phones = scope.spawn(|| crowds(profiles.iter().map(|p| (p.phone, p.name))));
            let places = crowds(profiles.iter().map(|p| (p.address.id, p.name)));
            let days = common_days(profiles.iter().map(|p| p.born));
            (phones.join().unwrap_or_default(), places, days)
        });
        let more_than = |crowds: &[(u32, usize)], most: usize| -> FastSet<u32> {
            crowds.iter().filter(|(_, names)| *names > most).map(|(value, _)| *value).collect()
        };
        self.crowded_phones = more_than(&phones, MOST_PEOPLE);
        self.crowded_places = more_than(&places, MOST_PEOPLE);
        self.vast_places = more_than(&places, MOST_NEIGHBOURS);
        self.common_days = days;
    }
}

fn add(sums: &mut [u32], counts: &[u32]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum += count;
    }
}

fn bump(counts: &mut Vec<u32>, at: usize, by: i32) {
    if counts.len() <= at {
        counts.resize(at + 1, 0);
    }
    counts[at] = counts[at].saturating_add_signed(by);
}

pub(super) fn joint(fold: u32, family: u32) -> u64 {
    (u64::from(fold) << 32) | u64::from(family)
}

/// Values that come with more than [`MOST_PEOPLE`] different names, and with how many.
fn crowds(values: impl Iterator<Item = (u32, u32)>) -> Vec<(u32, usize)> {
    let mut sorted: Vec<u64> = values
        .filter(|(value, name)| *value != 0 && *name != 0)
        .map(|(value, name)| (u64::from(value) << 32) | u64::from(name))
        .collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted
        .chunk_by(|a, b| a >> 32 == b >> 32)
        .filter(|names| names.len() > MOST_PEOPLE)
        .map(|names| ((names[0] >> 32) as u32, names.len()))
        .collect()
}

/// Days that are [`MANY_TIMES`] as frequent as the days around them, and not by chance.
fn common_days(born: impl Iterator<Item = Born>) -> FastSet<u32> {
    let mut counts: FastMap<u32, u32> = FastMap::default();
    let mut years: FastMap<u32, u32> = FastMap::default();
    for born in born.filter(|b| b.is_exact()) {
        *counts.entry(born.packed()).or_default() += 1;
        *years.entry(born.year()).or_default() += 1;
    }
    counts
        .into_iter()
        .filter(|(day, count)| {
            let year = f64::from(years[&Born::from_packed(*day).year()]);
            f64::from(*count) > (MANY_TIMES * year / 365.0).max(LEAST_COMMON)
        })
        .map(|(day, _)| day)
        .collect()
}

impl People {
    /// Appends words, crowds and wards; profiles are the owner's.
    pub(super) fn write(&self, to: &mut Writer) {
        self.names.write(to);
        let places = [&self.crowded_places, &self.vast_places];
        let [phones, days, names] = [&self.crowded_phones, &self.common_days, &self.rare_names];
        for crowd in [phones, places[0], places[1], days, names] {
            let mut sorted: Vec<u32> = crowd.iter().copied().collect();
            sorted.sort_unstable();
            to.u32(sorted.len() as u32);
            for value in sorted {
                to.u32(value);
            }
        }
        let mut wards: Vec<(u32, u32)> = self.wards.iter().map(|(a, b)| (*a, *b)).collect();
        wards.sort_unstable();
        to.u32(wards.len() as u32);
        for (old, new) in wards {
            to.u32(old);
            to.u32(new);
        }
    }

    /// Reads what [`People::write`] wrote.
    pub(super) fn read_from(from: &mut Reader<'_>) -> Result<Self> {
        let mut people = Self { names: Lexicon::read(from)?, ..Self::default() };
        let list = |from: &mut Reader<'_>| -> Result<Vec<u32>> {
            (0..from.length(4)?).map(|_| from.u32()).collect()
        };
        people.crowded_phones = list(from)?.into_iter().collect();
        people.crowded_places = list(from)?.into_iter().collect();
        people.vast_places = list(from)?.into_iter().collect();
        people.common_days = list(from)?.into_iter().collect();
        people.rare_names = list(from)?.into_iter().collect();
        for _ in 0..from.length(8)? {
            people.wards.insert(from.u32()?, from.u32()?);
        }
        Ok(people)
    }

    /// Checks a profile read from a file and gives it its family; `None` if it refers to nothing.
    pub(super) fn settle(&mut self, profile: &mut Profile) -> Option<()> {
        let (words, _) = self.names.len();
        let known = |word: u32| (word as usize) < words;
        if profile.has_name() {
            let all = known(profile.given) && profile.family().iter().all(|w| known(*w));
            all.then_some(())?;
            profile.family_id = self.family(profile);
        }
        Some(())
    }
}
