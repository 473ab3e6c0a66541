"""The printed certificate: found text, embedded fonts, declared standards, equal bytes."""

import io
import subprocess
import unicodedata
from pathlib import Path

import pikepdf
import pytest
import zxingcpp
from PIL import Image

from reports.certificate import CertificatePage, render_certificate
from reports.pdf import FACES, FONTS, UnprintableError, printable_letters, unprintable_letters
from tests.reports.pages import ROWS, page

LETTERS = "aăâeêioôơuưy"
TONES = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")


def _letters() -> str:
    small = [unicodedata.normalize("NFC", letter + tone) for letter in LETTERS for tone in TONES]
    small.append("đ")
    return "".join(small) + "".join(small).upper()


def _text(pdf: bytes, tmp_path: Path) -> str:
    path = tmp_path / "page.pdf"
    path.write_bytes(pdf)
    return subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True
    ).stdout


def test_every_value_is_found_by_searching_the_text(tmp_path: Path) -> None:
    text = _text(render_certificate(page()), tmp_path)
    assert unicodedata.is_normalized("NFC", text)
    for row in ROWS:
        assert row[2] in text
    assert "Âm tính (mẫu gộp 5)" in text
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in text


def test_all_146_vietnamese_letters_come_from_the_embedded_fonts(tmp_path: Path) -> None:
    letters = _letters()
    assert len(set(letters)) == 146
    content = page(name=" ".join(letters[i : i + 8] for i in range(0, 146, 8)))
    pdf = render_certificate(content)
    text = _text(pdf, tmp_path)
    assert set(letters) <= set(text)
    fonts = subprocess.run(
        ["pdffonts", tmp_path / "page.pdf"], capture_output=True, text=True, check=True
    ).stdout.splitlines()[2:]
    assert fonts
    assert all("Tram-Serif" in line for line in fonts)


def _faces(pdf: bytes, tmp_path: Path) -> set[str]:
    (tmp_path / "page.pdf").write_bytes(pdf)
    told = subprocess.run(
        ["pdffonts", tmp_path / "page.pdf"], capture_output=True, text=True, check=True
    )
    return {line.split()[0].partition("+")[2] for line in told.stdout.splitlines()[2:]}


@pytest.mark.parametrize(
    ("name", "face"),
    [
        ("王小明 Wang Xiaoming", "Tram-Han"),
        ("王小明 / 李國強", "Tram-Han"),
        ("김민준", "Tram-Han"),
        ("さくら サクラ 山田桜", "Tram-Han"),
        ("Ирина Щербакова", "Tram-More"),
        ("Łukasz Żółć Ğülşen", "Tram-More"),
        ("Ελένη Παπαδοπούλου", "Tram-More"),
    ],
)
def test_letters_of_other_scripts_come_from_the_house_s_own_further_fonts(
    name: str, face: str, tmp_path: Path
) -> None:
    pdf = render_certificate(page(name=name))
    faces = _faces(pdf, tmp_path)
    assert any(found.startswith(face) for found in faces)
    assert all(found.startswith(("Tram-Serif", "Tram-More", "Tram-Han")) for found in faces)
    assert name in _text(pdf, tmp_path)
    assert render_certificate(page(name=name)) == pdf


def test_papers_of_ordinary_names_embed_no_further_font(tmp_path: Path) -> None:
    faces = _faces(render_certificate(page()), tmp_path)
    assert all(found.startswith("Tram-Serif") for found in faces)


@pytest.mark.parametrize("name", ["สมชาย ใจดี", "محمد", "Nguyễn 😀", "\U00020000", "\ue000", "\x00"])
def test_letters_that_no_font_has_are_refused_and_not_told_to_the_log(name: str) -> None:
    assert unprintable_letters("Nguyễn", "王") == ""
    with pytest.raises(UnprintableError) as error:
        render_certificate(page(name=name))
    assert set(error.value.letters) == set(name) - printable_letters()
    assert not set(error.value.letters) & set(str(error.value))


def test_the_same_page_gives_the_same_bytes_also_from_its_snapshot() -> None:
    content = page()
    first = render_certificate(content)
    assert render_certificate(CertificatePage.from_snapshot(content.to_snapshot())) == first
    assert render_certificate(page(name="Trần Văn Bình")) != first


def test_the_file_declares_archive_and_accessibility_and_describes_its_picture() -> None:
    with pikepdf.open(io.BytesIO(render_certificate(page()))) as pdf:
        xmp = pdf.Root.Metadata.read_bytes().decode()
        assert xmp.count("<rdf:RDF") == 1
        with pdf.open_metadata() as metadata:
            assert metadata["pdfaid:part"] == "3"
            assert metadata["pdfaid:conformance"] == "A"
            assert metadata["{http://www.aiim.org/pdfua/ns/id/}part"] == "1"
        assert pdf.Root.MarkInfo.Marked
        assert str(pdf.Root.Lang) == "vi"
        figures = [
            item
            for item in pdf.objects
            if isinstance(item, pikepdf.Dictionary) and item.get("/S") == "/Figure"
        ]
        assert len(figures) == 1
        assert "kiểm tra" in str(figures[0].Alt)
        assert not any(image.get("/Interpolate") for image in pdf.pages[0].get_images().values())


def test_the_printed_symbol_opens_the_verification_page_and_stands_on_one_page(
    tmp_path: Path,
) -> None:
    path = tmp_path / "page.pdf"
    path.write_bytes(render_certificate(page(watermark="TẬP HUẤN - KHÔNG CÓ GIÁ TRỊ")))
    subprocess.run(["pdftoppm", "-r", "150", "-png", path, tmp_path / "page"], check=True)
    pictures = sorted(tmp_path.glob("page-*.png"))
    assert len(pictures) == 1
    found = zxingcpp.read_barcodes(Image.open(pictures[0]))
    assert [code.text for code in found] == ["HTTPS://XN.EXAMPLE.VN/C/7Q2M8K4PXH3"]
    raw = subprocess.run(
        ["pdftotext", "-raw", path, "-"], check=True, capture_output=True, text=True
    )
    assert "HUẤN" in raw.stdout


def test_text_is_never_read_as_markup(tmp_path: Path) -> None:
    hostile = "<img src='file:///etc/hostname'> & <b>Trần</b>"
    text = _text(render_certificate(page(name=hostile)), tmp_path)
    assert "<b>Trần</b>" in text


def test_the_font_files_are_small_enough_to_embed_whole() -> None:
    serif = [file for family, file, _weight, _style in FACES if family == "Tram Serif"]
    assert all((FONTS / name).stat().st_size < 30_000 for name in serif)
