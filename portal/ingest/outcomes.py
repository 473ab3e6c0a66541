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
        self._quarantined: list[tuple[int, int, str | None, bytes, str, str]] = []
        # (batch, device, who) → code → how many events
        self._audit: dict[tuple[str, str, str], Counter[str]] = {}
        self._findings: list[tuple[str, bool, int | None, int, int | None, int | None, str]] = []

    def add(self, source: Source, event_id: str, username: str, kind: str, said: Said) -> None:
        """One event was decided."""
        status = "applied" if said.is_applied else "refused"
        self._rows.append(
            (source.device_id, event_id, source.batch_id, status, said.code, said.detail)
        )
        key = (source.batch_id, source.device_name, username)
        kinds = self._audit.get(key)
        if kinds is None:
            kinds = self._audit[key] = Counter()
        kinds[kind if said.is_applied else "refused"] += 1

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

    def flush(self, session: Session, *, at: int) -> None:
        """Writes everything."""
        now = bulk.InstantText(session)(at)
        ids = bulk.next_ids(session, "event_outcomes", len(self._rows))
        bulk.insert_rows(
            session,
            "event_outcomes",
            ("id", "device_id", "event_id", "batch_id", "status", "code", "detail", "applied_at"),
            [
                (key, *start, detail[:_LONGEST_DETAIL], now)
                for key, (*start, detail) in zip(ids, self._rows, strict=True)
            ],
        )
        ids = bulk.next_ids(session, "quarantined_events", len(self._quarantined))
        bulk.insert_rows(
            session,
            "quarantined_events",
            (
                "id", "device_id", "site_id", "event_id", "body", "code", "detail", "status",
                "quarantined_at",
            ),
            [
                (key, *start, detail[:_LONGEST_QUARANTINE_DETAIL], "open", now)
                for key, (*start, detail) in zip(ids, self._quarantined, strict=True)
            ],
        )  # fmt: skip
        self._flush_findings(session, now)
        self._flush_audit(session, now)

    def _flush_findings(self, session: Session, now: str) -> None:
        ids = bulk.next_ids(session, "findings", len(self._findings))
        bulk.insert_rows(
            session,
            "findings",
            (
                "id", "code", "is_blocking", "campaign_id", "site_id", "tube_id", "sample_id",
                "detail", "status", "found_at", "closing_reason",
            ),
            [
                (key, *row, "open", now, "")
                for key, row in zip(ids, self._findings, strict=True)
            ],
        )  # fmt: skip

    def _flush_audit(self, session: Session, now: str) -> None:
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
            for (batch_id, device, username), kinds in self._audit.items()
        ]
        ids = bulk.next_ids(session, "audit_events", len(rows))
        bulk.insert_rows(
            session,
            "audit_events",
            (
                "id", "at", "action", "table_name", "row_key", "row_count", "actor_kind",
                "actor_name", "change", "purpose", "request_id",
            ),
            [(key, *row) for key, row in zip(ids, rows, strict=True)],
        )  # fmt: skip
