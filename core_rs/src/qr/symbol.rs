//! One guess at a symbol, read: from a triple of finders to its content.

use super::alignment::{align, bend};
use super::bits::Content;
use super::codewords::{Format, Repairs, read, read_formats, read_version};
use super::curve::curve;
use super::geometry::{Point, length, sub};
use super::grid::{Frame, Grid, measure};
use super::image::View;
use super::layout::Layout;
use super::soft::{Equaliser, from_centres, sample_centres};
use super::timing::candidates;
use super::triple::Triple;

/// How much one guess is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effort {
    /// Centres of modules, one sharpening.
    Low,
    /// And one learned filter with erasures.
    Middle,
    /// And filters learned anew from their own decisions, other sizes.
    High,
}

/// A symbol that was read.
pub(super) struct Reading {
    pub(super) content: Content,
    pub(super) corners: [Point; 4],
    /// Pixels a module, along the shorter side.
    pub(super) module: f32,
}

impl Reading {
    fn of(grid: &Grid, content: Content) -> Self {
        let corners = grid.corners();
        let side = |n: usize| length(sub(corners[(n + 1) % 4], corners[n]));
        let shortest = (0..4).map(side).fold(f32::MAX, f32::min);
        Self { content, corners, module: shortest / grid.layout.size as f32 }
    }
}

/// Timing patterns that agree less than this are none.
const LEAST_TIMING: f32 = 0.2;
/// Known modules that agree less than this are none.
const LEAST_AGREEMENT: f32 = 0.4;
/// The same before the grid is bent.
const LEAST_BENT_AGREEMENT: f32 = 0.25;
/// Format bits that agree less than this are none.
const LEAST_FORMAT: f32 = 0.72;
/// Sharpening of the first attempt, against the blur of a usual lens.
const SHARPENING: f32 = 0.4;

/// A guess that was not read at low effort but may be with more.
pub(super) struct Doubt {
    pub(super) grid: Grid,
    /// How well all modules of known colour agree.
    pub(super) agreement: f32,
}

/// What a first look at a triple gave.
pub(super) enum Look {
    Read(Reading),
    Doubts(Vec<Doubt>),
}

/// Looks at a triple with up to `sizes` versions: centres of modules, one sharpening.
///
/// What may be bent is let through with less agreement, as a doubt.
pub(super) fn look(view: View<'_>, triple: &Triple, sizes: usize, may_be_bent: bool) -> Look {
    let mut doubts = Vec::new();
    let Some(frame) = measure(view, triple) else { return Look::Doubts(doubts) };
    for mut grid in candidates(view, &frame).into_iter().take(sizes) {
        if grid.timing < LEAST_TIMING {
            break;
        }
        align(view, &frame, &mut grid);
        let agreement = grid.agreement(view);
        if agreement < LEAST_AGREEMENT {
            if may_be_bent && agreement > LEAST_BENT_AGREEMENT {
                doubts.push(Doubt { grid, agreement });
            }
            continue;
        }
        match read_grid(view, &grid) {
            Outcome::Read(content) => {
                return Look::Read(Reading::of(&grid, content));
            }
            Outcome::Mirrored => {
                if let Some(reading) = read_mirrored(view, triple) {
                    return Look::Read(reading);
                }
            }
            Outcome::Unread => {
                if bend(view, &mut grid, false)
                    && let Outcome::Read(content) = read_grid(view, &grid)
                {
                    return Look::Read(Reading::of(&grid, content));
                }
                doubts.push(Doubt { agreement: grid.agreement(view), grid });
            }
        }
    }
    Look::Doubts(doubts)
}

/// A symbol seen from behind: the same with rows and columns exchanged.
fn read_mirrored(view: View<'_>, triple: &Triple) -> Option<Reading> {
    let mut triple = *triple;
    triple.centres.swap(1, 2);
    triple.modules.swap(1, 2);
    let frame: Frame = measure(view, &triple)?;
    let mut grid = candidates(view, &frame).into_iter().next()?;
    align(view, &frame, &mut grid);
    match read_grid(view, &grid) {
        Outcome::Read(content) => Some(Reading::of(&grid, content)),
        Outcome::Mirrored | Outcome::Unread => None,
    }
}

