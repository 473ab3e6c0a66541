"""The first page of each role."""

from typing import Any

from flask import redirect
from flask_appbuilder import BaseView, expose

from portal.web.access import current_login, login_url


class HomeView(BaseView):
    """Everybody signed in sees their tasks here; everybody else is sent to the door."""

    route_base = ""
    class_permission_name = "Home"
    default_view = "index"

    @expose("/")
    def index(self) -> Any:
        """Tasks with their counts."""
        if current_login() is None:
            return redirect(login_url())
        return self.render_template("home/home.html")
