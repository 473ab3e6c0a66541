"""The department's list of sites: added, corrected by code, every problem of a row at once."""

import datetime as dt
import io

import openpyxl
import pytest
import sqlalchemy as sa

from portal import actors, clock, db
from portal.areas.models import AdminUnit
from portal.errors import Invalid
from portal.sites import importing
from portal.sites.models import Site

SYSTEM = actors.system("tests")
PROVINCE = "Thành phố Đà Nẵng"
LIST = """TT;Mã;Tên đơn vị;Loại;Xã, phường;Địa chỉ;SĐT;Thu phí
1;hc01;Điểm lấy mẫu Hải Châu;Điểm lấy mẫu;phường Hải Châu;Số 1;0905 123 456;không
2;XN-1;Phòng xét nghiệm CDC;PHÒNG XÉT NGHIỆM;;;;có
3;HC01;Trùng mã;Lấy mẫu;Hải Châu;;;
4;x;;Chợ;Đâu đó;;12;hai
"""


@pytest.fixture
def province(session) -> None:
    day = dt.date(2025, 7, 1)
    units = {}
    for level, code, name, kind in (
        ("province", "48", "Đà Nẵng", "thành phố"),
        ("commune", "20242", "Hải Châu", "phường"),
    ):
        unit = AdminUnit(
            code=code, level=level, kind=kind, name=name, name_folded=name.lower(), valid_from=day
        )
        session.add(unit)
        session.flush()
        unit.path = f"{units['province'].path if units else '/'}{unit.id}/"
        units[level] = unit
    session.commit()


def read(content: str | bytes, name: str = "don-vi.csv") -> importing.Report:
    with db.transaction(SYSTEM) as session:
        return importing.import_sites(
            session,
            SYSTEM,
            file_name=name,
            content=content.encode() if isinstance(content, str) else content,
            province_name=PROVINCE,
        )


def counts(report: importing.Report) -> tuple[int, int, int, int, int]:
    return (
        report.row_count,
        report.created_count,
        report.corrected_count,
        report.unchanged_count,
        report.error_count,
    )


def test_rows_become_sites_and_problems_come_back(province, session) -> None:
    report = read(LIST)
    assert counts(report) == (4, 2, 0, 0, 2)
    lines = report.answer_file.decode("utf-8-sig").splitlines()
    assert lines[1].endswith(",")  # nothing is wrong with the first
    assert len(lines[4].split(";")) >= 4  # name, kind, commune, phone, fee: all of them
    sites = {site.code: site for site in session.scalars(sa.select(Site))}
    assert set(sites) == {"HC01", "XN-1"}
    assert (sites["HC01"].phone, sites["HC01"].area.name) == ("0905123456", "Hải Châu")
    assert (sites["XN-1"].is_fee_charging, sites["XN-1"].area.name) == (True, "Đà Nẵng")
    assert len(sites["HC01"].readiness) == 6


def test_the_list_again_changes_nothing_and_a_corrected_one_corrects(province, session) -> None:
    read(LIST)
    assert counts(read(LIST)) == (4, 0, 0, 2, 2)
    assert counts(read(LIST.replace("Số 1", "Số 2"))) == (4, 0, 1, 1, 2)
    site = session.scalars(sa.select(Site).where(Site.code == "HC01")).one()
    assert (site.address, site.version) == ("Số 2", 2)
    other_kind = read(
        LIST.replace("1;hc01;Điểm lấy mẫu Hải Châu;Điểm lấy mẫu", "1;hc01;A;Điểm tiêm")
    )
    assert other_kind.error_count == 3  # a site keeps its kind


def test_the_template_passes_its_own_importer(province) -> None:
    content = importing.template()
    assert counts(read(content, "mau.xlsx")) == (1, 1, 0, 0, 0)
    headers = next(openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].iter_rows())
    assert len(headers) == len(importing.COLUMNS)


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02" * 50, b"PK\x03\x04broken", b"a,b\n1,2\n"])
def test_what_is_no_list_is_refused_whole(province, content: bytes) -> None:
    with pytest.raises(Invalid):
        read(content, "x.xlsx")
    assert clock.today()
