"""Compare pool numbers with values made by others.

    uv run python -m tests.tools.pool_reference FILE

FILE has `cases` (or is their list): each with `function` (prevalence, design, optimal_size), `args`
by name, `expected` by name and `rel_tol`; names are those of core_rs, or of binGroup2 and
PooledInfRate (`ARGUMENTS`, `DESIGNS`, `VALUES` below). Prints how many passed, failed and are
unsupported, and the worst relative error among all but these. Ends with status 1 if any failed.
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


# Names of arguments and values in binGroup2 and PooledInfRate.
ARGUMENTS = {
    "x": "positive", "m": "size", "n": "tested",
    "pt_method": "point", "ci_method": "interval", "conf_level": "confidence",
    "sens": "sensitivity", "spec": "specificity", "Se": "sensitivity", "Sp": "specificity",
    "algorithm": "design", "probabilities": "p_each", "hier_config": "stages",
    "rowcol_sz": "sizes", "group_sz": "group_sizes", "obj_fn": "objective", "method": "arrangement",
}  # fmt: skip
DESIGNS = {
    "D2": ("dorfman", 2), "D3": ("hierarchical", 3), "D4": ("hierarchical", 4),
    "ID2": ("informative_dorfman", 2), "ID3": ("hierarchical", 3), "ID4": ("hierarchical", 4),
    "A2": ("array", 2), "A2M": ("array_with_master", 3), "IA2": ("informative_array", 2),
    "three_stage": ("hierarchical", 3), "four_stage": ("hierarchical", 4),
    "1SIS": ("sterrett", 2), "2SIS": ("sterrett", 2), "FIS": ("sterrett", 2),
}  # fmt: skip
STERRETT = {
    "1SIS": {"poolings": 1},
    "2SIS": {"poolings": 2},
    "FIS": {"infers_last": False},
}
VALUES = {
    "P": "estimate", "lcl": "lower", "ucl": "upper", "ET": "expected_tests",
    "PSe": "sensitivity", "PSp": "specificity", "PPPV": "ppv", "PNPV": "npv",
    "PPV": "ppv", "NPV": "npv", "Stage1": "size", "Stage2": "groups", "pool_szs": "groups",
    "Block_sz": "people", "Array_dim": "size", "Array_sz": "people",
}  # fmt: skip


def named(args: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """With our names, whether dots or underscores stand between the words."""
    plain = {key.replace(".", "_"): value for key, value in args.items()}
    return {names.get(key, key): value for key, value in plain.items()}


def prevalence(**args: Any) -> dict[str, Any]:
    """Also with `scale` (a rate per so many people), `alpha`, and one-sided `alternative`."""
    args = named(args, ARGUMENTS)
    groups = [_listed(args.pop(name)) for name in ("positive", "size")]
    groups.append(_listed(args.pop("tested", [1] * len(groups[0]))))
    scale = args.pop("scale", 1)
    if "alpha" in args:
        args["confidence"] = 1 - args.pop("alpha")
    for name in ("point", "interval"):
        if args.get(name) is not None:
            args[name] = args[name].lower()
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


def _design(args: dict[str, Any]) -> tuple[str, int, dict[str, Any]]:
    """The design, its number of stages, and the other arguments."""
    args = named(args, ARGUMENTS)
    name = args.pop("design")
    args |= STERRETT.get(name, {})
    stages = 3
    if name.startswith("I") and "p_each" in args and "stages" in args:
        # Informative designs take people in the order of their risk.
        args["p_each"] = sorted(args["p_each"])
    if name in DESIGNS:
        name, stages = DESIGNS[name]
    return name, stages, args


def design(**args: Any) -> dict[str, Any]:
    name, _stages, args = _design(args)
    if isinstance(args.get("sizes"), int):
        args["sizes"] = [args["sizes"]]
    if "arrangement" in args:
        known = {"gd": "gradient", "sd": "spiral"}
        args["arrangement"] = known.get(args["arrangement"], args["arrangement"])
    values = core_rs.pool_design(name, **args)
    return values | {"value": values["tests_per_person"]}


def optimal_size(**args: Any) -> dict[str, Any]:
    """Also with `group_sz`: one size, or a list of them from the smallest to the largest."""
    name, stages, args = _design(args)
    args.setdefault("stages", stages)
    if "group_sizes" in args:
        sizes = _listed(args.pop("group_sizes"))
        args |= {"sizes_from": min(sizes), "sizes_to": max(sizes)}
    weights = args.get("weights")
    if weights and isinstance(weights[0], list):
        args["weights"] = weights[0]
    return core_rs.optimal_pool_size(name, **args)


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
        wanted = named(case["expected"], VALUES)
        missing = [key for key in wanted if key not in values]
        if missing:
            report.unsupported.append(f"{name}: no value {', '.join(missing)}")
            continue
        tolerance = case.get("rel_tol", 1e-6)
        errors = {key: relative_error(values[key], expected) for key, expected in wanted.items()}
        bad = {key: error for key, error in errors.items() if not error <= tolerance}
        report.worst = max(report.worst, *errors.values(), 0.0)
        if bad:
            told = ", ".join(f"{key} {values[key]} for {wanted[key]}" for key in bad)
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
