"""Limits decide the exit code of a run: what was promised, or a red build."""

import os
from typing import Any

from locust import events


def require(limits: dict[str, float], *, factor: float = 1.0) -> None:
    """Fails the run if an address is slower than allowed at p99 (ms), never asked, or failed."""

    @events.quitting.add_listener
    def judge(environment: Any, **_: Any) -> None:
        slack = float(os.environ.get("TRAM_LOAD_SLACK", factor))
        stats = environment.stats
        problems = []
        if stats.total.num_failures:
            problems.append(f"{stats.total.num_failures} of {stats.total.num_requests} failed")
        for name, limit in limits.items():
            entries = [e for (path, _), e in stats.entries.items() if path == name]
            if not entries:
                problems.append(f"{name} was never asked")
                continue
            slowest = max(entry.get_response_time_percentile(0.99) for entry in entries)
            if slowest > limit * slack:
                problems.append(f"{name}: p99 {slowest:.0f} ms, allowed {limit * slack:.0f} ms")
        for problem in problems:
            print("LIMIT", problem)
        environment.process_exit_code = 1 if problems else 0
