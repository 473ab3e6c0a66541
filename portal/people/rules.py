"""Who may be the same person by a document, and what a document leaves open."""

from typing import NamedTuple


class Particulars(NamedTuple):
    """What a card or a form says of a person, normalised by core_rs; empty where not known.

    `birth_on` is ISO text of the whole day; `is_name_plain` says the name has no marks because
    its source writes none.
    """

    full_name: str
    folded_name: str
    sort_name: str
    birth_on: str
    birth_year: int | None
    sex: str
    phone: str
    national_id: str
    cmnd: str
    health_insurance: str
    qid: str
    passport: str
    address: str
    is_name_plain: bool
    nationality: str = "VN"

    def identifiers(self) -> list[tuple[str, str]]:
        """(kind, value) of every id that names one person, the strongest first."""
        pairs = (
            ("national_id", self.national_id),
            ("qid", self.qid),
            ("health_insurance", self.health_insurance),
            ("cmnd", self.cmnd),
            ("passport", self.passport),
        )
        return [pair for pair in pairs if pair[1]]


class Known(NamedTuple):
    """What is stored of a person that shares an id."""

    folded_name: str
    birth_on: str
    birth_year: int | None
    sex: str


def is_same_person(known: Known, given: Particulars) -> bool:
    """Whether a shared id may be believed.

    It is, if birth and sex do not contradict each other, or if the name is the same: clerks
    mistype days and tick the wrong sex, but a card of somebody else has another name too.
    """
    if known.folded_name and known.folded_name == given.folded_name:
        return True
    if known.birth_on and given.birth_on:
        is_born_alike = known.birth_on == given.birth_on
    elif known.birth_year and given.birth_year:
        is_born_alike = known.birth_year == given.birth_year
    else:
        is_born_alike = True
    is_sex_alike = "unknown" in (known.sex, given.sex) or known.sex == given.sex
    return is_born_alike and is_sex_alike
