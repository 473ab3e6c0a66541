"""«Mẫu ghép cột»: how the analyser's files of a laboratory are read, tried on a real file."""

import base64
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext, lazy_gettext

from portal.errors import DomainError, Invalid
from portal.results import importing, mappings, screens
from portal.results.mappings import Draft
from portal.results.models import AnalyserMapping
from portal.results.run_views import uploaded
from portal.samples.words import CONTROLS, OUTCOMES
from portal.web.views import (
    StationView,
    current_actor,
    db_session,
    expose,
    permission,
    transaction,
)

READINGS_SHOWN = 10
USES = {
    "code": lazy_gettext("Tube code"),
    "well": lazy_gettext("Well"),
    "outcome": lazy_gettext("Result"),
    "target": lazy_gettext("Gene (one line a gene)"),
    "ct": lazy_gettext("Ct (one line a gene)"),
    "gene": lazy_gettext("Ct of one gene"),
    "repeat": lazy_gettext("Number of the repeat"),
    "control": lazy_gettext("Marker of controls"),
}


class MappingView(StationView):
    """List, editor with preview, retirement."""

    route_base = "/laboratory/mappings"
    class_permission_name = "AnalyserMappings"
    default_view = "index"

    @expose("/")
    @permission("can_list")
    def index(self) -> Any:
        """The mappings in use, and the versions before them."""
        session = db_session()
        laboratory = screens.chosen_laboratory(session, request.args.get("laboratory", ""))
        rows = mappings.all_of(session, laboratory.id)
        return self.render_template(
            "results/mappings.html",
            title=gettext("Column mappings"),
            laboratory=laboratory,
            laboratories=screens.laboratories(session),
            current=[row for row in rows if row.retired_at is None],
            earlier=[row for row in rows if row.retired_at is not None],
        )

    @expose("/edit")
    @permission("can_edit")
    def edit(self) -> Any:
        """The editor: `mapping` to change one, `copy` to begin with one, neither for a new one."""
        session = db_session()
        changed, copied = (request.args.get(key, type=int) for key in ("mapping", "copy"))
        source = None
        if changed or copied:
            source = mappings.get_mapping(session, current_actor(), changed or copied or 0)
        draft = Draft.of(source) if source is not None else Draft()
        if source is not None and not changed:
            draft.name = gettext("Copy of %(name)s", name=source.name)[:80]
        return self._page(draft, replaces=source if changed else None, source=source)

    @expose("/edit", methods=["POST"])
    @permission("can_edit")
    def write(self) -> Any:
        """Steps `look` (read a file's columns), `preview`, `save`; nothing of a file is kept."""
        session, actor, form = db_session(), current_actor(), request.form
        laboratory = screens.chosen_laboratory(session, form.get("laboratory", ""))
        key = form.get("mapping", type=int)
        replaces = mappings.get_mapping(session, actor, key) if key else None
        draft = Draft.read(form)
        shown: dict[str, Any] = {"replaces": replaces, "laboratory": laboratory}
        try:
            if form.get("step") == "save":
                self._save(laboratory.id, draft, key)
                return redirect(url_for("MappingView.index", laboratory=laboratory.id))
            content, name = uploaded()
            chosen = {c.header: (c.use, c.gene) for c in draft.columns}
            line = mappings.lay_over(draft, content, form.get("header_line", 0, type=int))
            shown |= {"content": content, "file_name": name, "header_line": line}
            if form.get("step") == "preview":
                for column in draft.columns:
                    column.use, column.gene = chosen.get(column.header, ("", ""))
                shown["report"] = importing.check_file(
                    session,
                    actor,
                    laboratory_id=laboratory.id,
                    file_name=name,
                    content=content,
                    mapping=AnalyserMapping(laboratory_id=laboratory.id, columns=draft.stored()),
                )
        except DomainError as error:
            return self._page(draft, problem=error, **shown), error.status
        return self._page(draft, **shown)

    @expose("/<int:mapping_id>/retire", methods=["POST"])
    @permission("can_edit")
    def retire(self, mapping_id: int) -> Any:
        """Takes a mapping out of use."""
        with transaction(current_actor()) as session:
            mapping = mappings.get_mapping(session, current_actor(), mapping_id)
            mappings.retire(session, current_actor(), mapping)
            laboratory_id, name = mapping.laboratory_id, mapping.name
        flash(gettext("The mapping %(name)s was retired.", name=name), "success")
        return redirect(url_for("MappingView.index", laboratory=laboratory_id))

    def _save(self, laboratory_id: int, draft: Draft, replaces_id: int | None) -> None:
        if not draft.columns:
            raise Invalid(gettext("Choose a file first."))
        with transaction(current_actor()) as session:
            actor = current_actor()
            made = mappings.save(
                session,
                actor,
                laboratory_id=laboratory_id,
                name=draft.name,
                columns=draft.stored(),
                replaces=mappings.get_mapping(session, actor, replaces_id) if replaces_id else None,
            )
            name, version = made.name, made.version
        flash(
            gettext("%(name)s was saved as version %(version)s.", name=name, version=version),
            "success",
        )

    def _page(
        self,
        draft: Draft,
        *,
        replaces: AnalyserMapping | None,
        source: AnalyserMapping | None = None,
        content: bytes = b"",
        **shown: Any,
    ) -> Any:
        session = db_session()
        wanted = str(source.laboratory_id) if source else request.values.get("laboratory", "")
        return self.render_template(
            "results/mapping.html",
            **{
                "title": gettext("Change a column mapping")
                if replaces
                else gettext("New column mapping"),
                "laboratory": screens.chosen_laboratory(session, wanted),
                "draft": draft,
                "replaces": replaces,
                "packed": base64.b64encode(content).decode(),
                "uses": USES,
                "worded": [(o.value, OUTCOMES[o][0]) for o in mappings.WORDED],
                "outcomes": OUTCOMES,
                "controls": CONTROLS,
                "readings_shown": READINGS_SHOWN,
                **shown,
            },
        )
