"""What follows for people: states, findings, counters. Findings are closed here, with a reason."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.campaigns import counters
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.pools import queries, rules, suggestions
from portal.pools.matching import (
    Found,
    Judgement,
    day_of,
    judge,
    name_causes,
    policy_of,
    policy_on,
)
from portal.pools.models import Finding, RetestVisit
from portal.pools.queries import Neighbourhood
from portal.pools.rules import PersonState, Visit
from portal.samples.bulk import among
from portal.samples.models import Sample

S = Sample.__table__
F = Finding.__table__

# A person's rows change together: state, reason, deadline, urgency.
Change = tuple[str, str, dt.datetime | None, bool]

DEFAULT_RETEST_HOURS = 24


@dataclass(slots=True)
class Settlement:
    """What matching changed.

    Attributes:
        tubes: (state, reason) of every tube around, for the results' own status.
        changed: how many samples stand in which state now, changed ones only.
        urgent: samples of people who had been told "negative" and are no longer.
        opened: findings noted for the first time, by code.
    """

    tubes: dict[int, tuple[str, str]] = field(default_factory=dict)
    changed: Counter[str] = field(default_factory=Counter)
    urgent: list[int] = field(default_factory=list)
    opened: Counter[str] = field(default_factory=Counter)


def settle(
    session: Session,
    around: Neighbourhood,
    results: Sequence[Any],
    *,
    at: dt.datetime,
    causes: Mapping[int, str] | None = None,
) -> Settlement:
    """Computes and stores what these samples and tubes say now; the same facts change nothing.

    Args:
        session: of the caller's transaction.
        around: from `queries.neighbourhood`.
        results: verified results of these tubes (`portal.results.queries.results_of`).
        at: the instant of the release or event that made this necessary.
        causes: reasons to store, by tube, where a single test of that tube asks for another
            sample (a positive rapid test is a reason of its own).
    """
    settlement = Settlement()
    noted = queries.findings_of(session, sorted(around.tubes))
    policies = queries.policies(session, {row.campaign_id for row in around.tubes.values()})
    for part, policy in _parts(around, policies):
        tube_ids = part.tubes.keys()
        judged = judge(
            part,
            [row for row in results if row.tube_id in tube_ids],
            [row for row in noted if row.status == "closed" and row.tube_id in tube_ids],
            policy_of(policy),
            at=at,
        )
        if causes:
            name_causes(part, judged, causes)
        settlement.tubes |= judged.tubes
        hours = policy.retest_deadline_hours if policy else DEFAULT_RETEST_HOURS
        _write_states(session, part, judged, at, hours, settlement)
        _note_findings(session, part, judged.findings, noted, at, settlement)
    return settlement


def _parts(
    around: Neighbourhood, policies: Mapping[tuple[int, str], list[Any]]
) -> Iterable[tuple[Neighbourhood, Any | None]]:
    """The neighbourhood split by campaign, each with the rule of its newest day of collection."""
    for campaign_id in sorted({row.campaign_id for row in around.tubes.values()}):
        tubes = {key: row for key, row in around.tubes.items() if row.campaign_id == campaign_id}
        samples = {key: row for key, row in around.samples.items() if row.tube_id in tubes}
        newest = max(tubes.values(), key=lambda row: row.opened)
        dated = policies.get((campaign_id, newest.method), [])
        mixes = {key: pools for key, pools in around.mixes.items() if key in tubes}
        parents = {key: pool for key, pool in around.parents.items() if key in tubes}
        yield Neighbourhood(samples, tubes, mixes, parents), policy_on(dated, day_of(newest))


def _write_states(
    session: Session,
    part: Neighbourhood,
    judged: Judgement,
    at: dt.datetime,
    hours: int,
    settlement: Settlement,
) -> None:
    due = [key for key, (state, _reason) in judged.samples.items() if state == "RETEST_DUE"]
    due += [key for key, (state, _reason) in judged.samples.items() if state == "SUSPECT_POOL"]
    visits = queries.last_visits(session, due)
    # Keyed by identity: `rules.move` gives the same object for the same change, and hashing a
    # verdict or an instant for each of a hundred thousand samples would take most of the time.
    moves: dict[int, rules.Move] = {}
    groups: dict[int, list[int]] = defaultdict(list)
    tally: Counter[tuple[int, int, int]] = Counter()
    for key, (state, reason) in judged.samples.items():
        row = part.samples[key]
        move = rules.move(row.state, row.state_reason, state, reason, visits.get(key))
        if move is None or row.is_withdrawn:
            continue
        number = id(move)
        moves[number] = move
        groups[number].append(key)
        if row.retest_of_id is None:
            tally[row.campaign_id, row.site_id, number] += 1
    for number, ids in groups.items():
        move = moves[number]
        after = move.after
        settlement.changed[after.state] += len(ids)
        if move.is_urgent:
            settlement.urgent += ids
        deadline = rules.retest_due_at(after, at, hours)
        _update_states(session, ids, (after.state, after.reason, deadline, move.is_urgent), at)
    deltas: Counter[counters.Key] = Counter()
    hour = counters.hour_of(at)
    for (campaign_id, site_id, number), count in tally.items():
        for measure, step in moves[number].counts:
            deltas[campaign_id, site_id, hour, measure] += step * count
    counters.add(session, deltas)


def _update_states(session: Session, ids: list[int], change: Change, at: dt.datetime) -> None:
    state, reason, deadline, is_urgent = change
    values: dict[str, Any] = {
        "state": state,
        "state_reason": reason,
        "retest_due_at": deadline,
        "is_urgent": is_urgent,
        "released_at": at if state in rules.FINAL else None,
        "version": S.c.version + 1,
    }
    if state in rules.TO_SAMPLE_AGAIN:
        # A deadline once set does not move because something else around was released.
        values["retest_due_at"] = sa.func.coalesce(S.c.retest_due_at, deadline)
        values["is_urgent"] = sa.or_(S.c.is_urgent, sa.literal(is_urgent))
    session.execute(
        sa.update(S)
        .where(among(session, S.c.id, ids))
        .values(values)
        .execution_options(audit=f"samples.{state}")
    )


def _note_findings(
    session: Session,
    part: Neighbourhood,
    found: Sequence[Found],
    noted: Sequence[Any],
    at: dt.datetime,
    settlement: Settlement,
) -> None:
    known = {
        (row.code, row.tube_id, row.sample_id): row
        for row in noted
        if row.tube_id in part.tubes and row.status in {"open", "closed"}
    }
    standing = {(item.code, item.tube_id, item.sample_id): item for item in found}
    rows = []
    for key, item in standing.items():
        row = known.get(key)
        if row is None:
            rows.append(_finding_row(part, item, at))
            settlement.opened[item.code] += 1
        elif row.status == "open" and row.is_blocking != item.is_blocking:
            session.execute(
                sa.update(F).where(F.c.id == row.id).values(is_blocking=item.is_blocking)
            )
    if rows:
        session.execute(sa.insert(F), rows)
    gone = [
        row.id
        for key, row in known.items()
        if row.status == "open" and key not in standing and row.code not in {"F1", "F8", "F14"}
    ]
    if gone:
        session.execute(
            sa.update(F).where(among(session, F.c.id, gone)).values(status="gone", closed_at=at)
        )


def _finding_row(part: Neighbourhood, item: Found, at: dt.datetime) -> dict[str, Any]:
    tube = part.tubes.get(item.tube_id or 0)
    sample = part.samples.get(item.sample_id or 0)
    return {
        "code": item.code,
        "is_blocking": item.is_blocking,
        "campaign_id": tube.campaign_id if tube else sample.campaign_id if sample else None,
        "site_id": tube.site_id if tube else sample.site_id if sample else None,
        "laboratory_id": tube.laboratory_id if tube else None,
        "tube_id": item.tube_id,
        "sample_id": item.sample_id,
        "detail": {"note": item.detail},
        "status": "open",
        "found_at": at,
    }


def note_unknown_tubes(
    session: Session, codes: Sequence[str], laboratory_id: int, run_code: str
) -> None:
    """Notes finding F1 for codes that a laboratory read and nobody registered."""
    rows = [
        {
            "code": "F1",
            "is_blocking": True,
            "laboratory_id": laboratory_id,
            "detail": {
                "tube_code": code,
                "run": run_code,
                "similar": suggestions.similar_codes(session, code, laboratory_id),
            },
            "status": "open",
            "found_at": clock.now(),
        }
        for code in codes
    ]
    if rows:
        session.execute(sa.insert(F), rows)


def get_finding(session: Session, actor: Actor, finding_id: int) -> Finding:
    """The finding, for whoever's site or laboratory it concerns.

    Raises:
        NotFound: there is none, or not for this actor.
    """
    finding = session.get(Finding, finding_id, with_for_update=True, populate_existing=True)
    scope = actor.scope
    if finding is None or not (
        scope.covers_site(finding.site_id) or scope.covers_site(finding.laboratory_id)
    ):
        raise NotFound(_("There is no such finding."))
    return finding


def close_finding(session: Session, actor: Actor, *, finding_id: int, reason: str) -> Finding:
    """Closes a finding; the caller then matches its tube anew.

    Raises:
        Invalid: no reason.
        Forbidden: a role that may not close this kind.
        Conflict: it is closed already.
    """
    finding = get_finding(session, actor, finding_id)
    if not rules.may_close(finding.code, actor.roles):
        raise Forbidden(_("Your role may not close finding %(code)s.", code=finding.code))
    if finding.status != "open":
        raise Conflict(_("The finding was already closed."))
    if not reason.strip():
        raise Invalid(_("Every closing needs a reason."))
    finding.status = "closed"
    finding.closed_at = clock.now()
    finding.closed_by_id = actor.user_id
    finding.closing_reason = reason.strip()[:200]
    session.flush()
    return finding


def note_visit(
    session: Session, actor: Actor, *, sample_id: int, outcome: Visit, note: str = ""
) -> RetestVisit:
    """Notes what the team met at the person's door; the caller then matches the tube anew.

    Raises:
        NotFound: no such sample in the actor's scope.
        Conflict: nobody waits for a retest of this sample.
    """
    sample = session.get(Sample, sample_id, with_for_update=True, populate_existing=True)
    if sample is None or not actor.scope.covers_site(sample.site_id):
        raise NotFound(_("There is no such sample."))
    waits = sample.state in {*rules.TO_SAMPLE_AGAIN, PersonState.UNRESOLVED}
    if not waits or sample.withdrawn_at is not None:
        raise Conflict(_("This person does not wait for a retest."))
    visit = RetestVisit(
        sample_id=sample_id,
        outcome=outcome,
        note=note.strip()[:160],
        at=clock.now(),
        actor_user_id=actor.user_id,
    )
    session.add(visit)
    session.flush()
    return visit
