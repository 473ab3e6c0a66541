"""`make bench-certificates`: the same page by us, WeasyPrint, typst and pyHanko (P1 to P10).

Processor time of the process, so that a busy machine disturbs little; the ZIP also by the clock.
"""

import datetime as dt
import io
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from reports.certificate import CertificatePage, make_papers, render_certificate
from reports.signing import Seal
from tests.reports.crowd import ordinary_pages

AT = dt.datetime(2026, 8, 5, 14, 5, tzinfo=dt.UTC)
PART = 500


def measured(work: Callable[[], int], rounds: int = 3) -> float:
    """Milliseconds of processor time for each paper; the median of the rounds."""
    work()
    found = []
    for _ in range(rounds):
        start = time.process_time()
        count = work()
        found.append((time.process_time() - start) * 1e3 / count)
    return statistics.median(found)


def spliced(seal: Seal | None) -> Callable[[], int]:
    """Our papers, part by part as the batch makes them; other people in each part, since a font
    that was cut for the same letters is kept."""
    parts = [list(ordinary_pages(PART, seed)) for seed in range(11, 20)]
    following = iter(parts)
    return lambda: len(make_papers(next(following), seal))


def weasyprint(people: list[CertificatePage]) -> Callable[[], int]:
    """The same pages laid out one by one."""
    return lambda: len([render_certificate(one) for one in people])


def pyhanko(papers: list[bytes], seal_files: tuple[bytes, bytes]) -> Callable[[], int]:
    """pyHanko as its documentation shows it: one signer, one call a paper."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import signers

    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder, "key.pem"), Path(folder, "cert.pem")
        key.write_bytes(seal_files[0])
        certificate.write_bytes(seal_files[1])
        signer = signers.SimpleSigner.load(str(key), str(certificate))
    meta = signers.PdfSignatureMetadata(field_name="Signature")

    def work() -> int:
        for paper in papers:
            writer = IncrementalPdfFileWriter(io.BytesIO(paper))
            signers.sign_pdf(writer, meta, signer=signer)
        return len(papers)

    return work


TYPST = """
#set document(title: "KQ", date: none)
#set page(paper: "a4", margin: (top: 20mm, bottom: 20mm, left: 30mm, right: 15mm))
#set text(font: "Tinos", size: 12pt, lang: "vi")
#let page = json(bytes(sys.inputs.page))
#grid(columns: (74mm, 1fr), align: center,
  [#page.parent_agency \\ *#page.agency* \\ #page.number],
  [*CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM* \\ *Độc lập - Tự do - Hạnh phúc*
    \\ _#page.place_and_date _])
#align(center)[#text(16pt)[*#page.title*] \\ _#page.title_en _]
#table(columns: (66mm, 1fr), stroke: (bottom: .2mm),
  ..page.rows.map(row => ([#row.at(0) _#row.at(1)_], [*#row.at(2)*])).flatten())
#align(center)[KẾT QUẢ \\ #text(17pt)[#page.outcome] \\ _#page.outcome_en _]
#for note in page.notes [#note \\ ]
*#page.code* \\ #page.verify_text
#align(right)[*#page.signer_title* \\ *#page.signer_name*]
"""


def typst(people: list[CertificatePage]) -> Callable[[], int] | None:
    """A page alike, without the symbol; None where typst is not installed."""
    try:
        import typst as engine
    except ModuleNotFoundError:
        return None
    import json

    from reports.pdf import FONTS

    inputs = [{"page": json.dumps(one.to_snapshot(), ensure_ascii=False)} for one in people]
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name, "page.typ")
    path.write_text(TYPST, encoding="utf-8")
    compiler = engine.Compiler(path, root=folder.name, font_paths=[FONTS])

    def work() -> int:
        assert folder.name  # kept as long as the work
        for one in inputs:
            compiler.compile(format="pdf", sys_inputs=one)
        return len(inputs)

    return work


def to_zip(count: int, seal: Seal) -> tuple[float, float, int]:
    """Signed papers into one ZIP64 on the disk: seconds by the clock, of processors, bytes.

    The people are made beforehand: they would come from a database.
    """
    parts = [list(ordinary_pages(min(PART, count - n), n)) for n in range(0, count, PART)]
    start, processors, done = time.perf_counter(), time.process_time(), 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "all.zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for part in parts:
                for paper in make_papers(part, seal):
                    archive.writestr(f"{done:06d}.pdf", paper)
                    done += 1
        size = path.stat().st_size
    return time.perf_counter() - start, time.process_time() - processors, size


def main() -> None:
    """Prints the table; the argument is the size of the ZIP."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    seal, *files = Seal.make("Sở Y tế thử nghiệm", AT)
    people = list(ordinary_pages(PART, 1))
    plain = [render_certificate(one) for one in people[:5]]
    rows = [
        ("P1 spliced, unsigned, with QR", measured(spliced(None), 5)),
        ("P2 spliced and signed, RSA-2048", measured(spliced(seal), 5)),
        ("P4 WeasyPrint, unsigned", measured(weasyprint(people[:5]), 2)),
        ("pyHanko 0.38, signature only", measured(pyhanko(plain, (files[0], files[1])), 2)),
    ]
    other = typst(people[:20])
    if other:
        rows.append(("typst, unsigned, without QR", measured(other, 3)))
    for name, milliseconds in rows:
        print(f"{name:40} {milliseconds:9.2f} ms/paper", flush=True)
    papers = make_papers(people, seal)
    sizes = sorted(len(paper) for paper in papers)
    print(f"P8 signed size, median and largest   {sizes[PART // 2]:,} {sizes[-1]:,} bytes")
    print(f"P10 made again, byte-identical       {make_papers(people, seal) == papers}")
    seconds, processors, held = to_zip(size, seal)
    print(
        f"P3 {size:,} signed papers to a ZIP of {held / 1e6:,.0f} MB:"
        f" {seconds:.1f} s by the clock, {processors:.1f} s of processors"
    )


if __name__ == "__main__":
    main()
