"""Campaigns and collection sessions: plan, open, close; the dated pool rule."""

import datetime as dt
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.areas.models import AdminUnit
from portal.campaigns import rules
from portal.campaigns.models import Campaign, CollectionSession, PoolPolicy
from portal.errors import Conflict, Invalid, NotFound
from portal.sites.models import Site

LONGEST_CODE = 16
LARGEST_POOL = 96  # a plate; what is allowed is a campaign's own policy


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """What a campaign is made from."""

    code: str
    name: str
    disease: str
    area_id: int
    starts_on: dt.date
    ends_on: dt.date | None = None
    target_people_count: int = 0


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """What a collection session is made from; an empty `code` gets one."""

    campaign_id: int
    site_id: int
    held_on: dt.date
    method: str = "pcr"
    specimen_type: str = "nasopharyngeal"
    pool_size: int = rules.DEFAULT_POOL_SIZE
    note: str = ""
    code: str = ""


def plan_campaign(session: Session, actor: Actor, plan: CampaignPlan) -> Campaign:
    """Adds a campaign with today's default pool rule for each method."""
    problems = []
    code = plan.code.strip().upper()
    if not code or len(code) > LONGEST_CODE:
        problems.append(_("The code takes 1 to 16 characters."))
    if session.scalar(sa.select(Campaign.id).where(Campaign.code == code)) is not None:
        problems.append(_("Another campaign has the code %(code)s.", code=code))
    if not plan.name.strip() or not plan.disease.strip():
        problems.append(_("A campaign needs a name and a disease."))
    if plan.ends_on is not None and plan.ends_on < plan.starts_on:
        problems.append(_("The campaign would end before it starts."))
    if session.get(AdminUnit, plan.area_id) is None:
        problems.append(_("Choose the area of the campaign."))
    if problems:
        raise Invalid(problems[0], code="campaigns.invalid", details=problems)
    actor.scope.require_area(plan.area_id)
    campaign = Campaign(
        code=code,
        name=plan.name.strip(),
        disease=plan.disease.strip(),
        area_id=plan.area_id,
        starts_on=plan.starts_on,
        ends_on=plan.ends_on,
        target_people_count=plan.target_people_count,
    )
    session.add(campaign)
    session.flush()
    for method in rules.Method:
        set_pool_policy(
            session, actor, campaign_id=campaign.id, method=method, valid_from=plan.starts_on
        )
    return campaign


def correct_campaign(
    session: Session,
    actor: Actor,
    *,
    campaign_id: int,
    name: str,
    disease: str,
    ends_on: dt.date | None,
    target_people_count: int,
) -> Campaign:
    """Corrects what a campaign is called and when it ends; code, area and first day stay.

    Raises:
        Invalid: a name is missing, or sessions are planned for after the new end.
    """
    campaign = get_campaign(session, actor, campaign_id)
    actor.scope.require_area(campaign.area_id)
    problems = []
    if not name.strip() or not disease.strip():
        problems.append(_("A campaign needs a name and a disease."))
    if ends_on is not None and ends_on < campaign.starts_on:
        problems.append(_("The campaign would end before it starts."))
    last = session.scalar(
        sa.select(sa.func.max(CollectionSession.held_on)).where(
            CollectionSession.campaign_id == campaign_id
        )
    )
    if ends_on is not None and last is not None and last > ends_on:
        problems.append(_("A collection session is planned for a later day: %(day)s.",
                          day=f"{last:%d/%m/%Y}"))  # fmt: skip
    if target_people_count < 0:
        problems.append(_("The number of people can not be negative."))
    if problems:
        raise Invalid(problems[0], code="campaigns.invalid", details=problems)
    campaign.name, campaign.disease = name.strip(), disease.strip()
    campaign.ends_on, campaign.target_people_count = ends_on, target_people_count
    campaign.version += 1
    return campaign


