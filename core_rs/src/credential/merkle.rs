//! The Merkle tree of RFC 6962: a log whose past cannot be changed unnoticed.
//!
//! Whoever keeps a signed root can ask for proof that an entry is under it, and that every later
//! root continues it. Names and hashes are those of RFC 6962 section 2.1.

use ring::digest::{Context, SHA256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The hash of an entry.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[0]);
    context.update(entry);
    finish(context)
}

/// The hash over two neighbours.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut input = [1; 65];
    input[1..33].copy_from_slice(left);
    input[33..].copy_from_slice(right);
    let mut context = Context::new(&SHA256);
    context.update(&input);
    finish(context)
}

fn finish(context: Context) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// The root of no entries: the hash of nothing.
pub fn empty_root() -> Hash {
    finish(Context::new(&SHA256))
}

/// A growing log. Keeps the hash of every complete subtree: 64 bytes an entry.
#[derive(Debug, Clone, Default)]
pub struct MerkleLog {
    /// `levels[k][i]`: the root over entries `i·2ᵏ .. (i+1)·2ᵏ`.
    levels: Vec<Vec<Hash>>,
}

impl MerkleLog {
    /// How many entries.
    pub fn len(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds an entry and gives its place.
    pub fn append(&mut self, entry: &[u8]) -> usize {
        self.append_leaf(leaf_hash(entry))
    }

    /// Adds an entry of which only the hash is known.
    pub fn append_leaf(&mut self, leaf: Hash) -> usize {
        let place = self.len();
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let row = &mut self.levels[level];
            row.push(hash);
            if row.len() % 2 == 1 {
                break;
            }
            hash = node_hash(&row[row.len() - 2], &row[row.len() - 1]);
        }
        place
    }

    /// The hash of the entry at a place.
    pub fn leaf(&self, place: usize) -> Option<Hash> {
        self.levels.first()?.get(place).copied()
    }

    /// The root over the first `size` entries; `None` if there are fewer.
    pub fn root(&self, size: usize) -> Option<Hash> {
        (size <= self.len()).then(|| if size == 0 { empty_root() } else { self.range(0, size) })
    }

    /// The root over a range as RFC 6962 splits it. `from` is a multiple of the subtree's size.
    fn range(&self, from: usize, to: usize) -> Hash {
        let size = to - from;
        if size.is_power_of_two() {
            let level = size.trailing_zeros() as usize;
            return self.levels[level][from >> level];
        }
        let split = from + split_of(size);
        node_hash(&self.range(from, split), &self.range(split, to))
    }

    /// `PATH(place, D[size])`; `None` unless `place < size ≤ len`.
    pub fn inclusion_proof(&self, place: usize, size: usize) -> Option<Vec<Hash>> {
        if place >= size || size > self.len() {
            return None;
        }
        let mut proof = Vec::new();
        let (mut from, mut to) = (0, size);
        while to - from > 1 {
            let split = from + split_of(to - from);
            if place < split {
                proof.push(self.range(split, to));
                to = split;
            } else {
                proof.push(self.range(from, split));
                from = split;
            }
        }
        proof.reverse();
        Some(proof)
    }

    /// `PROOF(old, D[new])`; `None` unless `0 < old ≤ new ≤ len`.
    pub fn consistency_proof(&self, old: usize, new: usize) -> Option<Vec<Hash>> {
        if old == 0 || old > new || new > self.len() {
            return None;
        }
        let mut proof = Vec::new();
        let (mut from, mut to) = (0, new);
        // Whether what is left of the old tree is one complete subtree that its root stands for.
        let mut is_whole = true;
        while old != to {
            let split = from + split_of(to - from);
            if old <= split {
                proof.push(self.range(split, to));
                to = split;
            } else {
                proof.push(self.range(from, split));
                from = split;
                is_whole = false;
            }
        }
        if !is_whole {
            proof.push(self.range(from, to));
        }
        proof.reverse();
        Some(proof)
    }
}

/// The largest power of two below `size`, which is at least 2.
fn split_of(size: usize) -> usize {
    1 << (size - 1).ilog2()
}

/// Whether `proof` shows that `leaf` is at `place` under `root` of `size` entries.
pub fn verify_inclusion(
    leaf: &Hash,
    place: usize,
    size: usize,
    proof: &[Hash],
    root: &Hash,
) -> bool {
    if place >= size {
        return false;
    }
    let (mut at, mut last) = (place, size - 1);
    let mut hash = *leaf;
    for step in proof {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            hash = node_hash(step, &hash);
            while at.is_multiple_of(2) && at != 0 {
                at /= 2;
                last /= 2;
            }
        } else {
            hash = node_hash(&hash, step);
        }
        at /= 2;
        last /= 2;
    }
    last == 0 && hash == *root
}

