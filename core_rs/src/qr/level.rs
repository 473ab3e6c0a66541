//! One scale of an image, searched once: finders, triples, symbols.

use super::finder::{Finder, Scan, find};
use super::geometry::{Point, is_within, length, sub};
use super::image::View;
use super::pair::complete;
use super::symbol::{Doubt, Effort, Look, Reading, look, read_doubt};
use super::threshold::{BLOCK, Thresholds};
use super::triple::group;

/// How a level is searched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) scan: Scan,
    pub(super) effort: Effort,
    /// Guesses in a row that are looked at before giving up; more where there are many finders.
    pub(super) most_guesses: usize,
    /// Versions that are tried for a guess.
    pub(super) sizes: usize,
    /// Whether a third finder is looked for where only two were found.
    pub(super) completes_pairs: bool,
    /// Whether a doubtful guess is also bent as a whole.
    pub(super) may_be_bent: bool,
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
    let mut search = Search {
        view,
        plan,
        finders: find_all(view, plan, known),
        is_used: Vec::new(),
        doubts: Vec::new(),
        readings: Vec::new(),
    };
    search.is_used = vec![false; search.finders.len()];
    search.look_at_triples(0, is_over);
    if plan.completes_pairs {
        let first_new = search.finders.len();
        search.finders.extend(complete(
            view,
            &search.finders,
            &search.is_used,
            plan.scan.is_lenient,
        ));
        search.is_used.resize(search.finders.len(), false);
        if search.finders.len() > first_new {
            search.look_at_triples(first_new, is_over);
        }
    }
    let agreements = search.doubts.iter().map(|(doubt, _)| doubt.agreement);
    let best_agreement = agreements.fold(0.0, f32::max);
    search.look_at_doubts(is_over);
    let unread_finders = search.is_used.iter().filter(|used| !**used).count();
    Seen { readings: search.readings, unread_finders, best_agreement }
}

/// Finders of one scale outside of the known symbols; a lenient scan of a photograph looks at lower and higher thresholds too.
fn find_all(view: View<'_>, plan: Plan, known: &[[Point; 4]]) -> Vec<Finder> {
    let scan = plan.scan;
    // A line of pixels, or what is left of it when it is halved.
    if view.width().min(view.height()) < 2 * BLOCK {
        return Vec::new();
    }
    let mut finders = find(view, &Thresholds::of(view), scan, known);
    if scan.is_lenient && plan.completes_pairs {
        for share in [LOWER, HIGHER] {
            for other in find(view, &Thresholds::at(view, share), scan, known) {
                let is_known =
                    |f: &Finder| length(sub(f.centre, other.centre)) < f.module.max(other.module);
                if !finders.iter().any(is_known) {
                    finders.push(other);
                }
            }
        }
    }
    if scan.is_lenient {
        finders.sort_by_key(|f| std::cmp::Reverse(f.hits));
        finders.truncate(MOST_LENIENT);
    }
    finders
}

/// Of what a lenient scan finds the surest are looked at.
const MOST_LENIENT: usize = 40;

/// Thresholds below and above the middle between dark and light, in parts of 256.
const LOWER: u16 = 80;
const HIGHER: u16 = 172;

/// What one scale showed.
pub(super) struct Seen {
    pub(super) readings: Vec<Reading>,
    /// Finders that belong to no symbol that was read.
    pub(super) unread_finders: usize,
    /// How well the modules of known colour agreed in the likeliest of the guesses that were doubtful
    /// at first.
    pub(super) best_agreement: f32,
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
        for triple in group(&self.finders, self.plan.scan.is_lenient) {
            let is_new = triple.members.iter().any(|&m| m >= first_new);
            if !is_new || self.has_used(triple.members) {
                continue;
            }
            if guesses >= most_guesses || is_over() {
                break;
            }
            guesses += 1;
            match look(self.view, &triple, self.plan.sizes, self.plan.may_be_bent) {
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
            if let Some(reading) =
                read_doubt(self.view, doubt, self.plan.effort, self.plan.may_be_bent)
            {
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
            *used |= is_within(corners, finder.centre);
        }
    }
}