def set_pool_policy(  # noqa: PLR0913 - the rule's own fields
    session: Session,
    actor: Actor,
    *,
    campaign_id: int,
    method: str,
    valid_from: dt.date,
    default_size: int = rules.DEFAULT_POOL_SIZE,
    max_size: int = rules.DEFAULT_MAX_POOL_SIZE,
    retest_deadline_hours: int = rules.DEFAULT_RETEST_HOURS,
    result_deadline_hours: int = rules.DEFAULT_RESULT_HOURS,
    document: str = "",
) -> PoolPolicy:
    """Sets the pool rule of a method from a day on; the rules of before stay."""
    campaign = get_campaign(session, actor, campaign_id)
    problems = []
    if not 1 <= default_size <= max_size <= LARGEST_POOL:
        problems.append(
            _("Sizes must satisfy 1 ≤ usual ≤ largest ≤ %(limit)s.", limit=LARGEST_POOL)
        )
    if retest_deadline_hours < 1 or result_deadline_hours < 1:
        problems.append(_("Deadlines are at least one hour."))
    if problems:
        raise Invalid(problems[0], code="campaigns.policy", details=problems)
    policy = session.scalars(
        sa.select(PoolPolicy).where(
            PoolPolicy.campaign_id == campaign.id,
            PoolPolicy.method == method,
            PoolPolicy.valid_from == valid_from,
        )
    ).first()
    if policy is None:
        policy = PoolPolicy(campaign_id=campaign.id, method=method, valid_from=valid_from)
        session.add(policy)
    policy.default_size, policy.max_size = default_size, max_size
    policy.retest_deadline_hours = retest_deadline_hours
    policy.result_deadline_hours = result_deadline_hours
    policy.document = document
    session.flush()
    return policy


def get_campaign(session: Session, actor: Actor, campaign_id: int) -> Campaign:
    """The campaign, if it exists; campaigns are known to all staff."""
    del actor
    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound(_("Not found."))
    return campaign


def set_campaign_status(
    session: Session, actor: Actor, *, campaign_id: int, status: rules.CampaignStatus
) -> Campaign:
    """Opens or closes a campaign; closing it closes its open sessions."""
    campaign = get_campaign(session, actor, campaign_id)
    actor.scope.require_area(campaign.area_id)
    if status not in rules.MOVES[campaign.status]:
        raise Conflict(_("The campaign is not in a state for this."), code="campaigns.move")
    campaign.status = status
    campaign.version += 1
    if status is rules.CampaignStatus.CLOSED:
        for sitting in session.scalars(
            sa.select(CollectionSession).where(
                CollectionSession.campaign_id == campaign_id,
                CollectionSession.status == rules.SessionStatus.OPEN,
            )
        ):
            sitting.status, sitting.closed_at = rules.SessionStatus.CLOSED, clock.now()
    return campaign


def plan_session(session: Session, actor: Actor, plan: SessionPlan) -> CollectionSession:
    """Plans a sitting of a team at a site on a day."""
    actor.scope.require_site(plan.site_id)
    campaign = get_campaign(session, actor, plan.campaign_id)
    site = session.get(Site, plan.site_id)
    problems = []
    if site is None:
        problems.append(_("Choose the site."))
    if plan.method not in set(rules.Method):
        problems.append(_("Choose the method."))
    if plan.specimen_type not in set(rules.SpecimenType):
        problems.append(_("Choose the specimen type."))
    problems += _plan_problems(session, campaign, plan.method, plan.held_on, plan.pool_size)
    if problems or site is None:
        raise Invalid(problems[0], code="campaigns.session", details=problems)
    sitting = CollectionSession(
        code=plan.code or _new_session_code(session),
        campaign_id=campaign.id,
        site_id=site.id,
        area_id=site.area_id,
        held_on=plan.held_on,
        method=plan.method,
        specimen_type=plan.specimen_type,
        pool_size=plan.pool_size,
        note=plan.note[:200],
    )
    session.add(sitting)
    session.flush()
    return sitting


def correct_session(
    session: Session,
    actor: Actor,
    *,
    session_id: int,
    held_on: dt.date,
    pool_size: int,
    note: str,
) -> CollectionSession:
    """Corrects day, pool size and note of a sitting; the day only before it was opened.

    Raises:
        Conflict: the day of a sitting that was opened would change.
        Invalid: the day lies outside the campaign, or the size outside its rule.
    """
    sitting = session.get(CollectionSession, session_id)
    if sitting is None:
        raise NotFound(_("Not found."))
    actor.scope.require_site(sitting.site_id)
    if held_on != sitting.held_on and sitting.opened_at is not None:
        raise Conflict(_("The session was opened already: its day stays."), code="campaigns.day")
    campaign = get_campaign(session, actor, sitting.campaign_id)
    problems = _plan_problems(session, campaign, sitting.method, held_on, pool_size)
    if problems:
        raise Invalid(problems[0], code="campaigns.session", details=problems)
    sitting.held_on, sitting.pool_size, sitting.note = held_on, pool_size, note[:200]
    sitting.version += 1
    return sitting


