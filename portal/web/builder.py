"""FAB's application builder, without its public extras and its writing to the database at boot."""

from typing import Any

from flask import Flask
from flask_appbuilder import AppBuilder
from flask_appbuilder.babel.manager import BabelManager

from portal.web.security import TramSecurityManager


class TramBuilder(AppBuilder):
    """Registers views and menu. No swagger, menu API, security screens or permission sync."""

    def __init__(self, app: Flask, session: Any, index: type, language: type) -> None:
        self._language_view = language
        super().__init__(
            app,
            session,
            indexview=index,
            base_template="web/base.html",
            security_manager_class=TramSecurityManager,
            update_perms=False,
        )

    def _add_admin_views(self) -> None:
        self._indexview = self.add_view_no_menu(self.indexview)
        self.bm.locale_view = self.add_view_no_menu(self._language_view)

    def add_permissions(self, update_perms: bool = False) -> None:  # noqa: FBT001, FBT002 - FAB's
        """Never at boot: two workers that start together would race (fab.md 3e)."""
        del update_perms

    def _add_permission(self, baseview: Any, update_perms: bool = False) -> None:  # noqa: FBT001, FBT002
        del baseview, update_perms

    def _add_permissions_menu(self, name: str, update_perms: bool = False) -> None:  # noqa: FBT001, FBT002
        del name, update_perms

    def _add_menu_permissions(self, update_perms: bool = False) -> None:  # noqa: FBT001, FBT002
        del update_perms


__all__ = ["BabelManager", "TramBuilder"]
