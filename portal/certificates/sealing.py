"""The seal that signs papers: kept as files beside the data, an old one for as long as its papers.

`var/seals/<fingerprint>.key.pem` and `.pem`; `var/seals/current` names the one in use. Without
any, an installation that is not in production makes a self-signed one; in production papers stay
unsigned until the department's own key is put there.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from cryptography import x509

from portal import clock
from portal.certificates.models import Certificate
from portal.certificates.rules import Office
from portal.certificates.texts import unprintable
from portal.errors import Invalid
from portal.settings import Settings
from reports.certificate import CertificatePage, make_paper, make_papers
from reports.certificate.page import RENDERER
from reports.pdf import UnprintableError
from reports.signing import Seal


def folder(config: Settings) -> Path:
    """Where the seals lie."""
    return config.shared_dir / "seals"


def office_of(config: Settings) -> Office:
    """Who issues, and the fingerprint of the seal in use (empty: none)."""
    return Office(
        config.province_name,
        config.public_url,
        config.is_training,
        signer=_current(folder(config), config),
    )


def _current(seals: Path, config: Settings) -> str:
    named = seals / "current"
    if named.exists():
        return named.read_text(encoding="ascii").strip()
    if config.is_production:
        return ""
    seals.mkdir(parents=True, exist_ok=True)
    seal, key, certificate = Seal.make(f"Sở Y tế {config.province_name} (thử nghiệm)", clock.now())
    key_path = seals / f"{seal.fingerprint}.key.pem"
    key_path.touch(mode=0o600)
    key_path.write_bytes(key)
    (seals / f"{seal.fingerprint}.pem").write_bytes(certificate)
    try:
        with named.open("x", encoding="ascii") as file:
            file.write(seal.fingerprint)
    except FileExistsError:  # another process was first; its seal counts
        return named.read_text(encoding="ascii").strip()
    return seal.fingerprint


@lru_cache(maxsize=8)
def seal_of(seals: Path, fingerprint: str) -> Seal:
    """A seal by its fingerprint, parsed once a process."""
    return Seal(
        (seals / f"{fingerprint}.key.pem").read_bytes(),
        (seals / f"{fingerprint}.pem").read_bytes(),
    )


def trusted(config: Settings) -> list[x509.Certificate]:
    """The certificates of every seal that was ever in use here."""
    paths = sorted(folder(config).glob("*.pem"))
    return [
        x509.load_pem_x509_certificate(path.read_bytes())
        for path in paths
        if not path.name.endswith(".key.pem")
    ]


def paper_of(certificate: Certificate, config: Settings) -> bytes:
    """The paper as issued, signed by the seal it was issued under, byte for byte the same.

    Raises:
        Invalid: it was issued when letters that no paper can show were not refused yet.
    """
    page = CertificatePage.from_snapshot(certificate.snapshot)
    try:
        return make_paper(page, _seal(certificate, config), _renderer(certificate))
    except UnprintableError as error:
        problem = unprintable(error.letters)
        raise Invalid(problem, code="unprintable", details=[problem]) from error


def papers_of(certificates: Sequence[Certificate], config: Settings) -> list[bytes]:
    """The same of many, in their order; those of one seal and renderer are made together."""
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    for number, one in enumerate(certificates):
        groups[str(one.snapshot.get("signer", "")), _renderer(one)].append(number)
    papers = [b""] * len(certificates)
    for (_signer, renderer), numbers in groups.items():
        if renderer != RENDERER:
            for number in numbers:
                papers[number] = paper_of(certificates[number], config)
            continue
        pages = [CertificatePage.from_snapshot(certificates[n].snapshot) for n in numbers]
        made = make_papers(pages, _seal(certificates[numbers[0]], config))
        for number, paper in zip(numbers, made, strict=True):
            papers[number] = paper
    return papers


def _renderer(certificate: Certificate) -> int:
    return int(certificate.snapshot.get("renderer", 1))


def _seal(certificate: Certificate, config: Settings) -> Seal | None:
    fingerprint = str(certificate.snapshot.get("signer", ""))
    return seal_of(folder(config), fingerprint) if fingerprint else None
