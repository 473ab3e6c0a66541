"""`tram people link`: a file in, entities out, by the engine of the portal."""

import polars as pl
import pytest
from click.testing import CliRunner

from core_rs import link_people
from portal.cli import main
from tests.benchmarks.linkage.figures import figures
from tests.benchmarks.linkage.population import registrations

TRUTH = ["person_id", "twin", "namesake", "dirt", "part"]


@pytest.fixture(scope="module")
def records() -> pl.DataFrame:
    return registrations(20_000, seed=11)


def run(*arguments: object):
    return CliRunner().invoke(main, ["people", "link", *map(str, arguments)])


def test_a_file_is_linked_as_the_library_links_it(records, tmp_path):
    records.drop(TRUTH).write_parquet(tmp_path / "in.parquet")
    result = run(tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert result.exit_code == 0, result.output
    got = pl.read_parquet(tmp_path / "out.parquet")
    assert got.columns == ["record_id", "entity_id", "score", "review"]
    assert got.equals(pl.DataFrame(link_people(records.drop(TRUTH))))
    assert "20,000 records" in result.output
    found = figures(records, got["entity_id"])
    assert found.f1 > 0.985
    assert found.twins_merged < 0.25


def test_a_column_without_values_and_missing_columns_are_fine(tmp_path):
    pl.DataFrame({"record_id": [1, 2], "full_name": ["Lê Văn An", "Trần Thị Bé"],
                  "cccd": [None, None]}).write_parquet(tmp_path / "in.parquet")  # fmt: skip
    result = run(tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert result.exit_code == 0, result.output
    assert pl.read_parquet(tmp_path / "out.parquet")["entity_id"].to_list() == [1, 2]


def test_wards_need_their_two_columns(tmp_path):
    pl.DataFrame({"full_name": ["Lê Văn An"]}).write_parquet(tmp_path / "in.parquet")
    (tmp_path / "wards.csv").write_text("old,code\n1,2\n")
    result = run(tmp_path / "in.parquet", tmp_path / "out", "--wards", tmp_path / "wards.csv")
    assert result.exit_code == 1
    assert "lacks the column new" in result.output
