//! Fellegi and Sunter's model with more than one kind of stranger.
//!
//! A pair is of one of several classes: the same person; twins; two people of one household; two
//! strangers of one year of birth, whose names are of one time; two other strangers. Each class
//! has its own probability for every level of every field, and the fields are independent only
//! inside a class. So a shared phone, address and surname is one piece of
//! evidence (it moves a pair from strangers to household), not three, and a shared day of birth
//! in one household points to twins before it points to one person.
//!
//! Fellegi, Sunter: A theory for record linkage. JASA 64 (1969) 1183–1210. Latent classes with
//! dependence between fields: Winkler, RR93/12, US Bureau of the Census (1993).

use super::fields::{Field, LEVELS, PEOPLE, Pattern, level};

/// Probabilities of one class: field → level → probability; level 0 is always 1.
pub type Table = Vec<Vec<f64>>;

/// A trained or shipped model.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Names of fields and levels.
    pub fields: Vec<Field>,
    /// Classes, the same person first and strangers last.
    pub classes: Vec<Table>,
    /// Pairs of each class for each record, but for strangers, whose number follows from the
    /// number of records.
    pub rates: Vec<f64>,
    /// Share of the pairs of strangers that the last class but one has, if that is strangers too:
    /// people born in one year, whose names are of one time.
    pub of_one_year: Option<f64>,
    /// What was found when the model's odds were compared with the truth, for pairs of different
    /// houses and of one house: offset and slope of the log2 odds.
    pub calibration: [[f64; 2]; 2],
    /// Levels of the first field that mean one house.
    pub one_house: std::ops::RangeInclusive<usize>,
    /// Natural logs of `classes` by field and level, one entry for each class.
    logs: Vec<[[f64; CLASSES]; LEVELS]>,
}

/// The most classes a model may have.
pub const CLASSES: usize = 8;

/// One field's part of a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Weight<'a> {
    /// Name of the field.
    pub field: &'a str,
    /// Name of the level.
    pub level: &'a str,
    /// Bits for (positive) or against (negative) the same person.
    pub bits: f64,
}

impl Model {
    /// Log2 odds that a pair with this pattern is one person, among `records` records.
    pub fn bits(&self, pattern: Pattern, records: usize) -> f64 {
        self.bits_from(pattern, &self.prior(records))
    }

    /// What [`Model::bits_from`] starts from: the same for all pairs among `records` records.
    pub fn prior(&self, records: usize) -> [f64; CLASSES] {
        let mut scratch = [0.0; CLASSES];
        self.start(records, &mut scratch);
        scratch
    }

    /// [`Model::bits`] for many pairs with one prior.
    pub fn bits_from(&self, pattern: Pattern, prior: &[f64; CLASSES]) -> f64 {
        let scratch = self.walk(pattern, prior);
        self.calibrated(pattern, self.odds(&scratch))
    }

    /// A bound that [`Model::bits_from`] never passes, without a logarithm: most of the people
    /// who share some key are no candidates, and this is all that is asked about them.
    pub fn most_bits_from(&self, pattern: Pattern, prior: &[f64; CLASSES]) -> f64 {
        let scratch = self.walk(pattern, prior);
        let others = &scratch[1..self.classes.len()];
        let most = others.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        self.calibrated(pattern, (scratch[0] - most) / std::f64::consts::LN_2)
    }

    #[inline]
    fn walk(&self, pattern: Pattern, prior: &[f64; CLASSES]) -> [f64; CLASSES] {
        let mut scratch = *prior;
        for field in 0..self.fields.len() {
            self.step(field, level(pattern, field), &mut scratch);
        }
        scratch
    }

    fn calibrated(&self, pattern: Pattern, odds: f64) -> f64 {
        let house = usize::from(self.one_house.contains(&level(pattern, 0)));
        let [offset, slope] = self.calibration[house];
        offset + slope * odds
    }

    /// Every field's weight; with the first, `prior`, they add up to [`Model::bits`] exactly.
    ///
    /// Weights are conditional on the fields before: the day of birth weighs less inside a
    /// household, where the alternative is a twin and not a stranger.
    pub fn explain(&self, pattern: Pattern, records: usize) -> (f64, Vec<Weight<'_>>) {
        let mut scratch = [0.0; CLASSES];
        self.start(records, &mut scratch);
        let prior = self.odds(&scratch);
        let mut before = prior;
        let weights = self.fields.iter().enumerate().map(|(at, field)| {
            let found = level(pattern, at);
            self.step(at, found, &mut scratch);
            let after = self.odds(&scratch);
            let bits = after - before;
            before = after;
            Weight { field: &field.name, level: &field.levels[found], bits }
        });
        let mut weights: Vec<_> = weights.collect();
        let bits = self.calibrated(pattern, before) - before;
        weights.push(Weight { field: "calibration", level: "calibration", bits });
        (prior, weights)
    }

