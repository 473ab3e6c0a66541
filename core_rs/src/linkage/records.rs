//! Records of any kind: fields are named and given a kind, and the engine of people does the rest.
//!
//! Rules of blocking are chosen from the data: every field and every two fields that give small
//! enough blocks, the most selective first, until every field has taken part.

use super::blocks::Population;
use super::fields::{Field, LEVELS, Pattern, with};
use super::hashing::{FastMap, hash_bytes, key, mix};
use super::learn::Learning;
use super::model::{Model, normalised};
use super::spelling::one_slip;

/// What a field holds, and so how two of its values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name or free text: the same (rare to common), similar, less similar, different.
    Name,
    /// A number or code: the same (rare to common), one slip, different.
    Code,
    /// A day as eight digits or with separators: the same, swapped, one part, different.
    Date,
}

impl Kind {
    /// Reads the stable name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "name" | "text" => Some(Self::Name),
            "code" | "number" => Some(Self::Code),
            "date" => Some(Self::Date),
            _ => None,
        }
    }

    /// Names of the levels, probabilities for one thing and for strangers.
    fn levels(self) -> (&'static [&'static str], &'static [f64], &'static [f64]) {
        match self {
            Self::Name => (
                &[
                    "same_rare",
                    "same_uncommon",
                    "same_common",
                    "very_similar",
                    "similar",
                    "a_little_similar",
                    "differs",
                ],
                &[0.25, 0.30, 0.25, 0.08, 0.04, 0.02, 0.06],
                &[1e-4, 1e-3, 1e-2, 2e-3, 6e-3, 3e-2, 0.95],
            ),
            Self::Code => (
                &["same_rare", "same_uncommon", "same_common", "one_slip", "differs"],
                &[0.3, 0.3, 0.25, 0.08, 0.07],
                &[1e-4, 1e-3, 2e-2, 5e-3, 0.97],
            ),
            Self::Date => (
                &["same", "day_and_month_swapped", "one_slip", "two_parts_same", "differs"],
                &[0.85, 0.01, 0.06, 0.04, 0.04],
                &[1e-4, 2e-5, 6e-4, 3e-3, 0.99],
            ),
        }
    }
}

/// One column: each distinct value once.
#[derive(Debug, Clone)]
struct Column {
    kind: Kind,
    values: Vec<Box<str>>,
    counts: Vec<u32>,
    /// Value of each record, [`NOTHING`] if missing.
    ids: Vec<u32>,
}

const NOTHING: u32 = u32::MAX;
/// Rules at most.
const MOST_RULES: usize = 40;
/// Pairs that all rules together may bring, and their bounds for each record: a small set can
/// afford to look at more.
const MOST_PAIRS: f64 = 2e6;
const PAIRS_OF_A_RECORD: (f64, f64) = (48.0, 300.0);

/// Records with their rules of blocking.
#[derive(Debug, Clone)]
pub struct Records {
    columns: Vec<Column>,
    sources: Vec<u32>,
    names: Vec<String>,
    rules: Vec<Vec<(usize, usize)>>,
    count: usize,
}

