"""The file of a backup: a tar of the databases' copies, the keys, and a manifest of all of it."""

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from portal import clock
from portal.cli import _sealing, _stores
from portal.settings import Settings

VERSION = 1
_LARGEST_KEY = 4 << 20
_SCRATCH = ".tram-backup-"
# Made anew by whoever runs: no backup needs them, and a restore must not bring them.
_PASSING = {"jobs", "metrics", "serve.lock", "serve.json"}
# Of the others, what every node needs (`Settings.shared_dir`).
_SHARED = {"seals", "audit", "trust"}
_DATABASES = (".sqlite", ".sqlite-wal", ".sqlite-shm", ".replaced", ".restoring", ".part")


def databases(config: Settings) -> dict[str, str]:
    """The addresses to copy, by their name in the archive; the journal last.

    Taken after the database, the journal holds everything that the copy has applied, and perhaps
    more, which the applier then applies: the two agree although neither stood still. A journal
    on machines of its own is not copied: it outlives the loss of a database by itself.
    """
    found = {"database": config.database_url}
    if config.journal_url != config.database_url and not config.has_log_cluster:
        found["journal"] = config.journal_url
    return found


def write(config: Settings, target: Path, *, to_keys: Sequence[str] = ()) -> dict[str, Any]:
    """Writes a backup; gives its manifest. The file appears only when it is whole.

    Args:
        config: what to copy.
        target: the file to write.
        to_keys: public keys; with any, the file is encrypted to all of them, and nothing readable
            is written outside the system's own directory meanwhile.

    Raises:
        StoreFault: a database could not be copied, or a key is none.
    """
    recipients = _sealing.recipients(to_keys)
    target.parent.mkdir(parents=True, exist_ok=True)
    manifest: dict[str, Any] = {
        "version": VERSION,
        "made_at": clock.now().isoformat(timespec="seconds"),
        "databases": {},
        "files": {},
    }
    part = target.with_name(f"{target.name}.part")
    scratch = config.var_dir if recipients else target.parent
    try:
        with tempfile.TemporaryDirectory(dir=scratch, prefix=_SCRATCH) as folder:
            _create(part)
            if recipients:
                plain = Path(folder) / "archive"
                _create(plain)
                _fill(config, plain, Path(folder), manifest)
                _sealing.seal(plain, part, recipients)
            else:
                _fill(config, part, Path(folder), manifest)
        with part.open("rb") as whole:
            os.fsync(whole.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def _create(path: Path) -> None:
    """An empty file that only its owner reads."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))


def _fill(config: Settings, target: Path, folder: Path, manifest: dict[str, Any]) -> None:
    """Writes the archive; completes the manifest on the way."""
    with tarfile.open(target, mode="w") as archive:
        for name, address in databases(config).items():
            store = _stores.store_of(address)
            copy = folder / name
            contents = store.copy_to(copy)
            manifest["databases"][name] = {
                "kind": store.kind,
                "sha256": _sha256(copy),
                "tables": contents,
            }
            archive.add(copy, f"databases/{name}", filter=_nameless)
            copy.unlink()
        for name, path in _kept_files(config).items():
            manifest["files"][name] = _sha256(path)
            archive.add(path, f"files/{name}", filter=_nameless)
        text = json.dumps(manifest, indent=1).encode()
        head = tarfile.TarInfo("manifest.json")
        head.size = len(text)
        archive.addfile(head, io.BytesIO(text))


def _nameless(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def _kept_files(config: Settings) -> dict[str, Path]:
    """Keys, seals and small files of state by their names; not databases, exports or locks."""
    return {
        path.relative_to(folder).as_posix(): path
        for folder in (config.var_dir, config.shared_dir)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and path.relative_to(folder).parts[0] not in _PASSING
        and not path.name.endswith(_DATABASES)
        and not path.relative_to(folder).parts[0].startswith(_SCRATCH)
        and path.stat().st_size <= _LARGEST_KEY
    }


def _place_of(config: Settings, name: str) -> Path:
    """Where a kept file belongs: with all nodes, or with this machine."""
    is_shared = Path(name).parts[0] in _SHARED
    return (config.shared_dir if is_shared else config.var_dir) / name


def read_manifest(archive: tarfile.TarFile) -> dict[str, Any]:
    """The manifest of an open archive.

    Raises:
        StoreFault: it is no backup of ours, or of a later version.
    """
    try:
        file = archive.extractfile("manifest.json")
        manifest: dict[str, Any] = json.loads(file.read()) if file else {}
    except (KeyError, ValueError) as error:
        raise _stores.StoreFault("This is no backup of Trạm.") from error
    if manifest.get("version") != VERSION:
        raise _stores.StoreFault("The backup was made by another version of Trạm.")
    return manifest


def restore(
    config: Settings, source: Path, *, is_forced: bool, key_file: Path | None = None
) -> dict[str, Any]:
    """Puts a backup back and compares every table with the manifest; gives the manifest.

    Args:
        config: where to put it.
        source: a file that `write` made.
        is_forced: whether databases with rows are replaced.
        key_file: private keys, for an encrypted backup.

    Raises:
        StoreFault: nothing, or not all, could be put back; the text says what.
    """
    with (
        tempfile.TemporaryDirectory(prefix="tram-restore-") as scratch,
        _opened(source, key_file, Path(scratch)) as archive,
    ):
        manifest = read_manifest(archive)
        copies = _unpack_checked(archive, manifest, Path(scratch))
        stores = {name: _stores.store_of(address) for name, address in databases(config).items()}
        _check_kinds(manifest, stores)
        if not is_forced:
            full = [name for name, store in stores.items() if store.has_rows()]
            if full:
                message = f"There are rows in the {' and the '.join(full)}; --force replaces them."
                raise _stores.StoreFault(message)
        for name, store in stores.items():
            found = store.put_back(copies[name])
            wrong = _stores.differences(manifest["databases"][name]["tables"], found)
            if wrong:
                raise _stores.StoreFault("; ".join(wrong))
        for name in manifest["files"]:
            _put_file(archive, f"files/{name}", _place_of(config, name))
    return manifest


def _opened(source: Path, key_file: Path | None, scratch: Path) -> tarfile.TarFile:
    """The archive in a file, decrypted into the scratch folder where it is encrypted."""
    if _sealing.is_sealed(source):
        if key_file is None:
            raise _stores.StoreFault("The backup is encrypted: give its private key with --key.")
        plain = scratch / "archive"
        _create(plain)
        _sealing.unseal(source, plain, _sealing.identities(key_file))
        source = plain
    try:
        return tarfile.open(source)
    except tarfile.TarError as error:
        raise _stores.StoreFault("This is no backup of Trạm.") from error


def _unpack_checked(
    archive: tarfile.TarFile, manifest: dict[str, Any], folder: Path
) -> dict[str, Path]:
    """The databases' copies, each the very bytes that were written."""
    copies = {}
    for name, facts in manifest["databases"].items():
        copies[name] = folder / name
        _put_file(archive, f"databases/{name}", copies[name])
        if _sha256(copies[name]) != facts["sha256"]:
            raise _stores.StoreFault(f"The backup is damaged: {name}.")
    return copies


def _check_kinds(manifest: dict[str, Any], stores: dict[str, Any]) -> None:
    kinds = {name: facts["kind"] for name, facts in manifest["databases"].items()}
    wanted = {name: store.kind for name, store in stores.items()}
    if kinds != wanted:
        message = f"The backup holds {kinds}, the settings ask for {wanted}."
        raise _stores.StoreFault(message)


def _put_file(archive: tarfile.TarFile, name: str, target: Path) -> None:
    if ".." in Path(name).parts or Path(name).is_absolute():
        raise _stores.StoreFault("The backup names a file outside its folder.")
    try:
        file = archive.extractfile(name)
    except KeyError as error:
        raise _stores.StoreFault(f"The backup is damaged: {name} is missing.") from error
    if file is None:
        raise _stores.StoreFault(f"The backup is damaged: {name} is no file.")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as written:
        while block := file.read(1 << 20):
            written.write(block)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