enum Outcome {
    Read(Content),
    Mirrored,
    Unread,
}

fn read_grid(view: View<'_>, grid: &Grid) -> Outcome {
    let layout = grid.layout;
    let centres = sample_centres(view, grid);
    let values = from_centres(layout.size, &centres, SHARPENING);
    let formats = read_formats(&values, layout);
    let first = formats[0];
    if first.agreement > LEAST_FORMAT
        && !is_other_version(&values, layout)
        && let Some(content) = read(&values, layout, first, Repairs::Plain).content
    {
        return Outcome::Read(content);
    }
    let turned = transposed(&values, layout.size);
    if read_formats(&turned, layout)[0].agreement > first.agreement.max(0.8) + 0.1 {
        return Outcome::Mirrored;
    }
    Outcome::Unread
}

/// Reads a doubtful guess with more effort.
pub(super) fn read_doubt(
    view: View<'_>,
    doubt: Doubt,
    effort: Effort,
    may_be_bent: bool,
) -> Option<Reading> {
    let mut grid = doubt.grid;
    if doubt.agreement >= LEAST_AGREEMENT
        && let Some(content) = read_filtered(view, &grid, effort)
    {
        return Some(Reading::of(&grid, content));
    }
    if !may_be_bent {
        return None;
    }
    grid.bends.clear();
    let is_curved = curve(view, &mut grid);
    let is_bent = bend(view, &mut grid, true);
    if !(is_curved || is_bent) || grid.agreement(view) < LEAST_AGREEMENT {
        return None;
    }
    let content = read_filtered(view, &grid, effort)?;
    Some(Reading::of(&grid, content))
}

/// Whether the version bits say clearly that the symbol has another size.
fn is_other_version(values: &[f32], layout: &Layout) -> bool {
    if layout.version < 7 {
        return false;
    }
    let (version, agreement) = read_version(values, layout);
    version != layout.version && agreement > 0.93
}

fn transposed(values: &[f32], size: usize) -> Vec<f32> {
    (0..size * size).map(|at| values[at % size * size + at / size]).collect()
}

/// Learns filters from what is known, then from what they said themselves.
fn read_filtered(view: View<'_>, grid: &Grid, effort: Effort) -> Option<Content> {
    let layout = grid.layout;
    let equaliser = Equaliser::sample(view, grid);
    let mut taught: Vec<(usize, bool)> = layout
        .known
        .iter()
        .map(|k| (usize::from(k.y) * layout.size + usize::from(k.x), k.is_dark))
        .collect();
    let known_count = taught.len();
    let mut values = equaliser.run(&taught);
    let formats = read_formats(&values, layout);
    let is_high = effort == Effort::High;
    let (most, rounds) = if is_high { (2, 4) } else { (1, 1) };
    for format in formats.iter().filter(|f| f.agreement > LEAST_FORMAT).take(most) {
        for round in 0..rounds {
            let is_last = round + 1 == rounds;
            let repairs = if is_last { Repairs::Erasing } else { Repairs::All };
            let attempt = read(&values, layout, *format, repairs);
            if attempt.content.is_some() {
                return attempt.content;
            }
            if is_last {
                break;
            }
            taught.truncate(known_count);
            teach_format(&mut taught, layout, *format);
            teach_decisions(&mut taught, layout, &values, &attempt.settled);
            values = equaliser.run(&taught);
        }
    }
    None
}

fn teach_format(taught: &mut Vec<(usize, bool)>, layout: &Layout, format: Format) {
    for copy in &layout.format {
        taught.extend(copy.iter().enumerate().map(|(n, &at)| (at as usize, format.is_dark(n))));
    }
}

/// Every repaired module with its true colour, and of the others those that look sure.
fn teach_decisions(
    taught: &mut Vec<(usize, bool)>,
    layout: &Layout,
    values: &[f32],
    settled: &[(u32, bool)],
) {
    let mut is_settled = vec![false; values.len()];
    for &(at, is_dark) in settled {
        is_settled[at as usize] = true;
        taught.push((at as usize, is_dark));
    }
    for &at in &layout.path {
        let at = at as usize;
        if !is_settled[at] && values[at].abs() > 0.25 {
            taught.push((at, values[at] > 0.0));
        }
    }
}
