"""Campaigns, their pool rules, and collection sessions."""

from typing import Any

from flask import flash, redirect
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session

from portal.actors import Actor
from portal.campaigns import services
from portal.campaigns.models import Campaign, CollectionSession, PoolPolicy
from portal.campaigns.rules import CampaignStatus, Method, SessionStatus, SpecimenType
from portal.campaigns.words import SPECIMENS
from portal.web.views import (
    RecordView,
    SQLAInterface,
    Step,
    current_actor,
    expose,
    may,
    permission,
    transaction,
)

STATUS_CHOICES = [
    ("planned", lazy_gettext("Planned"), "wait"),
    ("open", lazy_gettext("Open"), "ok"),
    ("closed", lazy_gettext("Closed"), "mute"),
]
METHODS = [(Method.PCR, lazy_gettext("RT-PCR")), (Method.ANTIGEN, lazy_gettext("Rapid antigen"))]


def _moves(item: Any, base: str) -> list[Step]:
    if item.status == "open":
        question = lazy_gettext("Close it? Devices stop scanning into it.")
        url = f"{base}/{item.id}/close"
        return [Step(lazy_gettext("Close"), url, "can_open", is_post=True, question=question)]
    url = f"{base}/{item.id}/open"
    return [Step(lazy_gettext("Open"), url, "can_open", is_post=True, tone="primary")]


class CampaignView(RecordView):
    """Rounds of testing."""

    datamodel = SQLAInterface(Campaign)
    class_permission_name = "Campaigns"
    route_base = "/campaigns"
    list_title = lazy_gettext("Campaigns")
    show_title = lazy_gettext("Campaign")
    add_title = lazy_gettext("New campaign")
    edit_title = lazy_gettext("Correct the campaign")
    base_order = ("starts_on", "desc")
    list_columns = ["code", "name", "area.name", "starts_on", "ends_on", "status"]
    show_columns = [
        "code", "name", "disease", "area.name", "starts_on", "ends_on", "target_people_count",
        "status",
    ]  # fmt: skip
    search_columns = ["code", "name", "status"]
    order_columns = ["code", "starts_on", "status"]
    add_columns = ["code", "name", "disease", "area", "starts_on", "ends_on", "target_people_count"]
    edit_columns = ["name", "disease", "ends_on", "target_people_count"]
    option_columns = {"area": ["name_folded", "name"]}
    label_columns = {
        "code": lazy_gettext("Code"),
        "name": lazy_gettext("Name"),
        "disease": lazy_gettext("Disease"),
        "area": lazy_gettext("Area"),
        "area.name": lazy_gettext("Area"),
        "starts_on": lazy_gettext("First day"),
        "ends_on": lazy_gettext("Last day"),
        "target_people_count": lazy_gettext("People to test"),
        "status": lazy_gettext("Status"),
    }
    choices_columns = {"status": STATUS_CHOICES}
    empty_text = lazy_gettext("No campaign yet. Make one, then plan its collection sessions.")

    def create_record(self, session: Session, actor: Actor, values: dict[str, Any]) -> Campaign:
        """A planned campaign with default pool rules."""
        plan = services.CampaignPlan(
            code=values["code"] or "",
            name=values["name"] or "",
            disease=values["disease"] or "",
            area_id=values["area_id"] or 0,
            starts_on=values["starts_on"],
            ends_on=values["ends_on"],
            target_people_count=values["target_people_count"] or 0,
        )
        return services.plan_campaign(session, actor, plan)

    def correct_record(
        self, session: Session, actor: Actor, item: Campaign, values: dict[str, Any]
    ) -> None:
        """Corrected name and end."""
        services.correct_campaign(
            session,
            actor,
            campaign_id=item.id,
            name=values["name"] or "",
            disease=values["disease"] or "",
            ends_on=values["ends_on"],
            target_people_count=values["target_people_count"] or 0,
        )

    def show_steps(self, item: Campaign) -> list[Step]:
        """Opening and closing, and the papers of its results."""
        steps = _moves(item, self.route_base)
        if may("can_list", "ResultPapers"):
            url = f"/result-papers/?campaign_id={item.id}"
            steps.append(Step(lazy_gettext("Results as papers"), url))
        return steps

    @expose("/<int:pk>/<any(open, close):wanted>", methods=["POST"])
    @permission("can_open")
    def move(self, pk: int, wanted: str) -> Any:
        """Opens or closes a campaign."""
        item = self.get_row(pk)
        status = CampaignStatus.OPEN if wanted == "open" else CampaignStatus.CLOSED
        with transaction(current_actor()) as session:
            services.set_campaign_status(
                session, current_actor(), campaign_id=item.id, status=status
            )
        flash(gettext("Saved."), "success")
        return redirect(self.row_url(item))


