"""The public form: one question a page, every answer so far carried in hidden fields.

Nothing is kept on the server before the end, and nothing needs JavaScript: «back» is a button
of the same form, so answers are never lost.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext
from werkzeug.datastructures import MultiDict

import core_rs
from portal import clock
from portal.declarations.rules import Symptom, label, problems_of
from portal.web import formats


@dataclass(frozen=True, slots=True)
class Step:
    """One page of the form."""

    name: str
    fields: tuple[str, ...]


STEPS = (
    Step("who", ("declared_by", "proxy_name", "proxy_phone")),
    Step("name", ("full_name",)),
    Step("birth", ("birth",)),
    Step("sex", ("sex",)),
    Step("phone", ("phone",)),
    Step("id", ("national_id",)),
    Step("address", ("area_code", "address")),
    Step("travel", ("travelled",)),
    Step("symptoms", ("symptoms",)),
    Step("contact", ("had_contact",)),
    Step("review", ()),
)
FIELDS = tuple(name for step in STEPS for name in step.fields)
_LAST = len(STEPS) - 1


@dataclass(slots=True)
class Wizard:
    """Where somebody stands in the form.

    Attributes:
        answers: what was said so far, by field; symptoms as a list.
        number: index of the step shown.
        problems: sentences about the step shown.
        wants_submit: the review was confirmed and nothing is wrong.
    """

    answers: dict[str, Any]
    number: int = 0
    problems: list[str] = field(default_factory=list)
    wants_submit: bool = False

    @property
    def step(self) -> Step:
        """The step shown."""
        return STEPS[self.number]

    @property
    def step_count(self) -> int:
        """How many steps there are."""
        return len(STEPS)

    def hidden(self) -> list[tuple[str, str]]:
        """Answers of the other steps, as name and value."""
        pairs: list[tuple[str, str]] = []
        for name in FIELDS:
            value = self.answers.get(name)
            if name in self.step.fields or value is None:
                continue
            values = value if isinstance(value, list) else [value]
            pairs += [(name, str(one)) for one in values]
        return pairs


def start(answers: Mapping[str, Any] | None = None) -> Wizard:
    """A new form, or one with the answers of an earlier version."""
    if answers is None:
        return Wizard({"declared_by": "self"})
    given = {name: answers[name] for name in FIELDS if name in answers}
    given["symptoms"] = list(given.get("symptoms") or ["none"])
    given["had_contact"] = "yes" if given.get("had_contact") else "no"
    given["birth"] = _as_typed(str(given.get("birth", "")))
    if given.get("declared_by") == "staff":
        given["declared_by"] = "self"
    return Wizard(given, number=_LAST)


def _as_typed(iso: str) -> str:
    parts = iso.split("-")
    return "/".join(reversed(parts))


def advance(form: MultiDict[str, str], today: dt.date) -> Wizard:
    """The next page after a page was sent: forward only when its answer is right."""
    answers: dict[str, Any] = {}
    for name in FIELDS:
        if name == "symptoms":
            if form.getlist(name):
                answers[name] = form.getlist(name)
        elif name in form:
            answers[name] = form[name]
    number = _number(form.get("step", "0"))
    wizard = Wizard(answers, number)
    go = form.get("go", "next")
    if go == "back":
        wizard.number = max(number - 1, 0)
        return wizard
    if go.startswith("step:"):
        wizard.number = _number(go.removeprefix("step:"))
        return wizard
    wrong = problems_of(answers, today)
    here = [problem for name, problem in wrong if name in wizard.step.fields]
    if wizard.step.name == "review" and wrong:
        wizard.number = _step_of(wrong[0][0])
        wizard.problems = [problem for _, problem in wrong]
    elif here:
        wizard.problems = here
    elif wizard.step.name == "review":
        wizard.wants_submit = True
    else:
        wizard.number = number + 1
    return wizard


def _number(text: str) -> int:
    return min(int(text), _LAST) if text.isascii() and text.isdigit() else 0


def _step_of(field_name: str) -> int:
    for number, step in enumerate(STEPS):
        if field_name in step.fields:
            return number
    return 0


def symptom_words() -> dict[str, str]:
    """Each symptom in words, in the order of the form."""
    words = {
        Symptom.FEVER: gettext("Fever"),
        Symptom.COUGH: gettext("Cough"),
        Symptom.DYSPNEA: gettext("Difficulty breathing"),
        Symptom.PNEUMONIA: gettext("Pneumonia"),
        Symptom.SORE_THROAT: gettext("Sore throat"),
        Symptom.FATIGUE: gettext("Fatigue"),
        Symptom.ANOSMIA: gettext("Loss of taste or smell"),
        Symptom.MYALGIA: gettext("Body aches"),
        Symptom.CHILLS: gettext("Chills"),
        Symptom.HEADACHE: gettext("Headache"),
        Symptom.RUNNY_NOSE: gettext("Runny or blocked nose"),
        Symptom.NAUSEA: gettext("Nausea"),
        Symptom.VOMITING: gettext("Vomiting"),
        Symptom.DIARRHEA: gettext("Diarrhoea"),
    }
    return {symptom.value: word for symptom, word in words.items()}


def _birth_as_read(text: str) -> str:
    """The day as it will be kept, so that 3/2/25 read as another century is seen in time."""
    try:
        birth = core_rs.parse_date(text, latest_year=clock.today().year)
    except core_rs.CoreError:
        return text
    return (
        formats.day(dt.date.fromisoformat(birth.iso))
        if birth.precision == "day"
        else str(birth.year)
    )


def summary(answers: Mapping[str, Any], communes: Sequence[Any]) -> list[tuple[str, str, int]]:
    """The answers in words, for the review: question, answer, number of its step."""
    symptoms = symptom_words()
    names = {commune.code: commune.name for commune in communes}
    sexes = {"male": gettext("Male"), "female": gettext("Female"), "other": gettext("Other")}
    chosen = [symptoms.get(one, gettext("None of these")) for one in answers.get("symptoms", [])]
    declarants = {
        "self": gettext("For myself"),
        "proxy": gettext("For somebody else"),
        "staff": gettext("At the desk"),
    }
    contact = answers.get("had_contact")
    told = {
        "declared_by": declarants.get(str(answers.get("declared_by")), ""),
        "proxy_name": answers.get("proxy_name", ""),
        "proxy_phone": answers.get("proxy_phone", ""),
        "full_name": answers.get("full_name", ""),
        "birth": _birth_as_read(str(answers.get("birth", ""))),
        "sex": sexes.get(str(answers.get("sex")), ""),
        "phone": answers.get("phone", ""),
        "national_id": answers.get("national_id", ""),
        "area_code": names.get(str(answers.get("area_code")), ""),
        "address": answers.get("address", ""),
        "travelled": answers.get("travelled", "") or gettext("None"),
        "symptoms": ", ".join(chosen),
        "had_contact": gettext("Yes") if contact in {"yes", True} else gettext("No"),
    }
    if answers.get("declared_by") != "proxy":
        told["proxy_name"] = told["proxy_phone"] = ""
    return [(label(name), str(value), _step_of(name)) for name, value in told.items() if value]
