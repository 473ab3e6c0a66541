"""Reading declarations and the communes people choose from."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import bulk
from portal.areas import queries as areas
from portal.areas.models import AdminUnit
from portal.declarations.models import Declaration, DeclarationVersion
from portal.errors import NotFound


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune as a choice of the form."""

    code: str
    name: str


def find_by_code(session: Session, code: str) -> Declaration | None:
    """The declaration of a look-up code, withdrawn ones included."""
    return session.scalars(
        sa.select(Declaration).where(Declaration.lookup_code == code)
    ).one_or_none()


@cache
def _by_codes(*, is_sqlite: bool) -> sa.Select[Any]:
    among = bulk.among(Declaration.lookup_code, "codes", is_sqlite=is_sqlite)
    return sa.select(Declaration).where(among)


def by_codes(session: Session, codes: Iterable[str]) -> dict[str, Declaration]:
    """The declarations of many look-up codes, withdrawn ones included; one statement."""
    statement = _by_codes(is_sqlite=bulk.is_sqlite(session))
    return {row.lookup_code: row for row in session.scalars(statement, {"codes": list(codes)})}


def get(session: Session, declaration_id: int) -> Declaration:
    """A declaration by its key.

    Raises:
        NotFound: there is none, or not for this actor.
    """
    found = session.scalars(
        sa.select(Declaration).where(Declaration.id == declaration_id)
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such declaration.")
    return found


def versions(session: Session, declaration_id: int) -> list[DeclarationVersion]:
    """Everything that was declared, the newest first."""
    return list(
        session.scalars(
            sa.select(DeclarationVersion)
            .where(DeclarationVersion.declaration_id == declaration_id)
            .order_by(DeclarationVersion.number.desc())
        )
    )


def current_answers(session: Session, declaration: Declaration) -> dict[str, object]:
    """The answers of the current version."""
    answers: dict[str, object] = session.scalars(
        sa.select(DeclarationVersion.answers).where(
            DeclarationVersion.declaration_id == declaration.id,
            DeclarationVersion.number == declaration.current_version,
        )
    ).one()
    return answers


def find_commune(session: Session, code: str, day: dt.date) -> AdminUnit | None:
    """The commune that has this code on a day."""
    return session.scalars(
        sa.select(AdminUnit).where(
            AdminUnit.code == code,
            AdminUnit.level == "commune",
            AdminUnit.valid_from <= day,
            sa.or_(AdminUnit.valid_to.is_(None), AdminUnit.valid_to > day),
        )
    ).first()


def communes_of(session: Session, province_name: str, day: dt.date) -> list[Commune]:
    """The communes of a province on a day, by name; empty if the tree is not loaded."""
    province = areas.find_province(session, province_name, day)
    if province is None:
        return []
    rows = session.execute(
        sa.select(AdminUnit.code, AdminUnit.name)
        .where(
            AdminUnit.level == "commune",
            AdminUnit.path.startswith(province.path, autoescape=True),
            AdminUnit.valid_from <= day,
            sa.or_(AdminUnit.valid_to.is_(None), AdminUnit.valid_to > day),
        )
        .order_by(AdminUnit.name_folded)
    )
    return [Commune(code, name) for code, name in rows]


def find_area(session: Session, area_id: int) -> AdminUnit | None:
    """A unit by its key."""
    return session.get(AdminUnit, area_id)
