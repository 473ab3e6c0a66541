"""The auditor's list of everything that was written or opened."""

from typing import Any

from flask_babel import gettext, lazy_gettext
from markupsafe import Markup, escape

from portal.audit import names
from portal.audit.models import AuditEvent
from portal.web.views import RecordView, SQLAInterface


def _change(change: dict[str, Any]) -> Markup:
    """Column: before → after, one a line."""
    lines = []
    for name, pair in (change or {}).items():
        if pair == []:
            lines.append(f"{name}: {gettext('erased')}")
            continue
        before, after = pair if isinstance(pair, list) and len(pair) == 2 else ("", pair)  # noqa: PLR2004
        lines.append(
            f"{name}: {'—' if before is None else before} → {'—' if after is None else after}"
        )
    return Markup("\n").join(escape(line) for line in lines)


class AuditView(RecordView):
    """Read only: the trail is never changed."""

    datamodel = SQLAInterface(AuditEvent)
    class_permission_name = "AuditEvents"
    route_base = "/audit"
    list_title = lazy_gettext("Audit log")
    show_title = lazy_gettext("Audit event")
    list_columns = [
        "at",
        "action",
        "table_name",
        "row_key",
        "row_count",
        "actor_name",
        "actor_kind",
    ]
    show_columns = [*list_columns, "purpose", "request_id", "shown_change", "place"]
    # A file holds what is written down; the values under a person's key stay under it.
    export_columns = [*list_columns, "purpose", "request_id", "change"]
    is_personal = True
    search_columns = [
        "at", "action", "table_name", "row_key", "actor_name", "actor_kind", "purpose",
        "request_id",
    ]  # fmt: skip
    order_columns = ["at"]
    link_columns = ("action", "table_name", "row_key", "actor_kind")
    formatters_columns = {
        "shown_change": _change,
        "action": names.step,
        "table_name": names.table,
    }
    choices_columns = {
        "actor_kind": [
            ("staff", lazy_gettext("staff")),
            ("device", lazy_gettext("device")),
            ("system", lazy_gettext("system")),
            ("public", lazy_gettext("public")),
        ]
    }
    label_columns = {
        "at": lazy_gettext("When"),
        "action": lazy_gettext("Step"),
        "table_name": lazy_gettext("Table"),
        "row_key": lazy_gettext("Row"),
        "row_count": lazy_gettext("Rows"),
        "actor_name": lazy_gettext("Who"),
        "actor_kind": lazy_gettext("Kind of actor"),
        "purpose": lazy_gettext("Purpose"),
        "request_id": lazy_gettext("Request"),
        "shown_change": lazy_gettext("Before → after"),
        "change": lazy_gettext("Before → after"),
        "place": lazy_gettext("Sealed as entry"),
    }
    empty_text = lazy_gettext("Nothing has been written yet.")
