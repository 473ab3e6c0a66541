"""What the station asks the server about a text it can not unpack itself."""

from flask import Flask

from tests.portal.ingest.test_hc1 import NAME, certificate
from tests.portal.web.world import World, sign_in, token


def test_the_name_in_a_certificate_is_told_with_what_keeps_it_from_being_proof(
    app: Flask, world: World
) -> None:
    browser = sign_in(app, "collector-a")
    headers = {"X-CSRFToken": token(browser, "/password/")}
    text = certificate(ver="1.3.0", nam=NAME, dob="1990-01-02")
    said = browser.post("/scanning/read", json={"text": text}, headers=headers).get_json()
    assert (said["kind"], said["name"], said["year"]) == ("dcc", "Thử Nghiệm Một", "1990")
    assert "dcc.unknown_key" in said["warnings"]
    said = browser.post("/scanning/read", json={"text": text[:-9]}, headers=headers).get_json()
    assert said["name"] == ""
    assert said["warnings"]
