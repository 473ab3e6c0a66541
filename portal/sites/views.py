"""Sites as a list, with the readiness checklist on each."""

from typing import Any

from flask import flash, redirect, request
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session

from portal.actors import Actor
from portal.sites import services
from portal.sites.models import Site
from portal.sites.rules import SiteStatus
from portal.sites.words import ITEM_LABELS, KIND_LABELS
from portal.web.views import (
    RecordView,
    SQLAInterface,
    Step,
    current_actor,
    expose,
    permission,
    transaction,
)

STATUS_CHOICES = [
    (SiteStatus.PLANNED, lazy_gettext("Planned"), "wait"),
    (SiteStatus.OPEN, lazy_gettext("Open"), "ok"),
    (SiteStatus.CLOSED, lazy_gettext("Closed"), "mute"),
]


class SiteView(RecordView):
    """Collection points, laboratories and the other places of the department."""

    datamodel = SQLAInterface(Site)
    class_permission_name = "Sites"
    route_base = "/sites"
    list_title = lazy_gettext("Sites")
    show_title = lazy_gettext("Site")
    add_title = lazy_gettext("New site")
    edit_title = lazy_gettext("Correct the site")
    base_order = ("name", "asc")
    show_template = "sites/site.html"
    import_endpoint = "SiteImportView.upload"
    list_columns = ["code", "name", "kind", "area.name", "status", "is_fee_charging"]
    show_columns = [
        "code",
        "name",
        "kind",
        "area.name",
        "address",
        "phone",
        "is_fee_charging",
        "status",
        "opened_at",
        "closed_at",
    ]
    search_columns = ["code", "name", "kind", "status", "area", "is_fee_charging"]
    order_columns = ["code", "name", "kind", "status"]
    add_columns = ["code", "name", "kind", "area", "address", "phone", "is_fee_charging"]
    edit_columns = add_columns
    link_columns = ("status", "kind")
    option_columns = {"area": ["name_folded", "name"]}
    label_columns = {
        "code": lazy_gettext("Code"),
        "name": lazy_gettext("Name"),
        "kind": lazy_gettext("Kind"),
        "area": lazy_gettext("Area"),
        "area.name": lazy_gettext("Area"),
        "address": lazy_gettext("Address"),
        "phone": lazy_gettext("Phone"),
        "is_fee_charging": lazy_gettext("Charges fees"),
        "status": lazy_gettext("Status"),
        "opened_at": lazy_gettext("Opened"),
        "closed_at": lazy_gettext("Closed"),
    }
    choices_columns = {
        "kind": list(KIND_LABELS.items()),
        "status": STATUS_CHOICES,
    }
    empty_text = lazy_gettext("No site yet. Add the collection points and laboratories first.")

    def create_record(self, session: Session, actor: Actor, values: dict[str, Any]) -> Site:
        """A new site, planned."""
        return services.create(session, actor, _details(values))

    def correct_record(
        self, session: Session, actor: Actor, item: Site, values: dict[str, Any]
    ) -> None:
        """Corrected details."""
        services.correct(session, actor, site_id=item.id, details=_details(values))

    def show_context(self, item: Site) -> dict[str, Any]:
        """The checklist."""
        return {"readiness": item.readiness, "item_labels": ITEM_LABELS}

    def show_steps(self, item: Site) -> list[Step]:
        """Opening and closing."""
        if item.status == SiteStatus.OPEN:
            return [
                Step(
                    lazy_gettext("Close the site"),
                    f"/sites/{item.id}/close",
                    "can_open",
                    is_post=True,
                    question=lazy_gettext("Close this site? Devices stop scanning here."),
                )
            ]
        return [
            Step(lazy_gettext("Open the site"), f"/sites/{item.id}/open", "can_open",
                 is_post=True, tone="primary")
        ]  # fmt: skip

    @expose("/<int:pk>/<any(open, close):wanted>", methods=["POST"])
    @permission("can_open")
    def move(self, pk: int, wanted: str) -> Any:
        """Opens or closes a site."""
        item = self.get_row(pk)
        status = SiteStatus.OPEN if wanted == "open" else SiteStatus.CLOSED
        with transaction(current_actor()) as session:
            services.set_status(session, current_actor(), site_id=item.id, status=status)
        flash(gettext("Saved."), "success")
        return redirect(self.row_url(item))

    @expose("/<int:pk>/ready", methods=["POST"])
    @permission("can_confirm_ready")
    def ready(self, pk: int) -> Any:
        """Ticks the lines of the checklist as sent; what is not sent is not ready."""
        item = self.get_row(pk)
        with transaction(current_actor()) as session:
            for line in item.readiness:
                services.confirm_ready(
                    session,
                    current_actor(),
                    site_id=item.id,
                    item=line.item,
                    is_ready=line.item in request.form.getlist("item"),
                )
        flash(gettext("Saved."), "success")
        return redirect(self.row_url(item))


def _details(values: dict[str, Any]) -> services.SiteDetails:
    return services.SiteDetails(
        code=values["code"] or "",
        name=values["name"] or "",
        kind=values["kind"] or "",
        area_id=values["area_id"] or 0,
        address=values["address"] or "",
        phone=values["phone"] or "",
        is_fee_charging=bool(values["is_fee_charging"]),
    )
