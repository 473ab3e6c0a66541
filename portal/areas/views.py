"""The tree of administrative units, to look up codes and what became of a unit."""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext

from portal.areas.models import AdminUnit, AdminUnitSuccession
from portal.areas.rules import KINDS, Level
from portal.web.views import RecordView, SQLAInterface, db_session

LEVELS = [
    (Level.PROVINCE, lazy_gettext("Province")),
    (Level.DISTRICT, lazy_gettext("District")),
    (Level.COMMUNE, lazy_gettext("Commune")),
]
# The kinds keep their Vietnamese words in every language: they are part of the name.
KIND_WORDS = [(kind, word) for word, kind in KINDS.items()]


class AreaView(RecordView):
    """Units of both trees; decrees change them by `portal.areas.services`."""

    datamodel = SQLAInterface(AdminUnit)
    class_permission_name = "Areas"
    route_base = "/areas"
    list_title = lazy_gettext("Areas")
    show_title = lazy_gettext("Area")
    show_template = "areas/area.html"
    base_order = ("name_folded", "asc")
    list_columns = ["kind", "name", "code", "level", "parent.name", "valid_from", "valid_to"]
    show_columns = list_columns
    search_columns = ["name_folded", "code", "level", "parent"]
    order_columns = ["name_folded", "code"]
    sort_columns = {"name": "name_folded"}
    option_columns = {"parent": ["name_folded", "name"]}
    label_columns = {
        "kind": lazy_gettext("Kind"),
        "name": lazy_gettext("Name"),
        "name_folded": lazy_gettext("Name without tones"),
        "code": lazy_gettext("Code"),
        "level": lazy_gettext("Level"),
        "parent": lazy_gettext("Part of"),
        "parent.name": lazy_gettext("Part of"),
        "valid_from": lazy_gettext("From"),
        "valid_to": lazy_gettext("Until"),
    }
    choices_columns = {"level": LEVELS, "kind": KIND_WORDS}
    empty_text = lazy_gettext("No unit found. The tree is loaded with: tram db upgrade")

    def show_context(self, item: AdminUnit) -> dict[str, Any]:
        """What the unit came from and what became of it."""
        links = db_session().scalars(
            sa.select(AdminUnitSuccession).where(
                sa.or_(AdminUnitSuccession.old_id == item.id, AdminUnitSuccession.new_id == item.id)
            )
        )
        found = list(links)
        return {
            "heirs": [link for link in found if link.old_id == item.id],
            "sources": [link for link in found if link.new_id == item.id],
        }
