"""A staff list with dirt in it: accounts for the good rows, every error of the others at once."""

import io

import openpyxl
import pytest
import sqlalchemy as sa
from werkzeug.security import check_password_hash

from portal import actors, db
from portal.accounts import importing, login, queries, rules, services
from portal.accounts.models import StaffProfile, Training
from portal.actors import Actor, Scope
from portal.areas.models import AdminUnit
from portal.errors import Forbidden, Invalid, NotFound
from portal.roles import Role
from portal.sites.models import Site
from tests.portal import builders

HEADERS = ["STT", "HỌ VÀ TÊN", "SĐT", "Đơn vị ", "Nhiệm vụ", "Chức vụ", "Ngày tập huấn", "Hết hạn"]
SYSTEM = actors.system("tests")


def workbook(*rows: list[object], headers: list[str] = HEADERS) -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    page.append(["DANH SÁCH CÁN BỘ"])
    page.append(headers)
    for row in rows:
        page.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def answers(content: bytes) -> list[str]:
    page = openpyxl.load_workbook(io.BytesIO(content)).active
    rows = list(page.iter_rows(values_only=True))
    column = rows[1].index("Lỗi")
    return [row[column] or "" for row in rows[2:]]


@pytest.fixture
def site(session: db.Session) -> Site:
    return builders.site(session, code="HC01", name="Trạm Y tế Hải Châu")


def import_list(content: bytes, actor: Actor = SYSTEM):
    with db.transaction(actor) as session:
        record = importing.import_staff(session, actor, file_name="ds.xlsx", content=content)
        return record, bytes(record.answer_file)


def test_a_list_with_dirt_makes_accounts_and_names_every_problem(session, site) -> None:
    record, answer = import_list(
        workbook(
            [
                1,
                "  nguyễn   thị  LAN ",
                905123456,
                "tram y te hai chau",
                "Lấy mẫu",
                "ĐD",
                "01/08/2025",
                None,
            ],
            [2, "Trần Văn Bình", "0163 123 4567", "HC01", "tình nguyện viên", "", "", ""],
            [3, "Lê", "12345", "Trạm Y tế Không Có", "phi công", "", "31/02/2025", ""],
            [4, "Phạm Thị Mai", "0905123456", "HC01", "lay mau", "", "", ""],
            [5, "", "", "", "", "", "", ""],
        )
    )
    assert (record.row_count, record.created_count, record.error_count) == (5, 2, 3)
    errors = answers(answer)
    assert errors[0] == errors[1] == ""
    assert errors[2].count(";") == 4, errors[2]
    assert errors[3]
    staff = {p.full_name: p for p in session.scalars(sa.select(StaffProfile))}
    lan = next(p for name, p in staff.items() if name.endswith(("Lan", "LAN")))
    assert lan.phone == "0905123456"
    assert lan.site_id == site.id
    binh = staff["Trần Văn Bình"]
    assert binh.phone == "0331234567"
    assert binh.expires_on is not None
    assert queries.role_names(session, binh.user_id) == {Role.VOLUNTEER}
    assert session.scalars(sa.select(Training.staff_id)).all() == [lan.id]


def test_the_same_list_again_changes_nothing(session, site) -> None:
    content = workbook([1, "Nguyễn Thị Lan", "0905123456", "HC01", "Lấy mẫu", "", "01/08/2025", ""])
    import_list(content)
    record, _answer = import_list(content)
    assert (record.created_count, record.unchanged_count, record.error_count) == (0, 1, 0)
    assert session.scalar(sa.select(sa.func.count(StaffProfile.id))) == 1


def test_the_template_passes_its_own_importer(session) -> None:
    builders.site(session, code="X1", name="Trạm Y tế Hải Châu")
    record, _answer = import_list(importing.template())
    assert (record.created_count, record.error_count) == (1, 0)


