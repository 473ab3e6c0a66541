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
    if table.len() == 0 {
        return Ok(());
    }
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

struct TubeColumns<'a> {
    code: Texts<'a>,
    parent: Texts<'a>,
    kind: Texts<'a>,
    planned: Vec<Option<u16>>,
    counted: Vec<Option<u16>>,
    sealed: Vec<u32>,
    sent: Vec<u32>,
    received: Vec<u32>,
    lost: Vec<bool>,
    rejected: Vec<bool>,
    used_up: Vec<bool>,
    groups: [Texts<'a>; 3],
}

impl<'a> TubeColumns<'a> {
    fn of(table: &'a Rows<'_>, faults: &mut Faults) -> Self {
        Self {
            code: table.texts("tube_code", true, faults),
            parent: table.texts("parent_code", false, faults),
            kind: table.texts("pool_kind", false, faults),
            planned: table.counts("planned_size", 65_000, faults),
            counted: table.counts("counted_swabs", 65_000, faults),
            sealed: table.times("sealed_at", faults),
            sent: table.times("sent_at", faults),
            received: table.times("received_at", faults),
            lost: table.bools("is_lost", faults),
            rejected: table.bools("is_rejected", faults),
            used_up: table.bools("is_used_up", faults),
            groups: ["team", "laboratory", "rack"].map(|name| table.texts(name, false, faults)),
        }
    }

    fn row(&self, row: usize, faults: &mut Faults) -> Option<TubeText<'_>> {
        let Some(tube) = self.code.get(row) else {
            faults.add("a row of tubes has no tube_code".to_owned());
            return None;
        };
        let mut bits = 0;
        for (is_set, bit) in [
            (self.lost[row], given::LOST),
            (self.rejected[row], given::REJECTED),
            (self.used_up[row], given::USED_UP),
            (is_media(self.kind.get(row), faults), given::MEDIA),
        ] {
            bits |= if is_set { bit } else { 0 };
        }
        Some(TubeText {
            tube,
            parent: self.parent.get(row),
            row: TubeRow {
                sealed: self.sealed[row],
                sent: self.sent[row],
                received: self.received[row],
                parent: NONE,
                planned: self.planned[row].unwrap_or(0),
                counted: self.counted[row].unwrap_or(NOT_COUNTED),
                given: bits,
            },
            groups: [0, 1, 2].map(|at| self.groups[at].get(row)),
        })
    }
}

/// Adds tubes; the chunks of one table count as one call.
pub(super) fn add_tubes(campaign: &mut Campaign, tables: &[Rows<'_>]) -> Result<()> {
    let mut faults = Faults::default();
    let chunks: Vec<_> = tables.iter().map(|t| TubeColumns::of(t, &mut faults)).collect();
    let mut texts = Vec::with_capacity(tables.iter().map(Rows::len).sum());
    for (table, columns) in tables.iter().zip(&chunks) {
        texts.extend((0..table.len()).filter_map(|row| columns.row(row, &mut faults)));
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

struct ResultColumns<'a> {
    tube: Texts<'a>,
    outcome: Texts<'a>,
    id: Texts<'a>,
    amends: Texts<'a>,
    version: Vec<Option<u16>>,
    run: Vec<Option<u16>>,
    recorded: Vec<u32>,
    ct: Vec<Option<f64>>,
}

impl<'a> ResultColumns<'a> {
    fn of(table: &'a Rows<'_>, faults: &mut Faults) -> Self {
        Self {
            tube: table.texts("tube_code", true, faults),
            outcome: table.texts("outcome", true, faults),
            id: table.texts("result_id", false, faults),
            amends: table.texts("amends_id", false, faults),
            version: table.counts("version", 60_000, faults),
            run: table.counts("run", 60_000, faults),
            recorded: table.times("recorded_at", faults),
            ct: table.numbers("ct_value", faults),
        }
    }

    fn row(&self, row: usize, faults: &mut Faults) -> Option<ResultText<'_>> {
        let Some(tube) = self.tube.get(row) else {
            faults.add("a row of results has no tube_code".to_owned());
            return None;
        };
        let word = self.outcome.get(row).unwrap_or("");
        let Some(outcome) = Outcome::parse(word).filter(|o| *o != Outcome::Missing) else {
            faults.add(format!("outcome '{word}' is not one of the words of the glossary"));
            return None;
        };
        Some(ResultText {
            tube,
            id: self.id.get(row),
            amends: self.amends.get(row),
            version: self.version[row].map(|v| v.max(1)),
            row: ResultRow {
                run: self.run[row].unwrap_or(1).max(1),
                version: 1,
                outcome,
                recorded: self.recorded[row],
                ct: self.ct[row].map_or(f32::NAN, |ct| ct as f32),
            },
        })
    }
}

/// Adds results; the chunks of one table count as one call.
pub(super) fn add_results(campaign: &mut Campaign, tables: &[Rows<'_>]) -> Result<()> {
    let mut faults = Faults::default();
    let chunks: Vec<_> = tables.iter().map(|t| ResultColumns::of(t, &mut faults)).collect();
    let mut texts = Vec::with_capacity(tables.iter().map(Rows::len).sum());
    for (table, columns) in tables.iter().zip(&chunks) {
        texts.extend((0..table.len()).filter_map(|row| columns.row(row, &mut faults)));
    }
    faults.check()?;
    campaign.add_results(&texts)
}

/// Takes note of closed findings.
pub(super) fn add_closings(campaign: &mut Campaign, tables: &[Rows<'_>]) -> Result<()> {
    let mut faults = Faults::default();
    for table in tables {
        close_all(campaign, table, &mut faults);
    }
    faults.check()
}

fn close_all(campaign: &mut Campaign, table: &Rows<'_>, faults: &mut Faults) {
    let code = table.texts("code", true, faults);
    let tube = table.texts("tube_code", false, faults);
    let person = table.texts("person_id", false, faults);
    for row in 0..table.len() {
        let word = code.get(row).unwrap_or("");
        match Code::parse(word) {
            Some(code) => {
                campaign.close(&Closing { code, tube: tube.get(row), person: person.get(row) });
            }
            None => faults.add(format!("finding '{word}' does not exist")),
        }
    }
}
