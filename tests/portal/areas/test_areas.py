"""Administrative units: both trees, what became of each, and decrees that change them."""

import datetime as dt

import pytest
import sqlalchemy as sa

from portal import actors, db
from portal.areas import queries, services
from portal.areas.models import AdminUnit, AdminUnitSuccession
from portal.areas.rules import Level
from portal.errors import Conflict

BEFORE, AFTER = dt.date(2025, 6, 30), dt.date(2025, 7, 1)


@pytest.fixture
def loaded(session: db.Session) -> db.Session:
    with db.transaction(actors.system("tests")) as open_session:
        services.load_units(open_session, actors.system("tests"))
    return session


def _count(session: db.Session, level: Level, on: dt.date) -> int:
    return session.scalar(
        sa.select(sa.func.count()).where(
            AdminUnit.level == level,
            AdminUnit.valid_from <= on,
            sa.or_(AdminUnit.valid_to.is_(None), AdminUnit.valid_to >= on),
        )
    )


def test_the_tree_of_a_day_is_the_tree_of_that_day(loaded: db.Session) -> None:
    assert [_count(loaded, level, AFTER) for level in Level] == [34, 0, 3321]
    assert [_count(loaded, level, BEFORE) for level in Level] == [63, 696, 10035]


def test_every_old_commune_has_an_heir_and_its_shares_sum_to_one(loaded: db.Session) -> None:
    sums = loaded.execute(
        sa.select(sa.func.sum(AdminUnitSuccession.share)).group_by(AdminUnitSuccession.old_id)
    ).scalars()
    found = list(sums)
    assert len(found) == 10035
    assert all(abs(share - 1) < 0.01 for share in found)


def test_a_province_is_found_with_everything_below_it(loaded: db.Session) -> None:
    old = queries.find_unit(loaded, Level.PROVINCE, "45", BEFORE)
    new = queries.find_unit(loaded, Level.PROVINCE, "44", AFTER)
    assert old is not None
    assert new is not None
    assert old.name == new.name == "Quảng Trị"
    assert len(queries.below(loaded, [old.id])) == 1 + 10 + 119
    assert len(queries.below(loaded, [new.id])) == 1 + 78
    assert len(queries.communes_of(loaded, "44", AFTER)) == 78


def test_loading_again_changes_nothing(loaded: db.Session) -> None:
    with db.transaction(actors.system("tests")) as session:
        assert services.load_units(session, actors.system("tests")) == 0


def test_a_renamed_unit_is_a_new_row_and_the_old_one_keeps_its_name(loaded: db.Session) -> None:
    commune = queries.communes_of(loaded, "44", AFTER)[0]
    old_name, day = commune.name, dt.date(2027, 1, 1)
    with db.transaction(actors.system("tests")) as session:
        new = services.rename(
            session, actors.system("tests"), area_id=commune.id, name="Tên Mới", on=day
        )
        new_id = new.id
    loaded.expire_all()
    old = loaded.get(AdminUnit, commune.id)
    assert (old.name, old.valid_to) == (old_name, dt.date(2026, 12, 31))
    assert queries.find_unit(loaded, Level.COMMUNE, old.code, day).id == new_id
    with pytest.raises(Conflict):
        services.close(loaded, actors.system("tests"), area_id=commune.id, on=dt.date(2027, 2, 1))
