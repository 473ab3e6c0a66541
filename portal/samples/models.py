"""Tube, sample (one person's), custody events, tube label ranges."""

import datetime as dt
import uuid

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.campaigns.models import Campaign, CollectionSession
from portal.db import BigId, UtcDateTime, sparse_index
from portal.people.models import Person
from portal.sites.models import Site

_TO_SAMPLE_AGAIN = "state IN ('RETEST_DUE', 'SUSPECT_POOL')"


class Tube(Model):
    """One container with a barcode; it holds the samples of one or several people.

    A tube with two or more samples is a pool of basis `swab`. `counted_swabs` is what the
    laboratory found in it. `outcome` repeats the current released result, for lists.
    """

    __tablename__ = "tubes"
    __table_args__ = (
        sa.Index("ix_tubes_site_id_id", "site_id", "id"),
        sa.Index("ix_tubes_laboratory_id_id", "laboratory_id", "id"),
        sa.Index("ix_tubes_laboratory_id_status_id", "laboratory_id", "status", "id"),
        sa.Index("ix_tubes_campaign_id_status", "campaign_id", "status"),
        sparse_index("tubes", "laboratory_id", "received_at"),
        # All that `portal.results.advice` counts, without reading the tubes themselves.
        sa.Index(
            "ix_tubes_tested",
            "campaign_id",
            "outcome",
            "sample_count",
            "collection_session_id",
            postgresql_where=sa.text("outcome != ''"),
            sqlite_where=sa.text("outcome != ''"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(24), unique=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"))
    collection_session_id: Mapped[int] = mapped_column(
        sa.ForeignKey("collection_sessions.id"), index=True
    )
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    method: Mapped[str] = mapped_column(sa.String(12), default="pcr")
    specimen_type: Mapped[str] = mapped_column(sa.String(24), default="nasopharyngeal")
    pool_kind: Mapped[str] = mapped_column(sa.String(8), default="swab")
    planned_size: Mapped[int] = mapped_column(default=1)
    sample_count: Mapped[int] = mapped_column(default=0)
    status: Mapped[str] = mapped_column(sa.String(12), default="open")
    opened_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    sealed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    received_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    accession_number: Mapped[str] = mapped_column(sa.String(24), default="", index=True)
    counted_swabs: Mapped[int | None] = mapped_column()
    laboratory_id: Mapped[int | None] = mapped_column(sa.ForeignKey("sites.id"))
    rejected_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    rejection_reason: Mapped[str] = mapped_column(sa.String(24), default="")
    outcome: Mapped[str] = mapped_column(sa.String(14), default="")
    resulted_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    device_id: Mapped[int | None] = mapped_column()
    version: Mapped[int] = mapped_column(default=1)

    campaign: Mapped[Campaign] = relationship()
    collection_session: Mapped[CollectionSession] = relationship()
    site: Mapped[Site] = relationship(foreign_keys=[site_id])
    laboratory: Mapped[Site | None] = relationship(foreign_keys=[laboratory_id])
    samples: Mapped[list["Sample"]] = relationship(back_populates="tube")

    def __repr__(self) -> str:
        return self.code


class Sample(Model):
    """What was taken from one person, in one tube.

    `state` is that person's state by this sample (`portal.pools.rules`), computed from
    append-only results and findings, never typed in. `is_urgent`: was told "negative", and is no
    longer.

    `uid` and `result_code` are made on the device, so that a re-send changes nothing and the
    slip is in the citizen's hand before any network.
    """

    __tablename__ = "samples"
    __table_args__ = (
        sa.Index("ix_samples_site_id_id", "site_id", "id"),
        sa.Index(
            "ix_samples_campaign_id_state_collected_at", "campaign_id", "state", "collected_at"
        ),
        sa.Index("ix_samples_collection_session_id_id", "collection_session_id", "id"),
        sparse_index("samples", "retest_of_id"),
        sparse_index("samples", "retest_due_at"),
        # `portal.results.retests` asks for these few in exactly these words.
        sa.Index(
            "ix_samples_to_sample_again",
            "site_id",
            postgresql_where=sa.text(_TO_SAMPLE_AGAIN),
            sqlite_where=sa.text(_TO_SAMPLE_AGAIN),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(sa.Uuid, unique=True)
    result_code: Mapped[str] = mapped_column(sa.String(16), unique=True)
    tube_id: Mapped[int] = mapped_column(sa.ForeignKey("tubes.id"), index=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"))
    collection_session_id: Mapped[int] = mapped_column(sa.ForeignKey("collection_sessions.id"))
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    position: Mapped[int] = mapped_column(default=1)
    collected_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    collector_id: Mapped[int | None] = mapped_column(sa.ForeignKey("staff_profiles.id"))
    source: Mapped[str] = mapped_column(sa.String(16), default="typed")
    is_symptomatic: Mapped[bool] = mapped_column(default=False)
    subject_group: Mapped[str] = mapped_column(sa.String(24), default="screening")
    retest_of_id: Mapped[int | None] = mapped_column(sa.ForeignKey("samples.id"))
    state: Mapped[str] = mapped_column(sa.String(16), default="WAITING")
    state_reason: Mapped[str] = mapped_column(sa.String(40), default="")
    retest_due_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    is_urgent: Mapped[bool] = mapped_column(default=False)
    released_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    withdrawal_reason: Mapped[str] = mapped_column(sa.String(80), default="")
    added_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    declaration_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    version: Mapped[int] = mapped_column(default=1)

    tube: Mapped[Tube] = relationship(back_populates="samples")
    person: Mapped[Person] = relationship()
    collection_session: Mapped[CollectionSession] = relationship()
    site: Mapped[Site] = relationship()


class CustodyEvent(Model):
    """A tube changing hands or condition: sent, received, rejected, stored; append-only."""

    __tablename__ = "custody_events"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    tube_id: Mapped[int] = mapped_column(sa.ForeignKey("tubes.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(12))
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    site_id: Mapped[int | None] = mapped_column(sa.ForeignKey("sites.id"), index=True)
    actor_user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    note: Mapped[str] = mapped_column(sa.String(160), default="")

    tube: Mapped[Tube] = relationship()


class SampleBox(Model):
    """A box of tubes on its way: declared by the sender, counted by the laboratory."""

    __tablename__ = "sample_boxes"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(16), unique=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"), index=True)
    laboratory_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"), index=True)
    tube_codes: Mapped[list] = mapped_column(sa.JSON, default=list)  # type: ignore[type-arg]
    sent_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    sent_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    received_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    received_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    temperature_celsius: Mapped[float | None] = mapped_column(sa.Float)


class TubeLabelRange(Model):
    """Tube codes handed out: ours (prefix, day, serials) or a foreign pre-printed roll."""

    __tablename__ = "tube_label_ranges"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(8), default="own")
    prefix: Mapped[str] = mapped_column(sa.String(20))
    first_number: Mapped[int] = mapped_column()
    last_number: Mapped[int] = mapped_column()
    number_width: Mapped[int] = mapped_column(default=6)
    issued_on: Mapped[dt.date] = mapped_column(sa.Date)
    issued_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    site: Mapped[Site] = relationship()


class RetestLabel(Model):
    """A tube code reserved for one person's retest, printed beside the name on the team's sheet.

    Whoever opens a tube of this code and scans the person into it has linked the two samples.
    """

    __tablename__ = "retest_labels"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sample_id: Mapped[int] = mapped_column(sa.ForeignKey("samples.id"), unique=True)
    code: Mapped[str] = mapped_column(sa.String(24), unique=True)
    reserved_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    reserved_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))

    sample: Mapped[Sample] = relationship()
