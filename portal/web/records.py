"""The row half of a view: show, create, correct, withdraw or delete, always through a service."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.actors import Actor
from portal.db import db_session, transaction
from portal.errors import Conflict, DomainError, Invalid
from portal.web import access, readings
from portal.web.access import current_actor, permission
from portal.web.lists import ScopedListView


@dataclass(frozen=True, slots=True)
class Step:
    """A button of a show page: a link, or a posted step with a question to confirm."""

    label: Any
    url: str
    permission: str = ""
    is_post: bool = False
    question: Any = ""
    tone: str = "default"


class RowView(ScopedListView):
    """Show and forms. Hooks do the work; the base asks permission, commits and answers."""

    show_template = "web/show.html"
    add_template = "web/form.html"
    edit_template = "web/form.html"
    withdraw_template = "web/withdraw.html"
    withdraw_title: Any = ""

    # -- hooks ---------------------------------------------------------------------------------

    def create_record(self, session: Session, actor: Actor, values: dict[str, Any]) -> Any:
        """Calls the service that makes a row of the form's values; gives the row."""
        raise NotImplementedError

    def correct_record(
        self, session: Session, actor: Actor, item: Any, values: dict[str, Any]
    ) -> None:
        """Calls the service that corrects `item`."""
        raise NotImplementedError

    def withdraw_record(self, session: Session, actor: Actor, item: Any, reason: str) -> None:
        """Calls the service that withdraws `item`; a reason is always given."""
        raise NotImplementedError

    def show_steps(self, item: Any) -> list[Step]:
        """Further buttons of the show page."""
        del item
        return []

    def show_context(self, item: Any) -> dict[str, Any]:
        """Further values for a show template of one's own."""
        del item
        return {}

    # -- routes --------------------------------------------------------------------------------

    @expose("/show/<int:pk>")
    @permission("can_show")
    def show(self, pk: int) -> Any:
        """One row, 404 outside the scope."""
        item = self.get_row(pk, self._show_options)
        self._tell_opened(item)
        return self.render_template(
            self.show_template,
            title=self.show_title,
            view=self,
            item=item,
            can=self._can(),
            fieldsets=self.show_fieldsets or [("", {"fields": self.show_columns})],
            steps=[step for step in self.show_steps(item) if self._may_step(step)],
            **self.show_context(item),
        )

    @expose("/add", methods=["GET", "POST"])
    @permission("can_add")
    def add(self) -> Any:
        """An empty form; posted, a new row."""
        form = self.add_form()
        columns = self.add_columns
        problem = None
        if request.method == "POST" and form.validate():
            try:
                with self._writing() as session:
                    values = self._values(form, columns)
                    item = self.create_record(session, current_actor(), values)
                    session.flush()
            except DomainError as error:
                problem = self._own_problem(error)
            else:
                flash(gettext("Saved."), "success")
                return redirect(self.row_url(item))
        return self._form_page(self.add_template, self.add_title, form, columns, problem)

    @expose("/edit/<int:pk>", methods=["GET", "POST"])
    @permission("can_edit")
    def edit(self, pk: int) -> Any:
        """The row's form; posted, a correction. Refused if somebody corrected it meanwhile."""
        item = self.get_row(pk)
        form = self.edit_form(obj=item)
        columns = self.edit_columns
        problem = None
        if request.method == "POST" and form.validate():
            try:
                self._require_version(item)
                with self._writing() as session:
                    self.correct_record(session, current_actor(), item, self._values(form, columns))
            except DomainError as error:
                problem = self._own_problem(error)
            else:
                flash(gettext("Saved."), "success")
                return redirect(self.row_url(item))
        return self._form_page(self.edit_template, self.edit_title, form, columns, problem, item)

    @expose("/withdraw/<int:pk>", methods=["GET", "POST"])
    @permission("can_withdraw")
    def withdraw(self, pk: int) -> Any:
        """Asks for the reason; posted, withdraws."""
        item = self.get_row(pk)
        problem = None
        if request.method == "POST":
            reason = request.form.get("reason", "").strip()
            try:
                if not reason:
                    raise Invalid(gettext("Please give the reason."))
                self._require_version(item)
                with self._writing() as session:
                    self.withdraw_record(session, current_actor(), item, reason)
            except DomainError as error:
                problem = self._own_problem(error)
            else:
                flash(gettext("Withdrawn."), "success")
                return redirect(self.row_url(item))
        title = self.withdraw_title or gettext("Withdraw")
        page = self.render_template(
            self.withdraw_template, title=title, view=self, item=item, problem=problem
        )
        return page, (problem.status if problem else 200)

    # -- pieces --------------------------------------------------------------------------------

    def _absent_routes(self) -> set[str]:
        absent = {"delete"}
        if type(self).withdraw_record is RowView.withdraw_record:
            absent.add("withdraw")
        if not (self.add_columns or self.add_fieldsets or self.add_form):
            absent.add("add")
        if not (self.edit_columns or self.edit_fieldsets or self.edit_form):
            absent.add("edit")
        return absent

    def get_row(self, pk: int, options: Any = ()) -> Any:
        """The row of a key, through base filters and the scope wall; 404 otherwise."""
        query = self._base_filters.apply_all(sa.select(self.model).where(self.model.id == pk))
        item = db_session().scalars(query.options(*options)).unique().one_or_none()
        if item is None:
            abort(404)
        return item

    def _tell_opened(self, item: Any) -> None:
        """Writes down that a row with personal data is shown."""
        if self.is_personal:
            with transaction(current_actor()) as session:
                readings.tell_row(session, current_actor(), self.model.__tablename__, item.id)

    def row_url(self, item: Any) -> str:
        """Where a row is shown (the list, for a view without a show page)."""
        if "show" in self.exclude_route_methods:
            return url_for(f"{self.endpoint}.list")
        return url_for(f"{self.endpoint}.show", pk=item.id)

    def list_url(self) -> str:
        """Where somebody goes who leaves an empty form."""
        return url_for(f"{self.endpoint}.list")

    def _may_step(self, step: Step) -> bool:
        return not step.permission or access.may(step.permission, self.class_permission_name)

    def _values(self, form: Any, columns: list[str]) -> dict[str, Any]:
        """Form data by column; a related row arrives as its key, named after the foreign key."""
        values: dict[str, Any] = {}
        for name in columns:
            data = form[name].data
            if name in self.model.__mapper__.relationships:
                (key,) = self.model.__mapper__.relationships[name].local_columns
                values[key.name] = data.id if data is not None else None
            else:
                values[name] = data
        return values

    def _require_version(self, item: Any) -> None:
        sent = request.form.get("row_version", "")
        if sent and sent != str(getattr(item, "version", sent)):
            raise Conflict(
                gettext("Somebody else changed this record meanwhile. Reload it and try again.")
            )

    def _writing(self) -> Any:
        return transaction(current_actor())

    def _own_problem(self, error: DomainError) -> DomainError:
        """A refusal shown on the form; what the row's absence means stays a 404."""
        if error.status == 404:  # noqa: PLR2004
            raise error
        return error

    def _form_page(
        self,
        template: str,
        title: Any,
        form: Any,
        columns: list[str],
        problem: DomainError | None,
        item: Any = None,
    ) -> Any:
        if item is not None:
            self._tell_opened(item)
        is_bad = problem is not None or bool(form.errors)
        fieldsets = self.edit_fieldsets if item is not None else self.add_fieldsets
        page = self.render_template(
            template,
            title=title,
            view=self,
            item=item,
            form=form,
            problem=problem,
            fieldsets=fieldsets or [("", {"fields": columns})],
        )
        return page, (problem.status if problem else 422 if is_bad else 200)


