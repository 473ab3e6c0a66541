//! Who goes into which tube: households together, tubes full.
//!
//! Positives share households, so a household in one tube spoils one tube instead of several, and
//! a half-empty tube wastes a test (pooling.md, household pools).

/// One tube: indices of the people in it.
pub type Tube = Vec<usize>;

/// Packs people, given the number of their household, into tubes of `size`.
///
/// A household no larger than a tube is never split; a larger one fills whole tubes first, and its
/// rest is packed like a small household. Households fill each other's gaps: repeatedly the sizes
/// that fill a tube exactly are looked for, largest first, and only then what comes nearest.
/// Order is kept: the tube of an earlier household comes first.
pub fn pack_households(households: &[u32], size: usize) -> Vec<Tube> {
    let size = size.max(1);
    let mut order: Vec<u32> = Vec::new();
    let mut members = std::collections::HashMap::<u32, Vec<usize>>::new();
    for (person, &household) in households.iter().enumerate() {
        let list = members.entry(household).or_insert_with(|| {
            order.push(household);
            Vec::new()
        });
        list.push(person);
    }
    let mut tubes: Vec<Tube> = Vec::new();
    // Pieces by their size, in order of arrival.
    let mut pieces: Vec<std::collections::VecDeque<Vec<usize>>> =
        vec![std::collections::VecDeque::new(); size];
    for household in order {
        let people = members.remove(&household).unwrap_or_default();
        let mut chunks = people.chunks_exact(size);
        tubes.extend(chunks.by_ref().map(<[usize]>::to_vec));
        let rest = chunks.remainder();
        if !rest.is_empty() {
            pieces[rest.len()].push_back(rest.to_vec());
        }
    }
    while let Some(largest) = (1..size).rev().find(|&n| !pieces[n].is_empty()) {
        let mut tube = pieces[largest].pop_front().unwrap_or_default();
        for n in best_fill(size - largest, &pieces) {
            tube.extend(pieces[n].pop_front().unwrap_or_default());
        }
        tubes.push(tube);
    }
    tubes.sort_by_key(|tube| tube.iter().copied().min());
    tubes
}

/// Sizes of pieces that together come nearest to `room` from below, largest pieces first.
fn best_fill(room: usize, pieces: &[std::collections::VecDeque<Vec<usize>>]) -> Vec<usize> {
    // reach[r]: the sizes that fill exactly r places with the pieces there are, if any do.
    let mut reach: Vec<Option<Vec<usize>>> = vec![None; room + 1];
    reach[0] = Some(Vec::new());
    for n in (1..=room.min(pieces.len().saturating_sub(1))).rev() {
        for _ in 0..pieces[n].len().min(room / n) {
            let mut is_better = false;
            for to in (n..=room).rev() {
                if reach[to].is_none()
                    && let Some(before) = reach[to - n].clone()
                {
                    let mut sizes = before;
                    sizes.push(n);
                    reach[to] = Some(sizes);
                    is_better = true;
                }
            }
            if !is_better {
                break;
            }
        }
    }
    reach.into_iter().rev().flatten().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn households_stay_together_and_tubes_are_full() {
        let mut state = 9_u64;
        let mut next = |n: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % n
        };
        let mut households = Vec::new();
        for household in 0..2_000_u32 {
            // Sizes 1 to 7, mostly 3 to 4.
            let members = 1 + (next(3) + next(3) + next(3)) as usize;
            households.extend(std::iter::repeat_n(household, members));
        }
        for size in [3, 5, 10, 20] {
            let tubes = pack_households(&households, size);
            let mut seen: Vec<usize> = tubes.iter().flatten().copied().collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..households.len()).collect::<Vec<_>>());
            let mut tubes_of = std::collections::HashMap::<u32, Vec<usize>>::new();
            for (number, tube) in tubes.iter().enumerate() {
                assert!(tube.len() <= size);
                for &person in tube {
                    let list = tubes_of.entry(households[person]).or_default();
                    if !list.contains(&number) {
                        list.push(number);
                    }
                }
            }
            for (household, list) in tubes_of {
                let members = households.iter().filter(|&&h| h == household).count();
                assert_eq!(list.len(), members.div_ceil(size));
            }
            let places = tubes.len() * size;
            let filled = households.len() as f64 / places as f64;
            // Tubes of 5: more households of four than single people to fill them up.
            assert!(filled >= if size == 5 { 0.93 } else { 0.95 }, "{size}: {filled}");
        }
    }
}
