//! Any pixels; the first byte is the width.
#![no_main]

use core_rs::qr::image::View;
use core_rs::qr::{Mode, Options, decode_gray};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&width, pixels)) = data.split_first() else { return };
    let width = usize::from(width).max(1);
    let height = pixels.len() / width;
    if let Some(view) = View::new(width, height, &pixels[..width * height]) {
        for mode in [Mode::Fast, Mode::Thorough] {
            let _ = decode_gray(view, Options { mode, ..Options::default() });
        }
    }
});
