"""Settings: a bad value stops the start and names every bad one."""

import pytest

from portal import settings


def test_all_wrong_settings_are_named_at_once(tmp_path) -> None:
    with pytest.raises(settings.BadSettings) as caught:
        settings.load(
            {
                "TRAM_VAR_DIR": str(tmp_path),
                "TRAM_DATABASE_URL": "mysql://x",
                "TRAM_PORT": "http",
                "TRAM_TRAINING": "perhaps",
                "TRAM_PRODUCTION": "yes",
            }
        )
    text = str(caught.value)
    for name in ("TRAM_DATABASE_URL", "TRAM_PORT", "TRAM_TRAINING", "https", "TRAM_SECRET_KEY"):
        assert name in text


def test_the_secret_is_made_once_and_kept(tmp_path) -> None:
    first = settings.load({"TRAM_VAR_DIR": str(tmp_path)})
    second = settings.load({"TRAM_VAR_DIR": str(tmp_path)})
    assert first.secret_key == second.secret_key
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_a_journal_is_a_file_of_its_own_on_sqlite(tmp_path) -> None:
    loaded = settings.load({"TRAM_VAR_DIR": str(tmp_path)})
    assert loaded.journal_url.startswith("sqlite:///")
    assert loaded.journal_url != loaded.database_url
