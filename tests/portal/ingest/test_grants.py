"""Shift grants: made and read back, and nothing else is taken for one."""

import datetime as dt

import pytest

from portal.ingest.grants import BadGrant, make_grant, read_grant

SECRET = "a secret of the tests, long enough to be taken"
AT = dt.datetime(2026, 8, 1, 0, 30, tzinfo=dt.UTC)


def _grant(secret: str = SECRET) -> str:
    return make_grant(secret, staff_id=3, user_id=4, username="hoa", site_id=5, at=AT)


def test_a_grant_says_who_where_and_until_when() -> None:
    grant = read_grant(SECRET, _grant())
    assert (grant.staff_id, grant.user_id, grant.username, grant.site_id) == (3, 4, "hoa", 5)
    hour = 3600 * 1_000_000
    start = int(AT.timestamp()) * 1_000_000
    assert grant.covers(start)
    assert grant.covers(start + 14 * hour)
    assert not grant.covers(start + 15 * hour)
    assert not grant.covers(start - hour)


@pytest.mark.parametrize(
    "text",
    [
        _grant("another secret, long enough as well for it"),
        _grant()[:-2],
        _grant() + "A",
        _grant().replace("g1.", "g2."),
        "g1..",
        "g1.!.!",
        "x",
        "đ.đ.đ",
        "g1.WzFd." + "A" * 43,
    ],
)
def test_anything_else_is_invalid(text) -> None:
    with pytest.raises(BadGrant, match="grant_invalid"):
        read_grant(SECRET, text)


def test_a_missing_grant_is_told_apart() -> None:
    with pytest.raises(BadGrant, match="grant_missing"):
        read_grant(SECRET, "")
