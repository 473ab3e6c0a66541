//! Tables of members, tubes, results and closings into a campaign.

use super::columns::{Faults, Rows, Texts};
use crate::error::{Error, Result};
use crate::pooling::campaign::{Campaign, Closing, MemberText, ResultText, TubeText};
use crate::pooling::words::{Code, Outcome};
use crate::pooling::world::{MemberRow, NONE, NOT_COUNTED, ResultRow, TubeRow, flag, given};

/// Adds memberships; `rows` receives the membership number of every row ([`NONE`]: planned).
pub(super) fn add_members(
    campaign: &mut Campaign,
    table: &Rows<'_>,
    rows: &mut Vec<u32>,
) -> Result<()> {
    let mut faults = Faults::default();
    let person = table.texts("person_id", true, &mut faults);
    let tube = table.texts("tube_code", true, &mut faults);
    let added = table.times("added_at", &mut faults);
    let collected = table.times("collected_at", &mut faults);
    let withdrawn = table.bools("withdrawn", &mut faults);
    let symptomatic = table.bools("is_symptomatic", &mut faults);
    let contact_class = table.texts("contact_class", false, &mut faults);
    let specimen_type = table.texts("specimen_type", false, &mut faults);
    let method = table.texts("method", false, &mut faults);
    let round = table.texts("round", false, &mut faults);
    let retest_of = table.texts("retest_of", false, &mut faults);
    let identity = table.texts("identity", false, &mut faults);
    faults.check()?;
    let fitness = Fitness::of(campaign, [&contact_class, &specimen_type, &method]);
    let length = person.get(0).map_or(16, str::len);
    campaign.reserve(table.len(), length);
    rows.reserve(table.len());
    let missing = (0..table.len()).filter(|&row| person.get(row).is_none()).count();
    if missing > 0 {
        return Err(faulty(format!("{missing} rows of members have no person_id")));
    }
    campaign.add_members(table.len(), rows, |row| {
        let mut flags = if withdrawn[row] { flag::WITHDRAWN } else { 0 };
        if fitness.refuses(
            symptomatic[row],
            contact_class.get(row),
            specimen_type.get(row),
            method.get(row),
        ) {
            flags |= flag::NOT_FOR_POOL;
        }
        MemberText {
            person: person.get(row).unwrap_or_default(),
            tube: tube.get(row),
            row: MemberRow { added: added[row], collected: collected[row], flags },
            round: round.get(row),
            retest_of: retest_of.get(row),
            identity: identity.get(row),
        }
    })
}

fn faulty(sentence: String) -> Error {
    Error::new(crate::error::Kind::Invalid, "pooling.rows", sentence)
}

/// F16 as the policy has it.
struct Fitness {
    refuses_symptoms: bool,
    single_contact_classes: Vec<String>,
    pooled_specimen_types: Vec<String>,
    pooled_methods: Vec<String>,
    is_idle: bool,
}

