"""Collection sessions as registering needs them: with the rule of their day."""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.campaigns.models import CollectionSession, PoolPolicy


@dataclass(frozen=True, slots=True)
class Sitting:
    """A collection session, and what the pool policy of its day allows."""

    id: int
    code: str
    campaign_id: int
    site_id: int
    area_id: int
    method: str
    specimen_type: str
    status: str
    allows_symptomatic: bool
    max_size: int | None


def load_sittings(session: Session, codes: Iterable[str], ids: Iterable[int]) -> list[Sitting]:
    """The sessions of these codes and keys, each with its policy (None: no rule, no limit)."""
    table = CollectionSession
    found = session.scalars(
        sa.select(table).where(table.code.in_(list(codes)) | table.id.in_(list(ids)))
    ).all()
    policies = session.scalars(
        sa.select(PoolPolicy)
        .where(PoolPolicy.campaign_id.in_({sitting.campaign_id for sitting in found}))
        .order_by(PoolPolicy.valid_from)
    ).all()
    return [_with_policy(sitting, policies) for sitting in found]


def _with_policy(sitting: CollectionSession, policies: Iterable[PoolPolicy]) -> Sitting:
    rule = None
    for policy in policies:
        is_of_it = (policy.campaign_id, policy.method) == (sitting.campaign_id, sitting.method)
        if is_of_it and policy.valid_from <= sitting.held_on:
            rule = policy
    return Sitting(
        id=sitting.id,
        code=sitting.code,
        campaign_id=sitting.campaign_id,
        site_id=sitting.site_id,
        area_id=sitting.area_id,
        method=sitting.method,
        specimen_type=sitting.specimen_type,
        status=sitting.status,
        allows_symptomatic=bool(rule and rule.allows_symptomatic),
        max_size=rule.max_size if rule else None,
    )
