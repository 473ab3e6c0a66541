"""The sealed log: every edit, removal and reordering of what was sealed is found, offline."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from portal import clock, db, settings
from portal.actors import Actor, system
from portal.audit import heads, proofs, sealing, services, verification
from portal.audit.models import AuditEvent, AuditHead, AuditLeaf
from portal.audit.sealing import LogChanged, Sealer
from portal.cli import main

ACTOR = Actor(kind="staff", name="an", user_id=7)
EVENTS, LEAVES = AuditEvent.__table__, AuditLeaf.__table__


def _write(count: int, action: str = "read") -> None:
    with db.transaction(ACTOR) as session:
        for number in range(count):
            services.note(session, ACTOR, action, "people", key=str(number),
                          change={"số": [None, number / 3]})  # fmt: skip


@pytest.fixture
def var_dir(config: settings.Settings) -> Path:
    return config.var_dir


@pytest.fixture
def sealer(session: db.Session, var_dir: Path) -> Sealer:
    services.install(db.session_factory.class_)
    _write(12)
    made = Sealer(var_dir)
    assert made.step() == 12
    _write(9, "print")
    assert made.step() == 9
    return made


def _export(session: db.Session, var_dir: Path, wanted: proofs.Filter | None = None) -> Path:
    path = var_dir / "export"
    with db.transaction(system("tests")):
        proofs.write(path, session, var_dir, wanted or proofs.Filter())
    return path


def _found(path: Path, var_dir: Path) -> list[str]:
    """The problems of a file, for somebody who kept every head."""
    known = heads.filed(var_dir)
    trusted = heads.known_keys(var_dir)
    report = verification.verify(path, trusted=trusted, known_heads=known)
    later = [f"ends before {report.later.size}"] if report.later else []
    return report.problems + later


def test_what_was_sealed_stands_whole_and_in_part(
    session: db.Session, sealer: Sealer, var_dir: Path
) -> None:
    whole = verification.verify(_export(session, var_dir), known_heads=heads.filed(var_dir))
    assert (whole.problems, whole.entry_count, whole.is_whole) == ([], 21, True)
    assert whole.compared == 2
    part = verification.verify(_export(session, var_dir, proofs.Filter(action="print")))
    assert (part.problems, part.entry_count, part.is_whole) == ([], 9, False)
    assert sealer.step() == 0
    assert sealing.count_unsealed(session) == 0


@pytest.mark.parametrize(
    ("wanted", "compared"),
    [(proofs.Filter(), 2), (proofs.Filter(action="print"), 1)],  # a part holds heads of days
)
def test_an_export_stands_after_more_was_sealed(
    session: db.Session, sealer: Sealer, var_dir: Path, wanted: proofs.Filter, compared: int
) -> None:
    path = _export(session, var_dir, wanted)
    _write(3)
    assert sealer.step() == 3
    report = verification.verify(path, known_heads=heads.filed(var_dir))
    assert report.problems == []
    assert report.later is not None
    assert (report.later.size, report.compared) == (24, compared)


@pytest.mark.parametrize("wanted", [proofs.Filter(), proofs.Filter(action="print")])
def test_an_end_cut_off_is_told_from_an_older_file(
    session: db.Session, sealer: Sealer, var_dir: Path, wanted: proofs.Filter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The file says when it was written, and heads signed long before that must be in it."""
    del sealer
    for statement in TAMPERINGS["the end cut off"]:
        session.connection().execute(statement)
    session.commit()
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + dt.timedelta(minutes=5))
    path = _export(session, var_dir, wanted)
    report = verification.verify(path, known_heads=heads.filed(var_dir))
    assert report.problems == [
        "A head over 21 entries was signed, this log has only 12: entries at its end are missing."
    ]


