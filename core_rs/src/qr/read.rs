//! The doors: an image in, every QR symbol of it out.

use std::time::{Duration, Instant};

use super::exif::Orientation;
use super::finder::Scan;
use super::image::{Gray, View};
use super::level::{self, Plan};
use super::load::{Source, check_size};
use super::symbol::Effort;
use super::text::read_text;
use super::zxing;
use crate::error::{Error, Kind, Result};

/// Pixels of one image that are read by default: the largest phone sensors, four times over
/// what a queue's camera delivers.
pub const DEFAULT_MAX_PIXELS: usize = 50_000_000;

/// Time for one image by default.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// A photograph of more pixels is first decoded at a scale that has no more: 1/4 of the width and
/// height of 12 megapixels. To decode it whole costs a fifth more; to search it, sixteen times.
const COARSE_PIXELS: usize = 1_000_000;

/// Images up to this many pixels are read at their own scale first.
const FRAME_PIXELS: usize = 500_000;

/// Scales of more pixels are scanned more coarsely.
const LARGE_PIXELS: usize = 4_000_000;

/// How often the fast mode halves such an image.
const FRAME_SCALES: usize = 1;

/// No scale is smaller than this on its longer side.
const LEAST_SIDE: usize = 80;

/// Images up to this side may have modules of one pixel, and are read at twice their size too.
const TINY_SIDE: usize = 400;

/// Where modules have fewer pixels than this, a code farther away may be too small to be read.
const SMALL_MODULE: f32 = 2.3;

/// Where known modules agree so well there is a symbol.
const SURE_AGREEMENT: f32 = 0.45;

/// How much effort an image is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Camera frames: stop at the first scale that gives a symbol.
    #[default]
    Fast,
    /// Photos that nobody will take again: every scale and every retry.
    Thorough,
}

/// Effort and limits of one image.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How much effort.
    pub mode: Mode,
    /// More pixels than this are an error, found before they are decoded.
    pub max_pixels: usize,
    /// No new stage starts after this time; `None` for no limit.
    pub deadline: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self { mode: Mode::Fast, max_pixels: DEFAULT_MAX_PIXELS, deadline: Some(DEFAULT_DEADLINE) }
    }
}

/// One QR symbol of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Symbol {
    /// The bytes as written.
    pub raw: Vec<u8>,
    /// The bytes as text; `None` if they are not text.
    pub text: Option<String>,
    /// Corners in pixels of the upright image, clockwise from the symbol's own top left.
    pub corners: [[f32; 2]; 4],
}

/// Reads every QR symbol of a JPEG or PNG file.
///
/// # Errors
/// `qr.empty_file`, `qr.unknown_format`, `qr.damaged_jpeg`, `qr.damaged_png`, `qr.no_pixels`,
/// `qr.too_many_pixels`; `qr.deadline` if time ran out before any symbol was read.
pub fn decode_image(data: &[u8], options: Options) -> Result<Vec<Symbol>> {
    let mut search = Search::new(options);
    let source = Source::open(data, options.max_pixels)?;
    let (width, height) = (source.width(), source.height());
    let (mut shrink, mut may_show_more) = (1, false);
    while options.mode == Mode::Fast
        && source.scales_cheaply()
        && shrink < 8
        && width * height > COARSE_PIXELS * shrink * shrink
    {
        shrink *= 2;
    }
    if shrink > 1 {
        may_show_more = search.look_at(source.gray(shrink)?.view(), shrink as f32);
    }
    if search.is_open() || may_show_more {
        let whole = source.gray(1)?;
        let least = if shrink > 1 { shrink / 2 } else { usize::MAX };
        search.look_at_down_to(whole.view(), 1.0, least, may_show_more);
        search.look_again(whole.view());
    }
    let mut symbols = search.finish()?;
    make_upright(&mut symbols, source.orientation(), width as f32, height as f32);
    Ok(symbols)
}

/// Reads every QR symbol of gray pixels.
///
/// # Errors
/// `qr.no_pixels`, `qr.too_many_pixels`; `qr.deadline` if time ran out before any symbol was read.
pub fn decode_gray(view: View<'_>, options: Options) -> Result<Vec<Symbol>> {
    let mut search = Search::new(options);
    check_size(view.width(), view.height(), options.max_pixels)?;
    search.look_at(view, 1.0);
    search.look_again(view);
    let mut symbols = search.finish()?;
    make_upright(&mut symbols, Orientation::UPRIGHT, 0.0, 0.0);
    Ok(symbols)
}

/// Whether whatever resembles a finder is taken for one: dearer, so that a frame of a camera, which
/// has a successor, gets less of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leniency {
    No,
    Frame,
    Photo,
}

/// The state of one image's search: what was found so far and how long it may go on.
struct Search {
    options: Options,
    started: Instant,
    was_cut_short: bool,
    leniency: Leniency,
    /// Whether a place had all that is known of a symbol, though it was not read.
    saw_symbol: bool,
    /// Finders of the last scale that belong to no symbol.
    unread_finders: usize,
    found: Vec<Symbol>,
}

