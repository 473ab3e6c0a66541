"""What is done with certificates: issue, verify, revoke; and what citizens say is wrong."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext
from sqlalchemy.orm import Session

import core_rs
from portal import clock
from portal.actors import Actor
from portal.audit import services as audit
from portal.certificates import queries, rules
from portal.certificates.models import Certificate, CorrectionRequest
from portal.certificates.opening import known_code
from portal.certificates.rules import Office, SampleFacts
from portal.certificates.texts import unprintable
from portal.declarations.models import Declaration
from portal.errors import Conflict, Invalid, NotFound
from portal.samples.models import Sample
from reports.certificate.page import RENDERER

# --- issue, verify, revoke ---


def issue(session: Session, actor: Actor, *, sample_id: int, office: Office) -> Certificate:
    """The certificate of what is known of a sample now.

    The same facts give the certificate already issued; other facts (an amended result, a
    corrected name) a new one, and the old one is «đã thay thế» from then on.

    Raises:
        NotFound: there is no such sample for this actor.
        Conflict: the sample has no released result.
        Invalid: a name or address has letters that no paper can show.
    """
    issued = issue_many(session, actor, sample_ids=[sample_id], office=office)
    if not issued:
        problem = unprintable_problem(_facts(session, sample_id))
        if problem:
            raise Invalid(problem, code="unprintable", details=[problem])
        raise Conflict(gettext("This sample has no released result yet."), code="no_result")
    return issued[0]


def issue_many(
    session: Session, actor: Actor, *, sample_ids: Sequence[int], office: Office
) -> list[Certificate]:
    """Certificates of many samples, in their order; samples without a result are left out.

    Also left out are those of which `unprintable_problem` tells something.

    Five statements for any number, if none is replaced.

    Raises:
        NotFound: a sample is not there, or not for this actor.
    """
    found = queries.facts_of(session, sample_ids)
    if len(found) != len(sample_ids):
        raise NotFound("There is no such sample.")
    for facts in found:
        if actor.kind == "staff":
            actor.scope.require_site(facts.site_id)
    newest = queries.newest_of(session, sample_ids)
    texts: dict[str, queries.Texts] = {}
    issued, made, replaced = [], [], []
    for facts in found:
        kind = rules.kind_of(facts)
        if not kind or rules.unprintable_letters(facts):
            continue
        if kind not in texts:
            texts[kind] = queries.texts_of(session, kind, clock.today())
        old = newest.get(facts.sample_id)
        digest = rules.facts_digest(facts, kind=kind, texts=texts[kind].values, office=office)
        if old is not None and old.status == "valid" and old.facts_sha256 == digest:
            issued.append(old)
            continue
        new = _made(facts, kind, texts[kind], office, digest, old.number + 1 if old else 1)
        made.append(new)
        issued.append(new)
        if old is not None and old.status == "valid":
            replaced.append((old, new))
    session.add_all(made)
    session.flush()
    for old, new in replaced:
        old.status, old.replaced_by_id = "replaced", new.id
        old.ended_at, old.ending_reason = (
            new.issued_at,
            rules.replacement_reason(old.kind, old.snapshot, new.kind, new.snapshot),
        )
    session.flush()
    return issued


def unprintable_problem(facts: SampleFacts) -> str:
    """Why no paper can be made although there is a result, in a sentence; empty if one can."""
    letters = rules.unprintable_letters(facts) if rules.kind_of(facts) else ""
    return unprintable(letters) if letters else ""


def _made(
    facts: SampleFacts,
    kind: str,
    texts: queries.Texts,
    office: Office,
    digest: str,
    number: int,
) -> Certificate:
    issued_at = clock.now().replace(microsecond=0)
    code = core_rs.new_code()
    page = rules.compose(
        facts, kind=kind, texts=texts.values, office=office, code=code, issued_at=issued_at
    )
    return Certificate(
        code=code,
        kind=kind,
        sample_id=facts.sample_id,
        number=number,
        site_id=facts.site_id,
        template_id=texts.template_id,
        facts_sha256=digest,
        snapshot={
            **page.to_snapshot(),
            "renderer": RENDERER,
            "signer": office.signer,
            "english_template_id": texts.english_id,
            "state": rules.shown_state(facts),
            "holder": rules.masked_name(facts.full_name),
            "birth_year": facts.birth_on.year if facts.birth_on else facts.birth_year,
        },
        result_version=facts.result_version,
        issued_at=issued_at,
    )


def revoke(session: Session, actor: Actor, *, certificate_id: int, reason: str) -> Certificate:
    """Ends a certificate without another in its place.

    Raises:
        Invalid: without a reason.
        Conflict: it has ended already.
    """
    certificate = session.get(Certificate, certificate_id)
    if certificate is None:
        raise NotFound("There is no such certificate.")
    if actor.kind == "staff":
        actor.scope.require_site(certificate.site_id)
    if not reason.strip():
        raise Invalid(gettext("Give the reason."), details=[gettext("Give the reason.")])
    if certificate.status != "valid":
        raise Conflict(gettext("This certificate has ended already."))
    certificate.status = "revoked"
    certificate.ended_at = clock.now()
    certificate.ending_reason = reason.strip()[:160]
    return certificate


@dataclass(frozen=True, slots=True)
class Verification:
    """What the verification page says of a code.

    Attributes:
        verdict: `valid`, `replaced`, `revoked` or `unknown`.
        certificate: None if unknown.
        ended_at: when it was replaced or revoked.
        reason: of the revocation, in the words of whoever revoked it; of a replacement one of
            `rules.REASONS`.
        replaced_by_number: which issue counts now; None where nobody has asked for it yet.
    """

    verdict: str
    certificate: Certificate | None = None
    ended_at: dt.datetime | None = None
    reason: str = ""
    replaced_by_number: int | None = None


def verify(session: Session, *, code: str, office: Office) -> Verification:
    """Whether a certificate still stands: the paper may be old, the facts are asked anew.

    A result amended since counts as replaced from the moment of the amendment, also before
    anybody asked for the new certificate.
    """
    certificate = queries.find_by_code(session, known_code(code))
    if certificate is None:
        return Verification("unknown")
    if certificate.status != "valid":
        newer = certificate.replaced_by_id and session.get(Certificate, certificate.replaced_by_id)
        return Verification(
            certificate.status,
            certificate,
            certificate.ended_at,
            certificate.ending_reason,
            newer.number if newer else None,
        )
    facts = _facts(session, certificate.sample_id)
    kind = rules.kind_of(facts)
    if kind:
        texts = queries.texts_of(session, kind, clock.local(certificate.issued_at).date())
        digest = rules.facts_digest(facts, kind=kind, texts=texts.values, office=office)
    if not kind or _tells_otherwise(certificate, facts, kind, digest):
        rows = [[row.label, row.label_en, row.value] for row in rules.rows_of(facts)]
        reason = rules.replacement_reason(
            certificate.kind, certificate.snapshot, kind, {"rows": rows}
        )
        return Verification("replaced", certificate, reason=reason)
    return Verification("valid", certificate)


def _tells_otherwise(certificate: Certificate, facts: SampleFacts, kind: str, digest: str) -> bool:
    """Other facts count; a new address of the portal or wording of the template does not."""
    if certificate.facts_sha256 == digest:
        return False
    rows = [[row.label, row.label_en, row.value] for row in rules.rows_of(facts)]
    return certificate.kind != kind or certificate.snapshot["rows"] != rows


def _facts(session: Session, sample_id: int) -> SampleFacts:
    found = queries.facts_of(session, [sample_id])
    if not found:
        raise NotFound("There is no such sample.")
    return found[0]


# --- what citizens say is wrong ---


def ask_correction(
    session: Session, *, message: str, sample_id: int | None, declaration_id: int | None
) -> CorrectionRequest:
    """Keeps a citizen's word that something is wrong, for the staff of the site or area.

    Raises:
        Invalid: without words, or with too many.
    """
    text = message.strip()
    longest = 500
    if not text or len(text) > longest:
        problem = gettext("Say in at most 500 letters what is wrong.")
        raise Invalid(problem, details=[problem])
    sample = session.get(Sample, sample_id) if sample_id else None
    declaration = session.get(Declaration, declaration_id) if declaration_id else None
    request = CorrectionRequest(
        sample_id=sample.id if sample else None,
        declaration_id=declaration.id if declaration else None,
        site_id=sample.site_id if sample else None,
        area_id=declaration.area_id if declaration else None,
        message=text,
        asked_at=clock.now(),
    )
    session.add(request)
    session.flush()
    return request


def close_request(
    session: Session, actor: Actor, *, request_id: int, answer: str
) -> CorrectionRequest:
    """Closes a citizen's request with what was done.

    Raises:
        Conflict: it is closed already.
    """
    request = session.get(CorrectionRequest, request_id)
    if request is None:
        raise NotFound("There is no such request.")
    if request.status != "open":
        raise Conflict(gettext("This request is closed already."))
    request.status, request.answer = "closed", answer.strip()[:300]
    request.closed_at, request.closed_by_id = clock.now(), actor.user_id
    request.version += 1
    return request


def note_print(session: Session, actor: Actor, certificate: Certificate) -> None:
    """Writes down that staff saved or printed a paper."""
    audit.note(session, actor, "print", "certificates", key=str(certificate.id))
