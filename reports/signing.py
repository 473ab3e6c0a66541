"""PAdES-B-B signatures by volume: the key parsed once, the CMS made once, each paper patched.

pyHanko makes one CMS as the skeleton: certificate, signed attributes, algorithms. For every paper
only the digest in the signed attributes and the RSA signature change; both have fixed lengths, so
they are put in their places. The signature field is an incremental update written here: no
picture, outside the page, so that PDF/A and PDF/UA hold after signing. The same paper, key and
time give the same bytes (RSA PKCS#1 v1.5 has no randomness).
"""

import asyncio
import datetime as dt
import hashlib
import io
import re
import secrets
from dataclasses import dataclass
from typing import Any, Self

import pikepdf
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

import core_rs

KEY_BITS = 2048
_CONTENTS = 4096  # bytes kept for the CMS; two certificates of usual size fit well
_LIFETIME = dt.timedelta(days=3650)


class SigningError(Exception):
    """The key, its certificate or the paper can not be used for signing."""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A CMS with the places of what changes.

    Attributes:
        cms: DER of the whole.
        digest_at: where the 32 bytes of the message digest stand.
        signature_at: where the signature stands, to the end of its length.
        attributes: DER of the signed attributes as the SET that is signed.
        attributes_digest_at: where the digest stands in them.
    """

    cms: bytes
    digest_at: int
    signature_at: int
    attributes: bytes
    attributes_digest_at: int


def skeleton_of(certificate: x509.Certificate) -> Skeleton:
    """What every signature under a certificate has in common; needs no private key."""
    from asn1crypto import x509 as asn1_x509
    from pyhanko.sign.signers.pdf_cms import ExternalSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        message = "papers are signed with RSA keys: some readers do not know others"
        raise SigningError(message)
    der = certificate.public_bytes(serialization.Encoding.DER)
    signature = secrets.token_bytes(key.key_size // 8)
    signer = ExternalSigner(
        signing_cert=asn1_x509.Certificate.load(der),
        cert_registry=SimpleCertificateStore(),
        signature_value=signature,
    )
    marker = secrets.token_bytes(32)
    made = asyncio.run(signer.async_sign(marker, "sha256", use_pades=True))
    attributes = made["content"]["signer_infos"][0]["signed_attrs"].untag().dump()
    cms = made.dump()
    return Skeleton(
        cms, cms.index(marker), cms.index(signature), attributes, attributes.index(marker)
    )


class Seal:
    """A key with its certificate, ready to sign many papers."""

    def __init__(self, key_pem: bytes, certificate_pem: bytes) -> None:
        key = serialization.load_pem_private_key(key_pem, password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            message = "papers are signed with RSA keys: some readers do not know others"
            raise SigningError(message)
        self._key = key
        self.certificate = x509.load_pem_x509_certificate(certificate_pem)
        if self.certificate.public_key() != key.public_key():
            message = "the certificate is not of this key"
            raise SigningError(message)
        self.fingerprint = self.certificate.fingerprint(hashes.SHA256()).hex()
        self._skeleton = skeleton_of(self.certificate)
        self.native = core_rs.PaperSeal(
            key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            cms=self._skeleton.cms,
            digest_at=self._skeleton.digest_at,
            signature_at=self._skeleton.signature_at,
            attributes=self._skeleton.attributes,
            attributes_digest_at=self._skeleton.attributes_digest_at,
        )

    @classmethod
    def make(cls, name: str, now: dt.datetime) -> tuple[Self, bytes, bytes]:
        """A new self-signed seal for demonstrations, with its key and certificate as PEM."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + _LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True,
                    content_commitment=True,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=True,
                    crl_sign=True,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .sign(key, hashes.SHA256())
        )
        key_pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        certificate_pem = certificate.public_bytes(serialization.Encoding.PEM)
        return cls(key_pem, certificate_pem), key_pem, certificate_pem

    def sign(self, pdf: bytes, at: dt.datetime) -> bytes:
        """The paper with its signature, as an incremental update.

        Args:
            pdf: an unsigned paper as `reports.pdf` writes it.
            at: aware; the time of signing that readers show.
        """
        update, hole = _field_update(pdf, at)
        head, tail = pdf + update[:hole], update[hole + 2 * _CONTENTS + 2 :]
        after = len(head) + 2 * _CONTENTS + 2
        ranges = f"{0:010d} {len(head):010d} {after:010d} {len(tail):010d}".encode()
        head = head.replace(_RANGE_MARK, ranges, 1)
        digest = hashlib.sha256(head + tail).digest()
        contents = self._cms(digest).hex().encode().ljust(2 * _CONTENTS, b"0")
        return head + b"<" + contents + b">" + tail

    def cms_of(self, digest: bytes) -> bytes:
        """The CMS over the SHA-256 of what a signature covers, for files written as a stream."""
        return self._cms(digest)

    def _cms(self, digest: bytes) -> bytes:
        skeleton = self._skeleton
        attributes = _patched(skeleton.attributes, skeleton.attributes_digest_at, digest)
        signature = self._key.sign(attributes, padding.PKCS1v15(), hashes.SHA256())
        cms = _patched(skeleton.cms, skeleton.digest_at, digest)
        return _patched(cms, skeleton.signature_at, signature)


