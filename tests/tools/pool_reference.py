"""Compare pool numbers with values made by others.

    uv run python -m tests.tools.pool_reference FILE

FILE has `cases` (or is their list): each with `function` (prevalence, design, optimal_size), `args`
by name, `expected` by name and `rel_tol`. Prints how many passed, failed and are unsupported, and
the worst relative error among those that passed or failed. Ends with status 1 if any failed.
"""

import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import core_rs

# PooledInfRate prints an estimate of nothing, with imperfect tests, as this number.
PRINTED_ZERO = 1e-8


def prevalence(**args: Any) -> dict[str, Any]:
    """Also with `scale` (a rate per so many people), `alpha`, and one-sided `alternative`."""
    groups = [_listed(args.pop(name)) for name in ("positive", "size", "tested")]
    scale = args.pop("scale", 1)
    if "alpha" in args:
        args["confidence"] = 1 - args.pop("alpha")
    side = args.pop("alternative", "two.sided")
    if side != "two.sided":
        # One limit alone at 1 - alpha is that of both at 1 - 2 alpha.
        args["confidence"] = 2 * args.get("confidence", 0.95) - 1
    values = core_rs.pool_prevalence(*groups, **args)
    if side == "less":
        values["lower"] = 0.0
    if side == "greater":
        values["upper"] = 1.0
    return {key: None if value is None else value * scale for key, value in values.items()}


def _listed(value: Any) -> list[float]:
    return value if isinstance(value, list) else [value]


def design(**args: Any) -> dict[str, Any]:
    return core_rs.pool_design(args.pop("design"), **args)


def optimal_size(**args: Any) -> dict[str, Any]:
    return core_rs.optimal_pool_size(args.pop("design"), args.pop("p"), **args)


FUNCTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "prevalence": prevalence,
    "design": design,
    "optimal_size": optimal_size,
}


@dataclass
class Report:
    """What became of the cases; `failed` and `unsupported` say why."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    worst: float = 0.0


def relative_error(value: Any, expected: Any) -> float:
    """|value - expected| / |expected|; 0 if both are undefined, infinity if one is.

    Of a list the worst of its parts, infinity if it is longer or shorter.
    """
    if isinstance(expected, list):
        values = value if isinstance(value, list | tuple) else [value]
        if len(values) != len(expected):
            return math.inf
        return max(map(relative_error, values, expected), default=0.0)
    is_undefined = [
        v is None or (isinstance(v, float) and math.isnan(v)) for v in (value, expected)
    ]
    if any(is_undefined):
        return 0.0 if all(is_undefined) else math.inf
    if value == expected or (expected == PRINTED_ZERO and value == 0):
        return 0.0
    is_number = all(isinstance(v, int | float) for v in (value, expected))
    return abs(value - expected) / abs(expected) if is_number and expected else math.inf


def check(cases: list[dict[str, Any]]) -> Report:
    report = Report()
    for number, case in enumerate(cases):
        name = str(case.get("id", number))
        function = FUNCTIONS.get(case["function"])
        if function is None:
            report.unsupported.append(f"{name}: no function {case['function']}")
            continue
        try:
            values = function(**case["args"])
        except (core_rs.CoreError, TypeError, ValueError, KeyError) as problem:
            report.unsupported.append(f"{name}: {problem}")
            continue
        missing = [key for key in case["expected"] if key not in values]
        if missing:
            report.unsupported.append(f"{name}: no value {', '.join(missing)}")
            continue
        tolerance = case.get("rel_tol", 1e-6)
        errors = {
            key: relative_error(values[key], expected) for key, expected in case["expected"].items()
        }
        bad = {key: error for key, error in errors.items() if not error <= tolerance}
        report.worst = max(report.worst, *errors.values(), 0.0)
        if bad:
            told = ", ".join(f"{key} {values[key]} for {case['expected'][key]}" for key in bad)
            report.failed.append(f"{name}: {told}")
        else:
            report.passed += 1
    return report


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m tests.tools.pool_reference FILE", file=sys.stderr)
        return 2
    file = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    cases = file["cases"] if isinstance(file, dict) else file
    report = check(cases)
    for line in report.failed:
        print("failed", line)
    for line in report.unsupported:
        print("unsupported", line)
    print(
        f"passed {report.passed}, failed {len(report.failed)}, "
        f"unsupported {len(report.unsupported)}, worst relative error {report.worst:.2e}"
    )
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
