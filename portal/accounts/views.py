"""Staff accounts: the list, invitations, the import of a staff list, slips, training."""

import datetime as dt
import io
from typing import Any

import sqlalchemy as sa
from flask import current_app, flash, redirect, request, send_file, url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session
from wtforms import SelectChoice, SelectField

from core_rs import CoreError, parse_phone
from portal import clock
from portal.accounts import importing, queries, services
from portal.accounts.models import StaffImport, StaffProfile, Training
from portal.accounts.rules import StaffStatus
from portal.accounts.slip_files import first_login_file
from portal.actors import Actor
from portal.errors import Invalid, NotFound
from portal.roles import Role
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

STATUS_CHOICES = [
    (StaffStatus.INVITED, lazy_gettext("Invited"), "wait"),
    (StaffStatus.ACTIVE, lazy_gettext("Active"), "ok"),
    (StaffStatus.SUSPENDED, lazy_gettext("Suspended"), "warn"),
    (StaffStatus.WITHDRAWN, lazy_gettext("Withdrawn"), "mute"),
]
ROLE_LABELS = {
    Role.DEPARTMENT_ADMIN: lazy_gettext("Department admin"),
    Role.ACCOUNT_ADMIN: lazy_gettext("Account admin"),
    Role.COORDINATOR: lazy_gettext("Coordinator"),
    Role.SITE_MANAGER: lazy_gettext("Site manager"),
    Role.COLLECTOR: lazy_gettext("Collector"),
    Role.VOLUNTEER: lazy_gettext("Volunteer"),
    Role.LABORATORY_TECHNICIAN: lazy_gettext("Laboratory technician"),
    Role.LABORATORY_VERIFIER: lazy_gettext("Laboratory verifier"),
    Role.DECLARATION_OFFICER: lazy_gettext("Declaration officer"),
    Role.DATA_OFFICER: lazy_gettext("Data officer"),
    Role.AUDITOR: lazy_gettext("Auditor"),
}
MOST_SLIPS = 1000


class StaffView(RecordView):
    """The staff of the department's sites and their accounts."""

    datamodel = SQLAInterface(StaffProfile)
    class_permission_name = "Staff"
    route_base = "/staff"
    list_title = lazy_gettext("Accounts")
    show_title = lazy_gettext("Account")
    add_title = lazy_gettext("New account")
    edit_title = lazy_gettext("Correct the account")
    withdraw_title = lazy_gettext("Withdraw the account")
    show_template = "accounts/account.html"
    base_order = ("sort_name", "asc")
    import_endpoint = "StaffImportView.upload"
    is_personal = True
    list_columns = ["full_name", "user.username", "site.name", "position", "status", "expires_on"]
    show_columns = [
        "full_name",
        "user.username",
        "phone",
        "position",
        "site.name",
        "area.name",
        "status",
        "expires_on",
        "must_change_password",
        "created_at",
    ]
    search_columns = ["full_name", "phone", "site", "status"]
    order_columns = ["sort_name", "status", "expires_on"]
    sort_columns = {"full_name": "sort_name"}
    add_columns = ["full_name", "phone", "role", "site", "position", "expires_on"]
    edit_columns = ["full_name", "phone", "site", "position", "expires_on"]
    add_form_extra_fields = {
        "role": SelectField(
            lazy_gettext("Role"),
            choices=[SelectChoice(role.value, label) for role, label in ROLE_LABELS.items()],
        )
    }
    link_columns = ("status",)
    label_columns = {
        "full_name": lazy_gettext("Full name"),
        "sort_name": lazy_gettext("Name"),
        "user.username": lazy_gettext("Login name"),
        "phone": lazy_gettext("Phone"),
        "position": lazy_gettext("Position"),
        "site": lazy_gettext("Site"),
        "site.name": lazy_gettext("Site"),
        "area.name": lazy_gettext("Area"),
        "status": lazy_gettext("Status"),
        "expires_on": lazy_gettext("Ends on"),
        "must_change_password": lazy_gettext("Must choose a password"),
        "created_at": lazy_gettext("Made"),
    }
    choices_columns = {"status": STATUS_CHOICES}
    empty_text = lazy_gettext("No account yet. Import the staff list of the sites.")

    def create_record(self, session: Session, actor: Actor, values: dict[str, Any]) -> StaffProfile:
        """One invitation."""
        invitation = services.Invitation(
            full_name=(values["full_name"] or "").strip(),
            phone=_phone(values["phone"] or ""),
            role=Role(values["role"]),
            site_id=values["site_id"],
            position=values["position"] or "",
            expires_on=values["expires_on"],
        )
        if not invitation.full_name:
            raise Invalid(gettext("A name is needed."))
        return services.invite(session, actor, [invitation])[0]

    def correct_record(
        self, session: Session, actor: Actor, item: StaffProfile, values: dict[str, Any]
    ) -> None:
        """Corrected details."""
        services.correct(
            session,
            actor,
            staff_id=item.id,
            full_name=values["full_name"] or "",
            phone=_phone(values["phone"] or ""),
            position=values["position"] or "",
            site_id=values["site_id"],
            expires_on=values["expires_on"],
        )

    def withdraw_record(
        self, session: Session, actor: Actor, item: StaffProfile, reason: str
    ) -> None:
        """The account is closed for good; the audit keeps the reason."""
        del reason
        services.set_status(session, actor, staff_id=item.id, status=StaffStatus.WITHDRAWN)

    def show_context(self, item: StaffProfile) -> dict[str, Any]:
        """Roles and training."""
        session = db_session()
        trainings = session.scalars(
            sa.select(Training)
            .where(Training.staff_id == item.id)
            .order_by(Training.trained_on.desc())
        )
        held = queries.role_names(session, item.user_id)
        return {
            "trainings": list(trainings),
            "held": [label for role, label in ROLE_LABELS.items() if role.value in held],
            "today": clock.today(),
        }

    def show_steps(self, item: StaffProfile) -> list[Step]:
        """Slip, suspension, return."""
        slip = Step(
            lazy_gettext("Print the first-login slip"),
            f"/staff/slips?staff_id={item.id}",
            "can_issue_slips",
            is_post=True,
            question=lazy_gettext("A new one-time code ends the earlier one. Go on?"),
        )
        if item.status == StaffStatus.SUSPENDED:
            return [
                Step(
                    lazy_gettext("Reinstate"),
                    f"/staff/{item.id}/active",
                    "can_suspend",
                    is_post=True,
                )
            ]
        if item.status == StaffStatus.WITHDRAWN:
            return []
        suspend = Step(
            lazy_gettext("Suspend"),
            f"/staff/{item.id}/suspended",
            "can_suspend",
            is_post=True,
            question=lazy_gettext("Suspend this account? Its open sessions end at once."),
        )
        return [slip, suspend]

    @expose("/<int:pk>/<any(active, suspended):status>", methods=["POST"])
    @permission("can_suspend")
    def move(self, pk: int, status: str) -> Any:
        """Suspends or reinstates an account."""
        item = self.get_row(pk)
        with transaction(current_actor()) as session:
            services.set_status(
                session, current_actor(), staff_id=item.id, status=StaffStatus(status)
            )
        flash(gettext("Saved."), "success")
        return redirect(self.row_url(item))

    @expose("/<int:pk>/training", methods=["POST"])
    @permission("can_record_training")
    def training(self, pk: int) -> Any:
        """Records a course; it opens the account."""
        item = self.get_row(pk)
        try:
            trained_on = dt.date.fromisoformat(request.form.get("trained_on", ""))
        except ValueError:
            raise Invalid(gettext("Give the day of the training.")) from None
        with transaction(current_actor()) as session:
            services.record_training(
                session,
                current_actor(),
                staff_ids=[item.id],
                course=request.form.get("course", ""),
                trained_on=trained_on,
            )
        flash(gettext("Training recorded."), "success")
        return redirect(self.row_url(item))

    @expose("/slips", methods=["POST"])
    @permission("can_issue_slips")
    def slips(self) -> Any:
        """A PDF of first-login slips: of one account, or of every invited one without a login."""
        wanted = request.args.getlist("staff_id", type=int)
        with transaction(current_actor()) as session:
            if not wanted:
                wanted = list(
                    session.scalars(
                        sa.select(StaffProfile.id)
                        .where(StaffProfile.status == StaffStatus.INVITED)
                        .order_by(StaffProfile.site_id, StaffProfile.sort_name)
                        .limit(MOST_SLIPS)
                    )
                )
            if not wanted:
                raise NotFound(gettext("Every account has been used already: no slip is due."))
            issued = services.issue_first_login_codes(session, current_actor(), wanted)
            file = first_login_file(issued, current_app.config["TRAM"].public_url)
        return send_file(
            io.BytesIO(file),
            mimetype="application/pdf",
            download_name="phieu-dang-nhap-lan-dau.pdf",
        )


