"""Devices of a site, and what of theirs could not be applied."""

from typing import Any

from flask import flash, redirect
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from portal.actors import Actor
from portal.errors import Invalid
from portal.ingest import services
from portal.ingest.models import Device, QuarantinedEvent
from portal.ingest.words import REFUSALS
from portal.web.views import (
    RecordView,
    SQLAInterface,
    Step,
    current_actor,
    expose,
    permission,
    transaction,
)


class DeviceView(RecordView):
    """Scanning devices: enrolled here, their token shown once; withdrawing ends the token."""

    datamodel = SQLAInterface(Device)
    class_permission_name = "Devices"
    route_base = "/devices"
    list_title = lazy_gettext("Devices")
    show_title = lazy_gettext("Device")
    add_title = lazy_gettext("Enrol a device")
    base_order = ("id", "desc")
    list_columns = ["name", "site.name", "status", "enrolled_at", "last_seen_at"]
    show_columns = ["name", "uid", "site.name", "status", "enrolled_at", "last_seen_at",
                    "revoked_at", "next_seq"]  # fmt: skip
    search_columns = ["name", "site", "status"]
    order_columns = ["id", "name"]
    add_columns = ["name", "site"]
    label_columns = {
        "name": lazy_gettext("Name"),
        "uid": lazy_gettext("Device ID"),
        "site": lazy_gettext("Site"),
        "site.name": lazy_gettext("Site"),
        "status": lazy_gettext("Status"),
        "enrolled_at": lazy_gettext("Enrolled"),
        "last_seen_at": lazy_gettext("Last heard of"),
        "revoked_at": lazy_gettext("Revoked"),
        "next_seq": lazy_gettext("Next batch number"),
    }
    choices_columns = {
        "status": [
            ("active", lazy_gettext("Active"), "ok"),
            ("revoked", lazy_gettext("Revoked"), "mute"),
        ]
    }
    empty_text = lazy_gettext("No device yet. Enrol one for each table of a collection site.")

    def create_record(self, session: Session, actor: Actor, values: dict[str, Any]) -> Device:
        """An enrolled device; its token is shown with the answer and kept nowhere."""
        if values["site_id"] is None:
            raise Invalid(gettext("Choose the site."))
        device, token = services.enrol_device(
            session, actor, site_id=values["site_id"], name=values["name"] or ""
        )
        text = gettext(
            "Type this token into the device now; it is not shown again: %(token)s", token=token
        )
        flash(text, "warning")
        return device

    def withdraw_record(self, session: Session, actor: Actor, item: Device, reason: str) -> None:
        """Ends the token; the audit log keeps who did it and when."""
        del reason
        services.revoke_device(session, actor, device_id=item.id)


def _lines(facts: list[str]) -> Markup:
    """Column: one fact a line."""
    return Markup("\n").join(escape(fact) for fact in facts)


class QuarantineView(RecordView):
    """Events that could not be applied, with their reason."""

    datamodel = SQLAInterface(QuarantinedEvent)
    class_permission_name = "Quarantine"
    route_base = "/quarantined-events"
    list_title = lazy_gettext("Events not applied")
    show_title = lazy_gettext("Event not applied")
    base_order = ("id", "desc")
    list_columns = ["quarantined_at", "site.name", "device.name", "code", "status"]
    show_columns = ["quarantined_at", "site.name", "device.name", "facts", "event_id", "code",
                    "detail", "status"]  # fmt: skip
    # A file names nobody: whose event it is stands on its page, whose opening is written down.
    export_columns = ["quarantined_at", "site.name", "device.name", "event_id", "code", "detail",
                      "status"]  # fmt: skip
    is_personal = True
    formatters_columns = {"facts": _lines}
    search_columns = ["site", "code", "status"]
    order_columns = ["id"]
    label_columns = {
        "quarantined_at": lazy_gettext("Time"),
        "site": lazy_gettext("Site"),
        "site.name": lazy_gettext("Site"),
        "device.name": lazy_gettext("Device"),
        "event_id": lazy_gettext("Event ID"),
        "code": lazy_gettext("Reason"),
        "facts": lazy_gettext("Content"),
        "detail": lazy_gettext("What the device was told"),
        "status": lazy_gettext("Status"),
    }
    choices_columns = {
        "code": REFUSALS,
        "status": [
            ("open", lazy_gettext("Not decided"), "wait"),
            ("again", lazy_gettext("Applied again soon"), "wait"),
            ("done", lazy_gettext("Applied again"), "ok"),
            ("closed", lazy_gettext("Closed"), "mute"),
        ],
    }
    empty_text = lazy_gettext("Nothing is here: every event that devices sent was applied.")

    def show_steps(self, item: QuarantinedEvent) -> list[Step]:
        """Trying again, once the cause is put right."""
        if item.status != "open":
            return []
        url = f"{self.route_base}/{item.id}/again"
        return [Step(lazy_gettext("Apply again"), url, "can_apply", is_post=True, tone="primary")]

    @expose("/<int:pk>/again", methods=["POST"])
    @permission("can_apply")
    def again(self, pk: int) -> Any:
        """Hands the event to the applier once more."""
        item = self.get_row(pk)
        with transaction(current_actor()) as session:
            services.try_again(session, current_actor(), event_pk=item.id)
        flash(gettext("The event is applied again within a few seconds."), "success")
        return redirect(self.row_url(item))

    def withdraw_record(
        self, session: Session, actor: Actor, item: QuarantinedEvent, reason: str
    ) -> None:
        """Leaves the event unapplied for good."""
        services.close_event(session, actor, event_pk=item.id, reason=reason)
