//! Overlapping pools: who is surely negative, who surely positive, whom to test first.
//!
//! COMP: whoever is in a negative pool is negative. DD: the only candidate left in a positive pool
//! is positive. Both are sure only if no pool result is wrong, so a positive pool without any
//! candidate is told as a contradiction, not raised. SCOMP and the smallest explanation only rank
//! whom to test first. (Aldridge, Baldassini & Johnson, IEEE Trans. Inf. Theory 60 (2014) 3671.)

use crate::error::{Error, Kind, Result};

/// What the pools say together. People and pools are numbers from 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decoded {
    /// In no negative pool, and in at least one positive (COMP).
    pub candidates: Vec<u32>,
    /// Only candidate of a positive pool (DD).
    pub definite: Vec<u32>,
    /// In at least one negative pool.
    pub negative: Vec<u32>,
    /// In no pool with a result.
    pub open: Vec<u32>,
    /// DD completed greedily until every positive pool is explained (SCOMP).
    pub greedy: Vec<u32>,
    /// A smallest set that explains every positive pool that can be; the first in order.
    pub smallest: Vec<u32>,
    /// The search for the smallest was cut off: it explains, but may not be smallest.
    pub is_cut_off: bool,
    /// Positive pools that no candidate explains: a false positive pool, or a false negative one.
    pub contradictions: Vec<u32>,
    /// Members of a negative pool who are also in a positive pool left without candidates.
    pub doubted: Vec<u32>,
}

/// Steps of the search for a smallest explanation.
const MOST_STEPS: u32 = 200_000;

/// Decodes `pools` (their members) with `outcomes`: positive, negative, or none without a result.
pub fn decode(people: u32, pools: &[Vec<u32>], outcomes: &[Option<bool>]) -> Result<Decoded> {
    if pools.len() != outcomes.len() {
        let message = format!("{} pools and {} outcomes", pools.len(), outcomes.len());
        return Err(Error::new(Kind::Invalid, "pooling.decode", message));
    }
    if let Some(stranger) = pools.iter().flatten().find(|&&member| member >= people) {
        let message = format!("person {stranger} of {people}");
        return Err(Error::new(Kind::Invalid, "pooling.decode", message));
    }
    let mut is_negative = vec![false; people as usize];
    let mut is_told = vec![false; people as usize];
    for (pool, outcome) in pools.iter().zip(outcomes) {
        for &member in pool {
            is_told[member as usize] |= outcome.is_some();
            is_negative[member as usize] |= *outcome == Some(false);
        }
    }
    let everybody = || 0..people;
    let mut decoded = Decoded {
        candidates: everybody()
            .filter(|&i| is_told[i as usize] && !is_negative[i as usize])
            .collect(),
        negative: everybody().filter(|&i| is_negative[i as usize]).collect(),
        open: everybody().filter(|&i| !is_told[i as usize]).collect(),
        ..Decoded::default()
    };
    // What each positive pool has left.
    let mut left: Vec<Vec<u32>> = Vec::new();
    for (number, (pool, outcome)) in pools.iter().zip(outcomes).enumerate() {
        if *outcome != Some(true) {
            continue;
        }
        let mut rest: Vec<u32> =
            pool.iter().copied().filter(|&member| !is_negative[member as usize]).collect();
        rest.sort_unstable();
        rest.dedup();
        match rest[..] {
            [] => {
                decoded.contradictions.push(number as u32);
                decoded.doubted.extend_from_slice(pool);
            }
            [only] => {
                decoded.definite.push(only);
                left.push(rest);
            }
            _ => left.push(rest),
        }
    }
    for list in [&mut decoded.definite, &mut decoded.doubted] {
        list.sort_unstable();
        list.dedup();
    }
    decoded.greedy = greedy_cover(&left, &decoded.definite);
    let mut search = Search {
        pools: &left,
        best: decoded.greedy.clone(),
        chosen: decoded.definite.clone(),
        steps: 0,
    };
    search.go();
    decoded.is_cut_off = search.steps >= MOST_STEPS;
    decoded.smallest = search.best;
    Ok(decoded)
}

fn is_explained(pool: &[u32], chosen: &[u32]) -> bool {
    pool.iter().any(|member| chosen.contains(member))
}

