"""Samples and tubes as lists: search, show, correct, withdraw, export."""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext
from sqlalchemy.orm import Session

from portal.actors import Actor
from portal.campaigns.words import SPECIMENS
from portal.pools.rules import FINAL, STATE_NAMES, PersonState
from portal.results import corrections
from portal.results.models import LabResult
from portal.samples.models import CustodyEvent, Sample, Tube
from portal.samples.words import OUTCOMES, RESULT_STATUSES, TUBE_STATUSES
from portal.web.views import RecordView, SQLAInterface, db_session

_TONES = {
    PersonState.WAITING: "wait",
    PersonState.HOLD: "warn",
    PersonState.SUSPECT_POOL: "warn",
    PersonState.RETEST_DUE: "warn",
    PersonState.RETEST_RUNNING: "wait",
    PersonState.POS_CONFIRMED: "bad",
    PersonState.UNRESOLVED: "mute",
}
STATES = [(state, name, _TONES.get(state, "ok")) for state, name in STATE_NAMES.items()]
SOURCES = [
    ("cccd", lazy_gettext("citizen card")),
    ("personal_qr", lazy_gettext("personal QR")),
    ("bhyt", lazy_gettext("health insurance card")),
    ("declaration", lazy_gettext("declaration code")),
    ("hc1", lazy_gettext("HC1 certificate")),
    ("typed", lazy_gettext("typed in")),
]
GROUPS = [
    ("screening", lazy_gettext("community screening")),
    ("f1", lazy_gettext("close contact (F1)")),
    ("f2", lazy_gettext("contact of a contact (F2)")),
    ("symptomatic", lazy_gettext("cough and fever")),
    ("lockdown", lazy_gettext("locked-down area")),
    ("traveller", lazy_gettext("from an area with cases")),
    ("health_worker", lazy_gettext("health worker")),
    ("other", lazy_gettext("other group")),
]


class SampleView(RecordView):
    """One line a sample: one person, one swab."""

    datamodel = SQLAInterface(Sample)
    class_permission_name = "Samples"
    route_base = "/samples"
    list_title = lazy_gettext("Samples")
    show_title = lazy_gettext("Sample")
    edit_title = lazy_gettext("Correct the sample")
    withdraw_title = lazy_gettext("Withdraw the sample")
    is_personal = True
    base_order = ("id", "desc")
    list_columns = [
        "person.full_name",
        "person.birth_year",
        "tube.code",
        "site.name",
        "collected_at",
        "state",
        "source",
    ]
    show_columns = [
        "person.full_name",
        "person.birth_year",
        "person.phone",
        "person.address",
        "tube.code",
        "position",
        "site.name",
        "collection_session.code",
        "collected_at",
        "source",
        "subject_group",
        "is_symptomatic",
        "state",
        "state_reason",
        "retest_due_at",
        "released_at",
        "withdrawn_at",
        "withdrawal_reason",
    ]
    search_columns = ["state", "site", "source", "subject_group", "collected_at", "is_urgent"]
    order_columns = ["id"]  # no index serves a sort by time over a province
    related_search_columns = ("person.full_name", "tube.code")
    edit_columns = ["subject_group", "is_symptomatic"]
    link_columns = ("state", "site", "source", "is_urgent")
    option_columns = {"site": ["name", "code"]}
    export_columns = [
        "person.full_name",
        "person.birth_year",
        "person.phone",
        "person.address",
        "tube.code",
        "site.name",
        "collected_at",
        "source",
        "state",
    ]
    label_columns = {
        "person.full_name": lazy_gettext("Person"),
        "person.birth_year": lazy_gettext("Year of birth"),
        "person.phone": lazy_gettext("Phone"),
        "person.address": lazy_gettext("Address"),
        "tube.code": lazy_gettext("Tube"),
        "position": lazy_gettext("Position in the tube"),
        "site": lazy_gettext("Site"),
        "site.name": lazy_gettext("Site"),
        "collection_session.code": lazy_gettext("Collection session"),
        "collected_at": lazy_gettext("Collected at"),
        "source": lazy_gettext("Read from"),
        "subject_group": lazy_gettext("Group"),
        "is_symptomatic": lazy_gettext("Has symptoms"),
        "state": lazy_gettext("State"),
        "state_reason": lazy_gettext("Why"),
        "retest_due_at": lazy_gettext("Sample again until"),
        "released_at": lazy_gettext("Released at"),
        "withdrawn_at": lazy_gettext("Withdrawn at"),
        "withdrawal_reason": lazy_gettext("Reason of withdrawal"),
        "is_urgent": lazy_gettext("Urgent"),
    }
    choices_columns = {"state": STATES, "source": SOURCES, "subject_group": GROUPS}
    import_endpoint = "SampleImportView.upload"
    create_endpoint = "SampleEntryView.add"
    create_permission = ("can_add", "SampleEntries")
    empty_text = lazy_gettext("No sample yet. Samples come from the scanning screens.")

    def correct_record(
        self, session: Session, actor: Actor, item: Sample, values: dict[str, Any]
    ) -> None:
        """Group and symptoms; matched anew."""
        corrections.correct_sample(session, actor, item, values)

    def withdraw_record(self, session: Session, actor: Actor, item: Sample, reason: str) -> None:
        """Takes the sample out of the round."""
        corrections.withdraw_sample(session, actor, item, reason)


