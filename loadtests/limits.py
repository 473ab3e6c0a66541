"""Limits decide the exit code of a run: what was promised, or a red build."""

import os
from typing import Any

from locust import events

Limits = dict[str, float]


def require(p99: Limits, *, p95: Limits | None = None, least: dict[str, int] | None = None) -> None:
    """Fails the run if an address is slower than allowed (ms), or was asked too seldom, or failed.

    Args:
        p99: what 99 of 100 answers of an address must keep.
        p95: what 95 of 100 must keep.
        least: how often an address must have been answered.
    """
    kinds = ((0.99, p99), (0.95, p95 or {}))
    needed = {**{name: 1 for _, limits in kinds for name in limits}, **(least or {})}

    @events.quitting.add_listener
    def judge(environment: Any, **_: Any) -> None:
        slack = float(os.environ.get("TRAM_LOAD_SLACK", "1"))
        stats = environment.stats
        problems = []
        if stats.total.num_failures:
            problems.append(f"{stats.total.num_failures} of {stats.total.num_requests} failed")
        found = {
            name: [entry for (path, _), entry in stats.entries.items() if path == name]
            for name in needed
        }
        for name, count in needed.items():
            asked = sum(entry.num_requests for entry in found[name])
            if asked < count:
                problems.append(f"{name}: asked {asked} times, at least {count} wanted")
        for part, limits in kinds:
            for name, limit in limits.items():
                times = [e.get_response_time_percentile(part) for e in found[name]]
                if times and max(times) > limit * slack:
                    problems.append(
                        f"{name}: p{part * 100:.0f} {max(times):.0f} ms,"
                        f" allowed {limit * slack:.0f} ms"
                    )
        for problem in problems:
            print("LIMIT", problem)
        environment.process_exit_code = 1 if problems else 0
