"""Reading what may be told of samples, and the certificates made of them."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from portal import bulk, clock
from portal.accounts.models import StaffProfile
from portal.areas.models import AdminUnit
from portal.campaigns.models import Campaign, CollectionSession
from portal.certificates import wording
from portal.certificates.models import Certificate, CertificateTemplate
from portal.certificates.rules import KINDS, SampleFacts
from portal.people import queries as people_queries
from portal.people.models import Person
from portal.results.models import AntigenRead, LabResult, LabRun
from portal.samples.models import Sample, Tube
from portal.sites.models import Site

_Laboratory = aliased(Site)
_Place = aliased(Site)
_Verifier = aliased(StaffProfile)
_Reader = aliased(StaffProfile)

# Not the bare column: SQLite would read every released result by its index on the status, for each
# tube.
_IS_RELEASED = sa.func.coalesce(LabResult.status, "") == "released"

_FACTS = (
    sa.select(
        Sample.id,
        Sample.site_id,
        Sample.result_code,
        Sample.state,
        Sample.state_reason,
        Sample.person_id,
        Person.full_name,
        Person.birth_on,
        Person.birth_year,
        Person.sex,
        Person.national_id,
        Person.phone,
        Person.nationality,
        Person.address,
        Site.name.label("site"),
        Campaign.disease,
        Tube.method,
        Tube.specimen_type,
        Tube.sample_count,
        Sample.collected_at,
        Sample.withdrawn_at,
        Sample.retest_of_id,
        Sample.retest_due_at,
        Tube.received_at,
        Sample.released_at,
        _Laboratory.name.label("laboratory"),
        Tube.outcome.label("tube_outcome"),
        LabResult.outcome.label("result_outcome"),
        LabResult.version.label("result_version"),
        LabResult.ct_values,
        LabRun.recorded_at.label("tested_at"),
        LabRun.kit_name,
        LabRun.kit_lot,
        AntigenRead.outcome.label("antigen_outcome"),
        AntigenRead.released_at.label("antigen_released_at"),
        AntigenRead.read_at,
        AntigenRead.kit_name.label("antigen_kit"),
        AntigenRead.kit_lot.label("antigen_lot"),
        _Verifier.full_name.label("verifier"),
        _Reader.full_name.label("reader"),
    )
    .select_from(Sample)
    .join(Person, Person.id == Sample.person_id)
    .join(Tube, Tube.id == Sample.tube_id)
    .join(Site, Site.id == Sample.site_id)
    .join(Campaign, Campaign.id == Sample.campaign_id)
    .outerjoin(_Laboratory, _Laboratory.id == Tube.laboratory_id)
    .outerjoin(LabResult, sa.and_(LabResult.tube_id == Tube.id, _IS_RELEASED))
    .outerjoin(LabRun, LabRun.id == LabResult.run_id)
    .outerjoin(AntigenRead, AntigenRead.sample_id == Sample.id)
    .outerjoin(_Verifier, _Verifier.user_id == LabResult.verified_by_id)
    .outerjoin(_Reader, _Reader.user_id == AntigenRead.released_by_id)
    .order_by(Sample.id, LabResult.version)
)


def facts_of(session: Session, sample_ids: Iterable[int]) -> list[SampleFacts]:
    """What may be told of each sample, in the order of the ids; one statement for any number."""
    ids = list(sample_ids)
    rows = session.execute(_FACTS.where(Sample.id.in_(ids))).mappings()
    # A sample with two current results keeps the last version; the pool rules hold such tubes.
    found = {row["id"]: _facts(row) for row in rows}
    return [found[key] for key in ids if key in found]


_Retest = aliased(Sample)


@cache
def _by_code(*, is_sqlite: bool) -> sa.Select[Any]:
    has_retest = sa.exists().where(_Retest.retest_of_id == Sample.id).label("has_retest")
    among = bulk.among(Sample.result_code, "codes", is_sqlite=is_sqlite)
    return _FACTS.add_columns(has_retest).where(among)


def facts_by_code(session: Session, codes: Iterable[str]) -> dict[str, tuple[SampleFacts, bool]]:
    """What may be told of the samples of codes, and whether each is a retest or was retested.

    One statement for any number, and no other for a code that nobody has.
    """
    statement = _by_code(is_sqlite=bulk.is_sqlite(session))
    rows = session.execute(statement, {"codes": list(codes)}).mappings()
    return {
        row["result_code"]: (_facts(row), row["has_retest"] or row["retest_of_id"] is not None)
        for row in rows
    }


_PLAIN = (
    "site_id",
    "result_code",
    "state",
    "state_reason",
    "person_id",
    "full_name",
    "birth_on",
    "birth_year",
    "sex",
    "national_id",
    "phone",
    "nationality",
    "address",
    "site",
    "disease",
    "method",
    "specimen_type",
    "sample_count",
    "collected_at",
    "withdrawn_at",
    "retest_of_id",
    "retest_due_at",
    "received_at",
)


def _facts(row: Mapping[Any, Any]) -> SampleFacts:
    plain = {name: row[name] for name in _PLAIN}
    if row["method"] == "antigen":
        return SampleFacts(
            sample_id=row["id"],
            **plain,
            released_at=row["released_at"] or row["antigen_released_at"],
            outcome=row["antigen_outcome"] or "",
            tested_at=row["read_at"],
            kit_name=row["antigen_kit"] or "",
            kit_lot=row["antigen_lot"] or "",
            verifier=row["reader"] or "",
        )
    return SampleFacts(
        sample_id=row["id"],
        **plain,
        released_at=row["released_at"],
        laboratory=row["laboratory"] or "",
        outcome=row["result_outcome"] or row["tube_outcome"] or "",
        tested_at=row["tested_at"],
        kit_name=row["kit_name"] or "",
        kit_lot=row["kit_lot"] or "",
        ct_values=row["ct_values"] or {},
        result_version=row["result_version"] or 0,
        verifier=row["verifier"] or "",
    )


def samples_of_declaration(session: Session, declaration_id: int) -> list[int]:
    """Samples taken from the person of a declaration when its code was scanned at the point."""
    return list(
        session.scalars(
            sa.select(Sample.id)
            .where(Sample.declaration_id == declaration_id)
            .order_by(Sample.collected_at.desc())
        )
    )


LONGEST_CHAIN = 12


def chain_of(session: Session, sample_ids: Sequence[int]) -> list[int]:
    """Samples with every earlier and later one of their retests, the newest first.

    Only samples of the same person are followed: a wrong link never shows another's result.
    """
    people_of = sa.select(Sample.id, Sample.person_id)
    known = dict(session.execute(people_of.where(Sample.id.in_(sample_ids))).all())
    people = people_queries.records_of(session, known.values())
    for _ in range(LONGEST_CHAIN):
        parents = sa.select(Sample.retest_of_id).where(
            Sample.id.in_(known), Sample.retest_of_id.is_not(None)
        )
        rows = session.execute(
            people_of.where(
                sa.or_(Sample.retest_of_id.in_(known), Sample.id.in_(parents)),
                Sample.id.not_in(known),
                Sample.person_id.in_(people),
            )
        )
        found = dict(rows.all())
        if not found:
            break
        known |= found
    ordered = session.scalars(
        sa.select(Sample.id)
        .where(Sample.id.in_(known))
        .order_by(Sample.collected_at.desc(), Sample.id.desc())
    )
    return list(ordered)


@dataclass(frozen=True, slots=True)
class Texts:
    """The joined texts of a kind and the versions they come from.

    Attributes:
        values: as `wording.joined` gives them.
        template_id: the Vietnamese version; None for the built-in texts.
        english_id: the English version; None likewise.
    """

    values: Mapping[str, Any]
    template_id: int | None
    english_id: int | None = None


def texts_of(session: Session, kind: str, day: dt.date) -> Texts:
    """The newest texts of a kind that are valid on a day, in both languages."""
    newest = {language: template_of(session, kind, language, day) for language in wording.LANGUAGES}
    texts = {
        language: {**wording.built_in(kind, language), **(row.texts if row else {})}
        for language, row in newest.items()
    }
    vietnamese, english = newest["vi"], newest["en"]
    return Texts(
        wording.joined(texts["vi"], texts["en"]),
        vietnamese.id if vietnamese else None,
        english.id if english else None,
    )


def template_of(
    session: Session, kind: str, language: str, day: dt.date
) -> CertificateTemplate | None:
    """The version in force on a day; None for the built-in texts."""
    return session.scalars(
        sa.select(CertificateTemplate)
        .where(
            CertificateTemplate.kind == kind,
            CertificateTemplate.language == language,
            CertificateTemplate.valid_from <= day,
        )
        .order_by(CertificateTemplate.valid_from.desc(), CertificateTemplate.version.desc())
        .limit(1)
    ).first()


def find_by_code(session: Session, code: str) -> Certificate | None:
    """The certificate of a code."""
    return session.scalars(sa.select(Certificate).where(Certificate.code == code)).one_or_none()


def newest_of(session: Session, sample_ids: Sequence[int]) -> dict[int, Certificate]:
    """The newest certificate of each sample that has one, whatever became of it."""
    rows = session.scalars(
        sa.select(Certificate)
        .where(Certificate.sample_id.in_(sample_ids))
        .order_by(Certificate.sample_id, Certificate.number)
    )
    return {certificate.sample_id: certificate for certificate in rows}


@dataclass(frozen=True, slots=True)
class ResultFilter:
    """Which released results an auditor asks for; the days are local and of collection."""

    campaign_id: int | None = None
    collection_session_id: int | None = None
    site_id: int | None = None
    area_id: int | None = None
    first_day: dt.date | None = None
    last_day: dt.date | None = None
    kind: str = ""


def matching(wanted: ResultFilter) -> Any:
    """The keys of the released samples of a filter, unordered."""
    states = [state for state, kind in KINDS.items() if wanted.kind in {"", kind}]
    query = sa.select(Sample.id).where(
        Sample.state.in_(states),
        Sample.released_at.is_not(None),
        Sample.withdrawn_at.is_(None),
    )
    if wanted.campaign_id:
        query = query.where(Sample.campaign_id == wanted.campaign_id)
    if wanted.collection_session_id:
        query = query.where(Sample.collection_session_id == wanted.collection_session_id)
    if wanted.site_id:
        query = query.where(Sample.site_id == wanted.site_id)
    if wanted.area_id:
        path = sa.select(AdminUnit.path).where(AdminUnit.id == wanted.area_id).scalar_subquery()
        below = sa.select(AdminUnit.id).where(AdminUnit.path.startswith(path))
        sites = sa.select(_Place.id).where(_Place.area_id.in_(below))
        query = query.where(Sample.site_id.in_(sites))
    if wanted.first_day:
        query = query.where(Sample.collected_at >= clock.start_of_day(wanted.first_day))
    if wanted.last_day:
        after = clock.start_of_day(wanted.last_day + dt.timedelta(days=1))
        query = query.where(Sample.collected_at < after)
    return query


def count_results(session: Session, wanted: ResultFilter, *, most: int | None = None) -> int:
    """How many released results a filter finds; at most one more than `most` are counted."""
    found = matching(wanted)
    if most is not None:
        found = found.limit(most + 1)
    return session.scalar(sa.select(sa.func.count()).select_from(found.subquery())) or 0


def result_ids(
    session: Session, wanted: ResultFilter, *, after: int = 0, limit: int = 500
) -> list[int]:
    """The next samples of a filter, by key."""
    query = matching(wanted).where(Sample.id > after).order_by(Sample.id).limit(limit)
    return list(session.scalars(query))


def campaigns_and_sites(session: Session) -> tuple[list[Campaign], list[Site]]:
    """What the filter's boxes offer."""
    campaigns = list(session.scalars(sa.select(Campaign).order_by(Campaign.id.desc()).limit(200)))
    sites = session.scalars(
        sa.select(Site).where(Site.kind == "collection").order_by(Site.name).limit(2000)
    )
    return campaigns, list(sites)


