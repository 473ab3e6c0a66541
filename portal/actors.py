"""Who acts, and over which rows.

Every service takes an `Actor`; every query honours its `Scope`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from portal.errors import NotFound


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows an actor may read and write.

    Attributes:
        is_everything: the whole province; the sets below are then ignored.
        site_ids: sites whose rows are visible.
        area_ids: administrative units (with everything below them) whose rows are visible.
    """

    is_everything: bool = False
    site_ids: frozenset[int] = field(default_factory=frozenset)
    area_ids: frozenset[int] = field(default_factory=frozenset)

    def covers_site(self, site_id: int | None) -> bool:
        """Whether rows of this site belong to the actor."""
        return self.is_everything or site_id in self.site_ids

    def covers_area(self, area_id: int | None) -> bool:
        """Whether rows of this administrative unit belong to the actor."""
        return self.is_everything or area_id in self.area_ids

    def require_site(self, site_id: int | None) -> None:
        """Raises `NotFound` for a site outside: an outsider learns nothing, not even that it is."""
        if not self.covers_site(site_id):
            raise NotFound("Not found.")

    def require_area(self, area_id: int | None) -> None:
        """Raises `NotFound` for an area outside."""
        if not self.covers_area(area_id):
            raise NotFound("Not found.")


EVERYTHING = Scope(is_everything=True)
NOTHING = Scope()


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, as the audit log will name them.

    Attributes:
        kind: staff, device, system or public.
        user_id: the login (FAB user), for staff.
        staff_id: the staff profile, for staff and for devices used with a grant.
        name: username, device name or the name of the system part; never a citizen's name.
        roles: role names.
        scope: the rows they may touch.
        purpose: why personal data are opened, where a screen asks for it.
    """

    kind: str
    name: str
    user_id: int | None = None
    staff_id: int | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    scope: Scope = NOTHING
    purpose: str = ""

    def has_role(self, roles: Iterable[str]) -> bool:
        """Whether the actor holds at least one of the roles."""
        return not self.roles.isdisjoint(roles)


def system(name: str) -> Actor:
    """The actor of a part that runs by itself (applier, scheduler, command line)."""
    return Actor(kind="system", name=name, scope=EVERYTHING)


PUBLIC = Actor(kind="public", name="public")
