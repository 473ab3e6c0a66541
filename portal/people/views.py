"""People as a list with search, show and correction: the FAB screens of the area."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session
from wtforms import StringField

from portal import clock
from portal.actors import Actor
from portal.db import unscoped
from portal.people import followers, queries, services
from portal.people.models import DuplicateCandidate, Person
from portal.people.rules import read_correction
from portal.people.words import DOCUMENTS, KINDS, SEXES, STATUSES
from portal.web import readings
from portal.web.formats import birth, masked
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

_LABELS = {
    "full_name": lazy_gettext("Full name"),
    "sort_name": lazy_gettext("Name"),
    "birth": lazy_gettext("Day of birth"),
    "birth_on": lazy_gettext("Day of birth"),
    "birth_year": lazy_gettext("Year of birth"),
    "sex": lazy_gettext("Sex"),
    "phone": lazy_gettext("Phone"),
    "national_id": lazy_gettext("ID number"),
    "address": lazy_gettext("Address"),
    "area": lazy_gettext("Area"),
    "area.name": lazy_gettext("Area"),
    "merged_into_id": lazy_gettext("Merged into record"),
    "created_at": lazy_gettext("First registered"),
    "id": lazy_gettext("Record"),
}


class PersonView(RecordView):
    """One line a record; the page of a record shows the whole person behind it."""

    datamodel = SQLAInterface(Person)
    class_permission_name = "People"
    route_base = "/people"
    list_title = lazy_gettext("Registered people")
    show_title = lazy_gettext("Person")
    edit_title = lazy_gettext("Correct the record")
    show_template = "people/person.html"
    is_personal = True
    base_order = ("id", "desc")
    list_columns = [
        "full_name", "birth_year", "sex", "phone", "national_id", "area.name", "created_at",
        "merged_into_id",
    ]  # fmt: skip
    show_columns = [
        "full_name", "birth_on", "birth_year", "sex", "phone", "national_id", "address",
        "area.name", "created_at", "merged_into_id",
    ]  # fmt: skip
    search_columns = ["full_name", "birth_year", "phone", "national_id", "area", "created_at"]
    order_columns = ["id", "sort_name"]
    sort_columns = {"full_name": "sort_name"}
    option_columns = {"area": ["name"]}
    export_columns = ["full_name", "birth_year", "sex", "phone", "address", "area.name"]
    edit_columns = ["full_name", "birth", "sex", "phone", "address"]
    edit_form_extra_fields = {
        "birth": StringField(
            lazy_gettext("Day of birth"),
            description=lazy_gettext("31/12/1990, or the year alone: 1990"),
        )
    }
    choices_columns = {"sex": SEXES}
    formatters_columns = {"national_id": masked}
    label_columns = _LABELS
    empty_text = lazy_gettext("Nobody yet. People are registered by scanning at the point.")

    @expose("/edit/<int:pk>", methods=["GET", "POST"])
    @permission("can_edit")
    def edit(self, pk: int) -> Any:
        """The record's form; the day of birth is one field of text."""
        if request.method == "GET":
            item = self.get_row(pk)
            form = self.edit_form(obj=item)
            form.birth.data = birth(item.birth_on, item.birth_year)
            return self._form_page(
                self.edit_template, self.edit_title, form, self.edit_columns, None, item
            )
        return super().edit(pk)

    def correct_record(
        self, session: Session, actor: Actor, item: Person, values: dict[str, Any]
    ) -> None:
        """Checks and stores; the index reads the record again."""
        text = {name: str(values.get(name) or "") for name in self.edit_columns}
        given = read_correction(
            full_name=text["full_name"], birth=text["birth"], sex=text["sex"] or "unknown",
            phone=text["phone"], address=text["address"], today=clock.today(),
        )  # fmt: skip
        services.correct(session, actor, person_id=item.id, given=given)

    def show_context(self, item: Person) -> dict[str, Any]:
        """Every record of the person, documents, history, merges."""
        session = db_session()
        with unscoped(session, "all records of one person; foreign ones are only counted"):
            everywhere = queries.records_of(session, [item.id])
        records = queries.people(session, everywhere)
        keys = [record.id for record in records]
        if len(keys) > 1:  # the one that was opened has its event already
            with transaction(current_actor()) as writing:
                readings.tell_rows(writing, current_actor(), "people", keys)
        return {
            "records": records,
            "hidden_count": len(everywhere) - len(records),
            "identifiers": queries.identifiers_of(session, keys),
            "documents": DOCUMENTS,
            "history": followers.history(session, keys),
            "merges": queries.merges_of(session, keys),
            "pairs": queries.pairs_of(session, keys),
            "statuses": {value: (label, tone) for value, label, tone in STATUSES},
        }


class UnmergeView(StationView):
    """Takes a merge apart again, from the person's page."""

    route_base = "/people/merges"
    class_permission_name = "Merges"

    @expose("/<int:merge_id>/undo", methods=["POST"])
    @permission("can_undo")
    def undo(self, merge_id: int) -> Any:
        """Undoes the merge; the pair is noted as two people."""
        with transaction(current_actor()) as session:
            undone = services.unmerge(
                session, current_actor(), merge_id=merge_id, reason=request.form.get("reason", "")
            )
            record = undone.kept_id
        flash(
            gettext("Two people again. What came in by each record's card is with it."), "success"
        )
        return redirect(url_for("PersonView.show", pk=record))


class PairView(RecordView):
    """Every pair with what was decided; «two people» is the list of what never comes again."""

    datamodel = SQLAInterface(DuplicateCandidate)
    class_permission_name = "Duplicates"
    route_base = "/pairs"
    list_title = lazy_gettext("Pairs and decisions")
    show_title = lazy_gettext("Pair")
    is_personal = True
    base_order = ("id", "desc")
    list_columns = [
        "left.full_name", "left.birth_year", "right.full_name", "right.birth_year", "kind", "bits",
        "status", "decided_at",
    ]  # fmt: skip
    show_columns = [
        "left.full_name", "right.full_name", "kind", "score", "bits", "status", "created_at",
        "decided_at",
    ]  # fmt: skip
    search_columns = ["status", "kind", "decided_at"]
    order_columns = ["id"]
    link_columns = ("status", "kind")
    choices_columns = {
        "status": STATUSES,
        "kind": [(kind, label, "mute") for kind, label in KINDS.items()],
    }
    label_columns = {
        "left.full_name": lazy_gettext("One record"),
        "left.birth_year": lazy_gettext("Born"),
        "right.full_name": lazy_gettext("The other"),
        "right.birth_year": lazy_gettext("Born"),
        "kind": lazy_gettext("Why"),
        "bits": lazy_gettext("Evidence (bits)"),
        "score": lazy_gettext("Probability"),
        "status": lazy_gettext("Decision"),
        "created_at": lazy_gettext("Found at"),
        "decided_at": lazy_gettext("Decided at"),
    }
    empty_text = lazy_gettext("No pair yet. Pairs are found while people are registered.")

    def show_steps(self, item: DuplicateCandidate) -> list[Step]:
        """To the worklist, or the decision taken back."""
        if item.status == "open":
            url = url_for("DuplicateView.index", pair=item.id)
            return [Step(lazy_gettext("Decide"), url, "can_decide", tone="primary")]
        return [
            Step(
                lazy_gettext("Take the decision back"),
                url_for("DuplicateView.reopen", candidate_id=item.id),
                "can_decide",
                is_post=True,
                question=lazy_gettext("What was merged by it becomes two people again."),
            )
        ]