class ReferenceRows(RowView):
    """Rows that are only rows: created, corrected and deleted as they are."""

    def create_record(self, session: Session, actor: Actor, values: dict[str, Any]) -> Any:
        """Adds the row."""
        del actor
        item = self.model(**values)
        session.add(item)
        return item

    def correct_record(
        self, session: Session, actor: Actor, item: Any, values: dict[str, Any]
    ) -> None:
        """Sets the columns."""
        del session, actor
        for name, value in values.items():
            setattr(item, name, value)

    @expose("/delete/<int:pk>", methods=["POST"])
    @permission("can_delete")
    def delete(self, pk: int) -> Any:
        """Deletes the row, only by POST; refused while others point to it."""
        item = self.get_row(pk)
        try:
            with transaction(current_actor()) as session:
                session.delete(item)
        except IntegrityError:
            raise Conflict(gettext("Other records still use this one.")) from None
        flash(gettext("Deleted."), "success")
        return redirect(url_for(f"{self.endpoint}.list"))

    def _absent_routes(self) -> set[str]:
        return (super()._absent_routes() | {"withdraw"}) - {"delete"}

    def _writing(self) -> Any:
        return _unique_or_conflict()


@contextmanager
def _unique_or_conflict() -> Iterator[Session]:
    """A transaction that tells a broken unique rule as a sentence."""
    try:
        with transaction(current_actor()) as session:
            yield session
    except IntegrityError as broken:
        raise Conflict(
            gettext("Another record with the same code or name already exists.")
        ) from broken