class TubeView(RecordView):
    """One line a tube."""

    datamodel = SQLAInterface(Tube)
    class_permission_name = "Tubes"
    route_base = "/tubes"
    list_title = lazy_gettext("Tubes")
    show_title = lazy_gettext("Tube")
    edit_title = lazy_gettext("Correct the tube")
    withdraw_title = lazy_gettext("Note the tube as lost")
    show_template = "results/tube.html"
    base_order = ("id", "desc")
    list_columns = [
        "code",
        "site.name",
        "sample_count",
        "counted_swabs",
        "status",
        "outcome",
        "received_at",
        "resulted_at",
    ]
    show_columns = [
        "code",
        "site.name",
        "campaign.name",
        "collection_session.code",
        "specimen_type",
        "planned_size",
        "sample_count",
        "counted_swabs",
        "status",
        "outcome",
        "opened_at",
        "sealed_at",
        "sent_at",
        "received_at",
        "accession_number",
        "laboratory.name",
        "resulted_at",
        "rejected_at",
        "rejection_reason",
    ]
    search_columns = ["code", "status", "outcome", "site", "received_at", "accession_number"]
    order_columns = ["id", "code"]
    edit_columns = ["counted_swabs", "accession_number"]
    link_columns = ("status", "outcome", "site")
    option_columns = {"site": ["name", "code"]}
    label_columns = {
        "code": lazy_gettext("Tube"),
        "site": lazy_gettext("Site"),
        "site.name": lazy_gettext("Site"),
        "campaign.name": lazy_gettext("Campaign"),
        "collection_session.code": lazy_gettext("Collection session"),
        "specimen_type": lazy_gettext("Specimen type"),
        "planned_size": lazy_gettext("Places"),
        "sample_count": lazy_gettext("Samples"),
        "counted_swabs": lazy_gettext("Counted swabs"),
        "status": lazy_gettext("State"),
        "outcome": lazy_gettext("Outcome"),
        "opened_at": lazy_gettext("Opened at"),
        "sealed_at": lazy_gettext("Sealed at"),
        "sent_at": lazy_gettext("Sent at"),
        "received_at": lazy_gettext("Received at"),
        "accession_number": lazy_gettext("Accession number"),
        "laboratory.name": lazy_gettext("Laboratory"),
        "resulted_at": lazy_gettext("Result released at"),
        "rejected_at": lazy_gettext("Rejected at"),
        "rejection_reason": lazy_gettext("Reason of rejection"),
    }
    choices_columns = {
        "status": [(status, said[0], said[1]) for status, said in TUBE_STATUSES.items()],
        "outcome": [(outcome, said[0], said[1]) for outcome, said in OUTCOMES.items()],
        "specimen_type": SPECIMENS,
    }
    import_endpoint = "SampleImportView.upload"
    empty_text = lazy_gettext("No tube yet. Tubes are opened by scanning their label.")

    def show_context(self, item: Tube) -> dict[str, Any]:
        """Members without names, results with their versions, and the way of the tube."""
        session = db_session()
        results = session.scalars(
            sa.select(LabResult).where(LabResult.tube_id == item.id).order_by(LabResult.id)
        ).all()
        states = session.execute(
            sa.select(Sample.state, sa.func.count(Sample.id))
            .where(Sample.tube_id == item.id, Sample.withdrawn_at.is_(None))
            .group_by(Sample.state)
        ).all()
        events = session.scalars(
            sa.select(CustodyEvent)
            .where(CustodyEvent.tube_id == item.id)
            .order_by(CustodyEvent.at, CustodyEvent.id)
        ).all()
        return {
            "results": results,
            "states": states,
            "events": events,
            "state_names": STATE_NAMES,
            "final": FINAL,
            "outcomes": OUTCOMES,
            "result_statuses": RESULT_STATUSES,
            "custody": CUSTODY,
        }

    def correct_record(
        self, session: Session, actor: Actor, item: Tube, values: dict[str, Any]
    ) -> None:
        """The count and the laboratory's number; matched anew."""
        corrections.correct_tube(session, actor, item, values)

    def withdraw_record(self, session: Session, actor: Actor, item: Tube, reason: str) -> None:
        """Notes the tube as lost."""
        corrections.lose_tube(session, actor, item, reason)


CUSTODY = {
    "sent": lazy_gettext("sent"),
    "received": lazy_gettext("received"),
    "rejected": lazy_gettext("rejected"),
    "lost": lazy_gettext("lost"),
    "stored": lazy_gettext("stored"),
}
