"""A million memberships in 150,000 tubes with planted errors, as Arrow tables with text codes."""

import random
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import polars as pl

START = datetime(2026, 1, 1, tzinfo=UTC)
SIZES = [1, 3, 5, 10, 20]
OUTCOMES = ["negative", "positive", "inconclusive", "invalid"]


class Tables(NamedTuple):
    """Members, results and tubes."""

    members: pl.DataFrame
    results: pl.DataFrame
    tubes: pl.DataFrame


def campaign(members: int = 1_000_000, seed: int = 42) -> Tables:
    """A campaign.

    Planted for each million memberships: 2,000 people in two tubes, 400 results of unknown tubes,
    300 conflicts, 1,500 amendments, 200 results before the collection, 0.5 % of the tubes without
    result, 500 tubes counted with one swab more and 500 with one less than registered.
    """
    chance = random.Random(seed)
    share = members / 1_000_000

    def planted(count: int) -> int:
        return max(1, round(count * share))

    sizes: list[int] = []
    total = 0
    while total < members:
        sizes.append(chance.choice(SIZES))
        total += sizes[-1]
    codes = [f"T{n:09}" for n in range(len(sizes))]
    tube = [code for code, size in zip(codes, sizes, strict=True) for _ in range(size)]
    person = [f"P{n:013}" for n in range(total)]
    counted = dict(zip(codes, sizes, strict=True))
    # Never into or out of a single test, which would be a re-test and no contradiction.
    pools = [code for code, size in zip(codes, sizes, strict=True) if size > 1]
    members_of_pools = [at for at, code in enumerate(tube) if counted[code] > 1]
    for at in chance.sample(members_of_pools, planted(2_000)):
        code = chance.choice(pools)
        person.append(person[at])
        tube.append(code)
        counted[code] += 1
    for code in chance.sample(codes, planted(500)):
        counted[code] += 1
    for code in chance.sample(codes, planted(500)):
        counted[code] -= 1
    hour = {code: chance.randrange(72) for code in codes}
    collected = [START + timedelta(hours=hour[code]) for code in tube]
    told = [
        (code, 1, chance.choices(OUTCOMES, [945, 41, 5, 2])[0], hour[code] + 30)
        for code in codes
        if chance.random() > 0.005
    ]
    chance.shuffle(told)
    early, amended = planted(200), planted(1_500)
    told += [(code, 2, "negative", when + 5) for code, _, _, when in told[early : early + amended]]
    told += [(code, 1, "positive", when) for code, _, _, when in chance.sample(told, planted(300))]
    told[:early] = [
        (code, version, outcome, hour[code] - 5) for code, version, outcome, _ in told[:early]
    ]
    told += [(f"X{n:09}", 1, "negative", 140) for n in range(planted(400))]
    return Tables(
        pl.DataFrame(
            {
                "person_id": person,
                "tube_code": tube,
                "added_at": collected,
                "collected_at": collected,
            }
        ),
        pl.DataFrame(
            {
                "tube_code": [row[0] for row in told],
                "version": [row[1] for row in told],
                "outcome": [row[2] for row in told],
                "recorded_at": [START + timedelta(hours=row[3]) for row in told],
            }
        ),
        pl.DataFrame(
            {
                "tube_code": codes,
                "planned_size": sizes,
                "counted_swabs": [counted[code] for code in codes],
            }
        ),
    )
