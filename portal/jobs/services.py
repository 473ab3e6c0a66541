"""The queue: a job is asked for, taken under a lease, reported on, and finished or failed."""

import datetime as dt
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import uuid_utils.compat as uuids
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.errors import NotFound
from portal.jobs.models import Job

LEASE = dt.timedelta(seconds=60)
KEPT_DAYS = 7
_LONGEST_MESSAGE = 300


def enqueue(session: Session, actor: Actor, kind: str, arguments: dict[str, Any]) -> Job:
    """Asks for work in the background."""
    job = Job(
        uid=uuids.uuid7(),
        kind=kind,
        arguments=arguments,
        created_by_id=actor.user_id,
        created_at=clock.now(),
    )
    session.add(job)
    session.flush()
    return job


def take(session: Session) -> Job | None:
    """The oldest job that waits, or whose worker died, now under a lease; None if there is none.

    Taken by one conditional UPDATE, so that two workers never take the same.
    """
    now = clock.now()
    is_free = (Job.status == "queued") | ((Job.status == "running") & (Job.lease_until < now))
    for key in session.scalars(sa.select(Job.id).where(is_free).order_by(Job.id).limit(5)).all():
        taken = session.execute(
            sa.update(Job)
            .where(Job.id == key, is_free)
            .values(status="running", lease_until=now + LEASE)
            .execution_options(synchronize_session=False)
        )
        if taken.rowcount == 1:  # type: ignore[attr-defined]
            session.flush()
            return session.get(Job, key, populate_existing=True)
    return None


def report(session: Session, job_id: int, done: int, total: int) -> bool:
    """Tells how far a job is and renews its lease; False if it was cancelled meanwhile."""
    changed = session.execute(
        sa.update(Job)
        .where(Job.id == job_id, Job.status == "running")
        .values(done_count=done, total_count=total, lease_until=clock.now() + LEASE)
        .execution_options(synchronize_session=False)
    )
    return bool(changed.rowcount == 1)  # type: ignore[attr-defined]


def finish(session: Session, job_id: int, *, file_name: str, sha256: str) -> None:
    """The work is done; its file, if any, can be fetched."""
    job = session.get_one(Job, job_id, populate_existing=True)
    job.status, job.file_name, job.file_sha256 = "done", file_name, sha256
    job.finished_at, job.lease_until = clock.now(), None
    job.total_count = job.done_count = max(job.done_count, job.total_count)


def fail(session: Session, job_id: int, message: str) -> None:
    """The work can not be done; `message` is a plain sentence."""
    job = session.get_one(Job, job_id, populate_existing=True)
    job.status, job.message = "failed", message[:_LONGEST_MESSAGE]
    job.finished_at, job.lease_until = clock.now(), None


def cancel(session: Session, actor: Actor, job: Job) -> None:
    """The asker no longer wants it."""
    del session
    if job.created_by_id != actor.user_id:
        raise NotFound("Not found.")
    if job.status in {"queued", "running"}:
        job.status, job.finished_at, job.lease_until = "cancelled", clock.now(), None


def get_job(session: Session, actor: Actor, uid: str) -> Job:
    """A job of the actor's own.

    Raises:
        NotFound: no such job, or somebody else's.
    """
    try:
        key = uuids.UUID(uid)
    except ValueError:
        raise NotFound("Not found.") from None
    job = session.scalars(sa.select(Job).where(Job.uid == key)).one_or_none()
    if job is None or job.created_by_id != actor.user_id:
        raise NotFound("Not found.")
    return job


def recent_jobs(session: Session, actor: Actor) -> list[Job]:
    """The actor's last twenty jobs, newest first."""
    own = sa.select(Job).where(Job.created_by_id == actor.user_id)
    return list(session.scalars(own.order_by(Job.id.desc()).limit(20)))


def path_of(var_dir: Path, job: Job) -> Path:
    """Where the file of a job lies."""
    folder = var_dir / "jobs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / str(job.uid)


def forget_old(session: Session, var_dir: Path) -> int:
    """Deletes jobs and files older than `KEPT_DAYS`; gives how many."""
    limit = clock.now() - dt.timedelta(days=KEPT_DAYS)
    old = list(session.scalars(sa.select(Job).where(Job.finished_at < limit)))
    for job in old:
        path_of(var_dir, job).unlink(missing_ok=True)
        session.delete(job)
    return len(old)