def test_csv_of_an_old_excel_is_read_too(session, site) -> None:
    text = "Họ tên;Điện thoại;Đơn vị;Vai trò\r\nLê Văn Tám;'0912345678;HC01;Lấy mẫu\r\n"
    record, answer = import_list("\ufeff".encode() + text.encode())
    assert record.created_count == 1
    assert answer.decode("utf-8-sig").splitlines()[0].endswith("Lỗi")


@pytest.mark.parametrize("content", [b"\x00\x01\x02\x00", b"PK\x03\x04broken", b"a;b\r\n1;2\r\n"])
def test_a_file_that_is_no_list_is_refused_whole(session, content: bytes) -> None:
    with pytest.raises(Invalid):
        import_list(content)


def test_a_site_manager_gives_only_field_roles_at_the_own_site(session, site) -> None:
    other = builders.site(session, code="TK01", name="Trạm Y tế Thanh Khê")
    manager = Actor(
        kind="staff",
        name="m",
        roles=frozenset({Role.SITE_MANAGER}),
        scope=Scope(site_ids=frozenset({site.id})),
    )
    record, answer = import_list(
        workbook(
            [1, "Nguyễn Thị Lan", "0905123456", "HC01", "Lấy mẫu", "", "", ""],
            [2, "Trần Thị Cúc", "0905123457", other.code, "Lấy mẫu", "", "", ""],
            [3, "Lê Thị Đào", "0905123458", "HC01", "quản trị sở", "", "", ""],
        ),
        manager,
    )
    assert record.created_count == 1
    assert [bool(text) for text in answers(answer)] == [False, True, True]


def test_a_one_time_code_is_kept_only_as_a_hash_and_a_new_one_ends_the_old(session, site) -> None:
    with db.transaction(SYSTEM) as open_session:
        (profile,) = services.invite(
            open_session,
            SYSTEM,
            [services.Invitation("Nguyễn Thị Lan", "0905123456", Role.COLLECTOR, site.id)],
        )
        ((_profile, first),) = services.issue_first_login_codes(open_session, SYSTEM, [profile.id])
        old_hash, version = profile.first_login_hash, profile.session_version
        ((_profile, second),) = services.issue_first_login_codes(open_session, SYSTEM, [profile.id])
        assert first != second
        assert first not in old_hash
        assert profile.session_version == version + 1
        assert check_password_hash(profile.first_login_hash, second)
        assert not check_password_hash(profile.first_login_hash, first)


def test_an_outsider_can_not_suspend_and_nobody_suspends_himself(session, site) -> None:
    with db.transaction(SYSTEM) as open_session:
        (profile,) = services.invite(
            open_session,
            SYSTEM,
            [services.Invitation("Nguyễn Thị Lan", "0905123456", Role.COLLECTOR, site.id)],
        )
    outsider = Actor(kind="staff", name="o", roles=frozenset({Role.SITE_MANAGER}))
    with pytest.raises(NotFound):
        services.set_status(
            session, outsider, staff_id=profile.id, status=rules.StaffStatus.SUSPENDED
        )
    himself = Actor(
        kind="staff",
        name="h",
        user_id=profile.user_id,
        scope=actors.EVERYTHING,
        roles=frozenset({Role.DEPARTMENT_ADMIN}),
    )
    with pytest.raises(Forbidden):
        services.set_status(
            session, himself, staff_id=profile.id, status=rules.StaffStatus.SUSPENDED
        )


def test_a_district_officer_sees_the_sites_below_the_area(session) -> None:
    site = builders.site(session, code="A1", name="A")
    far = builders.site(session, code="B1", name="B")
    profile = StaffProfile(area_id=session.get(AdminUnit, site.area_id).parent_id)
    profile.area = session.get(AdminUnit, profile.area_id)
    scope = login.scope_of(session, profile, {Role.DECLARATION_OFFICER})
    assert scope.covers_site(site.id)
    assert not scope.covers_site(far.id)
