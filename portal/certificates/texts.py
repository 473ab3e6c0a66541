"""What each state means, in plain words for the person: what it is, and what to do now."""

import datetime as dt
from dataclasses import dataclass

from flask_babel import gettext

from portal.certificates.rules import SampleFacts, shown_state
from portal.web.formats import instant


@dataclass(frozen=True, slots=True)
class Explanation:
    """A state in words.

    Attributes:
        title: in large letters.
        meaning: what it says, and what it does not.
        advice: what to do.
        tone: `plain`, `good`, `wait` or `alert`; a shape beside the colour says the same.
    """

    title: str
    meaning: str
    advice: str
    tone: str


def explain(facts: SampleFacts, *, is_overtaken: bool = False) -> Explanation:
    """The words for what is known of a sample. A suspect pool is never called positive.

    Args:
        facts: of the sample.
        is_overtaken: a newer sample has given the answer this one was waiting for.
    """
    if is_overtaken:
        return Explanation(
            gettext("Answered by the newer sample"),
            gettext("This was the first test, of a pool. It gave no result for you alone."),
            gettext("Only the result of the newer sample counts."),
            "plain",
        )
    state = shown_state(facts)
    makers = {
        "NEG_SINGLE": _negative,
        "NEG_BY_POOL": _negative_by_pool,
        "POS_CONFIRMED": _positive,
        "SUSPECT_POOL": _suspect,
        "RETEST_DUE": _suspect,
        "RETEST_RUNNING": _retest_running,
        "RESAMPLE": _resample,
        "UNRESOLVED": _unresolved,
        "WITHDRAWN": _withdrawn,
    }
    return makers.get(state, _waiting)(facts)


def explain_wait(until: dt.datetime) -> Explanation:
    """The words for a result that was released with very many others and opens a little later."""
    return Explanation(
        gettext("Your result is ready; it opens soon"),
        gettext(
            "Very many results were released together. So that everyone gets theirs without "
            "waiting long, yours opens at %(time)s.",
            time=instant(until),
        ),
        gettext("Look again then with the same code. You need not come to the sampling point."),
        "plain",
    )


def _negative(facts: SampleFacts) -> Explanation:
    del facts
    return Explanation(
        gettext("Negative"),
        gettext("The virus was not found in your sample."),
        gettext("Keep protecting yourself and others. If you fall ill, call the health station."),
        "good",
    )


def _negative_by_pool(facts: SampleFacts) -> Explanation:
    return Explanation(
        gettext("Negative (pool of %(size)s)", size=facts.sample_count),
        gettext("Your sample was tested together with others, and the virus was not found in any."),
        gettext("Keep protecting yourself and others. If you fall ill, call the health station."),
        "good",
    )


def _positive(facts: SampleFacts) -> Explanation:
    del facts
    return Explanation(
        gettext("Positive"),
        gettext("The virus was found in your sample."),
        gettext(
            "Stay where you are, away from others, and wear a mask. The health station will call "
            "you; call it yourself if you have trouble breathing."
        ),
        "alert",
    )


def _suspect(facts: SampleFacts) -> Explanation:
    del facts
    return Explanation(
        gettext("No conclusion yet: a new sample is needed"),
        gettext(
            "Your sample was tested together with others and the pool has to be looked into. "
            "This does not mean that you are infected: each person is tested again alone."
        ),
        gettext(
            "Please stay at home and keep away from others until your new sample has its result. "
            "The sampling team will call you."
        ),
        "wait",
    )


def _retest_running(facts: SampleFacts) -> Explanation:
    del facts
    return Explanation(
        gettext("Your new sample is being tested"),
        gettext("The first test was of a pool; the result of your own new sample decides."),
        gettext("Please stay at home until it is there. Look again later with the same code."),
        "wait",
    )


def _resample(facts: SampleFacts) -> Explanation:
    del facts
    return Explanation(
        gettext("A new sample is needed"),
        gettext("The sample could not be tested. This says nothing about your health."),
        gettext("The sampling team will call you, or come to the sampling point again."),
        "wait",
    )


def _unresolved(facts: SampleFacts) -> Explanation:
    del facts
    return Explanation(
        gettext("No conclusion"),
        gettext("The tests did not give a clear answer; a doctor is looking at it."),
        gettext("Please stay at home and call the health station."),
        "wait",
    )


def _withdrawn(facts: SampleFacts) -> Explanation:
    del facts
    return Explanation(
        gettext("This sample was cancelled"),
        gettext("It was registered by mistake or thrown away; it will get no result."),
        gettext("If you were sampled again, use the code of the newer slip."),
        "plain",
    )


def _waiting(facts: SampleFacts) -> Explanation:
    del facts
    return Explanation(
        gettext("No result yet"),
        gettext("Your sample is on its way or being tested."),
        gettext("Look again later with the same code. You need not come to the sampling point."),
        "plain",
    )


def unprintable(letters: str) -> str:
    """Says which letters stop a paper, and what to do."""
    return gettext(
        "No font of the papers has these letters: %(letters)s. "
        "Correct the name or address to the Latin spelling of the passport.",
        letters=" ".join(f"{letter} (U+{ord(letter):04X})" for letter in letters),
    )
