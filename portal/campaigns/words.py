"""The words that screens of several areas use for what a campaign decides."""

from flask_babel import lazy_gettext

from portal.campaigns.rules import SpecimenType

SPECIMENS = [
    (SpecimenType.NASOPHARYNGEAL, lazy_gettext("Nasopharyngeal swab")),
    (SpecimenType.OROPHARYNGEAL, lazy_gettext("Throat swab")),
    (SpecimenType.SALIVA, lazy_gettext("Saliva")),
]
