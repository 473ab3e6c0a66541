"""The wall of row scope: every read and write of a staff member passes here, whoever wrote it.

Each table is declared once, below; an architecture test fails for a table that is not. A read
gets the rule as a criterion (`do_orm_execute`), a write is checked before the flush. Rows loaded
through a relationship of a row that may be seen are seen with it.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction, with_loader_criteria
from sqlalchemy.sql import visitors

from portal import db
from portal.actors import Scope
from portal.errors import NotFound

Criterion = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """How a table is scoped.

    Attributes:
        kind: `site`, `area`, `owner`, `author`, `through`, `reference` (all staff read it) or
            `system` (no person's rows; guarded by permissions alone). `owner` holds for everybody,
            also for roles that see the whole province, which `author` lets through.
        columns: the columns that name the sites, the area (`area_id`), the owner
            (`created_by_id`) or, for `through`, the parent; one that is the actor's is enough.
        parent: for `through`, the table whose rule counts.
        unless: tables whose own rule already decides when they stand in the same statement.
        is_lead_only: the rule counts only when no other scoped table stands in the statement.
        needs_all: every column must be the actor's, not only one.
    """

    kind: str
    columns: tuple[str, ...] = ()
    parent: str = ""
    unless: frozenset[str] = frozenset()
    is_lead_only: bool = False
    needs_all: bool = False


def _site(*columns: str, unless: tuple[str, ...] = (), is_lead_only: bool = False) -> Rule:
    return Rule(
        "site", columns or ("site_id",), unless=frozenset(unless), is_lead_only=is_lead_only
    )


def _through(column: str, parent: str) -> Rule:
    return Rule("through", (column,), parent=parent, unless=frozenset({parent}))


REFERENCE = Rule("reference")
SYSTEM = Rule("system")

# table → rule, in alphabetical order. A site counts in any of the columns named.
RULES: dict[str, Rule] = {
    "ab_api_key": SYSTEM,
    "ab_group": SYSTEM,
    "ab_group_role": SYSTEM,
    "ab_permission": SYSTEM,
    "ab_permission_view": SYSTEM,
    "ab_permission_view_role": SYSTEM,
    "ab_register_user": SYSTEM,
    "ab_role": SYSTEM,
    "ab_user": SYSTEM,
    "ab_user_group": SYSTEM,
    "ab_user_role": SYSTEM,
    "ab_view_menu": SYSTEM,
    "admin_unit_successions": REFERENCE,
    "admin_units": REFERENCE,
    "analyser_mappings": _site("laboratory_id"),
    "antigen_reads": _site("site_id"),
    "applier_state": SYSTEM,
    "audit_events": SYSTEM,
    "audit_heads": SYSTEM,
    "audit_leaves": SYSTEM,
    "audit_subject_keys": SYSTEM,
    "campaigns": REFERENCE,
    "certificate_drafts": REFERENCE,
    "certificate_templates": REFERENCE,
    "certificates": _site("site_id"),
    "collection_sessions": _site("site_id", is_lead_only=True),
    "completeness_counts": _site("site_id"),
    "correction_requests": _site("site_id", "area_id"),
    "custody_events": _through("tube_id", "tubes"),
    "declaration_versions": _through("declaration_id", "declarations"),
    "declarations": Rule("area", ("area_id",)),
    "devices": _site("site_id"),
    "duplicate_candidates": Rule("site", ("left_site_id", "right_site_id"), needs_all=True),
    "event_outcomes": _through("device_id", "devices"),
    "feedback_tickets": Rule("author", ("created_by_id",)),
    "findings": _site("site_id", "laboratory_id"),
    "held_batches": _through("device_id", "devices"),
    "hourly_counts": _site("site_id"),
    "jobs": Rule("owner", ("created_by_id",)),
    "kit_lots": REFERENCE,
    "lab_results": _site("laboratory_id", unless=("tubes",)),
    "lab_runs": _site("laboratory_id"),
    "linkage_policies": REFERENCE,
    "login_attempts": SYSTEM,
    "lookup_attempts": SYSTEM,
    "merges": _through("kept_id", "people"),
    "people": _site("site_id", is_lead_only=True),
    "person_changes": SYSTEM,
    "person_identifiers": _through("person_id", "people"),
    "person_index_saves": SYSTEM,
    "person_sweeps": SYSTEM,
    "photo_readings": Rule("owner", ("created_by_id",)),
    "pool_designs": _site("laboratory_id"),
    "pool_members": _through("pool_id", "pools"),
    "pool_policies": REFERENCE,
    "pools": _site("laboratory_id"),
    "quarantined_events": _site("site_id"),
    "retest_labels": _through("sample_id", "samples"),
    "retest_visits": _through("sample_id", "samples"),
    "sample_boxes": _site("site_id", "laboratory_id"),
    "samples": _site("site_id", unless=("tubes",)),
    "site_memberships": _site("site_id"),
    "site_readiness": _site("site_id"),
    "sites": _site("id", is_lead_only=True),
    "staff_imports": _site("site_id"),
    "staff_profiles": _site("site_id", is_lead_only=True),
    "trainings": _through("staff_id", "staff_profiles"),
    "trusted_signers": REFERENCE,
    "tube_label_ranges": _site("site_id"),
    "tubes": _site("site_id", "laboratory_id"),
}
_WALLED = frozenset(
    name for name, rule in RULES.items() if rule.kind not in {"reference", "system"}
)


def install(session_class: Any) -> None:
    """Puts the wall on every session of a session factory; safe to repeat."""
    if not sa.event.contains(session_class, "do_orm_execute", _wall_reads):
        sa.event.listen(session_class, "do_orm_execute", _wall_reads)
        sa.event.listen(session_class, "before_flush", _wall_writes)


_OWN = frozenset(name for name, rule in RULES.items() if rule.kind == "owner")


def _walled_actor_of(session: Session) -> Any:
    actor = db.acting(session)
    if actor is None or actor.kind != "staff" or session.info.get("unscoped"):
        return None
    return actor


def _walls_of(actor: Any) -> frozenset[str]:
    """The tables whose rows are walled for an actor; rows of one's own are so for everybody."""
    return _OWN if actor.scope.is_everything else _WALLED


def _wall_reads(state: ORMExecuteState) -> None:
    if state.is_relationship_load or state.is_column_load or state.is_insert:
        return
    actor = _walled_actor_of(state.session)
    if actor is None or not isinstance(state.statement, sa.Select | sa.Update | sa.Delete):
        return
    tables = _walled_tables(state.statement) & _walls_of(actor)
    if not tables:
        return
    if not state.is_orm_statement:
        message = f"a plain table statement on {sorted(tables)} would pass by the scope wall"
        raise RuntimeError(message)
    for name in tables:
        if not _counts(RULES[name], tables):
            continue
        entity = _entity(name)
        state.statement = state.statement.options(
            with_loader_criteria(entity, _criterion(name, actor.scope, actor.user_id))
        )


def _counts(rule: Rule, tables: frozenset[str]) -> bool:
    """Whether a rule counts in a statement on these walled tables."""
    return not (rule.unless & tables or (rule.is_lead_only and len(tables) > 1))


def _walled_tables(statement: Any) -> frozenset[str]:
    found = {part.name for part in visitors.iterate(statement) if isinstance(part, sa.Table)}
    # `.join(Sample.tube)` is resolved only when the statement is compiled; its target is here.
    for target, *_ in getattr(statement, "_setup_joins", ()):
        relation = getattr(target, "property", None)
        mapper = getattr(relation, "mapper", None) or getattr(target, "mapper", None)
        found.add(mapper.local_table.name if mapper is not None else getattr(target, "name", ""))
    return _WALLED & found


_entities: dict[str, Any] = {}


def _entity(table: str) -> Any:
    if table not in _entities:
        _entities.update({m.local_table.name: m.class_ for m in Model.registry.mappers})
    return _entities[table]


def _criterion(table: str, scope: Scope, user_id: int | None) -> Criterion:
    rule, entity = RULES[table], _entity(table)
    if rule.kind == "through":
        parent = _entity(rule.parent)
        allowed = sa.select(parent.id).where(_criterion(rule.parent, scope, user_id))
        return getattr(entity, rule.columns[0]).in_(allowed)
    join = sa.and_ if rule.needs_all else sa.or_
    return join(
        *(_among(getattr(entity, name), _allowed(name, scope, user_id)) for name in rule.columns)
    )


def _allowed(column: str, scope: Scope, user_id: int | None) -> Any:
    """The values of a scoping column that belong to the actor."""
    if column == "area_id":
        return scope.area_ids
    return {user_id} if column == "created_by_id" else scope.site_ids


def _among(column: Any, values: Any) -> Criterion:
    """One value is written as `=`, which lets (site, id) indexes serve order as well."""
    if len(values) == 1:
        (value,) = values
        return column == value
    return column.in_(sorted(values))


def parts(session: Session, model: Any, statement: Any) -> list[tuple[str, int]]:
    """The (column, value) pairs of which each row that the acting person may see has one.

    Empty where the table's rule is no such choice in this statement, or the person sees
    everything. The wall stands without this; it serves lists, which read each part in the order of
    its own index.
    """
    table = model.__table__.name
    actor, rule = _walled_actor_of(session), RULES.get(table, SYSTEM)
    if actor is None or rule.kind not in {"site", "area"} or rule.needs_all:
        return []
    tables = _walled_tables(statement) & _walls_of(actor)
    if table not in tables or not _counts(rule, tables):
        return []
    return [
        (column, value)
        for column in rule.columns
        for value in sorted(_allowed(column, actor.scope, actor.user_id))
    ]


def _wall_writes(session: Session, flush: UOWTransaction, instances: Any) -> None:
    del flush, instances
    actor = _walled_actor_of(session)
    if actor is None:
        return
    touched = [*session.new, *session.deleted]
    touched += [row for row in session.dirty if session.is_modified(row)]
    for row in touched:
        if not _covers(actor, row):
            raise NotFound("Not found.")


def _covers(actor: Any, row: Any) -> bool:
    table = sa.inspect(row).mapper.local_table.name
    rule = RULES.get(table, SYSTEM)
    if table not in _walls_of(actor) or rule.kind not in {"site", "area", "owner", "author"}:
        return True  # a child's parent is walled itself; reference data need a permission
    covers = all if rule.needs_all else any
    return covers(
        _value(row, name) in _allowed(name, actor.scope, actor.user_id) for name in rule.columns
    )


def _value(row: Any, column: str) -> Any:
    """The column, or the key of the related row while only the relationship is set."""
    value = getattr(row, column)
    related = getattr(row, column.removesuffix("_id"), None) if column.endswith("_id") else None
    return value if value is not None or related is None else related.id
