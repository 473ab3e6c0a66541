use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Payload {
    parse_payload(text, &[]).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn codes(payload: &Payload) -> Vec<&'static str> {
    payload.warnings.iter().map(|w| w.code).collect()
}

const CARD: &str = "045090000011|191000011|Thử Nghiệm Một|02011990|Nam|Thôn Mẫu, Hải Lăng|15042021";

#[test]
fn an_id_card_gives_its_seven_fields() {
    let card = read(&format!("\u{feff}{CARD}\r\n\0"));
    assert_eq!((card.kind, card.version), (PayloadKind::NationalIdCard, Some("2021")));
    let claim = &card.claim;
    assert_eq!(claim.national_id.as_deref(), Some("045090000011"));
    assert_eq!(claim.old_national_id.as_deref(), Some("191000011"));
    assert_eq!(claim.full_name.as_deref(), Some("Thử Nghiệm Một"));
    assert_eq!(claim.birth_date.as_ref().unwrap().to_string(), "1990-01-02");
    assert_eq!(claim.sex, Some(Sex::Male));
    assert_eq!(claim.issued_on.as_ref().unwrap().to_string(), "2021-04-15");
    assert!(card.warnings.is_empty());
    let decomposed: String = unicode_normalization::UnicodeNormalization::nfd(CARD).collect();
    assert_eq!(read(&decomposed), card);
}

#[test]
fn a_2024_card_gives_parents_and_a_cancelled_number() {
    let card = read("045224000013||Thử Nghiệm Ba|05062024|Nam|Xã Mẫu|20072025||Cha Mẫu|Mẹ Mẫu|");
    assert_eq!(card.version, Some("2024"));
    assert_eq!(card.claim.father_name.as_deref(), Some("Cha Mẫu"));
    assert_eq!(card.claim.mother_or_guardian_name.as_deref(), Some("Mẹ Mẫu"));
    assert_eq!(card.claim.cancelled_national_id, None);
    assert!(card.warnings.is_empty());
}

#[test]
fn cards_that_disagree_with_themselves_warn() {
    for (card, code) in [
        ("097090000011||Thử Nghiệm|02011990|Nam|X|15042021", "id.unknown_province"),
        ("045190000011||Thử Nghiệm|02011990|Nam|X|15042021", "id.sex"),
        ("045091000011||Thử Nghiệm|02011990|Nam|X|15042021", "id.birth_year"),
        ("045090000011||Thử Nghiệm|02011990|Nam|X|15041989", "card.issued_before_birth"),
        ("045090000011||Thử Nghiệm|02011990|Nam|X|15042020", "card.issued_before_2021"),
        ("045090000011||Thử Nghiệm|02011990|Nam|X|", "card.issued_on"),
        ("045090000011||Thử Nghiệm|02011990|?|X|15042021", "card.sex"),
        ("045090000011|19|Thử Nghiệm|02011990|Nam|X|15042021", "card.old_national_id"),
    ] {
        assert_eq!(codes(&read(card)), [code], "{card}");
    }
    let year_only = read("045090000011||Thử Nghiệm|00001990|Nam|X|15042021");
    assert_eq!(year_only.claim.birth_date.unwrap().to_string(), "1990");
    let labelled = read("CCCD: 045090000011|CMND:|Họ tên: Thử Nghiệm|02/01/1990|Nam|X|15/04/2021");
    assert_eq!(labelled.claim.full_name.as_deref(), Some("Thử Nghiệm"));
    let error = parse_payload("045090000011||A|99999999|Nam|X|15042021", &[]).unwrap_err();
    assert_eq!(error.code(), "payload.id_card");
}

#[test]
fn a_scan_broken_on_its_way_still_gives_number_date_and_sex() {
    let telex = read("045090000011|191000011|ThwR NghieejM MOOtj|02011990|Nam|X|15042021");
    assert_eq!(codes(&telex), ["payload.keyboard_driver"]);
    assert_eq!(telex.claim.full_name, None);
    assert_eq!(telex.claim.name_hint.as_deref(), Some("Thử Nghiệm Một"));
    let woman = read("045190000011||Tran Thij Lan|02011990|Nuwx|X|15042021");
    assert_eq!(woman.claim.sex, Some(Sex::Female));
    let page = read("045090000011||Thá»\u{ad} Nghiá»‡m Má»™t|02011990|Nam|Háº£i LÄƒng|15042021");
    assert_eq!(codes(&page), ["payload.mojibake"]);
    assert_eq!(page.claim.full_name.as_deref(), Some("Thử Nghiệm Một"));
    assert_eq!(page.claim.address.as_deref(), Some("Hải Lăng"));
    let lost = read("045090000011||Th? Nghi?m M?t|02011990|Nam|X|15042021");
    assert_eq!((codes(&lost), &lost.claim.full_name), (vec!["payload.ascii_scanner"], &None));
    let dropped = read("045090000011||Th Nghim Mt|02011990|Nam|X|15042021");
    assert_eq!(codes(&dropped), ["payload.ascii_scanner"]);
    let (shift_jis, _, _) = encoding_rs::SHIFT_JIS.decode("Võ Thức".as_bytes());
    let japanese = read(&format!("045090000011||{shift_jis}|02011990|Nam|X|15042021"));
    assert!(codes(&japanese).contains(&"payload.mojibake"), "{japanese:?}");
}