impl Records {
    /// Reads columns of `(name, kind, value of a row)`; with a source, which is the
    /// column after the fields, only records of different sources are ever one.
    pub fn read<'a>(
        fields: &[(String, Kind)],
        count: usize,
        value: impl Fn(usize, usize) -> Option<&'a str>,
        with_source: bool,
    ) -> Self {
        let columns = fields
            .iter()
            .enumerate()
            .map(|(at, (_, kind))| Column::read(*kind, count, |row| value(at, row)))
            .collect();
        let source = |row| key(hash_bytes(value(fields.len(), row).unwrap_or("").as_bytes()));
        let sources = if with_source { (0..count).map(source).collect() } else { Vec::new() };
        let mut records = Self { columns, sources, names: Vec::new(), rules: Vec::new(), count };
        records.choose_rules(fields);
        records
    }

    /// Keys are made of parts: a field whole (0), its first three letters (1), its letters without
    /// vowels (2).
    fn part(&self, record: u32, (field, how): (usize, usize)) -> u64 {
        let column = &self.columns[field];
        let id = column.ids[record as usize];
        if id == NOTHING {
            return 0;
        }
        let text = &column.values[id as usize];
        let bytes = text.as_bytes();
        match how {
            0 => hash_bytes(bytes),
            1 => hash_bytes(&bytes[..bytes.len().min(3)]) ^ 5,
            _ => {
                let rest = |c: &char| !matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'h' | 'w');
                let mut kept: String = text.chars().take(1).collect();
                kept.extend(text.chars().skip(1).filter(rest));
                kept.as_bytes().chunk_by(|a, b| a == b).fold(9, |h, c| mix(h, u64::from(c[0])))
            }
        }
    }

    fn choose_rules(&mut self, fields: &[(String, Kind)]) {
        let mut parts = Vec::new();
        for (field, (_, kind)) in fields.iter().enumerate() {
            parts.push((field, 0));
            if *kind == Kind::Name {
                parts.push((field, 1));
                parts.push((field, 2));
            }
        }
        let mut tried: Vec<(f64, Vec<(usize, usize)>)> = Vec::new();
        for (at, a) in parts.iter().enumerate() {
            tried.push((0.0, vec![*a]));
            for b in parts[at + 1..].iter().filter(|b| b.0 != a.0) {
                tried.push((0.0, vec![*a, *b]));
                for c in parts.iter().filter(|c| c.0 > b.0 && c.1 == 0 && a.1 == 0 && b.1 == 0) {
                    tried.push((0.0, vec![*a, *b, *c]));
                }
            }
        }
        for (pairs, rule) in &mut tried {
            *pairs = self.pairs_of(rule);
        }
        let (least, most) = PAIRS_OF_A_RECORD;
        let mut budget = (MOST_PAIRS / self.count.max(1) as f64).clamp(least, most);
        tried.retain(|(pairs, _)| *pairs > 0.0 && *pairs <= budget / 4.0);
        // Few fields first: a rule of one field forgives errors in all the others.
        tried.sort_by(|a, b| {
            a.1.len().cmp(&b.1.len()).then(a.0.total_cmp(&b.0)).then(a.1.cmp(&b.1))
        });
        for (pairs, rule) in tried {
            // A rule that adds a field to one already taken brings nothing new.
            let known = self.rules.iter().any(|r| r.iter().all(|part| rule.contains(part)));
            if self.rules.len() < MOST_RULES && !known && pairs <= budget {
                budget -= pairs;
                self.rules.push(rule);
            }
        }
        let label = |(field, how): &(usize, usize)| {
            let suffix = ["", "_start", "_sound"][*how];
            format!("{}{suffix}", fields[*field].0)
        };
        self.names = self
            .rules
            .iter()
            .map(|rule| rule.iter().map(label).collect::<Vec<_>>().join("_and_"))
            .collect();
    }

    /// Pairs a record that a rule brings, from a sample of keys of all records.
    fn pairs_of(&self, rule: &[(usize, usize)]) -> f64 {
        let mut blocks: FastMap<u32, u32> = FastMap::default();
        for record in 0..self.count as u32 {
            let key = self.key(record, rule);
            if key != 0 {
                *blocks.entry(key).or_default() += 1;
            }
        }
        let pairs: f64 = blocks.values().map(|n| f64::from(*n) * f64::from(n - 1) / 2.0).sum();
        pairs / self.count.max(1) as f64
    }

    fn key(&self, record: u32, rule: &[(usize, usize)]) -> u32 {
        let mut hash = rule.len() as u64;
        for part in rule {
            match self.part(record, *part) {
                0 => return 0,
                found => hash = mix(mix(hash, found), (part.0 * 3 + part.1) as u64),
            }
        }
        key(hash)
    }

    /// A model to start from: one thing, and strangers.
    pub fn model(&self, fields: &[(String, Kind)]) -> (Model, Vec<Vec<Learning>>) {
        let levels: Vec<_> = fields.iter().map(|(_, kind)| kind.levels()).collect();
        let named = fields
            .iter()
            .zip(&levels)
            .map(|((name, _), (names, ..))| Field {
                name: name.clone(),
                levels: std::iter::once("missing")
                    .chain(names.iter().copied())
                    .map(str::to_owned)
                    .collect(),
            })
            .collect();
        let same = levels.iter().map(|(_, p, _)| normalised(p)).collect();
        let strangers = levels.iter().map(|(_, _, p)| normalised(p)).collect();
        let mut model = Model::new(named, vec![same, strangers], vec![0.2]);
        // No level is that high: there are no houses here.
        model.one_house = LEVELS..=LEVELS;
        (model, vec![vec![Learning::Free(40.0); fields.len()]])
    }
}

