"""A real NATS cluster of the tests' own: three nodes on loopback, killed and started again."""

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SERVER = ROOT / ".venv/share/nats/nats-server"
NODES = ("a", "b", "c")


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Cluster:
    """Three servers with `deploy/nats.conf`'s settings, in one temporary folder."""

    def __init__(self, folder: Path) -> None:
        ports = _free_ports(9)
        self._folder = folder
        self._client = dict(zip(NODES, ports[:3], strict=True))
        self._route = dict(zip(NODES, ports[3:6], strict=True))
        self._http = dict(zip(NODES, ports[6:], strict=True))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def url(self, stream: str) -> str:
        """What TRAM_JOURNAL_URL takes."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._client.values())
        return f"nats://tram:synthetic@{hosts}/{stream}"

    def start(self, node: str) -> None:
        """Starts a node on the files it had."""
        text = (ROOT / "deploy/nats.conf").read_text(encoding="utf-8")
        routes = ", ".join(f"nats://127.0.0.1:{port}" for port in self._route.values())
        for before, after in {
            "tram-a": f"tram-{node}",
            "0.0.0.0:4222": f"127.0.0.1:{self._client[node]}",
            "0.0.0.0:6222": f"127.0.0.1:{self._route[node]}",
            "127.0.0.1:8222": f"127.0.0.1:{self._http[node]}",
            "/var/lib/nats": str(self._folder / node),
            "nats://a:6222, nats://b:6222, nats://c:6222": routes,
            "$NATS_PASSWORD": "synthetic",
        }.items():
            assert before in text, before
            text = text.replace(before, after)
        path = self._folder / f"{node}.conf"
        path.write_text(text, encoding="utf-8")
        with (self._folder / f"{node}.log").open("ab") as log:
            self.processes[node] = subprocess.Popen(
                [SERVER, "-c", path], stdout=log, stderr=subprocess.STDOUT
            )

    def kill(self, node: str) -> None:
        """Signal 9, as a node that is there no more."""
        self.processes[node].send_signal(signal.SIGKILL)
        self.processes[node].wait()

    def ask(self, node: str, path: str) -> dict:
        """A page of a node's own monitor."""
        address = f"http://127.0.0.1:{self._http[node]}/{path}"
        with urllib.request.urlopen(address, timeout=2) as answer:
            return json.load(answer)

    def leader_of(self, stream: str) -> str:
        """The node that leads a stream now."""
        for node in NODES:
            with contextlib.suppress(OSError):
                page = self.ask(node, "jsz?accounts=true&streams=true")
                for account in page.get("account_details", []):
                    for found in account.get("stream_detail", []):
                        leader = found.get("cluster", {}).get("leader", "")
                        if found["name"] == stream and leader:
                            return leader.removeprefix("tram-")
        raise AssertionError(f"nobody leads {stream}")

    def wait(self, seconds: float = 60) -> None:
        """Until every node that runs says it is well."""
        give_up_at = time.monotonic() + seconds
        for node, process in self.processes.items():
            while process.poll() is None:
                with contextlib.suppress(OSError):
                    if self.ask(node, "healthz").get("status") == "ok":
                        break
                assert time.monotonic() < give_up_at, f"node {node} is not well"
                time.sleep(0.1)

    def stop(self) -> None:
        """Ends every node."""
        for process in self.processes.values():
            process.kill()
            process.wait()


@contextmanager
def cluster(folder: Path | None = None) -> Iterator[Cluster]:
    """Starts the three nodes, in `folder` if one is given, and removes their files at the end."""
    if not SERVER.exists():
        pytest.skip("no nats-server: scripts/install builds it where Go is installed")
    folder = folder or Path(tempfile.mkdtemp(prefix="tram-nats-"))
    folder.mkdir(exist_ok=True)
    made = Cluster(folder)
    try:
        for node in NODES:
            made.start(node)
        made.wait()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)
