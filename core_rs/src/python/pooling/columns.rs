//! Typed columns out of Arrow tables or, for a few rows, out of Python dictionaries.
//!
//! Both give the same types, so the rules above never know where a row came from. What is missing
//! or of a wrong type is gathered and told all at once.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{Error, Kind};
use crate::python::arrow::Text;

/// Sentences about what is wrong with the tables handed in.
#[derive(Default)]
pub(super) struct Faults(Vec<String>);

impl Faults {
    pub(super) fn add(&mut self, sentence: String) {
        if self.0.len() < 20 && !self.0.contains(&sentence) {
            self.0.push(sentence);
        }
    }

    pub(super) fn check(self) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Error::new(Kind::Schema, "pooling.columns", self.0.join("; ")))
    }
}

/// A text column.
pub(super) enum Texts<'a> {
    Arrow(Text<'a>),
    Own(Vec<Option<String>>),
    Absent,
}

impl Texts<'_> {
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        let text = match self {
            Self::Arrow(text) => text.get(row),
            Self::Own(texts) => texts[row].as_deref(),
            Self::Absent => None,
        };
        text.filter(|t| !t.is_empty())
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// Rows of one table: an Arrow batch or a list of dictionaries.
pub(super) enum Rows<'py> {
    Batch(RecordBatch),
    Dicts(Vec<Bound<'py, PyDict>>),
}

impl Rows<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Batch(batch) => batch.num_rows(),
            Self::Dicts(dicts) => dicts.len(),
        }
    }

    fn need(&self, name: &str, is_there: bool, faults: &mut Faults) {
        if !is_there && self.len() > 0 {
            faults.add(format!("column {name} is missing"));
        }
    }

    /// Text; numbers are read as their digits. A required column must exist.
    pub(super) fn texts(&self, name: &str, is_required: bool, faults: &mut Faults) -> Texts<'_> {
        match self {
            Self::Batch(batch) => {
                let Some(column) = batch.column_by_name(name) else {
                    self.need(name, !is_required, faults);
                    return Texts::Absent;
                };
                text_of(name, column).unwrap_or_else(|error| {
                    faults.add(error.message().to_owned());
                    Texts::Absent
                })
            }
            Self::Dicts(dicts) => {
                let mut is_there = false;
                let own = dicts.iter().map(|row| {
                    let value = row.get_item(name).ok().flatten().filter(|v| !v.is_none())?;
                    is_there = true;
                    value.str().ok().map(|text| text.to_string())
                });
                let own = own.collect();
                self.need(name, is_there || !is_required, faults);
                Texts::Own(own)
            }
        }
    }

    /// Instants in seconds since 1970, 0 where unknown.
    pub(super) fn times(&self, name: &str, faults: &mut Faults) -> Vec<u32> {
        let mut is_outside = false;
        let mut second = |second: i64| {
            u32::try_from(second).ok().filter(|&s| s > 0).unwrap_or_else(|| {
                is_outside = true;
                0
            })
        };
        let times = match self {
            Self::Batch(batch) => match batch.column_by_name(name) {
                None => vec![0; self.len()],
                Some(column) => seconds_of(name, column, second).unwrap_or_else(|error| {
                    faults.add(error.message().to_owned());
                    vec![0; self.len()]
                }),
            },
            Self::Dicts(dicts) => dicts
                .iter()
                .map(|row| {
                    let value = row.get_item(name).ok().flatten().filter(|v| !v.is_none());
                    let Some(value) = value else { return 0 };
                    let has_zone = value.getattr("tzinfo").is_ok_and(|zone| !zone.is_none());
                    let stamp = value.call_method0("timestamp").and_then(|t| t.extract::<f64>());
                    match stamp {
                        Ok(stamp) if has_zone => second(stamp.floor() as i64),
                        _ => {
                            faults.add(format!("column {name} needs instants with a time zone"));
                            0
                        }
                    }
                })
                .collect(),
        };
        if is_outside {
            faults.add(format!("column {name} has instants before 1970 or after 2106"));
        }
        times
    }

    /// Yes or no; null and a missing column are no.
    pub(super) fn bools(&self, name: &str, faults: &mut Faults) -> Vec<bool> {
        match self {
            Self::Batch(batch) => match batch.column_by_name(name) {
                None => vec![false; self.len()],
                Some(column) => match column.data_type() {
                    DataType::Boolean => {
                        column.as_boolean().iter().map(|v| v == Some(true)).collect()
                    }
                    DataType::Null => vec![false; self.len()],
                    other => {
                        faults
                            .add(format!("column {name} is {other}, and true or false is needed"));
                        vec![false; self.len()]
                    }
                },
            },
            Self::Dicts(dicts) => dicts
                .iter()
                .map(|row| {
                    let value = row.get_item(name).ok().flatten().filter(|v| !v.is_none());
                    let Some(value) = value else { return false };
                    value.extract().unwrap_or_else(|_| {
                        faults.add(format!("column {name} needs true or false"));
                        false
                    })
                })
                .collect(),
        }
    }

    /// Numbers; null, NaN and a missing column are `None`.
    pub(super) fn numbers(&self, name: &str, faults: &mut Faults) -> Vec<Option<f64>> {
        match self {
            Self::Batch(batch) => match batch.column_by_name(name) {
                None => vec![None; self.len()],
                Some(column) => numbers_of(name, column).unwrap_or_else(|error| {
                    faults.add(error.message().to_owned());
                    vec![None; self.len()]
                }),
            },
            Self::Dicts(dicts) => dicts
                .iter()
                .map(|row| {
                    let value = row.get_item(name).ok().flatten().filter(|v| !v.is_none())?;
                    let number = value.extract::<f64>();
                    if number.is_err() {
                        faults.add(format!("column {name} needs numbers"));
                    }
                    number.ok().filter(|n| !n.is_nan())
                })
                .collect(),
        }
    }

    /// Whole numbers within `0..=limit`.
    pub(super) fn counts(&self, name: &str, limit: u16, faults: &mut Faults) -> Vec<Option<u16>> {
        let numbers = self.numbers(name, faults);
        let mut is_wrong = false;
        let counts = numbers
            .into_iter()
            .map(|number| {
                let number = number?;
                if number.fract() == 0.0 && (0.0..=f64::from(limit)).contains(&number) {
                    return Some(number as u16);
                }
                is_wrong = true;
                None
            })
            .collect();
        if is_wrong {
            faults.add(format!("column {name} has values that are not whole numbers to {limit}"));
        }
        counts
    }
}

