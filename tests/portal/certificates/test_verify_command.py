"""`tram verify`: papers of a portal, and forged ones, judged without the server."""

import json
import random
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy.orm import Session

from portal.certificates import sealing, services, slips
from portal.certificates.models import Certificate
from portal.cli import main
from portal.settings import Settings
from reports.certificate import CertificatePage, make_paper
from reports.signing import Seal
from tests.portal.certificates.test_certificates import SYSTEM
from tests.portal.certificates.world import AT, World
from tests.reports.pages import page
from tests.reports.test_attacks import print_copy, result_list


@pytest.fixture
def office_env(config: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in {
        "TRAM_DATABASE_URL": config.database_url,
        "TRAM_VAR_DIR": str(config.var_dir),
        "TRAM_SECRET_KEY": config.secret_key,
    }.items():
        monkeypatch.setenv(name, value)
    return config


@pytest.fixture
def issued(session: Session, office_env: Settings) -> Certificate:
    world = World(session)
    sample = world.sample(world.person())
    world.release(sample.tube, "negative")
    office = sealing.office_of(office_env)
    made = services.issue(session, SYSTEM, sample_id=sample.id, office=office)
    session.commit()
    return made


@pytest.fixture
def paper(issued: Certificate, office_env: Settings, tmp_path: Path) -> Path:
    path = tmp_path / "paper.pdf"
    path.write_bytes(sealing.paper_of(issued, office_env))
    return path


def _verify(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["verify", *map(str, arguments)], catch_exceptions=False)


def test_a_paper_carries_its_slip_and_stands_by_database_and_offline(
    issued: Certificate, paper: Path, office_env: Settings, tmp_path: Path
) -> None:
    assert "/R/" in issued.snapshot["verify_url"]
    assert issued.snapshot["verify_text"].endswith(f"/c/{issued.code}")
    found = _verify(paper)
    assert found.exit_code == 0, found.output
    assert "Valid in the database, issue 1" in found.output
    root = tmp_path / "root.pem"
    root.write_bytes((sealing.folder(office_env) / f"{issued.snapshot['signer']}.pem").read_bytes())
    number, public = next(iter(slips.public_keys(office_env).items()))
    alone = _verify("--trust", root, "--slip-key", f"{number}={public}", "--json", paper)
    told = json.loads(alone.output)
    assert (alone.exit_code, told["is_valid"], told["notes"]) == (0, True, [])
    assert (told["code"], told["profile"]) == (issued.code, "B-B")
    # Without the slip's key that part is said to be open, and nothing else.
    assert "key is not known" in _verify("--trust", root, paper).output


def test_replaced_and_revoked_papers_do_not_stand(
    session: Session, issued: Certificate, paper: Path
) -> None:
    services.revoke(session, SYSTEM, certificate_id=issued.id, reason="mẫu lẫn")
    session.commit()
    found = _verify(paper)
    assert found.exit_code == 1
    assert "was revoked on" in found.output
    assert _verify("--no-database", paper).exit_code == 0


@pytest.mark.parametrize(
    ("row", "value", "said"),
    [
        (0, "Người Khác", "another person"),
        (1, "01/01/1970", "another person"),
        (6, "0000-0000-000", "another sample"),
    ],
)
def test_a_page_that_says_otherwise_than_its_symbol_is_found_although_it_is_signed(
    row: int, value: str, said: str, issued: Certificate, paper: Path, office_env: Settings
) -> None:
    snapshot = json.loads(json.dumps(issued.snapshot))
    snapshot["rows"][row][2] = value
    seal = sealing.signing_of(sealing.folder(office_env), issued.snapshot["signer"]).seal
    paper.write_bytes(make_paper(CertificatePage.from_snapshot(snapshot), seal))
    found = _verify("--no-database", paper)
    assert found.exit_code == 1
    assert said in found.output
    assert "does not say what the database has" in _verify(paper).output


def test_a_zip_is_judged_paper_by_paper_and_against_its_index(paper: Path, tmp_path: Path) -> None:
    archive = tmp_path / "all.zip"
    good = paper.read_bytes()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("A.pdf", good)
        out.writestr("B.pdf", good[:2000] + bytes([good[2000] ^ 1]) + good[2001:])
        index = "sample_code,certificate_code,kind,issued_at,sha256,problem\r\n"
        out.writestr(
            "index.csv", f"{index}S,A,negative,,{'0' * 64},\r\nS,C,negative,,{'0' * 64},\r\n"
        )
    lines = _verify("--json", archive).output.splitlines()
    told = {line["file"].rsplit(":", 1)[1]: line["problems"] for line in map(json.loads, lines)}
    assert told["A.pdf"] == ["The paper is not the one that index.csv lists."]
    assert "changed after" in told["B.pdf"][0]
    assert "not in the ZIP" in told["C.pdf"][0]
    broken = tmp_path / "broken.zip"
    broken.write_bytes(archive.read_bytes()[:-4] + b"PK\x05\x06")
    assert _verify(broken).exit_code == 1


def test_changed_bytes_are_found_by_the_command(paper: Path, tmp_path: Path) -> None:
    good, chance = paper.read_bytes(), random.Random(11)
    archive = tmp_path / "changed.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for number in range(60):
            changed = bytearray(good)
            at = chance.randrange(len(changed))
            changed[at] = (changed[at] + chance.randrange(1, 256)) % 256
            out.writestr(f"{number}.pdf", bytes(changed))
    found = _verify("--no-database", archive)
    assert found.exit_code == 1
    assert found.output.splitlines()[-1] == "60 papers, 60 do not stand"


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.7", b"PK", b"%PDF-1.7\n" + bytes(range(256)) * 20]
)
def test_what_is_no_paper_gets_a_sentence(
    content: bytes, office_env: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "x.pdf"
    path.write_bytes(content)
    found = _verify("--no-database", path)
    assert found.exit_code == 1
    assert "NOT VALID." in found.output


def test_wrong_arguments_are_said(paper: Path, tmp_path: Path) -> None:
    other = tmp_path / "no.pem"
    other.write_text("no certificate")
    assert "no certificate" in _verify("--trust", other, paper).output
    assert "NUMBER=BASE64" in _verify("--slip-key", "1=%%%", paper).output


def test_another_signer_is_not_trusted(issued: Certificate, paper: Path) -> None:
    seal = Seal.make("Kẻ khác", AT)[0]
    paper.write_bytes(make_paper(CertificatePage.from_snapshot(issued.snapshot), seal))
    found = _verify(paper)
    assert found.exit_code == 1
    assert "No chain leads from «Kẻ khác»" in found.output


def test_a_database_that_does_not_answer_is_said(
    paper: Path, office_env: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAM_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    found = _verify(paper)
    assert found.exit_code == 0
    assert "was not asked" in found.stderr
    assert "was not asked" not in _verify("--no-database", paper).stderr


def test_a_session_list_and_a_print_copy_stand_by_their_seal(tmp_path: Path) -> None:
    seal, _key, certificate = Seal.make("Sở Y tế mẫu", AT)
    root, listed, copy = (tmp_path / name for name in ("root.pem", "list.pdf", "copy.pdf"))
    root.write_bytes(certificate)
    listed.write_bytes(seal.sign(result_list(AT), AT))
    alert = page(outcome="Dương tính", outcome_en="POSITIVE", is_alert=True)
    print_copy(copy, [make_paper(page(), seal), make_paper(alert, seal)], seal, AT)
    found = _verify("--trust", root, listed, copy)
    assert found.exit_code == 0, found.output
    assert "without a symbol" in found.output
    assert "print copy" in found.output
    for path in (listed, copy):
        changed = bytearray(path.read_bytes())
        changed[len(changed) // 3] ^= 1
        path.write_bytes(changed)
    found = _verify("--trust", root, listed, copy)
    assert found.exit_code == 1
    assert "2 do not stand" in found.output
