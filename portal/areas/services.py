"""Loading the tree of units, and the changes that decrees make to it: merge, rename, close."""

import csv
import datetime as dt
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core_rs import fold_name
from portal.actors import Actor
from portal.areas.models import AdminUnit, AdminUnitSuccession
from portal.areas.rules import KINDS, REFORM_DAY, TREE_2008_FROM, has_ended
from portal.errors import Conflict, Invalid, NotFound

DATA = Path(__file__).parent / "data"


def load_units(session: Session, actor: Actor) -> int:
    """Fills an empty table with both trees and their successions; gives the number of units.

    A table that holds units already is left alone (0 is given).
    """
    del actor  # loading reference data is not a decision of anybody
    if session.scalar(sa.select(AdminUnit.id).limit(1)) is not None:
        return 0
    rows = _unit_rows()
    session.execute(sa.insert(AdminUnit), rows)
    communes = {
        (row["code"], row["valid_to"] is None): row["id"]
        for row in rows
        if row["level"] == "commune"
    }
    with (DATA / "successions.csv").open(encoding="utf-8") as file:
        pairs = [
            {
                "old_id": communes[row["old_code"], False],
                "new_id": communes[row["new_code"], True],
                "share": float(row["share"]),
            }
            for row in csv.DictReader(file)
        ]
    session.execute(sa.insert(AdminUnitSuccession), pairs)
    if session.get_bind().dialect.name == "postgresql":
        session.execute(
            sa.text("SELECT setval('admin_units_id_seq', (SELECT max(id) FROM admin_units))")
        )
    return len(rows)


def _unit_rows() -> list[dict[str, object]]:
    """Rows with ids and paths worked out here: fourteen thousand round trips are saved."""
    rows: list[dict[str, object]] = []
    known: dict[tuple[str, str, str], tuple[int, str]] = {}
    with (DATA / "units.csv").open(encoding="utf-8") as file:
        units = list(csv.DictReader(file))
    for number, unit in enumerate(units, start=1):
        tree, level, code = unit["tree"], unit["level"], unit["code"]
        parent_id, parent_path = None, "/"
        if unit["parent_code"]:
            parent_level = (
                "district" if (tree, "district", unit["parent_code"]) in known else "province"
            )
            parent_id, parent_path = known[tree, parent_level, unit["parent_code"]]
        path = f"{parent_path}{number}/"
        known[tree, level, code] = (number, path)
        is_current = tree == "2025"
        rows.append(
            {
                "id": number,
                "code": code,
                "level": level,
                "kind": KINDS[unit["kind"]],
                "name": unit["name"],
                "name_folded": fold_name(unit["name"]),
                "parent_id": parent_id,
                "path": path,
                "valid_from": REFORM_DAY if is_current else TREE_2008_FROM,
                "valid_to": None if is_current else REFORM_DAY - dt.timedelta(days=1),
            }
        )
    return rows


def rename(session: Session, actor: Actor, *, area_id: int, name: str, on: dt.date) -> AdminUnit:
    """Gives a unit a new name from a day on: the old one ends, a successor with the code begins."""
    old = _current(session, actor, area_id, on)
    if not name.strip():
        raise Invalid("A unit needs a name.", code="areas.name_missing")
    new = AdminUnit(
        code=old.code,
        level=old.level,
        kind=old.kind,
        name=name.strip(),
        name_folded=fold_name(name),
        parent_id=old.parent_id,
        valid_from=on,
    )
    session.add(new)
    session.flush()
    new.path = f"{old.path.rsplit('/', 2)[0]}/{new.id}/"
    _end(session, old, new, on)
    return new


def merge(
    session: Session, actor: Actor, *, area_ids: list[int], into_id: int, on: dt.date
) -> AdminUnit:
    """Joins units into one from a day on; rows of before keep their unit."""
    target = _current(session, actor, into_id, on)
    for area_id in sorted(set(area_ids) - {into_id}):
        old = _current(session, actor, area_id, on)
        if old.level != target.level:
            raise Invalid("Only units of one level can be joined.", code="areas.level_differs")
        _end(session, old, target, on)
    return target


def close(session: Session, actor: Actor, *, area_id: int, on: dt.date) -> AdminUnit:
    """Ends a unit without a successor."""
    unit = _current(session, actor, area_id, on)
    unit.valid_to = on - dt.timedelta(days=1)
    return unit


def _current(session: Session, actor: Actor, area_id: int, on: dt.date) -> AdminUnit:
    actor.scope.require_area(area_id)
    unit = session.get(AdminUnit, area_id)
    if unit is None:
        raise NotFound("Not found.")
    if has_ended(unit.valid_to, on) or unit.valid_from >= on:
        raise Conflict("The unit does not exist on that day.", code="areas.not_current")
    return unit


def _end(session: Session, old: AdminUnit, new: AdminUnit, on: dt.date) -> None:
    old.valid_to = on - dt.timedelta(days=1)
    session.add(AdminUnitSuccession(old_id=old.id, new_id=new.id, share=1.0))
