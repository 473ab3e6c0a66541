//! What `core_rs/fuzz` does without end, here for a bounded time and always the same way: valid
//! files, symbols and texts, changed a little. Nothing panics or hangs, and what is read of a
//! changed picture is what was written, or nothing.

#![allow(clippy::unwrap_used, reason = "the valid inputs are made here")]

use std::time::{Duration, Instant};

use core_rs::credential::dcc::{TrustList, verify};
use core_rs::credential::{base45, cose};
use core_rs::qr::image::View;
use core_rs::qr::payload::parse_payload;
use core_rs::qr::{Mode, Options, decode_gray, decode_image, write};

const CARD: &str = "045090000011|191000011|Thử Nghiệm Một|02011990|Nam|Thôn Mẫu, Hải Lăng|15042021";
/// Time for each family of changes; a slow machine makes fewer of them.
const BUDGET: Duration = Duration::from_secs(4);
/// Far above what one of these small inputs needs, far below a hang.
const SOON: Duration = Duration::from_secs(30);

/// Xorshift (G. Marsaglia, 2003).
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }

    /// One to eight changes: a bit, a byte, a run moved, taken out or doubled, the end cut off.
    fn change(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(8) {
            let (at, end) = (self.below(bytes.len()), self.below(bytes.len()));
            let (at, end) = (at.min(end), at.max(end).min(at.min(end) + 64));
            match self.below(6) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                1 if !bytes.is_empty() => bytes[at] = [0, 0xFF, 0x7F, 0x80][self.below(4)],
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let run = bytes[at..end].to_vec();
                    let place = self.below(bytes.len() + 1);
                    drop(bytes.splice(place..place, run));
                }
                4 if self.below(8) == 0 => bytes.truncate(at),
                _ if !bytes.is_empty() => bytes[at] = self.below(256) as u8,
                _ => {}
            }
        }
    }
}

/// A symbol with its quiet zone, `module` pixels a module.
fn draw(text: &str, module: usize) -> (usize, Vec<u8>) {
    let symbol = write(text).unwrap();
    let side = (symbol.size + 8) * module;
    let pixel = |n: usize| {
        let (x, y) = (n % side / module, n / side / module);
        let inside = (4..symbol.size + 4).contains(&x) && (4..symbol.size + 4).contains(&y);
        if inside && symbol.is_dark[(y - 4) * symbol.size + x - 4] { 30 } else { 220 }
    };
    (side, (0..side * side).map(pixel).collect())
}

fn png_of(side: usize, pixels: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side as u32, side as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    file
}

fn jpeg_of(side: usize, pixels: &[u8]) -> Vec<u8> {
    let format = turbojpeg::PixelFormat::GRAY;
    let image = turbojpeg::Image { pixels, width: side, pitch: side, height: side, format };
    turbojpeg::compress(image, 85, turbojpeg::Subsamp::Gray).unwrap().to_vec()
}

fn options(mode: Mode) -> Options {
    Options { mode, max_pixels: 2_000_000, deadline: Some(Duration::from_secs(10)) }
}

/// Calls with fresh numbers until the budget is spent, and at least 20 times.
fn until_spent(mut once: impl FnMut(&mut Rng)) {
    let mut rng = Rng(0x9E37_79B9_7F4A_7C15);
    let start = Instant::now();
    for round in 0..4000 {
        if round >= 20 && start.elapsed() > BUDGET {
            break;
        }
        let begun = Instant::now();
        once(&mut rng);
        assert!(begun.elapsed() < SOON, "round {round} took {:?}", begun.elapsed());
    }
}

#[test]
fn a_changed_file_is_read_rightly_or_not_at_all() {
    let (side, pixels) = draw(CARD, 3);
    let files = [png_of(side, &pixels), jpeg_of(side, &pixels)];
    for file in &files {
        let read = decode_image(file, options(Mode::Fast)).unwrap();
        assert_eq!(read[0].text.as_deref(), Some(CARD));
    }
    until_spent(|rng| {
        let mut file = files[rng.below(2)].clone();
        rng.change(&mut file);
        let mode = if rng.below(4) == 0 { Mode::Thorough } else { Mode::Fast };
        for symbol in decode_image(&file, options(mode)).unwrap_or_default() {
            assert_eq!(symbol.text.as_deref(), Some(CARD));
        }
    });
}

#[test]
fn a_changed_symbol_is_read_rightly_or_not_at_all() {
    let texts = ["1".to_owned(), CARD.to_owned(), CARD.repeat(4)];
    let drawings = texts.each_ref().map(|text| draw(text, 3));
    let mut unchanged = 0;
    until_spent(|rng| {
        let n = rng.below(3);
        let (side, mut pixels) = drawings[n].clone();
        // Modules of another colour, and a stain.
        let modules = side / 3;
        for _ in 0..rng.below(modules * modules / 20) {
            let (x, y) = (rng.below(modules), rng.below(modules));
            for at in 0..9 {
                let pixel = &mut pixels[(3 * y + at / 3) * side + 3 * x + at % 3];
                *pixel = 250 - *pixel;
            }
        }
        let (left, top, reach) = (rng.below(side), rng.below(side), rng.below(side / 3));
        let tone = rng.below(256) as u8;
        for row in pixels.chunks_exact_mut(side).skip(top).take(reach) {
            row[left..(left + reach).min(side)].fill(tone);
        }
        let mode = if rng.below(2) == 0 { Mode::Thorough } else { Mode::Fast };
        let view = View::new(side, side, &pixels).unwrap();
        for symbol in decode_gray(view, options(mode)).unwrap() {
            assert_eq!(symbol.text.as_ref(), Some(&texts[n]));
            unchanged += 1;
        }
    });
    assert!(unchanged > 0, "some changes leave a symbol readable");
}

#[test]
fn changed_texts_are_answered() {
    let signed = base45::encode(&[0xD2, 0x84, 0x43, 0xA1, 0x01, 0x26, 0xA0, 0x41, 0xA0, 0x40]);
    let texts = [
        CARD.to_owned(),
        format!("HC1:{signed}"),
        "https://qr.example.gov.vn/v/7K3M9P2Q".to_owned(),
        "QTI2108150001234".to_owned(),
    ];
    until_spent(|rng| {
        let mut bytes = texts[rng.below(texts.len())].clone().into_bytes();
        rng.change(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        let _ = parse_payload(&text, &["qr.example.gov.vn"]);
        assert!(!verify(&text, &TrustList::default(), 1_630_000_000).problems.is_empty());
        let _ = cose::parse(&bytes);
    });
}