fn wrong_type(name: &str, column: &ArrayRef, needed: &str) -> Error {
    let message = format!("column {name} is {}, and {needed} is needed", column.data_type());
    Error::new(Kind::Schema, "pooling.columns", message)
}

fn text_of<'a>(name: &str, column: &'a ArrayRef) -> Result<Texts<'a>, Error> {
    match column.data_type() {
        DataType::Int64 => Ok(digits::<Int64Type>(column)),
        DataType::Int32 => Ok(digits::<Int32Type>(column)),
        DataType::Int16 => Ok(digits::<Int16Type>(column)),
        DataType::Int8 => Ok(digits::<Int8Type>(column)),
        DataType::UInt64 => Ok(digits::<UInt64Type>(column)),
        DataType::UInt32 => Ok(digits::<UInt32Type>(column)),
        DataType::UInt16 => Ok(digits::<UInt16Type>(column)),
        DataType::UInt8 => Ok(digits::<UInt8Type>(column)),
        DataType::Dictionary(_, _) => {
            let dictionary = column.as_any_dictionary();
            let values = dictionary.values();
            if values.is_empty() {
                return Ok(Texts::Own(vec![None; column.len()])); // nothing but nulls
            }
            let values = Text::of(name, values)?;
            let keys = dictionary.normalized_keys();
            let own = keys.iter().enumerate().map(|(row, &key)| {
                let text = column.is_valid(row).then(|| values.get(key)).flatten();
                text.map(str::to_owned)
            });
            Ok(Texts::Own(own.collect()))
        }
        _ => Text::of(name, column).map(Texts::Arrow),
    }
}

fn digits<T: ArrowPrimitiveType>(column: &ArrayRef) -> Texts<'static>
where
    T::Native: std::fmt::Display,
{
    let column = column.as_primitive::<T>();
    Texts::Own(column.iter().map(|v| v.map(|number| number.to_string())).collect())
}

fn seconds_of(
    name: &str,
    column: &ArrayRef,
    second: impl FnMut(i64) -> u32,
) -> Result<Vec<u32>, Error> {
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            Ok(scaled::<TimestampSecondType, 1>(column, second))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            Ok(scaled::<TimestampMillisecondType, 1_000>(column, second))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Ok(scaled::<TimestampMicrosecondType, 1_000_000>(column, second))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            Ok(scaled::<TimestampNanosecondType, 1_000_000_000>(column, second))
        }
        DataType::Null => Ok(vec![0; column.len()]),
        _ => Err(wrong_type(name, column, "an instant (timestamp)")),
    }
}

fn scaled<T: ArrowPrimitiveType<Native = i64>, const UNIT: i64>(
    column: &ArrayRef,
    mut second: impl FnMut(i64) -> u32,
) -> Vec<u32> {
    let column = column.as_primitive::<T>();
    if column.null_count() == 0 {
        return column.values().iter().map(|v| second(v.div_euclid(UNIT))).collect();
    }
    column.iter().map(|v| v.map_or(0, |v| second(v.div_euclid(UNIT)))).collect()
}

fn numbers_of(name: &str, column: &ArrayRef) -> Result<Vec<Option<f64>>, Error> {
    fn plain<T: ArrowPrimitiveType>(
        column: &ArrayRef,
        f: fn(T::Native) -> f64,
    ) -> Vec<Option<f64>> {
        column.as_primitive::<T>().iter().map(|v| v.map(f).filter(|n| !n.is_nan())).collect()
    }
    match column.data_type() {
        DataType::Float64 => Ok(plain::<Float64Type>(column, |v| v)),
        DataType::Float32 => Ok(plain::<Float32Type>(column, f64::from)),
        DataType::Int64 => Ok(plain::<Int64Type>(column, |v| v as f64)),
        DataType::Int32 => Ok(plain::<Int32Type>(column, f64::from)),
        DataType::Int16 => Ok(plain::<Int16Type>(column, f64::from)),
        DataType::Int8 => Ok(plain::<Int8Type>(column, f64::from)),
        DataType::UInt64 => Ok(plain::<UInt64Type>(column, |v| v as f64)),
        DataType::UInt32 => Ok(plain::<UInt32Type>(column, f64::from)),
        DataType::UInt16 => Ok(plain::<UInt16Type>(column, f64::from)),
        DataType::UInt8 => Ok(plain::<UInt8Type>(column, f64::from)),
        DataType::Null => Ok(vec![None; column.len()]),
        _ => Err(wrong_type(name, column, "a number")),
    }
}
