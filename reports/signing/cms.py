"""The CMS that every signature of a seal has in common, and the places of what changes in it."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from reports.signing.keys import SigningError


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

    def attributes_of(self, digest: bytes) -> bytes:
        """What is signed for a file of this digest."""
        return patched(self.attributes, self.attributes_digest_at, digest)

    def signed(self, digest: bytes, signature: bytes) -> bytes:
        """The CMS of a file of this digest."""
        return patched(patched(self.cms, self.digest_at, digest), self.signature_at, signature)


def patched(whole: bytes, at: int, part: bytes) -> bytes:
    """A text with a part of it replaced by another of the same length."""
    return whole[:at] + part + whole[at + len(part) :]


def der_of(certificate: x509.Certificate) -> bytes:
    """A certificate as it stands in a CMS."""
    return certificate.public_bytes(serialization.Encoding.DER)


def skeleton_of(certificate: x509.Certificate, chain: Sequence[x509.Certificate] = ()) -> Skeleton:
    """What every signature under a certificate has in common; needs no private key.

    Args:
        certificate: of the signer.
        chain: certificates that go with it, up to the root's.

    Raises:
        SigningError: its key is not RSA.
    """
    if not isinstance(certificate.public_key(), rsa.RSAPublicKey):
        message = "papers are signed with RSA keys: some readers do not know others"
        raise SigningError(message)
    return _skeleton(der_of(certificate), tuple(sorted(der_of(one) for one in chain)))


@lru_cache(maxsize=64)
def _skeleton(certificate: bytes, chain: tuple[bytes, ...]) -> Skeleton:
    from asn1crypto import x509 as asn1_x509
    from pyhanko.sign.signers.pdf_cms import ExternalSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    signing = asn1_x509.Certificate.load(certificate)
    store = SimpleCertificateStore()
    store.register_multiple(asn1_x509.Certificate.load(one) for one in chain)
    signature = secrets.token_bytes(signing.public_key.bit_size // 8)
    signer = ExternalSigner(signing_cert=signing, cert_registry=store, signature_value=signature)
    marker = secrets.token_bytes(32)
    made = asyncio.run(signer.async_sign(marker, "sha256", use_pades=True))
    attributes = made["content"]["signer_infos"][0]["signed_attrs"].untag().dump()
    cms = made.dump()
    return Skeleton(
        cms, cms.index(marker), cms.index(signature), attributes, attributes.index(marker)
    )
