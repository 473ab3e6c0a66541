"""What is done with declarations: submit, update, correct, withdraw, re-issue."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext
from sqlalchemy.orm import Session

import core_rs
from portal import clock
from portal.actors import Actor
from portal.declarations import lookups, queries
from portal.declarations.models import Declaration, DeclarationVersion
from portal.declarations.rules import Answers, Secret, read_answers, risk_of
from portal.errors import Conflict, Invalid


def submit(
    session: Session,
    actor: Actor,
    *,
    raw: Mapping[str, Any],
    uid: uuid.UUID,
) -> Declaration:
    """Takes a declaration; the same `uid` again gives the one already made.

    Args:
        session: database session.
        actor: the public, or the staff member at the desk.
        raw: the answers by field name, as `rules.read_answers` takes them.
        uid: made when the form was opened.

    Raises:
        Invalid: naming every problem.
        NotFound: staff declare only for their own areas.
    """
    known = session.scalars(sa.select(Declaration).where(Declaration.uid == uid)).one_or_none()
    if known is not None:
        return known
    answers = read_answers(raw, clock.today())
    now = clock.now()
    declaration = Declaration(
        uid=uid, lookup_code=core_rs.new_code(), current_version=1, submitted_at=now
    )
    _write(declaration, answers, _area_id(session, answers.area_code))
    if actor.kind == "staff":
        actor.scope.require_area(declaration.area_id)
    session.add(declaration)
    session.flush()
    _keep_version(session, actor, declaration, answers)
    return declaration


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration that was made elsewhere, with its own ids.

    Attributes:
        uid: made when the form was opened.
        lookup_code: what its maker was given.
        raw: the answers by field name.
    """

    uid: uuid.UUID
    lookup_code: str
    raw: Mapping[str, Any]


def submit_many(session: Session, actor: Actor, declared: Sequence[Declared]) -> int:
    """Takes many declarations in few statements; those already here stay. How many were new.

    Raises:
        Invalid: naming the problems of the first that has any.
    """
    uids = [one.uid for one in declared]
    known = set(session.scalars(sa.select(Declaration.uid).where(Declaration.uid.in_(uids))))
    areas: dict[str, int | None] = {}
    now, today = clock.now(), clock.today()
    made: list[tuple[Declaration, Answers]] = []
    for one in declared:
        if one.uid in known:
            continue
        answers = read_answers(one.raw, today)
        if answers.area_code not in areas:
            areas[answers.area_code] = _area_id(session, answers.area_code)
        declaration = Declaration(
            uid=one.uid, lookup_code=one.lookup_code, current_version=1, submitted_at=now
        )
        _write(declaration, answers, areas[answers.area_code])
        made.append((declaration, answers))
    session.add_all(declaration for declaration, _answers in made)
    session.flush()
    session.add_all(
        DeclarationVersion(
            declaration_id=declaration.id,
            number=1,
            answers=answers.to_json(),
            declared_by=answers.declared_by,
            recorded_at=now,
            recorded_by_id=actor.user_id,
        )
        for declaration, answers in made
    )
    session.flush()
    return len(made)


def update(
    session: Session,
    actor: Actor,
    *,
    declaration_id: int,
    raw: Mapping[str, Any],
    version: int | None = None,
) -> Declaration:
    """Declares anew under the same code: the next version; the earlier ones stay as they were.

    The caller has opened the declaration: by code and second factor, or by scope.

    Raises:
        Invalid: naming every problem.
        Conflict: somebody else changed it since `version` was read, or it was withdrawn.
    """
    declaration = queries.get(session, declaration_id)
    if declaration.status != "current":
        raise Conflict(gettext("This declaration was withdrawn."))
    if version is not None and declaration.version != version:
        raise Conflict(gettext("Somebody else changed this declaration. Load it again."))
    answers = read_answers(raw, clock.today())
    if answers.to_json() == queries.current_answers(session, declaration):
        return declaration
    if actor.kind == "staff":
        actor.scope.require_area(declaration.area_id)
    declaration.current_version += 1
    declaration.version += 1
    _write(declaration, answers, _area_id(session, answers.area_code))
    _keep_version(session, actor, declaration, answers)
    return declaration


def withdraw(session: Session, actor: Actor, *, declaration_id: int, reason: str) -> Declaration:
    """Takes a declaration out of use; it stays readable for staff.

    Raises:
        Invalid: without a reason.
    """
    declaration = queries.get(session, declaration_id)
    if not reason.strip():
        raise Invalid(gettext("Give the reason."), details=[gettext("Give the reason.")])
    if actor.kind == "staff":
        actor.scope.require_area(declaration.area_id)
    declaration.status = "withdrawn"
    declaration.withdrawal_reason = reason.strip()[:160]
    declaration.updated_at = clock.now()
    declaration.version += 1
    return declaration


def reissue(
    session: Session, actor: Actor, *, declaration_id: int, who: lookups.Caller
) -> Declaration:
    """Gives a new look-up code at the counter; the old one opens nothing any more."""
    declaration = queries.get(session, declaration_id)
    if actor.kind == "staff":
        actor.scope.require_area(declaration.area_id)
    declaration.lookup_code = core_rs.new_code()
    declaration.updated_at = clock.now()
    declaration.version += 1
    lookups.forgive(session, who, code=declaration.lookup_code)
    return declaration


def secret_of(declaration: Declaration) -> Secret:
    """What opens a declaration besides its code."""
    return Secret(declaration.birth_on, declaration.birth_year, declaration.phone)


def _area_id(session: Session, area_code: str) -> int | None:
    """The key of the commune of a code.

    Raises:
        Invalid: there is none today.
    """
    if not area_code:
        return None
    commune = queries.find_commune(session, area_code, clock.today())
    if commune is None:
        message = gettext("There is no commune with this code.")
        raise Invalid(message, details=[message])
    return commune.id


def _write(declaration: Declaration, answers: Answers, area_id: int | None) -> None:
    declaration.full_name = answers.full_name
    declaration.folded_name = core_rs.fold_name(answers.full_name)
    declaration.sort_name = core_rs.sort_key(answers.full_name).hex()[:160]
    declaration.birth_on = answers.birth_on
    declaration.birth_year = answers.birth_year
    declaration.sex = answers.sex
    declaration.phone = answers.phone
    declaration.national_id = answers.national_id
    declaration.address = answers.address
    declaration.area_id = area_id
    declaration.risk = risk_of(answers).value
    declaration.is_proxy = answers.declared_by == "proxy"
    declaration.updated_at = clock.now()


def _keep_version(
    session: Session, actor: Actor, declaration: Declaration, answers: Answers
) -> None:
    session.add(
        DeclarationVersion(
            declaration_id=declaration.id,
            number=declaration.current_version,
            answers=answers.to_json(),
            declared_by=answers.declared_by,
            recorded_at=clock.now(),
            recorded_by_id=actor.user_id,
        )
    )
    session.flush()
