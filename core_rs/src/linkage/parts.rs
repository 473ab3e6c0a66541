//! Linking in tasks from file to file, for more records than one process should hold, on more
//! machines than one. A task reads files of a directory and writes one, under another name until
//! it is whole: so it can be repeated after a worker dies, and it knows nothing of who runs it.
//!
//! | task | parts | reads | writes |
//! |---|---|---|---|
//! | (reading) | ranges of records | the caller's rows | `read-N` |
//! | `merge` | one | `read-*` | `people`: profiles, frequencies, crowds, re-sends |
//! | `keys` | ranges of records | `people` | `keys-N` |
//! | `blocks` | ranges of keys | `people`, `keys-*` | `blocks-N` |
//! | `pairs` | ranges of keys | `people`, `keys-*`, `blocks-*` | `pairs-N` |
//! | `learn` | one | `people`, `pairs-*` | `model` |
//! | `components` | one | `pairs-*`, `model` | `components`: groups of records and their pairs |
//! | `cluster` | ranges of groups | `people`, `model`, `components` | `places-N` |
//!
//! The steps are those of [`super::link`], in the same order of everything that has an order, so
//! that the entities are the same whatever the number of parts.

use std::path::{Path, PathBuf};

use super::blocks::{Blocks, Population};
use super::cluster::{Place, components};
use super::hashing::FastMap;
use super::learn::{learn, strangers};
use super::link::{
    Found, Options, PLAUSIBLE, Pair, candidates, cluster_groups, copies, draws, edges_of,
};
use super::model::Model;
use super::prior::people_learning;
use super::registry::{Registry, most_against};
use super::store::{Reader, Writer};
use crate::error::{Error, Kind, Result};

/// A directory of parts.
#[derive(Debug, Clone)]
pub struct Parts {
    directory: PathBuf,
    /// How many parts the parallel tasks have.
    pub parts: usize,
    threads: usize,
}

/// What every task but the first looks records up in.
#[derive(Debug)]
pub struct Known {
    registry: Registry,
    same_as: Vec<u32>,
}

/// The entities, and what the CLI says of them.
#[derive(Debug)]
pub struct Entities {
    /// One for each record.
    pub places: Vec<Place>,
    /// Records that share a tube with another entity, sorted.
    pub conflicts: Vec<u32>,
    /// Pairs left out because their block was too large, by rule.
    pub lost: Vec<(String, u64)>,
}

fn failed(what: &str, path: &Path, why: &std::io::Error) -> Error {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Error::new(Kind::Invalid, "linkage.part_file", format!("{name} could not be {what}: {why}"))
}

impl Parts {
    /// Names a directory, which exists.
    pub fn new(directory: PathBuf, parts: usize, threads: usize) -> Self {
        Self { directory, parts: parts.max(1), threads: threads.max(1) }
    }

    fn load(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.directory.join(name);
        std::fs::read(&path).map_err(|why| failed("read", &path, &why))
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.directory.join(name);
        // Two workers may do one task twice; the file is whole under its name in any case.
        let beside = self.directory.join(format!("{name}.new-{}", std::process::id()));
        std::fs::write(&beside, bytes)
            .and_then(|()| std::fs::rename(&beside, &path))
            .map_err(|why| failed("written", &path, &why))
    }

    /// Writes what was read from one range of records.
    pub fn store_read(&self, part: usize, registry: &Registry) -> Result<()> {
        let mut to = Writer::default();
        registry.write(&mut to);
        self.store(&format!("read-{part}"), &to.0)
    }

    /// Puts the ranges together, in their order.
    pub fn merge(&self) -> Result<()> {
        let mut all: Option<Registry> = None;
        for part in 0..self.parts {
            let bytes = self.load(&format!("read-{part}"))?;
            let read = Registry::read_from(&mut Reader(&bytes))?;
            match &mut all {
                None => all = Some(read),
                Some(all) => all.take_in(read),
            }
        }
        let mut all = all.unwrap_or_default();
        let same_as = all.settle(self.threads);
        let mut to = Writer::default();
        all.write(&mut to);
        to.list(&same_as);
        self.store("people", &to.0)
    }

