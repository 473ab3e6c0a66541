"""A world for laboratory tests: tubes with people in them, staff, and the way to a release."""

import datetime as dt
import itertools
import uuid
from dataclasses import dataclass, field

import sqlalchemy as sa
from flask_appbuilder.security.sqla.models import Role as FabRole
from flask_appbuilder.security.sqla.models import User

from portal import clock
from portal.accounts.models import StaffProfile, Training
from portal.actors import Actor, Scope, system
from portal.campaigns.models import CollectionSession, HourlyCount
from portal.db import db_session, transaction
from portal.people.models import Person
from portal.pools.models import Finding
from portal.results import services
from portal.results.matching import ReleaseReport
from portal.results.services import Reading, RunFacts
from portal.roles import Role
from portal.samples import services as samples
from portal.samples.models import Sample, Tube
from portal.samples.services import ScannedTube
from tests.portal.ingest.province import Province, make_province
from tests.portal.web.world import _HASH

_numbers = itertools.count(1)
GOOD = RunFacts(positive_control="passed", negative_control="passed", kit_name="Kit")


def insert_rows(session, table, rows) -> list[int]:
    statement = sa.insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return list(session.execute(statement, rows).scalars())


def hours_ago(hours: float) -> dt.datetime:
    return clock.now() - dt.timedelta(hours=hours)


def make_user(name: str, role: Role | None = None, site_id: int | None = None) -> int:
    with transaction(system("test")) as session:
        user = User(
            first_name=name,
            last_name="",
            username=name,
            email=f"{name}@example.invalid",
            password=_HASH,
            active=True,
        )
        session.add(user)
        if role is not None:
            found = session.scalars(sa.select(FabRole).where(FabRole.name == role.value)).first()
            user.roles = [found or FabRole(name=role.value)]
        session.flush()
        profile = StaffProfile(
            user_id=user.id,
            full_name=name,
            sort_name=name,
            created_at=clock.now(),
            site_id=site_id,
            status="active",
            must_change_password=False,
        )
        session.add(profile)
        session.flush()
        session.add(
            Training(
                staff_id=profile.id,
                course="Xét nghiệm",
                trained_on=dt.date(2026, 8, 1),
                recorded_at=clock.now(),
            )
        )
        return user.id


def staff(name: str, role: Role, *site_ids: int) -> Actor:
    return Actor(
        kind="staff",
        name=name,
        user_id=make_user(name, role, site_ids[0]),
        roles=frozenset({role}),
        scope=Scope(site_ids=frozenset(site_ids)),
    )


