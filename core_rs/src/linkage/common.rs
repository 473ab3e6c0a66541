//! What is common: how frequent a record's name is, and whether a crowd shares its phone, address
//! or day of birth. Once nobody comes in any more it is noted in the profile, so that comparing
//! two of them looks nowhere else.

use super::people::{People, cohort, joint};
use super::profile::Profile;

/// Shares that part the levels of equal surname and middle names, rare to common.
const FAMILY_SHARES: [f32; 4] = [1e-3, 4e-3, 1.6e-2, 6.4e-2];
/// See [`FAMILY_SHARES`]; of given names.
const GIVEN_SHARES: [f32; 3] = [2e-3, 8e-3, 2.5e-2];

/// Notes in a profile; all zero while its people still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Notes(u16);

const NOTED: u16 = 1;
const PHONE: u16 = 1 << 1;
const PLACE: u16 = 1 << 2;
const VAST: u16 = 1 << 3;
const DAY: u16 = 1 << 4;
const GIVEN_AT: u16 = 5;
const FAMILY_AT: u16 = 8;
const JOINT_AT: u16 = 11;

impl Notes {
    #[inline]
    fn says(self, what: u16) -> Option<bool> {
        (self.0 & NOTED > 0).then_some(self.0 & what > 0)
    }

    #[inline]
    fn level(self, at: u16) -> Option<usize> {
        (self.0 & NOTED > 0).then_some(usize::from(self.0 >> at & 7))
    }
}

fn bucket(share: f32, bounds: &[f32]) -> usize {
    bounds.iter().take_while(|bound| share >= **bound).count()
}

impl People {
    /// Notes what is common of every profile. Call when everything is counted.
    pub(super) fn note(&mut self, threads: usize) {
        let share = self.profiles.len().div_ceil(threads).max(1);
        let mut profiles = std::mem::take(&mut self.profiles);
        let records = profiles.len();
        let people = &*self;
        std::thread::scope(|scope| {
            for own in profiles.chunks_mut(share) {
                scope.spawn(move || {
                    for profile in own {
                        profile.notes = people.notes(profile, records);
                    }
                });
            }
        });
        self.profiles = profiles;
    }

    fn notes(&self, profile: &Profile, records: usize) -> Notes {
        let plain = Profile { notes: Notes::default(), ..*profile };
        let mut notes = NOTED;
        for (what, says) in [
            (PHONE, self.is_phone_crowded(&plain)),
            (PLACE, self.is_place_crowded(&plain)),
            (VAST, self.is_place_vast(&plain)),
            (DAY, self.is_day_common(&plain)),
        ] {
            notes |= if says { what } else { 0 };
        }
        if profile.has_name() {
            notes |= (self.given_level_of(&plain) as u16) << GIVEN_AT;
            for (at, same_given) in [(FAMILY_AT, false), (JOINT_AT, true)] {
                let share = self.family_share(&plain, same_given, records);
                notes |= (bucket(share, &FAMILY_SHARES) as u16) << at;
            }
        }
        Notes(notes)
    }

    /// Whether more people than one home has share the phone.
    #[inline]
    pub(super) fn is_phone_crowded(&self, p: &Profile) -> bool {
        p.notes.says(PHONE).unwrap_or_else(|| self.crowded_phones.contains(&p.phone))
    }

    /// Whether more people than one home has share the address.
    #[inline]
    pub(super) fn is_place_crowded(&self, p: &Profile) -> bool {
        p.notes.says(PLACE).unwrap_or_else(|| self.crowded_places.contains(&p.address.id))
    }

    /// Whether more people than a few houses have share the address.
    #[inline]
    pub(super) fn is_place_vast(&self, p: &Profile) -> bool {
        p.notes.says(VAST).unwrap_or_else(|| self.vast_places.contains(&p.address.id))
    }

    /// Whether the day of birth is one that forms put for an unknown day.
    #[inline]
    pub(super) fn is_day_common(&self, p: &Profile) -> bool {
        p.notes.says(DAY).unwrap_or_else(|| self.common_days.contains(&p.born.packed()))
    }

    /// How common the given name of both is, from 0 for rare to 3; the larger of the two cohorts,
    /// so that the order of a pair does not matter.
    #[inline]
    pub(super) fn given_level(&self, a: &Profile, b: &Profile) -> usize {
        self.given_level_of(a).max(self.given_level_of(b))
    }

    /// By the share of the folded name among the records of the birth cohort, smoothed for names
    /// not seen yet.
    #[inline]
    fn given_level_of(&self, p: &Profile) -> usize {
        p.notes.level(GIVEN_AT).unwrap_or_else(|| {
            let fold = self.names.get(p.given).fold as usize;
            let Some(counts) = self.given_counts.get(fold) else { return 0 };
            let cohort = cohort(p);
            let share = (counts[cohort] as f32 + 0.5) / (self.cohort_counts[cohort] as f32 + 500.0);
            bucket(share, &GIVEN_SHARES)
        })
    }

    /// How common the surname and middle names are, from 0 for rare to 4; among the people of the
    /// given name, if both of a pair have it.
    #[inline]
    pub(super) fn family_level(&self, p: &Profile, same_given: bool) -> usize {
        let at = if same_given { JOINT_AT } else { FAMILY_AT };
        p.notes.level(at).unwrap_or_else(|| {
            bucket(self.family_share(p, same_given, self.profiles.len()), &FAMILY_SHARES)
        })
    }

    /// Share of these surname and middle names, folded, among the records with this given name,
    /// not counting the two that are compared, if both have it; pulled to the share among all.
    fn family_share(&self, profile: &Profile, same_given: bool, records: usize) -> f32 {
        const PULL: f32 = 100.0;
        let fold = self.names.get(profile.given).fold;
        let all = self.family_counts.get(profile.family_id as usize).copied().unwrap_or(0);
        let share = (all as f32 + 0.5) / (records as f32 + 5_000.0);
        if !same_given {
            return share;
        }
        let both = self.joint_counts.get(&joint(fold, profile.family_id)).copied().unwrap_or(0);
        let given: u32 = self.given_counts.get(fold as usize).map_or(0, |c| c.iter().sum());
        (both.saturating_sub(2) as f32 + PULL * share) / (given.saturating_sub(2) as f32 + PULL)
    }
}
