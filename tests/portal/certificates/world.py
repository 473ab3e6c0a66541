"""A small province: a site, a laboratory, a session, and tubes with people who do not exist."""

import datetime as dt
import itertools
import uuid
from dataclasses import dataclass, field
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import Session

import core_rs
from portal.accounts.models import StaffProfile
from portal.areas.models import AdminUnit
from portal.campaigns.models import Campaign, CollectionSession
from portal.people.models import Person
from portal.results.models import LabResult, LabRun
from portal.samples.models import Sample, Tube
from portal.sites.models import Site

AT = dt.datetime(2026, 8, 5, 1, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@dataclass
class World:
    """Rows that tests stand on; `tube` and `sample` add to them."""

    session: Session
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    code_suffix: str = ""

    def __post_init__(self) -> None:
        add = self._add
        self.province = add(
            AdminUnit(
                code=f"48{self.code_suffix}",
                level="province",
                kind="thành phố",
                name="Đà Nẵng",
                name_folded="da nang",
                valid_from=dt.date(2020, 1, 1),
            )
        )
        self.province.path = f"/{self.province.id}/"
        self.commune = add(
            AdminUnit(
                code="20194",
                level="commune",
                kind="phường",
                name="Hòa Khánh",
                name_folded="hoa khanh",
                parent_id=self.province.id,
                valid_from=dt.date(2020, 1, 1),
            )
        )
        self.commune.path = f"/{self.province.id}/{self.commune.id}/"
        self.site = add(
            Site(
                code=f"HK{self.code_suffix}",
                name="Trạm Y tế phường Hòa Khánh",
                kind="collection",
                area_id=self.commune.id,
                status="open",
            )
        )
        self.laboratory = add(
            Site(
                code=f"CDC{self.code_suffix}",
                name="Trung tâm Kiểm soát bệnh tật",
                kind="laboratory",
                area_id=self.province.id,
                status="open",
            )
        )
        self.campaign = add(
            Campaign(
                code=f"DN1{self.code_suffix}",
                name="Đợt 1",
                disease="SARS-CoV-2",
                area_id=self.province.id,
                starts_on=AT.date(),
            )
        )
        self.sitting = add(
            CollectionSession(
                code=f"S1{self.code_suffix}",
                campaign_id=self.campaign.id,
                site_id=self.site.id,
                area_id=self.commune.id,
                held_on=AT.date(),
            )
        )
        self.verifier = add(
            User(
                first_name="Bình",
                last_name="Trần",
                username="binh",
                email="binh@example.vn",
                password="x",
                active=True,
            )
        )
        add(
            StaffProfile(
                user_id=self.verifier.id, full_name="Trần Văn Bình", sort_name="b", created_at=AT
            )
        )
        self.session.commit()

    def _add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    def person(self, **changes: Any) -> Person:
        """A person; `changes` replace columns."""
        name = changes.get("full_name", "Nguyễn Thị Hồng Ánh")
        columns = {
            "uid": uuid.uuid4(),
            "full_name": name,
            "folded_name": core_rs.fold_name(name),
            "birth_on": dt.date(1984, 9, 2),
            "birth_year": 1984,
            "sex": "female",
            "phone": "0905123456",
            "national_id": "048184000123",
            "address": "Tổ 12, Hòa Khánh, Đà Nẵng",
            "site_id": self.site.id,
            "created_at": AT,
        }
        return self._add(Person(**{**columns, **changes}))

    def tube(self, **changes: Any) -> Tube:
        """A tube of the sitting."""
        columns = {
            "code": f"DNG260805{next(self.numbers):07d}",
            "campaign_id": self.campaign.id,
            "collection_session_id": self.sitting.id,
            "site_id": self.site.id,
            "laboratory_id": self.laboratory.id,
            "opened_at": AT,
            "status": "received",
            "received_at": AT + 6 * HOUR,
            "sample_count": 1,
        }
        return self._add(Tube(**{**columns, **changes}))

    def sample(self, person: Person, tube: Tube | None = None, **changes: Any) -> Sample:
        """A sample of a person, alone in its tube unless one is given."""
        columns = {
            "uid": uuid.uuid4(),
            "result_code": core_rs.new_code(),
            "tube_id": (tube or self.tube()).id,
            "person_id": person.id,
            "campaign_id": self.campaign.id,
            "collection_session_id": self.sitting.id,
            "site_id": self.site.id,
            "collected_at": AT,
            "added_at": AT,
        }
        return self._add(Sample(**{**columns, **changes}))

    def release(self, tube: Tube, outcome: str, *, state: str = "", version: int = 1) -> LabResult:
        """A released result of a tube, and the state of its samples."""
        states = {"negative": "NEG_SINGLE", "positive": "POS_CONFIRMED"}
        at = AT + (7 + version) * HOUR
        run = self._add(
            LabRun(
                code=f"R{next(self.numbers)}",
                laboratory_id=self.laboratory.id,
                kit_name="LightPower",
                kit_lot="2407",
                status="released",
                created_at=at,
                recorded_at=at,
            )
        )
        for old in self.session.query(LabResult).filter_by(tube_id=tube.id, status="released"):
            old.status = "amended"
        result = self._add(
            LabResult(
                tube_id=tube.id,
                tube_code=tube.code,
                run_id=run.id,
                laboratory_id=self.laboratory.id,
                outcome=outcome,
                ct_values={"N": 31.2, "E": None},
                version=version,
                status="released",
                recorded_at=at,
                verified_at=at,
                verified_by_id=self.verifier.id,
                released_at=at,
            )
        )
        tube.outcome, tube.resulted_at = outcome, at
        for sample in self.session.query(Sample).filter_by(tube_id=tube.id):
            sample.state, sample.released_at = state or states[outcome], at
        self.session.commit()
        return result