    /// What [`Parts::merge`] wrote.
    pub fn known(&self) -> Result<Known> {
        let bytes = self.load("people")?;
        let mut from = Reader(&bytes);
        let mut registry = Registry::read_from(&mut from)?;
        registry.people.note(self.threads);
        let same_as = from.list()?;
        if same_as.len() != registry.len() {
            return Err(Error::new(
                Kind::Malformed,
                "linkage.part_file",
                "people has another number of records than of re-sends",
            ));
        }
        Ok(Known { registry, same_as })
    }

    /// Blocking keys of one range of records.
    pub fn keys(&self, known: &Known, part: usize) -> Result<()> {
        let rules = known.registry.rules().len();
        let count = known.registry.len();
        let (first, last) = (count * part / self.parts, count * (part + 1) / self.parts);
        let mut keys = vec![0; (last - first) * rules];
        for (at, into) in keys.chunks_mut(rules).enumerate() {
            if known.same_as[first + at] as usize == first + at {
                known.registry.keys((first + at) as u32, into);
            }
        }
        let mut to = Writer::default();
        to.list(&keys);
        self.store(&format!("keys-{part}"), &to.0)
    }

    fn all_keys(&self) -> Result<Vec<u32>> {
        let mut keys = Vec::new();
        for part in 0..self.parts {
            keys.extend(Reader(&self.load(&format!("keys-{part}"))?).list()?);
        }
        Ok(keys)
    }

    /// Blocks of one range of keys.
    pub fn blocks(&self, known: &Known, part: usize) -> Result<()> {
        let own = |key: u32| key as usize % self.parts == part;
        let (blocks, changes) =
            Blocks::of_keys(&known.registry, self.all_keys()?, own, self.threads);
        let mut to = Writer::default();
        blocks.write(&mut to);
        for changes in &changes {
            to.list(&changes.iter().flat_map(|(record, key)| [*record, *key]).collect::<Vec<_>>());
        }
        self.store(&format!("blocks-{part}"), &to.0)
    }

    /// Compares the pairs of one range of keys.
    pub fn pairs(&self, known: &Known, part: usize) -> Result<()> {
        let rules = known.registry.rules().len();
        let mut keys = self.all_keys()?;
        let mut own = None;
        for other in 0..self.parts {
            let bytes = self.load(&format!("blocks-{other}"))?;
            let mut from = Reader(&bytes);
            let blocks = Blocks::read(&mut from, rules)?;
            for rule in 0..rules {
                for change in from.list()?.chunks_exact(2) {
                    if let Some(key) = keys.get_mut(change[0] as usize * rules + rule) {
                        *key = change[1];
                    }
                }
            }
            if other == part {
                own = Some(blocks);
            }
        }
        let Some(mut blocks) = own else { return Ok(()) };
        blocks.set_keys(keys);
        let least = Options::default().hopeless();
        let found = candidates(&known.registry, &blocks, &Model::people(), least, self.threads);
        let mut to = Writer::default();
        to.u32(found.patterns.len() as u32);
        for (pattern, count) in found.patterns.iter().zip(&found.counts) {
            to.u64(*pattern);
            to.u64(*count);
        }
        to.list(&found.pairs.iter().flat_map(|p| [p.a, p.b, p.pattern]).collect::<Vec<_>>());
        for lost in &blocks.lost {
            to.u64(*lost);
        }
        self.store(&format!("pairs-{part}"), &to.0)
    }

    fn found(&self) -> Result<(Found, Vec<u64>)> {
        let mut all = Found::default();
        let mut ids = FastMap::default();
        let mut lost: Vec<u64> = Vec::new();
        for part in 0..self.parts {
            let bytes = self.load(&format!("pairs-{part}"))?;
            let mut from = Reader(&bytes);
            let mut map = Vec::new();
            for _ in 0..from.length(16)? {
                let (pattern, count) = (from.u64()?, from.u64()?);
                map.push(all.see(&mut ids, pattern, count));
            }
            for pair in from.list()?.chunks_exact(3) {
                let pattern = map.get(pair[2] as usize).copied().unwrap_or_default();
                all.pairs.push(Pair { a: pair[0], b: pair[1], pattern });
            }
            let mut rule = 0;
            while let Ok(pairs) = from.u64() {
                lost.resize(lost.len().max(rule + 1), 0);
                lost[rule] += pairs;
                rule += 1;
            }
        }
        Ok((all, lost))
    }

