//! The index as bytes: what was learnt and read; chains and tables are built anew on loading.
//!
//! Layout: magic and version, then the parts in the order below, little-endian, each list with
//! its length first; at the end a hash of all before it.

use super::address::Address;
use super::common::Notes;
use super::fields::Field;
use super::hashing::hash_bytes;
use super::index::{GONE, PersonIndex};
use super::model::Model;
use super::profile::{Card, Profile};
use super::values::Born;
use crate::error::{Error, Kind, Result};

const MAGIC: &[u8; 8] = b"TRAMPI\x00\x06";

pub(super) fn broken(what: &str) -> Error {
    Error::new(Kind::Malformed, "linkage.index_file", format!("the file {what}"))
}

/// Writes numbers and texts.
#[derive(Debug, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    pub(super) fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }
    pub(super) fn list(&mut self, values: &[u32]) {
        self.u32(values.len() as u32);
        for value in values {
            self.u32(*value);
        }
    }
    pub(super) fn text(&mut self, text: &str) {
        self.u32(text.len() as u32);
        self.0.extend_from_slice(text.as_bytes());
    }
}

/// Reads what [`Writer`] wrote; never past the end.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count).ok_or_else(|| broken("ends early"))?;
        self.0 = rest;
        Ok(head)
    }
    pub(super) fn u32(&mut self) -> Result<u32> {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(self.take(4)?);
        Ok(u32::from_le_bytes(bytes))
    }
    pub(super) fn u64(&mut self) -> Result<u64> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(bytes))
    }
    pub(super) fn f64(&mut self) -> Result<f64> {
        self.u64().map(f64::from_bits)
    }
    pub(super) fn text(&mut self) -> Result<&'a str> {
        let length = self.u32()? as usize;
        std::str::from_utf8(self.take(length)?).map_err(|_| broken("holds text that is not UTF-8"))
    }
    pub(super) fn list(&mut self) -> Result<Vec<u32>> {
        let length = self.length(4)?;
        let bytes = self.take(length * 4)?;
        Ok(bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }
    /// A length that the rest can hold, at `least` bytes an entry.
    pub(super) fn length(&mut self, least: usize) -> Result<usize> {
        let length = self.u32()? as usize;
        if length.saturating_mul(least) > self.0.len() {
            return Err(broken("states an impossible length"));
        }
        Ok(length)
    }
}

impl Model {
    /// Appends the model.
    pub(super) fn write(&self, to: &mut Writer) {
        to.u32(self.fields.len() as u32);
        for field in &self.fields {
            to.text(&field.name);
            to.u32(field.levels.len() as u32);
            field.levels.iter().for_each(|level| to.text(level));
        }
        to.u32(self.rates.len() as u32);
        self.rates.iter().for_each(|rate| to.f64(*rate));
        to.f64(self.of_one_year.unwrap_or(0.0));
        self.classes.iter().flatten().flatten().for_each(|p| to.f64(*p));
        self.calibration.iter().flatten().for_each(|x| to.f64(*x));
    }

    /// Reads what [`Model::write`] wrote.
    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self> {
        let mut fields = Vec::new();
        for _ in 0..from.length(8)? {
            let name = from.text()?.to_owned();
            let mut levels = Vec::new();
            for _ in 0..from.length(4)? {
                levels.push(from.text()?.to_owned());
            }
            fields.push(Field { name, levels });
        }
        let mut rates = Vec::new();
        for _ in 0..from.length(8)? {
            rates.push(from.f64()?);
        }
        let of_one_year = Some(from.f64()?).filter(|share| *share > 0.0);
        let mut classes = Vec::new();
        for _ in 0..=rates.len() + usize::from(of_one_year.is_some()) {
            let mut table = Vec::new();
            for field in &fields {
                table.push(field.levels.iter().map(|_| from.f64()).collect::<Result<Vec<_>>>()?);
            }
            classes.push(table);
        }
        let mut model = Self::new(fields, classes, rates);
        model.of_one_year = of_one_year;
        for value in model.calibration.iter_mut().flatten() {
            *value = from.f64()?;
        }
        Ok(model)
    }
}

pub(super) fn write_profile(p: &Profile, to: &mut Writer) {
    to.u32(p.given);
    p.family.iter().for_each(|w| to.u32(*w));
    to.u32(u32::from_le_bytes([p.family_len, u8::from(p.marked), p.sex, p.card as u8]));
    for value in [p.name, p.born.packed(), p.cmnd, p.phone, p.ward, p.tube] {
        to.u32(value);
    }
    for value in [p.cccd, p.insurance, p.qid] {
        to.u64(value);
    }
    to.u32(p.address.id);
    to.u32(p.address.key);
    to.u32(p.address.words().len() as u32);
    p.address.words().iter().for_each(|word| to.u32(u32::from(*word)));
}

pub(super) fn read_profile(from: &mut Reader<'_>) -> Result<Profile> {
    let given = from.u32()?;
    let mut family = [0; 4];
    for word in &mut family {
        *word = from.u32()?;
    }
    let [family_len, marked, sex, card] = from.u32()?.to_le_bytes();
    let card = match card {
        0 => Card::Unchecked,
        1 => Card::Own,
        _ => Card::Doubtful,
    };
    Ok(Profile {
        given,
        family,
        family_len: family_len.min(4),
        marked: marked > 0,
        sex,
        card,
        family_id: super::profile::NONE,
        name: from.u32()?,
        born: Born::from_packed(from.u32()?),
        cmnd: from.u32()?,
        phone: from.u32()?,
        ward: from.u32()?,
        tube: from.u32()?,
        cccd: from.u64()?,
        insurance: from.u64()?,
        qid: from.u64()?,
        address: read_address(from)?,
        notes: Notes::default(),
    })
}

fn read_address(from: &mut Reader<'_>) -> Result<Address> {
    let (id, key) = (from.u32()?, from.u32()?);
    let words: Result<Vec<u16>> =
        (0..from.length(4)?).map(|_| from.u32().map(|word| word as u16)).collect();
    Ok(Address::from_parts(id, key, &words?))
}

impl PersonIndex {
    /// The index as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut to = Writer(MAGIC.to_vec());
        self.model.write(&mut to);
        self.people.write(&mut to);
        let live = || {
            self.persons.iter().zip(&self.people.profiles).filter(|(person, _)| **person != GONE)
        };
        to.u32(live().count() as u32);
        for (person, profile) in live() {
            to.u64(*person as u64);
            write_profile(profile, &mut to);
        }
        let check = hash_bytes(&to.0);
        to.u64(check);
        to.0
    }

    /// Back from [`PersonIndex::to_bytes`]; a damaged or foreign file is an error.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let body = bytes
            .len()
            .checked_sub(8)
            .filter(|_| bytes.starts_with(MAGIC))
            .ok_or_else(|| broken("is of another kind or version"))?;
        let check = Reader(&bytes[body..]).u64()?;
        if check != hash_bytes(&bytes[..body]) {
            return Err(broken("is damaged"));
        }
        let mut from = Reader(&bytes[MAGIC.len()..body]);
        let mut index = Self::new(Model::read(&mut from)?);
        index.people = super::people::People::read_from(&mut from)?;
        for _ in 0..from.length(80)? {
            let person = from.u64()? as i64;
            let mut profile = read_profile(&mut from)?;
            index.people.settle(&mut profile).ok_or_else(|| broken("refers to unknown words"))?;
            index.insert(person, profile);
        }
        Ok(index)
    }
}
