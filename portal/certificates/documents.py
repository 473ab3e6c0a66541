"""What documents beside certificates need of the seal, and pictures of pages for the screen."""

import base64
import io

from portal.certificates import sealing
from portal.settings import Settings
from reports.signing import Seal

_DOTS = 110  # an inch: read without effort beside a form


def seal_in_use(config: Settings) -> Seal | None:
    """The seal that signs now; None where there is none (production without its key)."""
    fingerprint = sealing.office_of(config).signer
    return sealing.seal_of(sealing.folder(config), fingerprint) if fingerprint else None


def pictures(pdf: bytes, most: int = 2) -> list[str]:
    """The first pages of a file as `data:` addresses of PNG images."""
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    try:
        found = []
        for number in range(min(len(document), most)):
            buffer = io.BytesIO()
            document[number].render(scale=_DOTS / 72).to_pil().save(buffer, "PNG", optimize=True)
            found.append("data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode())
        return found
    finally:
        document.close()
