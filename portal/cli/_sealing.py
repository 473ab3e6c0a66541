"""Backups that only the holder of a key can open: the age format, by its Rust implementation."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyrage

from portal.cli._stores import StoreFault

_MAGIC = b"age-encryption.org/v1"


def new_key(target: Path) -> str:
    """Writes a fresh private key that only its owner reads; gives the public key.

    Raises:
        StoreFault: the file exists; a key is never replaced.
    """
    identity = pyrage.x25519.Identity.generate()
    public = str(identity.to_public())
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise StoreFault(f"{target} exists; a key is never replaced.") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(f"# public key: {public}\n{identity}\n")
    return public


def recipients(keys: Iterable[str]) -> list[Any]:
    """Public keys to encrypt to: `age1…`, `ssh-ed25519 …` or `ssh-rsa …`.

    Raises:
        StoreFault: a text is no public key; every such text is named at once.
    """
    found, wrong = [], []
    for text in (key.strip() for key in keys):
        kind = pyrage.ssh if text.startswith("ssh-") else pyrage.x25519
        try:
            found.append(kind.Recipient.from_str(text))
        except pyrage.RecipientError:
            # A private key given by mistake must not appear on a screen or in a log.
            said = "a private key" if "SECRET" in text.upper() else f"«{text[:20]}»"
            wrong.append(f"{said} is no public key (age1… or ssh-ed25519 …).")
    if wrong:
        raise StoreFault(" ".join(wrong))
    return found


def identities(path: Path) -> list[Any]:
    """The private keys in a file: lines of `AGE-SECRET-KEY-1…`, or one OpenSSH key.

    Raises:
        StoreFault: the file holds no private key that can be used.
    """
    content = path.read_bytes()
    try:
        if b"OPENSSH PRIVATE KEY" in content:
            return [pyrage.ssh.Identity.from_buffer(content)]
        lines = [line.strip() for line in content.decode("ascii", "replace").splitlines()]
        found = [
            pyrage.x25519.Identity.from_str(line)
            for line in lines
            if line and not line.startswith("#")
        ]
    except pyrage.IdentityError as error:
        raise StoreFault(f"{path} holds no private key that can be used.") from error
    if not found:
        raise StoreFault(f"{path} holds no private key.")
    return found


def is_sealed(path: Path) -> bool:
    """Whether a file is encrypted in the age format."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def seal(source: Path, target: Path, to: list[Any]) -> None:
    """Encrypts a file to public keys, in pieces of 64 KiB; memory does not grow with it."""
    with source.open("rb") as plain, target.open("wb") as sealed:
        pyrage.encrypt_io(plain, sealed, to)


def unseal(source: Path, target: Path, keys: list[Any]) -> None:
    """Decrypts a file.

    Raises:
        StoreFault: none of the keys opens it, or a byte of it was changed.
    """
    try:
        with source.open("rb") as sealed, target.open("wb") as plain:
            pyrage.decrypt_io(sealed, plain, keys)
    except pyrage.DecryptError as error:
        raise StoreFault("None of the keys given opens this backup.") from error
    except OSError as error:
        if error.errno is not None:  # the disk's own fault, not the file's
            raise
        raise StoreFault("The backup is damaged: its encryption does not hold.") from error