def _phone(text: str) -> str:
    if not text.strip():
        return ""
    try:
        return parse_phone(text).number
    except CoreError:
        raise Invalid(gettext("«%(text)s» is no Vietnamese phone number", text=text)) from None


class StaffImportView(StationView):
    """Import: file → every error at once → the fixed file back → accounts → slips."""

    class_permission_name = "StaffImports"
    route_base = "/staff-imports"
    default_view = "upload"

    @expose("/", methods=["GET", "POST"])
    @permission("can_import")
    def upload(self) -> Any:
        """The upload box, the result of an upload, and earlier imports."""
        record, problem = None, None
        if request.method == "POST":
            file = request.files.get("file")
            content = file.read() if file else b""
            try:
                importing.check_readable(content)
                with transaction(current_actor()) as session:
                    record = importing.import_staff(
                        session,
                        current_actor(),
                        file_name=(file.filename if file else "") or "",
                        content=content,
                    )
            except Invalid as error:
                problem = error
        earlier = db_session().scalars(
            sa.select(StaffImport).order_by(StaffImport.id.desc()).limit(20)
        )
        page = self.render_template(
            "accounts/import.html",
            record=record,
            problem=problem,
            earlier=list(earlier),
        )
        return page, 422 if problem else 200

    @expose("/template.xlsx")
    @permission("can_import")
    def template(self) -> Any:
        """The empty list, made from the importer's own schema."""
        return send_file(
            io.BytesIO(importing.template()), download_name="mau-danh-sach-can-bo.xlsx"
        )

    @expose("/<int:pk>/answer")
    @permission("can_import")
    def answer(self, pk: int) -> Any:
        """The uploaded file with its error column."""
        record = (
            db_session().scalars(sa.select(StaffImport).where(StaffImport.id == pk)).one_or_none()
        )
        if record is None or record.answer_file is None:
            raise NotFound(gettext("Not found."))
        stem, _dot, ending = record.file_name.rpartition(".")
        return send_file(
            io.BytesIO(record.answer_file),
            as_attachment=True,
            download_name=f"{stem or 'danh-sach'}-loi.{ending or 'xlsx'}",
        )


def staff_url() -> str:
    """Where the accounts are listed."""
    return url_for("StaffView.list")
