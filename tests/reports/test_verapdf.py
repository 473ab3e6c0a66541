"""veraPDF, the judge of PDF/A and PDF/UA, on papers after signing, made both ways."""

import shutil
import subprocess
from pathlib import Path

import pytest

from reports.certificate import make_papers, render_certificate
from reports.signing import Seal, Trust
from reports.signing.profiles import sign_stamped
from tests.reports.authority import Authority, pem_of
from tests.reports.crowd import pages
from tests.reports.pages import page
from tests.reports.test_attacks import print_copy, result_list
from tests.reports.test_signing import AT

JAR = Path(__file__).parents[2] / ".venv/share/verapdf/greenfield-apps-1.28.2.jar"
JAVA = shutil.which("java")

pytestmark = pytest.mark.skipif(
    JAVA is None or not JAR.exists(),
    reason="veraPDF is not installed: scripts/install fetches it where Java and Maven are there",
)


def judged(flavour: str, paths: list[Path]) -> dict[str, str]:
    """File name → PASS or FAIL."""
    java = [str(JAVA), "-cp", str(JAR), "org.verapdf.apps.GreenfieldCliWrapper"]
    said = subprocess.run(
        [*java, "-f", flavour, "--format", "text", *paths],
        check=False,
        capture_output=True,
        text=True,
    )
    words = [line.split() for line in said.stdout.splitlines()]
    return {Path(line[1]).name: line[0] for line in words if line and line[0] in {"PASS", "FAIL"}}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("flavour", ["3a", "ua1"])
def test_signed_papers_are_archival_and_accessible(flavour: str, tmp_path: Path) -> None:
    seal = Seal.make("Sở Y tế thử nghiệm", AT)[0]
    # The odd names come first and are laid out by WeasyPrint; the rest is spliced.
    crowd = [*pages(20), page(watermark="TẬP HUẤN - KHÔNG CÓ GIÁ TRỊ")]
    paths = []
    for number, paper in enumerate(make_papers(crowd, seal)):
        paths.append(tmp_path / f"{number:02d}.pdf")
        paths[-1].write_bytes(paper)
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(paths[-1].read_bytes().replace(b"pdfaid:part", b"pdfaid:bart"))
    found = judged(flavour, [*paths, broken])
    assert [found.get(path.name) for path in paths] == ["PASS"] * len(paths)
    # The judge is awake: a file that no longer says what it is does not pass as PDF/A.
    assert flavour != "3a" or found["broken.pdf"] == "FAIL"


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The list of a session, the profiles with time stamps, and a print copy."""
    folder = tmp_path_factory.mktemp("judged")
    authority = Authority()
    seal = Seal(*authority.signer())
    trust = Trust.load([pem_of(authority.root)], [authority.revoked(None, authority.now)])
    plain = render_certificate(page())
    stamper = authority.stamper()
    made = {
        "list": seal.sign(result_list(AT), authority.now),
        "B-T": sign_stamped(plain, seal, "B-T", stamper=stamper, trust=trust),
        "B-LTA": sign_stamped(plain, seal, "B-LTA", stamper=stamper, trust=trust),
    }
    paths = {name: folder / f"{name}.pdf" for name in made}
    for name, paper in made.items():
        paths[name].write_bytes(paper)
    crowd = [*pages(20), page(watermark="TẬP HUẤN - KHÔNG CÓ GIÁ TRỊ")]
    paths["copy"] = folder / "copy.pdf"
    print_copy(paths["copy"], make_papers(crowd, seal), seal, AT)
    return paths


@pytest.mark.timeout(600)
@pytest.mark.parametrize("flavour", ["3a", "ua1"])
def test_lists_and_papers_with_time_stamps_are_so_too(
    flavour: str, others: dict[str, Path]
) -> None:
    names = ("list", "B-T", "B-LTA")
    found = judged(flavour, [others[name] for name in names])
    assert found == {f"{name}.pdf": "PASS" for name in names}


@pytest.mark.timeout(600)
def test_a_print_copy_is_archival(others: dict[str, Path]) -> None:
    """Its pages lost their tags: level B, and not accessible as the single papers are."""
    assert judged("3b", [others["copy"]]) == {"copy.pdf": "PASS"}
