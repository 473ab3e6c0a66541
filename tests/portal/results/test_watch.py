"""Overdue tubes, shares beyond chance, who is planned; the coordinator's board of them."""

import datetime as dt
import io
import random
import uuid

import pytest
from flask import Flask

from core_rs import fold_name
from portal import clock
from portal.accounts import login
from portal.actors import system
from portal.campaigns.models import Campaign
from portal.db import db_session, transaction
from portal.declarations.models import Declaration
from portal.jobs import worker
from portal.people.models import Person
from portal.pools import shares, watch
from portal.pools.models import Finding
from portal.results import board, corrections, planned, roster, watching
from portal.results.models import LabRun
from portal.roles import Role
from portal.samples.models import Tube
from tests.portal.results.laboratory import Laboratory, hours_ago, staff
from tests.portal.web.world import sign_in, token_of

SYSTEM = system("test")


def look() -> dict[str, int]:
    with transaction(SYSTEM) as session:
        return watching.look(session, SYSTEM)


def overdue(laboratory: Laboratory) -> dict[str, str]:
    with transaction(laboratory.coordinator) as session:
        return {o.tube.code: o.step for o in watch.overdue(session, at=clock.now())}


def set_tube(code: str, **values: object) -> None:
    with transaction(SYSTEM) as session:
        tube = session.query(Tube).filter_by(code=code).one()
        for name, value in values.items():
            setattr(tube, name, value)


def some_tubes(laboratory: Laboratory) -> None:
    old = hours_ago(40)
    for code, name in (("UNSENT", "An"), ("LATE", "Bình"), ("STUCK", "Chi"), ("RAPID", "Dũng")):
        laboratory.tube(code, name, collected_at=old)
    laboratory.tube("FRESH", "Em")
    laboratory.tube("DONE", "Giang", collected_at=old)
    set_tube("LATE", status="sent", sent_at=hours_ago(30))
    set_tube("RAPID", method="antigen")
    laboratory.receive("STUCK", "DONE", at=hours_ago(26))
    laboratory.release(laboratory.record(DONE="negative"))


def test_what_is_overdue_is_found_at_its_step_and_nothing_else(laboratory: Laboratory) -> None:
    some_tubes(laboratory)
    assert overdue(laboratory) == {"UNSENT": "unsent", "LATE": "unreceived", "STUCK": "untested"}
    assert look() == {
        "overdue_opened": 3, "overdue_ended": 0, "shares_opened": 0, "shares_ended": 0,
    }  # fmt: skip
    assert sum(look().values()) == 0, "a second look changes nothing"
    assert laboratory.findings() == ["F8"] * 3


def test_a_chase_ends_when_the_tube_arrives_and_is_not_asked_again_once_noted(laboratory) -> None:
    some_tubes(laboratory)
    look()
    laboratory.receive("LATE", "UNSENT", at=hours_ago(1))
    assert look()["overdue_ended"] == 2
    noted = db_session.query(Finding).filter_by(code="F8", status="open").one()
    with transaction(laboratory.coordinator) as session:
        corrections.close_finding(
            session, laboratory.coordinator, finding_id=noted.id, reason="they test it tonight"
        )
        assert board.chase_list(session) == []
    assert look()["overdue_opened"] == 0
    # A release around the tube does not end the chase of others.
    assert laboratory.findings("closed") == ["F8"]


def test_a_tube_in_a_laboratory_pool_is_chased_as_the_pool(laboratory: Laboratory) -> None:
    from portal.pools import media

    for code, name in (("T1", "An"), ("T2", "Bình")):
        laboratory.tube(code, name, planned_size=1, collected_at=hours_ago(40))
    laboratory.receive("T1", "T2", at=hours_ago(30))
    with transaction(laboratory.technician) as session:
        media.mix(
            session, laboratory.technician, laboratory_id=laboratory.place.laboratory_id,
            tube_codes=["T1", "T2"], pool_code="MIX", at=hours_ago(28),
        )  # fmt: skip
    assert overdue(laboratory) == {"MIX": "untested"}
    manager = staff("quanly", Role.SITE_MANAGER, laboratory.place.site_id)
    with transaction(manager) as session:
        found = watch.overdue(session, at=clock.now())
        assert {o.tube.code for o in found} <= {"MIX"}, "the tubes are in a mix for everybody"


def test_a_closed_campaign_is_not_chased(laboratory: Laboratory) -> None:
    some_tubes(laboratory)
    look()
    with transaction(SYSTEM) as session:
        session.query(Campaign).one().status = "closed"
    assert overdue(laboratory) == {}
    assert look()["overdue_ended"] == 3


