//! States, tubes, findings and re-tests as Arrow tables.

use std::sync::Arc;

use arrow_array::types::UInt8Type;
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Float32Array, RecordBatch, StringArray, UInt8Array,
    UInt32Array,
};
use arrow_schema::{DataType, Field, Schema};

use crate::error::{Error, Kind, Result};
use crate::pooling::campaign::Campaign;
use crate::pooling::run::Change;
use crate::pooling::words::{Code, Outcome, Reason, State};
use crate::pooling::world::NONE;
use crate::python::arrow::Table;

/// A table of the columns named.
pub(super) fn table(columns: Vec<(&str, ArrayRef)>) -> Result<Table> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays = columns.into_iter().map(|(_, column)| column).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)
        .map_err(|e| Error::new(Kind::Schema, "pooling.output", e.to_string()))?;
    Ok(Table::new(schema, vec![batch]))
}

fn words(texts: &[&'static str], keys: UInt8Array) -> Result<ArrayRef> {
    let values: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    let column = DictionaryArray::<UInt8Type>::try_new(keys, values)
        .map_err(|e| Error::new(Kind::Schema, "pooling.output", e.to_string()))?;
    debug_assert!(matches!(arrow_array::Array::data_type(&column), DataType::Dictionary(_, _)));
    Ok(Arc::new(column))
}

/// A column of states.
pub(super) fn states(keys: Vec<u8>) -> Result<ArrayRef> {
    let texts: Vec<_> = State::ALL.iter().map(|s| s.text()).collect();
    words(&texts, UInt8Array::from(keys))
}

/// A column of reasons; none is null.
pub(super) fn reasons(keys: Vec<u8>) -> Result<ArrayRef> {
    let texts: Vec<_> = Reason::ALL.iter().map(|s| s.text()).collect();
    words(&texts, keys.into_iter().map(|k| (k != Reason::Plain as u8).then_some(k)).collect())
}

/// State and reason of every row of the members handed in.
pub(super) fn members(campaign: &Campaign, rows: &[u32]) -> Result<Table> {
    let world = &campaign.world;
    let is_plain = rows.len() == world.person.len() && rows.iter().zip(0..).all(|(&r, m)| r == m);
    let pick = |column: &[u8], planned: u8| -> Vec<u8> {
        if is_plain {
            return column.to_vec();
        }
        let of = |&row: &u32| if row == NONE { planned } else { column[row as usize] };
        rows.iter().map(of).collect()
    };
    table(vec![
        ("state", states(pick(&world.state, State::NotSampled as u8))?),
        ("reason", reasons(pick(&world.reason, Reason::Plain as u8))?),
    ])
}

/// One row for every tube that is registered or has a result.
pub(super) fn tubes(campaign: &Campaign, only: Option<&[u32]>) -> Result<Table> {
    let world = &campaign.world;
    let numbers: Vec<u32> = match only {
        Some(numbers) => numbers.to_vec(),
        None => (0..world.tubes.len() as u32).collect(),
    };
    let all = || numbers.iter().map(|&n| &world.tubes[n as usize]);
    let code = |&n: &u32| Some(campaign.tubes.text(n));
    let outcomes: Vec<_> = Outcome::ALL.iter().map(|o| o.text()).collect();
    let outcome =
        all().map(|t| (t.outcome != Outcome::Missing).then_some(t.outcome as u8)).collect();
    let found = all().map(|t| {
        let codes = Code::ALL.iter().filter(|c| t.found & c.bit() != 0).map(|c| c.text());
        codes.collect::<Vec<_>>().join(" ")
    });
    let is_blocked = all()
        .map(|t| Code::ALL.iter().any(|&c| t.found & c.bit() != 0 && t.blocks(&world.policy, c)));
    table(vec![
        ("tube_code", Arc::new(numbers.iter().map(code).collect::<StringArray>())),
        ("registered", Arc::new(all().map(|t| Some(t.on_time)).collect::<UInt32Array>())),
        ("late", Arc::new(all().map(|t| Some(t.late)).collect::<UInt32Array>())),
        ("size", Arc::new(all().map(|t| Some(t.size())).collect::<UInt32Array>())),
        ("outcome", words(&outcomes, outcome)?),
        ("run", Arc::new(all().map(|t| Some(t.key >> 16)).collect::<UInt32Array>())),
        ("version", Arc::new(all().map(|t| Some(t.key & 0xFFFF)).collect::<UInt32Array>())),
        (
            "ct_value",
            Arc::new(all().map(|t| Some(t.ct).filter(|c| !c.is_nan())).collect::<Float32Array>()),
        ),
        (
            "is_amended",
            Arc::new(all().map(|t| Some(t.oldest_key < t.key)).collect::<BooleanArray>()),
        ),
        (
            "is_turned_positive",
            Arc::new(all().map(|t| Some(t.is_turned_positive())).collect::<BooleanArray>()),
        ),
        ("state", states(all().map(|t| t.base as u8).collect())?),
        ("reason", reasons(all().map(|t| t.reason as u8).collect())?),
        ("is_blocked", Arc::new(is_blocked.map(Some).collect::<BooleanArray>())),
        ("findings", Arc::new(found.map(Some).collect::<StringArray>())),
    ])
}

/// The first row of the members table for every membership.
fn first_rows(campaign: &Campaign, rows: &[u32]) -> Vec<u32> {
    let mut first = vec![NONE; campaign.world.person.len()];
    for (row, &member) in rows.iter().enumerate().rev() {
        if member != NONE {
            first[member as usize] = row as u32;
        }
    }
    first
}

fn known(number: u32) -> Option<u32> {
    (number != NONE).then_some(number)
}

/// All findings.
pub(super) fn findings(campaign: &Campaign, rows: &[u32], as_of: u32) -> Result<Table> {
    let first = first_rows(campaign, rows);
    let found = campaign.findings(as_of);
    let code = found.iter().map(|f| Some(f.code.text()));
    let tube = found.iter().map(|f| known(f.tube).map(|n| campaign.tubes.text(n)));
    let person = found.iter().map(|f| known(f.person).map(|n| campaign.people.text(n)));
    let row = found.iter().map(|f| known(f.member).and_then(|m| known(first[m as usize])));
    table(vec![
        ("code", Arc::new(code.collect::<StringArray>())),
        (
            "is_blocking",
            Arc::new(found.iter().map(|f| Some(f.is_blocking)).collect::<BooleanArray>()),
        ),
        ("tube_code", Arc::new(tube.collect::<StringArray>())),
        ("person_id", Arc::new(person.collect::<StringArray>())),
        ("row", Arc::new(row.collect::<UInt32Array>())),
        ("detail", Arc::new(found.iter().map(|f| Some(&f.detail)).collect::<StringArray>())),
    ])
}

/// Who has to be tested again.
pub(super) fn retests(campaign: &Campaign, rows: &[u32]) -> Result<Table> {
    let world = &campaign.world;
    let first = first_rows(campaign, rows);
    let found = world.retests();
    let at = || found.iter().map(|r| r.member as usize);
    table(vec![
        (
            "person_id",
            Arc::new(
                at().map(|m| Some(campaign.people.text(world.person[m]))).collect::<StringArray>(),
            ),
        ),
        (
            "tube_code",
            Arc::new(
                at().map(|m| Some(campaign.tubes.text(world.tube[m]))).collect::<StringArray>(),
            ),
        ),
        ("row", Arc::new(at().map(|m| known(first[m])).collect::<UInt32Array>())),
        ("state", states(at().map(|m| world.state[m]).collect())?),
        ("reason", reasons(at().map(|m| world.reason[m]).collect())?),
        ("is_urgent", Arc::new(found.iter().map(|r| Some(r.is_urgent)).collect::<BooleanArray>())),
        (
            "needs_new_sample",
            Arc::new(found.iter().map(|r| Some(r.needs_new_sample)).collect::<BooleanArray>()),
        ),
    ])
}

/// Memberships whose state changed: who, where, the state now and before.
pub(super) fn changes(campaign: &Campaign, changes: &[Change]) -> Result<Table> {
    let world = &campaign.world;
    let at = || changes.iter().map(|c| c.member as usize);
    let person = at().map(|m| Some(campaign.people.text(world.person[m])));
    let tube = at().map(|m| Some(campaign.tubes.text(world.tube[m])));
    table(vec![
        ("person_id", Arc::new(person.collect::<StringArray>())),
        ("tube_code", Arc::new(tube.collect::<StringArray>())),
        ("state", states(at().map(|m| world.state[m]).collect())?),
        ("reason", reasons(at().map(|m| world.reason[m]).collect())?),
        ("state_before", states(changes.iter().map(|c| c.state).collect())?),
        ("reason_before", reasons(changes.iter().map(|c| c.reason).collect())?),
    ])
}

/// Every membership with its state.
pub(super) fn states_of_all(campaign: &Campaign) -> Result<Table> {
    let world = &campaign.world;
    let person = world.person.iter().map(|&p| Some(campaign.people.text(p)));
    let tube = world.tube.iter().map(|&t| Some(campaign.tubes.text(t)));
    table(vec![
        ("person_id", Arc::new(person.collect::<StringArray>())),
        ("tube_code", Arc::new(tube.collect::<StringArray>())),
        ("state", states(world.state.clone())?),
        ("reason", reasons(world.reason.clone())?),
    ])
}