#[test]
fn the_personal_qr_is_read_masked_or_not() {
    let whole = read(
        "045090000011|THU NGHIEM MOT|1990-01-02|0|162979000000000001|<1<GD4454500000001<0900000001<",
    );
    assert_eq!(whole.kind, PayloadKind::PersonalQr);
    assert_eq!(whole.claim.qid.as_deref(), Some("162979000000000001"));
    assert_eq!(whole.claim.sex, Some(Sex::Male));
    assert_eq!(whole.claim.phone.as_deref(), Some("0900000001"));
    assert_eq!(whole.claim.health_insurance_number.as_deref(), Some("GD4454500000001"));
    assert_eq!(whole.claim.declared_by_other, Some(false));
    assert!(!whole.claim.is_masked && whole.warnings.is_empty());
    let masked = read("******000011|THU NGHIEM MOT|1990-**-**|0|162979000000000001|<1<<<");
    assert!(masked.claim.is_masked && masked.warnings.is_empty());
    assert_eq!(masked.claim.birth_date.unwrap().to_string(), "1990");
    assert_eq!(masked.claim.phone, None);
    let other = read("045303000012|THU NGHIEM HAI|2003-03-21|1|162979000000000002|1629<2<<<");
    assert_eq!(other.claim.declared_by_other, Some(true));
    assert_eq!(other.claim.declared_by_qid.as_deref(), Some("1629"));
    let wrong = read("C1234567|A B|1990-13-02|0|1|<1<<123<");
    assert_eq!(codes(&wrong), ["personal_qr.phone", "personal_qr.birth_date"]);
}

#[test]
fn insurance_cards_old_and_new_are_read() {
    let name = "5468e1bbad204e676869e1bb876d20486169";
    let old = format!(
        "HS4454500000001|{name}|21/03/2003|2|5068c6b0e1bb9d6e672031|45 - 001|01/01/2021|31/12/2021|\
         25/12/2020|45014500000001|-|4|01/01/2024|0123456789abcdef-1202|$"
    );
    let card = read(&format!("{old}\0"));
    assert_eq!((card.kind, card.version), (PayloadKind::HealthInsuranceCard, Some("old")));
    assert_eq!(card.claim.full_name.as_deref(), Some("Thử Nghiệm Hai"));
    assert_eq!(card.claim.address.as_deref(), Some("Phường 1"));
    assert_eq!(card.claim.sex, Some(Sex::Female));
    assert_eq!(card.claim.registered_clinic.as_deref(), Some("45-001"));
    assert_eq!(card.claim.valid_to.as_ref().unwrap().to_string(), "2021-12-31");
    assert_eq!(read(&old.to_uppercase()).claim, card.claim);
    let new = format!(
        "4500000001|{name}|1990|1|-|45 - 001|01/07/2023|-|31/07/2023|45014500000001|-|4| \
         01/10/2027|0123456789abcdef-1202|4|5468c3a06e68|$"
    );
    let card = read(&new);
    assert_eq!(card.version, Some("new"));
    assert_eq!(card.claim.social_insurance_number.as_deref(), Some("4500000001"));
    assert_eq!(card.claim.birth_date.unwrap().to_string(), "1990");
    assert_eq!((card.claim.address, card.claim.valid_to), (None, None));
    let error = parse_payload("4500000001|00|1990|$", &[]).unwrap_err();
    assert_eq!(error.code(), "payload.insurance_card");
}

