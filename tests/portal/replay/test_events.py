"""The events of a replay: counted as they are made, the same in every run."""

import datetime as dt

from portal.replay import events, plan
from portal.replay.people import households

AT = dt.datetime(2026, 11, 9, tzinfo=dt.UTC)


def _made(salt: str) -> list[list[dict]]:
    people = list(households(1, 2000, ["Phường Một"], 2026))
    shift = events.Shift("ABC234", "grant", 0)
    return [
        list(
            events.tube_events(
                events.Ids(salt),
                shift,
                tube,
                f"T{tube.number}",
                people[tube.first_person : tube.first_person + tube.size],
                AT,
            )
        )
        for tube in plan.tubes(1, plan.Figures.of(2000), 4)
    ]


def test_events_are_counted_without_being_made() -> None:
    tubes = plan.tubes(1, plan.Figures.of(2000), 4)
    assert [events.tube_event_count(tube) for tube in tubes] == [len(made) for made in _made("a")]


def test_two_runs_of_a_replay_say_the_same_and_another_replay_does_not() -> None:
    assert _made("a") == _made("a")
    assert _made("a") != _made("b")


def test_the_round_at_published_size_has_the_published_figures() -> None:
    figures = plan.Figures.of(plan.PUBLISHED_PEOPLE)
    tubes = plan.tubes(7, figures, 94)
    assert (len(tubes), sum(tube.size for tube in tubes)) == (22_290, 96_123)
    positive = [tube for tube in tubes if tube.case_places]
    assert len(positive) == 24
    assert sum(tube.size for tube in positive) == 104
    assert sum(len(tube.case_places) for tube in positive) == 32
