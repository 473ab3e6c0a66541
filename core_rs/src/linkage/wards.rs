//! Ward codes that changed (on 1 July 2025 for the whole country): where the caller gave no table
//! of successors, the records themselves show that two codes mean one place (pitfall 12).
//!
//! People of one name and one day of birth are nearly always one person. If such pairs move from
//! one code to one other far more often than anybody moves house, the code was renamed. Wards that
//! were merged into one become one with it.

use super::alike::Alike;
use super::hashing::FastMap;
use super::profile::Profile;

/// A pair of codes must hold this share of the pairs of one of them ...
const SHARE: f64 = 0.25;
/// ... and as many pairs as this.
const LEAST: u32 = 8;

/// Gives records of wards that were renamed one code.
pub(super) fn join_renamed(alike: &Alike, profiles: &mut [Profile]) {
    let (seen, moves) = count(alike, profiles);
    let mut wards: Vec<u32> = Vec::new();
    let mut places: FastMap<u32, usize> = FastMap::default();
    let mut parent: Vec<usize> = Vec::new();
    for ((a, b), count) in &moves {
        let most = f64::from(seen[a].min(seen[b]));
        if *count < LEAST || f64::from(*count) < SHARE * most {
            continue;
        }
        let [x, y] = [a, b].map(|ward| {
            let place = *places.entry(*ward).or_insert_with(|| {
                wards.push(*ward);
                parent.push(parent.len());
                parent.len() - 1
            });
            root(&parent, place)
        });
        parent[x.max(y)] = x.min(y);
    }
    if wards.is_empty() {
        return;
    }
    // The smallest code stands for all, so that the order of the records does not matter.
    let mut smallest: Vec<u32> = wards.clone();
    for (place, ward) in wards.iter().enumerate() {
        let root = root(&parent, place);
        smallest[root] = smallest[root].min(*ward);
    }
    for profile in profiles {
        if let Some(place) = places.get(&profile.ward) {
            profile.ward = smallest[root(&parent, *place)];
        }
    }
}

fn root(parent: &[usize], mut at: usize) -> usize {
    while parent[at] != at {
        at = parent[at];
    }
    at
}

/// Pairs of one name and day in which a ward appears, and those of two wards, in a fixed order.
#[allow(clippy::type_complexity, reason = "two tables that only the caller above reads")]
fn count(alike: &Alike, profiles: &[Profile]) -> (FastMap<u32, u32>, Vec<((u32, u32), u32)>) {
    let mut seen: FastMap<u32, u32> = FastMap::default();
    let mut moves: FastMap<(u32, u32), u32> = FastMap::default();
    for group in alike.groups(profiles) {
        let wards = group.map(|record| profiles[record].ward).filter(|ward| *ward != 0);
        for (at, a) in wards.clone().enumerate() {
            for b in wards.clone().skip(at + 1) {
                *seen.entry(a).or_default() += 1;
                if a != b {
                    *seen.entry(b).or_default() += 1;
                    *moves.entry((a.min(b), a.max(b))).or_default() += 1;
                }
            }
        }
    }
    let mut moves: Vec<_> = moves.into_iter().collect();
    moves.sort_unstable();
    (seen, moves)
}
