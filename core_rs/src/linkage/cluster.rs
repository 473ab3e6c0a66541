//! Pairs → people. Connected components merge twins by their parents' typing errors (A~B~C); so
//! each component is taken apart and put together again by average linkage, where two groups that
//! hold contradicting records are never joined (pitfall 1).

/// What a component is clustered by: log2 odds of a pair, cut to what may count against, or `None`
/// for a veto.
pub type Odds<'a> = &'a (dyn Fn(u32, u32) -> Option<f64> + Sync);

/// One record's place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Smallest record of its entity.
    pub entity: u32,
    /// Log2 odds of the weakest join that holds it there; infinite if alone.
    pub bits: f32,
    /// Whether a plausible link was refused.
    pub torn: bool,
}

/// Two groups are joined above these mean odds. A little below even: of the pairs that no edge
/// connects a few are one person all the same, and the number of people is to be right.
const JOIN: f64 = -0.15;
/// Odds are cut to this many bits before they are averaged.
const MOST_BITS: f64 = 16.0;
/// A veto, in bits.
const VETO: f64 = -1e6;
/// Components above this are first cut at higher odds.
const LARGE: usize = 60;
const HIGHER: f32 = 3.0;

/// Groups of records connected by edges of at least `least` bits, each sorted, in order of their
/// first record.
pub fn components(edges: &[(u32, u32, f32)], least: f32) -> Vec<Vec<u32>> {
    let strong = || edges.iter().filter(|e| e.2 >= least);
    let Some(first) = strong().map(|e| e.0.min(e.1)).min() else { return Vec::new() };
    let last = strong().map(|e| e.0.max(e.1)).max().unwrap_or(first);
    // One place for each record from the first to the last; the smallest record is the root.
    let mut parent: Vec<u32> = (0..=last - first).collect();
    for (a, b, _) in strong() {
        let (x, y) = (root(&mut parent, a - first), root(&mut parent, b - first));
        parent[x.max(y) as usize] = x.min(y);
    }
    let mut size = vec![0_u32; parent.len()];
    for at in 0..parent.len() as u32 {
        size[root(&mut parent, at) as usize] += 1;
    }
    let mut groups: Vec<Vec<u32>> = Vec::new();
    let mut place = vec![0_u32; parent.len()];
    for at in 0..parent.len() as u32 {
        let root = root(&mut parent, at);
        if size[root as usize] < 2 {
            continue;
        }
        if root == at {
            place[at as usize] = groups.len() as u32;
            groups.push(Vec::with_capacity(size[at as usize] as usize));
        }
        groups[place[root as usize] as usize].push(first + at);
    }
    groups
}

fn root(parent: &mut [u32], mut at: u32) -> u32 {
    while parent[at as usize] != at {
        parent[at as usize] = parent[parent[at as usize] as usize];
        at = parent[at as usize];
    }
    at
}

/// Clusters one component, whose inner edges are given, into `into`.
pub fn cluster(
    records: &[u32],
    edges: &[(u32, u32, f32)],
    least: f32,
    odds: Odds<'_>,
    into: &mut Vec<(u32, Place)>,
) {
    if records.len() > LARGE {
        let parts = components(edges, least + HIGHER);
        let mut seen: Vec<(u32, usize)> = Vec::with_capacity(records.len());
        for (at, part) in parts.iter().enumerate() {
            seen.extend(part.iter().map(|record| (*record, at)));
        }
        seen.sort_unstable();
        let part_of = |record: u32| {
            let place = seen.binary_search_by_key(&record, |(record, _)| *record);
            place.ok().map(|place| seen[place].1)
        };
        let mut inner: Vec<Vec<(u32, u32, f32)>> = vec![Vec::new(); parts.len()];
        for edge in edges.iter().filter(|e| e.2 >= least + HIGHER) {
            if let Some(part) = part_of(edge.0) {
                inner[part].push(*edge);
            }
        }
        for (part, inner) in parts.iter().zip(&inner) {
            cluster(part, inner, least + HIGHER, odds, into);
        }
        for record in records.iter().filter(|record| part_of(**record).is_none()) {
            let place = Place { entity: *record, bits: f32::INFINITY, torn: true };
            into.push((*record, place));
        }
        return;
    }
    average_linkage(records, odds, into);
}

fn average_linkage(records: &[u32], odds: Odds<'_>, into: &mut Vec<(u32, Place)>) {
    let n = records.len();
    // Sums of odds between groups, and whether any pair of theirs was plausible.
    let mut sums = vec![0.0_f64; n * n];
    let mut plausible = vec![false; n];
    for i in 0..n {
        for j in i + 1..n {
            let bits = odds(records[i], records[j]).map_or(VETO, |bits| bits.min(MOST_BITS));
            sums[i * n + j] = bits;
            sums[j * n + i] = bits;
        }
    }
    let pairs = sums.clone();
    let mut groups: Vec<Vec<usize>> = (0..n).map(|i| vec![i]).collect();
    let mut bits = vec![f64::INFINITY; n];
    loop {
        let mut best: Option<(f64, usize, usize)> = None;
        for i in 0..n {
            for j in i + 1..n {
                let size = groups[i].len() * groups[j].len();
                if size > 0 {
                    let mean = sums[i * n + j] / size as f64;
                    // Strictly better only: ties go to the smaller record numbers.
                    if mean > JOIN && best.is_none_or(|(most, ..)| mean > most) {
                        best = Some((mean, i, j));
                    }
                }
            }
        }
        let Some((mean, i, j)) = best else { break };
        let (large, small) = (groups[i].len(), groups[j].len());
        for (group, other) in [(i, small.cmp(&large)), (j, large.cmp(&small))] {
            // The smaller side is held by this join; between equals, both are.
            if other.is_ge() {
                for member in &groups[group] {
                    bits[*member] = bits[*member].min(mean);
                }
            }
        }
        let moved = std::mem::take(&mut groups[j]);
        groups[i].extend(moved);
        for k in 0..n {
            sums[i * n + k] += sums[j * n + k];
            sums[k * n + i] = sums[i * n + k];
        }
    }
    let mut entity = vec![0; n];
    for group in groups.iter().filter(|g| !g.is_empty()) {
        let first = group.iter().map(|m| records[*m]).min().unwrap_or(0);
        for member in group {
            entity[*member] = first;
        }
    }
    for i in 0..n {
        for j in i + 1..n {
            if entity[i] != entity[j] && pairs[i * n + j] > -2.0 {
                plausible[i] = true;
                plausible[j] = true;
            }
        }
    }
    for i in 0..n {
        let place = Place { entity: entity[i], bits: bits[i] as f32, torn: plausible[i] };
        into.push((records[i], place));
    }
}
