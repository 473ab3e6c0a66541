"""The list half of a view: search form, filters of this request, page by key, capped count."""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_appbuilder import ModelView, expose
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext
from wtforms import StringField

from portal.db import db_session, transaction
from portal.web import access, exporting, formats, readings
from portal.web.access import permission
from portal.web.datamodel import (
    COUNT_CAP,
    Interface,
    Order,
    Page,
    attribute,
    capped_count,
    eager,
    fetch_page,
    value_of,
)
from portal.web.filters import Is, IsNot, related_text_filters
from portal.web.forms import TramModelConverter, find_row
from portal.web.seals import seal, unseal

PAGE_SIZES = (25, 50, 100)
# A view's method `list` hides the builtin in annotations below it.
Terms = list[list[Any]]
Anything = list[Any]
_EXPLICIT = ("list_columns", "show_columns", "search_columns", "order_columns")


@dataclass(slots=True)
class Search:
    """What one request asks a list for. Never shared between requests."""

    terms: list[list[Any]] = field(default_factory=list)  # [column, index of filter, text]
    order: Order = field(default_factory=lambda: Order("id"))
    size: int = PAGE_SIZES[0]
    problems: list[str] = field(default_factory=list)


class ScopedListView(ModelView):
    """List, search and options over one model.

    Attributes to fill in, all as FAB names them: `datamodel`, `class_permission_name`,
    `route_base`, `list_columns`, `search_columns`, `order_columns`, `show_columns` (dotted paths
    such as `person.full_name` are loaded with the row), `label_columns`, `base_order`,
    `formatters_columns`; and ours:

    Attributes:
        choices_columns: column → [(value, label)] or [(value, label, tone)]; tones are `ok`,
            `wait`, `warn`, `bad`, `mute` and colour a chip that also says its label.
        link_columns: columns that a plain link may filter by (`/samples/list/?state=WAITING`);
            never a column with personal data.
        sort_columns: list column → the column of `order_columns` that its heading sorts by, where
            they differ (a name is sorted by its key in Vietnamese order).
        related_search_columns: texts of related rows that may be searched, as `relation.column`.
        option_columns: columns of related rows searched by the option box, by relation.
        empty_text: what to do next when the list is empty.
        import_endpoint: where a file is imported, if this list has an importer.
        create_endpoint: where a row is made by a screen of its own, with `create_permission`, the
            permission and the view it is asked of.
        export_columns: what a file holds; `show_columns` if not given.
        is_personal: showing rows, opening one, or exporting is written to the audit log.
    """

    datamodel: Any
    add_columns: Any = None
    edit_columns: Any = None
    search_form: Any = None
    list_template = "web/list.html"
    choices_columns: dict[str, list[Any]] = {}
    link_columns: tuple[str, ...] = ()
    sort_columns: dict[str, str] = {}
    related_search_columns: tuple[str, ...] = ()
    option_columns: dict[str, list[str]] = {}
    empty_text: Any = ""
    import_endpoint = ""
    create_endpoint = ""
    create_permission = ("", "")
    export_columns: list[str] | None = None
    is_personal = False
    exclude_route_methods = {"action", "action_post", "download"}

    def __init__(self, **kwargs: Any) -> None:
        for name in _EXPLICIT:
            if getattr(self, name, None) is None:
                message = (
                    f"{type(self).__name__}.{name} must be given: no column is shown by default"
                )
                raise TypeError(message)
        if type(self.datamodel) is SQLAInterface:
            self.datamodel = Interface(self.datamodel.obj)
        if not self.class_permission_name:
            message = f"{type(self).__name__} names no class_permission_name"
            raise TypeError(message)
        self.exclude_route_methods = set(self.exclude_route_methods) | self._absent_routes()
        super().__init__(**kwargs)
        self.model = self.datamodel.obj
        self._list_options = eager(self.model, self.list_columns)
        self._show_options = eager(self.model, self.show_columns)

    def _absent_routes(self) -> set[str]:
        return set()

    def _init_properties(self) -> None:
        self.add_columns = self.add_columns or []
        self.edit_columns = self.edit_columns or []
        wanted = [self.add_columns, self.edit_columns]
        super()._init_properties()
        if not self.add_fieldsets:
            self.add_columns = wanted[0]
        if not self.edit_fieldsets:
            self.edit_columns = wanted[1]
        for columns in (self.list_columns, self.show_columns, self.search_columns):
            self._gen_labels_columns(columns)

        offered = self._filters.get_search_filters()
        for column in set(self.choices_columns) & set(offered):
            offered[column] = [Is(column, self.datamodel), IsNot(column, self.datamodel)]
        for column in self.related_search_columns:
            offered[column] = [
                kind(column, self.datamodel) for kind in related_text_filters(column)
            ]

    def _init_forms(self) -> None:
        fields = TramModelConverter(self.datamodel, self.choices_columns, is_search=False)
        search = TramModelConverter(self.datamodel, self.choices_columns, is_search=True)
        self.search_form = self.search_form or search.create_form(
            self.label_columns, self.search_columns
        )
        for column in self.related_search_columns:
            setattr(self.search_form, column, StringField(self.label_columns[column]))
        for name in ("add", "edit"):
            if getattr(self, f"{name}_form") is None:
                form = fields.create_form(
                    self.label_columns,
                    getattr(self, f"{name}_columns"),
                    self.description_columns,
                    self.validators_columns,
                    getattr(self, f"{name}_form_extra_fields"),
                )
                setattr(self, f"{name}_form", form)

    # -- one request ---------------------------------------------------------------------------

    def filters_of_request(self) -> Any:
        """Empty filters of this request's own; FAB keeps one for all requests (its #2366)."""
        filters = copy(self._filters)
        filters.clear_filters()
        return filters

    def read_search(self) -> Search:
        """The search asked for by this request's URL."""
        search = Search(order=self._order_of_request())
        sealed = unseal(request.args.get("q", "")) if request.args.get("q") else []
        plain = [
            [name, 0, request.args[name]] for name in self.link_columns if request.args.get(name)
        ]
        offered = self._filters.get_search_filters()
        for column, index, text in [*(sealed or []), *plain]:
            if column in offered and 0 <= index < len(offered[column]):
                search.terms.append([column, index, text])
        size = request.args.get("size", "")
        if size.isdigit() and int(size) in PAGE_SIZES:
            search.size = int(size)
        return search

    def _order_of_request(self) -> Order:
        column, direction = self.base_order or ("id", "desc")
        wanted = request.args.get("sort", "")
        if wanted in self.order_columns:
            column, direction = wanted, request.args.get("dir", "asc")
        return Order(column, is_descending=direction == "desc")

    def query_of(self, search: Search) -> sa.Select[Any]:
        """The rows a search names, unordered; terms that are no values become its problems."""
        query = sa.select(self.model)
        query = self._base_filters.apply_all(query)
        filters = self.filters_of_request()
        offered = filters.get_search_filters()
        for column, index, text in search.terms:
            chosen = offered[column][index]
            try:
                query = chosen.apply(query, text)
            except (ValueError, ArithmeticError):
                label = str(self.label_columns.get(column, column))
                search.problems.append(gettext("“%(label)s” is not in order.", label=label))
        return query

    # -- routes --------------------------------------------------------------------------------

    @expose("/list/", methods=["GET", "POST"])
    @permission("can_list")
    def list(self) -> Any:
        """The list; a search is posted, so that names never stand in a URL."""
        if request.method == "POST":
            return redirect(self._url(q=seal(self._posted_terms()), after=None, before=None))
        search = self.read_search()
        session = db_session()
        query = self.query_of(search)
        for problem in search.problems:
            flash(problem, "warning")
        page = fetch_page(
            session,
            query.options(*self._list_options),
            self.model,
            search.order,
            size=search.size,
            after=unseal(request.args.get("after", "")),
            before=unseal(request.args.get("before", "")),
        )
        self._tell_shown(page, search)
        return self.render_template(
            self.list_template,
            title=self.list_title,
            view=self,
            page=page,
            lines=list(self._lines(page)),
            search=search,
            count=capped_count(session, query, self.model),
            cap=COUNT_CAP,
            form=self._search_form(search),
            can=self._can(),
            chips=list(self._chips(search)),
            exporting=exporting.is_available(),
            buttons=exporting.buttons_of(self),
            purposes=readings.PURPOSES if self.is_personal else {},
        )

    def _tell_shown(self, page: Page, search: Search) -> None:
        """Writes down which rows with personal data are shown, and what was searched for."""
        if not self.is_personal or not (page.rows or search.terms):
            return
        keys = [row.id for row in page.rows]
        with transaction(access.current_actor()) as session:
            readings.tell_rows(
                session,
                access.current_actor(),
                self.model.__tablename__,
                keys,
                asked=self.asked(search),
            )

    def asked(self, search: Search) -> Anything:
        """A search as the audit log keeps it: [column, filter, what was typed]."""
        return [
            [column, str(self.operators(column)[index].name), str(text)]
            for column, index, text in search.terms
        ]

    @expose("/options/<path:column>")
    @permission("can_list")
    def options(self, column: str) -> Any:
        """At most 20 rows of a related table that match what was typed: `[{id, text}]`."""
        if not self.datamodel.is_relation_many_to_one(column):
            return {"options": []}
        model = self.datamodel.get_related_model(column)
        text = request.args.get("q", "").strip()
        found = db_session().scalars(options_query(model, text, self.option_columns.get(column)))
        return {"options": [{"id": row.id, "text": str(row)} for row in found]}

    @expose("/export", methods=["POST"])
    @permission("can_export")
    def export(self) -> Any:
        """Starts a job that writes what the search names to a CSV or XLSX file."""
        file_format = request.form.get("format", "xlsx")
        return exporting.start(self, self.read_search(), file_format)

    # -- pieces for the template ---------------------------------------------------------------

    def _can(self) -> dict[str, bool]:
        names = ("show", "add", "edit", "delete", "withdraw", "export", "import")
        view = self.class_permission_name
        absent = self.exclude_route_methods
        return {name: name not in absent and access.may(f"can_{name}", view) for name in names}

    def _posted_terms(self) -> Terms:
        terms: Terms = []
        for column in self.searched_columns():
            text = request.form.get(column, "").strip()
            index = request.form.get(f"op.{column}", "0")
            if text:
                terms.append([column, int(index) if index.isdigit() else 0, text[:200]])
        return terms

    def _search_form(self, search: Search) -> Any:
        form = self.search_form(formdata=None)
        for column, _, text in search.terms:
            entry = form[column]
            if self.datamodel.is_relation(column):
                entry.data = find_row(entry.model, str(text))
            elif entry.type == "DayField":
                entry.raw_data = [str(text)]
            else:
                entry.data = text
        return form

    def searched_columns(self) -> Anything:
        """The columns of the search form: those of related rows first, as one looks for them."""
        return [*self.related_search_columns, *self.search_columns]

    def operators(self, column: str) -> Anything:
        """The filters a column offers."""
        return self._filters.get_search_filters().get(column, [])

    def _chips(self, search: Search) -> Iterator[tuple[str, str]]:
        """(what a term says, the URL without it)."""
        for term in search.terms:
            column, index, text = term
            others = [other for other in search.terms if other is not term]
            label = self.label_columns.get(column, column)
            operator = self.operators(column)[index].name
            said = self._said(column, str(text))
            absent = dict.fromkeys(self.link_columns)
            url = self._url(**absent, q=seal(others) if others else None, after=None, before=None)
            yield f"{label} {operator} {said}", url

    def _said(self, column: str, text: str) -> str:
        if self.datamodel.is_relation(column):
            return str(find_row(self.datamodel.get_related_model(column), text) or text)
        labels = {str(choice[0]): str(choice[1]) for choice in self.choices_columns.get(column, [])}
        return labels.get(text, text)

    def _url(self, **changes: Any) -> str:
        """This list with some arguments changed; None removes one."""
        kept: dict[str, Any] = {
            name: value for name, value in request.args.items() if name not in changes
        }
        return url_for(f"{self.endpoint}.list", **kept, **changes)

    def page_url(self, page: Page, direction: str) -> str:
        """The URL of the next or previous page."""
        if direction == "next":
            return self._url(after=seal(page.last), before=None)
        return self._url(before=seal(page.first), after=None)

    def sort_url(self, column: str, search: Search) -> str:
        """The URL of this list sorted by a column, turning the direction if it already is."""
        is_falling = search.order.column == column and not search.order.is_descending
        way = "desc" if is_falling else "asc"
        return self._url(sort=column, dir=way, after=None, before=None)

    def first_url(self) -> str:
        """The URL of the first page."""
        return self._url(after=None, before=None)

    def cell(self, row: Any, column: str) -> Any:
        """What a row shows in a column."""
        value = value_of(row, column)
        formatter = self.formatters_columns.get(column)
        return formatter(value) if formatter else formats.shown(value)

    def _lines(self, page: Page) -> Iterator[tuple[str, Anything]]:
        """Each row as its address and its cells (label, shown value, tone of a chip or None)."""
        can = self._can()
        target = "show" if can["show"] else "edit" if can["edit"] else ""
        # One address is built, not one a row: with 100 rows that is what a page costs most.
        pattern = url_for(f"{self.endpoint}.{target}", pk=0).rpartition("0")[0] if target else ""
        labels = [str(self.label_columns.get(column, column)) for column in self.list_columns]
        for row in page.rows:
            cells: Anything = []
            for column, label in zip(self.list_columns, labels, strict=True):
                chip = self.chip(row, column) if column in self.choices_columns else None
                said, tone = chip or (self.cell(row, column), None)
                cells.append((label, said, tone))
            yield f"{pattern}{row.id}" if pattern else "", cells

    def chip(self, row: Any, column: str) -> tuple[str, str] | None:
        """(label, tone) for a column of choices, else None."""
        value = value_of(row, column)
        for choice in self.choices_columns.get(column, ()):
            if choice[0] == value:
                return str(choice[1]), choice[2] if len(choice) > 2 else "mute"  # noqa: PLR2004
        return None


def options_query(model: Any, text: str, columns: list[str] | None) -> sa.Select[Any]:
    """Rows whose name or code matches, at most 20, in alphabetical order."""
    names = columns or [
        name
        for name in ("name_folded", "folded_name", "name", "code", "full_name")
        if name in model.__mapper__.columns
    ]
    query = sa.select(model).order_by(attribute(model, names[-1]), model.id).limit(20)
    if not text:
        return query
    matches = []
    for name in names:
        column = attribute(model, name)
        matches.append(
            column.icontains(_folded(text) if "folded" in name else text, autoescape=True)
        )
    return query.where(sa.or_(*matches))


def _folded(text: str) -> str:
    from core_rs import fold_name

    return str(fold_name(text))
