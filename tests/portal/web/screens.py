"""Screens of the tests: a RecordView over samples and a ReferenceView over campaigns."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask

from portal import roles
from portal.campaigns.models import Campaign
from portal.errors import Invalid
from portal.roles import Role
from portal.samples.models import Sample
from portal.web.views import RecordView, ReferenceView, SQLAInterface


class TestedSamples(RecordView):
    """Samples as a collector sees them."""

    __test__ = False
    datamodel = SQLAInterface(Sample)
    class_permission_name = "TestedSamples"
    route_base = "/tested-samples"
    list_columns = ["result_code", "person.full_name", "site", "tube.code", "state", "collected_at"]
    show_columns = ["result_code", "person.full_name", "site", "state"]
    search_columns = ["person.full_name", "state", "site", "collected_at", "position"]
    order_columns = ["collected_at", "result_code", "retest_due_at"]
    edit_columns = ["position", "source"]
    link_columns = ("state", "site")
    choices_columns = {"state": [("WAITING", "waiting", "wait"), ("HOLD", "hold", "warn")]}

    def correct_record(self, session: Any, actor: Any, item: Any, values: dict[str, Any]) -> None:
        if values["position"] > 99:
            raise Invalid("Nobody has so many.", details=["position"])
        item.position, item.source = values["position"], values["source"]
        item.version += 1

    def withdraw_record(self, session: Any, actor: Any, item: Any, reason: str) -> None:
        item.withdrawal_reason = reason


class TestedCampaigns(ReferenceView):
    """Campaigns as reference data."""

    __test__ = False
    datamodel = SQLAInterface(Campaign)
    class_permission_name = "TestedCampaigns"
    route_base = "/tested-campaigns"
    list_columns = ["code", "name", "area"]
    show_columns = ["code", "name", "disease", "area", "starts_on"]
    search_columns = ["name", "area", "starts_on"]
    order_columns = ["name"]
    add_columns = ["code", "name", "disease", "area", "starts_on"]
    edit_columns = ["name", "disease"]


@contextmanager
def shown(app: Flask) -> Iterator[Flask]:
    """The application with both screens, and grants that last as long."""
    everything = ("can_list", "can_show", "can_add", "can_edit", "can_withdraw", "can_delete")
    with app.app_context():
        for view in (TestedSamples, TestedCampaigns):
            app.appbuilder.add_view_no_menu(view)  # type: ignore[attr-defined]
            roles.grant(view.class_permission_name, everything, Role.COLLECTOR, Role.COORDINATOR)
    try:
        yield app
    finally:
        for view in (TestedSamples, TestedCampaigns):
            del roles.GRANTS[view.class_permission_name]
