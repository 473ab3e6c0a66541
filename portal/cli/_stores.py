"""A database as a backup sees it: copied while in use, counted, hashed, put back."""

import gzip
import hashlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

# Table → [rows, digest]. The digest is the sum of every row's hash: it does not ask for an order.
Contents = dict[str, list[Any]]
_DIGITS = 16


class StoreFault(Exception):
    """The copy could not be made or put back; the text says why, without personal data."""


@dataclass(frozen=True, slots=True)
class SqliteStore:
    """One SQLite file."""

    path: Path
    kind: str = "sqlite"

    def copy_to(self, target: Path) -> Contents:
        """Copies the file while others write to it (SQLite's online backup), and reads the copy."""
        if not self.path.exists():
            raise StoreFault(f"There is no database at {self.path}.")
        plain = target.with_suffix(".sqlite")
        try:
            with (
                closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as source,
                closing(sqlite3.connect(plain)) as copy,
            ):
                source.backup(copy, pages=-1)
                copy.execute("PRAGMA journal_mode=DELETE")
            contents = contents_of_sqlite(plain)
            with plain.open("rb") as read, gzip.open(target, "wb", compresslevel=1) as written:
                shutil.copyfileobj(read, written, 1 << 20)
        finally:
            plain.unlink(missing_ok=True)
        return contents

    def has_rows(self) -> bool:
        """Whether anything would be overwritten."""
        if not self.path.exists():
            return False
        return any(
            count for count, _digest in contents_of_sqlite(self.path, only_count=True).values()
        )

    def put_back(self, source: Path) -> Contents:
        """Puts the copy in place at once; what stood there is kept beside it as `….replaced`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(f"{self.path.name}.restoring")
        with gzip.open(source, "rb") as read, _private(fresh) as written:
            shutil.copyfileobj(read, written, 1 << 20)
        with closing(sqlite3.connect(fresh)) as copy:
            (said,) = copy.execute("PRAGMA integrity_check").fetchone()
        if said != "ok":
            fresh.unlink()
            raise StoreFault("The copy of the database is damaged.")
        contents = contents_of_sqlite(fresh)
        if self.path.exists():
            with closing(sqlite3.connect(self.path)) as old:  # nothing may stay in its log
                old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self.path.replace(self.path.with_name(f"{self.path.name}.replaced"))
        for ending in ("-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        fresh.replace(self.path)
        return contents


@dataclass(frozen=True, slots=True)
class PostgresqlStore:
    """One PostgreSQL database, by `pg_dump` and `pg_restore`."""

    address: str
    kind: str = "postgresql"

    def copy_to(self, target: Path) -> Contents:
        """Dumps one snapshot of the database, and counts and hashes the same snapshot."""
        with self._connect() as connection:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            row = connection.execute("SELECT pg_export_snapshot()").fetchone()
            snapshot = row[0] if row else ""
            arguments = ["--format=custom", "--compress=1", "--no-owner", "--no-privileges"]
            target.touch(mode=0o600)
            self._run("pg_dump", [*arguments, f"--snapshot={snapshot}", f"--file={target}"])
            return contents_of_postgresql(connection)

    def has_rows(self) -> bool:
        """Whether anything would be overwritten."""
        with self._connect() as connection:
            return any(
                connection.execute(
                    sql.SQL("SELECT EXISTS (SELECT 1 FROM {})").format(sql.Identifier(table))
                ).fetchone()
                == (True,)
                for table in _tables(connection)
            )

    def put_back(self, source: Path) -> Contents:
        """Replaces every table in one transaction: all of it, or nothing."""
        arguments = ["--clean", "--if-exists", "--no-owner", "--no-privileges"]
        self._run(
            "pg_restore", [*arguments, "--single-transaction", "--exit-on-error", str(source)]
        )
        with self._connect() as connection:
            connection.execute("ANALYZE")
            return contents_of_postgresql(connection)

    @contextmanager
    def _connect(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self.address, autocommit=True) as connection:
            yield connection

    def _run(self, program: str, arguments: list[str]) -> None:
        parts = urlsplit(self.address)
        environ = {
            "PATH": os.defpath,
            **{
                name: value
                for name, value in (
                    ("PGHOST", parts.hostname),
                    ("PGPORT", str(parts.port or "")),
                    ("PGUSER", parts.username),
                    ("PGPASSWORD", parts.password),
                )
                if value
            },
        }
        path = _newest(program)
        database = parts.path.lstrip("/")
        done = subprocess.run(  # noqa: S603 - the path is found, the arguments are ours
            [path, f"--dbname={database}", *arguments],
            env=environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
            raise StoreFault(f"{program} failed: {last[0]}")


def _newest(program: str) -> str:
    """The newest installed version: an older one refuses a newer server."""
    found = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{program}"),
        key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0,
    )
    path = str(found[-1]) if found else shutil.which(program)
    if path is None:
        raise StoreFault(f"{program} is not installed (Debian: postgresql-client).")
    return path


def store_of(address: str) -> SqliteStore | PostgresqlStore:
    """The store of a database address of the settings."""
    if address.startswith("sqlite:///"):
        return SqliteStore(Path(address.removeprefix("sqlite:///")))
    return PostgresqlStore(address.replace("postgresql+psycopg://", "postgresql://", 1))


@contextmanager
def _private(path: Path) -> Iterator[Any]:
    """A new file that only its owner reads."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file


def contents_of_sqlite(path: Path, *, only_count: bool = False) -> Contents:
    """Rows and digest of every table of a file that nobody writes to."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        names = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
                " ORDER BY name"
            )
        ]
        found: Contents = {}
        for name in names:
            quoted = '"' + name.replace('"', '""') + '"'
            if only_count:
                (has,) = connection.execute(f"SELECT EXISTS (SELECT 1 FROM {quoted})").fetchone()  # noqa: S608
                found[name] = [has, ""]
                continue
            count = total = 0
            for row in connection.execute(f"SELECT * FROM {quoted}"):  # noqa: S608 - quoted above
                count += 1
                total += int.from_bytes(hashlib.blake2b(repr(row).encode(), digest_size=8).digest())
            found[name] = [count, f"{total % (1 << 64):0{_DIGITS}x}"]
    return found


def _tables(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
    )
    return [row[0] for row in rows]


def contents_of_postgresql(connection: psycopg.Connection) -> Contents:
    """Rows and digest of every table, as the open transaction sees them."""
    connection.execute("SET TIME ZONE 'UTC'")
    found: Contents = {}
    statement = sql.SQL(
        "SELECT count(*), coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint), 0)"
        " FROM {} AS t"
    )
    for table in _tables(connection):
        row = connection.execute(statement.format(sql.Identifier(table))).fetchone()
        count, total = row or (0, 0)
        found[table] = [count, f"{int(total) % (1 << 64):0{_DIGITS}x}"]
    return found


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Tables that are not what the manifest says, one sentence each."""
    said = []
    for table in sorted(expected.keys() | found.keys()):
        before, after = expected.get(table), found.get(table)
        if before is not None and after is not None and list(before) == list(after):
            continue
        rows = [str(one[0]) if one is not None else "no table" for one in (before, after)]
        said.append(f"{table}: {rows[0]} in the backup, {rows[1]} restored")
    return said
