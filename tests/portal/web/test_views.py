"""Lists, rows and forms of the base views, for somebody inside and somebody outside."""

import pytest
from flask import Flask

from portal import db
from portal.samples.models import Sample
from tests.portal.web.world import World, sign_in, token


def test_a_list_shows_the_rows_of_ones_own_site_only(screens: Flask, world: World) -> None:
    page = sign_in(screens, "collector-a").get("/tested-samples/list/").get_data(as_text=True)
    assert "Nguyễn Văn a0" in page
    assert "Nguyễn Văn b0" not in page


def test_a_list_costs_three_statements(screens: Flask, world: World) -> None:
    browser = sign_in(screens, "collector-a")
    browser.get("/tested-samples/list/")
    answer = browser.get("/tested-samples/list/")
    assert 'desc="3 statements"' in answer.headers["Server-Timing"]


def test_the_whole_province_sees_all(screens: Flask, world: World) -> None:
    page = sign_in(screens, "coordinator").get("/tested-samples/list/").get_data(as_text=True)
    assert "Nguyễn Văn a0" in page
    assert "Nguyễn Văn b2" in page


def test_a_row_of_another_site_does_not_exist(screens: Flask, world: World) -> None:
    browser = sign_in(screens, "collector-a")
    inside, outside = world.samples["a"][0].id, world.samples["b"][0].id
    assert browser.get(f"/tested-samples/show/{inside}").status_code == 200
    for path in ("show", "edit", "withdraw"):
        assert browser.get(f"/tested-samples/{path}/{outside}").status_code == 404


def test_names_searched_for_never_stand_in_a_url(screens: Flask, world: World) -> None:
    browser = sign_in(screens, "collector-a")
    answer = browser.post(
        "/tested-samples/list/",
        data={"person.full_name": "van a1", "csrf_token": token(browser)},
    )
    assert "a1" not in answer.headers["Location"].split("?")[0]
    assert "van" not in answer.headers["Location"]
    page = browser.get(answer.headers["Location"]).get_data(as_text=True)
    assert "Nguyễn Văn a1" in page
    assert "Nguyễn Văn a0" not in page


def test_a_plain_link_filters_by_columns_without_names(screens: Flask, world: World) -> None:
    browser = sign_in(screens, "coordinator")
    site = world.sites["b"].id
    page = browser.get(f"/tested-samples/list/?site={site}").get_data(as_text=True)
    assert "Nguyễn Văn b0" in page
    assert "Nguyễn Văn a0" not in page
    empty = browser.get("/tested-samples/list/?state=HOLD").get_data(as_text=True)
    assert "Nguyễn Văn" not in empty


def test_a_correction_of_a_row_changed_meanwhile_is_refused(screens: Flask, world: World) -> None:
    browser = sign_in(screens, "collector-a")
    path = f"/tested-samples/edit/{world.samples['a'][0].id}"
    sent = {"position": "4", "source": "typed", "row_version": "1", "csrf_token": token(browser)}
    assert browser.post(path, data=sent).status_code == 302
    again = browser.post(path, data={**sent, "position": "5"})
    assert again.status_code == 409
    with screens.app_context():
        assert db.session_factory().get(Sample, world.samples["a"][0].id).position == 4


def test_a_refusal_of_the_service_is_shown_on_the_form(screens: Flask, world: World) -> None:
    browser = sign_in(screens, "collector-a")
    answer = browser.post(
        f"/tested-samples/edit/{world.samples['a'][0].id}",
        data={"position": "100", "source": "typed", "csrf_token": token(browser)},
    )
    assert answer.status_code == 422
    assert "Nobody has so many." in answer.get_data(as_text=True)


def test_pages_follow_each_other_without_gap_or_repeat(screens: Flask, world: World) -> None:
    with screens.app_context():
        session = db.session_factory()
        tube = session.get(type(world.samples["a"][0].tube), world.samples["a"][0].tube_id)
        world.session = session
        for number in range(60):
            world.add_sample(tube, f"Trần Thị {number:02d}").retest_due_at = (
                None if number % 3 else world.samples["a"][0].added_at
            )
        session.commit()
    browser = sign_in(screens, "collector-a")
    for sort in ("", "?sort=result_code&dir=asc", "?sort=retest_due_at&dir=desc"):
        seen, path = [], f"/tested-samples/list/{sort}"
        for _ in range(3):
            page = browser.get(path).get_data(as_text=True)
            seen += _codes(page)
            path = _link(page, "next") or path
        assert len(seen) == len(set(seen)) == 63
        page = browser.get(path).get_data(as_text=True)
        back = browser.get(_link(page, "prev")).get_data(as_text=True)
        assert _codes(back) == seen[25:50]


def test_options_hold_only_rows_of_the_scope(screens: Flask, world: World) -> None:
    answer = sign_in(screens, "collector-a").get("/tested-samples/options/site?q=điểm")
    assert [option["text"] for option in answer.json["options"]] == ["Điểm A"]


def test_reference_rows_are_added_corrected_and_deleted(screens: Flask, world: World) -> None:
    browser = sign_in(screens, "coordinator")
    sent = {"code": "HN", "name": "Đợt hai", "disease": "COVID-19", "starts_on": "2026-08-01",
            "area": str(world.province.id), "csrf_token": token(browser)}  # fmt: skip
    made = browser.post("/tested-campaigns/add", data=sent)
    assert made.status_code == 302, made.get_data(as_text=True)
    twice = browser.post("/tested-campaigns/add", data=sent)
    assert twice.status_code in {409, 422}
    row = made.headers["Location"].rpartition("/")[2]
    assert browser.get(f"/tested-campaigns/delete/{row}").status_code == 405
    gone = browser.post(f"/tested-campaigns/delete/{row}", data={"csrf_token": sent["csrf_token"]})
    assert gone.status_code == 302
    assert browser.get(f"/tested-campaigns/show/{row}").status_code == 404


def test_a_role_without_the_permission_is_refused(screens: Flask, world: World) -> None:
    assert sign_in(screens, "volunteer-a").get("/tested-samples/list/").status_code == 403
    assert screens.test_client().get("/tested-samples/list/").status_code == 302


def _codes(page: str) -> list[str]:
    import re

    return re.findall(r'href="/tested-samples/show/(\d+)"', page)


def _link(page: str, rel: str) -> str:
    import re

    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    return found[1].replace("&amp;", "&") if found else ""


@pytest.mark.parametrize(
    ("language", "required", "too_long"),
    [
        ("vi", "Bắt buộc nhập.", "Dài nhất là 16 ký tự."),
        ("en", "This field is required.", "Field cannot be longer than 16 characters."),
    ],
)
def test_a_form_speaks_the_language_of_its_page(
    app: Flask, world: World, language: str, required: str, too_long: str
) -> None:
    browser = sign_in(app, "coordinator")
    browser.set_cookie("language", language)
    answer = browser.post("/campaigns/add", data={"csrf_token": token(browser), "code": "X" * 17})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert required in page
    assert too_long in page
