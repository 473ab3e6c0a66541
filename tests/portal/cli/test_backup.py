"""`tram backup` and `tram restore`: a system in use, copied and put back, table by table."""

import fcntl
import stat
import tarfile
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from portal import db, settings
from portal.cli import _archive, _stores, main
from portal.ingest.applier import Applier
from portal.ingest.journal import open_journal
from portal.samples.models import Sample
from tests.portal.ingest.device import allow_tubes, enrol, tube_code
from tests.portal.ingest.province import make_province


@pytest.fixture
def installation(config: settings.Settings, session, monkeypatch) -> settings.Settings:
    """A province with a device, applied and waiting batches, and keys beside the database."""
    place = make_province()
    allow_tubes(place)
    device = enrol(place, config.secret_key)
    journal = open_journal(config)
    journal.append([device.batch(device.opened(tube_code(1)), device.collected(tube_code(1), "A"))])
    applier = Applier(config, journal)
    assert applier.take_lease()
    while applier.step():
        pass
    journal.append([device.batch(device.collected(tube_code(1), "B"))])  # not applied yet
    journal.close()
    (config.var_dir / "seals").mkdir(parents=True)
    (config.var_dir / "seals" / "x.key.pem").write_text("key")
    (config.var_dir / "jobs").mkdir()
    (config.var_dir / "jobs" / "1").write_text("an export")
    for name, value in {
        "TRAM_DATABASE_URL": config.database_url,
        "TRAM_VAR_DIR": str(config.var_dir),
        "TRAM_SECRET_KEY": config.secret_key,
    }.items():
        monkeypatch.setenv(name, value)
    return config


