"""Runs test vectors of the EU DCC through core_rs: `python -m tests.tools.dcc_vectors FILE`.

FILE has the shape of the shared `dcc_vectors.json`: a list of vectors with the layers of a
certificate (`prefix`, `base45`, `compressed`, `cose`, `cbor`, `json`), the `certificate` of the
signer, a `clock`, a `schema` version and `expected`. Prints passes, failures and what cannot be
tested because a layer is missing, for each expectation; `--failures` lists every failure.
What an expectation means is in the README of the public test data.
"""

import argparse
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import core_rs

Vector = dict[str, Any]


class MissingLayerError(Exception):
    """The vector lacks what the expectation needs."""


def layer(vector: Vector, name: str) -> Any:
    value = vector.get(name)
    if value is None or value == "":
        raise MissingLayerError(name)
    return value


def clock(vector: Vector) -> datetime:
    at = datetime.fromisoformat(layer(vector, "clock"))
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def trust(vector: Vector) -> core_rs.TrustList:
    trusted = core_rs.TrustList()
    trusted.add_certificate(layer(vector, "certificate"))
    return trusted


def codes(vector: Vector) -> set[str]:
    """What is wrong with the vector's COSE message by its certificate and clock."""
    at = clock(vector) if vector.get("clock") else 0
    message = bytes.fromhex(layer(vector, "cose"))
    verdict = core_rs.verify_cose(message, trust(vector), at, schema_version=vector.get("schema"))
    return {problem.code for problem in verdict.problems}


def certificate_in(cbor: bytes) -> Any:
    """The health certificate of a CBOR layer, which some vectors wrap in its claims."""
    content = core_rs.cbor_decode(cbor)
    if isinstance(content, dict) and -260 in content:
        return content[-260][1]
    return content


def plain(value: Any) -> Any:
    """A JSON value with instants in UTC, to the second: `Z`, `+00:00` and `.000Z` say the same."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)", value):
        return datetime.fromisoformat(value).astimezone(UTC).isoformat(timespec="seconds")
    return value


def same(left: Any, right: Any) -> bool:
    """Equal as JSON, order of keys aside; some vectors hold their JSON as a text."""
    if isinstance(right, str):
        right = json.loads(right)
    return plain(left) == plain(right)


def unprefix(vector: Vector) -> bool:
    found = core_rs.dcc_unprefix(layer(vector, "prefix"))
    return not vector.get("base45") or found == vector["base45"]


def base45(vector: Vector) -> bool:
    decoded = core_rs.base45_decode(layer(vector, "base45"))
    return decoded.hex() == layer(vector, "compressed").lower()


def compression(vector: Vector) -> bool:
    inflated = core_rs.dcc_inflate(bytes.fromhex(layer(vector, "compressed")))
    return not vector.get("cose") or inflated.hex() == vector["cose"].lower()


def signature(vector: Vector) -> bool:
    return not codes(vector) & {"dcc.algorithm", "dcc.unknown_key", "dcc.signature"}


def key_usage(vector: Vector) -> bool:
    content = core_rs.read_cose(bytes.fromhex(layer(vector, "cose"))).content
    return core_rs.may_sign_dcc(layer(vector, "certificate"), content)


def expiration(vector: Vector) -> bool:
    clock(vector)
    return not codes(vector) & {"dcc.expired", "dcc.not_yet_valid"}


def decode(vector: Vector) -> bool:
    if vector.get("cose"):
        found = core_rs.read_cose(bytes.fromhex(vector["cose"])).content
        return same(found, certificate_in(bytes.fromhex(layer(vector, "cbor"))))
    return same(certificate_in(bytes.fromhex(layer(vector, "cbor"))), layer(vector, "json"))


def valid_json(vector: Vector) -> bool:
    text = core_rs.dcc_unprefix(layer(vector, "prefix"))
    message = core_rs.dcc_inflate(core_rs.base45_decode(text))
    return same(core_rs.read_cose(message).content, layer(vector, "json"))


def schema(vector: Vector) -> bool:
    if vector.get("cbor"):
        content = certificate_in(bytes.fromhex(vector["cbor"]))
    elif vector.get("cose") and not vector.get("json"):
        content = core_rs.read_cose(bytes.fromhex(vector["cose"])).content
    else:
        content = layer(vector, "json")
        content = json.loads(content) if isinstance(content, str) else content
    return not core_rs.check_dcc_schema(content, vector.get("schema"))


CHECKS: dict[str, Callable[[Vector], bool]] = {
    "EXPECTEDUNPREFIX": unprefix,
    "EXPECTEDB45DECODE": base45,
    "EXPECTEDCOMPRESSION": compression,
    "EXPECTEDVERIFY": signature,
    "EXPECTEDDECODE": decode,
    "EXPECTEDVALIDJSON": valid_json,
    "EXPECTEDEXPIRATIONCHECK": expiration,
    "EXPECTEDKEYUSAGE": key_usage,
    "EXPECTEDSCHEMAVALIDATION": schema,
}


def run(vectors: list[Vector]) -> tuple[dict[str, Counter[str]], list[tuple[str, str, bool]]]:
    """Counts for each expectation, and the failures as (vector, expectation, expected)."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    failures = []
    for vector in vectors:
        for name, check in CHECKS.items():
            expected = vector.get("expected", {}).get(name)
            if expected is None:
                continue
            try:
                found = check(vector)
            except MissingLayerError:
                counts[name]["untestable"] += 1
                continue
            except ValueError:
                # CoreError, or a layer that is not even hexadecimal.
                found = False
            counts[name]["pass" if found is expected else "fail"] += 1
            if found is not expected:
                failures.append((vector["id"], name, expected))
    return counts, failures


def end_to_end(vectors: list[Vector]) -> tuple[int, int]:
    """From the text of the QR code to a verified signature, as many as there are."""
    good = total = 0
    broken = {"dcc.algorithm", "dcc.unknown_key", "dcc.signature"}
    for vector in vectors:
        if not (vector.get("prefix") and vector.get("certificate")):
            continue
        if vector.get("expected", {}).get("EXPECTEDVERIFY") is not True:
            continue
        total += 1
        try:
            verdict = core_rs.verify_dcc(vector["prefix"], trust(vector), 0)
        except ValueError:  # a signer's certificate that is none
            continue
        found = {problem.code for problem in verdict.problems}
        good += verdict.content is not None and not found & broken
    return good, total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--failures", action="store_true", help="list every failure")
    arguments = parser.parse_args()
    vectors = json.loads(arguments.file.read_text("utf-8"))
    counts, failures = run(vectors)
    print(f"{'expectation':28}{'pass':>6}{'fail':>6}{'untestable':>12}")
    for name in CHECKS:
        count = counts[name]
        print(f"{name:28}{count['pass']:>6}{count['fail']:>6}{count['untestable']:>12}")
    total: Counter[str] = sum(counts.values(), Counter())
    print(f"{'sum':28}{total['pass']:>6}{total['fail']:>6}{total['untestable']:>12}")
    good, signed = end_to_end(vectors)
    print(f"text to verified signature: {good} of {signed}")
    for vector, name, expected in failures if arguments.failures else []:
        print(f"{vector}: {name} should be {str(expected).lower()}")


if __name__ == "__main__":
    main()
