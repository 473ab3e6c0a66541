//! Tests of DCC: issue, verify, and every way to be refused.

use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

use super::*;

const NOW: i64 = 1_640_000_000;

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(entries.iter().map(|(key, value)| (text(key), value.clone())).collect())
}

fn content() -> Value {
    let entry = map(&[
        ("tg", text("840539006")),
        ("vp", text("1119349007")),
        ("mp", text("EU/1/20/1528")),
        ("ma", text("ORG-100030215")),
        ("dn", Value::Integer(2)),
        ("sd", Value::Integer(2)),
        ("dt", text("2021-11-20")),
        ("co", text("VN")),
        ("is", text("Bo Y te")),
        ("ci", text("URN:UVCI:01:VN:0123456789ABCDEF0123456789ABCDEF")),
    ]);
    map(&[
        ("ver", text("1.3.0")),
        ("nam", map(&[("fn", text("Thử")), ("fnt", text("THU")), ("gnt", text("MOT"))])),
        ("dob", text("1990-01-02")),
        ("v", Value::Array(vec![entry])),
    ])
}

fn key() -> SigningKey {
    let random = SystemRandom::new();
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    SigningKey::from_pkcs8(der.as_ref()).unwrap()
}

fn codes(verdict: &Verdict) -> Vec<&'static str> {
    verdict.problems.iter().map(|p| p.code).collect()
}

#[test]
fn what_was_issued_verifies_and_what_was_changed_does_not() {
    let key = key();
    let mut trust = TrustList::default();
    trust.add_key(b"12345678", key.public_key());
    let issued = issue(&content(), "VN", (NOW, NOW + 1000), b"12345678", &key).unwrap();
    let verdict = verify(&issued, &trust, NOW + 1);
    assert_eq!(codes(&verdict), [] as [&str; 0]);
    let dcc = verdict.dcc.unwrap();
    assert_eq!((dcc.issuer.as_deref(), dcc.algorithm), (Some("VN"), Some(Algorithm::Es256)));
    assert_eq!(dcc.content, content());
    assert_eq!(codes(&verify(&issued, &trust, NOW + 1001)), ["dcc.expired"]);
    assert_eq!(codes(&verify(&issued, &trust, NOW - 1)), ["dcc.not_yet_valid"]);
    assert_eq!(codes(&verify(&issued, &TrustList::default(), NOW)), ["dcc.unknown_key"]);
    assert_eq!(codes(&verify(&issued[4..], &trust, NOW)), ["dcc.prefix"]);
    let mut message = open(&issued).unwrap();
    let at = message.payload.windows(4).position(|w| w == b"1990").unwrap();
    message.payload[at + 3] = b'1';
    assert_eq!(codes(&verify_message(&message, &trust, NOW, None)), ["dcc.signature"]);
    let mut other = TrustList::default();
    other.add_key(b"12345678", self::key().public_key());
    assert_eq!(codes(&verify(&issued, &other, NOW)), ["dcc.signature"]);
    for at in 4..issued.len() {
        let mut letters = issued.clone().into_bytes();
        letters[at] = if letters[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(letters).unwrap();
        // A changed symbol may compress the very same bytes in another way; no other may pass.
        let is_same = open(&changed).is_ok_and(|message| message == open(&issued).unwrap());
        assert_eq!(verify(&changed, &trust, NOW + 1).problems.is_empty(), is_same, "{at}");
    }
}

#[test]
fn a_key_with_a_table_judges_as_one_without() {
    let key = key();
    let mut trust = TrustList::default();
    trust.add_key(b"12345678", key.public_key());
    let issued = issue(&content(), "VN", (NOW, NOW + 1000), b"12345678", &key).unwrap();
    let mut message = open(&issued).unwrap();
    for _ in 0..2 * USES_BEFORE_TABLE {
        assert_eq!(codes(&verify(&issued, &trust, NOW)), [] as [&str; 0]);
    }
    assert_eq!(trust.tables.load(Ordering::Relaxed), 1);
    message.signature[40] ^= 1;
    assert_eq!(codes(&verify_message(&message, &trust, NOW, None)), ["dcc.signature"]);
}

#[test]
fn a_key_signs_only_what_it_may_and_while_it_is_valid() {
    let key = key();
    let certificate = Certificate {
        kid: *b"12345678",
        key: key.public_key(),
        not_before: NOW + 1,
        not_after: NOW + 2,
        usages: vec!["1.3.6.1.4.1.1847.2021.1.1".to_owned()],
        country: None,
    };
    let mut trust = TrustList::default();
    trust.add_certificate(certificate);
    let issued = issue(&content(), "VN", (NOW, NOW + 1000), b"12345678", &key).unwrap();
    assert_eq!(codes(&verify(&issued, &trust, NOW)), ["dcc.key_usage", "dcc.key_not_valid"]);
}

#[test]
fn nothing_is_issued_that_would_not_verify() {
    let Value::Map(mut entries) = content() else { unreachable!() };
    entries.push((text("t"), Value::Array(Vec::new())));
    entries[2].1 = text("1990-1-2");
    let error = issue(&Value::Map(entries), "VN", (5, 5), b"1", &key()).unwrap_err();
    assert_eq!(error.code(), "dcc.schema");
    for part in ["exactly one", "t must hold one entry", "dob is no date", "expire before"] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
}

#[test]
fn a_bomb_does_not_inflate() {
    let bomb = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; 1 << 20], 9);
    let error = inflate(&bomb).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("dcc.compression", Kind::LimitReached));
    let most = miniz_oxide::deflate::compress_to_vec_zlib(&vec![7; LARGEST], 9);
    assert_eq!(inflate(&most).unwrap(), vec![7; LARGEST]);
    let long = format!("{PREFIX}{}", "0".repeat(LONGEST));
    assert_eq!(open(&long).unwrap_err().code(), "dcc.too_long");
}