def test_the_tail_of_a_share_is_the_binomial_one() -> None:
    chance = random.Random(3)
    tubes = [(site, 9, 5, chance.random() < 0.02, 1) for site in (1, 2, 3) for _n in range(400)]
    tubes += [(4, 9, 5, n < 12, 1) for n in range(40)]
    found = {share.key: share for share in shares.shares(tubes) if share.kind == "team"}
    odd = found[4]
    assert (odd.positive, odd.tested) == (12, 40)
    # Slowly: how often forty tubes of the campaign's share give twelve positives or more.
    share = sum(row[3] for row in tubes) / len(tubes)
    from math import comb

    slow = sum(comb(40, k) * share**k * (1 - share) ** (40 - k) for k in range(12, 41))
    assert odd.tail == pytest.approx(slow, rel=1e-9)
    assert [site for site in found if shares.is_improbable(found[site])] == [4]
    assert shares.shares([]) == []


def test_an_improbable_share_is_noted_once_and_ends_when_it_is_no_more(laboratory) -> None:
    codes = laboratory.fill(300, 5)
    odd = laboratory.fill(20, 5)
    with transaction(SYSTEM) as session:
        from portal.sites.models import Site

        other = Site(code="T2", name="Điểm Hòa Vang", kind="collection", status="open",
                     area_id=laboratory.place.area_id)  # fmt: skip
        session.add(other)
        session.flush()
        session.query(Tube).filter(Tube.code.in_(odd)).update({"site_id": other.id})
        for batch, positive in ((codes, 3), (odd, 10)):
            session.query(Tube).filter(Tube.code.in_(batch)).update(
                {"status": "resulted", "outcome": "negative", "resulted_at": hours_ago(1)}
            )
            session.query(Tube).filter(Tube.code.in_(batch[:positive])).update(
                {"outcome": "positive"}
            )
        other_id = other.id
    assert look()["shares_opened"] == 1
    assert look()["shares_opened"] == 0
    finding = laboratory.finding("F14")
    assert (finding.site_id, finding.is_blocking) == (other_id, False)
    assert (finding.detail["positive"], finding.detail["tested"]) == (10, 20)
    with transaction(SYSTEM) as session:
        session.query(Tube).filter(Tube.code.in_(odd)).update({"outcome": "negative"})
    assert look()["shares_ended"] == 1
    assert laboratory.findings("gone") == ["F14"]


def test_a_rack_with_an_improbable_share_is_noted_with_its_name(laboratory: Laboratory) -> None:
    clean = laboratory.fill(300, 5)
    odd = laboratory.fill(20, 5)
    laboratory.receive(*clean, *odd)
    runs = [
        laboratory.record(
            **dict.fromkeys(clean[3:], "negative"), **dict.fromkeys(clean[:3], "positive")
        ),
        laboratory.record(
            **dict.fromkeys(odd[9:], "negative"), **dict.fromkeys(odd[:9], "positive")
        ),
    ]
    for run in runs:
        laboratory.release(run)
    look()
    with transaction(SYSTEM) as session:
        [finding] = session.query(Finding).filter_by(code="F14", status="open").all()
        run = session.get_one(LabRun, runs[1])
        assert (finding.detail["kind"], finding.detail["run"]) == ("rack", run.code)
        assert (finding.detail["positive"], finding.detail["tested"]) == (9, 20)
        assert (finding.site_id, finding.laboratory_id) == (None, laboratory.place.laboratory_id)
    assert look() == dict.fromkeys(look(), 0)
    with transaction(SYSTEM) as session:
        session.query(Tube).filter(Tube.code.in_(odd)).update({"resulted_at": hours_ago(100)})
    assert look()["shares_ended"] == 1


def test_the_worker_does_the_chore_and_goes_on_when_it_fails(laboratory, monkeypatch) -> None:
    some_tubes(laboratory)
    done: dict[str, float] = {}
    worker.do_chores(done)
    assert laboratory.findings() == ["F8"] * 3
    before = dict(done)
    worker.do_chores(done)
    assert done == before, "not again before its time"

    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(watch, "overdue", broken)
    worker.do_chores({})
    assert laboratory.findings() == ["F8"] * 3


def declare(laboratory: Laboratory, name: str, address: str, **more: object) -> None:
    with transaction(SYSTEM) as session:
        session.add(
            Declaration(
                uid=uuid.uuid4(),
                lookup_code=f"K{uuid.uuid4().hex[:10]}",
                full_name=name,
                folded_name=name.lower(),
                address=address,
                area_id=laboratory.place.area_id,
                **{"submitted_at": hours_ago(20), "updated_at": hours_ago(20), **more},
            )
        )


