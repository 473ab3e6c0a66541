"""`tram verify`: checks papers without the server and without a network."""

import base64
import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from portal.cli._papers import Database, Verdict
    from portal.settings import Settings
    from reports.signing import Trust

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(name="verify")
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option(
    "--trust",
    type=_FILE,
    multiple=True,
    help="Certificates (PEM, DER) of roots or signers; those of this installation if not given.",
)
@click.option("--crl", type=_FILE, multiple=True, help="List of revoked certificates (PEM, DER).")
@click.option(
    "--slip-key",
    "slip_keys",
    multiple=True,
    metavar="NUMBER=BASE64",
    help="Public key of the signed slips; those of this installation if not given.",
)
@click.option(
    "--database/--no-database",
    default=None,
    help="Ask this installation's database too; if not said, unless roots are given.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a paper, line by line.")
def command(
    files: tuple[Path, ...],
    trust: tuple[Path, ...],
    crl: tuple[Path, ...],
    slip_keys: tuple[str, ...],
    database: bool | None,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Check papers (PDF, or ZIPs of them): every byte, the signer, the symbol, the text.

    A paper stands if its signature covers the whole file, verifies, and leads to a trusted root
    that was valid and not revoked when it signed; if its QR symbol says what the page says; and,
    where the database answers, if it was neither replaced nor revoked. Works offline. Ends with 1
    if any paper does not stand; each failure is one sentence.
    """
    from portal.cli._papers import judge, papers_in

    # With roots of its own the command stands alone and leaves nothing behind.
    config = _settings() if database or not trust else None
    known = _trust(trust, crl, config)
    keys = _slip_keys(slip_keys, config)
    asked = _database(config, is_asked=database)
    bad = total = 0
    for path in files:
        try:
            for name, pdf, problem in papers_in(path):
                verdict = judge(name, pdf, problem, trust=known, slip_keys=keys, database=asked)
                total += 1
                bad += bool(verdict.problems)
                _tell(verdict, as_json=as_json)
        except zipfile.BadZipFile:
            bad, total = bad + 1, total + 1
            click.echo(f"{path}: NOT VALID. The ZIP is broken.")
    if not as_json and total > 1:
        click.echo(f"{total} papers, {bad} do not stand")
    if bad:
        raise SystemExit(1)


def _settings() -> "Settings | None":
    """This installation's settings; none where the command stands alone."""
    from portal import settings

    try:
        return settings.load()
    except (settings.BadSettings, OSError):
        return None


def _trust(files: tuple[Path, ...], crls: tuple[Path, ...], config: "Settings | None") -> "Trust":
    from portal.certificates.sealing import trusted
    from reports.signing import SigningError, Trust

    try:
        known = Trust.load((p.read_bytes() for p in files), (p.read_bytes() for p in crls))
    except SigningError as error:
        raise click.UsageError(str(error)) from error
    if files or config is None:
        return known
    return Trust(tuple(trusted(config)), (), known.crls)


def _slip_keys(given: tuple[str, ...], config: "Settings | None") -> dict[int, bytes]:
    from portal.certificates.slips import kept_public_keys

    if not given:
        return kept_public_keys(config) if config else {}
    keys = {}
    for text in given:
        number, _, value = text.partition("=")
        try:
            keys[int(number)] = base64.b64decode(value, validate=True)
        except ValueError as error:
            message = f"«{text}» is not NUMBER=BASE64"
            raise click.UsageError(message) from error
    return keys


def _database(config: "Settings | None", *, is_asked: bool | None) -> "Database | None":
    """The database if it is wanted and answers; a file that is not there is not made."""
    import sqlalchemy as sa

    from portal.cli._papers import Database

    if is_asked is False or (config is None and not is_asked):
        return None
    if config is not None:
        path = sa.make_url(config.database_url).database or ""
        if not config.is_sqlite or Path(path).exists():
            try:
                return Database(config)
            except sa.exc.SQLAlchemyError:
                if not is_asked:
                    click.echo(
                        "The database does not answer:"
                        " whether a paper was replaced or revoked was not asked.",
                        err=True,
                    )
    if is_asked:
        message = "the database does not answer"
        raise click.UsageError(message)
    return None


def _tell(verdict: "Verdict", *, as_json: bool) -> None:
    if as_json:
        told = {**asdict(verdict), "is_valid": not verdict.problems}
        click.echo(json.dumps(told, ensure_ascii=False))
    elif verdict.problems:
        click.echo(f"{verdict.file}: NOT VALID. {' '.join(verdict.problems)}")
    else:
        notes = " ".join(verdict.notes)
        signed = f"signed by {verdict.signer} at {verdict.signed_at}, {verdict.profile}"
        click.echo(f"{verdict.file}: valid, {signed}. {notes}".rstrip())
