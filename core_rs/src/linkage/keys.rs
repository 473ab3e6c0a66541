//! Which records are worth comparing: blocking keys. Two records are candidates if they share
//! any key. A blank, a placeholder or a 1 January never makes a key (pitfalls 5 and 7).

use super::hashing::{key, mix};
use super::people::People;
use super::profile::Profile;

/// The rule of the phone.
pub(super) const PHONE: usize = 4;

/// How many rules there are.
pub const RULES: usize = 16;

/// Stable names of the rules, in their order.
pub const RULE_NAMES: [&str; RULES] = [
    "national_id",
    "old_national_id",
    "health_insurance",
    "personal_qid",
    "phone",
    "name_and_year",
    "dob_and_given_name",
    "dob_and_initials",
    "dob_and_family_name",
    "dob_and_ward",
    "name_and_ward",
    "name_and_day",
    "address",
    "crowded_address_and_given_name",
    "national_id_first_nine",
    "national_id_last_six_and_given_name",
];

/// The keys of a profile, 0 where it has none.
pub fn keys(people: &People, p: &Profile) -> [u32; RULES] {
    let mut out = [0; RULES];
    let mut put = |rule: usize, parts: [u64; 2], present: bool| {
        if present {
            let hash = mix(mix(rule as u64 + 1, parts[0]), parts[1]);
            out[rule] = key(hash);
        }
    };
    let names = &people.names;
    let word = |w: u32| names.fold(names.get(w).fold);
    put(0, [p.cccd, 0], p.cccd > 0);
    put(1, [u64::from(p.cmnd), 0], p.cmnd > 0);
    put(2, [p.insurance, 0], p.insurance > 0);
    put(3, [p.qid, 0], p.qid > 0);
    let phone = p.phone > 0 && !people.crowded_phones.contains(&p.phone);
    put(4, [u64::from(p.phone), 0], phone);
    let (name, ward) = (u64::from(p.name), u64::from(p.ward));
    let (exact, year) = (p.born.is_exact(), u64::from(p.born.year()));
    let dob = u64::from(p.born.packed());
    let day = u64::from(p.born.packed() & 511);
    put(5, [name, year], name > 0 && year > 0);
    put(9, [dob, ward], exact && ward > 0);
    put(10, [name, ward], name > 0 && ward > 0);
    put(11, [name, day], name > 0 && exact);
    let place = u64::from(p.address.key);
    let crowded = people.crowded_places.contains(&p.address.id);
    put(12, [place, 0], place > 0 && !crowded);
    put(14, [p.cccd / 1000, 0], p.cccd > 0);
    if p.has_name() {
        let given = word(p.given).hash;
        let initials = p.family().iter().chain([&p.given]).fold(0_u64, |sum, w| {
            let first = word(*w).text.bytes().next().unwrap_or(0);
            sum.wrapping_add(mix(u64::from(first), 11))
        });
        let family = p.family().iter().fold(13, |h, w| mix(h, word(*w).hash));
        put(6, [dob, given], exact);
        put(7, [dob, initials], exact && p.family_len > 0);
        put(8, [dob, family], exact && p.family_len > 0);
        put(13, [place, given], place > 0 && crowded);
        put(15, [p.cccd % 1_000_000, given], p.cccd > 0);
    }
    out
}
