"""Checks papers with time stamps and revisions: B-T, B-LTA, read by pyHanko.

What pyHanko does not ask is asked here: the exact form of each hole and of the DER in it, that no
revision follows the last signature, that each certificate in a CMS is vouched for, and each
algorithm is named once.
"""

import asyncio
import io
from typing import Any

from cryptography import x509

from reports.signing.check import (
    CHANGED,
    NOT_DER,
    NOT_WHOLE,
    PaperCheck,
    is_issued_by,
    one_structure,
)
from reports.signing.cms import der_of
from reports.signing.der import is_der
from reports.signing.trust import Trust, name_of


def check(pdf: bytes, trust: Trust) -> PaperCheck:
    """Checks a paper in any PAdES profile; sentences say why it does not stand."""
    from pyhanko.pdf_utils.reader import PdfFileReader

    if not pdf.startswith(b"%PDF-"):
        return PaperCheck(("The file is not a PDF.",))
    try:
        reader = PdfFileReader(io.BytesIO(pdf))
        embedded = list(reader.embedded_signatures)
    except Exception as error:  # noqa: BLE001  whatever a broken file brings pyHanko to
        return PaperCheck((f"The file can not be read as a PDF ({type(error).__name__}).",))
    if not embedded:
        return PaperCheck(("The file carries no signature of this system.",))
    try:
        return asyncio.run(_check(pdf, reader, embedded, trust))
    except Exception as error:  # noqa: BLE001  the same
        return PaperCheck((f"The signature can not be read ({type(error).__name__}).",))


async def _check(pdf: bytes, reader: Any, embedded: list[Any], trust: Trust) -> PaperCheck:
    problems: list[str] = []
    for one in embedded:
        problems += _hole_problems(pdf, one)
    if max(one.byte_range[2] + one.byte_range[3] for one in embedded) != len(pdf):
        problems.append("A revision was added after the last signature.")
    if problems:
        return PaperCheck(tuple(dict.fromkeys(problems)))
    pool = [*trust.roots, *trust.others, *_stored_certificates(reader)]
    for one in embedded:
        problems += _cms_problems(one.signed_data, pool, trust)
    if problems:
        return PaperCheck(tuple(dict.fromkeys(problems)))
    signatures = [one for one in embedded if one.sig_object_type == "/Sig"]
    stamps = [one for one in embedded if one.sig_object_type != "/Sig"]
    if len(signatures) == 1 and not stamps and not _has_token(signatures[0].signed_data):
        # Without time stamps this system writes one form only, which is read elsewhere: here a
        # time stamp was taken out.
        return PaperCheck(("The signature is not in the form that this system writes.",))
    if len(signatures) != 1:
        return PaperCheck(("The file carries several signatures, or only time stamps.",))
    return await _check_signers(reader, signatures[0], stamps, trust)


async def _check_signers(
    reader: Any, signature: Any, stamps: list[Any], trust: Trust
) -> PaperCheck:
    from pyhanko.sign.diff_analysis import ModificationLevel
    from pyhanko.sign.validation import (
        async_validate_pdf_signature,
        async_validate_pdf_timestamp,
    )

    context = _context(trust, _stored_certificates(reader))
    status = await async_validate_pdf_signature(signature, context)
    problems = []
    if not status.intact:
        problems.append(CHANGED)
    elif not status.valid:
        problems.append("The signature does not verify.")
    level = status.modification_level
    if level is None or level > ModificationLevel.LTA_UPDATES:
        problems.append("More than time stamps and revocation lists was added after signing.")
    at, is_proven = status.signer_reported_dt, False
    token = status.timestamp_validity
    if token is not None:
        if not (token.intact and token.valid):
            problems.append("The time stamp does not verify.")
        else:
            at, is_proven = token.timestamp, True
            problems += await _stamp_problems(token, signature.signed_data, trust)
    for stamp in stamps:
        found = await async_validate_pdf_timestamp(stamp, context)
        if not (found.intact and found.valid):
            problems.append("The document's time stamp does not verify.")
        else:
            problems += await _stamp_problems(found, stamp.signed_data, trust)
            at, is_proven = (at if is_proven else found.timestamp), True
    if at is None:
        return PaperCheck((*problems, "The signature does not say when it was made."))
    certificate = x509.load_der_x509_certificate(status.signing_cert.dump())
    chain = _certificates_of(signature.signed_data) + _stored_certificates(reader)
    lists = Trust(trust.roots, trust.others, (*trust.crls, *_stored_crls(reader)))
    problems += await asyncio.to_thread(
        lists.problems_of, certificate, chain, at, is_proven=is_proven
    )
    profile = "B-LTA" if stamps and "/DSS" in reader.root else "B-T"
    return PaperCheck(tuple(dict.fromkeys(problems)), name_of(certificate), at, profile)


