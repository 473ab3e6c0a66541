"""Laboratory runs, append-only results, saved column mappings of analyser files."""

import datetime as dt

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.db import BigId, UtcDateTime, sparse_index
from portal.samples.models import Tube
from portal.sites.models import Site


class LabRun(Model):
    """A rack or plate tested together, with its controls. A failed control blocks its release."""

    __tablename__ = "lab_runs"
    __table_args__ = (
        sa.Index("ix_lab_runs_laboratory_id_status_id", "laboratory_id", "status", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(24), unique=True)
    laboratory_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    campaign_id: Mapped[int | None] = mapped_column(sa.ForeignKey("campaigns.id"), index=True)
    method: Mapped[str] = mapped_column(sa.String(12), default="pcr")
    kit_name: Mapped[str] = mapped_column(sa.String(80), default="")
    kit_lot: Mapped[str] = mapped_column(sa.String(40), default="")
    instrument: Mapped[str] = mapped_column(sa.String(80), default="")
    file_sha256: Mapped[str] = mapped_column(sa.String(64), default="", index=True)
    positive_control: Mapped[str] = mapped_column(sa.String(8), default="unset")
    negative_control: Mapped[str] = mapped_column(sa.String(8), default="unset")
    status: Mapped[str] = mapped_column(sa.String(12), default="draft")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    recorded_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    verified_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    verified_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    released_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    laboratory: Mapped[Site] = relationship()
    results: Mapped[list["LabResult"]] = relationship(back_populates="run")

    def __repr__(self) -> str:
        return self.code


class LabResult(Model):
    """The outcome of one tube, append-only: a correction is a new row with `amends_id`.

    `tube_id` is null while the code that the laboratory read belongs to no tube (finding F1).
    `ct_values` holds a cycle threshold for each gene, as `{"N": 31.2, "E": null}`; `best_ct` is the
    lowest of them. `test_number` is 1 for the first test of a tube, 2 when it was tested once more;
    `version` counts the amendments of one test. `hold_reason`: a verifier holds it back by hand.
    """

    __tablename__ = "lab_results"
    __table_args__ = (
        sa.Index("ix_lab_results_tube_id_version", "tube_id", "version"),
        sa.Index("ix_lab_results_laboratory_id_run_id", "laboratory_id", "run_id"),
        sparse_index("lab_results", "laboratory_id", "amends_id"),
        sparse_index("lab_results", "amends_id"),
        sparse_index("lab_results", "pool_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    tube_id: Mapped[int | None] = mapped_column(sa.ForeignKey("tubes.id"))
    pool_id: Mapped[int | None] = mapped_column(sa.ForeignKey("pools.id"))
    tube_code: Mapped[str] = mapped_column(sa.String(24), index=True)
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("lab_runs.id"), index=True)
    laboratory_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    well: Mapped[str] = mapped_column(sa.String(8), default="")
    outcome: Mapped[str] = mapped_column(sa.String(14))
    best_ct: Mapped[float | None] = mapped_column(sa.Float)
    ct_values: Mapped[dict] = mapped_column(sa.JSON, default=dict)  # type: ignore[type-arg]
    test_number: Mapped[int] = mapped_column(sa.SmallInteger, default=1)
    version: Mapped[int] = mapped_column(default=1)
    amends_id: Mapped[int | None] = mapped_column(sa.ForeignKey("lab_results.id"))
    amendment_reason: Mapped[str] = mapped_column(sa.String(160), default="")
    status: Mapped[str] = mapped_column(sa.String(10), default="recorded", index=True)
    hold_reason: Mapped[str] = mapped_column(sa.String(160), default="")
    recorded_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    verified_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    verified_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    released_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    tube: Mapped[Tube | None] = relationship()
    run: Mapped[LabRun] = relationship(back_populates="results")


class AnalyserMapping(Model):
    """How a laboratory's analyser file is read: which column is what, which words mean what.

    A change is a new row with the next `version`; the row before it is retired, and stays to say
    how the files of its time were read. Only rows that are not retired are offered.
    """

    __tablename__ = "analyser_mappings"
    __table_args__ = (sa.UniqueConstraint("laboratory_id", "name", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    laboratory_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    columns: Mapped[dict] = mapped_column(sa.JSON, default=dict)  # type: ignore[type-arg]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    retired_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    laboratory: Mapped[Site] = relationship()

    def __repr__(self) -> str:
        return self.name


class KitLot(Model):
    """A lot of rapid antigen kits: until when it may be used, and when its tests are read.

    A test is read between `reading_minutes` and `latest_minutes` after it began (the kit's leaflet
    says both); a line that shows up later means nothing. A recalled lot is withdrawn.
    """

    __tablename__ = "kit_lots"
    __table_args__ = (sa.UniqueConstraint("kit_name", "lot_number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kit_name: Mapped[str] = mapped_column(sa.String(80))
    lot_number: Mapped[str] = mapped_column(sa.String(40))
    expires_on: Mapped[dt.date] = mapped_column(sa.Date)
    reading_minutes: Mapped[int] = mapped_column(default=15)
    latest_minutes: Mapped[int] = mapped_column(default=30)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    withdrawal_reason: Mapped[str] = mapped_column(sa.String(160), default="")
    version: Mapped[int] = mapped_column(default=1)

    def __repr__(self) -> str:
        return f"{self.kit_name} · {self.lot_number}"


class AntigenRead(Model):
    """A rapid antigen result read at the point: by the collector, released by a second person.

    `due_at` is when the test may be read. `pcr_sample_id` is the RT-PCR sample that a positive
    called for.
    """

    __tablename__ = "antigen_reads"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sample_id: Mapped[int] = mapped_column(sa.ForeignKey("samples.id"), index=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"), index=True)
    kit_name: Mapped[str] = mapped_column(sa.String(80), default="")
    kit_lot: Mapped[str] = mapped_column(sa.String(40), default="")
    due_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(sa.String(14), default="")
    read_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    read_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    released_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    released_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"))
    pcr_sample_id: Mapped[int | None] = mapped_column(sa.ForeignKey("samples.id"))