/// Adds whoever explains most unexplained pools, the first of equals, until all are explained.
fn greedy_cover(pools: &[Vec<u32>], definite: &[u32]) -> Vec<u32> {
    let mut chosen = definite.to_vec();
    loop {
        let mut counts = std::collections::BTreeMap::<u32, u32>::new();
        for pool in pools.iter().filter(|pool| !is_explained(pool, &chosen)) {
            for &member in pool {
                *counts.entry(member).or_default() += 1;
            }
        }
        let best = counts.iter().max_by_key(|&(member, count)| (*count, std::cmp::Reverse(member)));
        let Some((&member, _)) = best else { break };
        chosen.push(member);
    }
    chosen.sort_unstable();
    chosen
}

/// Smallest set that meets every pool, by branching on the pool with fewest candidates.
struct Search<'a> {
    pools: &'a [Vec<u32>],
    best: Vec<u32>,
    chosen: Vec<u32>,
    steps: u32,
}

impl Search<'_> {
    fn go(&mut self) {
        self.steps += 1;
        if self.steps >= MOST_STEPS {
            return;
        }
        let open = || self.pools.iter().filter(|pool| !is_explained(pool, &self.chosen));
        let Some(narrow) = open().min_by_key(|pool| pool.len()) else {
            let mut found = self.chosen.clone();
            found.sort_unstable();
            if found.len() < self.best.len()
                || (found.len() == self.best.len() && found < self.best)
            {
                self.best = found;
            }
            return;
        };
        // Pools without a common member need one person each: a bound from below.
        let mut apart: Vec<&Vec<u32>> = Vec::new();
        for pool in open() {
            if apart.iter().all(|other| !is_explained(pool, other)) {
                apart.push(pool);
            }
        }
        if self.chosen.len() + apart.len() > self.best.len() {
            return;
        }
        for &member in narrow {
            self.chosen.push(member);
            self.go();
            self.chosen.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All designs of up to `people` and a few pools against brute force.
    #[test]
    fn decoders_agree_with_brute_force_on_small_designs() -> Result<()> {
        let mut state = 1_u64;
        let mut next = |n: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % n
        };
        for _ in 0..4_000 {
            let people = 1 + next(12) as u32;
            let pools: Vec<Vec<u32>> =
                (0..=next(7)).map(|_| (0..people).filter(|_| next(3) == 0).collect()).collect();
            let outcomes: Vec<Option<bool>> = (0..pools.len())
                .map(|_| match next(5) {
                    0 => None,
                    1 | 2 => Some(false),
                    _ => Some(true),
                })
                .collect();
            let decoded = decode(people, &pools, &outcomes)?;
            let has = |set: u32, pool: &[u32]| pool.iter().any(|&m| set >> m & 1 == 1);
            // Pools that no set can satisfy together with the negative ones are set aside.
            let cleared: u32 = pools
                .iter()
                .zip(&outcomes)
                .filter(|(_, o)| **o == Some(false))
                .flat_map(|(pool, _)| pool)
                .fold(0, |all, &m| all | 1 << m);
            let fits = |set: u32| {
                set & cleared == 0
                    && pools.iter().zip(&outcomes).enumerate().all(|(n, (pool, outcome))| {
                        *outcome != Some(true)
                            || decoded.contradictions.contains(&(n as u32))
                            || has(set, pool)
                    })
            };
            let sets: Vec<u32> = (0..1_u32 << people).filter(|&set| fits(set)).collect();
            assert!(!sets.is_empty());
            let least = sets.iter().map(|s| s.count_ones()).min().unwrap_or(0);
            assert_eq!(decoded.smallest.len() as u32, least);
            assert!(!decoded.is_cut_off);
            let as_set = |list: &[u32]| list.iter().fold(0, |all, &m| all | 1_u32 << m);
            assert!(fits(as_set(&decoded.smallest)));
            assert!(fits(as_set(&decoded.greedy)));
            // Definite: in every set that fits. Negative: in none.
            let always = sets.iter().fold(u32::MAX, |all, set| all & set);
            assert_eq!(as_set(&decoded.definite), always & ((1 << people) - 1));
            let ever = sets.iter().fold(0, |all, set| all | set);
            assert_eq!(ever & as_set(&decoded.negative), 0);
            for (n, (pool, outcome)) in pools.iter().zip(&outcomes).enumerate() {
                let is_hopeless =
                    *outcome == Some(true) && pool.iter().all(|&m| cleared >> m & 1 == 1);
                assert_eq!(decoded.contradictions.contains(&(n as u32)), is_hopeless);
            }
        }
        Ok(())
    }

    #[test]
    fn a_person_outside_the_list_is_refused() {
        assert!(decode(2, &[vec![0, 2]], &[None]).is_err());
        assert!(decode(2, &[vec![0]], &[]).is_err());
    }
}
