//! Whatever comes in, the decoder answers: no panic, no hang, no memory beyond the limits.

use std::time::{Duration, Instant};

use core_rs::qr::image::View;
use core_rs::qr::{Mode, Options, decode_gray, decode_image};
use proptest::prelude::*;

/// Far above what any of these small inputs needs, far below a hang.
const SOON: Duration = Duration::from_secs(30);

fn options(thorough: bool) -> Options {
    let mode = if thorough { Mode::Thorough } else { Mode::Fast };
    Options { mode, max_pixels: 1_000_000, deadline: Some(Duration::from_secs(10)) }
}

/// A gray PNG of any pixels.
fn png(width: u16, height: u16, pixel: impl Fn(usize) -> u8) -> Vec<u8> {
    let mut encoded = Vec::new();
    let mut encoder = png::Encoder::new(&mut encoded, u32::from(width), u32::from(height));
    encoder.set_color(png::ColorType::Grayscale);
    let pixels: Vec<u8> = (0..usize::from(width) * usize::from(height)).map(pixel).collect();
    let written = encoder.write_header().and_then(|mut w| w.write_image_data(&pixels));
    assert!(written.is_ok());
    encoded
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_bytes_behind_any_signature(
        head in prop::sample::select(vec![
            &b""[..],
            b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00",
            b"\xFF\xD8\xFF\xE1\x00\x20Exif\x00\x00MM\x00*",
            b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR",
        ]),
        tail in prop::collection::vec(any::<u8>(), 0..600),
        thorough: bool,
    ) {
        let start = Instant::now();
        let _ = decode_image(&[head, &tail].concat(), options(thorough));
        prop_assert!(start.elapsed() < SOON);
    }

    #[test]
    fn any_damage_to_a_file(
        (width, height) in (1_u16..80, 1_u16..80),
        seed: u32,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut file = png(width, height, |n| (n as u32).wrapping_mul(seed).to_le_bytes()[3]);
        for (at, value) in damage {
            let at = at.index(file.len());
            file[at] = value;
        }
        file.truncate(cut.index(file.len()) + 1);
        let start = Instant::now();
        let _ = decode_image(&file, options(true));
        prop_assert!(start.elapsed() < SOON);
    }

    #[test]
    fn any_gray_values(
        (width, height) in (0_usize..120, 0_usize..120),
        values in prop::collection::vec(any::<u8>(), 1..40),
        run in 1_usize..9,
        thorough: bool,
    ) {
        let pixels: Vec<u8> =
            (0..width * height).map(|n| values[n / run % values.len()]).collect();
        if let Some(view) = View::new(width, height, &pixels) {
            let answer = decode_gray(view, options(thorough));
            prop_assert_eq!(answer.is_err(), width * height == 0);
        }
    }

    #[test]
    fn finders_without_a_symbol_are_not_read(
        places in prop::collection::vec((0_usize..200, 0_usize..200, 2_usize..6), 3..12),
        noise: u32,
    ) {
        let side = 260;
        let mut pixels: Vec<u8> = (0..side * side)
            .map(|n| 160 + ((n as u32).wrapping_mul(noise | 1) >> 27) as u8)
            .collect();
        for (left, top, module) in places {
            for y in 0..7 * module {
                for x in 0..7 * module {
                    let ring = (x / module).abs_diff(3).max((y / module).abs_diff(3));
                    if let Some(pixel) = pixels.get_mut((top + y) * side + left + x) {
                        *pixel = if ring == 2 { 220 } else { 20 };
                    }
                }
            }
        }
        if let Some(view) = View::new(side, side, &pixels) {
            let symbols = decode_gray(view, options(true));
            prop_assert_eq!(symbols.map(|s| s.len()), Ok(0));
        }
    }
}
