"""Bulk upload of photos: per-photo outcomes, a worklist of one's own, nothing stored."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import segno
import sqlalchemy as sa
from flask import Flask
from PIL import Image

from portal import clock, db
from portal.people.models import PersonIdentifier
from portal.readings.models import PhotoReading
from portal.readings.rules import MOST_PHOTOS
from portal.roles import Role
from portal.samples.models import Tube
from tests.portal.web.world import World, sign_in, token

_TUBE = "DNG2608010000014"
_NATIONAL_ID = "048090000123"
_CARD = f"{_NATIONAL_ID}||Thử Nghiệm Một|01011990|Nữ|Thôn Mẫu, Đà Nẵng|01012022"

Send = Callable[..., list[dict[str, Any]]]


def photo(*texts: str, kind: str = "PNG") -> bytes:
    """A photo of codes beside each other."""
    codes = []
    for text in texts:
        stream = io.BytesIO()
        segno.make(text, error="m", micro=False).save(stream, kind="png", scale=4, border=4)
        codes.append(Image.open(stream).convert("L"))
    width = sum(code.width for code in codes) or 200
    sheet = Image.new("L", (width, max((code.height for code in codes), default=200)), 255)
    left = 0
    for code in codes:
        sheet.paste(code, (left, 0))
        left += code.width
    stream = io.BytesIO()
    sheet.save(stream, kind)
    return stream.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    """A ZIP file of these files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.fixture
def send(app: Flask, world: World) -> Send:
    """Uploads one file as a coordinator; gives the lines of the answer."""
    with app.app_context():
        session = db.session_factory()
        session.execute(sa.update(Tube).where(Tube.code == "Ta1").values(code=_TUBE))
        known = PersonIdentifier(
            person_id=world.samples["a"][0].person_id,
            kind="national_id",
            value=_NATIONAL_ID,
            created_at=clock.now(),
        )
        session.add(known)
        session.commit()
    browser = sign_in(app, "coordinator")
    csrf = token(browser)

    def upload(name: str, content: bytes, status: int = 200) -> list[dict[str, Any]]:
        answer = browser.post(
            "/photo-readings/read",
            data=content,
            headers={
                "Content-Type": "application/octet-stream",
                "X-CSRFToken": csrf,
                "X-File-Name": quote(name),
                "Accept": "application/json",
            },
        )
        assert answer.status_code == status, answer.get_data(as_text=True)
        return [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]

    return upload


def rows(app: Flask) -> list[PhotoReading]:
    """The whole table."""
    with app.app_context():
        return list(db.session_factory().scalars(sa.select(PhotoReading).order_by("id")))


def test_a_photo_of_a_rack_gives_an_outcome_for_each_of_its_codes(app: Flask, send: Send) -> None:
    [line] = send("giá.jpg", photo(_TUBE, "DNG2608010000022", kind="JPEG"))
    assert (line["done"], line["total"], line["file"]) == (1, 1, "giá.jpg")
    assert sorted(code["outcome"] for code in line["codes"]) == ["known", "unknown"]
    assert {row.shown for row in rows(app)} == {_TUBE, "DNG2608010000022"}


def test_a_zip_file_is_read_photo_by_photo_and_a_bad_one_stays_alone(
    app: Flask, send: Send
) -> None:
    lines = send(
        "phiếu.zip",
        zip_of(
            {
                "rack/a.png": photo(_TUBE),
                "b.jpg": photo(kind="JPEG"),
                "c.png": b"no picture",
                "__MACOSX/a.png": b"",
                "note.txt": b"x",
            }
        ),
    )
    assert [(line["done"], line["total"]) for line in lines] == [(1, 3), (2, 3), (3, 3)]
    outcomes = {line["file"]: line["codes"][0]["outcome"] for line in lines}
    assert outcomes == {
        "phiếu.zip / a.png": "known",
        "phiếu.zip / b.jpg": "no_code",
        "phiếu.zip / c.png": "unreadable",
    }
    assert rows(app)[2].problem == "qr.unknown_format"


def test_of_a_card_only_the_last_digits_are_kept(app: Flask, send: Send) -> None:
    [line] = send("thẻ.png", photo(_CARD))
    assert line["codes"][0]["outcome"] == "known"
    [row] = rows(app)
    assert (row.kind, row.shown, row.target_id) == ("national_id_card", "•••••••••123", None)
    kept = " ".join(str(getattr(row, column.key)) for column in sa.inspect(PhotoReading).columns)
    assert _NATIONAL_ID not in kept
    assert "Thử Nghiệm" not in kept


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04 no archive", zip_of({"a.txt": b"x"}), None],
    ids=["empty", "damaged", "no photo", "too many"],
)
def test_what_cannot_be_read_at_all_is_refused_whole(
    app: Flask, send: Send, content: bytes | None
) -> None:
    if content is None:
        content = zip_of({f"{n}.png": b"" for n in range(MOST_PHOTOS + 1)})
    [problem] = send("x.zip", content, 422)
    assert problem["code"].startswith("readings.")
    assert rows(app) == []


def test_a_zip_bomb_costs_one_photo_of_memory_and_a_clear_outcome(app: Flask, send: Send) -> None:
    [line] = send("bom.zip", zip_of({"a.png": b"\0" * (40 << 20)}))
    assert line["codes"][0]["outcome"] == "unreadable"
    assert rows(app)[0].problem == "too_large"


def test_the_worklist_is_ones_own_and_is_worked_off(app: Flask, send: Send) -> None:
    send("a.zip", zip_of({"a.png": photo(_TUBE), "b.png": photo()}))
    mine = sign_in(app, "coordinator")
    page = mine.get("/photo-readings/").get_data(as_text=True)
    assert _TUBE in page
    assert "a.zip / b.png" in page
    [known, lost] = rows(app)

    csrf = {"csrf_token": token(mine)}
    assert mine.post("/photo-readings/settle-known", data=csrf).status_code == 302
    page = mine.get("/photo-readings/").get_data(as_text=True)
    assert _TUBE not in page
    assert "a.zip / b.png" in page
    assert mine.post(f"/photo-readings/{lost.id}/settle", data=csrf).status_code == 302
    assert "a.zip" not in mine.get("/photo-readings/").get_data(as_text=True)
    assert _TUBE in mine.get("/photo-readings/?settled=1").get_data(as_text=True)
    assert mine.post(f"/photo-readings/{known.id + 99}/settle", data=csrf).status_code == 404


def test_others_do_not_see_the_list_and_collectors_not_the_page(
    app: Flask, send: Send, world: World
) -> None:
    send("a.png", photo(_TUBE))
    with app.app_context():
        session = db.session_factory()
        world.session = session
        world.add_staff("second", Role.COORDINATOR)
        session.commit()
    [row] = rows(app)
    other = sign_in(app, "second")
    assert _TUBE not in other.get("/photo-readings/?settled=1").get_data(as_text=True)
    csrf = {"csrf_token": token(other)}
    assert other.post(f"/photo-readings/{row.id}/settle", data=csrf).status_code == 404
    assert sign_in(app, "collector-a").get("/photo-readings/").status_code == 403
