"""What outcomes, statuses and reasons are called on the screens."""

from flask_babel import lazy_gettext

from portal.samples.rules import Outcome, Rejection, TubeStatus

OUTCOMES = {
    Outcome.NEGATIVE: (lazy_gettext("negative"), "ok", "N"),
    Outcome.POSITIVE: (lazy_gettext("positive"), "bad", "P"),
    Outcome.INCONCLUSIVE: (lazy_gettext("inconclusive"), "warn", "I"),
    Outcome.INVALID: (lazy_gettext("invalid"), "mute", "V"),
    Outcome.REJECTED: (lazy_gettext("sample rejected"), "mute", "R"),
}

RUN_STATUSES = {
    "draft": (lazy_gettext("draft"), "mute"),
    "recorded": (lazy_gettext("waits for release"), "wait"),
    "verified": (lazy_gettext("verified"), "wait"),
    "released": (lazy_gettext("released"), "ok"),
}

RESULT_STATUSES = {
    "recorded": (lazy_gettext("waits for release"), "wait"),
    "held": (lazy_gettext("held by a finding"), "warn"),
    "released": (lazy_gettext("released"), "ok"),
    "amended": (lazy_gettext("replaced by a correction"), "mute"),
}

CONTROLS = {
    "unset": (lazy_gettext("not given"), "warn"),
    "passed": (lazy_gettext("passed"), "ok"),
    "failed": (lazy_gettext("failed"), "bad"),
}

REJECTIONS = {
    Rejection.LEAKING: lazy_gettext("leaking"),
    Rejection.UNLABELLED: lazy_gettext("no label, or unreadable"),
    Rejection.INSUFFICIENT: lazy_gettext("too little material"),
    Rejection.WRONG_MEDIUM: lazy_gettext("wrong medium"),
    Rejection.TOO_OLD: lazy_gettext("too old"),
    Rejection.TOO_WARM: lazy_gettext("not kept cold"),
    Rejection.EMPTY: lazy_gettext("no swab in the tube"),
    Rejection.OTHER: lazy_gettext("other reason"),
}

TUBE_STATUSES = {
    TubeStatus.OPEN: (lazy_gettext("open"), "mute"),
    TubeStatus.SEALED: (lazy_gettext("sealed"), "mute"),
    TubeStatus.SENT: (lazy_gettext("on the way"), "wait"),
    TubeStatus.RECEIVED: (lazy_gettext("received"), "wait"),
    TubeStatus.IN_TEST: (lazy_gettext("in test"), "wait"),
    TubeStatus.RESULTED: (lazy_gettext("result released"), "ok"),
    TubeStatus.REJECTED: (lazy_gettext("rejected"), "bad"),
    TubeStatus.LOST: (lazy_gettext("lost"), "bad"),
    TubeStatus.DISCARDED: (lazy_gettext("discarded"), "mute"),
}
