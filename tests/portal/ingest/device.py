"""A scanning device as a stranger would write it from docs/ingest-api.md: makes batches."""

import datetime as dt
import json
from dataclasses import dataclass, field

import uuid_utils.compat as uuids

import core_rs
from portal import clock
from portal.actors import system
from portal.db import transaction
from portal.ingest.grants import make_grant
from portal.ingest.journal import Arrival
from portal.ingest.services import enrol_device
from portal.samples.models import TubeLabelRange
from tests.portal.ingest.province import Province

PREFIX = "DNG260801"


def allow_tubes(place: Province) -> None:
    """Hands out the range that `tube_code` takes its codes from."""
    with transaction(system("test")) as session:
        session.add(
            TubeLabelRange(
                site_id=place.site_id,
                kind="own",
                prefix=PREFIX,
                first_number=1,
                last_number=900_000,
                issued_on=dt.date(2026, 7, 30),
                created_at=clock.now(),
            )
        )


def tube_code(number: int) -> str:
    """A tube code of ours."""
    body = f"{PREFIX}{number:06}"
    return body + core_rs.tube_check_digit(body)


@dataclass
class FakeDevice:
    """Builds events and batches; nothing is sent by itself."""

    id: int
    uid: str
    token: str
    site_id: int
    secret_key: str
    session_code: str
    at: dt.datetime = dt.datetime(2026, 8, 1, 3, tzinfo=dt.UTC)
    seq: int = 0
    grant: str = ""
    results: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.grant = self.shift(1)

    def shift(self, user: int, *, staff: int | None = None, site_id: int | None = None) -> str:
        """The grant of a collector's shift."""
        return make_grant(
            self.secret_key,
            staff_id=staff,
            user_id=user,
            username=f"collector{user}",
            site_id=site_id or self.site_id,
            at=self.at - dt.timedelta(hours=1),
        )

    def event(self, kind: str, *, grant: str | None = None, **data) -> dict:
        """One event, now."""
        return {
            "event_id": str(uuids.uuid7()),
            "kind": kind,
            "occurred_at": self.at.isoformat(),
            "actor_grant": self.grant if grant is None else grant,
            "data": data,
        }

    def opened(self, code: str, *, size: int = 5, session_code: str | None = None) -> dict:
        return self.event(
            "tube.opened",
            tube_code=code,
            session_code=session_code or self.session_code,
            planned_size=size,
        )

    def collected(self, code: str, name: str = "Nguyễn Văn A", **data) -> dict:
        person = {
            "full_name": name,
            "birth_date": "02/09/1985",
            "sex": "Nam",
            **data.pop("person", {}),
        }
        self.results.append(core_rs.new_code(10))
        return self.event(
            "sample.collected",
            sample_id=str(uuids.uuid7()),
            tube_code=code,
            result_code=self.results[-1],
            **{"source": "typed", "person": person, **data},
        )

    def sealed(self, code: str, count: int) -> dict:
        return self.event("tube.sealed", tube_code=code, sample_count=count)

    def batch(self, *events: dict, seq: int | None = None) -> Arrival:
        """A batch with the next number (or the one given)."""
        self.seq = self.seq + 1 if seq is None else seq
        body = json.dumps(
            {
                "device_id": self.uid,
                "batch_id": str(uuids.uuid7()),
                "seq": self.seq,
                "events": list(events),
            }
        ).encode()
        return Arrival(self.id, self.seq, 0, body)


def enrol(place: Province, secret_key: str, name: str = "Máy 1") -> FakeDevice:
    """A device enrolled at the province's site."""
    with transaction(system("test")) as session:
        made, token = enrol_device(session, system("test"), site_id=place.site_id, name=name)
        return FakeDevice(
            made.id, str(made.uid), token, place.site_id, secret_key, place.session_code
        )
