"""FAB's security manager, deciding from `portal.roles` in memory instead of by SQL."""

from typing import Any

from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_login import LoginManager

from portal.web import access


class TramSecurityManager(SecurityManager):
    """Roles are code. FAB's permission tables are kept for display only and never asked.

    FAB's own account, role and login screens are not registered: accounts have services
    (`portal.accounts`), roles are `portal.roles`, and the login door is ours.
    """

    def create_login_manager(self, app: Any) -> LoginManager:
        """Flask-Login with sessions that end when `session_version` rises."""
        manager = LoginManager(app)
        manager.user_loader(access.load_login)
        manager.session_protection = None  # an address changes between two towers; the version ends
        return manager

    def register_views(self) -> None:
        """No FAB security screen or API is exposed."""

    def create_db(self) -> None:
        """Nothing at start: `tram db upgrade` keeps roles in step, once, under a lock."""

    def has_access(self, permission_name: str, view_name: str) -> bool:
        """Decided from the table of `portal.roles`."""
        if permission_name == "menu_access":
            return access.holds_any(access.current_actor().roles, view_name)
        return access.may(permission_name, view_name)

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        """Nothing is public by permission; public pages are public by being listed as such."""
        del permission_name, view_name
        return False

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        """Names of the menu entries that whoever asks may open."""
        names = {entry.name for entry, _ in access.visible_menu()}
        names |= {child.name for _, children in access.visible_menu() for child in children}
        return names & set(menu_names) if menu_names is not None else names
