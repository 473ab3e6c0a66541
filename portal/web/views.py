"""The base classes of every screen. Areas import these names from here and from nowhere else.

ReferenceView  FAB-generated list, search, show and forms over reference data.
RecordView     the same over anything with a status: forms call services, nothing is deleted.
StationView    a work station or JSON API of our own; every route names a permission.
PublicView     pages without login; each stands on the list of the route matrix test.
"""

from typing import Any

from flask import request
from flask_appbuilder import BaseView, expose
from flask_babel import gettext

from portal.db import db_session, transaction
from portal.errors import Invalid
from portal.web.access import current_actor, current_login, may, permission
from portal.web.datamodel import Interface as SQLAInterface
from portal.web.records import ReferenceRows, RowView, Step


class ReferenceView(ReferenceRows):
    """Reference data: create, correct and delete without a service.

    Delete is a permission of its own (`can_delete`); a row others point to stays.
    """


class RecordView(RowView):
    """Records with a status. Fill in `create_record`, `correct_record`, `withdraw_record`.

    A route whose hook or columns are missing does not exist. Values come as the service wants
    them: by column, related rows by key (`site` in the form arrives as `site_id`).
    """


class StationView(BaseView):
    """A screen of our own inside the frame. Every `@expose`d method needs `@permission`."""

    def __init__(self) -> None:
        if not self.class_permission_name:
            message = f"{type(self).__name__} names no class_permission_name"
            raise TypeError(message)
        for name in dir(type(self)):
            method = getattr(type(self), name)
            if hasattr(method, "_urls") and not hasattr(method, "_permission_name"):
                message = f"{type(self).__name__}.{name} names no permission"
                raise TypeError(message)
        super().__init__()

    @staticmethod
    def body() -> dict[str, Any]:
        """The JSON object sent by a script.

        Raises:
            Invalid: the body is not a JSON object.
        """
        data = request.get_json(silent=True)
        if not isinstance(data, dict):
            raise Invalid(gettext("The request could not be understood."), code="body")
        return data


class PublicView(BaseView):
    """A page for anyone. Say in the class docstring why it needs no login."""


__all__ = [
    "PublicView",
    "RecordView",
    "ReferenceView",
    "SQLAInterface",
    "StationView",
    "Step",
    "current_actor",
    "current_login",
    "db_session",
    "expose",
    "may",
    "permission",
    "transaction",
]
