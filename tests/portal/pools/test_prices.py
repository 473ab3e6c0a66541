"""The tariff by day, and its place in the advice."""

import datetime as dt

from portal.pools import prices


def test_before_its_day_a_tariff_does_not_count() -> None:
    assert prices.in_force(dt.date(2021, 11, 7)) == {}


def test_a_price_has_its_document_and_falls_with_the_size() -> None:
    tariff = prices.in_force(dt.date(2026, 1, 1))
    assert (tariff[1].vnd, tariff[5].vnd, tariff[10].vnd) == (518_400, 164_600, 111_100)
    assert {price.document for price in tariff.values()} == {"Thông tư 16/2021/TT-BYT"}
    by_size = [tariff[size].vnd for size in sorted(tariff)]
    assert by_size == sorted(by_size, reverse=True)
    assert set(prices.in_force(dt.date(2026, 1, 1), basis="media")) == {1}
