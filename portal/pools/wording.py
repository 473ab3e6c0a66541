"""The matcher's details of a finding, said in the reader's language."""

import re
from collections.abc import Callable

from flask_babel import gettext as _

# The matcher writes one English sentence a finding (core_rs, findings.rs): pattern → sentence.
_SENTENCES: list[tuple[str, Callable[..., str]]] = [
    (
        r"(\d+) registered, (\d+) counted: a member's swab is missing",
        lambda a, b: _("%(a)s registered, %(b)s counted: somebody's swab is missing", a=a, b=b),
    ),
    (
        r"(\d+) registered, (\d+) counted: a stranger's swab is in the tube",
        lambda a, b: _("%(a)s registered, %(b)s counted: a stranger's swab is inside", a=a, b=b),
    ),
    (
        r"(\d+) in a tube for (\d+)",
        lambda a, b: _("%(a)s people in a tube for %(b)s", a=a, b=b),
    ),
    (
        r"(-?[\d.]+) hours before the last collection",
        lambda a: _("%(a)s hours before the last collection", a=a.replace(".", ",")),
    ),
    (r"two outcomes of the same version", lambda: _("two outcomes of the same version")),
    (
        r"registered twice with different contents",
        lambda: _("registered twice with different contents"),
    ),
    (
        r"members collected (\d+) days apart",
        lambda a: _("members collected %(a)s days apart", a=a),
    ),
    (r"weak pool, Ct ([\d.]+)", lambda a: _("weak pool, Ct %(a)s", a=a.replace(".", ","))),
    (
        r"pool Ct ([\d.]+), every single test is weaker",
        lambda a: _("pool Ct %(a)s, every single test is weaker", a=a.replace(".", ",")),
    ),
    (r"(\d+) members, all negative", lambda a: _("%(a)s members, all negative", a=a)),
    (r"after sealing", lambda: _("after sealing")),
    (r"after the result", lambda: _("after the result")),
]


def said(detail: str) -> str:
    """The detail in the reader's language; as the matcher wrote it where it is not known."""
    for pattern, say in _SENTENCES:
        match = re.fullmatch(pattern, detail.strip())
        if match:
            return say(*match.groups())
    return detail
