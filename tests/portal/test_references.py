"""Foreign keys of copied rows: checked all at once, and nothing gets in that the server refuses."""

import pytest
import sqlalchemy as sa

from portal import bulk, db, references
from portal.people.models import Person, PersonIdentifier

_COLUMNS = ("person_id", "kind", "value", "created_at")
_MANY = references.FEWEST_ROWS * 2


def _people(session, ids) -> None:
    columns = (
        "id", "uid", "full_name", "folded_name", "sort_name", "sex", "source", "created_at",
    )  # fmt: skip
    at = bulk.InstantText(session)(0)
    rows = [(key, f"{key:032}", "A", "a", "a", "male", "typed", at) for key in ids]
    bulk.insert_rows(session, "people", columns, rows)


def _identifiers(session, ids) -> list[tuple[object, ...]]:
    at = bulk.InstantText(session)(0)
    return [(key, "cccd", f"{key:012}", at) for key in ids]


def test_many_rows_that_point_to_what_is_there_are_kept(session) -> None:
    ids = range(1, _MANY + 1)
    _people(session, ids)
    bulk.insert_rows(session, "person_identifiers", _COLUMNS, _identifiers(session, ids))
    session.commit()
    stored = session.scalars(sa.select(PersonIdentifier.person_id))
    assert sorted(stored) == list(ids)


def test_one_row_among_many_that_points_to_nothing_is_refused(session) -> None:
    ids = [*range(1, _MANY + 1)]
    _people(session, ids)
    session.commit()
    with pytest.raises(sa.exc.IntegrityError):
        bulk.insert_rows(
            session, "person_identifiers", _COLUMNS, _identifiers(session, [*ids, 10**6])
        )
    session.rollback()
    assert session.scalar(sa.select(sa.func.count()).select_from(PersonIdentifier)) == 0


def test_after_a_copy_and_after_a_refused_one_the_server_checks_as_ever(session) -> None:
    ids = [*range(1, _MANY + 1)]
    _people(session, ids)
    bulk.insert_rows(session, "person_identifiers", _COLUMNS, _identifiers(session, ids))
    for is_refused in (False, True):
        if is_refused:
            with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
                bulk.insert_rows(
                    session, "person_identifiers", _COLUMNS, [(None, "cccd", "1", None)] * _MANY
                )
        with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
            bulk.insert_rows(
                session, "person_identifiers", _COLUMNS, _identifiers(session, [10**6])
            )


def test_a_row_that_is_pointed_to_can_not_be_deleted_before_the_commit(session) -> None:
    if bulk.is_sqlite(session):
        pytest.skip("SQLite has one writer")
    ids = [*range(1, _MANY + 1)]
    _people(session, ids)
    session.commit()
    bulk.insert_rows(session, "person_identifiers", _COLUMNS, _identifiers(session, ids))
    with db.session_factory() as other:
        other.execute(sa.text("SET LOCAL lock_timeout = '100ms'"))
        with pytest.raises(sa.exc.OperationalError):
            other.execute(sa.delete(Person).where(Person.id == ids[0]))


def test_within_one_writer_rows_may_point_to_those_just_written(session) -> None:
    ids = [*range(1, _MANY + 1)]
    at = bulk.InstantText(session)(0)
    columns = (
        "id", "uid", "full_name", "folded_name", "sort_name", "sex", "source", "created_at",
    )  # fmt: skip
    with bulk.Writer(session) as writer:
        people = [(key, f"{key:032}", "A", "a", "a", "male", "typed", at) for key in ids]
        writer.insert("people", columns, people)
        writer.insert("person_identifiers", _COLUMNS, _identifiers(session, ids))
    with pytest.raises(sa.exc.IntegrityError), bulk.Writer(session) as writer:
        writer.insert("person_identifiers", _COLUMNS, _identifiers(session, [*ids[1:], 10**6]))


def test_a_user_without_the_right_gets_the_servers_own_checks(session) -> None:
    if bulk.is_sqlite(session):
        pytest.skip("SQLite checks for itself")
    ids = [*range(1, _MANY + 1)]
    session.execute(sa.text("CREATE ROLE plain_clerk"))
    session.execute(
        sa.text("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO plain_clerk")
    )
    session.execute(sa.text("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO plain_clerk"))
    session.connection().info.pop("tram.may_rest_checks", None)
    session.execute(sa.text("SET LOCAL ROLE plain_clerk"))
    _people(session, ids)
    bulk.insert_rows(session, "person_identifiers", _COLUMNS, _identifiers(session, ids))
    assert session.connection().info.pop("tram.may_rest_checks") is False
    with pytest.raises(sa.exc.IntegrityError):
        bulk.insert_rows(
            session, "person_identifiers", _COLUMNS, _identifiers(session, [*ids, 10**6])
        )
    session.rollback()


def test_no_table_has_a_trigger_that_would_rest_with_the_checks(session) -> None:
    if bulk.is_sqlite(session):
        pytest.skip("nothing rests in SQLite")
    own = sa.text("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal")
    assert session.scalar(own) == 0
