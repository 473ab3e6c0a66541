"""Papers with time stamps (PAdES-B-T, B-LTA), one at a time, through pyHanko.

pyHanko's own signer parses the private key for each signature; this one asks the seal's key.
"""

import io
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from reports.signing.cms import der_of
from reports.signing.keys import SigningError
from reports.signing.seal import Seal
from reports.signing.trust import Trust

# B-LT is left out: nothing signs its revocation lists, so that a change in them shows nowhere.
LEVELS = ("B-B", "B-T", "B-LTA")


def time_stamper(url: str, seconds: float = 10) -> Any:
    """A client of a time stamping authority (RFC 3161).

    Args:
        url: of the authority.
        seconds: how long to wait for an answer.
    """
    from pyhanko.sign.timestamps import HTTPTimeStamper

    return HTTPTimeStamper(url, timeout=seconds)


def sign_stamped(
    pdf: bytes,
    seal: Seal,
    level: str,
    *,
    stamper: Any,
    trust: Trust,
    may_fetch: bool = False,
) -> bytes:
    """An unsigned paper with a signature and a time stamp; its bytes stay in front as they are.

    Args:
        pdf: an unsigned paper.
        seal: signs it.
        level: `B-T`, or `B-LTA` (with the revocation lists that are known, and a time stamp over
            all of it).
        stamper: a `time_stamper`.
        trust: roots of signer and time stamper, and lists of revoked certificates to embed.
        may_fetch: whether lists and answers of OCSP may be fetched from their authorities.

    Raises:
        SigningError: the authority does not answer, or a chain is not complete.
    """
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.sign import fields, signers
    from pyhanko.sign.general import SigningError as PyHankoError
    from pyhanko.sign.signers import pdf_signer
    from pyhanko.sign.timestamps import TimestampRequestError
    from pyhanko_certvalidator.errors import PathError, ValidationError

    if level not in LEVELS[1:]:
        message = f"the profile is one of {', '.join(LEVELS)}"
        raise SigningError(message)
    context = _context(trust, seal, may_fetch=may_fetch) if level == "B-LTA" else None
    meta = signers.PdfSignatureMetadata(
        field_name="Signature",
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        embed_validation_info=level == "B-LTA",
        use_pades_lta=level == "B-LTA",
        timestamp_field_name="Timestamp" if level == "B-LTA" else None,
        # No revision after the last time stamp: it would be covered by nothing.
        dss_settings=pdf_signer.DSSContentSettings(
            include_vri=False,
            next_ts_settings=pdf_signer.TimestampDSSContentSettings(
                include_vri=False, update_before_ts=True
            ),
        ),
        validation_context=context,
        signer_key_usage=set(),
    )
    output = io.BytesIO()
    try:
        signers.PdfSigner(meta, _signer(seal), timestamper=stamper).sign_pdf(
            IncrementalPdfFileWriter(io.BytesIO(pdf)), output=output
        )
    except TimestampRequestError as error:
        message = "the time stamping authority does not answer"
        raise SigningError(message) from error
    except (PyHankoError, PdfError, PathError, ValidationError) as error:
        message = f"the paper could not be signed as {level}: {error}"
        raise SigningError(message) from error
    signed = output.getvalue()
    if not signed.startswith(pdf):
        message = "the signature changed the paper in front of it"
        raise SigningError(message)
    return signed


def _plain(certificate: x509.Certificate) -> Any:
    from asn1crypto import x509 as asn1_x509

    return asn1_x509.Certificate.load(der_of(certificate))


def _context(trust: Trust, seal: Seal, *, may_fetch: bool) -> Any:
    from asn1crypto import crl as asn1_crl
    from pyhanko_certvalidator import ValidationContext

    encoding = serialization.Encoding.DER
    return ValidationContext(
        trust_roots=[_plain(root) for root in trust.roots],
        other_certs=[_plain(one) for one in (*trust.others, *seal.chain)],
        crls=[asn1_crl.CertificateList.load(one.public_bytes(encoding)) for one in trust.crls],
        allow_fetching=may_fetch,
        revocation_mode="soft-fail",
    )


def _signer(seal: Seal) -> Any:
    from pyhanko.sign import signers
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    class SealSigner(signers.Signer):
        """Signs with the seal's key, parsed once or in its token."""

        async def async_sign_raw(
            self,
            data: bytes,
            digest_algorithm: str,
            dry_run: bool = False,  # noqa: FBT001, FBT002
        ) -> bytes:
            if digest_algorithm != "sha256":
                message = "papers are signed over SHA-256"
                raise SigningError(message)
            if dry_run:
                return bytes(seal.key.public_key.key_size // 8)
            return seal.key.sign(data)

    store = SimpleCertificateStore()
    store.register_multiple(_plain(one) for one in (seal.certificate, *seal.chain))
    return SealSigner(signing_cert=_plain(seal.certificate), cert_registry=store)
