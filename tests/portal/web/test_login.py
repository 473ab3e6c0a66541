"""The door: who comes in, what locks it, and what ends a session."""

from flask import Flask

from tests.portal.web.world import World, sign_in, token


def test_a_right_password_opens_the_home_page(app: Flask, world: World) -> None:
    browser = sign_in(app, "collector-a")
    page = browser.get("/")
    assert page.status_code == 200
    assert "collector-a" in page.get_data(as_text=True)


def test_signing_out_ends_a_copied_cookie(app: Flask, world: World) -> None:
    browser = sign_in(app, "collector-a")
    copied = browser.get_cookie("tram").value
    browser.post("/logout/", data={"csrf_token": token(browser)})
    thief = app.test_client()
    thief.set_cookie("tram", copied)
    assert thief.get("/").status_code == 302
