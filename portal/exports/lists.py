"""The export of any list: asked for on its page, written by a worker, fetched under “My files”."""

import dataclasses
from array import array
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_babel import gettext

from portal import clock
from portal.actors import Actor
from portal.audit import services as audit
from portal.db import db_session, read_aside, transaction
from portal.errors import NotFound
from portal.exports import files
from portal.exports.rows import Columns
from portal.jobs import kinds
from portal.jobs.services import enqueue
from portal.roles import may
from portal.web import exporting, readings
from portal.web.access import current_actor
from portal.web.datamodel import Order
from portal.web.lists import Search

KIND = "export"


def install() -> None:
    """Gives every list its export and the worker its function."""
    exporting.register_exporter(start)
    kinds.register(KIND, write)


def start(view: Any, search: Search, file_format: str) -> Any:
    """Asks for the file of a search and leads to its progress."""
    purpose = request.form.get("purpose", "")
    if view.is_personal and purpose not in readings.PURPOSES:
        flash(gettext("Choose what the file is for."), "warning")
        back: dict[str, Any] = dict(request.args)
        return redirect(url_for(f"{view.endpoint}.list", **back))
    arguments = {
        "purpose": purpose,
        "view": view.endpoint,
        "terms": search.terms,
        "order": dataclasses.asdict(search.order),
        "format": file_format,
        "title": str(view.list_title),
    }
    with transaction(current_actor()) as session:
        enqueue(session, current_actor(), KIND, arguments)
        audit.note(
            session,
            current_actor(),
            f"export {file_format}",
            view.model.__tablename__,
            purpose=purpose,
        )
    flash(gettext("The file is being written. You can go on working meanwhile."), "info")
    return redirect(url_for("JobsView.index"))


def write(running: kinds.Running) -> str:
    """Writes the file; gives its name. Sees only the rows, and only the lists, of the asker."""
    arguments: dict[str, Any] = dict(running.arguments)
    view = exporting.view_of(str(arguments["view"]))
    if not may(running.actor.roles, "can_export", view.class_permission_name):
        raise NotFound("Not found.")
    search = Search(terms=arguments["terms"], order=Order(**arguments["order"]))
    keys = read_aside(lambda: _write_rows(running, view, search))
    if view.is_personal:
        _tell_exported(running.actor, view, search, arguments, keys)
    stamp = clock.local(clock.now()).strftime("%Y%m%d-%H%M")
    return f"{view.model.__tablename__}-{stamp}.{arguments['format']}"


def _write_rows(running: kinds.Running, view: Any, search: Search) -> "array[int]":
    """Writes the file; gives the keys of the rows it tells of, for the audit log."""
    arguments = running.arguments
    session = db_session()
    query = view.query_of(search)
    columns = Columns(session, view)
    total = session.scalar(
        sa.select(sa.func.count()).select_from(query.with_only_columns(view.model.id).subquery())
    )
    rows = _counted(columns.read(query), running.progress, int(total or 0))
    if arguments["format"] == "csv":
        files.write_csv(running.path, columns.head, rows)
    else:
        files.write_xlsx(running.path, str(arguments["title"]), columns.head, rows)
    listed = query.with_only_columns(view.model.id).execution_options(yield_per=10_000)
    # Eight bytes a row: a file may hold a million, and memory must not grow with it.
    return array("q", session.scalars(listed) if view.is_personal else ())


def _tell_exported(
    actor: Actor, view: Any, search: Search, arguments: dict[str, Any], keys: "array[int]"
) -> None:
    """Which rows stand in the file, what was asked and why."""
    with transaction(actor) as session:
        audit.read_many(
            session,
            actor,
            view.model.__tablename__,
            keys,
            action=f"exported {arguments['format']}",
            asked=view.asked(search),
            purpose=str(arguments.get("purpose", "")),
        )


def _counted(rows: Iterator[Any], progress: kinds.Progress, total: int) -> Iterator[Any]:
    for number, row in enumerate(rows):
        if number % 1000 == 0:
            progress(number, total)
        yield row
    progress(total, total)
