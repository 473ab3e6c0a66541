"""Many papers as one file to print: labelled as a copy, sealed once, written as a stream.

Pages are taken out of finished papers and appended to the file; fonts that several papers share
are written once. After each chunk `checkpoint` makes everything so far durable, and a writer opened
on the same path goes on from there. `finish` adds the cover, the list of the originals as an
attachment, and one signature over the whole file. Memory grows by eight bytes an object.
"""

import datetime as dt
import hashlib
import io
import json
import os
import zlib
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import pikepdf

from reports import pdf
from reports.certificate.fonts import make_whole
from reports.certificate.reading import ATTACHMENT
from reports.signing import OLD_CONTENTS, Seal
from reports.signing.update import RANGE_MARK

# Object numbers known before anything is written.
_CATALOG, _PAGES, _INFO = 1, 2, 3
_FIRST_FREE = 4
_HEAD = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
_BLOCK = 1 << 20
# PDF/A-3b: fonts, colours and attachment are as it asks; level A would need the tags of each page.
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<xmp:CreateDate>{at}</xmp:CreateDate><xmp:ModifyDate>{at}</xmp:ModifyDate>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


@dataclass(frozen=True, slots=True)
class Cover:
    """What stands on the first page, as finished texts.

    Attributes:
        agency: head, left.
        place_and_date: head, right.
        count: of papers.
        lines: label and value of each line: what was asked for, by whom, the digest of the list.
        watermark: across the page in training; empty in service.
    """

    agency: str
    place_and_date: str
    count: int
    lines: tuple[tuple[str, str], ...]
    watermark: str = ""

    @property
    def shown_count(self) -> str:
        """The count with points between thousands."""
        return f"{self.count:,}".replace(",", ".")

    attachment = ATTACHMENT


@dataclass(slots=True)
class State:
    """How far a file is: enough to go on with it after a crash.

    Attributes:
        size: bytes of the file.
        list_size: bytes of the list of originals.
        next_number: of the next object.
        count: papers so far.
        after: where the caller goes on.
        nodes: object number and pages of each finished chunk.
        shared: digest of a font → its object number.
        label: object number of the label that lies over every page.
        around: object numbers of what stands before and after the content of every page.
    """

    size: int
    list_size: int
    next_number: int
    count: int
    after: int
    nodes: list[tuple[int, int]]
    shared: dict[str, int]
    label: int
    around: tuple[int, int]


