"""What sites and their checklist are called on screens and in messages."""

from flask_babel import lazy_gettext

from portal.sites.rules import SiteKind

KIND_LABELS = {
    SiteKind.COLLECTION: lazy_gettext("Collection point"),
    SiteKind.LABORATORY: lazy_gettext("Laboratory"),
    SiteKind.VACCINATION: lazy_gettext("Vaccination site"),
    SiteKind.QUARANTINE: lazy_gettext("Quarantine site"),
    SiteKind.DEPARTMENT: lazy_gettext("Health department"),
}
ITEM_LABELS = {
    "computer": lazy_gettext("Computer"),
    "internet": lazy_gettext("Internet line"),
    "wifi": lazy_gettext("Wi-Fi"),
    "scanner": lazy_gettext("QR scanner"),
    "printer": lazy_gettext("Printer"),
    "cold_chain": lazy_gettext("Cold chain"),
    "trained_staff": lazy_gettext("Trained staff"),
}
