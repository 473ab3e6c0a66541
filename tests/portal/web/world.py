"""A small province for tests of the web: two sites, their staff, samples, and ways to sign in."""

import datetime as dt
import re
import uuid
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Role as FabRole
from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from core_rs import fold_name
from portal import clock, db
from portal.accounts.models import StaffProfile, Training
from portal.areas.models import AdminUnit
from portal.campaigns.models import Campaign, CollectionSession
from portal.people.models import Person
from portal.roles import Role
from portal.samples.models import Sample, Tube
from portal.sites.models import Site

PASSWORD = "mật khẩu thử 123"
# Cheap on purpose: a test signs in often, and scrypt is tested where it matters.
_HASH = generate_password_hash(PASSWORD, method="pbkdf2:sha256:1")


class World:
    """Rows by short names: `world.sites["a"]`, `world.staff["collector a"]`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.sites: dict[str, Site] = {}
        self.staff: dict[str, StaffProfile] = {}
        self.samples: dict[str, list[Sample]] = {"a": [], "b": []}
        day = dt.date(2025, 7, 1)
        province = AdminUnit(
            code="48",
            level="province",
            kind="thành phố",
            name="Đà Nẵng",
            name_folded="da nang",
            valid_from=day,
        )
        session.add(province)
        session.flush()
        province.path = f"/{province.id}/"
        self.province = province
        self.campaign = Campaign(
            code="DN", name="Đợt thử", disease="COVID-19", area_id=province.id, starts_on=day
        )
        session.add(self.campaign)
        for name in "ab":
            site = Site(
                code=f"S{name.upper()}",
                name=f"Điểm {name.upper()}",
                kind="collection",
                area_id=province.id,
            )
            session.add(site)
            session.flush()
            self.sites[name] = site
            self._fill(name, site)

    def _fill(self, name: str, site: Site) -> None:
        session = self.session
        sitting = CollectionSession(
            code=f"B{name}",
            campaign_id=self.campaign.id,
            site_id=site.id,
            area_id=self.province.id,
            held_on=dt.date(2026, 8, 1),
        )
        session.add(sitting)
        session.flush()
        tube = Tube(
            code=f"T{name}1",
            campaign_id=self.campaign.id,
            collection_session_id=sitting.id,
            site_id=site.id,
            opened_at=clock.now(),
        )
        session.add(tube)
        session.flush()
        for number in range(3):
            self.samples[name].append(self.add_sample(tube, f"Nguyễn Văn {name}{number}"))

    def add_sample(self, tube: Tube, full_name: str) -> Sample:
        """One more person and sample in a tube."""
        uid = uuid.uuid4()
        person = Person(
            uid=uid,
            full_name=full_name,
            folded_name=fold_name(full_name),
            sort_name=full_name,
            birth_year=1980,
            site_id=tube.site_id,
            created_at=clock.now(),
        )
        self.session.add(person)
        self.session.flush()
        sample = Sample(
            uid=uid,
            result_code=uid.hex[:12].upper(),
            tube_id=tube.id,
            person_id=person.id,
            campaign_id=tube.campaign_id,
            collection_session_id=tube.collection_session_id,
            site_id=tube.site_id,
            collected_at=clock.now(),
            added_at=clock.now(),
        )
        self.session.add(sample)
        self.session.flush()
        return sample

    def add_staff(self, username: str, role: Role, site: str | None = None, **values: Any) -> str:
        """A trained, active account; gives its username."""
        session = self.session
        found = session.scalars(sa.select(FabRole).where(FabRole.name == role.value)).first()
        fab_role = found or FabRole(name=role.value)
        user = User(
            first_name="",
            last_name=username,
            username=username,
            email=f"{username}@tram",
            active=True,
            password=_HASH,
        )
        user.roles = [fab_role]
        session.add(user)
        session.flush()
        defaults: dict[str, Any] = {"status": "active", "must_change_password": False}
        profile = StaffProfile(
            user_id=user.id,
            full_name=username,
            sort_name=username,
            created_at=clock.now(),
            site_id=self.sites[site].id if site else None,
            **{**defaults, **values},
        )
        session.add(profile)
        session.flush()
        session.add(
            Training(
                staff_id=profile.id,
                course="Lấy mẫu",
                trained_on=dt.date(2026, 8, 1),
                recorded_at=clock.now(),
            )
        )
        session.flush()
        self.staff[username] = profile
        return username


def make(app: Flask) -> World:
    """The province, committed in the database of `app`."""
    with app.app_context():
        session = db.session_factory()
        world = World(session)
        for role in Role:
            slug = role.value.lower().replace(" ", "-")
            is_wide = role in _WIDE
            for site in [None] if is_wide else ["a", "b"]:
                world.add_staff(f"{slug}-{site}" if site else slug, role, site)
        session.commit()
        return world


_WIDE = {
    Role.DEPARTMENT_ADMIN,
    Role.ACCOUNT_ADMIN,
    Role.COORDINATOR,
    Role.DATA_OFFICER,
    Role.AUDITOR,
}


def token_of(page: str) -> str:
    """The CSRF token of a form."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found, "the page has no form"
    return found[1]


def sign_in(app: Flask, username: str, password: str = PASSWORD) -> FlaskClient:
    """A browser signed in through the real door."""
    browser = app.test_client()
    token = token_of(browser.get("/login/").get_data(as_text=True))
    answer = browser.post(
        "/login/", data={"username": username, "password": password, "csrf_token": token}
    )
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return browser


def token(browser: FlaskClient, path: str = "/") -> str:
    """A CSRF token of a signed-in browser."""
    return token_of(browser.get(path).get_data(as_text=True))
