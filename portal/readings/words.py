"""Outcomes, kinds and problems of the worklist in words."""

from flask_babel import lazy_gettext as _

from portal.readings.rules import Outcome

OUTCOMES = {
    Outcome.KNOWN: _("in the system"),
    Outcome.UNKNOWN: _("not in the system"),
    Outcome.NO_CODE: _("no code found"),
    Outcome.UNREADABLE: _("not readable"),
}
TONES = {
    Outcome.KNOWN: "ok",
    Outcome.UNKNOWN: "wait",
    Outcome.NO_CODE: "bad",
    Outcome.UNREADABLE: "bad",
}
KINDS = {
    "tube": _("tube"),
    "maybe_tube": _("tube"),
    "declaration": _("declaration"),
    "national_id_card": _("ID card"),
    "personal_qr": _("personal QR code"),
    "health_insurance_card": _("health insurance card"),
    "national_id": _("national ID"),
    "health_insurance_number": _("health insurance number"),
    "social_insurance_number": _("social insurance number"),
    "phone": _("phone number"),
}
OTHER_KIND = _("another code")

NEXT_STEPS = {
    Outcome.KNOWN: "",
    Outcome.UNKNOWN: _("Look for the paper and enter it by hand."),
    Outcome.NO_CODE: _("Take the photo again: closer, flat, without glare."),
    Outcome.UNREADABLE: _("Take the photo again as JPEG or PNG, at most 12 MB."),
}
PROBLEMS = {
    "too_large": _("The photo is larger than 12 MB."),
    "locked": _("The photo in the ZIP file is locked by a password."),
    "damaged": _("The photo in the ZIP file is damaged."),
    "qr.too_many_pixels": _("The photo has too many pixels."),
    "qr.unknown_format": _("The file is no JPEG or PNG photo."),
    "qr.damaged_jpeg": _("The photo is damaged."),
    "qr.damaged_png": _("The photo is damaged."),
    "qr.deadline": _("Reading the photo took too long."),
}
