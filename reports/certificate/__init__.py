"""The result certificate: what stands on the page, and the page as a PDF."""

from reports.certificate.page import CertificatePage, Row, render_certificate

__all__ = ["CertificatePage", "Row", "render_certificate"]
