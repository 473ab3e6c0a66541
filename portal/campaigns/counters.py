"""Hourly counts: changed here alone, in the transaction of the fact they count."""

import datetime as dt
from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from portal.campaigns.models import HourlyCount

# campaign id, site id, hour (see `hour_of`), measure
Key = tuple[int, int, dt.datetime, str]

# Four values a row, below the lowest limit of both databases (SQLite: 32,766 values).
_ROWS_A_STATEMENT = 5000


class Measure(StrEnum):
    """What is counted. The hour of a count is that of the fact itself."""

    PEOPLE_REGISTERED = "people_registered"
    PEOPLE_SCANNED = "people_scanned"
    PEOPLE_TYPED = "people_typed"
    PEOPLE_WITHDRAWN = "people_withdrawn"
    PEOPLE_RESULTED = "people_resulted"
    PEOPLE_SUSPECT = "people_suspect"
    PEOPLE_CONFIRMED = "people_confirmed"
    PEOPLE_RETESTED = "people_retested"
    TUBES_REGISTERED = "tubes_registered"
    TUBES_RECEIVED = "tubes_received"
    TUBES_RESULTED = "tubes_resulted"
    TUBES_POSITIVE = "tubes_positive"
    TUBES_REJECTED = "tubes_rejected"
    RAPID_READ = "rapid_read"
    RAPID_RELEASED = "rapid_released"
    RAPID_POSITIVE = "rapid_positive"


def hour_of(instant: dt.datetime) -> dt.datetime:
    """The hour, in UTC, in which an instant is counted. A Vietnamese hour begins with it too."""
    return instant.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)


def add(session: Session, deltas: Mapping[Key, int]) -> None:
    """Adds each delta to its count, making the count where there is none.

    Part of the caller's transaction. Rows are written in the order of their keys, so that two
    transactions that count the same things wait for each other and never block for good.
    """
    rows = iter(sorted((key, delta) for key, delta in deltas.items() if delta))
    while batch := list(islice(rows, _ROWS_A_STATEMENT)):
        session.execute(_upsert(session, batch))


def _upsert(session: Session, rows: Iterable[tuple[Key, int]]) -> sa.Executable:
    values = [
        {"campaign_id": campaign, "site_id": site, "hour": hour, "measure": str(what), "count": n}
        for (campaign, site, hour, what), n in rows
    ]
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    statement = (
        sqlite.insert(HourlyCount).values(values)
        if is_sqlite
        else postgresql.insert(HourlyCount).values(values)
    )
    return statement.on_conflict_do_update(
        index_elements=["campaign_id", "site_id", "hour", "measure"],
        set_={"count": HourlyCount.count + statement.excluded.count},
    )
