"""Lots of rapid test kits as a list: register one, recall one."""

from typing import Any

from flask_babel import lazy_gettext
from sqlalchemy.orm import Session

from portal.actors import Actor
from portal.results import kits
from portal.results.models import KitLot
from portal.web.views import RecordView, SQLAInterface


class KitLotView(RecordView):
    """One line a lot; stations offer those that have not expired."""

    datamodel = SQLAInterface(KitLot)
    class_permission_name = "KitLots"
    route_base = "/kit-lots"
    list_title = lazy_gettext("Rapid test lots")
    show_title = lazy_gettext("Rapid test lot")
    add_title = lazy_gettext("New rapid test lot")
    withdraw_title = lazy_gettext("Withdraw the lot")
    base_order = ("expires_on", "desc")
    list_columns = [
        "kit_name", "lot_number", "expires_on", "reading_minutes", "latest_minutes",
        "withdrawn_at",
    ]  # fmt: skip
    show_columns = [*list_columns, "withdrawal_reason", "created_at"]
    search_columns = ["kit_name", "lot_number", "expires_on"]
    order_columns = ["expires_on", "kit_name", "lot_number"]
    add_columns = ["kit_name", "lot_number", "expires_on", "reading_minutes", "latest_minutes"]
    label_columns = {
        "kit_name": lazy_gettext("Name of the kit"),
        "lot_number": lazy_gettext("Lot number"),
        "expires_on": lazy_gettext("Last day of use"),
        "reading_minutes": lazy_gettext("Read after (minutes)"),
        "latest_minutes": lazy_gettext("Read until (minutes)"),
        "withdrawn_at": lazy_gettext("Withdrawn at"),
        "withdrawal_reason": lazy_gettext("Reason of withdrawal"),
        "created_at": lazy_gettext("Made"),
    }
    empty_text = lazy_gettext("No lot yet. Register the lots that arrived before the tests begin.")

    def create_record(self, session: Session, actor: Actor, values: dict[str, Any]) -> KitLot:
        """A lot that stations offer."""
        return kits.add_lot(
            session,
            actor,
            kit_name=values["kit_name"] or "",
            lot_number=values["lot_number"] or "",
            expires_on=values["expires_on"],
            reading_minutes=values["reading_minutes"] or 15,
            latest_minutes=values["latest_minutes"] or 30,
        )

    def withdraw_record(self, session: Session, actor: Actor, item: KitLot, reason: str) -> None:
        """Recalls the lot."""
        kits.withdraw_lot(session, actor, item, reason)