_RANGE_MARK = b"0000000000 1111111111 2222222222 3333333333"
CONTENTS_SIZE, RANGE_MARK = _CONTENTS, _RANGE_MARK


def _patched(whole: bytes, at: int, part: bytes) -> bytes:
    return whole[:at] + part + whole[at + len(part) :]


def _field_update(pdf: bytes, at: dt.datetime) -> tuple[bytes, int]:
    """The update that adds a signature field, and where in it the hole for the CMS begins."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        root, page = document.Root, document.pages[0].obj
        if "/AcroForm" in root:
            message = "the paper has a form already"
            raise SigningError(message)
        next_number = int(document.trailer["/Size"])
        field, signature, table = next_number, next_number + 1, next_number + 2
        root_number, page_number = root.objgen[0], page.objgen[0]
        annotations = b" ".join(
            f"{link.objgen[0]} 0 R".encode() for link in page.get("/Annots", [])
        )
        new_root = _with(root, b"/AcroForm<</Fields[%d 0 R]/SigFlags 3>>" % field)
        bare_page = {key: value for key, value in page.items() if key != "/Annots"}
        new_page = _with(
            pikepdf.Dictionary(bare_page), b"/Annots[%s %d 0 R]" % (annotations, field)
        )
        info = document.trailer.get("/Info")
        info_entry = f"/Info {info.objgen[0]} 0 R".encode() if info is not None else b""
        identifier = document.trailer["/ID"].unparse()
    previous = int(re.findall(rb"startxref\s+(\d+)", pdf[-64:])[-1])
    stamp = at.astimezone(dt.UTC).strftime("D:%Y%m%d%H%M%SZ").encode()
    widget = (
        b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature)/TU(Digital signature)"
        b"/F 132/Rect[-9 -9 -9 -9]/P %d 0 R/V %d 0 R>>" % (page_number, signature)
    )
    before = (
        b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M(%s)"
        b"/ByteRange[%s]/Contents" % (stamp, _RANGE_MARK)
    )
    objects = {root_number: new_root, page_number: new_page, field: widget}
    out = bytearray(b"\n")
    offsets: dict[int, int] = {}
    for number, body in objects.items():
        offsets[number] = len(pdf) + len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    offsets[signature] = len(pdf) + len(out)
    out += b"%d 0 obj\n%s" % (signature, before)
    hole = len(out)
    out += b"<" + b"0" * (2 * _CONTENTS) + b">>>\nendobj\n"
    offsets[table] = len(pdf) + len(out)
    out += _cross_references(offsets, table, previous, root_number, info_entry, identifier)
    out += b"startxref\n%d\n%%%%EOF\n" % offsets[table]
    return bytes(out), hole


def _with(dictionary: Any, entry: bytes) -> bytes:
    """The dictionary's text with one entry more."""
    text: bytes = dictionary.unparse(resolved=True)
    return text.rstrip()[:-2] + entry + b">>"


