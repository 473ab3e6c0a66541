"""Laws of the house on files: short, and silent about where they were written."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 500


def _files(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.splitlines()]


def test_no_source_file_is_longer_than_500_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in _files("*.py", "*.rs", "*.js")
        if "migrations/versions" not in str(path)
        and path.exists()
        and (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert long == {}


@pytest.mark.parametrize("name", ["qr_photos", "dcc_vectors.json", "pbest.json"])
def test_data_that_may_not_be_committed_is_not(name: str) -> None:
    assert [path for path in _files() if name in path.name or name in path.parts] == []
