//! The best way to split people into groups again and again, for equal risks or a risk of each.
//!
//! What a design costs is a sum over its groups, each depending on nothing but the groups it lies
//! in, so a table over "people split so far" finds the best split of every group; groups are
//! neighbours in the order of risk (Hwang, JASA 70 (1975) 923).

use super::design::{Quality, Stages, all_positive};

/// Risks in ascending order.
pub(super) enum Risks {
    /// So many people of one risk.
    Equal(f64, usize),
    /// A risk of each, and the sums of ln(1 - p) before each.
    Each(Vec<f64>, Vec<f64>),
}

impl Risks {
    pub(super) fn each(mut risks: Vec<f64>) -> Self {
        risks.sort_by(f64::total_cmp);
        let mut sums = vec![0.0];
        for p in &risks {
            sums.push(sums[sums.len() - 1] + (-p).ln_1p());
        }
        Self::Each(risks, sums)
    }

    pub(super) fn people(&self) -> usize {
        match self {
            Self::Equal(_, people) => *people,
            Self::Each(risks, _) => risks.len(),
        }
    }

    fn of(&self, at: usize) -> f64 {
        match self {
            Self::Equal(p, _) => *p,
            Self::Each(risks, _) => risks[at],
        }
    }

    /// Logarithm of "nobody from `start` to before `end` is positive".
    fn none(&self, start: usize, end: usize) -> f64 {
        match self {
            Self::Equal(p, _) => (end - start) as f64 * (-p).ln_1p(),
            // Who is positive for sure stands at the end.
            Self::Each(risks, _) if risks[end - 1] >= 1.0 => f64::NEG_INFINITY,
            Self::Each(_, sums) => sums[end] - sums[start],
        }
    }
}

/// A group of neighbours and the groups it is split into; without any, people are tested singly.
pub(super) struct Group {
    pub start: usize,
    pub end: usize,
    pub parts: Vec<Self>,
}

impl Group {
    pub(super) fn size(&self) -> usize {
        self.end - self.start
    }
}

/// Prices beside one a test: of a negative person called positive, of a positive one missed.
#[derive(Clone, Copy)]
pub(super) struct Prices {
    pub false_positive: f64,
    pub missed: f64,
}

type Path = Vec<(f64, Quality)>;

/// Splits of one lot of people.
pub(super) struct Splitter<'a> {
    pub risks: &'a Risks,
    /// One quality for each stage.
    pub quality: &'a [Quality],
    pub prices: Prices,
}