#[test]
fn only_a_whole_stream_and_nothing_behind_it_inflates() {
    let good = miniz_oxide::deflate::compress_to_vec_zlib(b"some content, content", 9);
    assert_eq!(inflate(&good).unwrap(), b"some content, content");
    let last = good.len() - 1;
    let mut checksum = good.clone();
    checksum[last] ^= 1;
    for wrong in [&good[..last], &[&good[..], &[0]].concat(), &checksum, &good[2..], b""] {
        assert_eq!(inflate(wrong).unwrap_err().code(), "dcc.compression");
    }
}

#[test]
fn a_signature_of_another_length_or_out_of_range_is_refused() {
    let key = key();
    let mut trust = TrustList::default();
    trust.add_key(b"12345678", key.public_key());
    let issued = issue(&content(), "VN", (NOW, NOW + 1000), b"12345678", &key).unwrap();
    let mut message = open(&issued).unwrap();
    let good = message.signature.clone();
    let (zero, most) = ([0; 32], [0xFF; 32]);
    // Once by ring, and again by the table that frequent keys get.
    for _ in 0..2 {
        for wrong in [
            good[..63].to_vec(),
            [&good[..], &[0]].concat(),
            [&[0], &good[..]].concat(),
            Vec::new(),
            [&zero, &good[32..]].concat(),
            [&good[..32], &zero].concat(),
            [&most, &good[32..]].concat(),
            [&good[..32], &most].concat(),
        ] {
            message.signature = wrong;
            let verdict = verify_message(&message, &trust, NOW, None);
            assert_eq!(codes(&verdict), ["dcc.signature"]);
            let is_length = verdict.problems[0].message.contains("cut off");
            assert_eq!(is_length, message.signature.len() != 64);
        }
        message.signature = good.clone();
        for _ in 0..=USES_BEFORE_TABLE {
            assert!(verify_message(&message, &trust, NOW, None).problems.is_empty());
        }
    }
}

#[test]
fn a_certificate_that_hides_its_day_of_issue_outlives_no_signer() {
    let key = key();
    let mut trust = TrustList::default();
    let (not_before, not_after) = (NOW - 20, NOW - 10);
    trust.add_certificate(Certificate {
        kid: *b"12345678",
        key: key.public_key(),
        not_before,
        not_after,
        usages: Vec::new(),
        country: None,
    });
    let hcert = Value::Map(vec![(Value::Integer(1), content())]);
    let expires = (Value::Integer(CLAIM_EXPIRES), Value::Integer(i128::from(NOW) + 9));
    let claims = Value::Map(vec![expires, (Value::Integer(CLAIM_HCERT), hcert)]);
    let signed = cose::sign(&encode(&claims), b"12345678", &key).unwrap();
    let message = cose::parse(&signed).unwrap();
    assert_eq!(codes(&verify_message(&message, &trust, NOW, None)), ["dcc.key_not_valid"]);
}

proptest! {
    #[test]
    fn no_bytes_make_a_verification_panic(
        text in "\\PC{0,60}",
        bytes in prop::collection::vec(any::<u8>(), 0..120),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let key = key();
        let mut trust = TrustList::default();
        trust.add_key(b"12345678", key.public_key());
        let pack = |bytes: &[u8]| {
            let packed = miniz_oxide::deflate::compress_to_vec_zlib(bytes, 1);
            format!("{PREFIX}{}", base45::encode(&packed))
        };
        let issued = issue(&content(), "VN", (NOW, NOW + 1000), b"12345678", &key).unwrap();
        let whole = inflate(&base45::decode(unprefix(&issued).unwrap()).unwrap()).unwrap();
        // Single bytes of a good message, behind the checksum of zlib.
        let mut changed = whole.clone();
        for (at, value) in &changes {
            changed[at.index(whole.len())] = *value;
        }
        for code in [text.clone(), format!("{PREFIX}{text}"), pack(&bytes), pack(&changed)] {
            let verdict = verify(&code, &trust, NOW);
            // Every refusal says why; only the message itself may count, whatever its frame.
            prop_assert!(verdict.problems.iter().all(|p| !p.message.is_empty()));
            if verdict.problems.is_empty() {
                prop_assert_eq!(verdict.dcc.unwrap().content, content());
            }
        }
    }
}
