"""The few words of a refused event."""

import orjson
import pytest
from flask import Flask

from portal.ingest import contents

CARD = "048184000123||Nguyễn Thị Hồng Ánh|02091984|Nữ|Tổ 12, Hòa Khánh, Đà Nẵng|15042021"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            {"tube_code": "DNG2611170000023", "payload": CARD, "retest_of": "B08ZF8JK51E"},
            [
                "Ống: DNG2611170000023",
                "Người: Nguyễn Thị Hồng Ánh, 1984-09-02",
                "Lấy lại của mẫu: B08ZF8JK51E",
            ],
        ),
        ({"person": {"full_name": "Lê An", "birth_year": 1990}}, ["Người: Lê An, 1990"]),
        ({"person": {"full_name": "Lê An"}, "payload": CARD}, ["Người: Lê An"]),
        ({"payload": "https://tram.invalid/k/CCXSW6Z9KNS"}, ["Người: CCXSW6Z9KNS"]),
        ({"payload": "không phải mã"}, []),
        ({"session_code": "A1" * 300}, ["Buổi lấy mẫu: " + "A1" * 100]),
        ("no dictionary", []),
    ],
)
def test_an_event_says_its_tube_and_its_person(app: Flask, data: object, words: list[str]) -> None:
    with app.test_request_context():
        assert contents.facts(orjson.dumps({"data": data})) == words


@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"[]", b"null", b'{"data": null}', b"{"])
def test_a_body_that_is_no_event_says_nothing(body: bytes) -> None:
    assert contents.facts(body) == []
