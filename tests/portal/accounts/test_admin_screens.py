"""The admin screens: each opens for its roles, imports, prints, and stays shut for the others."""

import io

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash

from portal import actors, clock, db
from portal.accounts import services
from portal.accounts.models import StaffImport, StaffProfile
from portal.campaigns.models import Campaign, CollectionSession
from portal.roles import Role
from portal.sites.models import Site
from tests.portal import builders
from tests.portal.accounts.test_importing import workbook

SYSTEM = actors.system("tests")
PASSWORD = "mat khau 2025 dai"


@pytest.fixture
def shop(app: Flask) -> Site:
    with app.app_context():
        return builders.site(db.db_session(), code="HC01", name="Trạm Y tế Hải Châu")


def sign_in(app: Flask, role: Role, site: Site | None = None) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context(), db.transaction(SYSTEM) as session:
        (profile,) = services.invite(
            session, SYSTEM, [services.Invitation("Thử Nghiệm", "", role, site and site.id)]
        )
        services.record_training(
            session, SYSTEM, staff_ids=[profile.id], course="x", trained_on=clock.today()
        )
        profile.status, profile.must_change_password = "active", False
        profile.user.password = generate_password_hash(PASSWORD, method="pbkdf2:sha256:1")
        name = profile.user.username
    client = app.test_client()
    answer = client.post("/login/", data={"username": name, "password": PASSWORD})
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return client


def test_an_account_admin_imports_a_list_gets_errors_back_and_prints_slips(app, shop) -> None:
    client = sign_in(app, Role.ACCOUNT_ADMIN)
    content = workbook(
        [1, "Nguyễn Thị Lan", "0905123456", "HC01", "Lấy mẫu", "", "", ""],
        [2, "Trần Thị Cúc", "12", "HC01", "Lấy mẫu", "", "", ""],
    )
    page = client.post("/staff-imports/", data={"file": (io.BytesIO(content), "ds.xlsx")})
    assert page.status_code == 200
    with app.app_context():
        record = db.db_session().scalars(sa.select(StaffImport)).one()
        assert (record.created_count, record.error_count) == (1, 1)
    back = client.get(f"/staff-imports/{record.id}/answer")
    assert back.data[:2] == b"PK"
    slips = client.post("/staff/slips")
    assert slips.data[:5] == b"%PDF-"
    listed = client.get("/staff/list/").get_data(as_text=True)
    assert "Nguyễn Thị Lan" in listed


def test_a_department_admin_adds_and_opens_a_site_only_when_it_is_ready(app, shop) -> None:
    client = sign_in(app, Role.DEPARTMENT_ADMIN)
    made = client.post(
        "/sites/add",
        data={
            "code": "tk01",
            "name": "Điểm Thanh Khê",
            "kind": "collection",
            "area": str(shop.area_id),
        },
    )
    assert made.status_code == 302, made.get_data(as_text=True)
    with app.app_context():
        site = db.db_session().scalars(sa.select(Site).where(Site.code == "TK01")).one()
        items = [line.item for line in site.readiness]
    assert client.post(f"/sites/{site.id}/open").status_code == 409
    client.post(f"/sites/{site.id}/ready", data={"item": items})
    assert client.post(f"/sites/{site.id}/open").status_code == 302
    assert "Điểm Thanh Khê" in client.get(f"/sites/show/{site.id}").get_data(as_text=True)


def test_a_coordinator_plans_a_campaign_a_session_and_labels(app, shop) -> None:
    client = sign_in(app, Role.COORDINATOR)
    today = clock.today().isoformat()
    made = client.post(
        "/campaigns/add",
        data={
            "code": "D1",
            "name": "Đợt 1",
            "disease": "COVID-19",
            "area": str(shop.area_id),
            "starts_on": today,
            "target_people_count": "1000",
        },
    )
    assert made.status_code == 302, made.get_data(as_text=True)
    with app.app_context():
        campaign = db.db_session().scalars(sa.select(Campaign)).one()
    assert client.post(f"/campaigns/{campaign.id}/open").status_code == 302
    made = client.post(
        "/collection-sessions/add",
        data={
            "campaign": str(campaign.id),
            "site": str(shop.id),
            "held_on": today,
            "method": "pcr",
            "specimen_type": "nasopharyngeal",
            "pool_size": "5",
        },
    )
    assert made.status_code == 302, made.get_data(as_text=True)
    with app.app_context():
        sitting = db.db_session().scalars(sa.select(CollectionSession)).one()
    assert client.post(f"/collection-sessions/{sitting.id}/open").status_code == 302
    made = client.post(
        "/tube-labels/add", data={"site": str(shop.id), "letters": "dng", "count": "5"}
    )
    assert made.status_code == 302, made.get_data(as_text=True)
    assert client.get("/tube-labels/1/sheet").data[:5] == b"%PDF-"


def test_a_site_manager_sees_the_own_staff_only(app, shop) -> None:
    with app.app_context():
        other = builders.site(db.db_session(), code="TK01", name="Khác")
        with db.transaction(SYSTEM) as session:
            services.invite(
                session,
                SYSTEM,
                [
                    services.Invitation("Người Ngoài", "", Role.COLLECTOR, other.id),
                    services.Invitation("Người Nhà", "", Role.COLLECTOR, shop.id),
                ],
            )
            outsider = session.scalars(
                sa.select(StaffProfile.id).where(StaffProfile.full_name == "Người Ngoài")
            ).one()
    client = sign_in(app, Role.SITE_MANAGER, shop)
    listed = client.get("/staff/list/").get_data(as_text=True)
    assert "Người Nhà" in listed
    assert "Người Ngoài" not in listed
    assert client.get(f"/staff/show/{outsider}").status_code == 404
    assert client.post(f"/staff/{outsider}/suspended").status_code == 404
    assert client.get("/staff-imports/").status_code == 403