TAMPERINGS: dict[str, list[sa.Executable]] = {
    "an edit": [sa.update(EVENTS).where(EVENTS.c.id == 5).values(actor_name="binh")],
    "an edit of values": [sa.update(EVENTS).where(EVENTS.c.id == 5).values(change={})],
    "a removal": [sa.delete(EVENTS).where(EVENTS.c.id == 5)],
    "a removal with its leaf": [
        sa.delete(EVENTS).where(EVENTS.c.id == 5),
        sa.delete(LEAVES).where(LEAVES.c.event_id == 5),
    ],
    "the end cut off": [
        sa.delete(EVENTS).where(EVENTS.c.id > 12),
        sa.delete(LEAVES).where(LEAVES.c.place >= 12),
        sa.delete(AuditHead.__table__).where(AuditHead.size > 12),
    ],
    "a swap": [
        sa.update(EVENTS).where(EVENTS.c.id == 5).values(id=500),
        sa.update(EVENTS).where(EVENTS.c.id == 6).values(id=5),
        sa.update(EVENTS).where(EVENTS.c.id == 500).values(id=6),
    ],
    "a swap of places": [
        sa.update(LEAVES).where(LEAVES.c.place == 4).values(place=400),
        sa.update(LEAVES).where(LEAVES.c.place == 5).values(place=4),
        sa.update(LEAVES).where(LEAVES.c.place == 400).values(place=5),
    ],
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_changes_in_the_database_are_found(
    session: db.Session, sealer: Sealer, var_dir: Path, name: str
) -> None:
    del sealer
    for statement in TAMPERINGS[name]:
        session.connection().execute(statement)
    session.commit()
    assert _found(_export(session, var_dir), var_dir)


def test_a_forged_leaf_is_found_and_stops_the_next_sealer(
    session: db.Session, sealer: Sealer, var_dir: Path
) -> None:
    del sealer
    session.connection().execute(
        sa.update(EVENTS).where(EVENTS.c.id == 5).values(actor_name="binh")
    )
    import core_rs
    from portal.audit.entries import entry_of, select

    row = session.connection().execute(select().where(EVENTS.c.id == 5)).mappings().one()
    leaf = core_rs.leaf_hash(entry_of(row))
    session.connection().execute(sa.update(LEAVES).where(LEAVES.c.event_id == 5).values(leaf=leaf))
    session.commit()
    assert _found(_export(session, var_dir), var_dir)
    with pytest.raises(LogChanged):
        Sealer(var_dir).step()


def _lines_changed(path: Path, change: Callable[[list[bytes]], None]) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    change(lines)
    path.write_bytes(b"".join(lines))


def _swap(lines: list[bytes]) -> None:
    lines[3], lines[4] = lines[4], lines[3]


EDITS: dict[str, Callable[[list[bytes]], None]] = {
    "line removed": lambda lines: lines.pop(3),
    "last entry removed": lambda lines: lines.pop(-2),
    "lines swapped": _swap,
    "line repeated": lambda lines: lines.insert(3, lines[3]),
    "entry edited": lambda lines: lines.__setitem__(3, lines[3].replace(b'"an"', b'"bo"')),
    "foot removed": lambda lines: lines.pop(),
    "head edited": lambda lines: lines.__setitem__(0, lines[0].replace(b'"size":21', b'"size":20')),
}


@pytest.mark.parametrize("wanted", [proofs.Filter(), proofs.Filter(action="print")])
def test_changes_of_the_file_are_found(
    session: db.Session, sealer: Sealer, var_dir: Path, wanted: proofs.Filter
) -> None:
    del sealer
    path = _export(session, var_dir, wanted)
    good = path.read_bytes()
    for name, edit in EDITS.items():
        path.write_bytes(good)
        _lines_changed(path, edit)
        assert _found(path, var_dir), name


def test_no_single_byte_of_an_export_can_be_changed(
    session: db.Session, sealer: Sealer, var_dir: Path
) -> None:
    del sealer
    path = _export(session, var_dir, proofs.Filter(row_key="3"))
    good = path.read_bytes()
    for at in range(0, len(good), 7):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        assert _found(path, var_dir), at
    path.write_bytes(b"")
    assert _found(path, var_dir)


def test_a_log_forged_from_the_start_with_another_key_is_found(
    session: db.Session, sealer: Sealer, var_dir: Path, tmp_path: Path
) -> None:
    del sealer
    trusted, kept = heads.known_keys(var_dir), heads.filed(var_dir)
    for statement in TAMPERINGS["a removal with its leaf"]:
        session.connection().execute(statement)
    for table in (LEAVES, AuditHead.__table__):
        session.connection().execute(sa.delete(table))
    session.commit()
    forger = Sealer(tmp_path)
    assert forger.step() == 20
    report = verification.verify(_export(session, tmp_path), trusted=trusted, known_heads=kept)
    assert any("not among the trusted" in problem for problem in report.problems)
    assert any("signed" in problem for problem in report.problems[1:])


def test_a_sealer_that_was_killed_goes_on_where_it_stood(
    session: db.Session, sealer: Sealer, var_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(3)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    # Between the commit and the file beside the database: the worst moment.
    with monkeypatch.context() as patch:
        patch.setattr(heads, "file_heads", killed)
        with pytest.raises(KeyboardInterrupt):
            sealer.step()
    file = var_dir / "audit" / "heads.jsonl"
    with file.open("a") as torn:
        torn.write('{"size": 2')
    _write(2)
    again = Sealer(var_dir)
    assert again.step() == 2
    assert [head.size for head in heads.filed(var_dir)] == [12, 21, 24, 26]
    assert _found(_export(session, var_dir), var_dir) == []


def test_two_sealers_share_the_work(session: db.Session, sealer: Sealer, var_dir: Path) -> None:
    other = Sealer(var_dir)
    for number in range(4):
        _write(2)
        assert (other, sealer)[number % 2].step() == 2
    assert _found(_export(session, var_dir), var_dir) == []


def test_an_event_that_commits_late_is_sealed_too(
    session: db.Session, sealer: Sealer, var_dir: Path
) -> None:
    late = session.connection().execute(sa.select(EVENTS).where(EVENTS.c.id == 21)).mappings().one()
    session.connection().execute(sa.insert(EVENTS), [{**late, "id": 40}])
    session.commit()
    assert sealer.step() == 1
    session.connection().execute(sa.insert(EVENTS), [{**late, "id": 30}])
    session.commit()
    assert sealer.step() == 1
    assert _found(_export(session, var_dir), var_dir) == []


def test_the_commands_work_offline(
    session: db.Session, config: settings.Settings, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("TRAM_DATABASE_URL", config.database_url)
    monkeypatch.setenv("TRAM_VAR_DIR", str(config.var_dir))
    monkeypatch.setenv("TRAM_SECRET_KEY", config.secret_key)
    run = CliRunner().invoke
    path = tmp_path / "export"
    assert "Nothing is sealed" in run(main, ["audit", "export", str(path)]).output
    services.install(db.session_factory.class_)
    _write(5)
    assert "5 entries sealed" in run(main, ["audit", "seal", "--once"]).output
    assert run(main, ["audit", "export", str(path)]).exit_code == 0
    printed = run(main, ["audit", "head"]).output
    assert run(main, ["audit", "check"]).exit_code == 0
    key = printed.split("public key: ")[1].strip()
    kept = tmp_path / "head"
    kept.write_text(printed, "utf-8")
    _write(2)
    assert run(main, ["audit", "seal", "--once"]).exit_code == 0
    assert run(main, ["audit", "check"]).exit_code == 0
    since = tmp_path / "since"
    since.write_text(run(main, ["audit", "head"]).output, "utf-8")
    # Another machine: no database, no keys but the printed one.
    monkeypatch.setenv("TRAM_DATABASE_URL", "sqlite:////nowhere/tram.sqlite")
    monkeypatch.setenv("TRAM_VAR_DIR", str(tmp_path / "empty"))
    shown = run(main, ["audit", "verify", str(path), "--key", key, "--head", str(kept)])
    assert (shown.exit_code, "Signed by the trusted key" in shown.output) == (0, True)
    assert "Compare it with the key" in run(main, ["audit", "verify", str(path)]).output
    later = run(main, ["audit", "verify", str(path), "--head", str(since)])
    assert (later.exit_code, "NOT COVERED: a head over 8 entries" in later.output) == (1, True)
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"row":"3"', b'"row":"4"'))
    bad = run(main, ["audit", "verify", str(path), "--key", key])
    assert (bad.exit_code, "NOT VALID: Entry 3 was changed" in bad.output) == (1, True)
    assert not (tmp_path / "empty").exists()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"first_key": None, "last_key": None}, "(None, None)"),
        ({"last_key": 8}, "(3, 8)"),
        ({"first_key": 4}, "(4, 9)"),
    ],
)
def test_an_index_that_hides_a_reading_is_found(
    session: db.Session, config: settings.Settings, monkeypatch: pytest.MonkeyPatch,
    values: dict[str, int | None], told: str,
) -> None:  # fmt: skip
    """It is not sealed itself, so it is compared with the rows that are."""
    monkeypatch.setenv("TRAM_DATABASE_URL", config.database_url)
    monkeypatch.setenv("TRAM_VAR_DIR", str(config.var_dir))
    monkeypatch.setenv("TRAM_SECRET_KEY", config.secret_key)
    run = CliRunner().invoke
    with db.transaction(ACTOR) as writing:
        services.read_many(writing, ACTOR, "people", [3, 4, 9], action="list")
    _write(1)
    assert run(main, ["audit", "seal", "--once"]).exit_code == 0
    assert run(main, ["audit", "check"]).exit_code == 0
    event = sa.select(EVENTS.c.id).where(EVENTS.c.action == "list")
    key = session.connection().execute(event).scalar_one()
    session.connection().execute(sa.update(EVENTS).where(EVENTS.c.id == key).values(**values))
    session.commit()
    checked = run(main, ["audit", "check"])
    assert checked.exit_code == 1
    assert checked.output == (
        f"CHANGED: The index of event {key} does not fit its sealed rows: {told}.\n"
    )


def test_heads_are_json_lines(sealer: Sealer, var_dir: Path) -> None:
    del sealer
    lines = (var_dir / "audit" / "heads.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["size"] for line in lines] == [12, 21]
    assert heads.load_key(var_dir).key_id == heads.filed(var_dir)[0].key_id
    assert (var_dir / "audit" / "head.key.pem").stat().st_mode & 0o077 == 0
