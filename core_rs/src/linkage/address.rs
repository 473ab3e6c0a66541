//! An address as typed → a few numbers that lie beside the other fields of a profile, so that two
//! addresses are compared without looking anywhere else.

use super::hashing::{FastMap, hash_bytes, mix};
use super::spelling::spell;

/// Words of an address that are kept; what follows is district and province.
pub const MOST_WORDS: usize = 12;
/// Marks a number among the words.
const NUMBER: u16 = 1 << 15;
/// Words as typed that are remembered; they only save the taking apart.
const MOST_TYPED: usize = 4_000_000;

/// What tells one address from another: the numbers and names in it, as short hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Address {
    /// Hash of the words in their order, 0 if missing.
    pub id: u32,
    /// Hash of the words in any order; 0 if missing, or of one word.
    pub key: u32,
    words: [u16; MOST_WORDS],
    len: u8,
}

/// How near two addresses are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Near {
    /// One of them is missing.
    Unknown,
    /// The same house, as far as the words tell.
    House,
    /// Perhaps the same house: one says less than the other, and nothing against it.
    Within,
    /// Another house of the same street, hamlet or ward.
    Street,
    /// Elsewhere.
    Elsewhere,
}

/// What parts the words; a house number keeps its slash.
#[inline]
fn parts(c: char) -> bool {
    matches!(c, ' ' | ',' | '.' | ';' | '-' | ':' | '\t' | '\n' | '\r' | '\u{a0}')
}

/// Words that only name a level (ward, district, street …), folded.
const LEVEL_WORDS: &[&str] = &[
    "p", "phuong", "x", "xa", "tt", "thi", "h", "huyen", "q", "quan", "t", "tinh", "tp", "thanh",
    "pho", "tx", "dk", "dac", "khu", "d", "duong", "so", "nha", "thon", "to", "ap", "kp", "tdp",
    "khom", "khoi", "xom", "ban", "buon", "lang", "doi", "hem", "ngo", "ng", "kiet", "ngach",
    "dan", "tphcm", "hcm", "hn", "sn", "f", "viet", "nam", "vn",
];

/// Takes addresses apart and remembers the words it met.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    /// Hash as typed → hash as read, 0 for a word that only names a level.
    typed: FastMap<u64, u64>,
}

impl Reader {
    /// Reads an address.
    pub fn read(&mut self, text: &str) -> Address {
        let mut address = Address::default();
        let (mut ordered, mut unordered) = (3_u64, 1_u64);
        for piece in text.split(parts) {
            let at = usize::from(address.len);
            if piece.is_empty() || at == MOST_WORDS {
                continue;
            }
            let number = piece.bytes().any(|b| b.is_ascii_digit());
            let hash = if number { number_hash(piece) } else { self.word(piece) };
            if hash == 0 {
                continue;
            }
            address.words[at] = (hash as u16 & !NUMBER) | if number { NUMBER } else { 0 };
            address.len += 1;
            ordered = mix(ordered, hash);
            unordered = unordered.wrapping_add(mix(hash, 17));
        }
        if address.len > 0 {
            address.id = (ordered as u32).max(1);
        }
        if address.len > 1 {
            address.key = ((unordered ^ (unordered >> 32)) as u32).max(1);
        }
        address
    }

    fn word(&mut self, piece: &str) -> u64 {
        let typed = hash_bytes(piece.as_bytes());
        if let Some(hash) = self.typed.get(&typed) {
            return *hash;
        }
        let folded = spell(piece).folded;
        let level = folded.is_empty() || LEVEL_WORDS.contains(&folded.as_str());
        let hash = if level { 0 } else { hash_bytes(folded.as_bytes()) };
        if self.typed.len() >= MOST_TYPED {
            self.typed.clear();
        }
        self.typed.insert(typed, hash);
        hash
    }
}

/// `P3` and `3`, `12A` and `12a` are one number.
fn number_hash(piece: &str) -> u64 {
    let number = piece.trim_start_matches(|c: char| !c.is_ascii_digit());
    if number.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        hash_bytes(number.as_bytes())
    } else {
        hash_bytes(number.to_lowercase().as_bytes())
    }
}

impl Address {
    /// Whether it says anything.
    pub fn is_known(&self) -> bool {
        self.len > 0
    }

    /// The words, as short hashes.
    pub fn words(&self) -> &[u16] {
        &self.words[..usize::from(self.len)]
    }

    /// From what [`Address::words`] and the two public fields gave.
    pub fn from_parts(id: u32, key: u32, words: &[u16]) -> Self {
        let mut address = Self { id, key, ..Self::default() };
        let len = words.len().min(MOST_WORDS);
        address.words[..len].copy_from_slice(&words[..len]);
        address.len = len as u8;
        address
    }

    /// How near another address is.
    pub fn near(&self, other: &Self) -> Near {
        if self.len == 0 || other.len == 0 {
            return Near::Unknown;
        }
        if self.id == other.id {
            return Near::House;
        }
        let (a, b) = (self.words(), other.words());
        let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
        let (mut shared, mut other_number) = (0, false);
        for word in short {
            if long.contains(word) {
                shared += 1;
            } else {
                other_number |= word & NUMBER != 0;
            }
        }
        let most = short.len();
        let numbered = |words: &[u16]| words.iter().any(|w| w & NUMBER != 0);
        match (numbered(a), numbered(b)) {
            (true, true) if other_number => {
                if shared * 2 >= most {
                    Near::Street
                } else {
                    Near::Elsewhere
                }
            }
            (true, true) if shared >= 2 && shared * 3 >= most * 2 => Near::House,
            (false, false) if shared >= 2 && shared * 4 >= most * 3 => Near::House,
            _ if shared * 4 >= most * 3 => Near::Within,
            _ => Near::Elsewhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: &str, b: &str) -> Near {
        let mut reader = Reader::default();
        let (a, b) = (reader.read(a), reader.read(b));
        assert_eq!(a.near(&b), b.near(&a));
        a.near(&b)
    }

    #[test]
    fn abbreviations_marks_and_order_do_not_move_a_house() {
        let home = "12/3 Lê Lợi, Phường Hải An, Đông Hà, Quảng Trị";
        for same in ["12/3 LE LOI P.Hai An Dong Ha", "12/3 Lê Lợi, P. Hải An, Đông Hà"] {
            assert_eq!(near(home, same), Near::House, "{same}");
        }
        assert_eq!(near(home, "14 Lê Lợi, Phường Hải An, Đông Hà"), Near::Street);
        assert_eq!(near(home, "7 Bà Triệu, Xã Cam Lộ"), Near::Elsewhere);
        assert_eq!(near("Thôn 4", "thon 4, xa Gio Lam"), Near::Within);
        assert_eq!(near("Lê Lợi, P. Hải An, Đông Hà", home), Near::Within);
        assert_eq!(near("Thôn 5, Xã Gio Lâm", "thon 4, xa Gio Lam"), Near::Street);
        assert_eq!(near(home, " , P."), Near::Unknown);
    }

    #[test]
    fn the_key_forgets_the_order_and_needs_two_words() {
        let mut reader = Reader::default();
        let (a, b) = (reader.read("Tổ 4, Thôn 7"), reader.read("thôn 7 tổ 4"));
        assert_eq!(a.key, b.key);
        assert_ne!(a.id, b.id);
        assert_eq!(reader.read("Tổ 4").key, 0);
    }
}
