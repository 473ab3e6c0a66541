"""Many papers at once: spliced by `core_rs` where the page allows it, else laid out one by one.

Which of the two ways a page goes depends on the page alone, so that it is made again byte for byte.
"""

import hashlib
from collections import OrderedDict, defaultdict
from collections.abc import Sequence

from reports.certificate.page import RENDERER, CertificatePage, identity_of, render_certificate
from reports.certificate.shapes import PreparedDesign, UnfitError
from reports.certificate.values import DesignKey, design_key, values_of
from reports.signing import Seal

_MOST_DESIGNS = 64  # of a process, about half a megabyte each

_designs: OrderedDict[tuple[DesignKey, bool], PreparedDesign | None] = OrderedDict()


def make_papers(pages: Sequence[CertificatePage], seal: Seal | None = None) -> list[bytes]:
    """The papers of these pages, in their order, signed at their day of issue if there is a seal.

    The same page and seal give the same bytes, alone or among others.
    """
    native = seal.native if seal else None
    is_signed = native is not None
    groups: dict[tuple[DesignKey, bool], list[int]] = defaultdict(list)
    for number, page in enumerate(pages):
        groups[design_key(page), is_signed].append(number)
    papers: list[bytes] = [b""] * len(pages)
    for key, numbers in groups.items():
        design = _design(key, pages[numbers[0]])
        spliced, values = [], []
        for number in numbers:
            page = pages[number]
            page_values = values_of(page, identifier_of(page))
            if design is not None and design.holds(page_values):
                spliced.append(number)
                values.append(page_values)
            else:
                papers[number] = render_certificate(page)
                if is_signed and seal:
                    papers[number] = seal.sign(papers[number], page.issued_at)
        if design is not None:
            for number, paper in zip(spliced, design.native.fill(values, native), strict=True):
                papers[number] = paper
    if seal and not is_signed:
        return [seal.sign(p, page.issued_at) for p, page in zip(papers, pages, strict=True)]
    return papers


def make_paper(page: CertificatePage, seal: Seal | None = None, renderer: int = RENDERER) -> bytes:
    """One paper, as the renderer of that number made it.

    Args:
        page: what it says.
        seal: signs it.
        renderer: the number kept with the certificate; old ones lay out the page by themselves.
    """
    if renderer == RENDERER:
        return make_papers([page], seal)[0]
    paper = render_certificate(page, renderer)
    return seal.sign(paper, page.issued_at) if seal else paper


def identifier_of(page: CertificatePage) -> str:
    """The file's identifier: what this document is, not what it says."""
    return hashlib.sha256(identity_of(page).encode()).digest()[:16].hex()


def _design(key: tuple[DesignKey, bool], page: CertificatePage) -> PreparedDesign | None:
    """The design of a page; None where it can not be taken apart."""
    if key in _designs:
        _designs.move_to_end(key)
        return _designs[key]
    try:
        design = PreparedDesign(page, is_signed=key[1])
    except UnfitError:
        design = None
    _designs[key] = design
    if len(_designs) > _MOST_DESIGNS:
        _designs.popitem(last=False)
    return design