def said_filter(session: Session, wanted: ResultFilter) -> str:
    """A filter in Vietnamese words, for papers."""
    sitting = wanted.collection_session_id and session.get(
        CollectionSession, wanted.collection_session_id
    )
    named = (
        ("Đợt", _name_of(session, Campaign, wanted.campaign_id)),
        ("Buổi lấy mẫu", sitting.code if sitting else ""),
        ("Đơn vị", _name_of(session, Site, wanted.site_id)),
        ("Địa bàn", _name_of(session, AdminUnit, wanted.area_id)),
        ("Từ ngày", f"{wanted.first_day:%d/%m/%Y}" if wanted.first_day else ""),
        ("Đến ngày", f"{wanted.last_day:%d/%m/%Y}" if wanted.last_day else ""),
        ("Kết quả", _KINDS_SAID.get(wanted.kind, "")),
    )
    return "; ".join(f"{label}: {value}" for label, value in named if value)


_KINDS_SAID = {
    "negative": "âm tính mẫu đơn",
    "pool_negative": "âm tính mẫu gộp",
    "positive": "dương tính",
    "retest_notice": "cần lấy lại mẫu",
}


def _name_of(session: Session, model: Any, key: int | None) -> str:
    row = session.get(model, key) if key else None
    return str(row.name) if row is not None else ""
