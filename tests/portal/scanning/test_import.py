"""A sampling list: every problem at once, the rest registered by the door's own rules, once."""

import base64
import io
import re

import openpyxl
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from portal import db
from portal.campaigns.models import CollectionSession
from portal.ingest.applier import Applier
from portal.ingest.journal import open_journal
from portal.ingest.models import EventOutcome
from portal.samples.models import Sample, Tube, TubeLabelRange
from portal.settings import Settings
from tests.portal.ingest.device import PREFIX, tube_code
from tests.portal.web.world import World, sign_in, token

LIST = f"""TT,Mã ống,Họ và tên,Năm sinh,Giới tính,SĐT,CCCD
1,{tube_code(1)},Nguyễn Thị Thử,31/12/1990,Nữ,0905123456,
2,{tube_code(1)},Lê Văn Hai,1985,Nam,,
3,{tube_code(2)},Trần Ba,1970,Nam,,
4,{tube_code(1)},LÊ VĂN HAI,1985,,,
5,LA-ONG-999,Bốn,19x0,x,12,12
"""


def prepare(app: Flask, world: World) -> None:
    """Hands out labels and opens the session of site A."""
    with app.app_context(), db.session_factory() as session, session.begin():
        site = world.sites["a"]
        from portal import clock

        session.add(
            TubeLabelRange(
                site_id=site.id,
                kind="own",
                prefix=PREFIX,
                first_number=1,
                last_number=900,
                issued_on=clock.today(),
                created_at=clock.now(),
            )
        )
        session.execute(
            sa.update(CollectionSession)
            .where(CollectionSession.code == "Ba")
            .values(status="open", pool_size=5)
        )


def send(browser: FlaskClient, content: str) -> str:
    form = {
        "csrf_token": token(browser, "/sample-imports/"),
        "session_code": "Ba",
        "file": (io.BytesIO(content.encode()), "danh-sach.csv"),
    }
    answer = browser.post("/sample-imports/", data=form)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


def apply(app: Flask, config: Settings) -> None:
    with app.app_context():
        journal = open_journal(config)
        applier = Applier(config, journal)
        assert applier.take_lease()
        while applier.step():
            pass
        journal.close()
        with db.transaction(applier_actor()) as session:
            from portal.ingest import lease

            lease.give_up(session, applier._held_fence())


def applier_actor():
    from portal.ingest.applier import ACTOR

    return ACTOR


def packed(page: str) -> list[bytes]:
    found = re.findall(r"base64,([A-Za-z0-9+/=]+)", page)
    return [base64.b64decode(one) for one in found]


def test_a_list_is_registered_once_and_its_errors_come_back(
    app: Flask, world: World, config: Settings
) -> None:
    prepare(app, world)
    manager = sign_in(app, "site-manager-a")
    page = send(manager, LIST)
    errors, codes = packed(page)
    lines = errors.decode("utf-8-sig").splitlines()
    assert "dòng 3" in lines[4]  # the same person twice in a tube
    assert lines[5].count(";") == 5  # code, name, birth, sex, phone and id: all of them
    apply(app, config)
    with app.app_context():
        session = db.session_factory()
        tubes = session.scalars(
            sa.select(Tube).where(Tube.code.in_([tube_code(1), tube_code(2)])).order_by(Tube.code)
        ).all()
        assert [(t.sample_count, t.status) for t in tubes] == [(2, "sealed"), (1, "sealed")]
        samples = session.scalars(
            sa.select(Sample).where(Sample.tube_id.in_([t.id for t in tubes])).order_by(Sample.id)
        ).all()
        sheet = openpyxl.load_workbook(io.BytesIO(codes)).worksheets[0]
        given = [row[3] for row in sheet.iter_rows(min_row=2, values_only=True)]
        assert [s.result_code for s in samples] == given
        assert samples[0].collector_id == world.staff["site-manager-a"].id
        refused = session.scalars(
            sa.select(EventOutcome.code).where(EventOutcome.status == "refused")
        ).all()
        assert refused == []
        session.close()
    send(manager, LIST)
    apply(app, config)
    with app.app_context():
        again = sa.select(sa.func.count(Sample.id)).where(
            Sample.collection_session_id
            == (
                sa.select(CollectionSession.id)
                .where(CollectionSession.code == "Ba")
                .scalar_subquery()
            )
        )
        assert db.session_factory().scalar(again) == 3 + len(world.samples["a"])


def test_only_ones_own_site_and_open_sessions_take_a_list(app: Flask, world: World) -> None:
    prepare(app, world)
    stranger = sign_in(app, "site-manager-b")
    form = {
        "csrf_token": token(stranger, "/kit-lots/add"),
        "session_code": "Ba",
        "file": (io.BytesIO(LIST.encode()), "a.csv"),
    }
    assert stranger.post("/sample-imports/", data=form).status_code == 404
    assert sign_in(app, "collector-a").get("/sample-imports/").status_code == 403
    manager = sign_in(app, "site-manager-a")
    assert "sample-imports" in manager.get("/samples/list/").get_data(as_text=True)
    template = manager.get("/sample-imports/template.xlsx")
    assert template.data.startswith(b"PK")
    form = {
        "csrf_token": token(manager, "/sample-imports/"),
        "session_code": "Ba",
        "file": (io.BytesIO(b"a,b\n1,2\n"), "a.csv"),
    }
    assert manager.post("/sample-imports/", data=form).status_code in {400, 422}


def test_a_visitor_is_led_to_the_page_for_citizens_with_a_door_for_staff(app: Flask) -> None:
    browser = app.test_client()
    page = browser.get("/", follow_redirects=True)
    assert page.request.path == "/cong-dan"
    assert "/login/" in page.get_data(as_text=True)
