"""A person, identifiers, possible duplicates and merges."""

import datetime as dt
import uuid

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.areas.models import AdminUnit
from portal.db import BigId, UtcDateTime, sparse_index


class Person(Model):
    """A person as first registered.

    A merge only sets `merged_into_id`; other rows keep their person.

    `birth_on` is null unless the whole day is known; `birth_year` holds what is known at least.
    `site_id` is the site of first registration, for scope.
    """

    __tablename__ = "people"
    __table_args__ = (
        sa.Index("ix_people_site_id_id", "site_id", "id"),
        sa.Index("ix_people_sort_name_id", "sort_name", "id"),
        sparse_index("people", "merged_into_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(sa.Uuid, unique=True)
    full_name: Mapped[str] = mapped_column(sa.String(120))
    folded_name: Mapped[str] = mapped_column(sa.String(120), index=True)
    # hex of core_rs.sort_key: given name first, Vietnamese letter order, on any database
    sort_name: Mapped[str] = mapped_column(sa.String(320), default="")
    birth_on: Mapped[dt.date | None] = mapped_column(sa.Date)
    birth_year: Mapped[int | None] = mapped_column(sa.SmallInteger)
    sex: Mapped[str] = mapped_column(sa.String(8), default="unknown")
    phone: Mapped[str] = mapped_column(sa.String(20), default="", index=True)
    national_id: Mapped[str] = mapped_column(sa.String(12), default="", index=True)
    address: Mapped[str] = mapped_column(sa.String(240), default="")
    nationality: Mapped[str] = mapped_column(sa.String(2), default="VN")
    area_id: Mapped[int | None] = mapped_column(sa.ForeignKey("admin_units.id"), index=True)
    site_id: Mapped[int | None] = mapped_column(sa.ForeignKey("sites.id"))
    source: Mapped[str] = mapped_column(sa.String(16), default="typed")
    merged_into_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    area: Mapped[AdminUnit | None] = relationship()

    def __repr__(self) -> str:
        return self.full_name


class PersonIdentifier(Model):
    """An id that names a person: national_id, cmnd, health_insurance, qid (QĐ 1405), passport."""

    __tablename__ = "person_identifiers"
    __table_args__ = (sa.Index("ix_person_identifiers_kind_value", "kind", "value"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(20))
    value: Mapped[str] = mapped_column(sa.String(40))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    person: Mapped[Person] = relationship()


class DuplicateCandidate(Model):
    """Two records of people who may be one: proposed by evidence, decided by a person.

    `left_id` is the smaller key. `kind` is `proposal`, or `conflict` where both showed one
    document and the rest says two people. `bits` are log2 odds, `score` the calibrated
    probability; `evidence` holds the weight of every field as it was when the pair was found
    (`{"prior": bits, "weights": [[field, level, bits], …], "key": document}`). `status` is open,
    later, same or different; `different` is the list of pairs that never come again.
    `decided_with_id`: the decision that settled this pair as well.

    `left_site_id`, `right_site_id`: of first registration, for scope; both must be the actor's.
    """

    __tablename__ = "duplicate_candidates"
    __table_args__ = (
        sa.UniqueConstraint("left_id", "right_id"),
        sa.Index("ix_duplicate_candidates_status_kind_bits_id", "status", "kind", "bits", "id"),
        sa.Index("ix_duplicate_candidates_decided_by_id_decided_at", "decided_by_id", "decided_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    left_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    right_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    left_site_id: Mapped[int | None] = mapped_column(sa.ForeignKey("sites.id"))
    right_site_id: Mapped[int | None] = mapped_column(sa.ForeignKey("sites.id"))
    kind: Mapped[str] = mapped_column(sa.String(10), default="proposal")
    score: Mapped[float] = mapped_column(sa.Float)
    bits: Mapped[float] = mapped_column(sa.Float, default=0.0)
    evidence: Mapped[dict] = mapped_column(sa.JSON, default=dict)  # type: ignore[type-arg]
    status: Mapped[str] = mapped_column(sa.String(10), default="open")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    decided_with_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("duplicate_candidates.id"), index=True
    )
    version: Mapped[int] = mapped_column(default=1)

    left: Mapped[Person] = relationship(foreign_keys=[left_id])
    right: Mapped[Person] = relationship(foreign_keys=[right_id])


class Merge(Model):
    """Two people declared one, append-only; undoing it fills `undone_at`.

    The merges that are not undone make a forest; `Person.merged_into_id` is the root of the
    person's tree, so that one step leads from any record to the person.
    """

    __tablename__ = "merges"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kept_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    merged_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    candidate_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("duplicate_candidates.id"), index=True
    )
    reason: Mapped[str] = mapped_column(sa.String(200), default="")
    is_automatic: Mapped[bool] = mapped_column(default=False)
    merged_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    merged_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    undone_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    undone_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    undo_reason: Mapped[str] = mapped_column(sa.String(200), default="")

    kept: Mapped[Person] = relationship(foreign_keys=[kept_id])
    merged: Mapped[Person] = relationship(foreign_keys=[merged_id])


class LinkagePolicy(Model):
    """What the department decided about duplicates, from a day on; the newest counts.

    `propose_from`: least probability to ask a person about. `is_automatic`: merge without asking
    where `least_precision` is shown by answers (`portal.people.zones`).
    """

    __tablename__ = "linkage_policies"

    id: Mapped[int] = mapped_column(primary_key=True)
    valid_from: Mapped[dt.date] = mapped_column(sa.Date, index=True)
    is_automatic: Mapped[bool] = mapped_column(default=False)
    least_precision: Mapped[float] = mapped_column(sa.Float, default=0.995)
    propose_from: Mapped[float] = mapped_column(sa.Float, default=0.5)
    document: Mapped[str] = mapped_column(sa.String(120), default="")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))


class PersonChange(Model):
    """A stored person was changed: the person index has to read the row again."""

    __tablename__ = "person_changes"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))


class PersonSweep(Model):
    """The last time that everybody stored was to be compared with everybody else.

    The applier does it piece by piece (`portal.people.known`): people up to `after_id` are done,
    the last is `until_id`. `found_count`: pairs that were new to the worklist.
    """

    __tablename__ = "person_sweeps"

    id: Mapped[int] = mapped_column(primary_key=True)
    after_id: Mapped[int] = mapped_column(BigId, default=0)
    until_id: Mapped[int] = mapped_column(BigId)
    found_count: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class PersonIndexSave(Model):
    """The one saved person index that is exact: everybody up to a key, with all changes until then.

    The file is named by `uid`; changes since then still stand in `person_changes`.
    """

    __tablename__ = "person_index_saves"

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(sa.Uuid)
    last_person_id: Mapped[int] = mapped_column(BigId)
    saved_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
