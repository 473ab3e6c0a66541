"""Papers of people who do not exist, to see how texts look on the real page."""

import datetime as dt
from dataclasses import replace

from portal import clock
from portal.certificates import rules, session_lists
from portal.certificates.contracts import (
    CompletedQuarantine,
    GivenDose,
    Holder,
    Vaccinated,
    quarantine_page,
    vaccination_page,
)
from portal.certificates.rules import Office, SampleFacts
from portal.certificates.wording import Texts
from reports.certificate import render_certificate
from reports.result_list import render_result_list

CODE = "00000000000"
_PLACE = "Cơ sở mẫu để xem thử"
_STATES = {
    "negative": "NEG_SINGLE",
    "pool_negative": "NEG_BY_POOL",
    "positive": "POS_CONFIRMED",
    "retest_notice": "RETEST_DUE",
}
_HOLDER = Holder(
    full_name="Nguyễn Thị Người Mẫu",
    birth_on=dt.date(1990, 1, 31),
    birth_year=1990,
    sex="female",
    national_id="000190000000",
    nationality="VN",
    address="Tổ 0, phường Xem Thử",
)


def pdf_of(kind: str, texts: Texts, office: Office) -> bytes:
    """The page of a kind with these joined texts and sample data, unsigned."""
    now = clock.now().replace(microsecond=0)
    office = replace(office, slip_of=rules.no_slip)  # nobody's result is signed
    issue = {"texts": texts, "office": office, "code": CODE, "issued_at": now}
    if kind == "session_list":
        page = session_lists.compose(
            session_lists.Sitting("BL-MẪU", _PLACE, "Đợt mẫu", "COVID-19", clock.local(now).date()),
            [_facts(one, now, number) for number, one in enumerate(_STATES)],
            texts=texts, office=office, number="", issued_at=now,
        )  # fmt: skip
        return render_result_list(page, "preview")
    today = clock.local(now).date()
    if kind == "quarantine_completion":
        facts = CompletedQuarantine(
            _HOLDER, "COVID-19", "Tiếp xúc gần (F1)", "000/QĐ-UBND",
            today - dt.timedelta(days=13), today, (today,), _PLACE,
        )  # fmt: skip
        return render_certificate(quarantine_page(facts, **issue))  # type: ignore[arg-type]
    if kind == "vaccination":
        doses = tuple(
            GivenDose(n, "Vắc xin mẫu", f"LO00{n}", today - dt.timedelta(days=28 * (3 - n)), _PLACE)
            for n in (1, 2)
        )
        shot = Vaccinated(_HOLDER, "COVID-19", doses)
        return render_certificate(vaccination_page(shot, **issue))  # type: ignore[arg-type]
    return render_certificate(
        rules.compose(_facts(kind, now, 0), kind=kind, **issue)  # type: ignore[arg-type]
    )


def _facts(kind: str, now: dt.datetime, number: int) -> SampleFacts:
    hour = dt.timedelta(hours=1)
    return SampleFacts(
        sample_id=0,
        site_id=0,
        result_code=CODE,
        state=_STATES[kind],
        state_reason="",
        person_id=0,
        full_name=f"{_HOLDER.full_name} {number}" if number else _HOLDER.full_name,
        birth_on=_HOLDER.birth_on,
        birth_year=_HOLDER.birth_year,
        sex=_HOLDER.sex,
        national_id=_HOLDER.national_id,
        phone="",
        nationality=_HOLDER.nationality,
        address=_HOLDER.address,
        site=_PLACE,
        disease="COVID-19",
        method="pcr",
        specimen_type="nasopharyngeal",
        sample_count=5 if kind in {"pool_negative", "retest_notice"} else 1,
        collected_at=now - 12 * hour,
        withdrawn_at=None,
        retest_of_id=None,
        retest_due_at=now + 24 * hour if kind == "retest_notice" else None,
        received_at=now - 9 * hour,
        released_at=now,
        laboratory="Phòng xét nghiệm mẫu",
        tested_at=now - 3 * hour,
        kit_name="Sinh phẩm mẫu",
        kit_lot="0000",
        ct_values={"N": 21.3, "E": 22.0} if kind == "positive" else {},
        result_version=1,
        verifier="Trần Văn Người Mẫu",
    )
