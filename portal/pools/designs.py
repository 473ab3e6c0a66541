"""Designs of overlapping laboratory pools: an array of rows and columns, or a matrix given.

Every tube goes into several pools. The pools are mixes like any other (`portal.pools.media`); what
they say together is decoded in `portal.pools.decoding`, and decides for a tube as told there.
"""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.db import across_sites
from portal.errors import Invalid, NotFound
from portal.pools import media
from portal.pools.decoding import Decoded, decode
from portal.pools.models import Pool, PoolDesign, PoolMember
from portal.samples.models import Tube
from portal.samples.rules import clean_code

LARGEST_SIDE = 24
LARGEST_DESIGN = 384  # a plate of small wells


@dataclass(frozen=True, slots=True)
class Plan:
    """Which places of a design go into which pools.

    Attributes:
        kind: `array` or `matrix`.
        rows, columns: of an array; of a matrix its pools and its places.
        pools: name of each pool (R1, C3, P7) → places in it, from 0.
    """

    kind: str
    rows: int
    columns: int
    pools: dict[str, list[int]]

    @property
    def places(self) -> int:
        """How many tubes fit."""
        return self.rows * self.columns if self.kind == "array" else self.columns


def array_plan(rows: int, columns: int) -> Plan:
    """An array: place 0 is the first of row 1, and rows are filled one after the other.

    Raises:
        Invalid: sides out of range.
    """
    if not all(media.FEWEST_TUBES <= side <= LARGEST_SIDE for side in (rows, columns)):
        raise Invalid(_("An array has 2 to %(most)s rows and columns.", most=LARGEST_SIDE))
    pools = {
        f"R{row + 1}": [row * columns + column for column in range(columns)] for row in range(rows)
    }
    for column in range(columns):
        pools[f"C{column + 1}"] = [row * columns + column for row in range(rows)]
    return Plan("array", rows, columns, pools)


def matrix_plan(text: str) -> Plan:
    """A matrix of 0 and 1, one line a pool and one column a place, as laboratories exchange it.

    Raises:
        Invalid: every line that is wrong, at once.
    """
    lines = [
        line.replace(",", " ").replace(";", " ").split()
        for line in text.splitlines()
        if line.strip()
    ]
    # «0110» is as good as «0 1 1 0».
    cells = [list(line[0]) if len(line) == 1 and len(line[0]) > 1 else line for line in lines]
    problems = [
        _("Line %(number)s: only 0 and 1 are allowed.", number=number)
        for number, line in enumerate(cells, 1)
        if set(line) - {"0", "1"}
    ]
    widths = {len(line) for line in cells}
    if len(widths) > 1:
        problems.append(_("All lines must be of the same length."))
    if len(cells) < media.FEWEST_TUBES or not widths or max(widths) > LARGEST_DESIGN:
        problems.append(_("A matrix has two lines or more, of at most %(most)s places.",
                          most=LARGEST_DESIGN))  # fmt: skip
    pools = {
        f"P{number}": [place for place, cell in enumerate(line) if cell == "1"]
        for number, line in enumerate(cells, 1)
    }
    problems += [
        _("Line %(number)s: a pool holds at least two places.", number=name[1:])
        for name, places in pools.items()
        if len(places) < media.FEWEST_TUBES
    ]
    used = {place for places in pools.values() for place in places}
    unused = sorted(set(range(max(widths, default=0))) - used)
    if unused and not problems:
        problems.append(_("Place %(place)s is in no pool.", place=unused[0] + 1))
    if problems:
        raise Invalid(_("The matrix cannot be used."), details=problems)
    return Plan("matrix", len(cells), max(widths), pools)


@across_sites("a laboratory mixes tubes of every site")
def make(
    session: Session,
    actor: Actor,
    *,
    laboratory_id: int,
    plan: Plan,
    tube_codes: Sequence[str],
    at: dt.datetime | None = None,
) -> PoolDesign:
    """Makes the pools of a design from tubes in the order of their places; they wait for a test.

    Fewer tubes than places leave the last places empty.

    Raises:
        Invalid: every reason why these tubes cannot be mixed so, at once.
        NotFound: a laboratory outside the actor's scope.
    """
    actor.scope.require_site(laboratory_id)
    at = at or clock.now()
    codes = [clean_code(code) for code in tube_codes if code.strip()]
    known = media.locked_tubes(session, codes)
    problems = media.tube_problems(session, codes, known, laboratory_id)
    if len(codes) > plan.places:
        problems.append(
            _("%(given)s tubes for %(places)s places.", given=len(codes), places=plan.places)
        )
    tubes = [known[code] for code in dict.fromkeys(codes) if code in known]
    filled = {
        name: [known[codes[place]] for place in places if place < len(codes)]
        for name, places in plan.pools.items()
        if not problems
    }
    filled = {name: members for name, members in filled.items() if members}
    for name, members in filled.items():
        # The last row or column may hold one tube alone; what is wrong with it others tell.
        if len(members) > 1 or len(tubes) < media.FEWEST_TUBES:
            told = media.mix_problems(session, members, at)
            problems += [f"{name}: {problem}" for problem in told]
    code = _next_code(session, laboratory_id, at)
    problems += media.label_problems(session, [f"{code}-{name}" for name in filled])
    if not filled and not problems:
        problems.append(_("A pool is mixed from at least two tubes."))
    if problems:
        raise Invalid(_("The design was not made."), details=list(dict.fromkeys(problems)))
    design = PoolDesign(
        code=code,
        laboratory_id=laboratory_id,
        kind=plan.kind,
        row_count=plan.rows,
        column_count=plan.columns,
        created_at=at,
        created_by_id=actor.user_id,
    )
    session.add(design)
    session.flush()
    place_of = {code: place for place, code in enumerate(codes)}
    for name, members in filled.items():
        pool = media.make_pool(
            session, actor, laboratory_id=laboratory_id, label=f"{code}-{name}", tubes=members,
            at=at, design_id=design.id, place=name,
        )  # fmt: skip
        for tube in members:
            media.put_into(session, pool, tube, at, position=place_of[tube.code])
    for tube in tubes:
        media.to_test(tube)
    session.flush()
    return design


