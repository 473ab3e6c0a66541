"""The worklist with very many pairs, on both databases.

`TRAM_PAIRS=100000 pytest -s tests/portal/people/test_many_pairs.py` prints times of the pages.
"""

import datetime as dt
import os
import re
import statistics
import uuid

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import clock, db
from portal.people.models import DuplicateCandidate, Person
from tests.portal.web.world import World, sign_in, token_of

PAIRS = int(os.environ.get("TRAM_PAIRS", "12000"))
MOST_STATEMENTS = 14
WEIGHTS = [["household", "same_phone", 9.1], ["dob", "same", 8.4], ["given_name", "same", 5.5]]


@pytest.fixture
def many(app: Flask, world: World) -> Flask:
    """Two people and one pair of theirs, `PAIRS` times; a tenth of the pairs is of other piles."""
    with app.app_context(), db.session_factory() as session, session.begin():
        site_id = world.samples["a"][0].site_id
        first = (session.scalar(sa.select(sa.func.max(Person.id))) or 0) + 1
        now = clock.now()
        people = [
            {
                "id": first + at, "uid": uuid.UUID(int=(7 << 100) + at), "birth_year": 1990,
                "full_name": f"Nguyễn Thị Số {at // 2}", "folded_name": f"nguyen thi so {at // 2}",
                "sort_name": "", "birth_on": dt.date(1990, 1, 2), "phone": f"09{at:08}",
                "site_id": site_id, "created_at": now,
            }
            for at in range(2 * PAIRS)
        ]  # fmt: skip
        pairs = [
            {
                "left_id": first + 2 * at, "right_id": first + 2 * at + 1,
                "left_site_id": site_id, "right_site_id": site_id, "bits": at % 1700 / 100,
                "score": 0.9, "evidence": {"prior": -9.0, "weights": WEIGHTS},
                "status": "later" if at % 20 == 0 else "open", "created_at": now,
                "decided_at": now if at % 20 == 0 else None,
                "kind": "conflict" if at % 20 == 1 else "proposal",
            }
            for at in range(PAIRS)
        ]  # fmt: skip
        session.connection().execute(sa.insert(Person), people)
        session.connection().execute(sa.insert(DuplicateCandidate), pairs)
    return app


def test_a_page_of_the_worklist_asks_little_however_many_pairs_wait(many: Flask) -> None:
    browser = sign_in(many, "data-officer")
    url = "/duplicates/?status=open&kind=proposal"
    spent: dict[str, list[tuple[float, float, int]]] = {"page": [], "decide": [], "list": []}

    def timed(what: str, answer):
        found = re.findall(r"dur=([\d.]+)", answer.headers["Server-Timing"])
        asked = re.search(r"(\d+) statements", answer.headers["Server-Timing"])
        assert asked
        spent[what].append((float(found[0]), float(found[1]), int(asked[1])))
        return answer

    browser.get(url)
    for answer in ("same", "different", "later") * 3:
        page = timed("page", browser.get(url)).get_data(as_text=True)
        action = re.search(r'action="(/duplicates/\d+/decide)"', page)
        seen = re.search(r'name="seen" value="([\d.]+)"', page)
        assert action
        assert seen
        sent = {"csrf_token": token_of(page), "seen": seen[1], "answer": answer}
        assert timed("decide", browser.post(action[1], data=sent)).status_code == 302
    for _answer in range(9):
        sent = {"csrf_token": token_of(page)}
        assert browser.post("/duplicates/undo", data=sent).status_code == 302
    timed("list", browser.get("/pairs/list/"))
    with db.session_factory() as session:
        versions = sa.select(sa.func.count(DuplicateCandidate.id))
        touched = session.scalar(versions.where(DuplicateCandidate.version > 1))
        waiting = session.scalar(versions.where(DuplicateCandidate.status == "open"))
        merged = sa.select(sa.func.count(Person.id)).where(Person.merged_into_id.is_not(None))
        assert session.scalar(merged) == 0
    assert touched == 9
    assert waiting == PAIRS - len(range(0, PAIRS, 20))
    assert max(asked for _, _, asked in spent["page"]) <= MOST_STATEMENTS
    for what, times in spent.items():
        middle = [statistics.median(column) for column in zip(*times, strict=True)]
        print(f"{PAIRS} pairs, {what}: {middle[0]:.1f} ms, of which SQL {middle[1]:.1f} ms in "
              f"{middle[2]:.0f} statements; slowest {max(times)[0]:.1f} ms")  # fmt: skip