impl Fitness {
    fn of(campaign: &Campaign, columns: [&Texts<'_>; 3]) -> Self {
        let policy = &campaign.world.policy;
        Self {
            refuses_symptoms: !policy.pool_symptomatic,
            single_contact_classes: policy.single_contact_classes.clone(),
            pooled_specimen_types: policy.pooled_specimen_types.clone(),
            pooled_methods: policy.pooled_methods.clone(),
            is_idle: columns.iter().all(|column| column.is_absent()),
        }
    }

    #[inline]
    fn refuses(
        &self,
        is_symptomatic: bool,
        contact_class: Option<&str>,
        specimen_type: Option<&str>,
        method: Option<&str>,
    ) -> bool {
        if self.refuses_symptoms && is_symptomatic {
            return true;
        }
        if self.is_idle {
            return false;
        }
        let is_in = |list: &[String], word: Option<&str>| {
            word.is_some_and(|word| list.iter().any(|w| w == word))
        };
        let is_outside = |list: &[String], word: Option<&str>| {
            !list.is_empty() && word.is_some() && !is_in(list, word)
        };
        is_in(&self.single_contact_classes, contact_class)
            || is_outside(&self.pooled_specimen_types, specimen_type)
            || is_outside(&self.pooled_methods, method)
    }
}

/// Adds tubes.
pub(super) fn add_tubes(campaign: &mut Campaign, table: &Rows<'_>) -> Result<()> {
    let mut faults = Faults::default();
    let code = table.texts("tube_code", true, &mut faults);
    let parent = table.texts("parent_code", false, &mut faults);
    let kind = table.texts("pool_kind", false, &mut faults);
    let planned = table.counts("planned_size", 65_000, &mut faults);
    let counted = table.counts("counted_swabs", 65_000, &mut faults);
    let sealed = table.times("sealed_at", &mut faults);
    let sent = table.times("sent_at", &mut faults);
    let received = table.times("received_at", &mut faults);
    let lost = table.bools("is_lost", &mut faults);
    let rejected = table.bools("is_rejected", &mut faults);
    let used_up = table.bools("is_used_up", &mut faults);
    let groups = ["team", "laboratory", "rack"].map(|name| table.texts(name, false, &mut faults));
    let mut texts = Vec::with_capacity(table.len());
    for row in 0..table.len() {
        let Some(tube) = code.get(row) else {
            faults.add("a row of tubes has no tube_code".to_owned());
            continue;
        };
        let mut bits = 0;
        for (is_set, bit) in [
            (lost[row], given::LOST),
            (rejected[row], given::REJECTED),
            (used_up[row], given::USED_UP),
            (is_media(kind.get(row), &mut faults), given::MEDIA),
        ] {
            bits |= if is_set { bit } else { 0 };
        }
        texts.push(TubeText {
            tube,
            parent: parent.get(row),
            row: TubeRow {
                sealed: sealed[row],
                sent: sent[row],
                received: received[row],
                parent: NONE,
                planned: planned[row].unwrap_or(0),
                counted: counted[row].unwrap_or(NOT_COUNTED),
                given: bits,
            },
            groups: [groups[0].get(row), groups[1].get(row), groups[2].get(row)],
        });
    }
    faults.check()?;
    campaign.add_tubes(&texts)
}

fn is_media(kind: Option<&str>, faults: &mut Faults) -> bool {
    match kind {
        Some("media") => true,
        None | Some("swab") => false,
        Some(other) => {
            faults.add(format!("pool_kind {other} is neither swab nor media"));
            false
        }
    }
}

/// Adds results.
pub(super) fn add_results(campaign: &mut Campaign, table: &Rows<'_>) -> Result<()> {
    let mut faults = Faults::default();
    let tube = table.texts("tube_code", true, &mut faults);
    let outcome = table.texts("outcome", true, &mut faults);
    let id = table.texts("result_id", false, &mut faults);
    let amends = table.texts("amends_id", false, &mut faults);
    let version = table.counts("version", 60_000, &mut faults);
    let run = table.counts("run", 60_000, &mut faults);
    let recorded = table.times("recorded_at", &mut faults);
    let ct = table.numbers("ct_value", &mut faults);
    let mut texts = Vec::with_capacity(table.len());
    for row in 0..table.len() {
        let Some(tube) = tube.get(row) else {
            faults.add("a row of results has no tube_code".to_owned());
            continue;
        };
        let word = outcome.get(row).unwrap_or("");
        let Some(outcome) = Outcome::parse(word).filter(|o| *o != Outcome::Missing) else {
            faults.add(format!("outcome '{word}' is not one of the words of the glossary"));
            continue;
        };
        texts.push(ResultText {
            tube,
            id: id.get(row),
            amends: amends.get(row),
            version: version[row].map(|v| v.max(1)),
            row: ResultRow {
                run: run[row].unwrap_or(1).max(1),
                version: 1,
                outcome,
                recorded: recorded[row],
                ct: ct[row].map_or(f32::NAN, |ct| ct as f32),
            },
        });
    }
    faults.check()?;
    campaign.add_results(&texts)
}

/// Takes note of closed findings.
pub(super) fn add_closings(campaign: &mut Campaign, table: &Rows<'_>) -> Result<()> {
    let mut faults = Faults::default();
    let code = table.texts("code", true, &mut faults);
    let tube = table.texts("tube_code", false, &mut faults);
    let person = table.texts("person_id", false, &mut faults);
    for row in 0..table.len() {
        let word = code.get(row).unwrap_or("");
        match Code::parse(word) {
            Some(code) => {
                campaign.close(&Closing { code, tube: tube.get(row), person: person.get(row) });
            }
            None => faults.add(format!("finding '{word}' does not exist")),
        }
    }
    faults.check()
}
