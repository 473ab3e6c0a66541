"""The only reader of the environment. A bad value stops the start, naming every bad one at once."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


class BadSettings(Exception):
    """One or more settings are wrong; the text lists all of them."""


LOG_CLUSTER = ("nats://", "tls://")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between one installation and another.

    Attributes:
        database_url: SQLAlchemy address; SQLite embedded, PostgreSQL (psycopg) in production.
        journal_url: where the ingest journal lives; a SQLite file of its own, the database, or
            a NATS cluster (`nats://a:4222,b:4222,c:4222/stream`).
        replica_url: a streaming replica of the database, for lists and reports; empty for none.
        public_url: what citizens type; https switches secure cookies and HSTS on.
        is_production: refuses http, debug secrets and demo logins.
        is_training: paints every screen and paper as an exercise.
        secret_key: signs cookies, grants and blind indexes.
        var_dir: files of this machine (databases, locks, figures, the person index).
        shared_dir: files every node needs (exports, seals, keys of the audit); `var_dir` if only
            one machine serves.
        portal_port: where gunicorn serves the portal.
        ingest_port: where the ingest door listens.
        portal_workers: gunicorn workers of the portal.
        look_up_port: where the door of the public look-up listens.
        look_up_workers: its gunicorn workers; one on SQLite, which has one writer.
        ingest_workers: gunicorn workers of the door; one when the journal is SQLite.
        release_spread_minutes: over how long citizens come to plain negatives after their release.
        province_name: shown in the head of pages and papers.
    """

    database_url: str
    journal_url: str
    replica_url: str
    public_url: str
    is_production: bool
    is_training: bool
    secret_key: str
    var_dir: Path
    shared_dir: Path
    portal_port: int
    ingest_port: int
    portal_workers: int
    look_up_port: int
    look_up_workers: int
    ingest_workers: int
    release_spread_minutes: int
    province_name: str

    @property
    def is_sqlite(self) -> bool:
        """Whether the embedded database is in use."""
        return self.database_url.startswith("sqlite")

    @property
    def has_log_cluster(self) -> bool:
        """Whether the journal is on machines of its own."""
        return self.journal_url.startswith(LOG_CLUSTER)

    @property
    def uses_https(self) -> bool:
        """Whether the public address is https."""
        return urlsplit(self.public_url).scheme == "https"


_YES, _NO = {"1", "true", "yes"}, {"", "0", "false", "no"}


class _Reader:
    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []

    def text(self, name: str, default: str) -> str:
        return self.environ.get(name, "").strip() or default

    def flag(self, name: str) -> bool:
        value = self.environ.get(name, "").strip().lower()
        if value not in _YES | _NO:
            self.problems.append(f"{name} is «{value}»; it takes yes or no")
        return value in _YES

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        value = self.text(name, str(default))
        if not value.isdigit() or not lowest <= int(value) <= highest:
            self.problems.append(f"{name} is «{value}»; it takes {lowest} to {highest}")
            return default
        return int(value)

    def address(self, name: str, default: str, *others: str) -> str:
        value = self.text(name, default)
        known = ("sqlite:///", "postgresql://", *others)
        if not value.startswith((*known, "postgresql+psycopg://")):
            self.problems.append(f"{name} begins with none of {', '.join(known)}")
        return value.replace("postgresql://", "postgresql+psycopg://", 1)

    def replica(self, name: str, *, is_sqlite: bool) -> str:
        if not self.text(name, ""):
            return ""
        value = self.address(name, "")
        if is_sqlite or not value.startswith("postgresql"):
            self.problems.append(f"{name} needs PostgreSQL on both sides")
        return value


def load(environ: dict[str, str] | None = None) -> Settings:
    """Reads the settings from `environ` (the process's own if None).

    Raises:
        BadSettings: naming every setting that is wrong.
    """
    reader = _Reader(dict(os.environ) if environ is None else environ)
    var_dir = Path(reader.text("TRAM_VAR_DIR", "var")).resolve()
    database_url = reader.address("TRAM_DATABASE_URL", f"sqlite:///{var_dir}/tram.sqlite")
    is_sqlite = database_url.startswith("sqlite")
    journal_default = f"sqlite:///{var_dir}/journal.sqlite" if is_sqlite else database_url
    settings = Settings(
        database_url=database_url,
        journal_url=reader.address("TRAM_JOURNAL_URL", journal_default, *LOG_CLUSTER),
        replica_url=reader.replica("TRAM_REPLICA_URL", is_sqlite=is_sqlite),
        public_url=reader.text("TRAM_PUBLIC_URL", "http://127.0.0.1:8080").rstrip("/"),
        is_production=reader.flag("TRAM_PRODUCTION"),
        is_training=reader.flag("TRAM_TRAINING"),
        secret_key=reader.text("TRAM_SECRET_KEY", ""),
        var_dir=var_dir,
        shared_dir=Path(reader.text("TRAM_SHARED_DIR", str(var_dir))).resolve(),
        portal_port=reader.number("TRAM_PORT", 8080, 1, 65535),
        ingest_port=reader.number("TRAM_INGEST_PORT", 8081, 1, 65535),
        portal_workers=reader.number("TRAM_PORTAL_WORKERS", 2, 1, 64),
        look_up_port=reader.number("TRAM_LOOK_UP_PORT", 8082, 1, 65535),
        look_up_workers=reader.number("TRAM_LOOK_UP_WORKERS", 1 if is_sqlite else 2, 1, 64),
        ingest_workers=reader.number("TRAM_INGEST_WORKERS", 1 if is_sqlite else 2, 1, 64),
        release_spread_minutes=reader.number("TRAM_RELEASE_SPREAD_MINUTES", 0, 0, 240),
        province_name=reader.text("TRAM_PROVINCE", "Thành phố Đà Nẵng"),
    )
    _check(settings, reader)
    if reader.problems:
        raise BadSettings("; ".join(reader.problems))
    if not settings.secret_key:
        settings = _with_kept_secret(settings)
    return settings


def _check(settings: Settings, reader: _Reader) -> None:
    minimum = 32
    if urlsplit(settings.public_url).scheme not in {"http", "https"}:
        reader.problems.append("TRAM_PUBLIC_URL must begin with http:// or https://")
    if settings.secret_key and len(settings.secret_key) < minimum:
        reader.problems.append(f"TRAM_SECRET_KEY is shorter than {minimum} characters")
    if settings.is_production and not settings.uses_https:
        reader.problems.append("TRAM_PRODUCTION needs an https TRAM_PUBLIC_URL")
    if settings.is_production and not settings.secret_key:
        reader.problems.append("TRAM_PRODUCTION needs TRAM_SECRET_KEY")


def _with_kept_secret(settings: Settings) -> Settings:
    """A secret made once and kept beside the data, so that a restart logs nobody out."""
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    path = settings.var_dir / "secret_key"
    try:
        with path.open("x", encoding="ascii") as file:
            path.chmod(0o600)
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    values = {name: getattr(settings, name) for name in Settings.__dataclass_fields__}
    return Settings(**{**values, "secret_key": path.read_text(encoding="ascii")})
