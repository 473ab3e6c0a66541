"""The result certificate: what stands on the page, and the page as a PDF."""

from reports.certificate.page import CertificatePage, Row, render_certificate
from reports.certificate.papers import make_paper, make_papers

__all__ = ["CertificatePage", "Row", "make_paper", "make_papers", "render_certificate"]