    /// The share of each class in the pairs with this pattern; see [`Model::prior`].
    pub(super) fn shares(&self, pattern: Pattern, prior: &[f64; CLASSES]) -> [f64; CLASSES] {
        let mut scratch = self.walk(pattern, prior);
        let own = &mut scratch[..self.classes.len()];
        let most = own.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for share in own.iter_mut() {
            *share = (*share - most).exp();
        }
        let sum: f64 = own.iter().sum();
        for share in own.iter_mut() {
            *share /= sum;
        }
        scratch[self.classes.len()..].fill(0.0);
        scratch
    }

    /// Log of the expected number of pairs of each class, before any field.
    fn start(&self, records: usize, scratch: &mut [f64; CLASSES]) {
        // Alone, a first person has no stranger to be confused with; a hundred is a small place.
        let records = records.max(100) as f64;
        for (class, rate) in self.rates.iter().enumerate() {
            scratch[class] = (rate * records).ln();
        }
        let strangers = (records * (records - 1.0) / 2.0).ln();
        let last = self.rates.len();
        match self.of_one_year {
            None => scratch[last] = strangers,
            Some(share) => {
                scratch[last] = strangers + share.ln();
                scratch[last + 1] = strangers + (-share).ln_1p();
            }
        }
    }

    #[inline]
    fn step(&self, field: usize, level: usize, scratch: &mut [f64; CLASSES]) {
        let logs = &self.logs[field][level];
        for (sum, log) in scratch.iter_mut().zip(logs) {
            *sum += log;
        }
    }

    /// A model of these parts.
    pub fn new(fields: Vec<Field>, classes: Vec<Table>, rates: Vec<f64>) -> Self {
        let mut model = Self {
            fields,
            classes,
            rates,
            of_one_year: None,
            calibration: [[0.0, 1.0]; 2],
            one_house: 1..=5,
            logs: Vec::new(),
        };
        model.refresh();
        model
    }

    /// Call after a change of `classes`.
    pub fn refresh(&mut self) {
        let log = |field: usize, level: usize| {
            let mut logs = [0.0; CLASSES];
            for (log, table) in logs.iter_mut().zip(&self.classes) {
                *log = table[field].get(level).map_or(f64::NEG_INFINITY, |p| p.ln());
            }
            logs
        };
        self.logs = (0..self.fields.len())
            .map(|field| std::array::from_fn(|level| log(field, level)))
            .collect();
    }

    fn odds(&self, scratch: &[f64; CLASSES]) -> f64 {
        let others = &scratch[1..self.classes.len()];
        let most = others.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = others.iter().map(|x| (x - most).exp()).sum();
        (scratch[0] - most - sum.ln()) / std::f64::consts::LN_2
    }

    /// The model shipped for people, before any training.
    pub fn people() -> Self {
        let fields = PEOPLE
            .iter()
            .map(|(name, levels)| Field {
                name: (*name).to_owned(),
                levels: levels.iter().map(|l| (*l).to_owned()).collect(),
            })
            .collect();
        let classes = super::prior::PEOPLE
            .iter()
            .map(|class| class.iter().map(|levels| normalised(levels)).collect())
            .collect();
        let mut model = Self::new(fields, classes, super::prior::PEOPLE_RATES.to_vec());
        model.of_one_year = Some(super::prior::PEOPLE_OF_ONE_YEAR);
        model.calibration = super::prior::PEOPLE_CALIBRATION;
        model
    }
}

/// Level 0 with probability 1, and the others so that they add up to 1.
pub(super) fn normalised(levels: &[f64]) -> Vec<f64> {
    let sum: f64 = levels.iter().sum();
    std::iter::once(1.0).chain(levels.iter().map(|p| p / sum)).collect()
}

/// What is left of doubt whatever the fields say: a card may be lent and a form filled in for
/// another, and no field shows it.
const LEAST_DOUBT: f64 = 5e-5;

/// Log2 odds → probability.
pub fn probability(bits: f64) -> f64 {
    (1.0 - LEAST_DOUBT) / (1.0 + (-bits * std::f64::consts::LN_2).exp())
}
