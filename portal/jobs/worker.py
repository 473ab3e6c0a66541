"""The loop of `tram worker`: takes one job after the other, as the person who asked for it."""

import hashlib
import time
import zlib
from pathlib import Path

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from portal import db
from portal.actors import Actor, system
from portal.errors import DomainError
from portal.jobs import kinds, services
from portal.jobs.models import Job
from portal.web.access import login_of_user

log = structlog.get_logger("tram")
_SYSTEM = system("worker")
_REPORT_SECONDS = 0.5
_SWEEP_SECONDS = 3600
_CHORES_LOCK = 7_305_008  # any number of our own


class Cancelled(Exception):
    """The asker cancelled the job while it ran."""


def run_once(var_dir: Path) -> bool:
    """Takes and finishes one job; False if none waits."""
    with db.transaction(_SYSTEM) as session:
        job = services.take(session)
    if job is None:
        return False
    log.info("job", kind=job.kind, job_id=job.id, status="running")
    path = services.path_of(var_dir, job)
    try:
        name = _work(job, path)
    except Cancelled:
        path.unlink(missing_ok=True)
    except DomainError as error:
        _fail(job, error.message)
    except Exception:  # whatever a job meets, the worker goes on
        log.exception("job", kind=job.kind, job_id=job.id)
        _fail(job, "")
    else:
        sha256 = _sha256(path) if path.exists() else ""
        with db.transaction(_SYSTEM) as session:
            services.finish(session, job.id, file_name=name, sha256=sha256)
        log.info("job", kind=job.kind, job_id=job.id, status="done")
    finally:
        db.db_session.remove()
    return True


def run(var_dir: Path, idle_seconds: float = 1.0) -> None:
    """Works until the process is ended; what it held is taken up again after the lease."""
    swept_at = 0.0
    done_at: dict[str, float] = {}
    while True:
        if run_once(var_dir):
            continue
        do_chores(done_at)
        if time.monotonic() - swept_at > _SWEEP_SECONDS:
            swept_at = time.monotonic()
            with db.transaction(_SYSTEM) as session:
                services.forget_old(session, var_dir)
        time.sleep(idle_seconds)


def do_chores(done_at: dict[str, float]) -> None:
    """Does every chore whose time has come; one that fails is tried again the next time."""
    for name, (seconds, chore) in kinds.chores().items():
        if time.monotonic() - done_at.get(name, -seconds) < seconds:
            continue
        done_at[name] = time.monotonic()
        try:
            with db.transaction(_SYSTEM) as session:
                told = chore(session, _SYSTEM) if _is_ours(session, name) else {}
        except Exception:  # whatever a chore meets, the worker goes on
            log.exception("chore", name=name)
        else:
            if any(told.values()):
                log.info("chore", name=name, **told)
        finally:
            db.db_session.remove()


def _is_ours(session: Session, name: str) -> bool:
    """False while another worker does the same chore, on a machine of its own perhaps."""
    if session.get_bind().dialect.name != "postgresql":
        return True
    lock = sa.func.pg_try_advisory_xact_lock(_CHORES_LOCK, zlib.crc32(name.encode()) >> 1)
    return bool(session.scalar(sa.select(lock)))


def _work(job: Job, path: Path) -> str:
    worker = kinds.worker_of(job.kind)
    if worker is None:
        message = f"no part of the system does «{job.kind}»"
        raise LookupError(message)
    actor = _actor_of(db.db_session(), job)
    db.request_actor.set(actor)
    try:
        return worker(kinds.Running(dict(job.arguments), actor, _Reporter(job.id), path))
    finally:
        db.request_actor.set(None)


def _actor_of(session: Session, job: Job) -> Actor:
    """Who asked, with the scope of now: an account closed meanwhile gets nothing."""
    if job.created_by_id is None:
        return _SYSTEM
    login = login_of_user(session, job.created_by_id)
    if login is None:
        message = "the account that asked is closed"
        raise PermissionError(message)
    return login.actor


class _Reporter:
    """Writes progress at most twice a second, on a session of its own."""

    def __init__(self, job_id: int) -> None:
        self.job_id = job_id
        self.told_at = 0.0

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() - self.told_at < _REPORT_SECONDS and done < total:
            return
        self.told_at = time.monotonic()
        with db.session_factory() as session, session.begin():
            session.info["actor"] = _SYSTEM
            if not services.report(session, self.job_id, done, total):
                raise Cancelled


def _fail(job: Job, message: str) -> None:
    db.db_session().rollback()
    with db.transaction(_SYSTEM) as session:
        services.fail(session, job.id, message)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
