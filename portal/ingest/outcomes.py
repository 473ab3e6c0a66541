"""What became of each event: outcomes for devices, a quarantine for people, audit rows."""

import json
from collections import Counter
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal import bulk
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


class Outcomes:
    """The outcomes of one transaction, in the order of the events."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, str, str, str, str, str]] = []
        self._written_count = 0
        self._quarantined: list[tuple[int, int, str | None, bytes, str, str]] = []
        # (device, who) → kind → how many events, and the first batch of them
        self._audit: dict[tuple[str, str], tuple[str, Counter[str]]] = {}
        self._findings: list[tuple[str, bool, int | None, int, int | None, int | None, str]] = []

    def add(self, source: Source, event_id: str, username: str, kind: str, said: Said) -> None:
        """One event was decided."""
        status = "applied" if said.is_applied else "refused"
        self._rows.append(
            (source.device_id, event_id, source.batch_id, status, said.code, said.detail)
        )
        key = (source.device_name, username)
        audit = self._audit.get(key)
        if audit is None:
            audit = self._audit[key] = (source.batch_id, Counter())
        audit[1][kind if said.is_applied else "refused"] += 1

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
        """One row for each device and login: the outcomes tell which batch an event came in."""
        rows = [
            (
                now,
                "ingest.apply",
                "samples",
                batch_id,
                sum(kinds.values()),
                "device",
                (f"{device}: {username}" if username else device)[:80],
                json.dumps(dict(kinds)),
                "",
                "",
            )
            for (device, username), (batch_id, kinds) in self._audit.items()
        ]
        bulk.insert_rows(
            session,
            "audit_events",
            (
                "at", "action", "table_name", "row_key", "row_count", "actor_kind",
                "actor_name", "change", "purpose", "request_id",
            ),
            rows,
        )  # fmt: skip
