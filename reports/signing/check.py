"""Checks signed papers strictly, without a network: every byte counts, every failure has a reason.

Papers that a `Seal` signed have one form, which is built anew and compared byte by byte. Others
(time stamps, further revisions) are read by pyHanko: `reports.signing.long_term`.
"""

import datetime as dt
import hashlib
import re
from dataclasses import dataclass, field
from typing import cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from reports.signing.cms import der_of, skeleton_of
from reports.signing.trust import Trust, name_of


@dataclass(frozen=True, slots=True)
class PaperCheck:
    """What checking one signed file found.

    Attributes:
        problems: plain sentences; none means that the signature stands.
        signer: common name of the certificate.
        signed_at: as the signer said, or as a time stamp proves.
        profile: `B-B`, `B-T` or `B-LTA`; empty where nothing could be read.
        notes: what else is to be known.
    """

    problems: tuple[str, ...]
    signer: str = ""
    signed_at: dt.datetime | None = None
    profile: str = ""
    notes: tuple[str, ...] = field(default=())


_SIGNATURE = re.compile(
    rb"/M\(D:(\d{14})Z\)/ByteRange\[(\d{10}) (\d{10}) (\d{10}) (\d{10})\]/Contents<([0-9a-f]+)>"
)
CHANGED = "The file was changed after it was signed."
NOT_DER = "The signature is not one DER structure with zeros behind it."
NOT_WHOLE = "The signature does not cover the whole file."


def check_signature(pdf: bytes, trusted: list[x509.Certificate]) -> PaperCheck:
    """Checks a paper by certificates that are trusted."""
    return check_paper(pdf, Trust(tuple(trusted)))


def check_paper(pdf: bytes, trust: Trust) -> PaperCheck:
    """Checks a paper: every byte, the digest, the signer and their chain.

    Every byte outside the hole is signed; inside it only lower-case hexadecimal digits of one
    DER structure and zeros may stand, so that no change anywhere passes.
    """
    found = _SIGNATURE.findall(pdf)
    if len(found) != 1 or pdf.count(b"/ByteRange") != 1:
        from reports.signing import long_term

        return long_term.check(pdf, trust)
    stamp, *numbers, digits = found[0]
    start, length, after, rest = (int(number) for number in numbers)
    problems = []
    covers = start == 0 and after == length + len(digits) + 2 and after + rest == len(pdf)
    if not covers or pdf[length : length + 1] != b"<" or pdf[after - 1 : after] != b">":
        problems.append(NOT_WHOLE)
    body = one_structure(digits)
    if body is None:
        return PaperCheck((*problems, NOT_DER))
    digest = hashlib.sha256(pdf[:length] + pdf[after:]).digest()
    if digest not in body:  # the cheap answer for nearly every changed file
        return PaperCheck((*problems, CHANGED))
    try:
        at = dt.datetime.strptime(stamp.decode(), "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC)
    except ValueError:
        return PaperCheck((*problems, "The signature's date is no date."))
    try:
        signer, cms_problems = _check_cms(body, digest, trust, at)
    except Exception as error:  # noqa: BLE001  whatever a broken certificate brings a reader to
        return PaperCheck((*problems, f"The signature can not be read ({type(error).__name__})."))
    return PaperCheck((*problems, *cms_problems), signer, at, "B-B")


def one_structure(digits: bytes) -> bytes | None:
    """The one structure that hexadecimal digits hold, if only zeros follow it.

    All digits are of one case: pyHanko writes capitals, a `Seal` small letters.
    """
    if len(digits) % 2 or re.fullmatch(rb"[0-9a-f]+|[0-9A-F]+", digits) is None:
        return None
    contents = bytes.fromhex(digits.decode())
    if contents[:2] != b"\x30\x82":
        return None
    end = 4 + int.from_bytes(contents[2:4], "big")
    return contents[:end] if end <= len(contents) and not contents[end:].strip(b"\0") else None


def _check_cms(body: bytes, digest: bytes, trust: Trust, at: dt.datetime) -> tuple[str, list[str]]:
    """Builds what the signer would have written, signature apart, and compares.

    Of the file's own structure only the certificates are taken, and these must then stand.
    """
    signer, chain = _certificates_in(body)
    skeleton = skeleton_of(signer, chain)
    key = cast("rsa.RSAPublicKey", signer.public_key())  # or there would be no skeleton
    size = key.key_size // 8
    signature = body[skeleton.signature_at : skeleton.signature_at + size]
    if skeleton.signed(digest, signature) != body:
        return "", ["The signature is not in the form that this system writes."]
    try:
        key.verify(signature, skeleton.attributes_of(digest), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return "", ["The signature does not verify."]
    problems = trust.problems_of(signer, chain, at)
    if not problems:
        problems = _strangers(signer, chain, trust)
    return name_of(signer), problems


def _strangers(signer: x509.Certificate, chain: list[x509.Certificate], trust: Trust) -> list[str]:
    """Certificates in the signature that nobody vouches for: a changed byte in one shows so."""
    issuers = (*chain, *trust.others, *trust.roots)
    for one in (signer, *chain):
        if one not in trust.roots and not any(is_issued_by(one, issuer) for issuer in issuers):
            return [f"Nobody known here issued the certificate of «{name_of(one)}»."]
    return []


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether one certificate's key signed the other."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _certificates_in(body: bytes) -> tuple[x509.Certificate, list[x509.Certificate]]:
    """The signer's certificate and the others of a CMS."""
    from asn1crypto import cms

    signed = cms.ContentInfo.load(body, strict=True)["content"]
    [info] = signed["signer_infos"]
    serial = info["sid"].chosen["serial_number"].native
    ders = [choice.chosen.dump() for choice in signed["certificates"]]
    certificates = [x509.load_der_x509_certificate(der) for der in ders]
    [signer] = [one for one in certificates if one.serial_number == serial]
    if sorted(der_of(one) for one in certificates) != sorted(ders):
        message = "a certificate is not in DER"
        raise ValueError(message)
    return signer, [one for one in certificates if one is not signer]