/// Whether `proof` shows that the log of `new` entries begins with the log of `old` entries.
pub fn verify_consistency(
    old: usize,
    new: usize,
    old_root: &Hash,
    new_root: &Hash,
    proof: &[Hash],
) -> bool {
    if old == 0 || old > new {
        return false;
    }
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    let mut steps = proof.iter();
    let (mut at, mut last) = (old - 1, new - 1);
    while at % 2 == 1 {
        at /= 2;
        last /= 2;
    }
    // A complete old tree is its own first step.
    let first = if at == 0 { Some(old_root) } else { steps.next() };
    let Some(first) = first else { return false };
    let (mut of_old, mut of_new) = (*first, *first);
    for step in steps {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            of_old = node_hash(step, &of_old);
            of_new = node_hash(step, &of_new);
            while at.is_multiple_of(2) && at != 0 {
                at /= 2;
                last /= 2;
            }
        } else {
            of_new = node_hash(&of_new, step);
        }
        at /= 2;
        last /= 2;
    }
    last == 0 && of_old == *old_root && of_new == *new_root
}

/// The root over entries without keeping the tree: memory of log₂ n hashes.
#[derive(Debug, Clone, Default)]
pub struct RunningRoot {
    /// Complete subtrees from the left, each with its level, levels falling.
    stack: Vec<(u32, Hash)>,
    count: usize,
}

impl RunningRoot {
    /// How many entries were added.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds the next entry and gives its hash.
    pub fn add(&mut self, entry: &[u8]) -> Hash {
        let leaf = leaf_hash(entry);
        self.add_leaf(leaf);
        leaf
    }

    /// Adds an entry of which only the hash is known.
    pub fn add_leaf(&mut self, leaf: Hash) {
        self.count += 1;
        let (mut level, mut hash) = (0, leaf);
        while let Some(&(top, left)) = self.stack.last().filter(|(top, _)| *top == level) {
            self.stack.pop();
            hash = node_hash(&left, &hash);
            level = top + 1;
        }
        self.stack.push((level, hash));
    }

    /// The root over all that was added so far.
    pub fn root(&self) -> Hash {
        let mut parts = self.stack.iter().rev();
        let Some((_, last)) = parts.next() else { return empty_root() };
        parts.fold(*last, |root, (_, left)| node_hash(left, &root))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 6962 section 2.1, word for word.
    fn root_by_definition(entries: &[Vec<u8>]) -> Hash {
        match entries {
            [] => empty_root(),
            [one] => leaf_hash(one),
            many => {
                let mut k = 1;
                while k * 2 < many.len() {
                    k *= 2;
                }
                node_hash(&root_by_definition(&many[..k]), &root_by_definition(&many[k..]))
            }
        }
    }

    fn log(size: usize) -> (MerkleLog, Vec<Vec<u8>>) {
        let entries: Vec<Vec<u8>> = (0..size).map(|n| format!("entry {n}").into_bytes()).collect();
        let mut log = MerkleLog::default();
        for (place, entry) in entries.iter().enumerate() {
            assert_eq!(log.append(entry), place);
        }
        (log, entries)
    }

    #[test]
    fn the_known_roots_hold() {
        let hex =
            |hash: Hash| hash.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        assert_eq!(
            hex(empty_root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            hex(leaf_hash(b"")),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
    }

    #[test]
    fn roots_follow_the_definition() {
        let (log, entries) = log(70);
        for size in 0..=70 {
            let root = root_by_definition(&entries[..size]);
            assert_eq!(log.root(size), Some(root));
            let mut running = RunningRoot::default();
            for (place, entry) in entries[..size].iter().enumerate() {
                assert_eq!(Some(running.add(entry)), log.leaf(place));
            }
            assert_eq!((running.len(), running.root()), (size, root));
        }
        assert_eq!(log.root(71), None);
    }

    #[test]
    fn every_inclusion_proof_verifies_and_no_other() {
        let (log, _) = log(40);
        for size in 1..=40 {
            let root = log.root(size).unwrap();
            for place in 0..size {
                let proof = log.inclusion_proof(place, size).unwrap();
                let leaf = log.leaf(place).unwrap();
                assert!(verify_inclusion(&leaf, place, size, &proof, &root));
                assert!(!verify_inclusion(&leaf, place, size, &proof, &leaf_hash(b"other")));
                for other in (0..size).filter(|other| *other != place) {
                    assert!(!verify_inclusion(&leaf, other, size, &proof, &root));
                }
                let longer = [proof.clone(), vec![root]].concat();
                assert!(!verify_inclusion(&leaf, place, size, &longer, &root));
            }
        }
        assert_eq!(log.inclusion_proof(5, 5), None);
    }

    #[test]
    fn every_consistency_proof_verifies_and_no_other() {
        let (log, _) = log(40);
        let wrong = leaf_hash(b"other");
        for new in 1..=40 {
            let new_root = log.root(new).unwrap();
            for old in 1..=new {
                let old_root = log.root(old).unwrap();
                let proof = log.consistency_proof(old, new).unwrap();
                assert!(verify_consistency(old, new, &old_root, &new_root, &proof), "{old} {new}");
                assert!(!verify_consistency(old, new, &wrong, &new_root, &proof));
                assert!(!verify_consistency(old, new, &old_root, &wrong, &proof));
            }
        }
        assert_eq!(log.consistency_proof(0, 5), None);
    }
}
