"""The foreign keys of rows that are copied into PostgreSQL, checked for all of them at once.

The server checks each key of each row by a statement of its own, which costs more than the rest of
a COPY. Here the rows that are pointed to are locked and counted once for all the copied rows, as
the server would have locked them one by one, and for the COPY its own checks rest. If one is
missing they do not, and the server says which.

That takes a right which only a superuser has unless it is given (PostgreSQL 15 and newer):
`GRANT SET ON PARAMETER session_replication_role TO <user>`. Without it the server checks as ever.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import sqlalchemy as sa
from flask_appbuilder import Model

# Fewer rows are not worth the statements.
FEWEST_ROWS = 50
_HAS_GRANTS = (15,)
_MAY = "SELECT has_parameter_privilege('session_replication_role', 'SET')"
_IS_SUPERUSER = "SELECT current_setting('is_superuser') = 'on'"
_KNOWN = "tram.may_rest_checks"
_HELD = "SELECT count(*) FROM (SELECT FROM {table} WHERE id = ANY(%s) FOR KEY SHARE) AS held"


class References:
    """What rows of one transaction point to, on one connection of PostgreSQL."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        # Rows of this very transaction: nobody else sees them, nobody can delete them.
        self._made: defaultdict[str, set[int]] = defaultdict(set)

    @contextmanager
    def checked(
        self, cursor: Any, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> Iterator[None]:
        """The server's own checks rest inside, if everything that `rows` point to is there."""
        rests = (
            len(rows) >= FEWEST_ROWS
            and self._may_rest(cursor)
            and self._are_there(cursor, table, columns, rows)
        )
        if rests:
            cursor.execute("SET LOCAL session_replication_role = replica")
        yield  # after a failure the transaction, and with it the setting, is rolled back
        if rests:
            cursor.execute("SET LOCAL session_replication_role = origin")
        if "id" in columns:
            place = columns.index("id")
            self._made[table].update(row[place] for row in rows)

    def _may_rest(self, cursor: Any) -> bool:
        known = self._connection.info.get(_KNOWN)
        if known is None:
            version = self._connection.dialect.server_version_info or (0,)
            question = _MAY if version >= _HAS_GRANTS else _IS_SUPERUSER
            known = self._connection.info[_KNOWN] = cursor.execute(question).fetchone()[0]
        return bool(known)

    def _are_there(
        self, cursor: Any, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> bool:
        parents = _parents(table)
        if parents is None:
            return False
        for column, parent in parents:
            if column not in columns:
                continue
            place = columns.index(column)
            wanted = {row[place] for row in rows} - {None} - self._made[parent]
            if not wanted:
                continue
            cursor.execute(_HELD.format(table=parent), (list(wanted),))
            if cursor.fetchone()[0] != len(wanted):
                return False
        return True


@cache
def _parents(table: str) -> tuple[tuple[str, str], ...] | None:
    """(column, table) of each foreign key; None if one is of another kind than ours all are."""
    found = []
    for constraint in Model.metadata.tables[table].foreign_key_constraints:
        columns, elements = constraint.column_keys, constraint.elements
        if len(columns) != 1 or elements[0].column.name != "id":
            return None
        found.append((columns[0], constraint.referred_table.name))
    return tuple(found)
