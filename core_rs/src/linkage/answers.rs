//! A batch of new records against the index and against each other.

use super::compare::compare;
use super::fields::Pattern;
use super::hashing::{FastMap, mix};
use super::index::PersonIndex;
use super::model::probability;
use super::profile::{Profile, Typed};
use super::verdict::{Key, Verdict, verdict};

/// One thing to know about one row of a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// Row of the batch, from 0.
    pub row: u32,
    /// What the exact keys say; [`Verdict::Open`] is a proposal by score.
    pub verdict: Verdict,
    /// The known person, if the other side is in the index.
    pub person: Option<i64>,
    /// The earlier row of the same batch, if the other side is there.
    pub other_row: Option<u32>,
    /// How the two compare.
    pub pattern: Pattern,
    /// Log2 odds that they are one person.
    pub bits: f64,
}

impl Answer {
    /// Stable name: `exact`, `conflict` or `proposal`.
    pub fn kind(&self) -> &'static str {
        match self.verdict {
            Verdict::Same(_) => "exact",
            Verdict::Conflict(_) => "conflict",
            Verdict::Open => "proposal",
        }
    }

    /// The shared document, if any.
    pub fn key(&self) -> Option<Key> {
        match self.verdict {
            Verdict::Same(key) | Verdict::Conflict(key) => Some(key),
            Verdict::Open => None,
        }
    }

    /// Probability that they are one person.
    pub fn probability(&self) -> f64 {
        probability(self.bits)
    }
}

/// Answers for every row, in the order of rows. A row has at most one `exact` answer: where its
/// keys name several people, all of them are conflicts.
pub fn match_rows<'a>(
    index: &mut PersonIndex,
    rows: impl Iterator<Item = Typed<'a>>,
    limit: usize,
    least_bits: f64,
) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut seen: Vec<Profile> = Vec::new();
    let mut shown: FastMap<u64, Vec<u32>> = FastMap::default();
    for (row, typed) in rows.enumerate() {
        let row = row as u32;
        let profile = index.people.read(&typed);
        let first = answers.len();
        let found = index.look_up_profile(&profile, limit, least_bits);
        answers.extend(found.candidates.iter().map(|c| Answer {
            row,
            verdict: c.verdict,
            person: Some(c.person),
            other_row: None,
            pattern: c.pattern,
            bits: c.bits,
        }));
        one_exact(&mut answers[first..]);
        earlier_rows(index, row, &profile, &seen, &mut shown, &mut answers);
        seen.push(profile);
    }
    answers
}

fn one_exact(answers: &mut [Answer]) {
    let exact = answers.iter().filter(|a| matches!(a.verdict, Verdict::Same(_))).count();
    if exact > 1 {
        for answer in answers {
            if let Verdict::Same(key) = answer.verdict {
                answer.verdict = Verdict::Conflict(key);
            }
        }
    }
}

/// The first earlier row that shares a document and is the same person, else those in conflict.
fn earlier_rows(
    index: &PersonIndex,
    row: u32,
    profile: &Profile,
    seen: &[Profile],
    shown: &mut FastMap<u64, Vec<u32>>,
    answers: &mut Vec<Answer>,
) {
    let numbers = [profile.cccd, profile.qid, profile.insurance, u64::from(profile.cmnd)];
    let mut rows: Vec<u32> = Vec::new();
    for (kind, number) in numbers.into_iter().enumerate().filter(|(_, n)| *n != 0) {
        let known = shown.entry(mix(kind as u64, number)).or_default();
        rows.extend(known.iter().take(64));
        known.push(row);
    }
    rows.sort_unstable();
    rows.dedup();
    let mut conflicts = Vec::new();
    for other in rows {
        let known = &seen[other as usize];
        let pattern = compare(&index.people, profile, known);
        let verdict = verdict(pattern, profile, known);
        let bits = index.model.bits(pattern, index.len() + seen.len());
        let answer = Answer { row, verdict, person: None, other_row: Some(other), pattern, bits };
        match verdict {
            Verdict::Same(_) => {
                answers.push(answer);
                return;
            }
            Verdict::Conflict(_) => conflicts.push(answer),
            Verdict::Open => {}
        }
    }
    answers.extend(conflicts);
}
