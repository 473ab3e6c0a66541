"""Kinds of jobs: each names the function that does the work. Areas register theirs at import."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy.orm import Session

from portal.actors import Actor


class Progress(Protocol):
    """How a running job tells how far it is; also renews its lease."""

    def __call__(self, done: int, total: int) -> None:
        """Reports `done` of `total` steps."""


@dataclass(frozen=True, slots=True)
class Running:
    """A job as its function sees it.

    Attributes:
        arguments: what was asked for, as JSON values.
        actor: who asked; the work sees only the rows of this actor.
        progress: call it often, at least once in `LEASE`.
        path: where the job's file goes; written there it can be fetched afterwards.
    """

    arguments: dict[str, object]
    actor: Actor
    progress: Progress
    path: Path


Worker = Callable[[Running], str]
Chore = Callable[[Session, Actor], dict[str, int]]
_kinds: dict[str, Worker] = {}
_chores: dict[str, tuple[float, Chore]] = {}


def register(kind: str, worker: Worker) -> None:
    """Names the function of a kind; it gives the name under which the file is fetched, or ""."""
    _kinds[kind] = worker


def repeat(name: str, seconds: float, chore: Chore) -> None:
    """Has the worker do something every so many seconds; it gives counts for the log."""
    _chores[name] = (seconds, chore)


def chores() -> dict[str, tuple[float, Chore]]:
    """What is done again and again: name → (seconds between, the function)."""
    return dict(_chores)


def worker_of(kind: str) -> Worker | None:
    """The function of a kind, None if no area registered it."""
    return _kinds.get(kind)
