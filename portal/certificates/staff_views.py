"""The auditor's room: results by filter, one PDF or a ZIP of all; certificates and requests."""

import datetime as dt
import io
from typing import Any

from flask import current_app, flash, redirect, request, send_file, url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session

from portal.actors import Actor
from portal.areas.models import AdminUnit
from portal.audit import services as audit
from portal.campaigns.models import CollectionSession
from portal.certificates import batch, queries, rules, sealing, services
from portal.certificates.models import Certificate, CorrectionRequest
from portal.certificates.public_views import office
from portal.certificates.queries import ResultFilter
from portal.declarations.rules import grouped
from portal.errors import Invalid
from portal.web.views import (
    RecordView,
    SQLAInterface,
    StationView,
    Step,
    current_actor,
    db_session,
    expose,
    permission,
    transaction,
)

KINDS = [
    ("negative", lazy_gettext("Negative, alone"), "ok"),
    ("pool_negative", lazy_gettext("Negative, in a pool"), "ok"),
    ("positive", lazy_gettext("Positive"), "bad"),
    ("retest_notice", lazy_gettext("To be sampled again"), "wait"),
]
STATUSES = [
    ("valid", lazy_gettext("Valid"), "ok"),
    ("replaced", lazy_gettext("Replaced"), "warn"),
    ("revoked", lazy_gettext("Revoked"), "bad"),
]
_SHOWN = 50


class ResultPaperView(StationView):
    """Filters as chips, the number found before anything is made, one PDF or all as a ZIP."""

    class_permission_name = "ResultPapers"
    route_base = "/result-papers"
    default_view = "index"

    @expose("/")
    @permission("can_list")
    def index(self) -> Any:
        """The filter, how many it finds, the first of them."""
        wanted, problem = asked_filter()
        session = db_session()
        found = queries.count_results(session, wanted, most=batch.MOST_RESULTS)
        facts = queries.facts_of(session, queries.result_ids(session, wanted, limit=_SHOWN))
        if facts:
            with transaction(current_actor()) as writing:
                keys = [one.sample_id for one in facts]
                audit.read_many(writing, current_actor(), "samples", keys, action="list results")
        campaigns, sites = queries.campaigns_and_sites(session)
        return self.render_template(
            "certificates/papers.html",
            wanted=wanted,
            problem=problem,
            found=found,
            most=batch.MOST_RESULTS,
            sitting=_sitting(session, wanted),
            results=[(one, rules.kind_of(one)) for one in facts],
            kinds=KINDS,
            campaigns=campaigns,
            sites=sites,
            chips=_chips(session, wanted, campaigns, sites),
            masked_name=rules.masked_name,
            grouped=grouped,
        )

    @expose("/zip", methods=["POST"])
    @permission("can_export")
    def zip(self) -> Any:
        """Asks for all of the filter, not of a page."""
        wanted, _problem = asked_filter()
        try:
            with transaction(current_actor()) as session:
                batch.ask(session, current_actor(), wanted)
        except Invalid as error:
            flash(error.message, "warning")
            return redirect(url_for("ResultPaperView.index", **filter_arguments(wanted)))
        flash(gettext("The file is being written. You can go on working meanwhile."), "info")
        return redirect(url_for("JobsView.index"))

    @expose("/<int:sample_id>.pdf", methods=["POST"])
    @permission("can_export")
    def paper(self, sample_id: int) -> Any:
        """One certificate, to save or print."""
        with transaction(current_actor()) as session:
            certificate = services.issue(
                session, current_actor(), sample_id=sample_id, office=office()
            )
            services.note_print(session, current_actor(), certificate)
        return send_file(
            io.BytesIO(sealing.paper_of(certificate, current_app.config["TRAM"])),
            mimetype="application/pdf",
            download_name=f"ket-qua-{certificate.code}.pdf",
        )


class CertificateView(RecordView):
    """Issued certificates and what became of them."""

    datamodel = SQLAInterface(Certificate)
    class_permission_name = "Certificates"
    route_base = "/certificates"
    list_title = lazy_gettext("Certificates")
    show_title = lazy_gettext("Certificate")
    withdraw_title = lazy_gettext(
        "Revoke the certificate. The reason is shown to everyone who verifies it: write no names"
    )
    is_personal = True
    base_order = ("id", "desc")
    list_columns = ["code", "kind", "status", "number", "issued_at", "ended_at"]
    show_columns = [
        "code",
        "kind",
        "sample.result_code",
        "status",
        "number",
        "result_version",
        "issued_at",
        "ended_at",
        "ending_reason",
    ]
    search_columns = ["code", "kind", "status", "issued_at"]
    order_columns = ["issued_at"]
    choices_columns = {"kind": KINDS, "status": STATUSES}
    link_columns = ("kind", "status")
    label_columns = {
        "code": lazy_gettext("Code"),
        "kind": lazy_gettext("Kind"),
        "sample.result_code": lazy_gettext("Sample code"),
        "status": lazy_gettext("Status"),
        "number": lazy_gettext("Issue"),
        "result_version": lazy_gettext("Version of the result"),
        "issued_at": lazy_gettext("Issued at"),
        "ended_at": lazy_gettext("Ended at"),
        "ending_reason": lazy_gettext("Reason"),
    }
    empty_text = lazy_gettext("No certificate yet: one is made when a result is first saved.")

    def withdraw_record(
        self, session: Session, actor: Actor, item: Certificate, reason: str
    ) -> None:
        """Revoked, with the reason."""
        services.revoke(session, actor, certificate_id=item.id, reason=reason)

    def show_steps(self, item: Certificate) -> list[Step]:
        """The paper again, byte for byte."""
        return [
            Step(
                lazy_gettext("Save as PDF"),
                f"/certificates/{item.id}.pdf",
                "can_show",
                is_post=True,
            )
        ]

    @expose("/<int:pk>.pdf", methods=["POST"])
    @permission("can_show")
    def paper(self, pk: int) -> Any:
        """The paper as it was issued."""
        certificate = self.get_row(pk)
        with transaction(current_actor()) as session:
            services.note_print(session, current_actor(), certificate)
        return send_file(
            io.BytesIO(sealing.paper_of(certificate, current_app.config["TRAM"])),
            mimetype="application/pdf",
            as_attachment=True,
            download_name=f"ket-qua-{certificate.code}.pdf",
        )


