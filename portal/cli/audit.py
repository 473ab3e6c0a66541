"""`tram audit`: sealing the trail, exporting it, and checking exports without the server."""

import json
import signal
import threading
from pathlib import Path
from typing import Any

import click

from portal import settings

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group(name="audit")
def command() -> None:
    """The audit log: seal, export, verify, erase a person."""


def _bound() -> settings.Settings:
    from portal.cli._database import open_database

    config = settings.load()
    open_database(config)
    return config


@command.command()
@click.option("--once", is_flag=True, help="Seal what waits and end.")
def seal(*, once: bool) -> None:
    """Seal new entries every few seconds until told to stop; `tram serve` runs one."""
    from portal.audit.sealing import Sealer
    from portal.web import logs

    config = _bound()
    logs.configure()
    sealer = Sealer(config.shared_dir)
    if once:
        count = 0
        while sealed := sealer.step():
            count += sealed
        click.echo(f"{count} entries sealed.")
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sealer.run(stop.is_set)


@command.command()
def head() -> None:
    """Print the newest signed head, to be kept on paper or elsewhere."""
    from portal import db
    from portal.audit import heads, sealing

    config = _bound()
    with db.session_factory() as session:
        newest = sealing.newest_head(session)
    if newest is None:
        raise click.ClickException("Nothing is sealed yet: `tram audit seal --once` does it.")
    click.echo(json.dumps(newest.as_json()))
    click.echo(f"{newest.short} · key {newest.key_id}")
    for key in heads.known_keys(config.shared_dir):
        if heads.is_signed_by(newest, key):
            import base64

            click.echo(f"public key: {base64.b64encode(key).decode('ascii')}")


@command.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--from", "first_on", type=_DAY, help="From this day on (YYYY-MM-DD).")
@click.option("--to", "last_on", type=_DAY, help="Up to this day.")
@click.option("--actor", default="", help="Only what this login, device or part did.")
@click.option("--table", default="", help="Only rows of this table.")
@click.option("--row", default="", help="Only the row with this key.")
@click.option("--action", default="", help="Only this step, e.g. read.")
def export(target: Path, first_on: Any, last_on: Any, **given: str) -> None:
    """Write the sealed entries to TARGET with their proofs; everything without options."""
    from portal import db
    from portal.actors import system
    from portal.audit import proofs, services

    config = _bound()
    wanted = proofs.Filter(
        first_on.date() if first_on else None,
        last_on.date() if last_on else None,
        actor_name=given["actor"],
        table_name=given["table"],
        row_key=given["row"],
        action=given["action"],
    )
    with db.transaction(system("tram audit export")) as session:
        try:
            count = proofs.write(target, session, config.shared_dir, wanted)
        except proofs.NothingSealed:
            target.unlink(missing_ok=True)
            raise click.ClickException(
                "Nothing is sealed yet: `tram audit seal --once` does it."
            ) from None
        services.note(
            session, system("tram audit export"), "export with proofs", "audit_events",
            row_count=count,
        )  # fmt: skip
    click.echo(f"{count} entries written to {target}.")


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", "keys", multiple=True,
              help="Public key to trust: Base64, or a file with it. Repeatable.")  # fmt: skip
