"""Forged and bent papers of every layout: each is refused, and in one plain sentence.

The names of the attacks are those of the literature on signed PDFs (universal forgery, incremental
saving, wrapping, shadow).
"""

import datetime as dt
import io
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from asn1crypto import cms as asn1_cms
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from reports.certificate import make_papers, render_certificate
from reports.print_copy import CopyWriter, Cover
from reports.result_list import ListedPerson, ResultListPage, render_result_list
from reports.signing import Seal, Trust, check_paper
from reports.signing.der import is_der
from reports.signing.profiles import sign_stamped
from tests.reports.authority import DAY, Authority, pem_of
from tests.reports.pages import page

LAYOUTS = ("spliced", "designed", "list", "copy", "B-T", "B-LTA")
STAMPED = ("B-T", "B-LTA")
_HOLE = re.compile(rb"/Contents ?<([0-9a-fA-F]+)>")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def trust(authority: Authority) -> Trust:
    return Trust.load([pem_of(authority.root)], [authority.revoked(None, authority.now)])


def result_list(at: dt.datetime) -> bytes:
    """The list of a session with forty people, not sealed yet."""
    people = [
        ListedPerson(f"Nguyễn Thị Mẫu {n}", "1984", "Nữ", "xã Mẫu", f"7Q2M8K4PX{n:02d}", "Âm tính")
        for n in range(40)
    ]
    listed = ResultListPage(
        parent_agency="SỞ Y TẾ", agency="TRUNG TÂM Y TẾ", number="Số: 12/DS", place_and_date="Huế",
        title="DANH SÁCH KẾT QUẢ", title_en="List of results", subject="Buổi mẫu", subject_en="",
        rows=tuple(people), totals=(("Âm tính", 40),), notes=("Ghi chú",), recipients=("Lưu",),
        signer_title="GIÁM ĐỐC", signer_name="Trần Văn Mẫu", issued_at=at,
    )  # fmt: skip
    return render_result_list(listed, "12/DS")