impl Search {
    fn new(options: Options) -> Self {
        Self {
            options,
            started: Instant::now(),
            was_cut_short: false,
            leniency: Leniency::No,
            saw_symbol: false,
            unread_finders: 0,
            found: Vec::new(),
        }
    }

    fn is_late(&self) -> bool {
        self.options.deadline.is_some_and(|limit| self.started.elapsed() >= limit)
    }

    fn is_enough(&self) -> bool {
        self.options.mode == Mode::Fast && !self.found.is_empty()
    }

    /// Whether another scale should be looked at.
    fn is_open(&mut self) -> bool {
        if self.is_enough() {
            return false;
        }
        self.was_cut_short |= self.is_late();
        !self.was_cut_short
    }

    /// Looks at an image from its coarsest useful scale to its own; `factor` brings corners to the
    /// size of the stored picture. Returns whether a finer scale may show more symbols.
    fn look_at(&mut self, view: View<'_>, factor: f32) -> bool {
        self.look_at_down_to(view, factor, usize::MAX, false)
    }

    /// The same, without the scales below 1/`shrink`; `may_show_more` says that what was found is no
    /// reason to stop.
    fn look_at_down_to(
        &mut self,
        view: View<'_>,
        factor: f32,
        shrink: usize,
        mut may_show_more: bool,
    ) -> bool {
        // Frames of a camera are best read as they are; photographs from the coarse end.
        let is_frame = is_frame(view);
        if is_frame {
            may_show_more = self.look_at_level(view, factor, true);
            if self.is_enough() {
                return may_show_more;
            }
        }
        let mut smaller: Vec<Gray> = Vec::new();
        while let last = smaller.last().map_or(view, Gray::view)
            && last.width().max(last.height()) >= LEAST_SIDE * 2
            && 2 << smaller.len() <= shrink
            && !(is_frame && self.options.mode == Mode::Fast && smaller.len() == FRAME_SCALES)
        {
            smaller.push(last.halved());
        }
        for (n, gray) in smaller.iter().enumerate().rev() {
            if self.is_open() || may_show_more {
                may_show_more = self.look_at_level(gray.view(), factor * (2 << n) as f32, is_frame);
            }
        }
        if !is_frame && (self.is_open() || may_show_more) {
            may_show_more = self.look_at_level(view, factor, false);
        }
        if self.found.is_empty() && view.width().max(view.height()) <= TINY_SIDE && self.is_open() {
            self.look_at_level(view.doubled().view(), factor * 0.5, is_frame);
        }
        may_show_more
    }

    /// Looks at one scale; returns whether it showed finders enough for a symbol beside those that
    /// were read, or symbols so small that others may be too small for it. Then the next finer scale
    /// is worth a look: many small codes are not all read at the scale that gives the first of them.
    fn look_at_level(&mut self, view: View<'_>, factor: f32, is_frame: bool) -> bool {
        if self.is_late() {
            self.was_cut_short = true;
            return false;
        }
        let is_large = view.width() * view.height() > LARGE_PIXELS;
        let known: Vec<_> =
            self.found.iter().map(|s| s.corners.map(|c| c.map(|v| v / factor))).collect();
        let seen = level::search(view, self.plan(is_frame, is_large), &known, &|| self.is_late());
        self.unread_finders = seen.unread_finders;
        self.saw_symbol |= seen.best_agreement > SURE_AGREEMENT;
        let mut shows_small = false;
        for reading in seen.readings {
            shows_small |= reading.module < SMALL_MODULE;
            let text = read_text(&reading.content.bytes, reading.content.evidence);
            let corners = reading.corners.map(|c| c.map(|v| v * factor));
            self.add(Symbol { raw: reading.content.bytes, text, corners });
        }
        // The finest scale has no finer one.
        factor > 1.0 && !self.found.is_empty() && (shows_small || seen.unread_finders >= 3)
    }

    /// Whatever resembles finders, light on dark and, in the thorough mode, another decoder's eyes.
    fn look_again(&mut self, view: View<'_>) {
        if !self.is_open() {
            return;
        }
        if self.options.mode == Mode::Fast {
            // A camera has a next frame; a photograph gets another look at one scale.
            if !is_frame(view) {
                self.look_at_coarse(view);
            }
            return;
        }
        // A frame whose finders were seen, but not what is between them, has no others.
        if self.found.is_empty() && !(is_frame(view) && self.saw_symbol) {
            if is_frame(view) && view.width().max(view.height()) > TINY_SIDE {
                self.leniency = Leniency::Frame;
                self.look_at_level(view, 1.0, true);
            } else {
                self.leniency = Leniency::Photo;
                self.look_at(view, 1.0);
            }
            self.leniency = Leniency::No;
        }
        if self.found.is_empty() {
            self.look_at(view.inverted().view(), 1.0);
        }
        // Where all finders belong to symbols that were read, there is nothing left for it.
        if self.is_open() && (self.found.is_empty() || self.unread_finders >= 3) {
            // To find what is left of a large photo costs it as much as all else.
            let is_rest = !self.found.is_empty() && view.width() * view.height() > LARGE_PIXELS;
            let half = is_rest.then(|| view.halved());
            let factor = if is_rest { 2.0 } else { 1.0 };
            for mut symbol in zxing::read(half.as_ref().map_or(view, Gray::view)) {
                symbol.corners = symbol.corners.map(|c| c.map(|v| v * factor));
                self.add(symbol);
            }
        }
    }