@click.option("--head", "head_files", multiple=True,
              type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Heads kept earlier (var/audit/heads.jsonl or `tram audit head`).")  # fmt: skip
@click.option("--var", "var_dir", envvar=["TRAM_SHARED_DIR", "TRAM_VAR_DIR"], default="var",
              type=click.Path(path_type=Path),
              help="Where this installation's own keys lie.")  # fmt: skip
def verify(file: Path, keys: tuple[str, ...], head_files: tuple[Path, ...], var_dir: Path) -> None:
    """Check an export offline: every edit, removal and reordering is found.

    Ends with 1 if the file does not stand, or ends before a head given with --head. Needs neither
    server nor database; without --key the keys of this installation count, if there are any here.
    """
    from portal.audit import heads, verification

    try:
        trusted = [_read_key(text) for text in keys]
        known = [head for path in head_files for head in _read_heads(path)]
    except ValueError as error:
        raise click.ClickException(f"A key or head can not be read: {error}.") from error
    if not keys:
        trusted = heads.known_keys(var_dir)
    report = verification.verify(file, trusted=trusted, known_heads=known)
    for problem in report.problems:
        click.echo(f"NOT VALID: {problem}")
    if report.problems:
        raise SystemExit(1)
    what = "the whole log" if report.is_whole else "a part of the log"
    click.echo(f"Valid: {report.entry_count} entries, {what}.")
    if report.head is not None:
        click.echo(f"Head: {report.head.short}")
    click.echo(f"Continues {report.compared} earlier heads.")
    if report.later is not None:
        click.echo(_not_covered(report.later))
    key_id = heads.key_id_of(report.public_key)
    if report.is_key_known:
        click.echo(f"Signed by the trusted key {key_id}.")
    else:
        click.echo(f"Signed by key {key_id}. Compare it with the key on a printed report, or give "
                   "it with --key.")  # fmt: skip
    if report.later is not None:
        raise SystemExit(1)


def _not_covered(later: Any) -> str:
    return (f"NOT COVERED: a head over {later.size} entries was signed at "
            f"{later.at:%Y-%m-%d %H:%M:%S} UTC, after this file was written. "
            "Ask for a new export.")  # fmt: skip


def _read_key(text: str) -> bytes:
    from portal.audit import heads

    path = Path(text)
    is_file = len(text) < 200 and path.is_file()  # noqa: PLR2004 - a key has 44 symbols
    return heads.read_public_key(path.read_text("ascii") if is_file else text)


def _read_heads(path: Path) -> list[Any]:
    """One head a line; lines that are no JSON (the printed short form) are passed over."""
    from portal.audit.heads import Head

    lines = path.read_text("utf-8").splitlines()
    return [Head.of_json(json.loads(line)) for line in lines if line.startswith("{")]


@command.command()
def check() -> None:
    """Check this installation's own log: every entry against every head ever signed."""
    import tempfile

    from portal import db
    from portal.audit import heads, proofs, row_index, sealing, verification

    config = _bound()
    with tempfile.TemporaryDirectory() as folder, db.session_factory() as session:
        path = Path(folder) / "log"
        # Known before the entries are read: what is sealed meanwhile is nobody's fault.
        known = [*heads.filed(config.shared_dir), *sealing.heads_after(session, 0)]
        try:
            proofs.write(path, session, config.shared_dir, proofs.Filter())
        except proofs.NothingSealed:
            raise click.ClickException("Nothing is sealed yet.") from None
        report = verification.verify(
            path, trusted=heads.known_keys(config.shared_dir), known_heads=known
        )
        waiting = sealing.count_unsealed(session)
        for fault in row_index.faults(session):
            report.tell(fault)
    if report.later is not None:
        report.tell(f"A head over {report.later.size} entries was signed and is gone, "
                    "with the entries under it.")  # fmt: skip
    for problem in report.problems:
        click.echo(f"CHANGED: {problem}")
    if report.problems:
        raise SystemExit(1)
    click.echo(f"{report.entry_count} entries stand as they were sealed; {report.compared} heads "
               f"agree; {waiting} entries wait to be sealed.")  # fmt: skip


@command.command()
@click.option("--person", "person_id", type=int, required=True, help="Number of the person.")
@click.option("--reason", required=True, help="Why; it stands in the log.")
@click.confirmation_option(prompt="The values can not be brought back. Erase?")
def erase(person_id: int, reason: str) -> None:
    """Make a person's values in the log unreadable, everywhere, for good."""
    import sqlalchemy as sa

    from portal import db
    from portal.actors import system
    from portal.audit import services
    from portal.declarations.models import Declaration
    from portal.people.models import Person
    from portal.samples.models import Sample

    _bound()
    actor = system("tram audit erase")
    with db.transaction(actor) as session:
        same = session.scalars(
            sa.select(Person.id).where(
                sa.or_(Person.id == person_id, Person.merged_into_id == person_id)
            )
        ).all()
        if not same:
            raise click.ClickException(f"There is no person {person_id}.")
        subjects = [f"people/{key}" for key in same]
        for kind, model in (("samples", Sample), ("declarations", Declaration)):
            keys = session.scalars(sa.select(model.id).where(model.person_id.in_(same)))
            subjects += [f"{kind}/{key}" for key in keys]
        count = services.erase(session, actor, subjects=subjects, reason=reason)
    click.echo(f"{count} keys erased.")
