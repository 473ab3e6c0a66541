"""Bulk statements: keys, look-ups and inserts of many rows, and what they say when they fail."""

import pytest
import sqlalchemy as sa

from portal import bulk
from portal.ingest.models import ApplierState
from portal.people.models import PersonIdentifier

_FIND = """
SELECT k.value, i.person_id FROM {keys} {join} person_identifiers i ON i.value = k.value
"""
_COLUMNS = ("person_id", "kind", "value", "created_at")


@pytest.fixture
def person_id(session) -> int:
    columns = (
        "id", "uid", "full_name", "folded_name", "sort_name", "sex", "source", "created_at",
    )  # fmt: skip
    at = bulk.InstantText(session)(0)
    row = (1, "0" * 32, "A", "a", "a", "male", "typed", at)
    bulk.insert_rows(session, "people", columns, [row])
    return 1


def _rows(session, person_id: int, *values: str):
    at = bulk.InstantText(session)(0)
    return [(person_id, "cccd", value, at) for value in values]


def test_keys_rise_and_come_once(session) -> None:
    session.execute(sa.insert(ApplierState).values(id=1, position=0, fence=0, holder=""))
    first = bulk.next_ids(session, "people", 5)
    assert first == list(range(first[0], first[0] + 5))
    if not bulk.is_sqlite(session):
        # Somebody else takes a number in between: a hole, and no number twice.
        session.execute(sa.text("SELECT nextval('people_id_seq')"))
        assert bulk.next_ids(session, "people", 3) == [first[-1] + n for n in (2, 3, 4)]
    assert bulk.next_ids(session, "people", 0) == []


@pytest.mark.parametrize("odd", ["", "a\x1fb", "{1,2}", 'say "no"', "NULL", "\\x"])
def test_any_text_is_found_by_its_key(session, person_id, odd) -> None:
    bulk.insert_rows(session, "person_identifiers", _COLUMNS, _rows(session, person_id, "1", odd))
    found = bulk.look_up(session, _FIND, {"value": "text"}, [[odd], ["1"], ["absent"]])
    assert sorted(found) == sorted([(odd, person_id), ("1", person_id)])
    assert bulk.look_up(session, _FIND, {"value": "text"}, [[odd]]) == [(odd, person_id)]


def test_a_writer_writes_in_order_and_the_keys_rise_with_it(session, person_id) -> None:
    values = [f"{n:04}" for n in range(500)]
    with bulk.Writer(session) as writer:
        for first in range(0, 500, 100):
            part = values[first : first + 100]
            writer.insert("person_identifiers", _COLUMNS, _rows(session, person_id, *part))
        writer.insert("person_identifiers", _COLUMNS, [])
    stored = session.scalars(sa.select(PersonIdentifier.value).order_by(PersonIdentifier.id))
    assert list(stored) == values


def test_a_row_that_is_bad_is_told_as_the_databases_own_error_without_its_values(
    session, person_id
) -> None:
    def write() -> None:
        with bulk.Writer(session) as writer:
            writer.insert("person_identifiers", _COLUMNS, _rows(session, person_id, "1"))
            writer.insert("person_identifiers", _COLUMNS, [(person_id, None, "secret", None)])

    with pytest.raises(sa.exc.IntegrityError) as caught:
        write()
    assert "secret" not in str(caught.value.statement)
    assert caught.value.params is None
    session.rollback()


def test_a_fault_of_the_caller_waits_for_what_was_begun(session, person_id) -> None:
    def write() -> None:
        with bulk.Writer(session) as writer:
            writer.insert("person_identifiers", _COLUMNS, _rows(session, person_id, "1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert session.scalar(sa.select(sa.func.count()).select_from(PersonIdentifier)) == 1
    session.rollback()
