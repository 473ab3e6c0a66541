"""What the papers of areas to come will be given: the contract their areas must fill.

Their templates are ready and can be worded and previewed; no route issues them yet.
"""

import datetime as dt
from dataclasses import dataclass

from portal.certificates.rules import SEXES, Office, page_of
from portal.certificates.wording import Texts
from reports.certificate import CertificatePage, Row

# The table of one page holds so many injections beside the person's own lines.
MOST_INJECTIONS = 8


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose paper it is; `birth_on` is None where only the year is known."""

    full_name: str
    birth_on: dt.date | None
    birth_year: int | None
    sex: str
    national_id: str
    nationality: str
    address: str

    def rows(self) -> list[Row]:
        """The first lines of every paper."""
        born = f"{self.birth_on:%d/%m/%Y}" if self.birth_on else str(self.birth_year or "–")
        return [
            Row("Họ và tên", "Full name", self.full_name),
            Row("Ngày sinh", "Date of birth", born),
            Row("Giới tính", "Sex", SEXES.get(self.sex, "–")),
            Row("Số CCCD/hộ chiếu", "ID number", self.national_id or "–"),
            Row("Quốc tịch", "Nationality", self.nationality.replace("VN", "Việt Nam")),
            Row("Địa chỉ", "Address", self.address or "–"),
        ]


@dataclass(frozen=True, slots=True)
class CompletedQuarantine:
    """A quarantine that has ended as ordered (`quarantine`: QuarantineOrder and its Stay).

    Attributes:
        basis: why, in words, e.g. `Tiếp xúc gần (F1)`.
        decision: number of the order, e.g. `512/QĐ-UBND`.
        first_on: first local day; `last_on` the last.
        tests: days of the tests on which it was lifted, all of them negative.
        place: where, as on papers.
    """

    holder: Holder
    disease: str
    basis: str
    decision: str
    first_on: dt.date
    last_on: dt.date
    tests: tuple[dt.date, ...]
    place: str

    @property
    def days(self) -> int:
        """Both ends counted, as orders count them."""
        return (self.last_on - self.first_on).days + 1

    def rows(self) -> list[Row]:
        """The table of the paper."""
        tests = "; ".join(f"{day:%d/%m/%Y}" for day in self.tests) or "–"
        return [
            *self.holder.rows(),
            Row("Lý do cách ly", "Basis", self.basis),
            Row("Quyết định số", "Decision", self.decision),
            Row("Nơi cách ly", "Place", self.place),
            Row("Từ ngày", "From", f"{self.first_on:%d/%m/%Y}"),
            Row("Đến ngày", "Until", f"{self.last_on:%d/%m/%Y}"),
            Row("Xét nghiệm âm tính ngày", "Tested negative on", tests),
        ]


@dataclass(frozen=True, slots=True)
class GivenDose:
    """One injection (`vaccination`: Injection with its VaccineLot)."""

    dose_number: int
    vaccine: str
    lot_number: str
    given_on: dt.date
    place: str


@dataclass(frozen=True, slots=True)
class Vaccinated:
    """The injections of a person against one disease, the first one first."""

    holder: Holder
    disease: str
    doses: tuple[GivenDose, ...]

    def rows(self) -> list[Row]:
        """The table of the paper; of very many injections the last ones."""
        return [
            *self.holder.rows(),
            *(
                Row(
                    f"Mũi {dose.dose_number}",
                    f"Dose {dose.dose_number}",
                    f"{dose.vaccine}, lô {dose.lot_number}, {dose.given_on:%d/%m/%Y}, {dose.place}",
                )
                for dose in self.doses[-MOST_INJECTIONS:]
            ),
        ]


def quarantine_page(
    facts: CompletedQuarantine, *, texts: Texts, office: Office, code: str, issued_at: dt.datetime
) -> CertificatePage:
    """The page of a completed quarantine."""
    words = {
        "disease": facts.disease,
        "province": office.province,
        "place": facts.place,
        "days": str(facts.days),
        "decision": facts.decision,
    }
    return page_of(
        facts.rows(), agency=facts.place, day=issued_at, words=words, texts=texts,
        office=office, code=code, issued_at=issued_at,
    )  # fmt: skip


def vaccination_page(
    facts: Vaccinated, *, texts: Texts, office: Office, code: str, issued_at: dt.datetime
) -> CertificatePage:
    """The page of a vaccination, issued by the place of the last injection."""
    place = facts.doses[-1].place
    words = {
        "disease": facts.disease,
        "province": office.province,
        "place": place,
        "doses": str(facts.doses[-1].dose_number),
    }
    return page_of(
        facts.rows(), agency=place, day=issued_at, words=words, texts=texts,
        office=office, code=code, issued_at=issued_at,
    )  # fmt: skip