    /// Takes for a finder whatever resembles one, then light for dark, at the finest scale that has
    /// few pixels.
    fn look_at_coarse(&mut self, view: View<'_>) {
        let (mut smaller, mut factor) = (None, 1.0);
        while let at = smaller.as_ref().map_or(view, Gray::view)
            && at.width() * at.height() > COARSE_PIXELS
        {
            smaller = Some(at.halved());
            factor *= 2.0;
        }
        let coarse = smaller.as_ref().map_or(view, Gray::view);
        self.leniency = Leniency::Frame;
        self.look_at_level(coarse, factor, false);
        self.leniency = Leniency::No;
        if self.is_open() {
            self.look_at_level(coarse.inverted().view(), factor, false);
        }
    }

    fn plan(&self, is_frame: bool, is_large: bool) -> Plan {
        match self.options.mode {
            _ if self.leniency == Leniency::Frame => Plan {
                scan: Scan { step: 3, slack: 0.29, is_lenient: true },
                effort: Effort::High,
                most_guesses: 16,
                sizes: 2,
                completes_pairs: false,
                may_be_bent: false,
                most_doubts: 2,
            },
            Mode::Fast if is_frame => Plan {
                scan: Scan { step: 4, slack: 0.18, is_lenient: false },
                effort: Effort::Middle,
                most_guesses: 4,
                sizes: 1,
                completes_pairs: false,
                may_be_bent: false,
                most_doubts: 1,
            },
            Mode::Fast => Plan {
                scan: Scan { step: 3, slack: 0.29, is_lenient: false },
                effort: Effort::Middle,
                most_guesses: 8,
                sizes: 2,
                completes_pairs: false,
                may_be_bent: false,
                most_doubts: 2,
            },
            Mode::Thorough if self.leniency == Leniency::Photo => Plan {
                scan: Scan { step: 2, slack: 0.29, is_lenient: true },
                effort: Effort::High,
                most_guesses: 40,
                sizes: 2,
                completes_pairs: true,
                may_be_bent: self.found.is_empty(),
                most_doubts: 4,
            },
            Mode::Thorough => Plan {
                // What only the whole of a large photo shows is seen on several rows still.
                scan: Scan { step: if is_large { 3 } else { 2 }, slack: 0.29, is_lenient: false },
                effort: Effort::High,
                most_guesses: 60,
                sizes: 2,
                completes_pairs: true,
                may_be_bent: !is_frame && self.found.is_empty(),
                most_doubts: 4,
            },
        }
    }

    /// Keeps a symbol unless it is one that was already found.
    fn add(&mut self, symbol: Symbol) {
        let is_known =
            self.found.iter().any(|known| known.raw == symbol.raw && overlap(known, &symbol));
        if !is_known {
            self.found.push(symbol);
        }
    }

    fn finish(self) -> Result<Vec<Symbol>> {
        if self.was_cut_short && self.found.is_empty() {
            return Err(Error::new(
                Kind::LimitReached,
                "qr.deadline",
                "The time for this image ran out before a code was read.",
            ));
        }
        Ok(self.found)
    }
}

fn is_frame(view: View<'_>) -> bool {
    view.width() * view.height() <= FRAME_PIXELS
}

/// Whether the centre of one symbol lies within the reach of the other.
fn overlap(a: &Symbol, b: &Symbol) -> bool {
    let centre = |s: &Symbol| {
        s.corners.iter().fold([0.0; 2], |sum, c| [sum[0] + c[0] / 4.0, sum[1] + c[1] / 4.0])
    };
    let (p, q) = (centre(a), centre(b));
    let reach = a.corners.iter().map(|c| (c[0] - p[0]).hypot(c[1] - p[1])).fold(0.0, f32::max);
    (p[0] - q[0]).hypot(p[1] - q[1]) < reach
}

/// Brings corners from the stored picture to the upright one.
fn make_upright(symbols: &mut [Symbol], orientation: Orientation, width: f32, height: f32) {
    for symbol in symbols {
        let corners = symbol.corners.map(|c| orientation.upright(c, width, height));
        let [a, b, _, d] = corners;
        let turn = (b[0] - a[0]) * (d[1] - a[1]) - (b[1] - a[1]) * (d[0] - a[0]);
        symbol.corners = corners;
        if turn < 0.0 {
            // A mirrored symbol: the way round that is clockwise is the other one.
            symbol.corners.swap(1, 3);
        }
    }
}
