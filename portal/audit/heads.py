"""Signed heads: «the first N entries of this log have this root», under an Ed25519 key.

The key lies in `var/audit`, made at the first start; its public half and every signed head are
written beside it, outside the database, for whoever copies them away. What an auditor has once
seen signed can not be changed unnoticed, not even by whoever owns database and key.
"""

import base64
import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_LABEL = "tram audit head 1"
_RAW = serialization.Encoding.Raw, serialization.PublicFormat.Raw


@dataclass(frozen=True, slots=True)
class Head:
    """A signed head.

    Attributes:
        size: how many entries.
        root: RFC 6962 root over them, 32 bytes.
        at: when it was signed.
        key_id: first 16 hexadecimal digits of SHA-256 of the public key.
        signature: Ed25519, 64 bytes.
    """

    size: int
    root: bytes
    at: datetime
    key_id: str
    signature: bytes

    @property
    def signed(self) -> bytes:
        """What the signature is over: four lines of text."""
        root = base64.b64encode(self.root).decode("ascii")
        at = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        return f"{_LABEL}\n{self.size}\n{root}\n{at}\n".encode("ascii")

    @property
    def short(self) -> str:
        """As it is printed on papers: size, the first 16 bytes of the root, time, key."""
        digits = self.root[:16].hex()
        groups = " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))
        return f"{self.size} · {groups} · {self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

    def as_json(self) -> dict[str, Any]:
        """Plain values; `of_json` makes the same head of them."""
        return {
            "size": self.size,
            "root": base64.b64encode(self.root).decode("ascii"),
            "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "key": self.key_id,
            "signature": base64.b64encode(self.signature).decode("ascii"),
        }

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> Self:
        """A head of plain values.

        Raises:
            ValueError: a value is missing or of another shape.
        """
        try:
            head = cls(
                size=values["size"],
                root=base64.b64decode(values["root"], validate=True),
                at=datetime.fromisoformat(values["at"]),
                key_id=values["key"],
                signature=base64.b64decode(values["signature"], validate=True),
            )
        except (KeyError, TypeError) as error:
            raise ValueError("a head lacks a value") from error
        is_shaped = isinstance(head.size, int) and not isinstance(head.size, bool)
        if not is_shaped or head.size < 0 or len(head.root) != 32 or head.at.tzinfo is None:  # noqa: PLR2004
            raise ValueError("a head has a value of another shape")
        return head


def key_id_of(public_key: bytes) -> str:
    """The short name of a public key."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def is_signed_by(head: Head, public_key: bytes) -> bool:
    """Whether the holder of a public key (32 bytes) signed the head."""
    return head.key_id == key_id_of(public_key) and verifies(
        public_key, head.signature, head.signed
    )


def verifies(public_key: bytes, signature: bytes, signed: bytes) -> bool:
    """Whether an Ed25519 signature fits."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


class HeadKey:
    """The key that signs heads and exports."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public_key = private.public_key().public_bytes(*_RAW)
        self.key_id = key_id_of(self.public_key)

    def sign(self, content: bytes) -> bytes:
        """64 bytes over a content."""
        return self._private.sign(content)

    def head(self, size: int, root: bytes, at: datetime) -> Head:
        """A signed head."""
        bare = Head(size, root, at, self.key_id, b"")
        return Head(size, root, at, self.key_id, self.sign(bare.signed))


def folder(var_dir: Path) -> Path:
    """Where keys and heads lie."""
    return var_dir / "audit"


def load_key(var_dir: Path) -> HeadKey:
    """The key in use, made at the first call of an installation."""
    place = folder(var_dir)
    path = place / "head.key.pem"
    if not path.exists():
        place.mkdir(parents=True, exist_ok=True)
        made = Ed25519PrivateKey.generate()
        pem = made.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        fresh = place / f"head.{os.getpid()}.new"
        fresh.touch(mode=0o600)
        fresh.write_bytes(pem)
        try:
            os.link(fresh, path)  # fails if another process was first; its key counts
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    private = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(private, Ed25519PrivateKey):
        message = f"{path.name} is no Ed25519 key"
        raise TypeError(message)
    key = HeadKey(private)
    public = place / f"{key.key_id}.pub"
    if not public.exists():
        public.write_text(base64.b64encode(key.public_key).decode("ascii") + "\n", "ascii")
    return key


def known_keys(var_dir: Path) -> list[bytes]:
    """Public keys that signed here, the old ones too."""
    return [read_public_key(path.read_text("ascii")) for path in folder(var_dir).glob("*.pub")]


def read_public_key(text: str) -> bytes:
    """A public key as it is printed: Base64 of 32 bytes.

    Raises:
        ValueError: the text is none.
    """
    key = base64.b64decode(text.strip(), validate=True)
    if len(key) != 32:  # noqa: PLR2004 - Ed25519
        raise ValueError("a public key has 32 bytes")
    return key


def _file(var_dir: Path) -> Path:
    return folder(var_dir) / "heads.jsonl"


def read_file(path: Path) -> list[Head]:
    """The heads of a file, one a line; a line that a crash cut off is passed over."""
    heads = []
    lines = path.read_text("utf-8").splitlines(keepends=True)
    for number, line in enumerate(lines):
        if number == len(lines) - 1 and not line.endswith("\n"):
            break
        heads.append(Head.of_json(json.loads(line)))
    return heads


def filed(var_dir: Path) -> list[Head]:
    """The heads that were written outside the database."""
    path = _file(var_dir)
    return read_file(path) if path.exists() else []


def last_filed(var_dir: Path) -> int:
    """The size of the last head written outside the database; 0 without any."""
    path = _file(var_dir)
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return _last_size(file)


def _last_size(file: BinaryIO) -> int:
    """Of the last whole line; only the end of the file is read."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(end - 4096, 0))
    whole = file.read().rpartition(b"\n")[0].rpartition(b"\n")[2]
    return Head.of_json(json.loads(whole)).size if whole else 0


def file_heads(var_dir: Path, heads: Iterable[Head]) -> None:
    """Writes heads outside the database, on the disk when it returns.

    A line that a crash cut off is taken away; a head that stands there already is left out.
    """
    with _file(var_dir).open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        last = _last_size(file)
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - 4096, 0))
        file.truncate(end - len(file.read().rpartition(b"\n")[2]))
        for head in heads:
            if head.size > last:
                file.write(json.dumps(head.as_json(), separators=(",", ":")).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