def _has_token(signed: Any) -> bool:
    [info] = signed["signer_infos"]
    return bool(info["unsigned_attrs"])


async def _stamp_problems(status: Any, signed: Any, trust: Trust) -> list[str]:
    certificate = x509.load_der_x509_certificate(status.signing_cert.dump())
    chain = [*_certificates_of(signed), *_token_certificates(signed)]
    # In a thread, since path building runs a loop of its own.
    return await asyncio.to_thread(
        trust.problems_of, certificate, chain, status.timestamp, purpose="time_stamping"
    )


def _hole_problems(pdf: bytes, embedded: Any) -> list[str]:
    """The hole of a signature must hold its digits and nothing else."""
    start, length, after, _rest = embedded.byte_range
    hole = pdf[length:after]
    if start or hole[:1] != b"<" or hole[-1:] != b">":
        return [NOT_WHOLE]
    body = one_structure(hole[1:-1])
    if body is None or body != embedded.pkcs7_content[: len(body)] or not is_der(body):
        return [NOT_DER]
    return []


def _cms_problems(signed: Any, pool: list[x509.Certificate], trust: Trust) -> list[str]:
    """What the signature itself does not cover: certificates, algorithms, time stamp."""
    [info] = signed["signer_infos"]
    digest = info["digest_algorithm"].dump()
    if [one.dump() for one in signed["digest_algorithms"]] != [digest]:
        return ["The signature names its algorithms in two ways."]
    if info["version"].native != "v1" or signed["version"].native not in {"v1", "v3"}:
        return ["The signature is of an unknown version."]
    if signed["crls"].native:
        return ["The signature carries what nobody signed."]
    certificates = _certificates_of(signed)
    problems = []
    for one in certificates:
        issuers = (*certificates, *pool)
        if one not in trust.roots and not any(is_issued_by(one, issuer) for issuer in issuers):
            problems.append(f"Nobody known here issued the certificate of «{name_of(one)}».")
    for attribute in info["unsigned_attrs"] or ():
        kind, values = attribute["type"].native, attribute["values"]
        if kind != "signature_time_stamp_token" or len(values) != 1:
            return ["The signature carries what nobody signed."]
        problems += _cms_problems(values[0]["content"], [*pool, *certificates], trust)
    return problems


def _certificates_of(signed: Any) -> list[x509.Certificate]:
    ders = [choice.chosen.dump() for choice in signed["certificates"] or ()]
    found = [x509.load_der_x509_certificate(der) for der in ders]
    if [der_of(one) for one in found] != ders:
        message = "a certificate is not in DER"
        raise ValueError(message)
    return found


def _token_certificates(signed: Any) -> list[x509.Certificate]:
    """The certificates in the time stamp of a signature."""
    [info] = signed["signer_infos"]
    found: list[x509.Certificate] = []
    for attribute in info["unsigned_attrs"] or ():
        for value in attribute["values"]:
            found += _certificates_of(value["content"])
    return found


def _stored(reader: Any, name: str) -> list[bytes]:
    # pyHanko's `get` gives references as they are, its brackets follow them.
    store = reader.root["/DSS"] if "/DSS" in reader.root else {}  # noqa: SIM401
    entries = store[name] if name in store else ()  # noqa: SIM401
    return [entry.get_object().data for entry in entries]


def _stored_certificates(reader: Any) -> list[x509.Certificate]:
    return [x509.load_der_x509_certificate(der) for der in _stored(reader, "/Certs")]


def _stored_crls(reader: Any) -> list[x509.CertificateRevocationList]:
    return [x509.load_der_x509_crl(der) for der in _stored(reader, "/CRLs")]


def _context(trust: Trust, others: list[x509.Certificate]) -> Any:
    """PyHanko looks for intactness only: the chain is asked by `Trust` at the time of signing."""
    from asn1crypto import x509 as asn1_x509
    from pyhanko_certvalidator import ValidationContext

    def plain(one: x509.Certificate) -> Any:
        return asn1_x509.Certificate.load(der_of(one))

    return ValidationContext(
        trust_roots=[plain(one) for one in trust.roots],
        other_certs=[plain(one) for one in (*trust.others, *others)],
        allow_fetching=False,
        revocation_mode="soft-fail",
    )
