//! Any text as the content of a code.
#![no_main]

use core_rs::qr::payload::parse_payload;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = parse_payload(text, &[]);
    let _ = parse_payload(text, &["qr.example.gov.vn"]);
});
