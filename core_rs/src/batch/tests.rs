#![allow(clippy::unwrap_used, reason = "a test may stop")]

use super::{Kind, check_envelope, parse_uuid, read_batch, uuid_hex};

const ID: &str = "0198f0a0-0000-7000-8000-000000000001";

fn batch(events: &str) -> String {
    format!(r#"{{"device_id":"{ID}","batch_id":"{ID}","seq":7,"events":[{events}]}}"#)
}

fn event(kind: &str, data: &str) -> String {
    format!(
        r#"{{"event_id":"{ID}","kind":"{kind}","occurred_at":"2026-08-01T10:00:00+07:00",
        "actor_grant":"g1.x.y","data":{data}}}"#
    )
}

fn read_one(kind: &str, data: &str) -> super::Event {
    let body = batch(&event(kind, data));
    let (_, mut events) = read_batch(body.as_bytes(), 2026).unwrap();
    events.remove(0).event
}

#[test]
fn an_envelope_is_read_without_its_events() {
    let envelope = check_envelope(batch("1, [], {}").as_bytes()).unwrap();
    assert_eq!((envelope.seq, envelope.event_count), (7, 3));
    assert_eq!(uuid_hex(&envelope.device_uid), ID.replace('-', ""));
}

#[test]
fn every_problem_of_an_envelope_is_named() {
    let error = check_envelope(br#"{"device_id":1,"seq":0.5,"events":{}}"#).unwrap_err();
    assert_eq!(error.code(), "batch.envelope");
    assert_eq!(error.message().lines().count(), 4);
    let as_list = format!("[\"{ID}\",\"{ID}\",1,[1]]");
    for body in ["", "{", "[]", &as_list, "null", "\"x\"", "{}", "{\"events\":[]}"] {
        assert!(check_envelope(body.as_bytes()).is_err(), "{body}");
    }
    assert!(check_envelope(b"\xff\xfe").is_err());
    assert!(check_envelope("[".repeat(200_000).as_bytes()).is_err());
    let many = batch(&vec!["1"; super::MAX_EVENTS + 1].join(","));
    assert!(check_envelope(many.as_bytes()).is_err());
}

#[test]
fn a_bad_event_does_not_spoil_its_neighbours() {
    let good = event("tube.sealed", r#"{"tube_code":"dng2608010000017","sample_count":5}"#);
    let body = batch(&format!("[\"a\"], {good}, {{\"kind\":\"x\"}}"));
    let (_, events) = read_batch(body.as_bytes(), 2026).unwrap();
    let problems: Vec<_> = events.iter().map(|p| p.event.problem).collect();
    assert_eq!(problems, ["bad_event", "", "bad_event"]);
    assert_eq!(events[1].event.kind, Some(Kind::TubeSealed));
    assert_eq!(events[1].event.tube_code, "DNG2608010000017");
    assert_eq!(&body[events[1].start..events[1].end], good);
    assert_eq!(events[2].event.details.len(), 4);
}

#[test]
fn a_typed_person_is_normalised() {
    let code = crate::names::codes::code_of(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let data = format!(
        r#"{{"sample_id":"{ID}","tube_code":"ABC-123456","result_code":"{code}","source":"typed",
        "person":{{"full_name":" nguyễn  thị hoà ","birth_date":"2/9/1985","sex":"Nữ",
        "phone":"+84 901 234 567","national_id":"45185000012"}},"is_symptomatic":false}}"#
    );
    let event = read_one("sample.collected", &data);
    assert_eq!((event.problem, &event.details), ("", &vec![]));
    let person = event.person.unwrap();
    assert_eq!(person.full_name, "nguyễn thị hoà");
    assert_eq!(person.folded_name, "nguyen thi hoa");
    assert_eq!(person.birth_on, "1985-09-02");
    assert_eq!((person.birth_year, person.sex), (Some(1985), "female"));
    assert_eq!(person.phone, "0901234567");
    assert_eq!(person.national_id, "045185000012");
    assert!(person.sort_name.bytes().all(|b| b.is_ascii_hexdigit()));
}

#[test]
fn what_cannot_be_read_of_a_person_is_left_out_and_named() {
    let code = crate::names::codes::code_of(&[0; 10]);
    let data = format!(
        r#"{{"sample_id":"{ID}","tube_code":"ABC-123456","result_code":"{code}","source":"typed",
        "person":{{"full_name":"A","birth_date":"31/02/1990","birth_year":1990,"phone":"12",
        "national_id":"C1234567","sex":5}}}}"#
    );
    let person = read_one("sample.collected", &data).person.unwrap();
    assert_eq!(person.passport, "C1234567");
    assert_eq!((person.birth_on.as_str(), person.birth_year), ("", Some(1990)));
    assert_eq!(person.warnings, "date.calendar,sex,phone.length");
}

