"""Checks an export of the trail without the server: only the file, and a key one trusts."""

import base64
import binascii
import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import core_rs
from portal.audit import heads
from portal.audit.heads import Head
from portal.audit.proofs import FOOT_LABEL, FORMAT

_CHUNK = 20_000
# A head signed so shortly before an export may have been under way while it was written.
_UNDER_WAY = dt.timedelta(seconds=60)
_MOST_PROBLEMS = 50


@dataclass(slots=True)
class Report:
    """What was found.

    Attributes:
        problems: everything that is wrong, as sentences; empty for a file that stands.
        head: the signed head, if it could be read.
        public_key: the key the file says it was signed with.
        is_key_known: whether that key is one of those the reader trusts.
        is_whole: whether the file holds the log from its first entry on.
        entry_count: how many entries it holds.
        compared: earlier heads this log was shown to continue.
        written_at: when the file was written, if it says so.
        later: the largest head known that was signed after the file was written: the file stands,
            but says nothing of the entries since. None if no such head is known.
    """

    problems: list[str] = field(default_factory=list)
    head: Head | None = None
    public_key: bytes = b""
    is_key_known: bool = False
    is_whole: bool = False
    entry_count: int = 0
    compared: int = 0
    later: Head | None = None
    written_at: dt.datetime | None = None

    def tell(self, problem: str) -> None:
        """Adds a problem; the first fifty are told."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(problem)

    def find_longer(self, known: Head) -> None:
        """A head over more entries than the file's own: signed since, or the log was cut off."""
        written_at = self.written_at or (self.head.at if self.head else known.at)
        if known.at > written_at - _UNDER_WAY:
            if self.later is None or known.size > self.later.size:
                self.later = known
            return
        size = self.head.size if self.head else 0
        self.tell(
            f"A head over {known.size} entries was signed, this log has only {size}: "
            "entries at its end are missing."
        )


@dataclass(frozen=True, slots=True)
class _Line:
    place: int
    leaf: bytes
    proof: bytes
    entry: bytes


def verify(
    path: Path, *, trusted: Sequence[bytes] = (), known_heads: Sequence[Head] = ()
) -> Report:
    """Checks an export.

    Args:
        path: the file.
        trusted: public keys whose signature counts; without any, the key of the file is only
            shown, and whoever reads compares it with a printed one.
        known_heads: heads that were printed or copied earlier; the log must continue them.
    """
    report = Report()
    with path.open("rb") as file:
        top = _top(file.readline(), report)
        if top is None:
            return report
        report.is_key_known = report.public_key in trusted
        if trusted and not report.is_key_known:
            report.tell("The file is signed with a key that is not among the trusted ones.")
        foot = _checked_foot(path, report)
        if report.head is None or foot is None:
            return report
        wanted = _heads_to_compare(report, top, known_heads, trusted)
        lines = _lines(file, report)
        if report.is_whole:
            _check_whole(lines, report.head, wanted, report)
        else:
            _check_part(lines, report.head, report)
            _check_earlier(top, wanted, report)
        if foot.get("count") != report.entry_count:
            report.tell(
                f"The file holds {report.entry_count} entries, its foot says {foot.get('count')}."
            )
    return report


def _top(line: bytes, report: Report) -> dict[str, Any] | None:
    try:
        top = json.loads(line)
        is_ours = top["format"] == FORMAT and isinstance(top["earlier"], list)
        report.public_key = heads.read_public_key(top["public_key"])
        report.head = Head.of_json(top["head"])
        report.is_whole = top["is_whole"] is True
        if "written_at" in top:  # not in files of the first version
            report.written_at = dt.datetime.fromisoformat(top["written_at"]).astimezone(dt.UTC)
    except (ValueError, KeyError, TypeError, RecursionError):
        is_ours = False
    if not is_ours or report.head is None:
        report.tell("This is no export of the audit log: its first line can not be read.")
        return None
    if not heads.is_signed_by(report.head, report.public_key):
        report.tell("The signature of the head does not fit: the head was changed.")
    return dict(top)


def _checked_foot(path: Path, report: Report) -> dict[str, Any] | None:
    """The last line, after checking that it signs all before it."""
    with path.open("rb") as file:
        content_end = _start_of_last_line(file)
        file.seek(content_end)
        last = file.readline()
        try:
            foot = json.loads(last)
            signature = base64.b64decode(foot["signature"], validate=True)
            claimed = bytes.fromhex(foot["sha256"])
        except (ValueError, KeyError, TypeError, RecursionError):
            report.tell("The last line can not be read: the file was cut off.")
            return None
        if not last.endswith(b"\n"):
            report.tell("The last line is cut off.")
        file.seek(0)
        digest, left = hashlib.sha256(), content_end
        while left > 0:
            block = file.read(min(left, 1 << 20))
            digest.update(block)
            left -= len(block)
    if digest.digest() != claimed:
        report.tell("The file was changed after it was exported: its checksum does not fit.")
    if not heads.verifies(report.public_key, signature, FOOT_LABEL + claimed):
        report.tell("The signature of the file does not fit.")
    return dict(foot)


def _start_of_last_line(file: Any) -> int:
    end = file.seek(0, 2)
    block = min(end, 1 << 16)
    file.seek(end - block)
    tail = file.read(block).rstrip(b"\n")
    return int(end - block + tail.rfind(b"\n") + 1)