@dataclass
class Laboratory:
    """One province, one laboratory, a technician, a verifier and a coordinator."""

    place: Province
    technician: Actor
    verifier: Actor
    coordinator: Actor
    people: dict[str, int] = field(default_factory=dict)

    @classmethod
    def make(cls) -> "Laboratory":
        place = make_province()
        laboratory = place.laboratory_id
        return cls(
            place,
            staff("kt", Role.LABORATORY_TECHNICIAN, laboratory),
            staff("duyet", Role.LABORATORY_VERIFIER, laboratory),
            staff("dieuphoi", Role.COORDINATOR, laboratory, place.site_id),
        )

    def person(self, name: str) -> int:
        if name not in self.people:
            with transaction(system("test")) as session:
                person = Person(
                    uid=uuid.uuid4(),
                    full_name=name,
                    folded_name=name.lower(),
                    birth_year=1980,
                    site_id=self.place.site_id,
                    area_id=self.place.area_id,
                    created_at=clock.now(),
                )
                session.add(person)
                session.flush()
                self.people[name] = person.id
        return self.people[name]

    def tube(
        self,
        code: str,
        *names: str,
        collected_at: dt.datetime | None = None,
        sealed: bool = True,
        planned_size: int = 5,
        retest_of: str = "",
        **more: object,
    ) -> int:
        """A tube with one sample of each person; `retest_of` names the tube retested."""
        at = collected_at or hours_ago(6)
        ids = [self.person(name) for name in names]
        with transaction(system("test")) as session:
            sitting = session.scalars(sa.select(CollectionSession)).one()
            tube = Tube(
                code=code,
                campaign_id=self.place.campaign_id,
                collection_session_id=sitting.id,
                site_id=self.place.site_id,
                planned_size=1 if retest_of else planned_size,
                sample_count=len(names),
                status="sealed" if sealed else "open",
                opened_at=at,
                sealed_at=at + dt.timedelta(minutes=20) if sealed else None,
            )
            session.add(tube)
            session.flush()
            for position, person_id in enumerate(ids, 1):
                first = session.scalar(
                    sa.select(Sample.id)
                    .join(Tube)
                    .where(Tube.code == retest_of, Sample.person_id == person_id)
                )
                values = {
                    "uid": uuid.uuid4(),
                    "result_code": f"R{next(_numbers):08d}",
                    "position": position,
                    "collected_at": at,
                    "added_at": at,
                    "retest_of_id": first,
                } | more
                session.add(
                    Sample(
                        tube_id=tube.id,
                        person_id=person_id,
                        campaign_id=tube.campaign_id,
                        collection_session_id=sitting.id,
                        site_id=tube.site_id,
                        **values,
                    )
                )
            return tube.id

    def receive(
        self, *codes: str, counted: int | None = None, at: dt.datetime | None = None
    ) -> samples.ReceiptReport:
        with transaction(self.technician) as session:
            return samples.receive(
                session,
                self.technician,
                laboratory_id=self.place.laboratory_id,
                tubes=[ScannedTube(code, counted) for code in codes],
                received_at=at or hours_ago(4),
            )

    def record(self, at: dt.datetime | None = None, **outcomes: str) -> int:
        """Records a run `code="negative"`, …; gives its key."""
        with transaction(self.technician) as session:
            report = services.record(
                session,
                self.technician,
                laboratory_id=self.place.laboratory_id,
                readings=[
                    Reading(code, outcome, ct_values={"N": 24.5} if outcome == "positive" else {})
                    for code, outcome in outcomes.items()
                ],
                facts=GOOD,
                recorded_at=at or hours_ago(2),
            )
            return report.run_id

    def release(self, run_id: int, **more: object) -> ReleaseReport:
        with transaction(self.verifier) as session:
            services.verify(session, self.verifier, run_id=run_id)
        with transaction(self.verifier) as session:
            return services.release(session, self.verifier, run_id=run_id, **more)

    def result(self, **outcomes: str) -> ReleaseReport:
        """Receives, records, verifies and releases."""
        self.receive(*outcomes)
        return self.release(self.record(**outcomes))

    def states(self) -> dict[str, str]:
        """State by "tube:person"."""
        db_session.expire_all()
        rows = db_session.execute(
            sa.select(Tube.code, Person.full_name, Sample.state)
            .select_from(Sample)
            .join(Tube, Tube.id == Sample.tube_id)
            .join(Person, Person.id == Sample.person_id)
        )
        return {f"{code}:{name}": state for code, name, state in rows}

    def sample(self, code: str, name: str) -> Sample:
        db_session.expire_all()
        return db_session.scalars(
            sa.select(Sample)
            .join(Tube, Tube.id == Sample.tube_id)
            .join(Person, Person.id == Sample.person_id)
            .where(Tube.code == code, Person.full_name == name)
        ).one()

    def findings(self, status: str = "open") -> list[str]:
        rows = db_session.execute(sa.select(Finding.code).where(Finding.status == status))
        return sorted(code for (code,) in rows)

    def finding(self, code: str) -> Finding:
        return db_session.scalars(sa.select(Finding).where(Finding.code == code)).one()

    def counts(self) -> dict[str, int]:
        rows = db_session.execute(
            sa.select(HourlyCount.measure, sa.func.sum(HourlyCount.count)).group_by(
                HourlyCount.measure
            )
        )
        return {measure: int(count) for measure, count in rows if count}

    def fill(self, tube_count: int, size: int) -> list[str]:
        """Many tubes of made-up people, inserted in bulk; gives the codes."""
        at = hours_ago(6)
        with transaction(system("test")) as session:
            sitting = session.scalars(sa.select(CollectionSession)).one()
            codes = [f"BULK{next(_numbers):08d}" for _tube in range(tube_count)]
            tubes = insert_rows(
                session,
                Tube.__table__,
                [
                    {
                        "code": code,
                        "campaign_id": self.place.campaign_id,
                        "collection_session_id": sitting.id,
                        "site_id": self.place.site_id,
                        "planned_size": size,
                        "sample_count": size,
                        "status": "sealed",
                        "opened_at": at,
                        "sealed_at": at,
                    }
                    for code in codes
                ],
            )
            members = [tube_id for tube_id in tubes for _member in range(size)]
            people = insert_rows(
                session,
                Person.__table__,
                [
                    {
                        "uid": uuid.uuid4(),
                        "full_name": f"Người {number}",
                        "folded_name": f"nguoi {number}",
                        "created_at": at,
                        "site_id": self.place.site_id,
                    }
                    for number in range(len(members))
                ],
            )
            insert_rows(
                session,
                Sample.__table__,
                [
                    {
                        "uid": uuid.uuid4(),
                        "result_code": f"R{next(_numbers):08d}",
                        "tube_id": tube_id,
                        "person_id": person_id,
                        "campaign_id": self.place.campaign_id,
                        "collection_session_id": sitting.id,
                        "site_id": self.place.site_id,
                        "collected_at": at,
                        "added_at": at,
                    }
                    for tube_id, person_id in zip(members, people, strict=True)
                ],
            )
        return codes
