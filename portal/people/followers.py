"""What follows for other areas when two records become one person, or two again.

The areas above register themselves at import: this one knows neither samples nor results.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from portal.actors import Actor


@dataclass(frozen=True, slots=True)
class Happening:
    """A line of a person's history."""

    at: Any
    record_id: int
    what: Any
    detail: str
    state: Any = ""
    tone: str = "mute"
    url: str = ""


Follow = Callable[[Session, Actor, list[int]], None]
Read = Callable[[Session, list[int]], Iterable[Happening]]
_follow: list[Follow] = []
_readers: list[Read] = []


def register(follow: Follow | None = None, read: Read | None = None) -> None:
    """Names a function that follows a merge or unmerge, and one that tells a history."""
    if follow is not None and follow not in _follow:
        _follow.append(follow)
    if read is not None and read not in _readers:
        _readers.append(read)


def follow(session: Session, actor: Actor, person_ids: list[int]) -> None:
    """Lets every area bring itself in line with who these records are now.

    Raises:
        RuntimeError: nobody registered; states of results would then stay wrong.
    """
    if not _follow:
        raise RuntimeError("no area follows merges: import portal.results.identities first")
    for step in _follow:
        step(session, actor, person_ids)


def history(session: Session, person_ids: list[int]) -> list[Happening]:
    """Everything that areas know of these records, the newest first."""
    lines = [line for read in _readers for line in read(session, person_ids)]
    return sorted(lines, key=lambda line: line.at, reverse=True)
