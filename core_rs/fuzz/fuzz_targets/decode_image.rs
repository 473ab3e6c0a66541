//! Any bytes as a file, in both modes.
#![no_main]

use std::time::Duration;

use core_rs::qr::{Mode, Options, decode_image};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for mode in [Mode::Fast, Mode::Thorough] {
        let deadline = Some(Duration::from_secs(2));
        let _ = decode_image(data, Options { mode, max_pixels: 1_000_000, deadline });
    }
});
