"""Many papers at once: spliced by `core_rs` where the page allows it, else laid out one by one.

Which of the two ways a page goes depends on the page alone, so that it is made again byte for byte.
"""

import hashlib
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from contextlib import suppress

from reports.certificate.fonts import UnfitError
from reports.certificate.page import RENDERER, CertificatePage, identity_of, render_certificate
from reports.certificate.shapes import LAST_WITH_WHOLE_FACES, PreparedDesign
from reports.certificate.values import DesignKey, design_key, values_of
from reports.signing import OLD_CONTENTS, Seal

FIRST_SPLICED = 2  # renderer
_MOST_DESIGNS = 64  # of a process, about half a megabyte each

_Key = tuple[DesignKey, bool, int]

_designs: OrderedDict[_Key, PreparedDesign | None] = OrderedDict()


def make_papers(
    pages: Sequence[CertificatePage], seal: Seal | None = None, renderer: int = RENDERER
) -> list[bytes]:
    """The papers of these pages, in their order, signed at their day of issue if there is a seal.

    The same page and seal give the same bytes, alone or among others.

    Args:
        pages: what they say.
        seal: signs them.
        renderer: the number kept with the certificates; old ones make papers as they did.

    Raises:
        reports.pdf.UnprintableError: a text has letters that no font of the house has.
    """
    contents = OLD_CONTENTS if renderer <= LAST_WITH_WHOLE_FACES else None
    groups: dict[_Key, list[int]] = defaultdict(list)
    for number, page in enumerate(pages):
        groups[design_key(page, renderer), seal is not None, renderer].append(number)
    papers: list[bytes] = [b""] * len(pages)
    for key, numbers in groups.items():
        design = _design(key, pages[numbers[0]])
        spliced, values = [], []
        for number in numbers:
            page = pages[number]
            page_values = values_of(page, identifier_of(page, renderer))
            if design is not None and design.holds(page_values):
                spliced.append(number)
                values.append(page_values)
                continue
            papers[number] = render_certificate(page, renderer)
            if seal:
                papers[number] = seal.sign(papers[number], page.issued_at, contents)
        if design is not None:
            filled = design.native.fill(values, seal.native(contents) if seal else None)
            for number, paper in zip(spliced, filled, strict=True):
                papers[number] = seal.completed(paper) if seal else paper
    return papers


def make_paper(page: CertificatePage, seal: Seal | None = None, renderer: int = RENDERER) -> bytes:
    """One paper, as `make_papers` makes it."""
    return make_papers([page], seal, renderer)[0]


def identifier_of(page: CertificatePage, renderer: int = RENDERER) -> str:
    """The file's identifier: what this document is, not what it says."""
    return hashlib.sha256(identity_of(page, renderer).encode()).digest()[:16].hex()


def _design(key: _Key, page: CertificatePage) -> PreparedDesign | None:
    """The design of a page; None where it can not be taken apart."""
    if key in _designs:
        _designs.move_to_end(key)
        return _designs[key]
    _shared, is_signed, renderer = key
    design = None
    if renderer >= FIRST_SPLICED:
        with suppress(UnfitError):
            design = PreparedDesign(page, is_signed=is_signed, renderer=renderer)
    _designs[key] = design
    if len(_designs) > _MOST_DESIGNS:
        _designs.popitem(last=False)
    return design
