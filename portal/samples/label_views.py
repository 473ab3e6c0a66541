"""Tube labels: ranges handed to sites, and their printable sheets."""

import io
from typing import Any

from flask import request, send_file
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session
from wtforms import IntegerField, StringField

from portal import clock
from portal.actors import Actor
from portal.errors import Invalid
from portal.samples import labels
from portal.samples.models import TubeLabelRange
from portal.web.views import RecordView, SQLAInterface, Step, expose, permission
from reports import slips

MOST_ON_A_SHEET = 2000


class TubeLabelView(RecordView):
    """Label ranges: our own codes of a day, or a pre-printed roll by its first and last code."""

    datamodel = SQLAInterface(TubeLabelRange)
    class_permission_name = "TubeLabels"
    route_base = "/tube-labels"
    list_title = lazy_gettext("Tube labels")
    show_title = lazy_gettext("Label range")
    add_title = lazy_gettext("Hand out labels")
    base_order = ("id", "desc")
    list_columns = ["site.name", "kind", "prefix", "first_number", "last_number", "issued_on"]
    show_columns = [*list_columns, "created_at"]
    search_columns = ["site", "prefix", "issued_on"]
    order_columns = ["id", "issued_on"]
    add_columns = ["site", "letters", "count", "first_code", "last_code"]
    add_form_extra_fields = {
        "letters": StringField(
            lazy_gettext("Three letters"),
            description=lazy_gettext("For our own labels, for instance DNG."),
        ),
        "count": IntegerField(lazy_gettext("How many labels"), default=300),
        "first_code": StringField(
            lazy_gettext("First code of a roll"),
            description=lazy_gettext(
                "Only for pre-printed rolls: scan the first and the last label."
            ),
        ),
        "last_code": StringField(lazy_gettext("Last code of a roll")),
    }
    label_columns = {
        "site": lazy_gettext("Site"),
        "site.name": lazy_gettext("Site"),
        "kind": lazy_gettext("Kind"),
        "prefix": lazy_gettext("Begins with"),
        "first_number": lazy_gettext("First"),
        "last_number": lazy_gettext("Last"),
        "issued_on": lazy_gettext("Day"),
        "created_at": lazy_gettext("Made"),
    }
    choices_columns = {
        "kind": [("own", lazy_gettext("Own codes")), ("foreign", lazy_gettext("Pre-printed roll"))]
    }
    empty_text = lazy_gettext("No labels yet. Hand a range to each collection point.")

    def create_record(
        self, session: Session, actor: Actor, values: dict[str, Any]
    ) -> TubeLabelRange:
        """Our own codes, or a registered roll."""
        site_id = values["site_id"]
        if site_id is None:
            raise Invalid(gettext("Choose the site."))
        if values["first_code"]:
            return labels.register_roll(
                session,
                actor,
                site_id=site_id,
                first_code=values["first_code"],
                last_code=values["last_code"] or "",
            )
        return labels.issue(
            session,
            actor,
            site_id=site_id,
            letters=(values["letters"] or "").strip().upper(),
            count=values["count"] or 0,
            on=clock.today(),
        )

    def show_steps(self, item: TubeLabelRange) -> list[Step]:
        """The printable sheet."""
        return [
            Step(lazy_gettext("Print the labels"), f"/tube-labels/{item.id}/sheet", "can_show",
                 tone="primary")
        ]  # fmt: skip

    @expose("/<int:pk>/sheet")
    @permission("can_show")
    def sheet(self, pk: int) -> Any:
        """A4 sheets of labels with code and QR; `from` and `count` choose a part."""
        item = self.get_row(pk)
        start = max(0, request.args.get("from", 0, type=int))
        count = min(MOST_ON_A_SHEET, request.args.get("count", MOST_ON_A_SHEET, type=int))
        codes = list(labels.codes(item))[start : start + count]
        return send_file(
            io.BytesIO(slips.label_sheet(codes)),
            mimetype="application/pdf",
            download_name=f"nhan-ong-{item.prefix}.pdf",
        )
