//! Where two people live and how they are called up: phone, address and ward are one field, since
//! they are one piece of evidence (pitfall 3).

use super::address::Near;
use super::people::People;
use super::profile::Profile;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Same,
    Other,
}

/// Words of an address that names the ward itself and not only a street or a hamlet.
const IN_FULL: usize = 6;

/// The level of phone, address and ward together.
pub(super) fn household(people: &People, a: &Profile, b: &Profile) -> usize {
    let phone = match (a.phone, b.phone) {
        (0, _) | (_, 0) => Said::Nothing,
        (x, y) if x != y => Said::Other,
        _ if people.is_phone_crowded(a) => Said::Nothing,
        _ => Said::Same,
    };
    let ward = match (a.ward, b.ward) {
        (0, _) | (_, 0) => Said::Nothing,
        (x, y) if x == y => Said::Same,
        _ => Said::Other,
    };
    let place = a.address.near(&b.address);
    let crowded = people.is_place_crowded(a) || people.is_place_crowded(b);
    let vast = people.is_place_vast(a) || people.is_place_vast(b);
    let mut same_house = place == Near::House && !crowded;
    let mut hamlet = place == Near::House && crowded && !vast;
    let mut mistaken = false;
    let told_in_full = a.address.id == b.address.id && a.address.words().len() >= IN_FULL;
    if place == Near::House && ward == Said::Other && phone != Said::Same && !told_in_full {
        // The same street name and number stand in many wards; a wrong ward keeps some credit.
        mistaken = !vast;
        (same_house, hamlet) = (false, false);
    }
    let same_ward =
        ward == Said::Same || matches!(place, Near::House | Near::Within | Near::Street);
    let somewhere = ward != Said::Nothing || place != Near::Unknown;
    // An address that is another tells more against one person than none or a shorter one does.
    let moved = matches!(place, Near::Street | Near::Elsewhere);
    match phone {
        Said::Same if same_house || hamlet => 1,
        Said::Same if somewhere && !same_ward => 2,
        Said::Same if moved => 17,
        Said::Same => 3,
        Said::Other if same_house => 4,
        Said::Nothing if same_house => 5,
        Said::Other if hamlet => 11,
        Said::Nothing if hamlet => 12,
        Said::Other if mistaken => 18,
        Said::Nothing if mistaken => 19,
        Said::Other if same_ward => {
            if moved {
                13
            } else {
                6
            }
        }
        Said::Nothing if same_ward => {
            if moved {
                14
            } else {
                7
            }
        }
        Said::Other if somewhere => {
            if moved {
                15
            } else {
                8
            }
        }
        Said::Nothing if somewhere => {
            if moved {
                16
            } else {
                9
            }
        }
        Said::Other => 10,
        Said::Nothing => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::fields::{PEOPLE, people::HOUSEHOLD};
    use crate::linkage::profile::Typed;

    const HOME: &str = "12 Lê Lợi, Phường Hải An, Đông Hà";

    /// The name of the level of two records of phone, address and ward.
    fn level(a: [&str; 3], b: [&str; 3]) -> &'static str {
        let mut people = People::default();
        for [phone, address, ward] in [a, b] {
            people.add(&Typed {
                full_name: Some("Lê Thị Hạnh"),
                phone: Some(phone),
                address: Some(address),
                ward_code: Some(ward),
                ..Typed::default()
            });
        }
        let [one, other] = [0, 1].map(|at: usize| people.profiles[at]);
        let found = household(&people, &one, &other);
        assert_eq!(found, household(&people, &other, &one));
        PEOPLE[HOUSEHOLD].1[found]
    }

    #[test]
    fn another_address_is_not_an_address_that_is_missing() {
        let here = ["0903786428", HOME, "19101"];
        for (other, expected) in [
            (["0903786428", "", "19101"], "same_phone"),
            (
                ["0903786428", "7 Bà Triệu, Phường Hải An", "19101"],
                "same_phone_same_ward_other_address",
            ),
            (["0375598171", "", "19101"], "same_ward_other_phone"),
            (
                ["0375598171", "7 Bà Triệu, Phường Hải An", "19101"],
                "same_ward_other_phone_other_address",
            ),
            (["", "", "19101"], "same_ward"),
            (["", "P. Hải An, Đông Hà", "19101"], "same_ward"),
            (["", "14 Lê Lợi, Phường Hải An, Đông Hà", ""], "same_ward_other_address"),
            (["0375598171", "", "19102"], "other_phone_other_ward"),
            (
                ["0375598171", "7 Bà Triệu, Xã Cam Lộ", "19102"],
                "other_phone_other_ward_other_address",
            ),
            (["", "", "19102"], "other_ward"),
            (["", "7 Bà Triệu, Xã Cam Lộ", "19102"], "other_ward_other_address"),
        ] {
            assert_eq!(level(here, other), expected, "{other:?}");
        }
    }

    #[test]
    fn one_street_and_number_in_two_wards_is_between_a_house_and_nothing() {
        let here = ["0903786428", "12 Lê Lợi", "19101"];
        let there = ["", "12 Lê Lợi", "19102"];
        assert_eq!(level(here, there), "same_address_other_ward");
        let there = ["0375598171", "12 Lê Lợi", "19102"];
        assert_eq!(level(here, there), "same_address_other_phone_other_ward");
        // An address told in full outweighs the code of the ward.
        let full = |ward, phone| [phone, "Tổ 4, Thôn 7, Xã Gio Lâm, Hải Lăng, Quảng Trị", ward];
        assert_eq!(level(full("19101", "0903786428"), full("19102", "")), "same_address");
    }
}
