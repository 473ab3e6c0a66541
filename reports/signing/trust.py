"""Whom a checker trusts: roots, certificates between, and lists of revoked ones."""

import asyncio
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from reports.signing.cms import der_of
from reports.signing.keys import SigningError

# Reasons that do not put earlier signatures in doubt: the key was not lost (RFC 5280, 5.3.1).
_HARMLESS = {
    x509.ReasonFlags.superseded,
    x509.ReasonFlags.cessation_of_operation,
    x509.ReasonFlags.affiliation_changed,
}
_PEM = b"-----BEGIN "


@dataclass(frozen=True, slots=True)
class Trust:
    """What a check starts from.

    Attributes:
        roots: authorities, or signers themselves.
        others: certificates between a signer and a root that a file may lack.
        crls: lists of revoked certificates.
    """

    roots: tuple[x509.Certificate, ...]
    others: tuple[x509.Certificate, ...] = ()
    crls: tuple[x509.CertificateRevocationList, ...] = ()

    @classmethod
    def load(cls, certificates: Iterable[bytes], crls: Iterable[bytes] = ()) -> Self:
        """Of files in PEM or DER; a file may hold several certificates.

        Raises:
            SigningError: a file holds something else.
        """
        roots: list[x509.Certificate] = []
        lists: list[x509.CertificateRevocationList] = []
        try:
            for file in certificates:
                is_pem = file.lstrip().startswith(_PEM)
                found = (
                    x509.load_pem_x509_certificates(file)
                    if is_pem
                    else [x509.load_der_x509_certificate(file)]
                )
                roots += found
            for file in crls:
                is_pem = file.lstrip().startswith(_PEM)
                load = x509.load_pem_x509_crl if is_pem else x509.load_der_x509_crl
                lists.append(load(file))
        except ValueError as error:
            message = "no certificate, or no list of revoked ones, in PEM or DER"
            raise SigningError(message) from error
        return cls(tuple(roots), (), tuple(lists))

    def problems_of(
        self,
        signer: x509.Certificate,
        chain: Sequence[x509.Certificate],
        at: dt.datetime,
        *,
        is_proven: bool = False,
        purpose: str = "signing",
    ) -> list[str]:
        """Why a signer was not to be trusted at a time, in sentences; none if they were.

        Args:
            signer: who signed.
            chain: certificates that came with the signature.
            at: aware; when they signed.
            is_proven: whether a time stamp says so, not only the signer.
            purpose: `signing` or `time_stamping`.
        """
        name = name_of(signer)
        problems = []
        if not signer.not_valid_before_utc <= at <= signer.not_valid_after_utc:
            problems.append(
                f"The certificate of «{name}» was not valid at the time of signing, {at:%d/%m/%Y}."
            )
        problems += _usage_problems(signer, purpose)
        path = [signer] if signer in self.roots else self._path(signer, chain, at)
        if not path:
            problems.append(f"No chain leads from «{name}» to a root that is trusted here.")
            return problems
        for number, one in enumerate(path):
            issuer = path[number + 1] if number + 1 < len(path) else None
            problems += self._revocation_problems(one, issuer, at, is_proven=is_proven)
        return problems

    def _path(
        self, signer: x509.Certificate, chain: Sequence[x509.Certificate], at: dt.datetime
    ) -> list[x509.Certificate]:
        """From the signer to a root; empty if none leads there."""
        from asn1crypto import x509 as asn1_x509
        from pyhanko_certvalidator import CertificateValidator, ValidationContext
        from pyhanko_certvalidator.errors import PathBuildingError, ValidationError

        def plain(certificate: x509.Certificate) -> Any:
            return asn1_x509.Certificate.load(der_of(certificate))

        context = ValidationContext(
            trust_roots=[plain(root) for root in self.roots],
            allow_fetching=False,
            moment=at,
            revocation_mode="soft-fail",
        )
        between = [plain(one) for one in (*chain, *self.others)]
        validator = CertificateValidator(plain(signer), between, context)
        try:
            path = asyncio.run(validator.async_validate_path())
        except (PathBuildingError, ValidationError, ValueError):
            return []
        found = [
            x509.load_der_x509_certificate(one.dump()) for one in path.iter_certs(include_root=True)
        ]
        return found[::-1]

    def _revocation_problems(
        self,
        certificate: x509.Certificate,
        issuer: x509.Certificate | None,
        at: dt.datetime,
        *,
        is_proven: bool,
    ) -> list[str]:
        issuer = issuer or certificate
        problems = []
        for crl in self.crls:
            if crl.issuer != certificate.issuer or not _signed_by(crl, issuer):
                continue
            entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
            if entry is None:
                continue
            try:
                reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
            except x509.ExtensionNotFound:
                reason = x509.ReasonFlags.unspecified
            is_earlier = at < entry.revocation_date_utc
            if is_earlier and (is_proven or reason in _HARMLESS):
                continue
            problems.append(
                f"The certificate of «{name_of(certificate)}» was revoked on"
                f" {entry.revocation_date_utc:%d/%m/%Y} ({reason.value})."
            )
        return problems


def _signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError, InvalidSignature):
        return False


def _usage_problems(certificate: x509.Certificate, purpose: str) -> list[str]:
    extensions = {extension.oid: extension.value for extension in certificate.extensions}
    usage: Any = extensions.get(ExtensionOID.KEY_USAGE)
    name = name_of(certificate)
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        return [f"The certificate of «{name}» is not made for signatures."]
    extended: Any = extensions.get(ExtensionOID.EXTENDED_KEY_USAGE, ())
    if purpose == "time_stamping" and ExtendedKeyUsageOID.TIME_STAMPING not in extended:
        return [f"The certificate of «{name}» is not made for time stamps."]
    return []


def name_of(certificate: x509.Certificate) -> str:
    """The common name, or all names where there is none."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def pem_of(certificate: x509.Certificate) -> bytes:
    """A certificate as a file."""
    return certificate.public_bytes(serialization.Encoding.PEM)
