"""Every write leaves its trail; readings of personal rows too; nothing changes the trail."""

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from portal import db
from portal.actors import Actor
from portal.areas.models import AdminUnit
from portal.audit import rules, services
from portal.audit.models import AuditEvent
from portal.campaigns.models import Campaign

ACTOR = Actor(kind="staff", name="an", user_id=7)


@pytest.fixture
def audited(session: db.Session) -> db.Session:
    services.install(db.session_factory.class_)
    return session


def _campaign(session: db.Session) -> Campaign:
    area = AdminUnit(code="48", level="province", kind="thành phố", name="Đà Nẵng",
                     name_folded="da nang", valid_from=dt.date(2025, 7, 1))  # fmt: skip
    session.add(area)
    session.flush()
    campaign = Campaign(
        code="DN", name="Đợt 1", disease="COVID-19", area_id=area.id, starts_on=dt.date(2026, 8, 1)
    )
    session.add(campaign)
    session.flush()
    return campaign


def _events(session: db.Session, action: str) -> list[AuditEvent]:
    found = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == action))
    return [event for event in found if event.table_name == "campaigns"]


def test_a_change_keeps_before_and_after(audited: db.Session) -> None:
    with db.transaction(ACTOR) as session:
        campaign = _campaign(session)
        campaign.name = "Đợt một"
    (created,) = _events(audited, "create")
    (changed,) = _events(audited, "change")
    assert created.change["name"] == [None, "Đợt 1"]
    assert changed.change == {"name": ["Đợt 1", "Đợt một"]}
    assert (changed.actor_name, changed.actor_user_id) == ("an", 7)
    assert changed.row_key == str(campaign.id)


def test_a_bulk_statement_is_one_named_event(audited: db.Session) -> None:
    with db.transaction(ACTOR) as session:
        _campaign(session)
        session.execute(
            sa.update(Campaign).values(status="open").execution_options(audit="campaigns.open")
        )
        session.execute(sa.delete(Campaign))
    (opened,) = _events(audited, "campaigns.open")
    (deleted,) = _events(audited, "bulk delete")
    assert (opened.row_count, deleted.row_count) == (1, 1)


def test_what_was_rolled_back_leaves_no_trail(audited: db.Session) -> None:
    def fail() -> None:
        with db.transaction(ACTOR) as session:
            _campaign(session)
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    assert _events(audited, "create") == []


def test_the_trail_is_append_only(audited: db.Session) -> None:
    with db.transaction(ACTOR) as session:
        _campaign(session)
    (event,) = _events(audited, "create")
    event.actor_name = "binh"
    with pytest.raises(RuntimeError, match="append-only"):
        audited.flush()
    audited.rollback()


def test_secrets_are_never_written_down() -> None:
    assert rules.shown("password", "hidden") == "•••"
    assert rules.shown("token_sha256", "abc") == "•••"
    assert rules.shown("full_name", "An") == "An"


def test_many_events_are_stored_as_one_is(audited: db.Session) -> None:
    def event(action: str, key: int) -> dict[str, Any]:
        made = services.event_of(
            ACTOR,
            action,
            "people",
            str(key),
            change={"full_name": ["Mai", "Mại"], "version": [1, 2]},
            purpose="một",
            subject=f"people/{key}",
        )
        return made | {"first_key": key}

    with db.transaction(ACTOR) as session:
        for key in range(12):
            services.write(session, [event("alone", key)])
        services.write(session, [event("together", key) for key in range(12)])

    def stored(action: str) -> list[tuple[object, ...]]:
        found = audited.scalars(
            sa.select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)
        )
        columns = [c.name for c in AuditEvent.__table__.columns]
        kept = [n for n in columns if n not in {"id", "at", "action", "personal"}]
        return [
            (*(getattr(e, n) for n in kept), e.shown_change, e.at.tzinfo, bool(e.personal))
            for e in found
        ]

    assert stored("together") == stored("alone")
    assert len(stored("together")) == 12
