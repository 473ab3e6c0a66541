"""Seals of production: tokens, time stamps, rotation; papers are made again byte for byte."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from portal.certificates import sealing, services
from portal.certificates.models import Certificate
from portal.errors import Unavailable
from portal.settings import Settings
from reports.signing import Seal, SigningError, TokenKey, Trust, check_paper
from tests.portal.certificates.test_certificates import SYSTEM
from tests.portal.certificates.world import World
from tests.reports.authority import Authority, pem_of

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    sealing.signing_of.cache_clear()
    yield
    sealing.signing_of.cache_clear()


@pytest.fixture(scope="module")
def token_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bytes]:
    """A SoftHSM token «tram» that holds a key «seal»; gives the key as PEM, for its certificate.

    One for the module: a library of a token is opened once a process.
    """
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    patch = pytest.MonkeyPatch()
    patch.setenv("SOFTHSM2_CONF", str(settings))
    key = Authority().signer()[0]
    (folder / "key.pem").write_bytes(key)
    tool = ["softhsm2-util", "--pin", "1234"]
    made = ["--init-token", "--free", "--label", "tram", "--so-pin", "5678"]
    subprocess.run([*tool, *made], check=True, capture_output=True)
    kept = ["--import", folder / "key.pem", "--token", "tram", "--label", "seal", "--id", "01"]
    subprocess.run([*tool, *kept], check=True, capture_output=True)
    yield key
    patch.undo()


def _issued(session: Session, config: Settings) -> Certificate:
    world = World(session)
    sample = world.sample(world.person())
    world.release(sample.tube, "negative")
    return services.issue(session, SYSTEM, sample_id=sample.id, office=sealing.office_of(config))


def _use(config: Settings, certificate: bytes, *, key: bytes | None = None, said: str = "") -> str:
    """Puts a seal beside the data and names it the current one."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    folder = sealing.folder(config)
    folder.mkdir(parents=True, exist_ok=True)
    first = x509.load_pem_x509_certificates(certificate)[0]
    name = first.fingerprint(hashes.SHA256()).hex()
    (folder / f"{name}.pem").write_bytes(certificate)
    if key:
        (folder / f"{name}.key.pem").write_bytes(key)
    if said:
        (folder / f"{name}.toml").write_text(said)
    (folder / "current").write_text(name)
    return name


def _restarted(certificate: Certificate, config: Settings) -> bytes:
    sealing.signing_of.cache_clear()
    return sealing.paper_of(certificate, config)


def test_a_key_in_a_token_signs_the_same_bytes_as_its_file(
    session: Session, config: Settings, authority: Authority, token_key: bytes, tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    public = load_pem_private_key(token_key, None).public_key()
    certificate = authority.signer(key=public)[1]
    (tmp_path / "pin").write_text("1234\n")
    said = (
        f'[token]\nmodule = "{MODULE}"\ntoken = "tram"\nkey = "seal"\npin_file = "{tmp_path}/pin"\n'
    )
    name = _use(config, certificate, said=said)
    made = _issued(session, config)
    paper = sealing.paper_of(made, config)
    assert check_paper(paper, Trust.load([pem_of(authority.root)])).problems == ()
    folder = sealing.folder(config)
    assert not (folder / f"{name}.key.pem").exists()
    (folder / f"{name}.toml").unlink()
    (folder / f"{name}.key.pem").write_bytes(token_key)
    assert _restarted(made, config) == paper


def test_a_wrong_pin_or_label_is_said_without_the_pin(token_key: bytes) -> None:
    assert token_key
    # In a process of its own: a token that this one has opened asks for no PIN again.
    code = "import sys; from reports.signing.keys import TokenKey; TokenKey(*sys.argv[1:])"
    opened = subprocess.run(
        [sys.executable, "-c", code, str(MODULE), "tram", "seal", "9999"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert opened.returncode == 1
    assert "SigningError: the token «tram» gives no key «seal»" in opened.stderr
    assert "9999" not in opened.stderr
    with pytest.raises(SigningError, match="gives no key «other»"):
        TokenKey(MODULE, "tram", "other", "1234")
    with pytest.raises(SigningError):
        TokenKey(Path("/nowhere.so"), "tram", "seal", "1234")


@pytest.mark.parametrize("level", ["B-T", "B-LTA"])
def test_a_time_stamped_paper_is_kept_and_made_again(
    level: str, session: Session, config: Settings, authority: Authority
) -> None:
    key, certificate = authority.signer()
    with authority.served_stamper() as url:
        _use(config, certificate, key=key, said=f'level = "{level}"\ntsa = "{url}"\n')
        (sealing.folder(config) / "issuer.crl").write_bytes(authority.revoked(None, authority.now))
        made = _issued(session, config)
        paper = sealing.paper_of(made, config)
    found = check_paper(paper, Trust.load([pem_of(authority.root)]))
    assert (found.problems, found.profile) == ((), level)
    # The authority is gone now: the signature was kept.
    assert _restarted(made, config) == paper


def test_an_authority_that_is_not_there_stops_nothing_for_good(
    session: Session, config: Settings, authority: Authority
) -> None:
    key, certificate = authority.signer()
    _use(config, certificate, key=key, said='level = "B-T"\ntsa = "http://127.0.0.1:9/"\n')
    made = _issued(session, config)
    with pytest.raises(Unavailable):
        sealing.paper_of(made, config)
    with authority.served_stamper() as url:
        said = f'level = "B-T"\ntsa = "{url}"\n'
        _use(config, certificate, key=key, said=said)
        assert _restarted(made, config).startswith(b"%PDF")


def test_a_new_key_signs_new_papers_and_the_old_ones_stay(
    session: Session, config: Settings, authority: Authority
) -> None:
    key, certificate = authority.signer("Khóa 2025")
    _use(config, certificate, key=key)
    made = _issued(session, config)
    paper = sealing.paper_of(made, config)
    key, certificate = authority.signer("Khóa 2026")
    _use(config, certificate, key=key)
    newer = services.issue(
        session, SYSTEM, sample_id=made.sample_id, office=sealing.office_of(config)
    )
    assert newer.number == 2
    assert _restarted(made, config) == paper
    root = Trust.load([pem_of(authority.root)])
    assert check_paper(paper, root).signer == "Khóa 2025"
    assert check_paper(sealing.paper_of(newer, config), root).signer == "Khóa 2026"


@pytest.mark.parametrize(
    "said", ['level = "B-X"', 'level = "B-T"', 'tsa_url = "x"', "[token]\nkey = 'a'"]
)
def test_a_wrong_description_of_a_seal_is_refused(
    said: str, config: Settings, authority: Authority
) -> None:
    key, certificate = authority.signer()
    name = _use(config, certificate, key=key, said=said)
    with pytest.raises(SigningError):
        sealing.signing_of(sealing.folder(config), name)


def test_a_certificate_of_another_key_is_refused(authority: Authority) -> None:
    key, _ = authority.signer()
    with pytest.raises(SigningError, match="not of this key"):
        Seal(key, authority.signer()[1])
