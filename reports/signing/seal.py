"""A seal: a key with its certificate, ready to sign many papers.

pyHanko makes one CMS as the skeleton: certificate, signed attributes, algorithms. For every paper
only the digest in the signed attributes and the RSA signature change; both have fixed lengths, so
they are put in their places (PAdES-B-B). The same paper, key and time give the same bytes (RSA
PKCS#1 v1.5 has no randomness).
"""

import datetime as dt
import hashlib
import re
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

import core_rs
from reports.signing.cms import skeleton_of
from reports.signing.keys import FileKey, Key, SigningError
from reports.signing.update import RANGE_MARK, field_update

KEY_BITS = 2048
OLD_CONTENTS = 4096  # bytes that papers of renderers 1 and 2 kept for the CMS
_LIFETIME = dt.timedelta(days=3650)
_HOLE = re.compile(rb"/ByteRange\[0{10} (\d{10}) (\d{10}) \d{10}\]/Contents<")


class Seal:
    """A key with its certificate.

    Args:
        key: PEM of an RSA key, or a key that stays in its token.
        certificate_pem: PEM of its certificate, first; certificates of authorities may follow.

    Raises:
        SigningError: no RSA key, or the certificate is not of this key.
    """

    def __init__(self, key: bytes | Key, certificate_pem: bytes) -> None:
        self.key: Key = FileKey(key) if isinstance(key, bytes) else key
        self.certificate, *others = x509.load_pem_x509_certificates(certificate_pem)
        self.chain = [one for one in others if one.subject != one.issuer]
        if self.certificate.public_key() != self.key.public_key:
            message = "the certificate is not of this key"
            raise SigningError(message)
        self.fingerprint = self.certificate.fingerprint(hashes.SHA256()).hex()
        self._skeleton = skeleton_of(self.certificate, self.chain)
        self._native: dict[int, Any] = {}

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

    def native(self, contents: int | None = None) -> Any:
        """The seal as `core_rs` uses it; without the key if that lies in a token.

        Args:
            contents: bytes kept for the CMS; just its length if not given.
        """
        size = contents or len(self._skeleton.cms)
        if size not in self._native:
            self._native[size] = core_rs.PaperSeal(
                self.key.pkcs8,
                cms=self._skeleton.cms,
                digest_at=self._skeleton.digest_at,
                signature_at=self._skeleton.signature_at,
                attributes=self._skeleton.attributes,
                attributes_digest_at=self._skeleton.attributes_digest_at,
                contents=size,
            )
        return self._native[size]

    def sign(self, pdf: bytes, at: dt.datetime, contents: int | None = None) -> bytes:
        """The paper with its signature, as an incremental update.

        Args:
            pdf: an unsigned paper as `reports.pdf` writes it.
            at: aware; the time of signing that readers show.
            contents: bytes kept for the CMS; just its length if not given.
        """
        size = contents or len(self._skeleton.cms)
        if len(self._skeleton.cms) > size:
            message = "the certificate is too long for the place kept for it"
            raise SigningError(message)
        update, hole = field_update(pdf, at, size)
        head, tail = pdf + update[:hole], update[hole + 2 * size + 2 :]
        after = len(head) + 2 * size + 2
        ranges = f"{0:010d} {len(head):010d} {after:010d} {len(tail):010d}".encode()
        head = head.replace(RANGE_MARK, ranges, 1)
        digits = self._cms(head, tail).hex().encode().ljust(2 * size, b"0")
        return head + b"<" + digits + b">" + tail

    def completed(self, paper: bytes) -> bytes:
        """A paper that `core_rs` filled: signed there, or here if the key lies in a token."""
        if self.key.pkcs8 is not None:
            return paper
        found = _HOLE.search(paper)
        if found is None:
            message = "the paper has no place for a signature"
            raise SigningError(message)
        start, after = int(found[1]), int(found[2])
        digits = self._cms(paper[:start], paper[after:]).hex().encode()
        return paper[: start + 1] + digits + paper[start + 1 + len(digits) :]

    def cms_of(self, digest: bytes) -> bytes:
        """The CMS over the SHA-256 of what a signature covers, for files written as a stream."""
        return self._skeleton.signed(digest, self.key.sign(self._skeleton.attributes_of(digest)))

    def _cms(self, before: bytes, after: bytes) -> bytes:
        return self.cms_of(hashlib.sha256(before + after).digest())