#[test]
fn our_addresses_are_told_from_others() {
    use crate::names::codes::{code_of, tube_check_digit};
    let code = code_of(&[7; 10]);
    for (path, kind) in [
        ("k", PayloadKind::Declaration),
        ("v", PayloadKind::Venue),
        ("c", PayloadKind::Certificate),
    ] {
        let link = read(&format!("https://tram.example.gov.vn/{path}/{code}?x=1"));
        assert_eq!((link.kind, link.code.as_deref()), (kind, Some(code.as_str())));
        assert_eq!(link.host.as_deref(), Some("tram.example.gov.vn"));
        let shout = read(&format!("HTTPS://TRAM.EXAMPLE.GOV.VN/{}/{code}", path.to_uppercase()));
        assert_eq!((shout.kind, shout.code), (kind, link.code));
    }
    let body = "QTI210815000123";
    let tube = format!("{body}{}", tube_check_digit(body).unwrap());
    assert_eq!(read(&format!("https://h.vn/t/{tube}")).kind, PayloadKind::Tube);
    assert_eq!(read("https://h.vn/t/AB-12345").kind, PayloadKind::MaybeTube);
    assert_eq!(read("HTTPS://H.VN/R/ABCDEFGHJKMNPQRS").kind, PayloadKind::ResultSlip);
    assert_eq!(codes(&read("https://qr.example.gov.vn/v/7K3M9P2Q")), ["code.check_symbol"]);
    for foreign in ["https://a.b", "http://a.b/v/", "https://a.b/x/y", "https://a.b/v/ab!"] {
        assert_eq!(read(foreign).kind, PayloadKind::ForeignUrl, "{foreign}");
    }
    let ours = ["tram.example.gov.vn"];
    let fake = format!("https://tram.example.gov.vn@evil.example/k/{code}");
    let payload = parse_payload(&fake, &ours).unwrap();
    assert_eq!(payload.kind, PayloadKind::ForeignUrl);
    assert_eq!(payload.host.as_deref(), Some("evil.example"));
}

#[test]
fn numbers_and_codes_without_a_frame_are_told_apart() {
    let lookup = crate::names::codes::code_of(&[9, 31, 4, 22, 1, 7, 18, 30, 2, 5]);
    for (text, kind) in [
        ("045 090 000 011", PayloadKind::NationalId),
        ("45090000011", PayloadKind::NationalId),
        ("191000011", PayloadKind::NationalId),
        ("4500000001", PayloadKind::SocialInsuranceNumber),
        ("HS4454500000001", PayloadKind::HealthInsuranceNumber),
        ("0901 234 567", PayloadKind::Phone),
        ("+84901234567", PayloadKind::Phone),
        ("0812345678", PayloadKind::Phone),
        (lookup.as_str(), PayloadKind::LookupCode),
        ("QTI210815000123X", PayloadKind::MaybeTube),
        ("AB-123456", PayloadKind::MaybeTube),
        ("HC1:NCF", PayloadKind::Dcc),
    ] {
        assert_eq!(read(text).kind, kind, "{text}");
    }
    assert_eq!(codes(&read("0812345678")), ["payload.maybe_social_insurance_number"]);
    for (text, code) in [
        ("", "payload.empty"),
        (" \0\r\n", "payload.empty"),
        ("xin chào", "payload.unknown"),
        ("Nguyeenx Vawn A", "payload.keyboard_driver"),
        ("NguyÃªn", "payload.mojibake"),
        ("a|b|c", "payload.unknown"),
    ] {
        assert_eq!(parse_payload(text, &[]).unwrap_err().code(), code, "{text}");
    }
    assert_eq!(parse_payload(&"1".repeat(9000), &[]).unwrap_err().code(), "payload.too_long");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,120}") {
        let _ = parse_payload(&text, &[]);
    }

    #[test]
    fn no_broken_payload_makes_it_panic(
        at in 0_usize..200, letter in any::<char>(), cut in 0_usize..200, which in 0_usize..4,
    ) {
        let sources = [
            CARD,
            "045090000011|THU NGHIEM|1990-01-02|0|16|<1<GD4454500000001<0900000001<",
            "4500000001|54|1990|1|-|45 - 001|01/07/2023|-|31/07/2023|4|-|4| 01/10/2027|0-1|4|54|$",
            "https://tram.example.gov.vn/v/7K3M9P2Q",
        ];
        let mut letters: Vec<char> = sources[which].chars().collect();
        let length = letters.len();
        letters[at % length] = letter;
        letters.truncate(length - cut % length);
        let text: String = letters.into_iter().collect();
        if let Err(error) = parse_payload(&text, &[]) {
            prop_assert!(error.code().starts_with("payload."));
        }
    }
}
