//! A record as typed → a profile of small numbers that can be compared in a few hundred
//! nanoseconds.

use super::address::Address;
use super::common::Notes;
use super::hashing::{hash_bytes, key, mix};
use super::lexicon::Lexicon;
use super::values::{
    Born, Documents, read_born, read_id, read_insurance, read_phone, read_sex, stated,
};

/// What parts the words of a name.
#[inline]
fn between_names(c: char) -> bool {
    matches!(c, ' ' | '.' | ',' | '-' | '_' | '/' | '\t' | '\n' | '\r' | '\u{a0}')
}

/// No word.
pub const NONE: u32 = u32::MAX;

/// The fields of one record, as typed; all of them may be missing.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs, reason = "the names of the columns say it")]
pub struct Typed<'a> {
    pub full_name: Option<&'a str>,
    pub dob: Option<&'a str>,
    pub sex: Option<&'a str>,
    pub cccd: Option<&'a str>,
    pub cmnd: Option<&'a str>,
    pub health_insurance: Option<&'a str>,
    pub personal_qid: Option<&'a str>,
    pub phone: Option<&'a str>,
    pub address: Option<&'a str>,
    pub ward_code: Option<&'a str>,
    pub sample_code: Option<&'a str>,
}

/// Whether a CCCD agrees with its holder's own year of birth and sex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Card {
    /// No card, or nothing to check it against.
    #[default]
    Unchecked = 0,
    /// Digits 4 to 6 agree with the record.
    Own = 1,
    /// They do not: a slip, or a relative's card.
    Doubtful = 2,
}

/// What a record becomes. Ids refer to the [`People`](super::people::People) that made it.
///
/// Two lines of the processor's cache, which it fetches together.
#[derive(Debug, Clone, Copy)]
#[repr(align(128))]
#[allow(missing_docs, reason = "the names say it; ids and units are in the comments")]
pub struct Profile {
    /// Word id of the given name (the last word), [`NONE`] if missing.
    pub given: u32,
    /// Word ids of surname and middle names, surname first.
    pub family: [u32; 4],
    pub family_len: u8,
    /// Whether any word of the name was typed with a mark.
    pub marked: bool,
    /// 1 male, 2 female, 0 unknown.
    pub sex: u8,
    pub card: Card,
    /// Id of the combination of surname and middle names.
    pub family_id: u32,
    /// Hash of the folded words of the name in any order; 0 if missing.
    pub name: u32,
    pub born: Born,
    pub cmnd: u32,
    pub cccd: u64,
    pub insurance: u64,
    pub qid: u64,
    /// National digits without the leading zero; 0 if missing.
    pub phone: u32,
    pub address: Address,
    /// Hash of the ward code, 0 if missing.
    pub ward: u32,
    /// Hash of the tube code, 0 if missing.
    pub tube: u32,
    pub notes: Notes,
}

impl Profile {
    /// Surname and middle names.
    pub fn family(&self) -> &[u32] {
        &self.family[..usize::from(self.family_len)]
    }

    /// Reads the first and the last of it (see [`super::blocks::Population::touch`]).
    #[inline]
    pub fn touch(&self) -> u32 {
        self.name ^ self.address.id
    }

    /// Whether a name is known.
    pub fn has_name(&self) -> bool {
        self.given != NONE
    }
}

/// Reads all fields but the address and what refers to other records, which
/// [`super::people::People`] adds.
pub fn read(typed: &Typed<'_>, names: &mut Lexicon) -> Profile {
    let mut words = [NONE; 8];
    let mut count = 0;
    let text = typed.full_name.unwrap_or("");
    for word in text.split(between_names) {
        if count < 8 && word.chars().any(char::is_alphabetic) {
            words[count] = names.word(word);
            count += 1;
        }
    }
    let mut documents = Documents::default();
    // The CMND column first: a CCCD written there by mistake gives way to the CCCD column.
    read_id(typed.cmnd.unwrap_or(""), &mut documents);
    read_id(typed.cccd.unwrap_or(""), &mut documents);
    let born = read_born(typed.dob.unwrap_or(""));
    let sex = read_sex(typed.sex.unwrap_or(""));
    let mut family = [NONE; 4];
    let family_len = count.saturating_sub(1).min(4);
    family[..family_len].copy_from_slice(&words[..family_len]);
    let name = words[..count]
        .iter()
        .fold(0_u64, |sum, w| sum.wrapping_add(mix(names.fold(names.get(*w).fold).hash, 7)));
    Profile {
        given: if count > 0 { words[count - 1] } else { NONE },
        family,
        family_len: family_len as u8,
        marked: words[..count].iter().any(|w| names.get(*w).marked),
        sex,
        card: check_card(documents.cccd, born, sex),
        family_id: NONE,
        name: if count > 1 { key(mix(name, 1)) } else { 0 },
        born,
        cmnd: documents.cmnd as u32,
        cccd: documents.cccd,
        insurance: read_insurance(typed.health_insurance.unwrap_or("")),
        qid: text_hash(typed.personal_qid),
        phone: read_phone(typed.phone.unwrap_or("")),
        address: Address::default(),
        ward: text_hash(typed.ward_code) as u32,
        tube: text_hash(typed.sample_code) as u32,
        notes: Notes::default(),
    }
}

pub(super) fn text_hash(text: Option<&str>) -> u64 {
    match text.map(str::trim) {
        None | Some("") => 0,
        Some(text) => hash_bytes(text.as_bytes()) | 1,
    }
}

fn check_card(cccd: u64, born: Born, sex: u8) -> Card {
    if cccd == 0 || (!born.is_known() && sex == 0) {
        return Card::Unchecked;
    }
    let (year, stated_sex) = stated(cccd);
    let agrees = (!born.is_known() || born.year() == year) && (sex == 0 || sex == stated_sex);
    if agrees { Card::Own } else { Card::Doubtful }
}