def _next_code(session: Session, laboratory_id: int, at: dt.datetime) -> str:
    prefix = f"M{laboratory_id}-{clock.local(at):%y%m%d}-"
    made = session.scalar(
        sa.select(sa.func.count(PoolDesign.id)).where(
            PoolDesign.code.startswith(prefix, autoescape=True)
        )
    )
    return f"{prefix}{(made or 0) + 1:02d}"


@dataclass(frozen=True, slots=True)
class DesignPool:
    """One pool of a design: its name, its mix, the places in it and its tubes."""

    name: str
    mix: Tube
    tubes: list[tuple[int, Tube]]


@dataclass(frozen=True, slots=True)
class Board:
    """A design as the laboratory sees it.

    Attributes:
        design: the design.
        pools: in the order of their names as made.
        tubes: by place.
        decoded: what released results say together.
        singly: outcomes of tubes with a test of their own.
        people: in all tubes.
    """

    design: PoolDesign
    pools: list[DesignPool]
    tubes: dict[int, Tube]
    decoded: Decoded
    singly: Mapping[int, str]
    people: int

    def verdict(self, tube: Tube) -> str:
        """The word for a tube: negative, definite, candidate, doubted, tested or open."""
        told = self.decoded
        if tube.id in self.singly:
            return f"single_{self.singly[tube.id]}"
        for word, keys in (
            ("doubted", told.doubted),
            ("definite", told.definite),
            ("candidate", told.candidates),
            ("negative", told.negative),
        ):
            if tube.id in keys:
                return word
        return "open"

    @property
    def ranked(self) -> list[Tube]:
        """Whom to test singly, in this order."""
        by_id = {tube.id: tube for tube in self.tubes.values()}
        return [by_id[key] for key in self.decoded.ranking]

    @property
    def contradicting(self) -> list[DesignPool]:
        """Positive pools that nobody explains."""
        return [pool for pool in self.pools if pool.mix.id in self.decoded.contradictions]


@across_sites("tubes of every site are in a laboratory's pools")
def board(
    session: Session,
    actor: Actor,
    design_id: int,
    *,
    tested_singly: Callable[[Session, list[int]], dict[int, str]],
) -> Board:
    """The design with its pools and what they say.

    Args:
        session: to read from.
        actor: whose laboratory it must be.
        design_id: the design.
        tested_singly: gives the outcomes that count of tubes with a test of their own.

    Raises:
        NotFound: there is none, or not in the actor's laboratory.
    """
    design = session.get(PoolDesign, design_id)
    if design is None or not actor.scope.covers_site(design.laboratory_id):
        raise NotFound(_("There is no such design."))
    rows = session.execute(
        sa.select(Pool, PoolMember.position, Tube)
        .join(PoolMember, PoolMember.pool_id == Pool.id)
        .join(Tube, Tube.id == PoolMember.tube_id)
        .where(Pool.design_id == design_id)
        .order_by(Pool.id, PoolMember.position)
    ).all()
    members: dict[Pool, list[tuple[int, Tube]]] = {}
    for pool, position, tube in rows:
        members.setdefault(pool, []).append((position or 0, tube))
    mixes = {
        tube.code: tube
        for tube in session.scalars(sa.select(Tube).where(Tube.code.in_([p.code for p in members])))
    }
    pools = [DesignPool(pool.place, mixes[pool.code], inside) for pool, inside in members.items()]
    tubes = dict(sorted(pair for inside in members.values() for pair in dict(inside).items()))
    singly = tested_singly(session, [tube.id for tube in tubes.values()])
    decoded = decode(
        {pool.mix.id: [tube.id for _place, tube in pool.tubes] for pool in pools},
        {pool.mix.id: pool.mix.outcome for pool in pools} | singly,
    )
    people = sum(tube.sample_count for tube in tubes.values())
    return Board(design, pools, tubes, decoded, singly, people)


def designs_of(session: Session, laboratory_id: int, limit: int = 30) -> list[Any]:
    """Designs of a laboratory, newest first: (design, pools, pools with a result)."""
    mixes = sa.orm.aliased(Tube)
    found = session.execute(
        sa.select(
            PoolDesign,
            sa.func.count(Pool.id),
            sa.func.sum(sa.case((mixes.outcome != "", 1), else_=0)),
        )
        .join(Pool, Pool.design_id == PoolDesign.id)
        .join(mixes, mixes.code == Pool.code)
        .where(PoolDesign.laboratory_id == laboratory_id)
        .group_by(PoolDesign.id)
        .order_by(PoolDesign.id.desc())
        .limit(limit)
    )
    return list(found)


def suggested_sides(count: int) -> tuple[int, int]:
    """Rows and columns of the smallest nearly square array for so many tubes."""
    rows = max(2, math.isqrt(max(count - 1, 1)))
    while rows < LARGEST_SIDE and rows * math.ceil(count / rows) < count:
        rows += 1
    return rows, max(2, math.ceil(count / rows))
