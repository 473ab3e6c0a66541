"""What an upload holds: photos, also out of ZIP files, within limits; nothing touches the disk."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from flask_babel import gettext as _

from portal.errors import Invalid

LARGEST_PHOTO = 12 * 1024 * 1024
LARGEST_UPLOAD = 60 * 1024 * 1024
MOST_PHOTOS = 300
_SUFFIXES = {".jpg", ".jpeg", ".png"}
_LONGEST_NAME = 200


class Outcome(StrEnum):
    """What became of a photo's code."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    NO_CODE = "no_code"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo in memory; `problem` says why there is no content."""

    name: str
    content: bytes = b""
    problem: str = ""


class Upload:
    """One uploaded file: a photo, or a ZIP file of photos.

    Raises:
        Invalid: empty, larger than `LARGEST_UPLOAD`, a damaged ZIP file, or one that holds no
            photo or more than `MOST_PHOTOS`.
    """

    def __init__(self, name: str, content: bytes) -> None:
        self._name = name or _("photo")
        self._content = content
        self._archive: zipfile.ZipFile | None = None
        self._entries: list[zipfile.ZipInfo] = []
        if not content or len(content) > LARGEST_UPLOAD:
            raise Invalid(_("The file is empty or larger than 60 MB."), code="readings.size")
        if content.startswith(b"PK"):
            self._open_archive()

    def _open_archive(self) -> None:
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(self._content))
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            raise Invalid(
                _("The ZIP file is damaged. Make it anew."), code="readings.zip"
            ) from None
        self._entries = [entry for entry in self._archive.infolist() if _is_photo(entry)]
        if not self._entries:
            raise Invalid(_("The ZIP file holds no JPEG or PNG photo."), code="readings.zip_empty")
        if len(self._entries) > MOST_PHOTOS:
            text = _("The ZIP file holds more than %(most)s photos. Divide it.", most=MOST_PHOTOS)
            raise Invalid(text, code="readings.zip_many")

    def __len__(self) -> int:
        return len(self._entries) or 1

    def photos(self) -> Iterator[Photo]:
        """The photos one after the other, so that no more than a few are in memory."""
        if self._archive is None:
            is_large = len(self._content) > LARGEST_PHOTO
            name = self._name[-_LONGEST_NAME:]
            yield Photo(name, problem="too_large") if is_large else Photo(name, self._content)
            return
        for entry in self._entries:
            yield self._entry(self._archive, entry)

    def _entry(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Photo:
        name = f"{self._name} / {PurePosixPath(entry.filename).name}"[-_LONGEST_NAME:]
        if entry.flag_bits & 1:
            return Photo(name, problem="locked")
        try:
            # The size in the directory may lie: what is unpacked is what counts.
            with archive.open(entry) as file:
                content = file.read(LARGEST_PHOTO + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
            return Photo(name, problem="damaged")
        if len(content) > LARGEST_PHOTO:
            return Photo(name, problem="too_large")
        return Photo(name, content)


def _is_photo(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename)
    is_hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return not entry.is_dir() and not is_hidden and path.suffix.lower() in _SUFFIXES


def masked(number: str) -> str:
    """A number that names a person, with its last three digits only."""
    return "•" * max(0, len(number) - 3) + number[-3:]