impl Splitter<'_> {
    /// All people tested together and split, `levels` more times at most (1: singly at once).
    pub(super) fn whole(&self, levels: usize) -> Group {
        self.tree(&mut Path::new(), 0, self.risks.people(), levels)
    }

    /// First groups of at most `most` people, each of them split `levels` more times at most.
    pub(super) fn block(&self, most: usize, levels: usize) -> Vec<Group> {
        let (_, cuts) = self.split(&mut Path::new(), 0, self.risks.people(), levels, most);
        self.trees(&mut Path::new(), &cuts, levels)
    }

    fn trees(&self, path: &mut Path, cuts: &[(usize, usize)], levels: usize) -> Vec<Group> {
        cuts.iter().map(|&(start, end)| self.tree(path, start, end, levels)).collect()
    }

    fn tree(&self, path: &mut Path, start: usize, end: usize, levels: usize) -> Group {
        let mut parts = Vec::new();
        if end - start > 1 && levels > 1 {
            path.push(self.entry(path.len(), start, end));
            let (_, cuts) = self.split(path, start, end, levels - 1, end - start - 1);
            if cuts.len() < end - start {
                parts = self.trees(path, &cuts, levels - 1);
            }
            path.pop();
        }
        Group { start, end, parts }
    }

    fn entry(&self, stage: usize, start: usize, end: usize) -> (f64, Quality) {
        // Alone from the start is tested singly.
        let is_alone = stage == 0 && end - start == 1;
        let stage = if is_alone { self.quality.len() - 1 } else { stage };
        (self.risks.none(start, end), self.quality[stage])
    }

    /// Price of a group that is tested if all groups of the path are positive.
    fn group(&self, path: &mut Path, start: usize, end: usize, levels: usize) -> f64 {
        let tested = all_positive(path, 0.0);
        path.push(self.entry(path.len(), start, end));
        let price = if end - start == 1 {
            tested + self.errors(path, start, end)
        } else if levels == 1 {
            let size = (end - start) as f64;
            let singly = size * all_positive(path, 0.0);
            path.push((0.0, self.quality[path.len()]));
            let errors = self.errors(path, start, end);
            path.pop();
            tested + singly + errors
        } else {
            tested + self.split(path, start, end, levels - 1, end - start - 1).0
        };
        path.pop();
        price
    }

    /// Price of errors among people whose tests are the path, the last one being their own.
    fn errors(&self, path: &mut Path, start: usize, end: usize) -> f64 {
        let Prices { false_positive, missed } = self.prices;
        if false_positive == 0.0 && missed == 0.0 {
            return 0.0;
        }
        let found: f64 = path.iter().map(|(_, q)| q.sensitivity).product();
        let last = path.len() - 1;
        let mut one = |at: usize| {
            let p = self.risks.of(at);
            let own = (-p).ln_1p();
            path[last].0 = own;
            let alarm = if p < 1.0 { (1.0 - p) * all_positive(path, own) } else { 0.0 };
            false_positive * alarm + missed * p * (1.0 - found)
        };
        match self.risks {
            Risks::Equal(..) => (end - start) as f64 * one(start),
            Risks::Each(..) => (start..end).map(one).sum(),
        }
    }

    /// The cheapest groups of at most `most` people, and their price. Of equals the one with the
    /// larger groups.
    fn split(
        &self,
        path: &mut Path,
        start: usize,
        end: usize,
        levels: usize,
        most: usize,
    ) -> (f64, Vec<(usize, usize)>) {
        let people = end - start;
        let is_equal = matches!(self.risks, Risks::Equal(..));
        let mut by_size: Vec<Option<f64>> = vec![None; if is_equal { people + 1 } else { 0 }];
        let mut cost = vec![0.0; people + 1];
        let mut cut = vec![0; people + 1];
        for upto in 1..=people {
            cost[upto] = f64::INFINITY;
            for part in (1..=upto.min(most)).rev() {
                let from = upto - part;
                let known = if is_equal { by_size[part] } else { None };
                let price =
                    known.unwrap_or_else(|| self.group(path, start + from, start + upto, levels));
                if is_equal {
                    by_size[part] = Some(price);
                }
                if is_less(cost[from] + price, cost[upto]) {
                    (cost[upto], cut[upto]) = (cost[from] + price, part);
                }
            }
        }
        let mut sizes = Vec::new();
        let mut left = people;
        while left > 0 {
            sizes.push(cut[left]);
            left -= cut[left];
        }
        sizes.reverse();
        if is_equal {
            sizes.sort_unstable_by(|a, b| b.cmp(a));
        }
        let mut at = start;
        let cuts = sizes.iter().map(|size| {
            at += size;
            (at - size, at)
        });
        (cost[people], cuts.collect())
    }
}

/// Less by more than rounding, so that of equals the first stays.
pub(super) fn is_less(one: f64, other: f64) -> bool {
    other.is_infinite() || one < other - 1e-12 * other.abs()
}

/// The group of each person at each of `count` stages; `order[i]` is the person at place i.
pub(super) fn stages_of(groups: &[Group], count: usize, order: &[usize]) -> Stages {
    let mut stages = vec![vec![None; order.len()]; count];
    let mut numbers = vec![0; count];
    let mut todo: Vec<(&Group, usize)> = groups.iter().map(|group| (group, 0)).collect();
    todo.reverse();
    while let Some((group, stage)) = todo.pop() {
        for place in group.start..group.end {
            stages[stage][order[place]] = Some(numbers[stage]);
        }
        numbers[stage] += 1;
        if group.size() == 1 {
            continue;
        }
        if group.parts.is_empty() {
            for place in group.start..group.end {
                stages[stage + 1][order[place]] = Some(numbers[stage + 1]);
                numbers[stage + 1] += 1;
            }
        }
        todo.extend(group.parts.iter().rev().map(|part| (part, stage + 1)));
    }
    stages
}
