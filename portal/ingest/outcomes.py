"""What became of each event: outcomes for devices, a quarantine for people, audit rows."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from portal import bulk
from portal.audit import rules
from portal.audit.trail import Author
from portal.samples.registration import Remarked, Said

_LONGEST_DETAIL = 200
_LONGEST_QUARANTINE_DETAIL = 400


@dataclass(frozen=True, slots=True)
class Source:
    """Which batch of which device an event is of."""

    device_id: int
    device_name: str
    site_id: int
    batch_id: str


def named(device_name: str, username: str) -> str:
    """Who did it, as the audit log says it."""
    return (f"{device_name}: {username}" if username else device_name)[:80]


@dataclass(slots=True)
class _Doing:
    """What one login did on one device: the first batch, kinds of events, keys of new rows."""

    batch_id: str
    kinds: Counter[str] = field(default_factory=Counter)
    made: dict[str, list[int]] = field(default_factory=lambda: {"samples": [], "people": []})


class Outcomes:
    """The outcomes of one transaction, in the order of the events."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, str, str, str, str, str]] = []
        self._written_count = 0
        self._quarantined: list[tuple[int, int, str | None, bytes, str, str]] = []
        self._audit: dict[str, _Doing] = {}
        self._findings: list[tuple[str, bool, int | None, int, int | None, int | None, str]] = []

    def add(self, source: Source, event_id: str, username: str, kind: str, said: Said) -> None:
        """One event was decided."""
        status = "applied" if said.is_applied else "refused"
        self._rows.append(
            (source.device_id, event_id, source.batch_id, status, said.code, said.detail)
        )
        key = named(source.device_name, username)
        doing = self._audit.get(key)
        if doing is None:
            doing = self._audit[key] = _Doing(source.batch_id)
        doing.kinds[kind if said.is_applied else "refused"] += 1

    def tell_made(self, table: str, made: Iterable[tuple[int, Author]]) -> None:
        """Which rows are new by whom: `samples` or `people`."""
        for key, author in made:
            doing = self._audit.get(author.actor.name)
            if doing is None:
                doing = self._audit[author.actor.name] = _Doing(author.request)
            doing.made[table].append(key)

    def quarantine(self, source: Source, event_id: str, body: bytes, said: Said) -> None:
        """An event that can not be applied is kept for a person to look at."""
        self._quarantined.append(
            (source.device_id, source.site_id, event_id or None, body, said.code, said.detail)
        )

    def find(self, finding: Remarked) -> None:
        """A contradiction between samples and tubes."""
        self._findings.append(
            (
                finding.code,
                finding.is_blocking,
                finding.campaign_id,
                finding.site_id,
                finding.tube_id,
                finding.sample_id,
                json.dumps(finding.detail),
            )
        )

    def find_gap(self, site_id: int, device_name: str, first: int, last: int) -> None:
        """Batches of a device did not come in time."""
        detail = json.dumps({"device": device_name, "first_seq": first, "last_seq": last})
        self._findings.append(("F16", False, None, site_id, None, None, detail))

    @property
    def count(self) -> int:
        """How many events were decided."""
        return len(self._rows)

    def write(self, writer: bulk.Writer, *, now: str) -> None:
        """Begins to write the outcomes so far; `now` is an `InstantText`."""
        rows = [
            (*start, detail[:_LONGEST_DETAIL], now)
            for *start, detail in self._rows[self._written_count :]
        ]
        self._written_count = len(self._rows)
        # In their order, so that the keys the database gives rise with them: devices ask by key.
        writer.insert(
            "event_outcomes",
            ("device_id", "event_id", "batch_id", "status", "code", "detail", "applied_at"),
            rows,
        )

    def flush(self, session: Session, *, at: int) -> None:
        """Writes everything that is not written yet."""
        now = bulk.InstantText(session)(at)
        with bulk.Writer(session) as writer:
            self.write(writer, now=now)
        bulk.insert_rows(
            session,
            "quarantined_events",
            (
                "device_id", "site_id", "event_id", "body", "code", "detail", "status",
                "quarantined_at",
            ),
            [
                (*start, detail[:_LONGEST_QUARANTINE_DETAIL], "open", now)
                for *start, detail in self._quarantined
            ],
        )  # fmt: skip
        self._flush_findings(session, now)
        self._flush_audit(session, now)

    def _flush_findings(self, session: Session, now: str) -> None:
        bulk.insert_rows(
            session,
            "findings",
            (
                "code", "is_blocking", "campaign_id", "site_id", "tube_id", "sample_id",
                "detail", "status", "found_at", "closing_reason",
            ),
            [(*row, "open", now, "") for row in self._findings],
        )  # fmt: skip

    def _flush_audit(self, session: Session, now: str) -> None:
        """For each device and login the events, the new samples and the new people.

        The outcomes tell which batch an event came in. What was registered stands in its row, and
        every later change of it in the trail.
        """
        rows = []
        for name, doing in self._audit.items():
            kinds = dict(doing.kinds)
            for table, keys in doing.made.items():
                change = (kinds if table == "samples" else {}) | _keys(keys)
                if not change:
                    continue
                count = sum(kinds.values()) if table == "samples" else len(keys)
                first, last = (min(keys), max(keys)) if keys else (None, None)
                rows.append((
                    now, "ingest.apply", table, doing.batch_id, count, "device", name,
                    json.dumps(change), "", "", first, last,
                ))  # fmt: skip
        bulk.insert_rows(
            session,
            "audit_events",
            (
                "at", "action", "table_name", "row_key", "row_count", "actor_kind",
                "actor_name", "change", "purpose", "request_id", "first_key", "last_key",
            ),
            rows,
        )  # fmt: skip


def _keys(keys: list[int]) -> dict[str, str]:
    return {"rows": rules.ranges(keys)} if keys else {}
