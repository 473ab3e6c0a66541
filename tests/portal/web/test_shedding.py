"""When every thread is busy, public pages give way first and scanning never."""

import pytest
from flask import Flask

from portal.web.shedding import THREADS, Importance, Turnstile, importance_of


@pytest.mark.parametrize(
    ("endpoint", "importance"),
    [
        ("LookupView.ask", Importance.PUBLIC),
        ("VerifyView.verify", Importance.PUBLIC),
        ("CoordinationView", Importance.REPORT),
        ("JobsView", Importance.REPORT),
        ("SampleView.list", Importance.LIST),
        ("ReceiptView", Importance.FIRST),
        ("LoginView.login", Importance.FIRST),
        ("RelayView.accept", Importance.FIRST),
        ("static", Importance.FIRST),
        ("healthz", Importance.FIRST),
        ("", Importance.FIRST),
    ],
)
def test_every_route_has_its_place_by_its_area(app: Flask, endpoint, importance) -> None:
    known = {name.partition(".")[0]: name for name in app.view_functions}
    # The class decides, whatever its methods are called.
    name = known.get(endpoint.partition(".")[0], endpoint)
    assert importance_of(app, name) is importance


def test_public_goes_first_then_reports_then_lists_and_the_first_never() -> None:
    turnstile = Turnstile()
    admitted = dict.fromkeys(Importance, 0)
    for _ in range(THREADS + 2):
        for importance in Importance:
            if turnstile.enter(importance):
                turnstile.leave()
                admitted[importance] += 1
        assert turnstile.enter(Importance.FIRST)
    assert list(admitted.values()) == [THREADS - 3, THREADS - 2, THREADS - 1, THREADS + 2]
    assert turnstile.refused[Importance.FIRST] == 0


def test_a_citizen_is_asked_to_wait_in_both_languages_and_comes_back_spread(app: Flask) -> None:
    app.extensions["tram.turnstile"].at_work = THREADS - 3
    client = app.test_client()
    answers = [client.get("/tra-cuu") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {503}
    waits = {int(answer.headers["Retry-After"]) for answer in answers}
    assert len(waits) > 3
    assert min(waits) >= 10
    page = answers[0].text
    assert "Xin vui lòng chờ" in page
    assert "Please wait" in page
    assert f'content="{answers[0].headers["Retry-After"]}"' in page
    assert len(page) < 1500
    assert answers[0].headers["Cache-Control"] == "no-store"
    assert client.get("/login/").status_code == 200
    app.extensions["tram.turnstile"].at_work = 0
    assert client.get("/tra-cuu").status_code == 200
    assert app.extensions["tram.turnstile"].at_work == 0


def test_a_form_is_not_sent_again_by_itself(app: Flask) -> None:
    app.extensions["tram.turnstile"].at_work = THREADS
    client = app.test_client()
    answer = client.post("/tra-cuu", data={"code": "X"})
    assert answer.status_code == 503
    assert "refresh" not in answer.text
    assert "Nothing of what you sent was kept" in answer.text
    as_script = client.post("/tra-cuu", json={})
    assert as_script.json["code"] == "overloaded"
