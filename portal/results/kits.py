"""Lots of rapid test kits, and the tests of a session that still ask for something."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, aliased

from portal import clock
from portal.actors import Actor
from portal.campaigns.models import CollectionSession
from portal.errors import Conflict, Invalid
from portal.people.models import Person
from portal.results.models import AntigenRead, KitLot
from portal.samples.models import Sample, Tube

LONGEST_WAIT = 120
MOST_SHOWN = 400


def add_lot(
    session: Session,
    actor: Actor,
    *,
    kit_name: str,
    lot_number: str,
    expires_on: dt.date | None,
    reading_minutes: int = 15,
    latest_minutes: int = 30,
) -> KitLot:
    """Registers a lot, so that stations offer it.

    Raises:
        Invalid: every problem at once.
        Conflict: the lot is registered already.
    """
    del actor
    kit_name, lot_number = " ".join(kit_name.split()), "".join(lot_number.split())
    problems = []
    if not kit_name or not lot_number:
        problems.append(_("A lot needs the name of the kit and the lot number."))
    if expires_on is None:
        problems.append(_("Write the last day on which the lot may be used."))
    elif expires_on < clock.today():
        problems.append(_("The lot has expired: it can not be used any more."))
    if not 1 <= reading_minutes <= latest_minutes <= LONGEST_WAIT:
        problems.append(_("Minutes must satisfy 1 ≤ read after ≤ read until ≤ 120."))
    if problems:
        raise Invalid(problems[0], code="kits.invalid", details=problems)
    known = sa.select(KitLot.id).where(KitLot.kit_name == kit_name, KitLot.lot_number == lot_number)
    if session.scalar(known) is not None:
        raise Conflict(_("This lot is registered already."), code="kits.known")
    lot = KitLot(
        kit_name=kit_name,
        lot_number=lot_number,
        expires_on=expires_on,
        reading_minutes=reading_minutes,
        latest_minutes=latest_minutes,
        created_at=clock.now(),
    )
    session.add(lot)
    session.flush()
    return lot


def withdraw_lot(session: Session, actor: Actor, lot: KitLot, reason: str) -> None:
    """Recalls a lot: readings from now on are refused, released results stand.

    Raises:
        Conflict: it was withdrawn before.
    """
    del session, actor
    if lot.withdrawn_at is not None:
        raise Conflict(_("The lot was already withdrawn."))
    lot.withdrawn_at = clock.now()
    lot.withdrawal_reason = reason.strip()[:160]
    lot.version += 1


def usable_lots(session: Session, on: dt.date) -> list[KitLot]:
    """Lots that may be used on a day, the one that expires first on top."""
    return list(
        session.scalars(
            sa.select(KitLot)
            .where(KitLot.expires_on >= on, KitLot.withdrawn_at.is_(None))
            .order_by(KitLot.expires_on, KitLot.id)
            .limit(50)
        )
    )


def open_tests(session: Session, actor: Actor, sitting: CollectionSession) -> list[dict[str, Any]]:
    """Rapid tests of a session without an end: to read, to confirm, or to follow by RT-PCR.

    As the station shows them; the reader's own readings are told apart, for they need somebody
    else. The first outcome is told to whoever confirms: the second reading is of the same strip.
    """
    actor.scope.require_site(sitting.site_id)
    later = aliased(Sample)
    followed = sa.select(later.retest_of_id).where(
        later.campaign_id == sitting.campaign_id,
        later.site_id == sitting.site_id,
        later.retest_of_id == Sample.id,
        later.withdrawn_at.is_(None),
    )
    rows = session.execute(
        sa.select(
            Sample.uid,
            Sample.result_code,
            Sample.collected_at,
            Sample.state,
            Tube.code,
            Person.full_name,
            Person.birth_year,
            AntigenRead.outcome,
            AntigenRead.read_by_id,
            AntigenRead.read_at,
            AntigenRead.released_at,
            AntigenRead.kit_name,
            AntigenRead.kit_lot,
        )
        .select_from(Sample)
        .join(Tube, Tube.id == Sample.tube_id)
        .join(Person, Person.id == Sample.person_id)
        .outerjoin(AntigenRead, AntigenRead.sample_id == Sample.id)
        .where(
            Sample.collection_session_id == sitting.id,
            Sample.withdrawn_at.is_(None),
            sa.or_(
                AntigenRead.released_at.is_(None),
                sa.and_(
                    AntigenRead.outcome != "negative",
                    Sample.state == "RETEST_DUE",
                    Sample.id.not_in(followed),
                ),
            ),
        )
        .order_by(Sample.collected_at, Sample.id)
        .limit(MOST_SHOWN)
    ).all()
    return [
        {
            "sampleId": str(row.uid),
            "resultCode": row.result_code,
            "tube": row.code,
            "name": row.full_name,
            "year": row.birth_year,
            "startedAt": _millis(row.collected_at),
            "outcome": row.outcome or "",
            "isMine": row.read_by_id is not None and row.read_by_id == actor.user_id,
            "isReleased": row.released_at is not None,
            "kit": [row.kit_name or "", row.kit_lot or ""],
        }
        for row in rows
    ]


def _millis(instant: dt.datetime) -> int:
    return int(instant.timestamp() * 1000)
