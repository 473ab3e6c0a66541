"""Papers with time stamps: every level stands in our check and pyHanko's, and no change passes."""

import datetime as dt
import io
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import ReasonFlags

from reports.certificate import render_certificate
from reports.signing import Seal, SigningError, Trust, check_paper
from reports.signing.profiles import sign_stamped, time_stamper
from tests.reports.authority import DAY, Authority, pem_of
from tests.reports.pages import page


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def seal(authority: Authority) -> Seal:
    return Seal(*authority.signer())


@pytest.fixture(scope="module")
def trust(authority: Authority) -> Trust:
    return Trust.load([pem_of(authority.root)], [authority.revoked(None, authority.now)])


@pytest.fixture(scope="module")
def papers(authority: Authority, seal: Seal, trust: Trust) -> dict[str, bytes]:
    plain = render_certificate(page())
    made = {"B-B": seal.sign(plain, authority.now)}
    with authority.served_stamper() as url:
        for level in ("B-T", "B-LTA"):
            stamper = time_stamper(url)
            made[level] = sign_stamped(plain, seal, level, stamper=stamper, trust=trust)
            assert made[level].startswith(plain)
    return made


LEVELS = ("B-B", "B-T", "B-LTA")


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_stands(level: str, papers: dict[str, bytes], trust: Trust) -> None:
    found = check_paper(papers[level], trust)
    assert found.problems == ()
    assert (found.profile, found.signer) == (level, "Sở Y tế mẫu")
    assert found.signed_at is not None


@pytest.mark.parametrize("level", LEVELS)
def test_pyhanko_poppler_and_mupdf_accept_every_level(
    level: str, papers: dict[str, bytes], authority: Authority, tmp_path: Path
) -> None:
    from asn1crypto import x509 as asn1_x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    root = asn1_x509.Certificate.load(authority.root.public_bytes(Encoding.DER))
    signature: Any = PdfFileReader(io.BytesIO(papers[level])).embedded_signatures[0]
    status = validate_pdf_signature(signature, ValidationContext(trust_roots=[root]))
    assert status.bottom_line
    path = tmp_path / "paper.pdf"
    path.write_bytes(papers[level])
    said = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, text=True, check=True)
    assert "Signature is Valid" in said.stdout
    told = subprocess.run(
        ["mutool", "sign", "-v", path], capture_output=True, text=True, check=True
    )
    # MuPDF takes the lists and the time stamp of an archive for edits.
    edits = "there have been edits" if level == "B-LTA" else "unchanged"
    assert edits in told.stdout
    assert "digest" not in told.stdout.lower()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.timeout(900)
def test_no_change_of_a_bit_passes(level: str, papers: dict[str, bytes], trust: Trust) -> None:
    paper = papers[level]
    chance = random.Random(level)
    # The hole of the last signature is the one part that no digest covers: half of the changes.
    start = paper.rindex(b"/Contents")
    end = paper.index(b">", start)
    undetected = []
    for number in range(300):
        at = chance.randrange(start, end) if number % 2 else chance.randrange(len(paper))
        changed = bytearray(paper)
        changed[at] ^= 1 << chance.randrange(8)
        if not check_paper(bytes(changed), trust).problems:
            undetected.append(at)
    assert undetected == []


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_appended_is_found(level: str, papers: dict[str, bytes], trust: Trust) -> None:
    import pikepdf
    from pyhanko.pdf_utils import generic
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    assert check_paper(papers[level] + b"\n", trust).problems
    writer = IncrementalPdfFileWriter(io.BytesIO(papers[level]))
    writer.root["/PageMode"] = generic.NameObject("/UseOutlines")
    writer.update_root()
    output = io.BytesIO()
    writer.write(output)
    assert pikepdf.open(io.BytesIO(output.getvalue())).Root.PageMode == "/UseOutlines"
    assert check_paper(output.getvalue(), trust).problems


def test_strangers_expired_and_revoked_signers_are_named(authority: Authority) -> None:
    plain, now = render_certificate(page()), authority.now
    root = [pem_of(authority.root)]
    signer = authority.signer()
    paper = Seal(*signer).sign(plain, now)
    certificate = x509.load_pem_x509_certificates(signer[1])[0]

    def said(paper: bytes, *crls: bytes, roots: list[bytes] = root) -> str:
        return " ".join(check_paper(paper, Trust.load(roots, crls)).problems)

    assert said(paper) == ""
    assert "No chain" in said(paper, roots=[pem_of(Authority().root)])
    assert said(paper, authority.revoked(None, now)) == ""
    # Nobody but the signer says when: a lost key can say any day.
    assert "revoked" in said(paper, authority.revoked(certificate, now + DAY))
    assert "revoked" in said(paper, authority.revoked(certificate, now - DAY))
    harmless = ReasonFlags.cessation_of_operation
    assert said(paper, authority.revoked(certificate, now + DAY, harmless)) == ""
    assert "revoked" in said(paper, authority.revoked(certificate, now - DAY, harmless))
    late = authority.signer(first=now - 300 * DAY, last=now - 10 * DAY)
    assert "not valid at the time" in said(Seal(*late).sign(plain, now))
    assert said(Seal(*late).sign(plain, now - 20 * DAY)) == ""


def test_a_time_stamp_keeps_what_was_signed_before_the_key_was_lost(
    authority: Authority, trust: Trust
) -> None:
    signer = authority.signer("Người ký cũ")
    certificate = x509.load_pem_x509_certificates(signer[1])[0]
    paper = sign_stamped(
        render_certificate(page()), Seal(*signer), "B-T", stamper=authority.stamper(), trust=trust
    )
    root = [pem_of(authority.root)]
    later = dt.datetime.now(dt.UTC) + DAY
    assert (
        check_paper(paper, Trust.load(root, [authority.revoked(certificate, later)])).problems == ()
    )
    earlier = [authority.revoked(certificate, authority.now - DAY)]
    assert "revoked" in " ".join(check_paper(paper, Trust.load(root, earlier)).problems)


def test_an_authority_that_does_not_answer_is_said(seal: Seal, trust: Trust) -> None:
    stamper = time_stamper("http://127.0.0.1:9/", seconds=2)
    with pytest.raises(SigningError, match="does not answer"):
        sign_stamped(render_certificate(page()), seal, "B-T", stamper=stamper, trust=trust)


def test_an_unknown_level_is_refused(seal: Seal, trust: Trust) -> None:
    with pytest.raises(SigningError, match="B-LTA"):
        sign_stamped(b"%PDF-", seal, "B-X", stamper=None, trust=trust)
