"""Opening results by code and second factor: citizens have no accounts."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal import clock
from portal.actors import PUBLIC
from portal.audit import services as audit
from portal.certificates import queries
from portal.certificates.rules import SampleFacts
from portal.declarations import lookups
from portal.declarations import queries as declaration_queries
from portal.declarations.lookups import Try
from portal.declarations.models import Declaration
from portal.declarations.rules import (
    CODE_LENGTH,
    Secret,
    factor_opens,
    is_locked,
    read_code,
    read_factor,
)
from portal.declarations.services import secret_of

# A code that nobody has: looked up in place of one that can not be, so that all tries are alike.
_NOBODY = "0" * CODE_LENGTH


@dataclass(frozen=True, slots=True)
class Opened:
    """What a code and its second factor open.

    Attributes:
        declaration: for a declaration's code.
        results: newest first: the sample of the slip, its retests, what they were retests of;
            for a declaration, what was taken when its code was scanned at the point.
    """

    declaration: Declaration | None
    results: tuple[SampleFacts, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A try to open something: the code (see `known_code`), what was typed, who tries."""

    code: str
    factor: str
    kept: Try


def known_code(text: str) -> str:
    """The code to count and look up: that which was typed, or nobody's if it can be none."""
    return read_code(text) or _NOBODY


def look_up(
    session: Session, *, who: lookups.Caller, attempt_id: int, code: str, factor: str
) -> Opened | None:
    """What belongs to a code; None for every reason alike.

    `attempt_id` was written down and committed by `lookups.write_down`.
    """
    known = known_code(code)
    asked = Asked(known, factor, Try(who.hashed(known), who.network))
    return look_up_many(session, [asked], [attempt_id])[0]


def look_up_many(
    session: Session, asked: Sequence[Asked], attempt_ids: Sequence[int]
) -> list[Opened | None]:
    """What belongs to each code; None for every reason alike.

    No such code, a wrong second factor, a locked code, a locked network and a withdrawn
    declaration take the same statements and the same comparisons: neither the words nor the
    time tell them apart. The tries were written down and committed before.
    """
    today = clock.today()
    failures = lookups.failures_of_many(session, [one.kept for one in asked])
    codes = {one.code for one in asked}
    declarations = declaration_queries.by_codes(session, codes)
    samples = queries.facts_by_code(session, codes)
    openings: list[tuple[SampleFacts, bool] | Declaration | None] = []
    for one, failed in zip(asked, failures, strict=True):
        sample, declaration = samples.get(one.code), declarations.get(one.code)
        secret = Secret()
        if sample is not None:
            secret = Secret(sample[0].birth_on, sample[0].birth_year, sample[0].phone)
        elif declaration is not None and declaration.status == "current":
            secret = secret_of(declaration)
        is_open = factor_opens(secret, read_factor(one.factor, today)) and not is_locked(failed)
        openings.append((sample or declaration) if is_open else None)
    opened_ids = [key for key, found in zip(attempt_ids, openings, strict=True) if found]
    lookups.mark_opened(session, opened_ids)
    return [_open(session, found) for found in openings]


def _open(session: Session, found: tuple[SampleFacts, bool] | Declaration | None) -> Opened | None:
    """What was found is told at once; the few samples with retests and declarations need more."""
    if found is None:
        return None
    if isinstance(found, Declaration):
        return open_by_id(session, sample_id=None, declaration_id=found.id)
    facts, is_linked = found
    if is_linked:
        return open_by_id(session, sample_id=facts.sample_id, declaration_id=None)
    return Opened(None, (facts,))


def open_by_id(session: Session, *, sample_id: int | None, declaration_id: int | None) -> Opened:
    """The same for somebody who has shown code and second factor already (a signed ticket)."""
    if sample_id is not None:
        chain = queries.chain_of(session, [sample_id])
        return Opened(None, tuple(queries.facts_of(session, chain)))
    declaration = declaration_queries.get(session, declaration_id or 0)
    taken = queries.samples_of_declaration(session, declaration.id)
    chain = queries.chain_of(session, taken) if taken else []
    return Opened(declaration, tuple(queries.facts_of(session, chain)))


def note_reading(session: Session, opened: Sequence[Opened], purpose: str) -> None:
    """Every reading of a person's data is written down, a citizen's own too."""
    rows = []
    for one in opened:
        rows += [("samples", str(facts.sample_id)) for facts in one.results]
        if one.declaration is not None:
            rows.append(("declarations", str(one.declaration.id)))
    audit.read_each(session, PUBLIC, rows, purpose)
