"""Signed papers: valid in other people's readers, every change found, equal bytes."""

import datetime as dt
import io
import random
import subprocess
from pathlib import Path

import pytest

from reports.certificate import render_certificate
from reports.signing import Seal, check_signature
from tests.reports.pages import page

AT = dt.datetime(2026, 8, 5, 14, 5, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def seal() -> Seal:
    return Seal.make("Sở Y tế thử nghiệm", AT)[0]


@pytest.fixture(scope="module")
def signed(seal: Seal) -> bytes:
    return seal.sign(render_certificate(page()), AT)


def test_a_signed_paper_passes_our_check(seal: Seal, signed: bytes) -> None:
    found = check_signature(signed, [seal.certificate])
    assert found.problems == ()
    assert found.signer == "Sở Y tế thử nghiệm"


def test_pyhanko_finds_the_signature_intact_over_the_whole_file(seal: Seal, signed: bytes) -> None:
    from asn1crypto import pem, x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    root = x509.Certificate.load(pem.unarmor(seal.certificate.public_bytes(Encoding.PEM))[2])
    embedded = PdfFileReader(io.BytesIO(signed)).embedded_signatures[0]
    status = validate_pdf_signature(embedded, ValidationContext(trust_roots=[root]))
    assert status.intact
    assert status.valid
    assert status.coverage.name == "ENTIRE_FILE"


def test_poppler_and_qpdf_read_it(signed: bytes, tmp_path: Path) -> None:
    path = tmp_path / "signed.pdf"
    path.write_bytes(signed)
    said = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, text=True, check=True)
    assert "Signature is Valid" in said.stdout
    assert "Total document signed" in said.stdout
    checked = subprocess.run(["qpdf", "--check", path], check=False, capture_output=True)
    assert checked.returncode == 0, checked.stderr


def test_signing_again_gives_the_same_bytes(seal: Seal, signed: bytes) -> None:
    assert seal.sign(render_certificate(page()), AT) == signed


def test_every_change_of_a_byte_is_found(seal: Seal, signed: bytes) -> None:
    chance = random.Random(7)
    undetected = []
    for _ in range(1000):
        at = chance.randrange(len(signed))
        changed = bytearray(signed)
        changed[at] ^= 1 << chance.randrange(8)
        if not check_signature(bytes(changed), [seal.certificate]).problems:
            undetected.append(at)
    assert undetected == []


@pytest.mark.parametrize("change", [lambda pdf: pdf + b"\n", lambda pdf: pdf[:-1], lambda pdf: b""])
def test_longer_shorter_and_empty_files_are_refused(seal: Seal, signed: bytes, change) -> None:
    assert check_signature(change(signed), [seal.certificate]).problems


def test_another_signer_is_not_trusted(signed: bytes) -> None:
    other = Seal.make("Kẻ khác", AT)[0]
    assert check_signature(signed, [other.certificate]).problems
    assert check_signature(other.sign(render_certificate(page()), AT), []).problems