def tram(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def contents(config: settings.Settings) -> dict[str, _stores.Contents]:
    """Rows and digests of what stands in the databases now, read without the backup's own copy."""
    found = {}
    for name, address in _archive.databases(config).items():
        store = _stores.store_of(address)
        if isinstance(store, _stores.SqliteStore):
            found[name] = _stores.contents_of_sqlite(store.path)
        else:
            with store._connect() as connection:
                found[name] = _stores.contents_of_postgresql(connection)
    return found


def test_what_was_lost_comes_back_table_by_table_and_goes_on(
    installation, session, tmp_path: Path
) -> None:
    before = contents(installation)
    assert before["database"]["samples"][0] == 1
    file = tmp_path / "backups" / "monday.tram"
    made = tram("backup", file)
    assert made.exit_code == 0, made.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with tarfile.open(file) as archive:
        names = archive.getnames()
    assert "files/seals/x.key.pem" in names
    assert not [name for name in names if "jobs" in name]

    session.execute(sa.text("UPDATE people SET full_name = 'nobody'"))
    session.execute(sa.text("DELETE FROM event_outcomes"))
    session.commit()
    db.db_session.remove()
    session.get_bind().dispose()
    (installation.var_dir / "seals" / "x.key.pem").unlink()
    assert contents(installation) != before

    refused = tram("restore", file)
    assert refused.exit_code == 1
    assert "--force" in refused.output
    done = tram("restore", file, "--force")
    assert done.exit_code == 0, done.output
    assert contents(installation) == before
    assert (installation.var_dir / "seals" / "x.key.pem").read_text() == "key"

    # The batch that waited in the journal is applied after the restore, as if nothing had been.
    journal = open_journal(installation)
    applier = Applier(installation, journal)
    assert applier.take_lease()
    while applier.step():
        pass
    journal.close()
    assert db.db_session().scalar(sa.select(sa.func.count(Sample.id))) == 2


def test_a_backup_taken_while_rows_are_written_holds_one_moment(
    installation, tmp_path: Path
) -> None:
    engine = db.make_engine(installation.database_url)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with engine.begin() as connection:  # both, or neither
                connection.execute(sa.text("UPDATE sites SET version = :n"), {"n": number})
                connection.execute(sa.text("UPDATE campaigns SET version = :n"), {"n": number})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            made = tram("backup", tmp_path / f"{number}.tram")
            assert made.exit_code == 0, made.output
    finally:
        stop.set()
        writer.join()
    for number in range(3):
        done = tram("restore", tmp_path / f"{number}.tram", "--force")
        assert done.exit_code == 0, done.output
        with db.make_engine(installation.database_url).connect() as connection:
            versions = connection.execute(
                sa.text("SELECT version FROM sites UNION SELECT version FROM campaigns")
            ).all()
        assert len(versions) == 1
    engine.dispose()


def test_an_existing_file_a_damaged_one_and_a_running_system_are_refused(
    installation, tmp_path: Path
) -> None:
    file = tmp_path / "a.tram"
    assert tram("backup", file).exit_code == 0
    again = tram("backup", file)
    assert again.exit_code == 1
    assert "--force" in again.output
    body = bytearray(file.read_bytes())
    body[2000] ^= 0xFF
    broken = tmp_path / "broken.tram"
    broken.write_bytes(body)
    before = contents(installation)
    refused = tram("restore", broken, "--force")
    assert refused.exit_code == 1
    assert "damaged" in refused.output
    other = tmp_path / "other"
    other.write_text("no backup")
    assert "no backup of Trạm" in tram("restore", other, "--force").output
    assert contents(installation) == before

    from portal.cli._supervisor import Supervisor

    assert Supervisor is not None
    with (installation.var_dir / "serve.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = tram("restore", file, "--force")
    assert running.exit_code == 1
    assert "stop it first" in running.output


def test_an_encrypted_backup_opens_with_its_private_key_alone(installation, tmp_path: Path) -> None:
    before = contents(installation)
    keys = {}
    for name in ("department", "data-centre", "stranger"):
        made = tram("backup-key", tmp_path / name)
        assert made.exit_code == 0, made.output
        keys[name] = made.stdout.strip()
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert tram("backup-key", tmp_path / "stranger").exit_code == 1  # a key is never replaced
    file = tmp_path / "sealed.tram"
    ends = ("--to-key", keys["department"], "--to-key", keys["data-centre"])
    done = tram("backup", file, *ends)
    assert done.exit_code == 0, done.output
    assert "not encrypted" not in done.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    body = file.read_bytes()
    assert b"manifest.json" not in body
    assert b"databases/" not in body
    assert not list(installation.var_dir.glob(".tram-backup-*"))

    for reader in ("department", "data-centre"):
        back = tram("restore", file, "--force", "--key", tmp_path / reader)
        assert back.exit_code == 0, back.output
        assert "Warning" not in back.stderr
        assert contents(installation) == before
    assert "give its private key" in tram("restore", file, "--force").output
    assert (
        "None of the keys"
        in tram("restore", file, "--force", "--key", tmp_path / "stranger").output
    )
    broken = bytearray(body)
    broken[-100] ^= 1
    file.write_bytes(broken)
    refused = tram("restore", file, "--force", "--key", tmp_path / "department")
    assert "damaged" in refused.output
    assert contents(installation) == before


def test_keys_that_are_none_are_refused_and_private_ones_not_repeated(
    installation, tmp_path: Path
) -> None:
    tram("backup-key", tmp_path / "key")
    private = (tmp_path / "key").read_text().splitlines()[1]
    refused = tram("backup", tmp_path / "a", "--to-key", "hello", "--to-key", private)
    assert refused.exit_code == 1
    assert "«hello»" in refused.output
    assert "a private key is no public key" in refused.output
    assert private not in refused.output
    assert not (tmp_path / "a").exists()


def test_a_plain_backup_warns_and_can_be_restored(installation, tmp_path: Path) -> None:
    file = tmp_path / "plain.tram"
    assert "not encrypted" in tram("backup", file).stderr
    back = tram("restore", file, "--force")
    assert back.exit_code == 0, back.output
    assert "not encrypted" in back.stderr


def test_the_help_reads_like_a_guide() -> None:
    said = tram("--help").output
    for word in ("tram run", "tram backup FILE", "accounts", "restore", "docs/operations.md"):
        assert word in said
    for command in ("backup", "backup-key", "restore", "accounts"):
        assert tram(command, "--help").exit_code == 0
