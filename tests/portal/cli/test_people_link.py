"""`tram people link`: a file in, entities out, by the engine of the portal."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from core_rs import CoreError, PeopleLinker, link_entities, link_people, link_task
from portal.cli import _link_tasks, main
from portal.cli._link_tasks import Run, Workers, WorkersDied, stages
from portal.cli.people import LINK_STEPS
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


def test_the_bar_of_linking_has_a_step_for_each_that_is_told_of(records):
    linker, steps = PeopleLinker(threads=2), []
    linker.add(records.drop(TRUTH))
    linker.link(after_step=steps.append)
    assert len(steps) == LINK_STEPS


def test_columns_without_values_missing_and_other_columns_are_fine(tmp_path):
    pl.DataFrame({"record_id": [1, 2], "full_name": ["Lê Văn An", "Trần Thị Bé"],
                  "cccd": [None, None], "cough": [True, False],
                  "places": [["19001"], []]}).write_parquet(tmp_path / "in.parquet")  # fmt: skip
    result = run(tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert result.exit_code == 0, result.output
    assert pl.read_parquet(tmp_path / "out.parquet")["entity_id"].to_list() == [1, 2]


def test_a_file_that_says_nothing_of_people_is_refused(tmp_path):
    pl.DataFrame({"record_id": [1], "name": ["Lê Văn An"]}).write_parquet(tmp_path / "in.parquet")
    result = run(tmp_path / "in.parquet", tmp_path / "out")
    assert result.exit_code == 1
    assert "none of the columns full_name, dob," in result.output


def test_wards_need_their_two_columns(tmp_path):
    pl.DataFrame({"full_name": ["Lê Văn An"]}).write_parquet(tmp_path / "in.parquet")
    (tmp_path / "wards.csv").write_text("old,code\n1,2\n")
    result = run(tmp_path / "in.parquet", tmp_path / "out", "--wards", tmp_path / "wards.csv")
    assert result.exit_code == 1
    assert "lacks the column new" in result.output


def test_several_workers_find_the_same_people_as_one_process(records, tmp_path):
    wards = tmp_path / "wards.csv"
    wards.write_text("old,new\n19001,19500\n19002,19500\n")
    records.drop(TRUTH).write_parquet(tmp_path / "in.parquet")
    outputs = []
    for workers in (1, 2, 4):
        out = tmp_path / f"out{workers}.parquet"
        result = run(tmp_path / "in.parquet", out, "--workers", workers, "--wards", wards)
        assert result.exit_code == 0, result.output
        outputs.append(pl.read_parquet(out))
    assert outputs[0]["entity_id"].n_unique() < 16_000
    assert outputs[1].equals(outputs[0])
    assert outputs[2].equals(outputs[0])


def test_the_installed_command_starts_its_workers(records, tmp_path):
    records.drop(TRUTH).head(500).write_parquet(tmp_path / "in.parquet")
    tram = Path(sys.executable).with_name("tram")
    paths = [tmp_path / "in.parquet", tmp_path / "out.parquet"]
    command = [tram, "people", "link", "--workers", "2", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert pl.read_parquet(tmp_path / "out.parquet").height == 500


@pytest.mark.parametrize("stage", ["read", "blocks", "pairs"])
def test_a_worker_killed_in_the_middle_costs_nothing_but_its_task(records, tmp_path, stage):
    records.drop(TRUTH).write_parquet(tmp_path / "in.parquet")
    shared = Run(tmp_path / "in.parquet", tmp_path, len(records), 6, None)
    pool, killed = Workers(2), []
    try:
        for tasks in stages(shared):
            for process in pool.each(tasks):
                if tasks[0].name == stage and not killed:
                    os.kill(process, signal.SIGKILL)
                    killed.append(process)
            assert all(task.done for task in tasks)
    finally:
        pool.close()
    assert pool.deaths == 1
    found = pl.DataFrame(link_entities(tmp_path, 6)[0])
    alone = pl.DataFrame(link_people(records.drop(TRUTH)))
    assert (
        records["record_id"].gather(found["entity"]).equals(alone["entity_id"].alias("record_id"))
    )
    assert found["score"].equals(alone["score"])
    assert found["review"].equals(alone["review"])


def test_workers_that_keep_dying_end_the_run(records, tmp_path, monkeypatch):
    records.drop(TRUTH).write_parquet(tmp_path / "in.parquet")
    shared = Run(tmp_path / "in.parquet", tmp_path, len(records), 12, None)
    monkeypatch.setattr(_link_tasks, "MOST_DEATHS", 0)
    pool = Workers(1)
    tasks = next(stages(shared))

    def kill_all() -> None:
        for process in pool.each(tasks):
            os.kill(process, signal.SIGKILL)

    with pytest.raises(WorkersDied):
        kill_all()
    pool.close()


def test_a_task_without_its_files_says_which_is_missing(tmp_path):
    with pytest.raises(CoreError, match="read-0 could not be read"):
        link_task(tmp_path, "merge", 0, 2)
    with pytest.raises(CoreError, match="people could not be read"):
        link_task(tmp_path, "guess", 0, 2)
