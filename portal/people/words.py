"""What the person index's fields and levels are called on the screen."""

from typing import Any

from flask_babel import lazy_gettext

FIELDS: dict[str, Any] = {
    "household": lazy_gettext("Phone and address"),
    "family_name": lazy_gettext("Family and middle name"),
    "dob": lazy_gettext("Day of birth"),
    "sex": lazy_gettext("Sex"),
    "given_name": lazy_gettext("Given name"),
    "national_id": lazy_gettext("ID number"),
    "health_insurance": lazy_gettext("Health insurance"),
    "calibration": lazy_gettext("Correction by experience"),
}

_MISSING = lazy_gettext("not known on both sides")
_SAME = lazy_gettext("the same")
_DIFFERS = lazy_gettext("different")
_SLIP = lazy_gettext("one slip of the hand")
_COMMON = lazy_gettext("the same, common")
_VERY_COMMON = lazy_gettext("the same, very common")
_UNCOMMON = lazy_gettext("the same, uncommon")
_RARE = lazy_gettext("the same, rare")
_WITHOUT_MARKS = lazy_gettext("the same without marks")

# field → level → words; the names are those of core_rs/src/linkage/fields.rs.
LEVELS: dict[str, dict[str, Any]] = {
    "household": {
        "missing": _MISSING,
        "same_phone_same_address": lazy_gettext("same phone, same address"),
        "same_phone_other_address": lazy_gettext("same phone, another address"),
        "same_phone": lazy_gettext("same phone"),
        "same_address_other_phone": lazy_gettext("same address, another phone"),
        "same_address": lazy_gettext("same address"),
        "same_ward_other_phone": lazy_gettext("same ward, another phone"),
        "same_ward": lazy_gettext("same ward"),
        "other_phone_other_ward": lazy_gettext("another phone, another ward"),
        "other_ward": lazy_gettext("another ward"),
        "same_hamlet_other_phone": lazy_gettext("the same few houses, another phone"),
        "same_hamlet": lazy_gettext("the same few houses"),
        "other_phone": lazy_gettext("another phone"),
        "same_ward_other_phone_other_address": lazy_gettext("same ward, another phone and address"),
        "same_ward_other_address": lazy_gettext("same ward, another address"),
        "other_phone_other_ward_other_address": lazy_gettext("another phone, ward and address"),
        "other_ward_other_address": lazy_gettext("another ward and address"),
        "same_phone_same_ward_other_address": lazy_gettext("same phone and ward, another address"),
        "same_address_other_phone_other_ward": lazy_gettext(
            "same address in another ward, another phone"
        ),
        "same_address_other_ward": lazy_gettext("same address in another ward"),
    },
    "family_name": {
        "missing": _MISSING,
        "same_rare": _RARE,
        "same_uncommon": _UNCOMMON,
        "same": _SAME,
        "same_common": _COMMON,
        "same_very_common": _VERY_COMMON,
        "middle_name_missing": lazy_gettext("middle name missing on one side"),
        "one_word_differs_slightly": lazy_gettext("one word slightly different"),
        "tones_differ": lazy_gettext("other tones"),
        "only_surname_same": lazy_gettext("only the surname is the same"),
        "only_middle_name_same": lazy_gettext("only the middle name is the same"),
        "words_in_other_order": lazy_gettext("words in another order"),
        "differs": _DIFFERS,
    },
    "dob": {
        "missing": _MISSING,
        "same": _SAME,
        "same_first_of_january": lazy_gettext("the same, but 1 January"),
        "same_year_only": lazy_gettext("the same year, only that is known"),
        "day_and_month_swapped": lazy_gettext("day and month swapped"),
        "one_part_differs": lazy_gettext("one part differs"),
        "same_day_other_decade": lazy_gettext("same day, another decade"),
        "same_day_year_differs": lazy_gettext("same day, another year"),
        "same_year": lazy_gettext("same year, another day"),
        "differs": _DIFFERS,
        "differs_by_a_generation": lazy_gettext("a generation apart"),
        "year_differs": lazy_gettext("another year"),
        "year_differs_slightly": lazy_gettext("another year, by one, two or ten"),
    },
    "sex": {
        "missing_or_told_by_name": lazy_gettext("not known, or told by the name"),
        "same": _SAME,
        "differs": _DIFFERS,
    },
    "given_name": {
        "missing": _MISSING,
        "same_rare": _RARE,
        "same_uncommon": _UNCOMMON,
        "same": _SAME,
        "same_common": _COMMON,
        "letters_same_rare": _WITHOUT_MARKS,
        "letters_same_uncommon": _WITHOUT_MARKS,
        "letters_same": _WITHOUT_MARKS,
        "letters_same_common": _WITHOUT_MARKS,
        "one_slip_of_marks": lazy_gettext("one slip of the marks"),
        "another_name_by_marks": lazy_gettext("another name by its marks"),
        "one_slip": _SLIP,
        "sounds_same": lazy_gettext("sounds the same"),
        "is_others_middle_name": lazy_gettext("is the other's middle name"),
        "is_a_nickname": lazy_gettext("is a nickname"),
        "two_slips": lazy_gettext("two slips of the hand"),
        "differs": _DIFFERS,
    },
    "national_id": {
        "missing": _MISSING,
        "same": _SAME,
        "same_but_doubtful": lazy_gettext("the same, but doubtful"),
        "one_slip": _SLIP,
        "neighbouring_number": lazy_gettext("a neighbouring number"),
        "differs": _DIFFERS,
        "differs_but_doubtful": lazy_gettext("different, but doubtful"),
        "same_old_number": lazy_gettext("the same old number (9 digits)"),
        "old_number_one_slip": lazy_gettext("old number with one slip"),
        "old_number_differs": lazy_gettext("another old number"),
    },
    "health_insurance": {
        "missing": _MISSING,
        "same": _SAME,
        "one_slip": _SLIP,
        "differs": _DIFFERS,
    },
    "calibration": {"calibration": lazy_gettext("how often such scores proved right")},
}

DOCUMENTS: dict[str, Any] = {
    "national_id": lazy_gettext("citizen card"),
    "cmnd": lazy_gettext("old ID number (9 digits)"),
    "old_national_id": lazy_gettext("old ID number (9 digits)"),
    "health_insurance": lazy_gettext("health insurance card"),
    "qid": lazy_gettext("personal QR"),
    "personal_qid": lazy_gettext("personal QR"),
    "passport": lazy_gettext("passport"),
}

KINDS = {
    "proposal": lazy_gettext("similar records"),
    "conflict": lazy_gettext("one card, two people"),
}
STATUSES = [
    ("open", lazy_gettext("waits"), "wait"),
    ("later", lazy_gettext("put off"), "warn"),
    ("same", lazy_gettext("one person"), "ok"),
    ("different", lazy_gettext("two people"), "mute"),
]
SEXES = [
    ("female", lazy_gettext("Female")),
    ("male", lazy_gettext("Male")),
    ("unknown", lazy_gettext("Not known")),
]
PRIOR = lazy_gettext("Before looking")
PRIOR_LEVEL = lazy_gettext("two records taken at random are seldom one person")
