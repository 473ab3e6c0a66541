"""Details of findings are said in Vietnamese, the matcher's own sentence where unknown."""

from flask import Flask
from flask_babel import force_locale

from portal.pools import wording
from portal.pools.rules import FINDINGS, Verdict, may_close, move, stored
from portal.results.finding_views import said_detail
from portal.roles import Role


def test_a_detail_is_said_in_the_language_of_the_reader(app: Flask) -> None:
    detail = {"note": "5 registered, 4 counted: a member's swab is missing"}
    with app.test_request_context(), force_locale("vi"):
        assert said_detail(detail) == "đăng ký 5, đếm được 4: thiếu que của một người"
        assert wording.said("weak pool, Ct 35.4") == "mẫu gộp yếu, Ct 35,4"
        assert wording.said("something new") == "something new"


def test_nobody_below_a_coordinator_closes_what_concerns_people() -> None:
    for code in FINDINGS:
        assert may_close(code, frozenset({Role.COORDINATOR}))
        assert not may_close(code, frozenset({Role.COLLECTOR}))
        assert not may_close(code, frozenset({Role.LABORATORY_TECHNICIAN}))
    assert not may_close("F4", frozenset({Role.LABORATORY_VERIFIER}))
    assert may_close("F6", frozenset({Role.LABORATORY_VERIFIER}))


def test_a_move_from_negative_to_suspect_is_urgent_and_counted() -> None:
    found = move("NEG_BY_POOL", "", "SUSPECT_POOL", "suspect", None)
    assert found is not None
    assert found.is_urgent
    assert found.after == Verdict("RETEST_DUE", "suspect")
    assert dict(found.counts) == {"people_resulted": -1, "people_suspect": 1}
    assert move("WAITING", "", "WAITING", "", None) is None
    assert stored("RETEST_DUE", "suspect", "refused") == Verdict("UNRESOLVED", "refused")
