"""Tubes on their way: hand-over, receipt, refusal. Bulk, and the same call twice changes nothing.

Registration of samples at the point is in `portal.samples.registration`.
"""

import datetime as dt
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.campaigns import counters
from portal.campaigns.counters import Measure
from portal.db import across_sites
from portal.errors import Conflict, Invalid, NotFound
from portal.samples import queries, rules
from portal.samples.bulk import among, insert_rows, update_rows
from portal.samples.models import CustodyEvent, SampleBox
from portal.samples.rules import Rejection, TubeStatus

MOST_SWABS = 100
_BOX_SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class ScannedTube:
    """A tube as the laboratory door sees it.

    Attributes:
        code: as scanned.
        counted_swabs: what was found in it; None if nobody counted.
        accession_number: the laboratory's own; empty: the next one is given.
    """

    code: str
    counted_swabs: int | None = None
    accession_number: str = ""


@dataclass(slots=True)
class ReceiptReport:
    """What became of the scanned tubes: keys of tubes, and codes where there is no tube.

    `refused` holds the codes whose tube can no longer be received, with its status; `miscounted`
    the tubes whose counted swabs are not the samples registered (finding F4).
    """

    received: list[int] = field(default_factory=list)
    recounted: list[int] = field(default_factory=list)
    already: list[int] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    miscounted: list[int] = field(default_factory=list)

    @property
    def changed(self) -> list[int]:
        """The tubes of which something new is known."""
        return self.received + self.recounted


@across_sites("a laboratory takes in tubes of every site")
def receive(
    session: Session,
    actor: Actor,
    *,
    laboratory_id: int,
    tubes: Sequence[ScannedTube],
    received_at: dt.datetime | None = None,
) -> ReceiptReport:
    """Takes tubes in at a laboratory: accession number, counted swabs, custody, counters.

    Raises:
        Invalid: a code twice in the list, a count out of range; all of them at once.
        NotFound: a laboratory outside the actor's scope.
    """
    actor.scope.require_site(laboratory_id)
    now = clock.now()
    at = received_at or now
    scanned = {rules.clean_code(tube.code): tube for tube in tubes}
    _check_scanned(tubes)
    known = queries.tubes_by_code(session, list(scanned), for_update=True)
    report = ReceiptReport(unknown=[code for code in scanned if code not in known])
    fresh: list[tuple[Any, ScannedTube]] = []
    recounts: list[dict[str, Any]] = []
    for code, row in known.items():
        tube = scanned[code]
        if rules.may_become(row.status, TubeStatus.RECEIVED):
            fresh.append((row, tube))
            report.received.append(row.id)
        elif (
            row.status in {TubeStatus.RECEIVED, TubeStatus.IN_TEST}
            and row.laboratory_id == laboratory_id
        ):
            if tube.counted_swabs is not None and tube.counted_swabs != row.counted_swabs:
                recounts.append({"id": row.id, "counted_swabs": tube.counted_swabs})
                report.recounted.append(row.id)
            else:
                report.already.append(row.id)
        elif row.laboratory_id == laboratory_id and row.received_at is not None:
            report.already.append(row.id)
        else:
            report.refused[code] = row.status
        if tube.counted_swabs is not None and tube.counted_swabs != row.sample_count:
            report.miscounted.append(row.id)
    _write_receipt(session, laboratory_id, fresh, at)
    update_rows(session, queries.TUBES, recounts, audit="tubes.recount")
    note_custody(session, actor, report.received, "received", at, laboratory_id)
    counters.add(
        session, count_tubes((row for row, _tube in fresh), at, {Measure.TUBES_RECEIVED: 1})
    )
    return report


