//! One scale of an image, searched once: finders, triples, symbols.

use super::finder::{Finder, find};
use super::geometry::{Point, cross, sub};
use super::image::View;
use super::pair::complete;
use super::symbol::{Doubt, Effort, Look, Reading, look, read_doubt};
use super::threshold::Thresholds;
use super::triple::group;

/// How a level is searched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// Rows between scans.
    pub(super) step: usize,
    /// How far the edges of a finder may be from where they should be, in parts of two modules.
    pub(super) slack: f32,
    pub(super) effort: Effort,
    /// Guesses in a row that are looked at before giving up; more where there are many finders.
    pub(super) most_guesses: usize,
    /// Versions that are tried for a guess.
    pub(super) sizes: usize,
    /// Whether a third finder is looked for where only two were found.
    pub(super) completes_pairs: bool,
    /// Doubtful guesses that get more effort.
    pub(super) most_doubts: usize,
}

/// Reads the symbols of one scale outside of those that are `known` by their corners; `is_over`
/// says when to stop.
pub(super) fn search(
    view: View<'_>,
    plan: Plan,
    known: &[[Point; 4]],
    is_over: &dyn Fn() -> bool,
) -> Seen {
    let thresholds = Thresholds::of(view);
    let mut search = Search {
        view,
        plan,
        finders: find(view, &thresholds, plan.step, plan.slack),
        is_used: Vec::new(),
        doubts: Vec::new(),
        readings: Vec::new(),
    };
    search.is_used = vec![false; search.finders.len()];
    for corners in known {
        search.mark_used(corners);
    }
    search.look_at_triples(0, is_over);
    if plan.completes_pairs {
        let first_new = search.finders.len();
        search.finders.extend(complete(view, &search.finders, &search.is_used));
        search.is_used.resize(search.finders.len(), false);
        if search.finders.len() > first_new {
            search.look_at_triples(first_new, is_over);
        }
    }
    search.look_at_doubts(is_over);
    let unread_finders = search.is_used.iter().filter(|used| !**used).count();
    Seen { readings: search.readings, unread_finders }
}

/// What one scale showed.
pub(super) struct Seen {
    pub(super) readings: Vec<Reading>,
    /// Finders that belong to no symbol that was read.
    pub(super) unread_finders: usize,
}

struct Search<'a> {
    view: View<'a>,
    plan: Plan,
    finders: Vec<Finder>,
    /// Finders that belong to a symbol that was read.
    is_used: Vec<bool>,
    doubts: Vec<(Doubt, [usize; 3])>,
    readings: Vec<Reading>,
}

impl Search<'_> {
    /// Looks at all triples that have a finder from `first_new` on.
    fn look_at_triples(&mut self, first_new: usize, is_over: &dyn Fn() -> bool) {
        let mut guesses = 0;
        // Where there are many finders, as many symbols may be unreadable before one that is not.
        let most_guesses = self.plan.most_guesses.max(self.finders.len() / 3);
        for triple in group(&self.finders) {
            let is_new = triple.members.iter().any(|&m| m >= first_new);
            if !is_new || self.has_used(triple.members) {
                continue;
            }
            if guesses >= most_guesses || is_over() {
                break;
            }
            guesses += 1;
            match look(self.view, &triple, self.plan.sizes) {
                Look::Read(reading) => {
                    self.mark_used(&reading.corners);
                    guesses = 0;
                    self.readings.push(reading);
                }
                Look::Doubts(found) => {
                    self.doubts.extend(found.into_iter().map(|doubt| (doubt, triple.members)));
                }
            }
        }
    }

    /// Reads the likeliest of the doubtful guesses with more effort.
    fn look_at_doubts(&mut self, is_over: &dyn Fn() -> bool) {
        if self.plan.effort == Effort::Low {
            return;
        }
        let mut doubts = std::mem::take(&mut self.doubts);
        doubts.sort_by(|a, b| b.0.agreement.total_cmp(&a.0.agreement));
        let mut tries = 0;
        for (doubt, members) in doubts {
            if self.has_used(members) {
                continue;
            }
            if tries >= self.plan.most_doubts || is_over() {
                break;
            }
            tries += 1;
            if let Some(reading) = read_doubt(self.view, &doubt, self.plan.effort) {
                self.mark_used(&reading.corners);
                self.readings.push(reading);
            }
        }
    }

    fn has_used(&self, members: [usize; 3]) -> bool {
        members.iter().any(|&m| self.is_used[m])
    }

    /// Finders inside a symbol that was read belong to it.
    fn mark_used(&mut self, corners: &[Point; 4]) {
        for (finder, used) in self.finders.iter().zip(&mut self.is_used) {
            let sides = corners.iter().zip(corners.iter().cycle().skip(1));
            let turns = sides.map(|(&a, &b)| cross(sub(b, a), sub(finder.centre, a)) > 0.0);
            let count = turns.filter(|&t| t).count();
            *used |= count == 0 || count == 4;
        }
    }
}
