"""Declarations for staff: list, search, show, take at the desk, correct, withdraw, import."""

import base64
import io
import uuid
from typing import Any

from flask import current_app, flash, redirect, request, send_file, url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session
from wtforms import SelectChoice, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.widgets import CheckboxInput, ListWidget

from portal.actors import Actor
from portal.declarations import forms, importing, queries, services
from portal.declarations.models import Declaration
from portal.declarations.rules import Risk, Symptom, grouped
from portal.declarations.views import caller
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

RISKS = [
    (Risk.RED, lazy_gettext("Red: ill and exposed"), "bad"),
    (Risk.ORANGE, lazy_gettext("Orange: exposed"), "warn"),
    (Risk.YELLOW, lazy_gettext("Yellow: ill"), "wait"),
    (Risk.GREEN, lazy_gettext("Green: nothing"), "ok"),
]
STATUSES = [
    ("current", lazy_gettext("In use"), "ok"),
    ("withdrawn", lazy_gettext("Withdrawn"), "mute"),
]
SEXES = [
    ("female", lazy_gettext("Female")),
    ("male", lazy_gettext("Male")),
    ("other", lazy_gettext("Other")),
]
SYMPTOMS = {
    Symptom.FEVER: lazy_gettext("Fever"),
    Symptom.COUGH: lazy_gettext("Cough"),
    Symptom.DYSPNEA: lazy_gettext("Difficulty breathing"),
    Symptom.PNEUMONIA: lazy_gettext("Pneumonia"),
    Symptom.SORE_THROAT: lazy_gettext("Sore throat"),
    Symptom.FATIGUE: lazy_gettext("Fatigue"),
    Symptom.ANOSMIA: lazy_gettext("Loss of taste or smell"),
    Symptom.MYALGIA: lazy_gettext("Body aches"),
    Symptom.CHILLS: lazy_gettext("Chills"),
    Symptom.HEADACHE: lazy_gettext("Headache"),
    Symptom.RUNNY_NOSE: lazy_gettext("Runny or blocked nose"),
    Symptom.NAUSEA: lazy_gettext("Nausea"),
    Symptom.VOMITING: lazy_gettext("Vomiting"),
    Symptom.DIARRHEA: lazy_gettext("Diarrhoea"),
}
_FORM = [
    "full_name",
    "birth",
    "sex",
    "phone",
    "national_id",
    "area",
    "address",
    "travelled",
    "symptoms",
    "had_contact",
]


def _extra_fields() -> dict[str, Any]:
    return {
        "birth": StringField(
            lazy_gettext("Day of birth"),
            description=lazy_gettext("31/12/1990, or the year alone: 1990"),
        ),
        "travelled": TextAreaField(lazy_gettext("Places of the last 14 days")),
        "symptoms": SelectMultipleField(
            lazy_gettext("Symptoms of the last 14 days"),
            choices=[SelectChoice(symptom.value, word) for symptom, word in SYMPTOMS.items()],
            widget=ListWidget(prefix_label=False),
            option_widget=CheckboxInput(),
        ),
        "had_contact": SelectField(
            lazy_gettext("Contact with a patient or a suspected case"),
            choices=[
                SelectChoice("no", lazy_gettext("No")),
                SelectChoice("yes", lazy_gettext("Yes")),
            ],
        ),
    }