@pytest.fixture(scope="module")
def papers(
    authority: Authority, trust: Trust, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    seal, at = Seal(*authority.signer()), authority.now
    plain = render_certificate(page(issued_at=at))
    spliced = make_papers([page(issued_at=at)], seal)[0]
    made = {
        "spliced": spliced,
        "designed": seal.sign(plain, at),
        "list": seal.sign(result_list(at), at),
        "copy": print_copy(tmp_path_factory.mktemp("copy") / "copy.pdf", [spliced] * 3, seal, at),
    }
    for level in STAMPED:
        stamper = authority.stamper()
        made[level] = sign_stamped(plain, seal, level, stamper=stamper, trust=trust)
    return made


def print_copy(path: Path, papers: list[bytes], seal: Seal, at: dt.datetime) -> bytes:
    """A print copy of these papers, sealed."""
    with CopyWriter(path, at) as copy:
        copy.head(b"code\r\n")
        for number, paper in enumerate(papers):
            copy.add(paper, b"%d\r\n" % number)
        copy.checkpoint(len(papers))
        copy.finish(Cover("SỞ Y TẾ", "Huế", len(papers), (("Người lập", "mẫu"),)), seal)
    return path.read_bytes()


def problems(pdf: bytes, trust: Trust) -> tuple[str, ...]:
    """What is wrong; sentences of one line that tell nothing of a person."""
    found = check_paper(pdf, trust).problems
    for one in found:
        assert one.endswith(".")
        assert "\n" not in one
        assert "Hồng Ánh" not in one
    return found


def hole(pdf: bytes) -> tuple[int, int]:
    """Where the digits of the last signature stand."""
    found = list(_HOLE.finditer(pdf))[-1]
    return found.start(1), found.end(1)


def with_cms(pdf: bytes, der: bytes) -> bytes:
    """The paper with another CMS in its hole, in the digits of its own case."""
    start, end = hole(pdf)
    digits = der.hex().encode()
    digits = digits.upper() if pdf[start:end] != pdf[start:end].lower() else digits
    assert len(digits) <= end - start
    return pdf[:start] + digits.ljust(end - start, b"0") + pdf[end:]


def cms_of(pdf: bytes) -> bytes:
    start, end = hole(pdf)
    raw = bytes.fromhex(pdf[start:end].decode())
    return raw[: 4 + int.from_bytes(raw[2:4], "big")]


def ranges(pdf: bytes) -> tuple[int, int, list[int]]:
    found = list(re.finditer(rb"/ByteRange ?\[([0-9 ]+)\]", pdf))[-1]
    return found.start(1), found.end(1), [int(number) for number in found[1].split()]


def with_ranges(pdf: bytes, numbers: list[int]) -> bytes:
    start, end, _ = ranges(pdf)
    text = b" ".join(b"%d" % number for number in numbers)
    assert len(text) <= end - start
    return pdf[:start] + text.ljust(end - start) + pdf[end:]


def mutated(pdf: bytes, chance: random.Random) -> bytes:
    """The file with bytes changed, taken out, put in, or moved."""
    start, end = hole(pdf)
    # The hole is the one part that no digest covers: a third of the changes.
    at = chance.randrange(start, end) if chance.random() < 1 / 3 else chance.randrange(len(pdf))
    way = chance.randrange(6)
    if way == 0:
        return pdf[:at] + bytes([pdf[at] ^ 1 << chance.randrange(8)]) + pdf[at + 1 :]
    if way == 1:
        return pdf[:at] + bytes([chance.randrange(256)]) + pdf[at + 1 :]
    if way == 2:
        return pdf[:at] + pdf[at + chance.randrange(1, 9) :]
    if way == 3:
        return pdf[:at] + bytes([chance.randrange(256)]) + pdf[at:]
    if way == 4:
        run = pdf[at : at + chance.randrange(1, 40)]
        other = chance.randrange(len(pdf) - len(run))
        return pdf[:other] + run + pdf[other + len(run) :]
    return pdf[:at] + pdf[at : at + 2].swapcase() + pdf[at + 2 :]


def undetected(pdf: bytes, trust: Trust, count: int, seed: str) -> list[bytes]:
    chance = random.Random(seed)
    changed = (mutated(pdf, chance) for _ in range(count))
    return [one for one in changed if one != pdf and not problems(one, trust)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_mutation_passes(layout: str, papers: dict[str, bytes], trust: Trust) -> None:
    assert problems(papers[layout], trust) == ()
    assert undetected(papers[layout], trust, 20 if layout in STAMPED else 60, layout) == []


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_mutation_of_a_thousand_passes(
    layout: str, papers: dict[str, bytes], trust: Trust
) -> None:
    assert undetected(papers[layout], trust, 1000, f"{layout} many") == []


def rewritten(pdf: bytes) -> bytes:
    """The whole file written anew by another program."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        document.save(out)
    return out.getvalue()


def shadowed(pdf: bytes) -> bytes:
    """A revision that puts another page over the signed one."""
    from pyhanko.pdf_utils import generic
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    first = writer.root["/Pages"]["/Kids"][0]
    first["/MediaBox"] = generic.ArrayObject([generic.NumberObject(n) for n in (0, 0, 9, 9)])
    writer.update_container(first)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def wrapped(pdf: bytes) -> bytes:
    """The second signed part moved behind a gap that holds what nobody signed."""
    _, _, (zero, length, after, rest) = ranges(pdf)
    gap = b"\n9999 0 obj\n<</Type/Catalog>>\nendobj\n"
    return with_ranges(pdf[:after] + gap + pdf[after:], [zero, length, after + len(gap), rest])


def doubled(pdf: bytes) -> bytes:
    """The second signed part twice, the one that readers take being changed."""
    _, _, (_, _, after, _) = ranges(pdf)
    return pdf + pdf[after:].replace(b"startxref", b"startxref ", 1)


def _shifted(pdf: bytes, by: tuple[int, ...]) -> list[int]:
    return [number + more for number, more in zip(ranges(pdf)[2], by, strict=True)]


def _filled(pdf: bytes, digit: bytes) -> bytes:
    start, end = hole(pdf)
    return pdf[:start] + digit * (end - start) + pdf[end:]


def _at_hole(pdf: bytes, at: int, text: bytes) -> bytes:
    start, end = hole(pdf)
    at = at + (end if at < 0 else start)
    return pdf[:at] + text + pdf[at + len(text) :]


def _other_case(pdf: bytes) -> bytes:
    start, end = hole(pdf)
    at = next(at for at in range(start, end) if chr(pdf[at]).isalpha())
    return pdf[:at] + pdf[at : at + 1].swapcase() + pdf[at + 1 :]


def _swapped_case(pdf: bytes) -> bytes:
    start, end = hole(pdf)
    return pdf[:start] + pdf[start:end].swapcase()[:-2] + b"aB" + pdf[end:]


def _endless(pdf: bytes) -> bytes:
    """The CMS with a beginning that names no length, as BER allows."""
    start, _ = hole(pdf)
    return pdf[: start + 2] + b"80" + pdf[start + 4 :]


ATTACKS: dict[str, Callable[[bytes], bytes]] = {
    "a byte behind": lambda pdf: pdf + b"\n",
    "a comment behind": lambda pdf: pdf + b"% nothing\n%%EOF\n",
    "bytes before the header": lambda pdf: b"\n" + pdf,
    "another file behind": lambda pdf: pdf + pdf,
    "an empty revision": shadowed,
    "written anew": rewritten,
    "signature wrapping": wrapped,
    "second part twice": doubled,
    "cut off": lambda pdf: pdf[:-7],
    "only the first half": lambda pdf: pdf[: len(pdf) // 2],
    "range: a gap": lambda pdf: with_ranges(pdf, _shifted(pdf, (0, 0, 9, -9))),
    "range: an overlap": lambda pdf: with_ranges(pdf, _shifted(pdf, (0, 0, -9, 9))),
    "range: reversed": lambda pdf: with_ranges(pdf, ranges(pdf)[2][2:] + ranges(pdf)[2][:2]),
    "range: not from the start": lambda pdf: with_ranges(pdf, _shifted(pdf, (9, -9, 0, 0))),
    "range: shorter": lambda pdf: with_ranges(pdf, _shifted(pdf, (0, 0, 0, -9))),
    "range: longer": lambda pdf: with_ranges(pdf, _shifted(pdf, (0, 0, 0, 9))),
    "range: six numbers": lambda pdf: with_ranges(pdf, [0, 1, 2, 3, 4, 5]),
    "range: none": lambda pdf: with_ranges(pdf, []),
    "range: nothing": lambda pdf: with_ranges(pdf, [0, 0, 0, 0]),
    "no range": lambda pdf: pdf.replace(b"/ByteRange", b"/ByteRanje"),
    "no contents": lambda pdf: pdf.replace(b"/Contents<", b"/Kontents<"),
    "contents: nothing": lambda pdf: _filled(pdf, b"0"),
    "contents: no digits": lambda pdf: _filled(pdf, b"g"),
    "contents: spaces": lambda pdf: _at_hole(pdf, 10, b" "),
    "contents: one digit in the other case": _other_case,
    "contents: of another case": _swapped_case,
    "contents: an odd number of digits": lambda pdf: _at_hole(pdf, -1, b">"),
    "contents: something behind": lambda pdf: _at_hole(pdf, -2, b"17"),
    "contents: without a length": _endless,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_attack_on_the_file_is_found(
    layout: str, papers: dict[str, bytes], trust: Trust
) -> None:
    passed = {}
    for name, attack in ATTACKS.items():
        changed = attack(papers[layout])
        assert changed != papers[layout] or name.startswith("no "), name
        if changed != papers[layout] and not problems(changed, trust):
            passed[name] = changed
    assert passed == {}


def reencoded(der: bytes, change: Callable[[Any], None]) -> bytes:
    loaded = asn1_cms.ContentInfo.load(der)
    change(loaded["content"])
    out: bytes = loaded.dump(force=True)
    return out


def _twice(signed: Any) -> None:
    signed["signer_infos"].append(signed["signer_infos"][0].copy())


def _without_certificates(signed: Any) -> None:
    signed["certificates"] = []


def _without_unsigned(signed: Any) -> None:
    signed["signer_infos"][0]["unsigned_attrs"] = None


def _weaker(signed: Any) -> None:
    signed["signer_infos"][0]["digest_algorithm"]["algorithm"] = "sha1"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_other_signature_stands_in_its_place(
    layout: str, papers: dict[str, bytes], trust: Trust, authority: Authority
) -> None:
    paper = papers[layout]
    der = cms_of(paper)
    assert is_der(der)
    stranger = Authority()
    other = Seal(*stranger.signer("Sở Y tế mẫu"))
    # The same name below the trusted root, but for another file.
    twin = Seal(*authority.signer("Sở Y tế mẫu"))
    certificate = asn1_cms.CertificateChoices(
        "certificate",
        asn1_cms.ContentInfo.load(cms_of(other.sign(render_certificate(page()), stranger.now)))[
            "content"
        ]["certificates"][0].chosen,
    )
    forged = {
        "of another file": cms_of(twin.sign(render_certificate(page()), authority.now)),
        "of a stranger": other.cms_of(bytes(32)),
        "without certificates": reencoded(der, _without_certificates),
        "of a weaker digest": reencoded(der, _weaker),
        "of another certificate": reencoded(
            der, lambda signed: signed.__setitem__("certificates", [certificate])
        ),
    }
    if len(der) + 1200 < (hole(paper)[1] - hole(paper)[0]) // 2:
        forged["twice"] = reencoded(der, _twice)
    for name, changed in forged.items():
        if len(changed) <= (hole(paper)[1] - hole(paper)[0]) // 2:
            assert problems(with_cms(paper, changed), trust), name


@pytest.mark.parametrize("layout", STAMPED)
def test_a_time_stamp_can_not_be_taken_out_or_exchanged(
    layout: str, papers: dict[str, bytes], trust: Trust, authority: Authority
) -> None:
    from reports.signing.seal import Seal as Signer

    first = papers["B-T"]
    if layout == "B-T":
        bare = with_cms(first, reencoded(cms_of(first), _without_unsigned))
        assert problems(bare, trust)
    other = sign_stamped(
        render_certificate(page()), Signer(*authority.signer()), "B-T",
        stamper=authority.stamper(), trust=trust,
    )  # fmt: skip
    token = asn1_cms.ContentInfo.load(cms_of(other))["content"]["signer_infos"][0]["unsigned_attrs"]

    def exchange(signed: Any) -> None:
        signed["signer_infos"][0]["unsigned_attrs"] = token

    assert problems(with_cms(first, reencoded(cms_of(first), exchange)), trust)


def test_lengths_that_are_longer_than_need_be_are_found(
    papers: dict[str, bytes], trust: Trust
) -> None:
    """In what the signature does not cover, a lenient reader sees nothing of it."""
    paper = papers["B-T"]
    der = cms_of(paper)
    version = der.index(b"\x02\x01", 19)
    # The version's length in two bytes, and all lengths around it one more.
    bent = bytearray(der[: version + 1] + b"\x81" + der[version + 1 :])
    for at in (0, 15, 19):
        if bent[at] in {0x30, 0xA0} and bent[at + 1] == 0x82:
            bent[at + 2 : at + 4] = (int.from_bytes(bent[at + 2 : at + 4]) + 1).to_bytes(2)
    assert not is_der(bytes(bent))
    assert problems(with_cms(paper, bytes(bent)), trust)


def test_signers_of_another_time_and_revoked_ones_are_named_on_every_layout(
    authority: Authority, trust: Trust
) -> None:
    now = authority.now
    plain = render_certificate(page(issued_at=now))
    for first, last in ((now - 300 * DAY, now - 10 * DAY), (now + 10 * DAY, now + 300 * DAY)):
        seal = Seal(*authority.signer(first=first, last=last))
        for paper in (seal.sign(plain, now), make_papers([page(issued_at=now)], seal)[0]):
            [said] = problems(paper, trust)[:1]
            assert "not valid at the time of signing" in said
    signer = authority.signer()
    certificate = x509.load_pem_x509_certificates(signer[1])[0]
    assert certificate.public_bytes(Encoding.DER)
    revoked = Trust.load([pem_of(authority.root)], [authority.revoked(certificate, now - DAY)])
    for paper in (
        Seal(*signer).sign(plain, now),
        make_papers([page(issued_at=now)], Seal(*signer))[0],
    ):
        [said] = problems(paper, revoked)
        assert "was revoked on" in said


@pytest.mark.parametrize(
    ("digits", "holds"),
    [
        ("020100", True),
        ("02020080", True),
        ("02020001", False),
        ("0202ff80", False),
        ("0202ff7f", True),
        ("0200", False),
        ("3003020100", True),
        ("3080020100", False),
        ("30800201000000", False),
        ("308103020100", False),
        ("0101ff", True),
        ("010101", False),
        ("2403040141", False),
        ("300302010000", False),
        ("30", False),
        ("1f0100", False),
    ],
)
def test_der_has_one_form(digits: str, holds: bool) -> None:
    assert is_der(bytes.fromhex(digits)) is holds
