"""The seal that signs papers: kept as files beside the data, an old one for as long as its papers.

`var/seals/<fingerprint>.key.pem` and `.pem`; `var/seals/current` names the one in use. Without
any, an installation that is not in production makes a self-signed one; in production papers stay
unsigned until the department's own key is put there. A new key is a new seal named in `current`;
the old ones stay, since the papers issued under them are made again with them.
"""

import os
import threading
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from flask_babel import gettext

from portal import clock
from portal.certificates import slips
from portal.certificates.models import Certificate
from portal.certificates.rules import Office
from portal.certificates.texts import unprintable
from portal.errors import Invalid, Unavailable
from portal.settings import Settings
from reports.certificate import CertificatePage, make_papers
from reports.pdf import UnprintableError
from reports.signing import Seal, SigningError, TokenKey, Trust, profiles


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
        slip_of=slips.maker(config),
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


@dataclass(frozen=True, slots=True)
class Signing:
    """A seal and how it signs.

    Attributes:
        seal: key and certificate.
        level: PAdES profile, one of `reports.signing.profiles.LEVELS`.
        tsa: address of the time stamping authority; empty for B-B.
        may_fetch: whether lists of revoked certificates may be fetched for B-LTA.
    """

    seal: Seal
    level: str = "B-B"
    tsa: str = ""
    may_fetch: bool = False


@lru_cache(maxsize=8)
def signing_of(seals: Path, fingerprint: str) -> Signing:
    """A seal by its fingerprint, parsed once a process.

    `<fingerprint>.toml` beside its certificate, if it is there, says `level`, `tsa`, `fetch`, and
    in `[token]` where a key lies that is in no file: `module`, `token`, `key`, `pin_file`.

    Raises:
        SigningError: the key can not be used, or the file says what it can not say.
    """
    path = seals / f"{fingerprint}.toml"
    said = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    level, tsa = str(said.get("level", "B-B")), str(said.get("tsa", ""))
    unknown = sorted(set(said) - {"level", "tsa", "fetch", "token"})
    if unknown or level not in profiles.LEVELS or (level != "B-B" and not tsa):
        message = f"{path.name}: level is one of {', '.join(profiles.LEVELS)}, with tsa but for B-B"
        raise SigningError(f"{message}; unknown: {', '.join(unknown) or 'nothing'}")
    certificate = (seals / f"{fingerprint}.pem").read_bytes()
    key = _token_key(said["token"]) if "token" in said else None
    seal = Seal(key or (seals / f"{fingerprint}.key.pem").read_bytes(), certificate)
    return Signing(seal, level, tsa, bool(said.get("fetch", False)))


def seal_of(seals: Path, fingerprint: str) -> Seal:
    """The key and certificate alone, for documents that are not kept."""
    return signing_of(seals, fingerprint).seal


def _token_key(said: dict[str, str]) -> TokenKey:
    try:
        pin = Path(said["pin_file"]).read_text(encoding="utf-8").strip()
        return TokenKey(Path(said["module"]), said["token"], said["key"], pin)
    except (KeyError, OSError) as error:
        message = f"[token] takes module, token, key and pin_file: {error}"
        raise SigningError(message) from error


def trusted(config: Settings) -> list[x509.Certificate]:
    """The certificates of every seal that was ever in use here, and roots put beside them."""
    paths = sorted(folder(config).glob("*.pem"))
    files = [path.read_bytes() for path in paths if not path.name.endswith(".key.pem")]
    return [one for file in files for one in x509.load_pem_x509_certificates(file)]


def revoked(config: Settings) -> tuple[x509.CertificateRevocationList, ...]:
    """The lists of revoked certificates (`*.crl`) that lie beside the seals."""
    files = sorted(folder(config).glob("*.crl"))
    return Trust.load([], (path.read_bytes() for path in files)).crls


def paper_of(certificate: Certificate, config: Settings) -> bytes:
    """The paper as issued, signed by the seal it was issued under, byte for byte the same.

    Raises:
        Invalid: it was issued when letters that no paper can show were not refused yet.
        Unavailable: the key's token or the time stamping authority does not answer.
    """
    try:
        return papers_of([certificate], config)[0]
    except UnprintableError as error:
        problem = unprintable(error.letters)
        raise Invalid(problem, code="unprintable", details=[problem]) from error


def papers_of(certificates: Sequence[Certificate], config: Settings) -> list[bytes]:
    """The same of many, in their order; those of one seal and renderer are made together."""
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    for number, one in enumerate(certificates):
        groups[str(one.snapshot.get("signer", "")), _renderer(one)].append(number)
    papers = [b""] * len(certificates)
    for (fingerprint, renderer), numbers in groups.items():
        wanted = [certificates[number] for number in numbers]
        try:
            made = _made(wanted, fingerprint, renderer, config)
        except SigningError as error:
            raise Unavailable(gettext("Papers can not be signed now. Try again later.")) from error
        for number, paper in zip(numbers, made, strict=True):
            papers[number] = paper
    return papers


def _made(
    certificates: Sequence[Certificate], fingerprint: str, renderer: int, config: Settings
) -> list[bytes]:
    pages = [CertificatePage.from_snapshot(one.snapshot) for one in certificates]
    if not fingerprint:
        return make_papers(pages, None, renderer)
    signing = signing_of(folder(config), fingerprint)
    if signing.level == "B-B":
        return make_papers(pages, signing.seal, renderer)
    plain = make_papers(pages, None, renderer)
    return [
        _stamped(one.code, paper, signing, config)
        for one, paper in zip(certificates, plain, strict=True)
    ]


def _stamped(code: str, paper: bytes, signing: Signing, config: Settings) -> bytes:
    """The paper with its time stamped signature, which is made once and kept.

    No authority stamps the same time twice: what a signature adds behind the paper is a file in
    `var/seals/stamped`, so that the paper is made again byte for byte.
    """
    kept: Path = folder(config) / "stamped" / signing.seal.fingerprint[:16] / f"{code}.sig"
    if not kept.exists():
        stamper = profiles.time_stamper(signing.tsa)
        trust = Trust(tuple(trusted(config)), (), revoked(config))
        signed = profiles.sign_stamped(
            paper,
            signing.seal,
            signing.level,
            stamper=stamper,
            trust=trust,
            may_fetch=signing.may_fetch,
        )
        _keep(kept, signed[len(paper) :])
    return paper + kept.read_bytes()


def _keep(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all; another process's counts if it was first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
    draft.write_bytes(content)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _renderer(certificate: Certificate) -> int:
    return int(certificate.snapshot.get("renderer", 1))
