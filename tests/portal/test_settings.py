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


def test_a_journal_on_three_nodes_and_a_replica_are_taken_where_they_fit(tmp_path) -> None:
    given = {
        "TRAM_VAR_DIR": str(tmp_path / "own"),
        "TRAM_SHARED_DIR": str(tmp_path / "all"),
        "TRAM_DATABASE_URL": "postgresql://one/tram",
        "TRAM_JOURNAL_URL": "nats://a:4222,b:4222,c:4222/tram",
        "TRAM_REPLICA_URL": "postgresql://two/tram",
        "TRAM_SECRET_KEY": "k" * 40,
    }
    loaded = settings.load(given)
    assert loaded.has_log_cluster
    assert loaded.replica_url == "postgresql+psycopg://two/tram"
    assert loaded.shared_dir == tmp_path / "all"
    with pytest.raises(settings.BadSettings, match="TRAM_REPLICA_URL"):
        settings.load({**given, "TRAM_DATABASE_URL": ""})
    with pytest.raises(settings.BadSettings, match="TRAM_DATABASE_URL"):
        settings.load({**given, "TRAM_DATABASE_URL": "nats://a:4222"})