class DeclarationView(RecordView):
    """Declarations of the officer's areas."""

    datamodel = SQLAInterface(Declaration)
    class_permission_name = "Declarations"
    route_base = "/declarations"
    list_title = lazy_gettext("Declarations")
    show_title = lazy_gettext("Declaration")
    add_title = lazy_gettext("Take a declaration at the desk")
    edit_title = lazy_gettext("Correct the declaration")
    withdraw_title = lazy_gettext("Withdraw the declaration")
    show_template = "declarations/show.html"
    is_personal = True
    import_endpoint = "DeclarationImportView.upload"
    base_order = ("id", "desc")
    list_columns = [
        "lookup_code",
        "full_name",
        "birth_year",
        "area.name",
        "risk",
        "status",
        "submitted_at",
    ]
    show_columns = [
        "lookup_code",
        "full_name",
        "birth",
        "sex",
        "phone",
        "national_id",
        "area.name",
        "address",
        "risk",
        "is_proxy",
        "status",
        "withdrawal_reason",
        "submitted_at",
        "updated_at",
        "current_version",
    ]
    search_columns = ["full_name", "lookup_code", "phone", "area", "risk", "status", "submitted_at"]
    order_columns = ["submitted_at", "sort_name"]
    sort_columns = {"full_name": "sort_name"}
    export_columns = [
        "lookup_code",
        "full_name",
        "birth_year",
        "sex",
        "phone",
        "national_id",
        "area.name",
        "address",
        "risk",
        "status",
        "submitted_at",
    ]
    add_columns = _FORM
    edit_columns = _FORM
    add_form_extra_fields = _extra_fields()
    edit_form_extra_fields = _extra_fields()
    link_columns = ("risk", "status")
    choices_columns = {"risk": RISKS, "status": STATUSES, "sex": SEXES}
    label_columns = {
        "lookup_code": lazy_gettext("Look-up code"),
        "full_name": lazy_gettext("Full name"),
        "sort_name": lazy_gettext("Name"),
        "birth": lazy_gettext("Day of birth"),
        "birth_year": lazy_gettext("Year of birth"),
        "sex": lazy_gettext("Sex"),
        "phone": lazy_gettext("Phone"),
        "national_id": lazy_gettext("ID number"),
        "area": lazy_gettext("Area"),
        "area.name": lazy_gettext("Area"),
        "address": lazy_gettext("Address"),
        "risk": lazy_gettext("Risk"),
        "is_proxy": lazy_gettext("Declared by somebody else"),
        "status": lazy_gettext("Status"),
        "withdrawal_reason": lazy_gettext("Reason of withdrawal"),
        "submitted_at": lazy_gettext("Declared at"),
        "updated_at": lazy_gettext("Last change"),
        "current_version": lazy_gettext("Version"),
    }
    empty_text = lazy_gettext("No declaration yet. Citizens declare on the public page «Khai báo».")

    def create_record(self, session: Session, actor: Actor, values: dict[str, Any]) -> Declaration:
        """One declaration taken at the desk."""
        raw = {**_raw(session, values), "declared_by": "staff"}
        return services.submit(session, actor, raw=raw, uid=uuid.uuid4())

    def correct_record(
        self, session: Session, actor: Actor, item: Declaration, values: dict[str, Any]
    ) -> None:
        """A new version; what was declared before stays."""
        services.update(
            session,
            actor,
            declaration_id=item.id,
            raw={**item.current.answers, **_raw(session, values)},
            version=item.version,
        )

    def withdraw_record(
        self, session: Session, actor: Actor, item: Declaration, reason: str
    ) -> None:
        """Out of use, with the reason."""
        services.withdraw(session, actor, declaration_id=item.id, reason=reason)

    def show_steps(self, item: Declaration) -> list[Step]:
        """A new code for somebody who lost theirs."""
        if item.status != "current":
            return []
        return [
            Step(
                lazy_gettext("Give a new look-up code"),
                f"/declarations/{item.id}/reissue",
                "can_reissue",
                is_post=True,
                question=lazy_gettext(
                    "Did you see the person's identity card? The old code ends at once."
                ),
            )
        ]

    def show_context(self, item: Declaration) -> dict[str, Any]:
        """Every version in words."""
        session = db_session()
        told = [
            (version, forms.summary(forms.start(version.answers).answers, []))
            for version in queries.versions(session, item.id)
        ]
        return {"versions": told, "grouped": grouped}

    @expose("/<int:pk>/reissue", methods=["POST"])
    @permission("can_reissue")
    def reissue(self, pk: int) -> Any:
        """A new code, shown once more on the declaration's page."""
        item = self.get_row(pk)
        with transaction(current_actor()) as session:
            services.reissue(session, current_actor(), declaration_id=item.id, who=caller())
        flash(gettext("The new look-up code is on this page. Print or write it down."), "success")
        return redirect(self.row_url(item))


def _raw(session: Session, values: dict[str, Any]) -> dict[str, Any]:
    """Form values as the answers of a declaration."""
    commune = queries.find_area(session, values["area_id"]) if values.get("area_id") else None
    raw = {name: values.get(name) or "" for name in _FORM if name not in {"area", "symptoms"}}
    return {
        **raw,
        "area_code": commune.code if commune else "",
        "symptoms": list(values.get("symptoms") or ["none"]),
    }


class DeclarationImportView(StationView):
    """A list of declarations taken on paper: all problems at once, the same file back."""

    class_permission_name = "DeclarationImports"
    route_base = "/declaration-imports"
    default_view = "upload"

    @expose("/", methods=["GET", "POST"])
    @permission("can_import")
    def upload(self) -> Any:
        """The upload box and what became of the list."""
        report = problem = None
        if request.method == "POST":
            file = request.files.get("file")
            try:
                with transaction(current_actor()) as session:
                    report = importing.import_declarations(
                        session,
                        current_actor(),
                        file_name=(file.filename if file else "") or "",
                        content=file.read() if file else b"",
                        province_name=current_app.config["TRAM"].province_name,
                    )
            except Invalid as error:
                problem = error
        answer = base64.b64encode(report.answer_file).decode() if report else ""
        page = self.render_template(
            "declarations/import.html",
            view=self,
            report=report,
            problem=problem,
            answer=answer,
            back=url_for("DeclarationView.list"),
        )
        return page, 422 if problem else 200

    @expose("/template.xlsx")
    @permission("can_import")
    def template(self) -> Any:
        """The empty list, made from the importer's own schema."""
        return send_file(io.BytesIO(importing.template()), download_name="mau-khai-bao-y-te.xlsx")