class CopyWriter:
    """A print copy on its way; use as a context manager.

    Args:
        path: of the file; beside it lie `.state`, `.offsets` and `.list` until it is finished.
        made_at: aware; creation date of the file.
    """

    def __init__(self, path: Path, made_at: dt.datetime) -> None:
        self.path, self.made_at = path, made_at
        self._beside = {end: path.with_name(f"{path.name}.{end}") for end in
                        ("state", "offsets", "list")}  # fmt: skip
        self._offsets = array("Q")
        self._page_numbers: list[int] = []
        self._node = 0
        state = self._read_state()
        self._file = self._opened(path, state.size if state else 0)
        self._list = self._opened(self._beside["list"], state.list_size if state else 0)
        if state is not None:
            self.state = state
            with self._beside["offsets"].open("rb") as file:
                self._offsets.fromfile(file, state.next_number)
        else:
            self.state = State(0, 0, _FIRST_FREE, 0, 0, [], {}, 0, (0, 0))
            self._offsets.extend([0] * _FIRST_FREE)
            self._file.write(_HEAD)
            self.state.label = self._write_label()
            self.state.around = (self._stream(b"", b"q"), self._stream(b"", b"Q q /TramCopy Do Q"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
        self._list.close()

    def _read_state(self) -> State | None:
        if not self._beside["state"].exists():
            return None
        values = json.loads(self._beside["state"].read_text(encoding="ascii"))
        values["nodes"] = [tuple(node) for node in values["nodes"]]
        values["around"] = tuple(values["around"])
        return State(**values)

    @staticmethod
    def _opened(path: Path, size: int) -> BinaryIO:
        """The file as it was at `size`: what came after the last checkpoint falls away."""
        path.touch(mode=0o600)
        file = path.open("r+b")
        file.truncate(size)
        file.seek(size)
        return file

    # -- objects ----------------------------------------------------------------------------------

    def _number(self) -> int:
        self.state.next_number += 1
        self._offsets.append(0)
        return self.state.next_number - 1

    def _put(self, number: int, body: bytes) -> int:
        self._offsets[number] = self._file.tell()
        self._file.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
        return number

    def _stream(self, dictionary: bytes, content: bytes) -> int:
        body = b"<<%s/Length %d>>stream\n%s\nendstream" % (dictionary, len(content), content)
        return self._put(self._number(), body)

    def _copied(self, thing: Any, known: dict[tuple[int, int], int]) -> bytes:
        """The text of an object of another file; what it points to is written before it."""
        if thing.is_indirect:
            if thing.objgen not in known:
                known[thing.objgen] = number = self._number()
                self._put(number, self._body(thing, known))
            return b"%d 0 R" % known[thing.objgen]
        return self._body(thing, known)

    def _body(self, thing: Any, known: dict[tuple[int, int], int]) -> bytes:
        if isinstance(thing, pikepdf.Stream):
            raw = thing.read_raw_bytes()
            entries = self._entries(thing, known, without=("/Length",))
            return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(raw), raw)
        if isinstance(thing, pikepdf.Dictionary):
            return b"<<%s>>" % self._entries(thing, known)
        if isinstance(thing, pikepdf.Array):
            parts = (self._item(thing, n, known) for n in range(len(thing)))
            return b"[%s]" % b" ".join(parts)
        return bytes(thing.unparse())

    def _entries(
        self, thing: Any, known: dict[tuple[int, int], int], without: tuple[str, ...] = ()
    ) -> bytes:
        keys = [key for key in thing.keys() if key not in without]  # noqa: SIM118 - an Object
        return b"".join(
            b"%s %s " % (pikepdf.Name(key).unparse(), self._item(thing, key, known)) for key in keys
        )

    def _item(self, owner: Any, key: Any, known: dict[tuple[int, int], int]) -> bytes:
        value = owner[key]
        if isinstance(value, pikepdf.Object):
            return self._copied(value, known)
        # Plain numbers and truth values come as Python's own.
        if isinstance(value, bool):
            return b"true" if value else b"false"
        return str(value).encode()

    def _font(self, font: Any, known: dict[tuple[int, int], int]) -> bytes:
        """A font, written once for all the papers that embed the same one."""
        make_whole(font)  # each paper embeds only its own letters
        key = _digest(font)
        if key not in self.state.shared:
            self.state.shared[key] = int(self._copied(font, known).split()[0])
        return b"%d 0 R" % self.state.shared[key]

    def _resources(self, page: pikepdf.Page, known: dict[tuple[int, int], int]) -> bytes:
        resources = page.obj.get("/Resources", pikepdf.Dictionary())
        fonts = b"".join(
            b"%s %s " % (pikepdf.Name(name).unparse(), self._font(font, known))
            for name, font in resources.get("/Font", pikepdf.Dictionary()).items()
        )
        pictures = resources.get("/XObject", pikepdf.Dictionary())
        others = self._entries(resources, known, without=("/Font", "/XObject"))
        return b"<<%s/Font<<%s>>/XObject<<%s/TramCopy %d 0 R>>>>" % (
            others, fonts, self._entries(pictures, known), self.state.label,
        )  # fmt: skip

    def _write_label(self) -> int:
        made = pdf.render(
            "copy_label.html", "copy_label.css", identity="copy label", made_at=self.made_at
        )
        with pikepdf.open(io.BytesIO(made)) as document:
            label = document.make_indirect(document.pages[0].as_form_xobject())
            return int(self._copied(label, {}).split()[0])

    def _write_page(
        self, page: pikepdf.Page, parent: int, extra: bytes = b"", *, is_labelled: bool = True
    ) -> int:
        known: dict[tuple[int, int], int] = {}
        held = page.obj.Contents
        parts = list(held) if isinstance(held, pikepdf.Array) else [held]
        inner = b" ".join(self._copied(part, known) for part in parts)
        before, after = self.state.around
        contents = b"[%d 0 R %s %d 0 R]" % (before, inner, after) if is_labelled else inner
        box = b" ".join(str(value).encode() for value in page.mediabox)
        resources = self._resources(page, known)
        return self._put(
            self._number(),
            b"<</Type/Page/Parent %d 0 R/MediaBox[%s]/Contents %s/Resources %s%s>>"
            % (parent, box, contents, resources, extra),
        )

    # -- what callers do --------------------------------------------------------------------------

    def head(self, line: bytes) -> None:
        """The first line of the list of originals; written before the first paper."""
        self._list.write(line)

    def add(self, paper: bytes, line: bytes) -> None:
        """Appends the pages of a paper, and its line to the list of originals."""
        if not self._node:
            self._node = self._number()
        with pikepdf.open(io.BytesIO(paper)) as document:
            for page in document.pages:
                self._page_numbers.append(self._write_page(page, self._node))
        self._list.write(line)
        self.state.count += 1

    def checkpoint(self, after: int) -> None:
        """Ends a chunk: what is written so far survives a crash, and `after` with it."""
        if self._page_numbers:
            self._close_node()
        self.state.after = after
        self.state.size, self.state.list_size = self._file.tell(), self._list.tell()
        for file in (self._file, self._list):
            file.flush()
            os.fsync(file.fileno())
        self._beside["offsets"].write_bytes(self._offsets.tobytes())
        draft = self._beside["state"].with_suffix(".draft")
        values = {name: getattr(self.state, name) for name in State.__slots__}
        draft.write_text(json.dumps(values), encoding="ascii")
        draft.replace(self._beside["state"])

    def _close_node(self) -> None:
        numbers = self._page_numbers
        kids = b" ".join(b"%d 0 R" % number for number in numbers)
        self._put(
            self._node,
            b"<</Type/Pages/Parent %d 0 R/Kids[%s]/Count %d>>" % (_PAGES, kids, len(numbers)),
        )
        self.state.nodes.append((self._node, len(numbers)))
        self._page_numbers, self._node = [], 0

    def list_digest(self) -> str:
        """SHA-256 of the list of originals so far."""
        self._list.flush()
        with self._beside["list"].open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def finish(self, cover: Cover, seal: Seal | None) -> None:
        """Cover, list, page tree, cross-references, and one signature over everything."""
        if self._page_numbers:
            self._close_node()
        made = pdf.render(
            "copy_cover.html", "copy_cover.css", identity=f"copy {self.list_digest()}",
            made_at=self.made_at, cover=cover,
        )  # fmt: skip
        field = self._number() if seal else 0
        node = self._number()
        extra = b"/Annots[%d 0 R]" % field if seal else b""
        with pikepdf.open(io.BytesIO(made)) as document:
            first = self._write_page(document.pages[0], node, extra, is_labelled=False)
            intents = self._item(document.Root, "/OutputIntents", {})
        self._put(node, b"<</Type/Pages/Parent %d 0 R/Kids[%d 0 R]/Count 1>>" % (_PAGES, first))
        nodes = [(node, 1), *self.state.nodes]
        kids = b" ".join(b"%d 0 R" % number for number, _ in nodes)
        total = sum(count for _, count in nodes)
        self._put(_PAGES, b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, total))
        attached = self._write_list()
        stamp = self._stamp()
        title = f"Bản sao {cover.shown_count} giấy kết quả"
        digits = title.encode("utf-16-be").hex().upper().encode()
        self._put(_INFO, b"<</Title<FEFF%s>/CreationDate(%s)/ModDate(%s)>>"
                  % (digits, stamp, stamp))  # fmt: skip
        said = _XMP.format(title=title, at=pdf.w3c_instant(self.made_at)).encode()
        metadata = self._stream(b"/Type/Metadata/Subtype/XML", said)
        hole = self._write_field(field, first, stamp) if seal else 0
        form = b"/AcroForm<</Fields[%d 0 R]/SigFlags 3>>" % field if seal else b""
        self._put(
            _CATALOG,
            b"<</Type/Catalog/Pages %d 0 R/Lang(vi)/PageMode/UseAttachments"
            b"/Names<</EmbeddedFiles<</Names[(%s) %d 0 R]>>>>/AF[%d 0 R]"
            b"/OutputIntents %s/Metadata %d 0 R%s>>"
            % (_PAGES, ATTACHMENT.encode(), attached, attached, intents, metadata, form),
        )
        self._write_references()
        self._file.flush()
        if seal:
            self._sign(seal, hole)
        os.fsync(self._file.fileno())
        for path in self._beside.values():
            path.unlink(missing_ok=True)

    def _stamp(self) -> bytes:
        return self.made_at.astimezone(dt.UTC).strftime("D:%Y%m%d%H%M%SZ").encode()

    def _write_list(self) -> int:
        """The list of originals as an attachment, compressed block by block."""
        self._list.flush()
        length = self._number()
        number = self._number()
        self._offsets[number] = self._file.tell()
        self._file.write(
            b"%d 0 obj\n<</Type/EmbeddedFile/Subtype/text#2Fcsv/Filter/FlateDecode"
            b"/Params<</Size %d/ModDate(%s)>>/Length %d 0 R>>stream\n"
            % (number, self._list.tell(), self._stamp(), length)
        )
        start = self._file.tell()
        packer = zlib.compressobj()
        with self._beside["list"].open("rb") as file:
            while block := file.read(_BLOCK):
                self._file.write(packer.compress(block))
        self._file.write(packer.flush())
        end = self._file.tell()
        self._file.write(b"\nendstream\nendobj\n")
        self._put(length, b"%d" % (end - start))
        name = ATTACHMENT.encode()
        return self._put(
            self._number(),
            b"<</Type/Filespec/F(%s)/UF(%s)/AFRelationship/Data/EF<</F %d 0 R>>>>"
            % (name, name, number),
        )

    def _write_field(self, field: int, page: int, stamp: bytes) -> int:
        """The signature field; gives where the hole for the CMS begins."""
        signature = self._number()
        self._put(
            field,
            b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature)/TU(Digital signature)"
            b"/F 132/Rect[-9 -9 -9 -9]/P %d 0 R/V %d 0 R>>" % (page, signature),
        )
        self._offsets[signature] = self._file.tell()
        self._file.write(
            b"%d 0 obj\n<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M(%s)"
            b"/ByteRange[%s]/Contents" % (signature, stamp, RANGE_MARK)
        )
        hole = self._file.tell()
        self._file.write(b"<" + b"0" * (2 * OLD_CONTENTS) + b">>>\nendobj\n")
        return hole

    def _write_references(self) -> None:
        start = self._file.tell()
        count = self.state.next_number
        self._file.write(b"xref\n0 %d\n0000000000 65535 f \n" % count)
        for number in range(1, count):
            self._file.write(b"%010d 00000 n \n" % self._offsets[number])
        identifier = hashlib.sha256(f"copy {self.made_at} {self.list_digest()}".encode())
        key = identifier.hexdigest()[:32].encode()
        self._file.write(
            b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R/ID[<%s><%s>]>>\nstartxref\n%d\n%%%%EOF\n"
            % (count, _CATALOG, _INFO, key, key, start)
        )

    def _sign(self, seal: Seal, hole: int) -> None:
        size, after = self._file.tell(), hole + 2 * OLD_CONTENTS + 2
        ranges = b"%010d %010d %010d %010d" % (0, hole, after, size - after)
        self._file.seek(hole - len(b"]/Contents") - len(RANGE_MARK))
        self._file.write(ranges)
        self._file.flush()
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            _feed(digest, file, hole)
            file.seek(after)
            _feed(digest, file, size - after)
        contents = seal.cms_of(digest.digest()).hex().encode().ljust(2 * OLD_CONTENTS, b"0")
        self._file.seek(hole + 1)
        self._file.write(contents)
        self._file.flush()


def _feed(digest: Any, file: BinaryIO, count: int) -> None:
    while count:
        block = file.read(min(_BLOCK, count))
        digest.update(block)
        count -= len(block)


def _digest(thing: Any) -> str:
    """What an object says, with everything it points to."""
    told = hashlib.blake2b(digest_size=20)

    def tell(part: Any) -> None:
        if isinstance(part, pikepdf.Stream):
            told.update(b"s")
            told.update(part.read_raw_bytes())
        if isinstance(part, pikepdf.Stream | pikepdf.Dictionary):
            for key in sorted(part.keys()):
                told.update(key.encode() + b":")
                tell(part[key])
        elif isinstance(part, pikepdf.Array) and any(
            isinstance(one, pikepdf.Dictionary | pikepdf.Stream) for one in list(part)[:1]
        ):
            told.update(b"[%d" % len(part))
            for one in part:
                tell(one)
        else:
            told.update(part.unparse() if isinstance(part, pikepdf.Object) else str(part).encode())

    tell(thing)
    return told.hexdigest()