def test_planned_people_are_listed_by_household_unfinished_first(laboratory: Laboratory) -> None:
    home = "Tổ 4, Hải Châu"
    laboratory.tube("T1", "An", "Bình", "Chi")
    with transaction(SYSTEM) as session:
        session.get_one(Person, laboratory.people["An"]).address = home
        session.get_one(Person, laboratory.people["Chi"]).national_id = "048185000012"
        root = Person(uid=uuid.uuid4(), full_name="Bình", folded_name="binh",
                      created_at=clock.now(), site_id=laboratory.place.site_id)  # fmt: skip
        session.add(root)
        session.flush()
        session.get_one(Person, laboratory.people["Bình"]).merged_into_id = root.id
        root_id = root.id
    declare(laboratory, "Xuân", "Thôn 1")
    declare(laboratory, "Yến", "tổ 4,  HẢI CHÂU")
    declare(laboratory, "Chi khai báo", home, national_id="048185000012")
    declare(laboratory, "An khai báo", home, person_id=laboratory.people["An"])
    declare(laboratory, "Bình khai báo", home, person_id=root_id)
    declare(laboratory, "Rút lại", home, status="withdrawn")
    declare(laboratory, "Năm trước", home, submitted_at=dt.datetime(2025, 1, 1, tzinfo=dt.UTC))
    with transaction(SYSTEM) as session:
        campaign = session.query(Campaign).one()
        found = planned.list_of(session, campaign, laboratory.place.area_id)
        told = [(h.sampled, [row.full_name for row in h.missing]) for h in found.households]
    assert told == [(1, ["Yến"]), (0, ["Xuân"])]
    assert (found.people, found.incomplete, found.is_cut_off) == (2, 1, False)


def test_a_list_of_planned_people_tells_who_is_in_no_tube(app: Flask) -> None:
    login.forget_logins()
    with app.app_context():
        web = Laboratory.make()
        web.tube("T1", "Trần Văn An", "Lê Thị Bình", "Phạm Chi", "Võ Dũng")
        with transaction(SYSTEM) as session:
            for name, facts in {
                "Trần Văn An": {"national_id": "048185000012"},
                "Lê Thị Bình": {"birth_on": None, "birth_year": 1990},
                "Phạm Chi": {"phone": "0905123456", "national_id": "048185000020"},
                "Võ Dũng": {"birth_on": dt.date(1980, 5, 1), "birth_year": 1980},
            }.items():
                person = session.get_one(Person, web.people[name])
                person.folded_name = fold_name(name)
                for key, value in facts.items():
                    setattr(person, key, value)
    browser = sign_in(app, "dieuphoi")
    token = token_of(browser.get("/pools/planned/").get_data(as_text=True))

    def send(text: str) -> tuple[int, str]:
        file = (io.BytesIO(text.encode()), "to-4.csv")
        answer = browser.post(
            "/pools/planned/compare", data={"csrf_token": token, "file": file, "campaign": ""}
        )
        return answer.status_code, answer.get_data(as_text=True)

    status, page = send(
        "Họ và tên;Ngày sinh;Số CCCD;Số điện thoại;Địa chỉ\n"
        "TRẦN VĂN AN;;048185000012;;Tổ 4, Hải Châu\n"  # by card
        "le thi binh;31/12/1990;;;Thôn 1\n"  # the year alone is known
        "Phạm Chi;;;0905 123 456;Thôn 1\n"  # by phone
        "Phạm Chi;;048185000038;0905123456;Thôn 1\n"  # another card: another person
        "Võ Dũng;02/05/1980;;;Thôn 2\n"  # another day
        "Hồ Yến;1999;;;tổ 4,  HẢI CHÂU\n"
        "Đỗ Sai;ngày nào;;;Tổ 9\n"
    )
    assert status == 200
    assert [page.count(f"<b>{name}</b>") for name in ("Hồ Yến", "Phạm Chi", "Võ Dũng")] == [1, 1, 1]
    assert "le thi binh" not in page.lower()
    assert "Dòng 8: «ngày nào»" in page  # of the file, its headers included
    with app.app_context(), transaction(system("test")) as session:
        found = roster.compare(
            session, SYSTEM, campaign_id=web.place.campaign_id, file_name="x.csv",
            content="Họ tên,CCCD,Hộ\nTrần Văn An,048185000012,Tổ 4\nHồ Yến,,Tổ 4\n".encode(),
        )  # fmt: skip
        assert (found.planned, found.sampled, found.missing, found.incomplete) == (2, 1, 1, 1)
    assert send("")[0] == 422
    assert send("a,b\n1,2\n")[0] == 422
    assert browser.get("/pools/planned/template").data[:2] == b"PK"
    assert sign_in(app, "kt").post("/pools/planned/compare").status_code in {400, 403}


