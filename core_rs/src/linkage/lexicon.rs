//! Words met so far, each taken apart once. A million names hold a few thousand words.

use super::hashing::{FastMap, hash_bytes};
use super::spelling::spell;
use super::store::{Reader, Writer};
use crate::error::{Error, Kind, Result};

/// Forms as typed that are remembered; they only save the taking apart.
const MOST_TYPED: usize = 4_000_000;

/// A word by its canonical spelling with tone.
#[derive(Debug, Clone)]
pub struct Word {
    /// Its letters without marks, an index into the lexicon's folds.
    pub fold: u32,
    /// Hash of letters and shapes without the tone.
    pub shaped: u32,
    /// Whether it carries any mark.
    pub marked: bool,
    /// Whether it is what people are called at home rather than a name on papers.
    pub nickname: bool,
    toned: Box<str>,
}

/// A word without marks.
#[derive(Debug, Clone)]
pub struct Fold {
    /// The letters.
    pub text: Box<str>,
    /// Hash of the letters, the same in every process.
    pub hash: u64,
    /// Hash of the sound.
    pub sound: u32,
}

/// Home names: of children, by order of birth in the south, by looks; spelt in full, as
/// [`spell`] writes them (`ti4` is tí). Names that are as common on papers are left out.
const NICKNAMES: &[&str] = &[
    "ti4", "te2o", "teo1", "be4", "cu", "na", "bo^ng", "bo^ng4", "u4t", "ut4", "hai", "ba", "tu+",
    "na(m", "sau4", "bay2", "ta4m", "tam4", "chi4n", "chin4", "mu+o+i1", "cun4", "bin", "bi", "bo",
    "bon", "ben", "to^m", "tep4", "nhim4", "soc4", "tho2", "ga^u4", "mit4", "o^i2", "bup4",
    "su+a3", "kem", "ken", "ty4", "tun", "meo1", "heo", "in2", "su", "sin", "zin", "moon", "chip",
    "chip4", "ngo^", "khoai", "gao5", "co^m4", "na^m4", "xiu4", "tit4", "tin", "kin", "gai4",
    "co1", "coi1", "d-en", "lun1", "ma^p5", "o^c4", "vit5", "ga1", "du+a", "suri", "bum", "bop4",
    "rau", "xoai1", "ma^m", "ba^u1", "tra^u", "nghe4", "beo4", "lu", "mi", "mimi", "muoi4",
    "muo^i4",
];

fn is_nickname(toned: &str) -> bool {
    NICKNAMES.contains(&toned)
}

/// Interned words. Ids count from 0 in the order of first sight.
#[derive(Debug, Clone, Default)]
pub struct Lexicon {
    /// By the hash of the form as typed.
    typed: FastMap<u64, u32>,
    by_toned: FastMap<Box<str>, u32>,
    by_folded: FastMap<Box<str>, u32>,
    words: Vec<Word>,
    folds: Vec<Fold>,
}

impl Lexicon {
    /// The id of a word as typed.
    pub fn word(&mut self, typed: &str) -> u32 {
        let as_typed = hash_bytes(typed.as_bytes());
        if let Some(id) = self.typed.get(&as_typed) {
            return *id;
        }
        let spelled = spell(typed);
        let fold = self.fold_of(&spelled.folded, &spelled.sound);
        let id = if let Some(id) = self.by_toned.get(spelled.toned.as_str()) {
            *id
        } else {
            let id = self.words.len() as u32;
            let toned: Box<str> = spelled.toned.into();
            self.by_toned.insert(toned.clone(), id);
            let shaped = hash_bytes(spelled.shaped.as_bytes()) as u32;
            let nickname = is_nickname(&toned);
            self.words.push(Word { fold, shaped, marked: spelled.marked, nickname, toned });
            id
        };
        if self.typed.len() >= MOST_TYPED {
            self.typed.clear();
        }
        self.typed.insert(as_typed, id);
        id
    }

    fn fold_of(&mut self, folded: &str, sound: &str) -> u32 {
        if let Some(id) = self.by_folded.get(folded) {
            return *id;
        }
        let id = self.folds.len() as u32;
        self.by_folded.insert(folded.into(), id);
        self.folds.push(Fold {
            text: folded.into(),
            hash: hash_bytes(folded.as_bytes()),
            sound: hash_bytes(sound.as_bytes()) as u32,
        });
        id
    }

    /// A word by id.
    #[inline]
    pub fn get(&self, word: u32) -> &Word {
        &self.words[word as usize]
    }

    /// A fold by id.
    #[inline]
    pub fn fold(&self, fold: u32) -> &Fold {
        &self.folds[fold as usize]
    }

    /// How many words and folds.
    pub fn len(&self) -> (usize, usize) {
        (self.words.len(), self.folds.len())
    }

    /// Whether nothing was met yet.
    pub fn is_empty(&self) -> bool {
        self.folds.is_empty()
    }

    /// Takes in another lexicon's words; the tables from its ids of words and folds to ours.
    pub fn take_in(&mut self, other: &Self) -> (Vec<u32>, Vec<u32>) {
        let folds = other
            .folds
            .iter()
            .map(|fold| {
                if let Some(id) = self.by_folded.get(&fold.text) {
                    return *id;
                }
                let id = self.folds.len() as u32;
                self.by_folded.insert(fold.text.clone(), id);
                self.folds.push(fold.clone());
                id
            })
            .collect::<Vec<_>>();
        let words = other
            .words
            .iter()
            .map(|word| {
                if let Some(id) = self.by_toned.get(&word.toned) {
                    return *id;
                }
                let id = self.words.len() as u32;
                self.by_toned.insert(word.toned.clone(), id);
                self.words.push(Word { fold: folds[word.fold as usize], ..word.clone() });
                id
            })
            .collect::<Vec<_>>();
        (words, folds)
    }
}

impl Lexicon {
    /// Appends the words; the forms as typed are not kept.
    pub(super) fn write(&self, to: &mut Writer) {
        to.u32(self.folds.len() as u32);
        for fold in &self.folds {
            to.text(&fold.text);
            to.u32(fold.sound);
        }
        to.u32(self.words.len() as u32);
        for word in &self.words {
            to.text(&word.toned);
            to.u32(word.fold);
            to.u32(word.shaped);
            to.u32(u32::from(word.marked));
        }
    }

    /// Reads what [`Lexicon::write`] wrote.
    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self> {
        let mut lexicon = Self::default();
        for id in 0..from.length(8)? {
            let text = from.text()?;
            lexicon.by_folded.insert(text.into(), id as u32);
            lexicon.folds.push(Fold {
                text: text.into(),
                hash: hash_bytes(text.as_bytes()),
                sound: from.u32()?,
            });
        }
        for id in 0..from.length(16)? {
            let toned: Box<str> = from.text()?.into();
            let (fold, shaped, marked) = (from.u32()?, from.u32()?, from.u32()? > 0);
            if fold as usize >= lexicon.folds.len() {
                return Err(Error::new(
                    Kind::Malformed,
                    "linkage.index_file",
                    "the person index file refers to unknown words",
                ));
            }
            lexicon.by_toned.insert(toned.clone(), id as u32);
            let nickname = is_nickname(&toned);
            lexicon.words.push(Word { fold, shaped, marked, nickname, toned });
        }
        Ok(lexicon)
    }
}