class PoolPolicyView(RecordView):
    """Pool rules by day: a new day makes a new rule, the old one keeps its tubes."""

    datamodel = SQLAInterface(PoolPolicy)
    class_permission_name = "PoolPolicies"
    route_base = "/pool-policies"
    list_title = lazy_gettext("Pool rules")
    show_title = lazy_gettext("Pool rule")
    add_title = lazy_gettext("New pool rule")
    base_order = ("valid_from", "desc")
    list_columns = [
        "campaign.name", "method", "valid_from", "default_size", "max_size",
        "retest_deadline_hours",
    ]  # fmt: skip
    show_columns = [*list_columns, "result_deadline_hours", "document"]
    search_columns = ["campaign", "method"]
    order_columns = ["valid_from"]
    add_columns = [
        "campaign", "method", "valid_from", "default_size", "max_size", "retest_deadline_hours",
        "result_deadline_hours", "document",
    ]  # fmt: skip
    label_columns = {
        "campaign": lazy_gettext("Campaign"),
        "campaign.name": lazy_gettext("Campaign"),
        "method": lazy_gettext("Method"),
        "valid_from": lazy_gettext("From"),
        "default_size": lazy_gettext("Usual size"),
        "max_size": lazy_gettext("Largest size"),
        "retest_deadline_hours": lazy_gettext("Hours to sample again"),
        "result_deadline_hours": lazy_gettext("Hours to the result"),
        "document": lazy_gettext("Decision it comes from"),
    }
    choices_columns = {"method": METHODS}
    empty_text = lazy_gettext("No pool rule yet: each campaign starts with one.")

    def create_record(self, session: Session, actor: Actor, values: dict[str, Any]) -> PoolPolicy:
        """The rule of a day."""
        chosen = {name: values[name] for name in self.add_columns if name != "campaign"}
        return services.set_pool_policy(
            session, actor, campaign_id=values["campaign_id"] or 0, **chosen
        )


class CollectionSessionView(RecordView):
    """Sittings of teams at sites."""

    datamodel = SQLAInterface(CollectionSession)
    class_permission_name = "CollectionSessions"
    route_base = "/collection-sessions"
    list_title = lazy_gettext("Collection sessions")
    show_title = lazy_gettext("Collection session")
    add_title = lazy_gettext("New collection session")
    edit_title = lazy_gettext("Correct the collection session")
    base_order = ("held_on", "desc")
    list_columns = [
        "code",
        "held_on",
        "site.name",
        "campaign.name",
        "method",
        "pool_size",
        "status",
    ]
    show_columns = [*list_columns, "specimen_type", "opened_at", "closed_at", "note"]
    search_columns = ["code", "held_on", "site", "campaign", "status", "method"]
    order_columns = ["held_on", "code", "status"]
    add_columns = ["campaign", "site", "held_on", "method", "specimen_type", "pool_size", "note"]
    edit_columns = ["held_on", "pool_size", "note"]
    link_columns = ("status",)
    label_columns = {
        "code": lazy_gettext("Code"),
        "held_on": lazy_gettext("Day"),
        "site": lazy_gettext("Site"),
        "site.name": lazy_gettext("Site"),
        "campaign": lazy_gettext("Campaign"),
        "campaign.name": lazy_gettext("Campaign"),
        "method": lazy_gettext("Method"),
        "specimen_type": lazy_gettext("Specimen type"),
        "pool_size": lazy_gettext("Pool size"),
        "status": lazy_gettext("Status"),
        "opened_at": lazy_gettext("Opened"),
        "closed_at": lazy_gettext("Closed"),
        "note": lazy_gettext("Note"),
    }
    choices_columns = {"status": STATUS_CHOICES, "method": METHODS, "specimen_type": SPECIMENS}
    empty_text = lazy_gettext("No session yet. Plan one for each team and day, then open it.")

    def create_record(
        self, session: Session, actor: Actor, values: dict[str, Any]
    ) -> CollectionSession:
        """A planned sitting."""
        plan = services.SessionPlan(
            campaign_id=values["campaign_id"] or 0,
            site_id=values["site_id"] or 0,
            held_on=values["held_on"],
            method=values["method"] or Method.PCR,
            specimen_type=values["specimen_type"] or SpecimenType.NASOPHARYNGEAL,
            pool_size=values["pool_size"] or 1,
            note=values["note"] or "",
        )
        return services.plan_session(session, actor, plan)

    def correct_record(
        self, session: Session, actor: Actor, item: CollectionSession, values: dict[str, Any]
    ) -> None:
        """Corrected day, pool size and note."""
        services.correct_session(
            session,
            actor,
            session_id=item.id,
            held_on=values["held_on"],
            pool_size=values["pool_size"] or 0,
            note=values["note"] or "",
        )

    def show_steps(self, item: CollectionSession) -> list[Step]:
        """Opening and closing, and the papers of its results."""
        steps = _moves(item, self.route_base)
        if may("can_list", "ResultPapers"):
            url = f"/result-papers/?collection_session_id={item.id}"
            steps.append(Step(lazy_gettext("Results as papers"), url))
        return steps

    @expose("/<int:pk>/<any(open, close):wanted>", methods=["POST"])
    @permission("can_open")
    def move(self, pk: int, wanted: str) -> Any:
        """Opens or closes a session."""
        item = self.get_row(pk)
        status = SessionStatus.OPEN if wanted == "open" else SessionStatus.CLOSED
        with transaction(current_actor()) as session:
            services.set_session_status(session, current_actor(), session_id=item.id, status=status)
        flash(gettext("Saved."), "success")
        return redirect(self.row_url(item))