def _check_scanned(tubes: Sequence[ScannedTube]) -> None:
    problems = [
        _("Code %(code)s stands twice in the list.", code=code)
        for code in rules.repeated(rules.clean_code(tube.code) for tube in tubes)
    ]
    problems += [
        _("Code %(code)s: the count must lie between 0 and %(most)s.", code=tube.code, most=100)
        for tube in tubes
        if tube.counted_swabs is not None and not 0 <= tube.counted_swabs <= MOST_SWABS
    ]
    if any(not rules.clean_code(tube.code) for tube in tubes):
        problems.append(_("A code is empty."))
    if problems:
        raise Invalid(_("Nothing was received."), details=problems)


def _write_receipt(
    session: Session,
    laboratory_id: int,
    fresh: Sequence[tuple[Any, ScannedTube]],
    at: dt.datetime,
) -> None:
    if not fresh:
        return
    prefix = f"{clock.local(at):%y%m%d}-"
    number = queries.last_accession(session, laboratory_id, prefix)
    rows = []
    for row, tube in sorted(fresh, key=lambda pair: pair[0].code):
        accession = tube.accession_number.strip()
        if not accession:
            number += 1
            accession = f"{prefix}{number:04d}"
        rows.append(
            {
                "id": row.id,
                "status": TubeStatus.RECEIVED,
                "received_at": at,
                "laboratory_id": laboratory_id,
                "counted_swabs": tube.counted_swabs,
                "accession_number": accession,
            }
        )
    update_rows(session, queries.TUBES, rows, audit="tubes.receive")


def note_custody(
    session: Session,
    actor: Actor,
    tube_ids: Iterable[int],
    kind: str,
    at: dt.datetime,
    site_id: int | None,
    note: str = "",
) -> None:
    """Appends one custody event a tube."""
    event = {
        "kind": kind,
        "at": at,
        "site_id": site_id,
        "actor_user_id": actor.user_id,
        "note": note,
    }
    rows = [{"tube_id": tube_id, **event} for tube_id in tube_ids]
    if rows:
        insert_rows(session, CustodyEvent.__table__, rows, audit=f"custody.{kind}")


def count_tubes(
    tubes: Iterable[Any], at: dt.datetime, measures: Mapping[Measure, int]
) -> dict[counters.Key, int]:
    """The counter deltas of tubes, at their collection sites."""
    hour = counters.hour_of(at)
    places = Counter((tube.campaign_id, tube.site_id) for tube in tubes)
    return {
        (campaign_id, site_id, hour, measure): count * step
        for (campaign_id, site_id), count in places.items()
        for measure, step in measures.items()
    }


@across_sites("a laboratory refuses tubes of every site")
def reject(
    session: Session,
    actor: Actor,
    *,
    laboratory_id: int,
    codes: Sequence[str],
    reason: Rejection,
    note: str = "",
    at: dt.datetime | None = None,
) -> list[int]:
    """Refuses tubes; gives their keys. What follows for the people is for `portal.pools`.

    Raises:
        Invalid: unknown codes, or tubes that are past refusing; all of them at once.
        NotFound: a laboratory outside the actor's scope.
    """
    actor.scope.require_site(laboratory_id)
    at = at or clock.now()
    wanted = [rules.clean_code(code) for code in codes]
    known = queries.tubes_by_code(session, wanted, for_update=True)
    problems = []
    for code in wanted:
        row = known.get(code)
        if row is None:
            problems.append(_("Code %(code)s is not registered.", code=code))
        elif row.laboratory_id not in {None, laboratory_id}:
            problems.append(_("Tube %(code)s is at another laboratory.", code=code))
        elif not rules.may_become(row.status, TubeStatus.REJECTED):
            problems.append(_("Tube %(code)s can no longer be rejected.", code=code))
    if problems:
        raise Invalid(_("Nothing was rejected."), details=problems)
    tube_ids = [row.id for row in known.values()]
    session.execute(
        sa.update(queries.TUBES)
        .where(among(session, queries.TUBES.c.id, tube_ids))
        .values(
            status=TubeStatus.REJECTED,
            rejected_at=at,
            rejection_reason=reason,
            laboratory_id=laboratory_id,
            received_at=sa.func.coalesce(queries.TUBES.c.received_at, at),
            outcome=rules.Outcome.REJECTED,
            version=queries.TUBES.c.version + 1,
        )
        .execution_options(audit="tubes.reject")
    )
    note_custody(session, actor, tube_ids, "rejected", at, laboratory_id, note or str(reason))
    unseen = [row for row in known.values() if row.received_at is None]
    deltas = count_tubes(known.values(), at, {Measure.TUBES_REJECTED: 1})
    deltas |= count_tubes(unseen, at, {Measure.TUBES_RECEIVED: 1})
    counters.add(session, deltas)
    return tube_ids


