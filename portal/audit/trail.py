"""Before and after of what raw statements change: told while it is decided, written at the end.

For work that passes by the listeners, many rows of many authors in one transaction: each change
of a row is an event of its own, under who caused it, its personal values under the person's key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from portal.actors import Actor
from portal.audit import rules, services

Change = Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Author:
    """Who causes what comes next, and the request (a batch of a device) it came in."""

    actor: Actor
    request: str = ""


class Trail:
    """The changes of one transaction."""

    def __init__(self, author: Author) -> None:
        self.author = author
        self._told: list[tuple[Author, str, str, int, str, Change]] = []

    def tell(
        self,
        action: str,
        table: str,
        key: int,
        subject: str,
        change: Change,
        *,
        author: Author | None = None,
    ) -> None:
        """One row changes.

        Args:
            action: name of the step.
            table: of the row.
            key: of the row.
            subject: whose values they are, e.g. `people/12`; empty for nobody's.
            change: column → (before, after).
            author: who caused it; the one at work, if not said.
        """
        self._told.append((author or self.author, action, table, key, subject, change))

    def write(self, session: Session) -> None:
        """Writes an event for each change."""
        told, self._told = self._told, []
        services.write(
            session,
            [
                services.event_of(
                    author.actor,
                    action,
                    table,
                    str(key),
                    change={n: [rules.shown(n, v) for v in pair] for n, pair in change.items()},
                    subject=subject,
                )
                | {"request_id": author.request}
                for author, action, table, key, subject, change in told
            ],
        )