#[test]
fn a_sample_names_all_that_is_wrong() {
    let event = read_one(
        "sample.collected",
        r#"{"sample_id":1,"tube_code":"x","result_code":"ABC","source":"?","position":0,
        "is_symptomatic":"no","subject_group":["a"],"retest_of":"ABC"}"#,
    );
    assert_eq!(event.problem, "bad_event");
    assert_eq!(event.details.len(), 8);
    let nobody = read_one(
        "sample.collected",
        &format!(
            r#"{{"sample_id":"{ID}","tube_code":"ABC123","result_code":"{}","source":"typed"}}"#,
            crate::names::codes::code_of(&[3; 10])
        ),
    );
    assert_eq!(nobody.problem, "no_person");
}

#[test]
fn uuids_of_both_spellings_are_read() {
    assert_eq!(parse_uuid(ID), parse_uuid(&ID.replace('-', "").to_uppercase()));
    for bad in [
        "",
        "0198f0a0",
        "0198f0a0x0000-7000-8000-000000000001",
        "đ198f0a0-0000-7000-8000-00000000000",
    ] {
        assert_eq!(parse_uuid(bad), None, "{bad}");
    }
}

#[test]
fn kinds_ask_for_their_own_fields() {
    assert_eq!(read_one("tube.opened", "{}").details.len(), 3);
    assert_eq!(read_one("sample.withdrawn", "{}").details.len(), 1);
    assert_eq!(read_one("antigen.read", "{}").details.len(), 5);
    assert_eq!(read_one("antigen.released", "[]").details.len(), 3);
    assert_eq!(read_one("tube.discarded", r#"{"tube_code":"ABC123"}"#).problem, "");
}

fn scanned(source: &str, payload: &str) -> super::Event {
    let code = crate::names::codes::code_of(&[5; 10]);
    let payload = serde_json::to_string(payload).unwrap();
    read_one(
        "sample.collected",
        &format!(
            r#"{{"sample_id":"{ID}","tube_code":"ABC123","result_code":"{code}",
            "source":"{source}","payload":{payload}}}"#
        ),
    )
}

#[test]
fn scanned_cards_name_their_person() {
    let card = "045185000012|191234567|Trần Thị Bưởi|02091985|Nữ|Hải Châu, Đà Nẵng|01052021";
    let person = scanned("cccd", card).person.unwrap();
    assert_eq!(person.full_name, "Trần Thị Bưởi");
    assert_eq!((person.birth_on.as_str(), person.sex), ("1985-09-02", "female"));
    assert_eq!((person.national_id.as_str(), person.cmnd.as_str()), ("045185000012", "191234567"));
    assert_eq!(person.address, "Hải Châu, Đà Nẵng");

    let personal = "045090******|THU NGHIEM MOT|1990-**-**|0|162979000000000001|<1<GD4454500000001<0900000001<";
    let person = scanned("personal_qr", personal).person.unwrap();
    assert_eq!(person.qid, "162979000000000001");
    assert_eq!((person.birth_on.as_str(), person.birth_year), ("", Some(1990)));
    assert_eq!((person.national_id.as_str(), person.phone.as_str()), ("", "0900000001"));
    assert_eq!(person.health_insurance, "4500000001");
    assert!(person.is_name_plain);
}

#[test]
fn a_declaration_is_its_code_and_a_tube_is_nobody() {
    let code = crate::names::codes::code_of(&[7; 10]);
    let declared = scanned("declaration", &format!("https://tram.example/k/{code}"));
    assert_eq!(declared.person.unwrap().declaration_code, code);
    let nobody = scanned("cccd", "something else");
    assert_eq!((nobody.problem, nobody.details.len()), ("unreadable_payload", 2));
    assert!(nobody.person.is_none());
}
