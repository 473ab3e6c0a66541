"""Laws of the house on what passes by the ORM: bulk statements and steps across sites are listed.

A bulk statement leaves no event for each row, and `unscoped` lifts the scope wall. Whoever adds
one says here which event of the audit log stands for it, or why it may cross sites.
"""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Module → the event that stands for its bulk statements.
BULK = {
    "accounts/services.py": "bulk delete of memberships, beside the change of the profile",
    "areas/services.py": "bulk insert of the tables of provinces and communes",
    "audit/personal.py": "erase; keys of the trail itself",
    "audit/sealing.py": "none: the seal of the trail",
    "audit/services.py": "none: the trail",
    "bulk.py": "none of its own: its callers stand in this list",
    "campaigns/counters.py": "none: sums of audited facts",
    "declarations/lookups.py": "none: is a trail of its own",
    "ingest/again.py": "bulk delete, beside the event that is applied again",
    "ingest/antigen.py": "ingest.apply, one for each device and login; antigen.release a row",
    "ingest/applier.py": "ingest.apply; positions of devices are not facts",
    "ingest/apply_events.py": "ingest.apply; declarations.link a row",
    "ingest/journal_postgresql.py": "none: the journal is the original of what devices sent",
    "ingest/journal_sqlite.py": "none: the journal is the original of what devices sent",
    "ingest/lease.py": "none: a position",
    "ingest/outcomes.py": "ingest.apply, written here",
    "jobs/services.py": "none: progress; who asked stands in the job",
    "people/known.py": "none: the queue of changes for the person index",
    "people/proposals.py": "none: a proposal; the decision on it is an event",
    "people/register.py": "ingest.apply; people.complete a person, with before and after",
    "pools/shares.py": "none: a finding opened is its own trail",
    "pools/watch.py": "findings.gone; a finding opened is its own trail",
    "pools/services.py": "samples.STATE, results.STATE with the number of rows",
    "reporting/completeness.py": "none: sums of audited facts",
    "results/matching.py": "results.match",
    "results/services.py": "results.release, results.hold, results.assign, tubes.test",
    "samples/bulk.py": "named by each caller, with the keys of the rows",
    "samples/registration_rows.py": "ingest.apply; samples.withdraw, tubes.discard a row",
    "samples/services.py": "tubes.reject, tubes.send and the verbs of custody",
}
# Modules that may lift the scope wall; each use gives its reason as a sentence.
UNSCOPED = {
    "db.py",
    "people/services.py",
    "people/views.py",
    "pools/designs.py",
    "pools/media.py",
    "pools/shares.py",
    "pools/watch.py",
    "results/importing.py",
    "results/matching.py",
    "results/receiving.py",
    "results/services.py",
    "samples/services.py",
}
_BULK_CALLS = {"insert", "update", "delete", "insert_rows", "update_rows"}
_BULK_OWNERS = {"sa", "sqlite", "postgresql", "dialect", "bulk", "sqlalchemy", ""}
_LIFTING = {"unscoped", "across_sites"}


@cache
def _modules() -> dict[str, ast.Module]:
    portal = ROOT / "portal"
    return {
        str(path.relative_to(portal)): ast.parse(path.read_text("utf-8"))
        for path in sorted(portal.rglob("*.py"))
        if "migrations" not in path.parts
    }


def _called(node: ast.AST) -> tuple[str, str]:
    """The owner (the name before the dot, if it is one) and the name that a call calls."""
    if not isinstance(node, ast.Call):
        return "", ""
    if isinstance(node.func, ast.Name):
        return "", node.func.id
    if isinstance(node.func, ast.Attribute):
        owner = node.func.value
        return (owner.id if isinstance(owner, ast.Name) else "?"), node.func.attr
    return "?", ""


def _is_bulk(node: ast.AST) -> bool:
    owner, name = _called(node)
    if name in _BULK_CALLS and owner in _BULK_OWNERS:
        return True
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    words = node.value.split() if is_text else []  # type: ignore[attr-defined]
    return len(words) > 1 and words[0] in {"INSERT", "UPDATE", "DELETE"}


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """The values of a module's own names."""
    return {
        target.id: statement.value
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }


def test_every_bulk_statement_names_the_event_that_stands_for_it() -> None:
    found = {name for name, tree in _modules().items() if any(map(_is_bulk, ast.walk(tree)))}
    assert found == set(BULK)


def test_every_lifting_of_the_scope_wall_is_listed_and_says_why() -> None:
    users = set()
    for name, tree in _modules().items():
        for node in ast.walk(tree):
            if _called(node)[1] in _LIFTING:
                users.add(name)
                (reason,) = node.args[-1:]  # type: ignore[attr-defined]
                is_passed_on = isinstance(reason, ast.Name) and name == "db.py"
                if isinstance(reason, ast.Name):
                    reason = _constants(tree).get(reason.id)
                is_sentence = isinstance(reason, ast.Constant) and len(reason.value.split()) > 2
                assert is_passed_on or is_sentence, f"{name}:{node.lineno} gives no reason"  # type: ignore[attr-defined]
    assert users == UNSCOPED


def test_commands_open_the_database_with_its_trail() -> None:
    bare = {
        name
        for name, tree in _modules().items()
        if name.startswith("cli/") and name != "cli/_database.py"
        for node in ast.walk(tree)
        if _called(node) in {("db", "bind"), ("", "bind")}
    }
    assert bare == set()
