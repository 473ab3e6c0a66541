"""Finding administrative units."""

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.areas.models import AdminUnit
from portal.areas.rules import Level


def below(session: Session, area_ids: Iterable[int]) -> frozenset[int]:
    """Ids of the given units and of everything below them."""
    wanted = list(area_ids)
    if not wanted:
        return frozenset()
    paths = session.scalars(sa.select(AdminUnit.path).where(AdminUnit.id.in_(wanted))).all()
    if not paths:
        return frozenset()
    found = sa.select(AdminUnit.id).where(
        sa.or_(*(AdminUnit.path.startswith(path, autoescape=True) for path in paths))
    )
    return frozenset(session.scalars(found))


def find_unit(session: Session, level: Level, code: str, on: dt.date) -> AdminUnit | None:
    """The unit with this code that existed on a day."""
    return session.scalars(
        sa.select(AdminUnit).where(
            AdminUnit.level == level,
            AdminUnit.code == code,
            AdminUnit.valid_from <= on,
            sa.or_(AdminUnit.valid_to.is_(None), AdminUnit.valid_to >= on),
        )
    ).first()


def find_province(session: Session, name: str, on: dt.date) -> AdminUnit | None:
    """The province or city with this name, with or without its kind before it, on a day."""
    bare = name
    for kind in ("Thành phố ", "Tỉnh "):
        bare = bare.removeprefix(kind)
    return session.scalars(
        sa.select(AdminUnit).where(
            AdminUnit.level == Level.PROVINCE,
            AdminUnit.name.in_({name, bare}),
            AdminUnit.valid_from <= on,
            sa.or_(AdminUnit.valid_to.is_(None), AdminUnit.valid_to >= on),
        )
    ).first()


def communes_of(session: Session, province_code: str, on: dt.date) -> list[AdminUnit]:
    """The communes of a province that existed on a day, by code."""
    province = find_unit(session, Level.PROVINCE, province_code, on)
    if province is None:
        return []
    return list(
        session.scalars(
            sa.select(AdminUnit)
            .where(
                AdminUnit.level == Level.COMMUNE,
                AdminUnit.path.startswith(province.path, autoescape=True),
                AdminUnit.valid_from <= on,
                sa.or_(AdminUnit.valid_to.is_(None), AdminUnit.valid_to >= on),
            )
            .order_by(AdminUnit.code)
        )
    )
