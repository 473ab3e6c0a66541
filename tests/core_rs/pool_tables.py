"""Small pools as tables: people by letters, hours from one start."""

from datetime import UTC, datetime, timedelta

import polars as pl

START = datetime(2026, 1, 1, tzinfo=UTC)
INSTANT = pl.Datetime("us", "UTC")
MEMBERS = {
    "person_id": pl.String,
    "tube_code": pl.String,
    "added_at": INSTANT,
    "collected_at": INSTANT,
    "withdrawn": pl.Boolean,
    "is_symptomatic": pl.Boolean,
    "contact_class": pl.String,
    "specimen_type": pl.String,
    "retest_of": pl.String,
    "identity": pl.String,
}
RESULTS = {
    "tube_code": pl.String,
    "result_id": pl.String,
    "amends_id": pl.String,
    "version": pl.Int64,
    "run": pl.Int64,
    "outcome": pl.String,
    "recorded_at": INSTANT,
    "ct_value": pl.Float64,
}
TUBES = {
    "tube_code": pl.String,
    "parent_code": pl.String,
    "pool_kind": pl.String,
    "planned_size": pl.Int64,
    "counted_swabs": pl.Int64,
    "sealed_at": INSTANT,
    "sent_at": INSTANT,
    "received_at": INSTANT,
    "is_lost": pl.Boolean,
    "is_rejected": pl.Boolean,
    "is_used_up": pl.Boolean,
    "team": pl.String,
}


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def tube(code: str, people: str, hours: float = 1, **extra: object) -> list[dict[str, object]]:
    """Members of one tube; `people` are single letters."""
    when = at(hours)
    return [
        {"person_id": p, "tube_code": code, "added_at": when, "collected_at": when, **extra}
        for p in people
    ]


def result(code: str, outcome: str, hours: float = 10, **extra: object) -> dict[str, object]:
    return {"tube_code": code, "outcome": outcome, "recorded_at": at(hours), **extra}


def frame(rows: list[dict[str, object]], schema: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema)