def _lines(file: Any, report: Report) -> Iterator[_Line]:
    """The lines of entries; the foot, which is the last line, is left out."""
    previous = file.readline()
    number = 2
    for line in file:
        try:
            place, leaf, proof, entry = previous.removesuffix(b"\n").split(b"\t", 3)
            yield _Line(
                int(place),
                bytes.fromhex(leaf.decode("ascii")),
                base64.b64decode(proof, validate=True) if proof else b"",
                entry,
            )
            report.entry_count += 1
        except (ValueError, binascii.Error):
            report.tell(f"Line {number} can not be read.")
        previous, number = line, number + 1


def _heads_to_compare(
    report: Report, top: dict[str, Any], known: Sequence[Head], trusted: Sequence[bytes]
) -> list[Head]:
    """Earlier heads, of the file and of the reader; signed by this key or one trusted."""
    wanted = list(known)
    for item in top["earlier"]:
        try:
            wanted.append(Head.of_json(item["head"]))
        except (ValueError, KeyError, TypeError):
            report.tell("An earlier head in the file can not be read.")
    for head in wanted:
        keys = (report.public_key, *trusted)
        if not any(heads.is_signed_by(head, key) for key in keys):
            report.tell(f"The signature of the earlier head over {head.size} entries does not fit.")
    return wanted


def _check_whole(lines: Iterator[_Line], head: Head, wanted: list[Head], report: Report) -> None:
    """Computes the root anew, and on the way the roots of the earlier heads."""
    roots = _computed_roots(lines, {old.size for old in [*wanted, head]}, report)
    if report.entry_count != head.size:
        report.tell(
            f"The head was signed over {head.size} entries, the file holds {report.entry_count}."
        )
    for old in [*wanted, head]:
        if roots.get(old.size) == old.root:
            report.compared += old is not head
        elif old.size > head.size:
            report.find_longer(old)
        else:
            report.tell(
                f"The first {old.size} entries do not have the root that was signed at "
                f"{old.at:%Y-%m-%d %H:%M:%S} UTC: an entry was changed, removed, added or moved."
            )


def _computed_roots(lines: Iterator[_Line], sizes: set[int], report: Report) -> dict[int, bytes]:
    """The root over the first n lines, for each n asked for that there is."""
    running, expected = core_rs.RunningRoot(), 0
    stops = sorted(sizes)
    roots = {}
    for chunk in _chunks(lines):
        hashes = _leaves_of(chunk)
        for number, line in enumerate(chunk):
            if line.place != expected:
                report.tell(_out_of_order(line.place, expected))
                expected = line.place
            expected += 1
            if hashes[32 * number : 32 * number + 32] != line.leaf:
                report.tell(_changed(line))
        while stops and stops[0] <= len(running) + len(chunk):
            size = stops.pop(0)
            at = running.copy()
            at.add_leaves(hashes[: 32 * (size - len(running))])
            roots[size] = at.root()
        running.add_leaves(hashes)
    return roots


def _leaves_of(chunk: Sequence[_Line]) -> bytes:
    """The leaf hashes of the entries of lines."""
    return core_rs.RunningRoot().add([line.entry for line in chunk])


def _chunks(lines: Iterator[_Line]) -> Iterator[list[_Line]]:
    chunk = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _check_part(lines: Iterator[_Line], head: Head, report: Report) -> None:
    """Each entry must be where its proof says, and places must rise."""
    previous = -1
    for line in lines:
        if line.place <= previous:
            report.tell(f"Entry {line.place} stands behind entry {previous}: lines were moved.")
        previous = line.place
        proof = [line.proof[at : at + 32] for at in range(0, len(line.proof), 32)]
        is_cut = len(line.proof) % 32 != 0 or line.place < 0
        if is_cut or not core_rs.verify_inclusion(
            line.entry, line.place, head.size, proof, head.root
        ):
            report.tell(_changed(line))


def _check_earlier(top: dict[str, Any], wanted: list[Head], report: Report) -> None:
    """By the consistency proofs in the file."""
    head = report.head
    if head is None:
        return
    proofs: dict[int, list[bytes]] = {}
    for item in top["earlier"]:
        try:
            proof = base64.b64decode(item["proof"], validate=True)
            proofs[item["head"]["size"]] = [proof[n : n + 32] for n in range(0, len(proof), 32)]
        except (ValueError, KeyError, TypeError):
            report.tell("An earlier head in the file has no proof that can be read.")
    for old in wanted:
        if old.size > head.size:
            report.find_longer(old)
        elif old.size == head.size or old.size in proofs:
            steps = proofs[old.size] if old.size != head.size else []
            is_cut = any(len(step) != 32 for step in steps)  # noqa: PLR2004 - SHA-256
            if is_cut or not core_rs.verify_consistency(
                old.size, head.size, old.root, head.root, steps
            ):
                report.tell(
                    f"This log does not continue the one signed at {old.at:%Y-%m-%d %H:%M:%S} UTC."
                )
            else:
                report.compared += 1


def _out_of_order(place: int, expected: int) -> str:
    if place > expected:
        last = f" to {place - 1}" if place - 1 > expected else ""
        return f"Entry {expected}{last} is missing."
    return f"Entry {place} stands where entry {expected} belongs: lines were moved or repeated."


def _changed(line: _Line) -> str:
    if not line.entry:
        return f"Entry {line.place} was removed from the database."
    return f"Entry {line.place} was changed or does not belong there."
