"""`tram accounts`: the first administrator, and staff lists from a shell."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from portal import settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from portal.actors import Actor


@click.group(name="accounts")
def command() -> None:
    """The first administrator, and accounts from a staff list."""


@command.command(name="create-admin")
@click.option("--name", "full_name", required=True, help="Full name, at least two words.")
@click.option("--phone", default="", help="Phone number, for the slip.")
def create_admin(full_name: str, phone: str) -> None:
    """Make a department administrator and print the login name and a one-time code.

    The code opens the account once and asks for a password of one's own. Whoever installs Trạm
    has been trained by installing it: that is noted as the training the account needs.
    """
    from core_rs import CoreError, normalise_name, parse_phone
    from portal import clock
    from portal.accounts import rules, services
    from portal.roles import Role

    name = normalise_name(full_name)
    problems = []
    if " " not in name:
        problems.append("The full name needs at least two words.")
    number = ""
    if phone:
        try:
            number = parse_phone(phone).number
        except CoreError:
            problems.append(f"«{phone}» is no Vietnamese phone number.")
    if problems:
        raise click.ClickException(" ".join(problems))
    with _installed("tram accounts create-admin") as (session, actor):
        invitation = services.Invitation(name, number, Role.DEPARTMENT_ADMIN)
        (profile,) = services.invite(session, actor, [invitation])
        services.record_training(
            session,
            actor,
            staff_ids=[profile.id],
            course="Cài đặt hệ thống",
            trained_on=clock.today(),
        )
        ((_profile, code),) = services.issue_first_login_codes(session, actor, [profile.id])
        username = profile.user.username
    click.echo(f"Login name:    {username}")
    click.echo(f"One-time code: {code}")
    until = clock.local(clock.now() + rules.FIRST_LOGIN_LIFE)
    click.echo(f"It opens the account until {until:%d/%m/%Y %H:%M}.")


@command.command(name="import")
@click.argument(
    "source", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--answer", type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the same list with an error column. [default: beside FILE]",
)  # fmt: skip
@click.option(
    "--slips", "slips_file", type=click.Path(dir_okay=False, path_type=Path),
    help="Also write a PDF of first-login slips for the new accounts.",
)  # fmt: skip
def import_list(source: Path, answer: Path | None, slips_file: Path | None) -> None:
    """Make accounts from a staff list, XLSX or CSV; the same list again changes nothing.

    Every row without a problem becomes an account. Rows with problems come back in a copy of the
    list with an error column, all problems at once, and the command ends with 1.
    """
    from portal.accounts import importing
    from portal.errors import DomainError

    try:
        with _installed("tram accounts import") as (session, actor):
            started_at = _newest_id(session)
            content = source.read_bytes()
            importing.check_readable(content)
            record = importing.import_staff(session, actor, file_name=source.name, content=content)
            counts = (record.row_count, record.created_count, record.unchanged_count)
            error_count, corrected = record.error_count, record.answer_file or b""
            if slips_file is not None and record.created_count:
                _write_private(slips_file, _slips(session, actor, started_at))
    except DomainError as error:
        raise click.ClickException(error.message) from error
    rows, created, unchanged = counts
    click.echo(f"{rows} rows: {created} accounts made, {unchanged} known, {error_count} wrong.")
    if error_count:
        target = answer or source.with_name(f"{source.stem}-loi{source.suffix}")
        _write_private(target, corrected)
        click.echo(f"Errors stand in {target}.")
        raise SystemExit(1)


@command.command(name="template")
@click.argument("target", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
def template(target: Path) -> None:
    """Write the empty staff list (XLSX), made from the importer's own schema."""
    from portal.accounts import importing

    target.write_bytes(importing.template())
    click.echo(str(target))


@contextmanager
def _installed(name: str) -> "Iterator[tuple[Session, Actor]]":
    """One transaction of this installation, under a name that the audit log shows."""
    import portal.models  # noqa: F401 - the mapper registry must be complete
    from portal import db
    from portal.actors import system
    from portal.app import create_app

    actor = system(name)
    app = create_app(settings.load())
    with app.app_context():
        try:
            with db.transaction(actor) as session:
                yield session, actor
        finally:
            db.db_session.remove()


def _newest_id(session: "Session") -> int:
    import sqlalchemy as sa

    from portal.accounts.models import StaffProfile

    return session.scalar(sa.select(sa.func.coalesce(sa.func.max(StaffProfile.id), 0))) or 0


def _slips(session: "Session", actor: "Actor", after_id: int) -> bytes:
    import sqlalchemy as sa

    from portal.accounts import services
    from portal.accounts.models import StaffProfile
    from portal.accounts.slip_files import first_login_file

    made = session.scalars(sa.select(StaffProfile.id).where(StaffProfile.id > after_id)).all()
    issued = services.issue_first_login_codes(session, actor, list(made))
    return first_login_file(issued, settings.load().public_url)


def _write_private(path: Path, content: bytes) -> None:
    """Names and codes: for the owner alone."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(content)
