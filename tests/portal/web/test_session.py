"""What a page asks before it sends a form: is one still signed in, and which token counts now."""

from flask import Flask

from tests.portal.web.world import World, sign_in


def test_a_page_learns_that_the_session_ended_and_gets_a_token_that_counts(
    app: Flask, world: World
) -> None:
    browser = sign_in(app, "collector-a")
    told = browser.get("/session/").get_json()
    assert told["is_signed_in"] is True
    form = {"csrf_token": told["csrf"], "kind": "idea", "text": "Chữ to hơn"}
    assert browser.post("/feedback/", data=form).status_code == 302
    browser.post("/logout/", data={"csrf_token": told["csrf"]})
    after = browser.get("/session/")
    assert after.get_json()["is_signed_in"] is False
    assert after.headers["Cache-Control"] == "no-store"


def test_lists_sort_by_the_name_and_search_related_rows(app: Flask, world: World) -> None:
    manager = sign_in(app, "site-manager-a")
    page = manager.get("/staff/list/").text
    assert "sort=sort_name" in page
    token = manager.get("/session/").get_json()["csrf"]

    def found(**terms: str) -> str:
        form = {"csrf_token": token, **terms}
        return manager.post("/samples/list/", data=form, follow_redirects=True).text

    by_name = found(**{"person.full_name": "van A1"})
    assert "Nguyễn Văn a1" in by_name
    assert "Nguyễn Văn a0" not in by_name
    assert "Nguyễn Văn a0" in found(**{"tube.code": "Ta"})
    assert "Nguyễn Văn a0" not in found(**{"tube.code": "Tb"})