@across_sites("a site hands its tubes to a laboratory")
def send_box(
    session: Session,
    actor: Actor,
    *,
    site_id: int,
    laboratory_id: int,
    codes: Sequence[str],
    temperature_celsius: float | None = None,
    sent_at: dt.datetime | None = None,
) -> SampleBox:
    """Packs sealed tubes of a site into a box for a laboratory, and sends it.

    Raises:
        Invalid: unknown codes, tubes of another site, tubes already sent; all of them at once.
        NotFound: a site outside the actor's scope.
    """
    actor.scope.require_site(site_id)
    at = sent_at or clock.now()
    wanted = [rules.clean_code(code) for code in codes]
    known = queries.tubes_by_code(session, wanted, for_update=True)
    problems = [
        _("Code %(code)s stands twice in the list.", code=code) for code in rules.repeated(wanted)
    ]
    for code in dict.fromkeys(wanted):
        row = known.get(code)
        if row is None or row.site_id != site_id:
            problems.append(_("Code %(code)s is not registered.", code=code))
        elif not rules.may_become(row.status, TubeStatus.SENT):
            problems.append(_("Tube %(code)s has already left.", code=code))
    if problems or not wanted:
        raise Invalid(_("The box was not sent."), details=problems or [_("The box is empty.")])
    tube_ids = [row.id for row in known.values()]
    session.execute(
        sa.update(queries.TUBES)
        .where(among(session, queries.TUBES.c.id, tube_ids))
        .values(
            status=TubeStatus.SENT,
            sent_at=at,
            laboratory_id=laboratory_id,
            version=queries.TUBES.c.version + 1,
        )
        .execution_options(audit="tubes.send")
    )
    note_custody(session, actor, tube_ids, "sent", at, site_id)
    box = SampleBox(
        code=f"H{clock.local(at):%y%m%d}{_box_number()}",
        site_id=site_id,
        laboratory_id=laboratory_id,
        tube_codes=sorted(known),
        sent_at=at,
        sent_by_id=actor.user_id,
        temperature_celsius=temperature_celsius,
    )
    session.add(box)
    session.flush()
    return box


def _box_number() -> str:
    return "".join(secrets.choice(_BOX_SYMBOLS) for _place in range(6))


def get_box(session: Session, actor: Actor, code: str) -> SampleBox:
    """The box with this code, for its sender or its laboratory.

    Raises:
        NotFound: there is none, or not for this actor.
    """
    box = queries.find_box(session, rules.clean_code(code))
    scope = actor.scope
    if box is None or not (scope.covers_site(box.site_id) or scope.covers_site(box.laboratory_id)):
        raise NotFound(_("There is no box with this code."))
    return box


def close_box(
    session: Session, actor: Actor, *, code: str, temperature_celsius: float | None = None
) -> SampleBox:
    """Ends the receipt of a box: from now on the paper with two signatures stands.

    Raises:
        Conflict: the box was closed before.
        NotFound: no such box for this laboratory.
    """
    box = get_box(session, actor, code)
    actor.scope.require_site(box.laboratory_id)
    if box.received_at is not None:
        raise Conflict(_("The box was already received."))
    box.received_at = clock.now()
    box.received_by_id = actor.user_id
    if temperature_celsius is not None:
        box.temperature_celsius = temperature_celsius
    session.flush()
    return box