    /// Trains the model on all patterns.
    pub fn learn(&self, known: &Known) -> Result<()> {
        let (found, _) = self.found()?;
        let records = known.registry.len();
        let mut model = Model::people();
        let draws = draws(&model, records);
        strangers(&mut model, &known.registry, draws, self.threads);
        learn(&mut model, &people_learning(), &found.counted(), records, self.threads);
        let mut to = Writer::default();
        model.write(&mut to);
        self.store("model", &to.0)
    }

    fn model(&self) -> Result<Model> {
        Model::read(&mut Reader(&self.load("model")?))
    }

    /// Groups of records that plausible pairs connect.
    pub fn components(&self, known: &Known) -> Result<()> {
        let (found, _) = self.found()?;
        let records = known.registry.len();
        let edges = edges_of(&found, &self.model()?, records, PLAUSIBLE, self.threads);
        let groups = components(&edges, PLAUSIBLE);
        let mut to = Writer::default();
        to.u32(groups.len() as u32);
        for group in &groups {
            to.list(group);
        }
        to.list(&edges.iter().flat_map(|e| [e.0, e.1, e.2.to_bits()]).collect::<Vec<_>>());
        self.store("components", &to.0)
    }

    /// Puts together the people of one range of groups.
    pub fn cluster(&self, known: &Known, part: usize) -> Result<()> {
        let model = self.model()?;
        let bytes = self.load("components")?;
        let mut from = Reader(&bytes);
        let mut groups: Vec<Vec<u32>> = Vec::new();
        for _ in 0..from.length(4)? {
            groups.push(from.list()?);
        }
        let (first, last) =
            (groups.len() * part / self.parts, groups.len() * (part + 1) / self.parts);
        let edges: Vec<_> =
            from.list()?.chunks_exact(3).map(|e| (e[0], e[1], f32::from_bits(e[2]))).collect();
        let registry = &known.registry;
        let prior = model.prior(registry.len());
        let odds = |a: u32, b: u32| {
            let pattern = registry.compare(a, b);
            most_against(pattern).map(|most| model.bits_from(pattern, &prior).max(-most))
        };
        let placed =
            cluster_groups(&groups[first..last], &edges, registry.len(), &odds, self.threads);
        let mut to = Writer::default();
        let parts = placed.iter().flat_map(|(record, place)| {
            [*record, place.entity, place.bits.to_bits(), u32::from(place.torn)]
        });
        to.list(&parts.collect::<Vec<_>>());
        self.store(&format!("places-{part}"), &to.0)
    }

    /// The entities of all records.
    pub fn entities(&self, known: &Known) -> Result<Entities> {
        let alone = |i| Place { entity: i, bits: f32::INFINITY, torn: false };
        let mut places: Vec<Place> = (0..known.registry.len() as u32).map(alone).collect();
        for part in 0..self.parts {
            for place in Reader(&self.load(&format!("places-{part}"))?).list()?.chunks_exact(4) {
                if let Some(into) = places.get_mut(place[0] as usize) {
                    let bits = f32::from_bits(place[2]);
                    *into = Place { entity: place[1], bits, torn: place[3] > 0 };
                }
            }
        }
        copies(&mut places, &known.same_as);
        let conflicts = known.registry.shared_tubes(|r| places[r as usize].entity);
        let (_, lost) = self.found()?;
        let names = known.registry.rules().iter().cloned();
        let lost = names.zip(lost).filter(|(_, pairs)| *pairs > 0).collect();
        Ok(Entities { places, conflicts, lost })
    }
}