def test_the_board_shows_people_and_tubes_urgent_and_held(laboratory: Laboratory) -> None:
    some_tubes(laboratory)
    laboratory.tube("POS", "Khoa", "Lan")
    laboratory.tube("HELD", "Mai", "Nam", "Oanh")
    laboratory.tube("FLIP", "Phú", "Quân")
    laboratory.result(POS="positive", FLIP="negative")
    laboratory.receive("HELD", counted=5)
    laboratory.release(laboratory.record(HELD="negative"))
    from portal.results import services
    from portal.results.models import LabResult

    old = db_session.query(LabResult).filter_by(tube_code="FLIP").one().id
    with transaction(laboratory.technician) as session:
        new = services.amend(
            session, laboratory.technician, result_id=old, outcome="positive", reason="swap"
        ).id
    with transaction(laboratory.verifier) as session:
        services.release_amendment(session, laboratory.verifier, result_id=new)
    with transaction(laboratory.coordinator) as session:
        found = board.look(session, laboratory.place.campaign_id, at=clock.now())
    assert (found.urgent, found.suspects, found.resample) == (2, 4, 0)
    [hold] = found.holds
    assert (hold.reason, hold.finding, hold.people) == ("count", "F4", 3)
    assert [(tube.code, tube.people) for tube in hold.tubes] == [("HELD", 3)]
    assert hold.tubes[0].finding_id == laboratory.finding("F4").id
    assert found.chased == {"unsent": 1, "unreceived": 1, "untested": 1}
    assert found.tubes["sent"] == found.people["sent"] == 1
    assert found.ages is not None
    assert found.ages[2] > 30


def test_people_of_a_discarded_tube_are_due_and_suspected_of_nothing(laboratory) -> None:
    from portal.results.matching import rematch
    from portal.results.retests import due

    tube_id = laboratory.tube("GONE", "An", "Bình")
    set_tube("GONE", status="discarded", rejected_at=hours_ago(3))
    with transaction(SYSTEM) as session:
        rematch(session, SYSTEM, [tube_id], at=clock.now())
        lines = due(session)
    assert [line.is_suspect for line in lines] == [False, False]
    with transaction(laboratory.coordinator) as session:
        found = board.look(session, laboratory.place.campaign_id, at=clock.now())
    assert (found.suspects, found.resample) == (0, 2)
    assert "people_suspect" not in laboratory.counts()


def test_the_lists_open_in_the_browser_for_who_may(app: Flask) -> None:
    login.forget_logins()
    with app.app_context():
        web = Laboratory.make()
        some_tubes(web)
        declare(web, "Xuân", "Thôn 1")
        look()
    coordinator, technician = sign_in(app, "dieuphoi"), sign_in(app, "kt")
    page = coordinator.get("/pools/board/").get_data(as_text=True)
    assert "/pools/chase/" in page
    chase = coordinator.get("/pools/chase/").get_data(as_text=True)
    for code in ("UNSENT", "LATE", "STUCK"):
        assert code in chase
    assert "RAPID" not in chase
    assert technician.get("/pools/board/").status_code == 200
    assert "STUCK" in technician.get("/pools/chase/").get_data(as_text=True)
    assert technician.get("/pools/planned/").status_code == 403
    assert coordinator.get("/pools/planned/?campaign=999").status_code == 404
    findings = coordinator.get("/findings/list/").get_data(as_text=True)
    assert "F8" in findings


def test_a_size_is_applied_from_tomorrow_with_one_answer(app: Flask) -> None:
    from portal.campaigns.models import PoolPolicy

    login.forget_logins()
    with app.app_context():
        web = Laboratory.make()
        web.tube("T1", "An", "Bình")
        web.tube("T2", "Chi", "Dũng")
        web.result(T1="negative", T2="positive")
        campaign = web.place.campaign_id
    browser = sign_in(app, "dieuphoi")
    token = token_of(browser.get("/pools/advice/").get_data(as_text=True))
    for size in ("5", "11", "x", ""):
        browser.post("/pools/advice/apply", data={"csrf_token": token, "campaign": campaign,
                                                  "size": size})  # fmt: skip
    with app.app_context():
        assert db_session.query(PoolPolicy).count() == 1
    answer = browser.post(
        "/pools/advice/apply", data={"csrf_token": token, "campaign": campaign, "size": "3"}
    )
    assert answer.status_code == 302
    with app.app_context():
        rules = db_session.query(PoolPolicy).order_by(PoolPolicy.valid_from).all()
        assert [rule.default_size for rule in rules] == [5, 3]
        assert rules[1].valid_from == clock.today() + dt.timedelta(days=1)
        assert (rules[1].max_size, rules[1].document) == (rules[0].max_size, rules[0].document)
    refused = sign_in(app, "kt").post("/pools/advice/apply", data={"csrf_token": token})
    assert refused.status_code in {400, 403}