def _cross_references(
    offsets: dict[int, int],
    table: int,
    previous: int,
    root: int,
    info: bytes,
    identifier: bytes,
) -> bytes:
    """A cross-reference stream: the papers have one, so an update must have one too."""
    numbers = sorted(offsets)
    index = b" ".join(b"%d 1" % number for number in numbers)
    rows = b"".join(b"\x01" + offsets[number].to_bytes(4, "big") + b"\x00" for number in numbers)
    return (
        b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 1]/Index[%s]/Prev %d/Root %d 0 R%s/ID%s"
        b"/Length %d>>\nstream\n%s\nendstream\nendobj\n"
        % (table, table + 1, index, previous, root, info, identifier, len(rows), rows)
    )


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """What checking one signed file found.

    Attributes:
        problems: plain sentences; none means that the signature stands.
        signer: common name of the certificate.
        signed_at: as the signer said; a B-B signature has no time stamp of another.
    """

    problems: tuple[str, ...]
    signer: str = ""
    signed_at: str = ""


_SIGNATURE = re.compile(
    rb"/M\(D:(\d{14})Z\)/ByteRange\[(\d{10}) (\d{10}) (\d{10}) (\d{10})\]/Contents<([0-9a-f]+)>"
)


def check_signature(pdf: bytes, trusted: list[x509.Certificate]) -> SignatureCheck:
    """Checks a paper signed by a `Seal`, strictly, byte by byte.

    Every byte outside the hole is signed; inside it only lower-case hexadecimal digits of one
    DER structure and zeros may stand, so that no change anywhere passes.
    """
    found = _SIGNATURE.findall(pdf)
    if len(found) != 1:
        return SignatureCheck(("The file carries no signature of this system.",))
    stamp, *numbers, digits = found[0]
    start, length, after, rest = (int(number) for number in numbers)
    problems = []
    covers = start == 0 and after == length + len(digits) + 2 and after + rest == len(pdf)
    if not covers or len(digits) != 2 * _CONTENTS or pdf[length : length + 1] != b"<":
        problems.append("The signature does not cover the whole file.")
    contents = bytes.fromhex(digits.decode())
    body, padding_bytes = _der(contents)
    if body is None or padding_bytes.strip(b"\0"):
        problems.append("The signature is not one DER structure with zeros behind it.")
        return SignatureCheck(tuple(problems))
    digest = hashlib.sha256(pdf[:length] + pdf[after:]).digest()
    if digest not in body:  # the cheap answer for nearly every changed file
        problems.append("The file was changed after it was signed.")
        return SignatureCheck(tuple(problems))
    signer, cms_problems = _check_cms(body, digest, trusted)
    return SignatureCheck((*problems, *cms_problems), signer, stamp.decode())


def _der(contents: bytes) -> tuple[bytes | None, bytes]:
    """The one structure at the beginning, and what follows it."""
    if contents[:2] != b"\x30\x82":
        return None, contents
    end = 4 + int.from_bytes(contents[2:4], "big")
    return contents[:end], contents[end:]


def _check_cms(
    body: bytes, digest: bytes, trusted: list[x509.Certificate]
) -> tuple[str, list[str]]:
    """Builds what the trusted signer would have written, signature apart, and compares.

    Nothing of the file's own structure is interpreted, so there is nothing to be misled by.
    """
    for certificate in trusted:
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            continue
        skeleton = skeleton_of(certificate)
        size = key.key_size // 8
        signature = body[skeleton.signature_at : skeleton.signature_at + size]
        expected = _patched(skeleton.cms, skeleton.digest_at, digest)
        if _patched(expected, skeleton.signature_at, signature) != body:
            continue
        attributes = _patched(skeleton.attributes, skeleton.attributes_digest_at, digest)
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        try:
            key.verify(signature, attributes, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return "", ["The signature does not verify."]
        return str(names[0].value) if names else "", []
    return "", ["The signature is not in the form of a signer that is trusted here."]
