"""What every answer carries: headers, timing, errors without details, health and metrics."""

import re

import pytest
from flask import Flask

from portal.app import create_app
from portal.errors import Conflict, TooMany
from portal.settings import load
from tests.portal.web.world import World, sign_in


def test_every_answer_is_guarded_by_headers(app: Flask) -> None:
    headers = app.test_client().get("/login/").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert re.search(r"script-src 'self' 'nonce-[\w-]{20,}'", policy)
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers


def test_under_https_cookies_are_secure_and_browsers_keep_to_it(config, tmp_path) -> None:
    safe = create_app(
        load(
            {
                "TRAM_DATABASE_URL": config.database_url,
                "TRAM_VAR_DIR": str(tmp_path / "var"),
                "TRAM_SECRET_KEY": config.secret_key,
                "TRAM_PUBLIC_URL": "https://tram.example.vn",
            }
        )
    )
    answer = safe.test_client().get("/login/", base_url="https://tram.example.vn")
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
    cookie = answer.headers["Set-Cookie"]
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    safe.extensions["tram.engine"].dispose()


def test_the_nonce_is_another_each_time(app: Flask) -> None:
    browser = app.test_client()
    first, second = (browser.get("/login/").headers["Content-Security-Policy"] for _ in range(2))
    assert first != second


def test_server_timing_tells_time_and_statements(app: Flask) -> None:
    timing = app.test_client().get("/healthz").headers["Server-Timing"]
    assert re.search(r'total;dur=[\d.]+, sql;dur=[\d.]+;desc="1 statements"', timing)


def test_a_post_without_a_token_is_refused(app: Flask, world: World) -> None:
    browser = sign_in(app, "collector-a")
    answer = browser.post("/logout/")
    assert answer.status_code == 400
    assert "hết hạn" in answer.get_data(as_text=True)
    assert browser.get("/").status_code == 200


def test_errors_speak_vietnamese_or_english_and_tell_no_details(app: Flask) -> None:
    @app.get("/broken")
    def broken() -> str:
        raise ZeroDivisionError("secret detail")

    browser = app.test_client()
    page = browser.get("/broken")
    assert page.status_code == 500
    assert "secret detail" not in page.get_data(as_text=True)
    assert "Hệ thống gặp lỗi" in page.get_data(as_text=True)
    browser.set_cookie("language", "en")
    assert "An error on our side" in browser.get("/broken").get_data(as_text=True)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Conflict("It moved on.", code="moved", details=["one"]), 409),
        (TooMany("Wait.", retry_after_seconds=9), 429),
    ],
)
def test_a_refusal_is_a_page_for_people_and_json_for_scripts(
    app: Flask, error: Exception, status: int
) -> None:
    @app.get("/refused")
    def refused() -> str:
        raise error

    browser = app.test_client()
    page = browser.get("/refused", headers={"Accept": "text/html"})
    assert page.status_code == status
    assert page.content_type.startswith("text/html")
    answer = browser.get("/refused", headers={"Accept": "application/json"})
    assert answer.json["message"] == error.message  # type: ignore[attr-defined]
    if status == 429:
        assert answer.headers["Retry-After"] == "9"


def test_metrics_are_for_this_machine_only(app: Flask) -> None:
    browser = app.test_client()
    browser.get("/healthz")
    page = browser.get("/metrics").get_data(as_text=True)
    assert 'tram_request_seconds_count{method="GET",route="/healthz",status="2xx"}' in page
    away = browser.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.5"})
    assert away.status_code == 404


def test_training_mode_can_not_be_overlooked(config, tmp_path) -> None:
    training = create_app(
        load(
            {
                "TRAM_DATABASE_URL": config.database_url,
                "TRAM_VAR_DIR": str(tmp_path / "var"),
                "TRAM_SECRET_KEY": config.secret_key,
                "TRAM_TRAINING": "yes",
            }
        )
    )
    page = training.test_client().get("/login/").get_data(as_text=True)
    assert "TẬP HUẤN: mọi dữ liệu ở đây đều không có thật" in page
    assert 'data-watermark="TẬP HUẤN"' in page
    training.extensions["tram.engine"].dispose()


def test_no_redirect_leads_away(app: Flask, world: World) -> None:
    browser = sign_in(app, "collector-a")
    for target in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"):
        for path in ("/login/", "/lang/en"):
            answer = browser.get(path, query_string={"next": target})
            assert answer.headers["Location"] == "/"
