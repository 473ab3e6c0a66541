//! Records of one name, marks and order aside, and one day of birth: nearly always one person, or
//! twins. What they agree and differ in teaches what is true of all.

use super::hashing::{FastMap, FastSet, mix, sorted_by_upper_half};
use super::lexicon::Lexicon;
use super::profile::Profile;

/// More records of one name and day than this are not one person.
const MOST_ALIKE: usize = 12;
/// A spelling comes again with this many people before it is taken for a name ...
const LEAST: u32 = 2;
/// ... and with this share of those who could have it again.
const SHARE: f64 = 0.07;

/// Groups of records of one name and one exact day of birth, in a fixed order.
pub(super) struct Alike(Vec<u64>);

impl Alike {
    /// Finds them.
    pub(super) fn of(profiles: &[Profile]) -> Self {
        let keyed = (0_u64..).zip(profiles).filter(|(_, p)| p.name != 0 && p.born.is_exact());
        let keyed = keyed.map(|(record, p)| {
            let key = mix(u64::from(p.name), u64::from(p.born.packed()));
            (key >> 32 << 32) | record
        });
        Self(sorted_by_upper_half(keyed.collect()))
    }

    /// Each group of 2 to [`MOST_ALIKE`].
    pub(super) fn groups<'a>(
        &'a self,
        profiles: &'a [Profile],
    ) -> impl Iterator<Item = impl Iterator<Item = usize> + Clone + 'a> + 'a {
        let groups = self.0.chunk_by(|a, b| a >> 32 == b >> 32);
        groups.filter(|group| (2..=MOST_ALIKE).contains(&group.len())).map(move |group| {
            // Two names that fall on one key are told apart here.
            let first = &profiles[group[0] as u32 as usize];
            let one = move |record: &usize| {
                let own = &profiles[*record];
                own.name == first.name && own.born == first.born
            };
            group.iter().map(|record| *record as u32 as usize).filter(one)
        })
    }
}

/// Given names that are names although nearly nobody has them. A slip of the marks does not come
/// again: whoever was typed Hũng is typed Hùng the next time. A name does, and so Hạ is known for
/// one beside a thousand times as many called Hà. `sent_twice` tells re-sends, which repeat a slip.
pub(super) fn names_by_marks(
    alike: &Alike,
    profiles: &[Profile],
    names: &Lexicon,
    sent_twice: impl Fn(usize, usize) -> bool,
) -> FastSet<u32> {
    // People typed so twice, and people typed so once and otherwise the other time.
    let mut seen: FastMap<u32, [u32; 2]> = FastMap::default();
    for group in alike.groups(profiles) {
        let marked = group.filter(|record| profiles[*record].marked);
        for (at, record) in marked.clone().enumerate() {
            let word = profiles[record].given;
            if marked.clone().take(at).any(|before| profiles[before].given == word) {
                continue;
            }
            let others = || marked.clone().filter(|other| *other != record);
            let again =
                others().any(|other| profiles[other].given == word && !sent_twice(record, other));
            let fold = |record: usize| names.get(profiles[record].given).fold;
            let otherwise =
                others().any(|other| profiles[other].given != word && fold(other) == fold(record));
            if again || otherwise {
                let counts = seen.entry(word).or_default();
                counts[0] += u32::from(again);
                counts[1] += u32::from(otherwise);
            }
        }
    }
    let is_name = |[again, otherwise]: [u32; 2]| {
        again >= LEAST && f64::from(again) >= SHARE * f64::from(again + otherwise)
    };
    seen.into_iter().filter(|(_, counts)| is_name(*counts)).map(|(word, _)| word).collect()
}

#[cfg(test)]
mod tests {
    use crate::linkage::profile::Typed;
    use crate::linkage::registry::{Registry, Row};

    /// Whether the last given name is a slip for Hà among thousands called Lê Thu Hà, and these.
    fn is_slip(extra: &[(&str, &str, &str)]) -> bool {
        let many: Vec<[String; 3]> = (0..8_000)
            .map(|at| {
                let day = format!("{}-{:02}-{:02}", 1950 + at % 60, 1 + at % 12, 2 + at % 27);
                ["Lê Thu Hà".to_owned(), day, format!("A{at}")]
            })
            .chain(extra.iter().map(|(given, day, tube)| {
                [format!("Lê Thu {given}"), (*day).to_owned(), (*tube).to_owned()]
            }))
            .collect();
        let row = |at: usize| {
            let [name, day, tube] = &many[at];
            let typed = Typed {
                full_name: Some(name),
                dob: Some(day),
                sample_code: Some(tube),
                ..Typed::default()
            };
            Row { typed, ..Row::default() }
        };
        let mut registry = Registry::new(std::iter::empty());
        registry.read(many.len(), row, 1);
        registry.settle(1);
        let people = &registry.people;
        people.is_slip_of_marks(people.profiles[0].given, people.profiles[many.len() - 1].given)
    }

    #[test]
    fn a_spelling_that_comes_again_is_a_name_and_one_that_does_not_is_a_slip() {
        let name = [("Hạ", "1985-05-14", "B1"), ("Hạ", "1985-05-14", "B2")];
        let other = [("Hạ", "1991-03-30", "B3"), ("Hạ", "1991-03-30", "B4")];
        assert!(!is_slip(&[name, other].concat()));
        // One person's alone may be that person's habit.
        assert!(is_slip(&name));
        // What was sent twice says nothing.
        let sent = [("Hạ", "1991-03-30", "B3"), ("Hạ", "1991-03-30", "B3")];
        assert!(is_slip(&[name, sent].concat()));
        let slips: Vec<String> = (0..30).map(|at| format!("{}-06-29", 1950 + at)).collect();
        let typed = |given, tube| slips.iter().map(move |day| (given, day.as_str(), tube));
        let slips: Vec<_> = typed("Hà", "C1").chain(typed("Hạ", "C2")).collect();
        assert!(is_slip(&[&name[..], &other[..], &slips[..]].concat()));
    }
}
