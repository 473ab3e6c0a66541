"""The first page of each role."""

from typing import Any

from flask import redirect, url_for
from flask_appbuilder import BaseView, expose

from portal.db import db_session
from portal.home.queries import entering, figures
from portal.home.tasks import places, tiles
from portal.web.access import current_actor, current_login, may, visible_menu


class HomeView(BaseView):
    """Everybody signed in sees their tasks here; everybody else the page for citizens."""

    route_base = ""
    class_permission_name = "Home"
    default_view = "index"

    @expose("/")
    def index(self) -> Any:
        """Tasks with their counts."""
        if current_login() is None:
            return redirect(url_for("LookupView.landing"))
        found = figures(db_session(), current_actor())
        standing = entering(db_session()) if may("can_list", "Quarantine") else None
        menu = visible_menu()
        return self.render_template(
            "home/home.html", tiles=tiles(menu, found), places=places(menu), standing=standing
        )
