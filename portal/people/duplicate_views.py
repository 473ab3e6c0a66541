"""«Trùng lặp»: two records side by side, one key to decide; and what the answers have shown."""

import datetime as dt
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext, lazy_gettext

from portal import clock
from portal.audit import services as audit
from portal.errors import DomainError, Invalid
from portal.people import comparing, policies, queries, services
from portal.people.models import Person
from portal.people.services import Pair
from portal.people.words import DOCUMENTS, KINDS, SEXES
from portal.web.formats import birth
from portal.web.views import (
    StationView,
    current_actor,
    db_session,
    expose,
    may,
    permission,
    transaction,
)

PILES = {
    ("open", "proposal"): lazy_gettext("Similar records"),
    ("open", "conflict"): lazy_gettext("One card, two people"),
    ("later", "proposal"): lazy_gettext("Put off"),
    ("later", "conflict"): lazy_gettext("Put off, one card"),
}
_SAID = {
    "same": lazy_gettext("One person now."),
    "different": lazy_gettext("Two people. This pair never comes again."),
    "later": lazy_gettext("Put off."),
}


class DuplicateView(StationView):
    """One pair at a time, the strongest evidence first."""

    route_base = "/duplicates"
    class_permission_name = "Duplicates"
    default_view = "index"

    @expose("/")
    @permission("can_list")
    def index(self) -> Any:
        """The next pair of a pile, or the one asked for."""
        return self._page()

    def _page(self, problem: DomainError | None = None, candidate_id: int = 0) -> Any:
        status, kind = self._pile()
        actor = current_actor()
        wanted = request.args.get("pair", "")
        key = candidate_id or (int(wanted) if wanted.isdigit() else 0)
        with transaction(actor) as session:
            found = None if key else queries.next_pair(session, status, kind)
            key = key or (found.id if found else 0)
            pair = services.pair_of(session, actor, key) if key else None
            if pair is not None:
                audit.read(session, actor, "duplicate_candidates", str(key))
            waiting = queries.waiting(session)
            since = clock.now() - dt.timedelta(hours=12)
            decided = queries.decided_count(session, actor.user_id, since)
            identifiers = _identifiers(session, pair)
        page = self.render_template(
            "people/duplicates.html",
            title=gettext("Duplicates"),
            pair=pair,
            rows=_rows(pair, identifiers) if pair else [],
            waterfall=comparing.waterfall(pair.candidate) if pair else None,
            width=comparing.WIDTH,
            waiting=waiting,
            cap=queries.COUNT_CAP,
            decided=decided,
            piles=PILES,
            pile=(status, kind),
            kinds=KINDS,
            documents=DOCUMENTS,
            can_decide=may("can_decide", self.class_permission_name),
            problem=problem,
        )
        return page, (problem.status if problem else 200)

    def _pile(self) -> tuple[str, str]:
        wanted = (request.values.get("status", "open"), request.values.get("kind", "proposal"))
        return wanted if wanted in PILES else ("open", "proposal")

    @expose("/<int:candidate_id>/decide", methods=["POST"])
    @permission("can_decide")
    def decide(self, candidate_id: int) -> Any:
        """Same, different or later."""
        answer = request.form.get("answer", "")
        try:
            with transaction(current_actor()) as session:
                services.decide(
                    session, current_actor(), candidate_id=candidate_id, answer=answer,
                    seen=request.form.get("seen", ""),
                )  # fmt: skip
        except DomainError as error:
            if error.status == 404:  # noqa: PLR2004 - says nothing about what exists
                raise
            return self._page(error, candidate_id)
        flash(_SAID[answer], "success")
        return self._next()

    @expose("/undo", methods=["POST"])
    @permission("can_decide")
    def undo(self) -> Any:
        """Takes back one's own last decision and shows its pair again."""
        try:
            with transaction(current_actor()) as session:
                candidate = services.undo_last(session, current_actor())
        except DomainError as error:
            flash(error.message, "warning")
            return self._next()
        flash(gettext("Taken back: decide again."), "info")
        return self._next(pair=candidate.id)

    @expose("/<int:candidate_id>/reopen", methods=["POST"])
    @permission("can_decide")
    def reopen(self, candidate_id: int) -> Any:
        """Takes back the decision about one pair, whoever made it."""
        with transaction(current_actor()) as session:
            candidate = services.reopen(session, current_actor(), candidate_id=candidate_id)
        flash(gettext("Taken back: decide again."), "info")
        return redirect(url_for("DuplicateView.index", pair=candidate.id))

    def _next(self, **more: Any) -> Any:
        status, kind = self._pile()
        return redirect(url_for("DuplicateView.index", status=status, kind=kind, **more))


def _identifiers(session: Any, pair: Pair | None) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    if pair is not None:
        for row in queries.identifiers_of(session, [pair.left.id, pair.right.id]):
            found.setdefault(row.person_id, {}).setdefault(row.kind, row.value)
    return found


def _rows(pair: Pair, identifiers: dict[int, dict[str, str]]) -> Any:
    sexes = dict(SEXES)

    def texts(person: Person) -> dict[str, str]:
        held = identifiers.get(person.id, {})
        return {
            "name": person.full_name,
            "birth": birth(person.birth_on, person.birth_year),
            "sex": "" if person.sex == "unknown" else str(sexes.get(person.sex, person.sex)),
            "phone": person.phone,
            "address": person.address,
            **{kind: held.get(kind, "") for kind in DOCUMENTS},
        }

    left, right = texts(pair.left), texts(pair.right)
    labels = {
        "name": gettext("Full name"),
        "birth": gettext("Day of birth"),
        "sex": gettext("Sex"),
        "phone": gettext("Phone"),
        "address": gettext("Address"),
        **DOCUMENTS,
    }
    return comparing.rows((label, left[key], right[key]) for key, label in labels.items())


class LinkagePolicyView(StationView):
    """What the answers have shown, and whether the sure pairs merge by themselves."""

    route_base = "/duplicates/policy"
    class_permission_name = "LinkagePolicies"
    default_view = "index"

    @expose("/")
    @permission("can_list")
    def index(self) -> Any:
        """The numbers and the decision in force."""
        return self._page()

    @expose("/decide", methods=["POST"])
    @permission("can_add")
    def decide(self) -> Any:
        """Records a decision of the department."""
        form = request.form
        try:
            with transaction(current_actor()) as session:
                policies.decide(
                    session,
                    current_actor(),
                    valid_from=_day(form.get("valid_from", "")),
                    is_automatic=form.get("is_automatic") == "yes",
                    propose_from=_share(form.get("propose_from", "")),
                    least_precision=_share(form.get("least_precision", "")),
                    document=form.get("document", ""),
                )
        except DomainError as error:
            return self._page(error)
        flash(gettext("The decision is recorded."), "success")
        return redirect(url_for("LinkagePolicyView.index"))

    def _page(self, problem: DomainError | None = None) -> Any:
        session = db_session()
        policy = policies.current(session)
        page = self.render_template(
            "people/policy.html",
            title=gettext("Automatic merging"),
            policy=policy,
            zone=policies.zone(session, policy.least_precision),
            automatic_count=queries.automatic_count(session),
            can_add=may("can_add", self.class_permission_name),
            given=request.form,
            today=clock.today(),
            problem=problem,
        )
        return page, (problem.status if problem else 200)


def _share(text: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return -1.0  # out of every range: the service names it with all the rest


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        raise Invalid(gettext("Choose the day from which the decision counts.")) from None