def _plan_problems(
    session: Session, campaign: Campaign, method: str, held_on: dt.date, pool_size: int
) -> list[str]:
    """What is wrong with a day and a pool size of a campaign."""
    problems = []
    if held_on < campaign.starts_on or (
        campaign.ends_on is not None and held_on > campaign.ends_on
    ):
        problems.append(_("The day lies outside the campaign."))
    policy = find_policy(session, campaign.id, method, held_on)
    largest = policy.max_size if policy else rules.DEFAULT_MAX_POOL_SIZE
    if not 1 <= pool_size <= largest:
        problems.append(_("The pool size takes 1 to %(limit)s.", limit=largest))
    return problems


def set_session_status(
    session: Session, actor: Actor, *, session_id: int, status: rules.SessionStatus
) -> CollectionSession:
    """Opens or closes a sitting; it opens only within an open campaign."""
    sitting = session.get(CollectionSession, session_id)
    if sitting is None:
        raise NotFound(_("Not found."))
    actor.scope.require_site(sitting.site_id)
    if status not in rules.MOVES[sitting.status]:
        raise Conflict(_("The session is not in a state for this."), code="campaigns.move")
    if status is rules.SessionStatus.OPEN:
        campaign = get_campaign(session, actor, sitting.campaign_id)
        if campaign.status != rules.CampaignStatus.OPEN:
            raise Conflict(_("Open the campaign first."), code="campaigns.closed")
        sitting.opened_at, sitting.closed_at = clock.now(), None
    else:
        sitting.closed_at = clock.now()
    sitting.status = status
    sitting.version += 1
    if status is rules.SessionStatus.OPEN and sitting.method == rules.Method.ANTIGEN:
        _open_companion(session, sitting)
    return sitting


def find_companion(session: Session, sitting: CollectionSession) -> CollectionSession | None:
    """The open RT-PCR session of the same site, campaign and day: for positive rapid tests."""
    return session.scalars(
        sa.select(CollectionSession)
        .where(
            CollectionSession.site_id == sitting.site_id,
            CollectionSession.campaign_id == sitting.campaign_id,
            CollectionSession.held_on == sitting.held_on,
            CollectionSession.method == rules.Method.PCR,
            CollectionSession.status == rules.SessionStatus.OPEN,
        )
        .order_by(CollectionSession.pool_size, CollectionSession.id)
    ).first()


def _open_companion(session: Session, sitting: CollectionSession) -> None:
    """A session of rapid tests opens one for single RT-PCR samples, unless one is open."""
    if find_companion(session, sitting) is not None:
        return
    session.add(
        CollectionSession(
            code=_new_session_code(session),
            campaign_id=sitting.campaign_id,
            site_id=sitting.site_id,
            area_id=sitting.area_id,
            held_on=sitting.held_on,
            method=rules.Method.PCR,
            specimen_type=sitting.specimen_type,
            pool_size=1,
            status=rules.SessionStatus.OPEN,
            opened_at=clock.now(),
            note=_("RT-PCR after positive rapid tests of session %(code)s", code=sitting.code),
        )
    )
    session.flush()


def find_policy(session: Session, campaign_id: int, method: str, on: dt.date) -> PoolPolicy | None:
    """The pool rule that holds on a day."""
    return session.scalars(
        sa.select(PoolPolicy)
        .where(
            PoolPolicy.campaign_id == campaign_id,
            PoolPolicy.method == method,
            PoolPolicy.valid_from <= on,
        )
        .order_by(PoolPolicy.valid_from.desc())
    ).first()


def _new_session_code(session: Session) -> str:
    """A short code that is read aloud over a telephone: six symbols, no look-alikes."""
    alphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
    while True:
        code = "".join(secrets.choice(alphabet) for _n in range(6))
        taken = sa.select(CollectionSession.id).where(CollectionSession.code == code)
        if session.scalar(taken) is None:
            return code
