//! Any text as a Digital COVID Certificate, and any bytes below each of its wrappings.
#![no_main]

use core_rs::credential::dcc::{TrustList, read_claims, verify};
use core_rs::credential::{base45, cbor, cose, dcc};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = verify(text, &TrustList::default(), 1_630_000_000);
    }
    let _ = verify(&format!("HC1:{}", base45::encode(data)), &TrustList::default(), 1_630_000_000);
    let _ = dcc::inflate(data);
    let _ = cbor::decode(data);
    if let Ok(message) = cose::parse(data) {
        let _ = read_claims(&message);
    }
});
