"""FAB's role rows, kept in step with `portal.roles` so that accounts can point to them."""

import sqlalchemy as sa
from flask_appbuilder.security.sqla.models import Role as FabRole
from sqlalchemy.orm import Session

from portal.roles import Role


def ensure_roles(session: Session) -> int:
    """Adds the rows of roles that have none; gives how many. Safe to repeat; never deletes."""
    present = set(session.scalars(sa.select(FabRole.name)))
    missing = [role.value for role in Role if role.value not in present]
    session.add_all(FabRole(name=name) for name in missing)
    session.flush()
    return len(missing)