impl Column {
    fn read<'a>(kind: Kind, count: usize, value: impl Fn(usize) -> Option<&'a str>) -> Self {
        let mut known: FastMap<Box<str>, u32> = FastMap::default();
        let mut column = Self { kind, values: Vec::new(), counts: Vec::new(), ids: Vec::new() };
        for row in 0..count {
            let text: String = value(row).unwrap_or("").trim().to_lowercase();
            let text = match kind {
                Kind::Date => text.chars().filter(char::is_ascii_digit).collect(),
                Kind::Name | Kind::Code => text,
            };
            if text.is_empty() {
                column.ids.push(NOTHING);
                continue;
            }
            let next = column.values.len() as u32;
            let id = *known.entry(text.as_str().into()).or_insert(next);
            if id == next {
                column.values.push(text.into());
                column.counts.push(0);
            }
            column.counts[id as usize] += 1;
            column.ids.push(id);
        }
        column
    }

    fn compare(&self, a: u32, b: u32) -> usize {
        let (x, y) = (self.ids[a as usize], self.ids[b as usize]);
        if x == NOTHING || y == NOTHING {
            return 0;
        }
        if x == y {
            let share = f64::from(self.counts[x as usize]) / self.ids.len() as f64;
            return match self.kind {
                Kind::Date => 1,
                _ => 1 + usize::from(share > 1e-3) + usize::from(share > 8e-3),
            };
        }
        let (x, y) = (&*self.values[x as usize], &*self.values[y as usize]);
        match self.kind {
            Kind::Name => match jaro_winkler(x.as_bytes(), y.as_bytes()) {
                0.93.. => 4,
                0.86.. => 5,
                0.76.. => 6,
                _ => 7,
            },
            // A slip in a number of one or two digits is any other number.
            Kind::Code => 4 + usize::from(x.len().min(y.len()) < 4 || !one_slip(x, y)),
            Kind::Date => date_level(x, y),
        }
    }
}

/// Two different dates of eight digits; of other lengths they only slip or differ.
fn date_level(x: &str, y: &str) -> usize {
    if x.len() == 8 && y.len() == 8 && x.is_ascii() && y.is_ascii() {
        let parts = |t: &str| (t[..4].to_owned(), t[4..6].to_owned(), t[6..].to_owned());
        let ((a, b, c), (d, e, f)) = (parts(x), parts(y));
        if a == d && b == f && c == e {
            return 2;
        }
        if one_slip(x, y) {
            return 3;
        }
        let same = usize::from(a == d) + usize::from(b == e) + usize::from(c == f);
        return if same == 2 { 4 } else { 5 };
    }
    if one_slip(x, y) { 3 } else { 5 }
}

/// Jaro–Winkler similarity of bytes, 0 to 1 (Winkler 1990; prefix of four, weight 0.1).
fn jaro_winkler(a: &[u8], b: &[u8]) -> f64 {
    let (a, b) = (&a[..a.len().min(64)], &b[..b.len().min(64)]);
    let window = (a.len().max(b.len()) / 2).saturating_sub(1);
    let (mut in_a, mut in_b) = (0_u64, 0_u64);
    for (i, x) in a.iter().enumerate() {
        let last = (i + window + 1).min(b.len());
        for (j, y) in b.iter().enumerate().take(last).skip(i.saturating_sub(window)) {
            if in_b & (1 << j) == 0 && y == x {
                in_a |= 1 << i;
                in_b |= 1 << j;
                break;
            }
        }
    }
    let found = in_a.count_ones();
    if found == 0 {
        return 0.0;
    }
    let matched = |text: &[u8], bits: u64| -> Vec<u8> {
        text.iter().enumerate().filter(|(i, _)| bits & (1 << i) != 0).map(|(_, c)| *c).collect()
    };
    let moved = matched(a, in_a).iter().zip(&matched(b, in_b)).filter(|(x, y)| x != y).count();
    let m = f64::from(found);
    let jaro = (m / a.len() as f64 + m / b.len() as f64 + (m - moved as f64 / 2.0) / m) / 3.0;
    let prefix = a.iter().zip(b).take(4).take_while(|(x, y)| x == y).count();
    jaro + prefix as f64 * 0.1 * (1.0 - jaro)
}

impl Population for Records {
    fn len(&self) -> usize {
        self.count
    }

    fn rules(&self) -> &[String] {
        &self.names
    }

    fn keys(&self, record: u32, into: &mut [u32]) {
        for (key, rule) in into.iter_mut().zip(&self.rules) {
            *key = self.key(record, rule);
        }
    }

    fn splits(&self, record: u32) -> [u32; 3] {
        std::array::from_fn(|at| {
            self.columns.get(at).map_or(0, |c| c.ids[record as usize].wrapping_add(1))
        })
    }

    fn compare(&self, a: u32, b: u32) -> Pattern {
        self.columns.iter().enumerate().fold(0, |p, (at, c)| with(p, at, c.compare(a, b)))
    }

    fn may_match(&self, a: u32, b: u32) -> bool {
        self.sources.is_empty() || self.sources[a as usize] != self.sources[b as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jaro_winkler_gives_the_published_values() {
        for (a, b, expected) in
            [("martha", "marhta", 0.961), ("dwayne", "duane", 0.84), ("dixon", "dicksonx", 0.813)]
        {
            assert!((jaro_winkler(a.as_bytes(), b.as_bytes()) - expected).abs() < 1e-3, "{a} {b}");
        }
    }
}
