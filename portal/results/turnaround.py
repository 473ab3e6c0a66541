"""How long each step takes (R27): from the swab to the released result."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import polars as pl
import sqlalchemy as sa
from flask_babel import lazy_gettext
from sqlalchemy.orm import Session

from portal import clock
from portal.results.models import LabResult
from portal.samples.bulk import epoch
from portal.samples.models import Tube
from portal.sites.models import Site

MOST_TUBES = 20_000
DAYS = 7

# name → (from, to, what it is called)
STEPS = {
    "sealing": ("opened", "sealed", lazy_gettext("collecting, until the tube is sealed")),
    "way": ("sealed", "received", lazy_gettext("on the way to the laboratory")),
    "testing": ("received", "recorded", lazy_gettext("in the laboratory, until recorded")),
    "release": ("recorded", "resulted", lazy_gettext("until verified and released")),
    "whole": ("opened", "resulted", lazy_gettext("whole way, swab to result")),
}


@dataclass(frozen=True, slots=True)
class StepTime:
    """Hours of one step.

    Attributes:
        name: key of `STEPS`, or a site's name.
        count: tubes measured.
        median, ninth_tenth, longest: hours; the ninth tenth is what 90 % stay below.
    """

    name: str
    count: int
    median: float
    ninth_tenth: float
    longest: float


def measure(session: Session) -> tuple[list[StepTime], list[StepTime]]:
    """Step times of the last days, then the whole way by site, slowest first.

    Reads the newest `MOST_TUBES` tubes resulted within the scope of whoever asks.
    """
    since = clock.now() - dt.timedelta(days=DAYS)
    recorded_at = (
        sa.select(sa.func.min(LabResult.recorded_at))
        .where(LabResult.tube_id == Tube.id)
        .correlate(Tube)
        .scalar_subquery()
    )
    instants: dict[str, Any] = {
        "opened": Tube.opened_at,
        "sealed": Tube.sealed_at,
        "received": Tube.received_at,
        "recorded": recorded_at,
        "resulted": Tube.resulted_at,
    }
    columns = [epoch(session, column).label(name) for name, column in instants.items()]
    rows = session.execute(
        sa.select(Site.name, *columns)
        .select_from(Tube)
        .join(Site, Site.id == Tube.site_id)
        .where(Tube.resulted_at >= since)
        .order_by(Tube.id.desc())
        .limit(MOST_TUBES)
    ).all()
    schema = {"site": pl.String} | {column.name: pl.Int64 for column in columns}
    frame = pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")
    return _by_step(frame), _by_site(frame)


def _hours(first: str, last: str) -> pl.Expr:
    return (pl.col(last) - pl.col(first)) / 3600


def _by_step(frame: pl.DataFrame) -> list[StepTime]:
    found = []
    for name, (first, last, _label) in STEPS.items():
        hours = frame.select(_hours(first, last).alias("h")).drop_nulls()["h"]
        if len(hours):
            found.append(_summed(name, hours))
    return found


def _by_site(frame: pl.DataFrame) -> list[StepTime]:
    found = []
    for (site,), part in frame.group_by("site"):
        hours = part.select(_hours("opened", "resulted").alias("h")).drop_nulls()["h"]
        if len(hours):
            found.append(_summed(str(site), hours))
    return sorted(found, key=lambda row: -row.median)


def _summed(name: str, hours: pl.Series) -> StepTime:
    return StepTime(
        name,
        len(hours),
        float(hours.quantile(0.5) or 0),
        float(hours.quantile(0.9) or 0),
        float(hours.max() or 0),  # type: ignore[arg-type]
    )