class CorrectionRequestView(RecordView):
    """What citizens say is wrong; closing one takes an answer."""

    datamodel = SQLAInterface(CorrectionRequest)
    class_permission_name = "CorrectionRequests"
    route_base = "/correction-requests"
    list_title = lazy_gettext("Correction requests")
    show_title = lazy_gettext("Correction request")
    withdraw_title = lazy_gettext("Close the request: what was done?")
    is_personal = True
    base_order = ("id", "desc")
    list_columns = ["asked_at", "status", "message"]
    show_columns = ["asked_at", "status", "message", "sample.result_code", "answer", "closed_at"]
    search_columns = ["status", "asked_at"]
    order_columns = ["asked_at"]
    choices_columns = {
        "status": [
            ("open", lazy_gettext("Open"), "wait"),
            ("closed", lazy_gettext("Closed"), "ok"),
        ]
    }
    link_columns = ("status",)
    label_columns = {
        "asked_at": lazy_gettext("Asked at"),
        "status": lazy_gettext("Status"),
        "message": lazy_gettext("What is wrong"),
        "sample.result_code": lazy_gettext("Sample code"),
        "answer": lazy_gettext("What was done"),
        "closed_at": lazy_gettext("Closed at"),
    }
    empty_text = lazy_gettext("No request. Citizens ask on the page of their result.")

    def withdraw_record(
        self, session: Session, actor: Actor, item: CorrectionRequest, reason: str
    ) -> None:
        """Closed, with what was done."""
        services.close_request(session, actor, request_id=item.id, answer=reason)


def asked_filter() -> tuple[ResultFilter, str]:
    """The filter of the address, and what is wrong with it."""
    values = request.values
    problem = ""
    days: dict[str, dt.date | None] = {}
    for name in ("first_day", "last_day"):
        try:
            days[name] = dt.date.fromisoformat(values[name]) if values.get(name) else None
        except ValueError:
            days[name] = None
            problem = gettext("A day is written as 31/12/2026.")
    kinds = {value for value, *_rest in KINDS}
    kind = values.get("kind", "")
    return (
        ResultFilter(
            campaign_id=values.get("campaign_id", type=int),
            collection_session_id=values.get("collection_session_id", type=int),
            site_id=values.get("site_id", type=int),
            area_id=values.get("area_id", type=int),
            kind=kind if kind in kinds else "",
            first_day=days["first_day"],
            last_day=days["last_day"],
        ),
        problem,
    )


def filter_arguments(wanted: ResultFilter, without: str = "") -> dict[str, Any]:
    """A filter as arguments of an address, one of them left out."""
    values = {
        "campaign_id": wanted.campaign_id,
        "collection_session_id": wanted.collection_session_id,
        "site_id": wanted.site_id,
        "area_id": wanted.area_id,
        "kind": wanted.kind,
        "first_day": wanted.first_day.isoformat() if wanted.first_day else "",
        "last_day": wanted.last_day.isoformat() if wanted.last_day else "",
    }
    return {name: value for name, value in values.items() if value and name != without}


def _sitting(session: Session, wanted: ResultFilter) -> CollectionSession | None:
    """The session of the filter, whose official list can be asked for."""
    key = wanted.collection_session_id
    return session.get(CollectionSession, key) if key else None


def _chips(
    session: Session, wanted: ResultFilter, campaigns: list[Any], sites: list[Any]
) -> list[tuple[str, str]]:
    """Each part of the filter in words, with the address without it."""
    names = {
        "campaign_id": {row.id: row.name for row in campaigns}.get(wanted.campaign_id),
        "site_id": {row.id: row.name for row in sites}.get(wanted.site_id),
        "kind": {value: str(word) for value, word, _tone in KINDS}.get(wanted.kind),
        "first_day": wanted.first_day
        and gettext("from %(day)s", day=f"{wanted.first_day:%d/%m/%Y}"),
        "last_day": wanted.last_day and gettext("to %(day)s", day=f"{wanted.last_day:%d/%m/%Y}"),
    }
    if wanted.collection_session_id:
        sitting = session.get(CollectionSession, wanted.collection_session_id)
        names["collection_session_id"] = sitting.code if sitting else None
    if wanted.area_id:
        area = session.get(AdminUnit, wanted.area_id)
        names["area_id"] = area.name if area else None
    return [
        (str(word), url_for("ResultPaperView.index", **filter_arguments(wanted, without=name)))
        for name, word in names.items()
        if word
    ]
