"""The results of a collection session as one official list, signed by the department's seal."""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import clock, db
from portal.actors import Actor
from portal.audit import services as audit
from portal.campaigns.models import CollectionSession
from portal.certificates import documents, queries, rules, sealing
from portal.certificates.rules import Office, SampleFacts
from portal.certificates.wording import Texts, filled
from portal.declarations.rules import grouped
from portal.errors import Invalid, NotFound
from portal.jobs import kinds
from portal.jobs.models import Job
from portal.jobs.services import enqueue
from portal.people.models import Person
from portal.samples.models import Sample
from reports.result_list import ListedPerson, ResultListPage, render_result_list

KIND = "result list"
# WeasyPrint lays out some 60 people a second; a session has at most a few hundred.
MOST_PEOPLE = 3000
LONGEST_NUMBER = 40
_OUTCOMES = {
    "negative": "Âm tính",
    "pool_negative": "Âm tính (mẫu gộp)",
    "positive": "Dương tính",
    "retest_notice": "Cần lấy lại mẫu",
    "": "Chưa có kết quả",
}
_SEXES = {"male": "Nam", "female": "Nữ"}


@dataclass(frozen=True, slots=True)
class Sitting:
    """What a list says of its session."""

    code: str
    site: str
    campaign: str
    disease: str
    held_on: dt.date


def install() -> None:
    """Gives the worker its function."""
    kinds.register(KIND, write)


def ask(session: Session, actor: Actor, *, collection_session_id: int, number: str) -> Job:
    """Asks for the list of a session.

    Args:
        session: database session.
        actor: who asks; the list holds the samples of their scope.
        collection_session_id: of which session.
        number: number and sign the clerk's office gave; empty leaves a place to write it.

    Raises:
        NotFound: there is no such session for this actor.
        Invalid: nobody is on the list, too many are, or the number is too long.
    """
    sitting = session.get(CollectionSession, collection_session_id)
    if sitting is None:
        raise NotFound("Not found.")
    actor.scope.require_site(sitting.site_id)
    problems = []
    count = len(_sample_ids(session, collection_session_id))
    if not count:
        problems.append(gettext("Nobody was sampled in this session yet."))
    if count > MOST_PEOPLE:
        problems.append(gettext("A list holds at most %(most)s people.", most=MOST_PEOPLE))
    if len(number) > LONGEST_NUMBER:
        problems.append(gettext("The number of the document has at most 40 letters."))
    if problems:
        raise Invalid(problems[0], details=problems)
    audit.note(session, actor, "export result list", "samples",
               key=str(collection_session_id), row_count=count)  # fmt: skip
    return enqueue(
        session, actor, KIND,
        {"collection_session_id": collection_session_id, "number": number.strip()},
    )  # fmt: skip


def _sample_ids(session: Session, collection_session_id: int) -> list[int]:
    """The samples of a session by given name, those withdrawn left out."""
    return list(
        session.scalars(
            sa.select(Sample.id)
            .join(Person, Person.id == Sample.person_id)
            .where(
                Sample.collection_session_id == collection_session_id,
                Sample.withdrawn_at.is_(None),
            )
            .order_by(Person.sort_name, Sample.id)
        )
    )


def write(running: kinds.Running) -> str:
    """Writes the signed list; gives its name."""
    config = current_app.config["TRAM"]
    office = sealing.office_of(config)
    key = int(str(running.arguments["collection_session_id"]))
    made_at = clock.now().replace(microsecond=0)
    with db.transaction(running.actor) as session:
        sitting = session.get(CollectionSession, key)
        if sitting is None:
            raise NotFound("Not found.")
        running.actor.scope.require_site(sitting.site_id)
        facts = queries.facts_of(session, _sample_ids(session, key))
        texts = queries.texts_of(session, "session_list", clock.local(made_at).date())
        page = compose(
            Sitting(sitting.code, sitting.site.name, sitting.campaign.name,
                    sitting.campaign.disease, sitting.held_on),
            facts, texts=dict(texts.values), office=office,
            number=str(running.arguments["number"]), issued_at=made_at,
        )  # fmt: skip
        code = sitting.code
    running.progress(0, len(facts))
    paper = render_result_list(page, identity_of(page))
    seal = documents.seal_in_use(config)
    if seal is not None:
        paper = seal.sign(paper, made_at)
    running.path.write_bytes(paper)
    running.progress(len(facts), len(facts))
    return f"danh-sach-{code}-{clock.local(made_at):%Y%m%d-%H%M}.pdf"


def identity_of(page: ResultListPage) -> str:
    """What the file is: its words, so that two lists of one second are two documents."""
    return hashlib.sha256(repr(page).encode()).hexdigest()


def compose(
    sitting: Sitting,
    facts: Sequence[SampleFacts],
    *,
    texts: Texts,
    office: Office,
    number: str,
    issued_at: dt.datetime,
) -> ResultListPage:
    """The page of a list; a suspect pool is never called positive, what waits has no result."""
    words = {
        "disease": sitting.disease,
        "province": office.province,
        "site": sitting.site,
        "session": sitting.code,
        "day": f"{sitting.held_on:%d/%m/%Y}",
        "campaign": sitting.campaign,
    }
    rows = tuple(_row(one) for one in facts)
    counts = Counter(row.outcome for row in rows)
    return ResultListPage(
        parent_agency=f"SỞ Y TẾ {office.province}".upper(),
        agency=sitting.site.upper(),
        number=f"Số: {number}" if number else "Số: ……/DS-……",
        place_and_date=rules.place_and_date(office.province, issued_at),
        title=filled(texts["title"], words),
        title_en=filled(texts["title_en"], words),
        subject=filled(texts["subject"], words),
        subject_en=filled(texts["subject_en"], words),
        rows=rows,
        totals=tuple((word, counts[word]) for word in _OUTCOMES.values() if counts[word]),
        notes=tuple(filled(note, words) for note in texts["notes"]),
        recipients=tuple(filled(one, words) for one in texts["recipients"]),
        signer_title=str(texts["signer_title"]),
        signer_name="",
        issued_at=issued_at,
        watermark=rules.watermark_of(office),
    )


def _row(facts: SampleFacts) -> ListedPerson:
    kind = rules.kind_of(facts)
    born = f"{facts.birth_on:%d/%m/%Y}" if facts.birth_on else str(facts.birth_year or "")
    return ListedPerson(
        full_name=facts.full_name,
        born=born,
        sex=_SEXES.get(facts.sex, ""),
        address=facts.address,
        code=grouped(facts.result_code),
        outcome=_OUTCOMES[kind],
        is_alert=kind == "positive",
    )
