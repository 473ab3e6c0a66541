"""Finding staff."""

from collections.abc import Iterable

import sqlalchemy as sa
from flask_appbuilder.security.sqla.models import Role as FabRole
from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import Session

from portal.accounts.models import Training


def role_names(session: Session, user_id: int) -> frozenset[str]:
    """The roles of a login."""
    return frozenset(
        session.scalars(sa.select(FabRole.name).join(FabRole.user).where(User.id == user_id))
    )


def trained_staff_ids(session: Session, staff_ids: Iterable[int]) -> frozenset[int]:
    """Which of the staff have a recorded training."""
    return frozenset(
        session.scalars(
            sa.select(Training.staff_id).where(Training.staff_id.in_(list(staff_ids))).distinct()
        )
    )


def usernames(session: Session) -> set[str]:
    """Every username, lower case."""
    return set(session.scalars(sa.select(sa.func.lower(User.username))))
