"""Hands a neighbourhood to `core_rs.match_pools` and takes its answer apart. Pure."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

import core_rs
from portal import clock
from portal.pools.queries import Neighbourhood

# Close contacts are tested singly (formats.md 3: no symptomatic person and no F1 in a pool).
SINGLE_GROUPS = ["f1"]

# A neighbourhood says nothing about shares (F14), and what is overdue (F8) or planned (F9) are
# lists of their own: the matcher's word on these is left aside here.
ELSEWHERE = frozenset({"F8", "F9", "F14"})

_SECONDS = pl.Int64
_INSTANT = pl.Datetime("ms", "UTC")


@dataclass(frozen=True, slots=True)
class Found:
    """A contradiction as the matcher found it."""

    code: str
    is_blocking: bool
    tube_id: int | None
    sample_id: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """The matcher's answer.

    Attributes:
        samples: (state, reason) by sample.
        tubes: (state, reason) of a member on time, by tube.
        urgent_tubes: tubes that were negative and are positive now.
        findings: contradictions that stand.
    """

    samples: dict[int, tuple[str, str]]
    tubes: dict[int, tuple[str, str]]
    urgent_tubes: frozenset[int]
    findings: list[Found]


def policy_of(policy: Any | None) -> core_rs.PoolPolicy:
    """A campaign's dated policy row as the matcher's rules; its defaults where there is none."""
    if policy is None:
        return core_rs.PoolPolicy(single_contact_classes=SINGLE_GROUPS)
    return core_rs.PoolPolicy(
        max_size=policy.max_size,
        validated_size=policy.max_size,
        result_hours=float(policy.result_deadline_hours),
        pool_symptomatic=policy.allows_symptomatic,
        single_contact_classes=SINGLE_GROUPS,
    )


def policy_on(policies: Sequence[Any], day: dt.date) -> Any | None:
    """The policy row in force on a day; None before the first."""
    return next((row for row in reversed(policies) if row.valid_from <= day), None)


def day_of(tube: Any) -> dt.date:
    """The local day on which a tube was opened."""
    return clock.local(dt.datetime.fromtimestamp(tube.opened, dt.UTC)).date()


def judge(
    around: Neighbourhood,
    results: Iterable[Any],
    closed: Iterable[Any],
    policy: core_rs.PoolPolicy,
    *,
    at: dt.datetime,
) -> Judgement:
    """What matching says about every sample and tube around.

    Args:
        around: samples and tubes.
        results: rows of (id, tube_id, test_number, version, outcome, best_ct, recorded).
        closed: findings that somebody closed, rows of (code, tube_id, sample_id).
        policy: the rules.
        at: now, for what is overdue.
    """
    # A withdrawn sample keeps the state its withdrawal gave it, and the same person may have been
    # scanned again into the same tube.
    samples = [row for row in around.samples.values() if not row.is_withdrawn]
    if not samples:
        return Judgement({}, {}, frozenset(), [])
    results = list(results)
    tested = {row.tube_id for row in results}
    matched = core_rs.match_pools(
        _members(samples, around),
        _results(results, around.tubes),
        policy,
        tubes=_tubes(around),
        closings=_closings(closed, around),
        as_of=at,
    )
    members = pl.DataFrame(matched.members)
    verdicts = [
        _kept(row, state, around, tested)
        for row, state in zip(samples, members.select("state", "reason").rows(), strict=True)
    ]
    tube_ids = {row.code: row.id for row in around.tubes.values()}
    tubes = pl.DataFrame(matched.tubes)
    tube_rows = tubes.select("tube_code", "state", "reason", "is_turned_positive").rows()
    return Judgement(
        samples={
            row.id: (state, reason or "")
            for row, (state, reason) in zip(samples, verdicts, strict=True)
        },
        tubes={tube_ids[code]: (state, reason or "") for code, state, reason, _turned in tube_rows},
        urgent_tubes=frozenset(tube_ids[code] for code, _s, _r, turned in tube_rows if turned),
        findings=_found(pl.DataFrame(matched.findings), samples, tube_ids),
    )


def name_causes(around: Neighbourhood, judged: Judgement, causes: Mapping[int, str]) -> None:
    """Puts the cause of a tube in place of the matcher's «a single test said nothing valid».

    Of all the samples of a person, for they share one state; the last tube's cause counts.
    """
    of_person = {
        row.person_id: causes[row.tube_id]
        for row in sorted(around.samples.values(), key=lambda row: row.id)
        if row.tube_id in causes and not row.is_withdrawn
    }
    for key, (state, reason) in judged.samples.items():
        cause = of_person.get(around.samples[key].person_id)
        if cause is not None and reason == "single_invalid":
            judged.samples[key] = (state, cause)


def _kept(
    row: Any, verdict: tuple[str, str | None], around: Neighbourhood, tested: set[int]
) -> tuple[str, str | None]:
    """The verdict of one sample, of which the single tube may be kept in the laboratory.

    A suspect by a laboratory pool is tested again there: the retest runs, and no team has to go.
    """
    is_kept = row.tube_id in around.parents and row.tube_id not in tested
    if is_kept and verdict[0] == "SUSPECT_POOL":
        return "RETEST_RUNNING", verdict[1]
    return verdict


def _found(
    findings: pl.DataFrame, samples: Sequence[Any], tube_ids: Mapping[str, int]
) -> list[Found]:
    return [
        Found(
            code=row["code"],
            is_blocking=row["is_blocking"],
            tube_id=tube_ids[row["tube_code"]] if row["tube_code"] else None,
            sample_id=samples[row["row"]].id if row["row"] is not None else None,
            detail=row["detail"] or "",
        )
        for row in findings.iter_rows(named=True)
        if row["code"] not in ELSEWHERE
    ]


def _instants(*names: str) -> list[pl.Expr]:
    return [(pl.col(name) * 1000).cast(_INSTANT).alias(f"{name}_at") for name in names]


def _members(samples: Sequence[Any], around: Neighbourhood) -> pl.DataFrame:
    by_id = around.samples
    codes = {row.id: row.code for row in around.tubes.values()}

    def retested_tube(row: Any) -> str | None:
        first = by_id.get(row.retest_of_id) if row.retest_of_id is not None else None
        return codes[first.tube_id] if first is not None else None

    rows = [
        (
            row.person_id,
            codes[row.tube_id],
            row.added,
            row.collected,
            bool(row.is_withdrawn),
            bool(row.is_symptomatic),
            row.subject_group.lower(),
            retested_tube(row),
        )
        for row in samples
    ]
    frame = pl.DataFrame(
        rows,
        schema={
            "person_id": pl.Int64,
            "tube_code": pl.String,
            "added": _SECONDS,
            "collected": _SECONDS,
            "withdrawn": pl.Boolean,
            "is_symptomatic": pl.Boolean,
            "contact_class": pl.String,
            "retest_of": pl.String,
        },
        orient="row",
    )
    return frame.with_columns(
        pl.col("person_id").cast(pl.String),
        *_instants("added", "collected"),
    ).drop("added", "collected")


def _results(results: Iterable[Any], tubes: Mapping[int, Any]) -> pl.DataFrame:
    rows = [
        (
            row.id,
            tubes[row.tube_id].code,
            row.outcome,
            row.version,
            row.test_number,
            row.recorded,
            row.best_ct,
        )
        for row in results
    ]
    frame = pl.DataFrame(
        rows,
        schema={
            "result_id": pl.Int64,
            "tube_code": pl.String,
            "outcome": pl.String,
            "version": pl.Int64,
            "run": pl.Int64,
            "recorded": _SECONDS,
            "ct_value": pl.Float64,
        },
        orient="row",
    )
    return frame.with_columns(pl.col("result_id").cast(pl.String), *_instants("recorded")).drop(
        "recorded"
    )


def _tubes(around: Neighbourhood) -> pl.DataFrame:
    tubes = around.tubes

    def parent_code(tube_id: int) -> str | None:
        pool = around.parents.get(tube_id)
        return tubes[pool].code if pool is not None else None

    rows = [
        (
            row.code,
            parent_code(row.id),
            "media" if row.pool_kind == "media" else "swab",
            row.planned_size,
            row.counted_swabs,
            row.sealed,
            row.sent,
            row.received,
            row.status in {"lost", "discarded"},
            row.status == "rejected",
        )
        for row in tubes.values()
    ]
    frame = pl.DataFrame(
        rows,
        schema={
            "tube_code": pl.String,
            "parent_code": pl.String,
            "pool_kind": pl.String,
            "planned_size": pl.Int64,
            "counted_swabs": pl.Int64,
            "sealed": _SECONDS,
            "sent": _SECONDS,
            "received": _SECONDS,
            "is_lost": pl.Boolean,
            "is_rejected": pl.Boolean,
        },
        orient="row",
    )
    names = ("sealed", "sent", "received")
    return frame.with_columns(_instants(*names)).drop(names)


def _closings(closed: Iterable[Any], around: Neighbourhood) -> pl.DataFrame:
    rows = []
    for row in closed:
        sample = around.samples.get(row.sample_id) if row.sample_id is not None else None
        tube = around.tubes.get(row.tube_id)
        rows.append((row.code, tube and tube.code, sample and sample.person_id))
    frame = pl.DataFrame(
        rows,
        schema={"code": pl.String, "tube_code": pl.String, "person_id": pl.Int64},
        orient="row",
    )
    return frame.with_columns(pl.col("person_id").cast(pl.String))
