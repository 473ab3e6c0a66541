"""Citizens' look-ups by code a second, while scans are accepted and applied on the same cores.

Every look-up is of a code drawn anew from thousands, with its second factor and a form's token.

Run: python -m tests.benchmarks.ingest.bench_look_ups [sqlite|postgresql]
"""

import os
import re
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from pathlib import Path

import sqlalchemy as sa

from portal import db, migrations, settings
from portal.audit.models import AuditEvent
from portal.cli._supervisor import die_with
from portal.declarations.models import LookupAttempt
from portal.ingest.load_devices import enrol_for_load
from tests.benchmarks.ingest import bench_door, wire
from tests.benchmarks.ingest.serving import (
    ROOT,
    Measured,
    Server,
    free_port,
    measure,
    measure_steady,
)
from tests.portal.certificates.world import World

SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
CODES = int(os.environ.get("BENCH_CODES", "1000"))
CONNECTIONS = 64
SCANS_A_SECOND, SCAN_CONNECTIONS = 200, 10
BIRTH = "02/09/1984"


def _release(codes: int) -> list[str]:
    with db.session_factory() as session:
        world = World(session)
        made = []
        for number in range(codes):
            sample = world.sample(world.person(full_name=f"Người {number}"))
            world.release(sample.tube, "negative")
            made.append(sample.result_code)
        session.commit()
    return made


def _write_forms(file: Path, port: int, codes: list[str]) -> None:
    """The requests of one browser that has opened the form."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/tra-cuu", timeout=60) as answer:
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        found = re.search(r'name="csrf_token" value="([^"]+)"', answer.read().decode())
    if found is None:
        raise AssertionError("the form has no token")
    with file.open("wb") as out:
        for code in codes:
            fields = {"csrf_token": found.group(1), "code": code, "factor": BIRTH}
            body = urllib.parse.urlencode(fields)
            whole = (
                f"POST /tra-cuu HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}"
            ).encode()
            out.write(b"%08d" % len(whole))
            out.write(whole)


def bench(url: str, folder: Path) -> None:
    """Prints look-ups and scans a second, and what was kept of both."""
    migrations.upgrade(url)
    ports = free_port(), free_port()
    environ = bench_door.settings_for(url, folder, ports[0])
    environ |= {"TRAM_LOOK_UP_PORT": str(ports[1])}
    config = settings.load(environ)
    engine = db.bind(config)
    codes = _release(CODES)
    devices = enrol_for_load(config, session_code="S1", count=SCAN_CONNECTIONS)
    scans, forms = folder / "scans", folder / "forms"
    made = wire.batches([wire.Sender(**d) for d in devices], int(SECONDS * 400), 1)
    wire.write(scans, "/ingest/v1/batches", ((s.token, body) for s, body in made))
    door = Server("--config", "deploy/gunicorn_door.py", port=ports[0], **environ)
    look_up = Server("--config", "deploy/gunicorn_look_up.py", port=ports[1], **environ)
    applier = subprocess.Popen(
        [sys.executable, "-m", "portal.cli", "applier"],
        cwd=ROOT,
        env={**os.environ, **environ},
        preexec_fn=die_with(os.getpid()),  # noqa: PLW1509
    )
    scanned: list[Measured] = []

    def scan() -> None:
        scanned.append(
            measure_steady(
                door, scans, rate=SCANS_A_SECOND, seconds=SECONDS, connections=SCAN_CONNECTIONS
            )
        )

    try:
        with door, look_up:
            _write_forms(forms, ports[1], codes)
            scanning = threading.Thread(target=scan)
            scanning.start()
            opened = measure(look_up, forms, seconds=SECONDS, connections=CONNECTIONS)
            scanning.join()
    finally:
        applier.terminate()
        applier.wait(60)
    with engine.connect() as connection:
        tries, good = connection.execute(
            sa.select(sa.func.count(), sa.func.sum(sa.case((LookupAttempt.is_success, 1), else_=0)))
        ).one()
        readings = connection.scalar(
            sa.select(sa.func.count()).where(
                AuditEvent.action == "read", AuditEvent.table_name == "samples"
            )
        )
    if min(tries, good, readings) < opened.good:
        raise AssertionError(f"{opened.good} told, {tries} tries, {good} opened, {readings} noted")
    print(
        f"{engine.dialect.name:10} look-ups: {opened.rate:,.0f} a second, p50 "
        f"{opened.p50_ms:.1f} p99 {opened.p99_ms:.1f} ms, {opened.bad} refused, "
        f"{1e6 * opened.cpu / max(opened.good, 1):.0f} µs CPU each, {good:,} opened of {tries:,} "
        f"tries, {readings:,} readings in the audit; meanwhile {scanned[0].rate:,.0f} scans/s, "
        f"p99 {scanned[0].p99_ms:.1f} ms",
        flush=True,
    )
    db.db_session.remove()
    engine.dispose()


def main() -> None:
    """Both databases, or those named."""
    bench_door.on_each(sys.argv[1:] or ["sqlite", "postgresql"], bench)


if __name__ == "__main__":
    main()
