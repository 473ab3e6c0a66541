"""`tram accounts`: the first login of an installation, and a staff list from a shell."""

import re
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from portal import db, migrations, settings
from portal.accounts.models import StaffProfile
from portal.app import create_app
from portal.cli import main
from portal.roles import Role
from tests.portal import builders
from tests.portal.web.world import token_of


@pytest.fixture
def installation(tmp_path: Path, sqlite_url: str, monkeypatch) -> settings.Settings:
    """A fresh installation with one open site."""
    environ = {
        "TRAM_DATABASE_URL": sqlite_url,
        "TRAM_VAR_DIR": str(tmp_path / "var"),
        "TRAM_SECRET_KEY": "a secret of the tests, long enough to be taken",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    config = settings.load(environ)
    migrations.upgrade(config.database_url)
    db.bind(config)
    builders.site(db.db_session(), code="DN001", name="Trạm Y tế Hải Châu")
    db.db_session.remove()
    return config


def tram(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_first_administrator_signs_in_with_the_printed_code(installation) -> None:
    bad = tram("accounts", "create-admin", "--name", "Trần", "--phone", "12")
    assert bad.exit_code == 1
    assert "two words" in bad.output
    assert "phone" in bad.output
    made = tram("accounts", "create-admin", "--name", "trần thị quản trị", "--phone", "0905123456")
    assert made.exit_code == 0, made.output
    username = re.search(r"Login name:\s+(\S+)", made.output)[1]
    code = re.search(r"One-time code:\s+(\S+)", made.output)[1]
    browser = create_app(installation).test_client()
    sent = token_of(browser.get("/login/").get_data(as_text=True))
    answer = browser.post(
        "/login/", data={"username": username, "password": code, "csrf_token": sent}
    )
    assert answer.status_code == 302
    assert "/password" in browser.get("/", follow_redirects=False).headers.get("Location", "")


def test_a_list_makes_accounts_once_and_its_errors_come_back(installation, tmp_path: Path) -> None:
    template = tmp_path / "mau.xlsx"
    assert tram("accounts", "template", template).exit_code == 0
    assert template.stat().st_size > 2000
    source = tmp_path / "can-bo.csv"
    source.write_text(
        "Họ và tên,SĐT,Đơn vị,Nhiệm vụ\n"
        "Nguyễn Thị Thử,0905123456,DN001,Lấy mẫu\n"
        "Lê,123,Ở đâu,phi công\n",
        encoding="utf-8",
    )
    slips = tmp_path / "phieu.pdf"
    done = tram("accounts", "import", source, "--slips", slips)
    assert done.exit_code == 1
    assert "2 rows: 1 accounts made, 0 known, 1 wrong." in done.output
    answer = tmp_path / "can-bo-loi.csv"
    assert stat.S_IMODE(answer.stat().st_mode) == 0o600
    line = answer.read_text(encoding="utf-8-sig").splitlines()[2]
    assert line.count(";") >= 2
    assert slips.read_bytes().startswith(b"%PDF")
    again = tram("accounts", "import", source)
    assert "0 accounts made, 1 known, 1 wrong" in again.output
    profile = db.db_session().scalars(sa.select(StaffProfile)).one()
    assert [role.name for role in profile.user.roles] == [Role.COLLECTOR.value]
    db.db_session.remove()
