"""Rules of accounts: statuses and moves, usernames, one-time codes, the staff list's schema."""

import datetime as dt
import re
from collections.abc import Collection
from enum import StrEnum

from werkzeug.security import generate_password_hash

from core_rs import fold_name, new_code
from portal.roles import Role
from portal.web.sheets import Column


class StaffStatus(StrEnum):
    """What an account is."""

    INVITED = "invited"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


MOVES: dict[StaffStatus, frozenset[StaffStatus]] = {
    StaffStatus.INVITED: frozenset(
        {StaffStatus.ACTIVE, StaffStatus.SUSPENDED, StaffStatus.WITHDRAWN}
    ),
    StaffStatus.ACTIVE: frozenset({StaffStatus.SUSPENDED, StaffStatus.WITHDRAWN}),
    StaffStatus.SUSPENDED: frozenset({StaffStatus.ACTIVE, StaffStatus.WITHDRAWN}),
    StaffStatus.WITHDRAWN: frozenset(),
}

# A volunteer helps for a round (R17); an account without an end would outlive it.
VOLUNTEER_LIFE = dt.timedelta(days=30)
FIRST_LOGIN_LIFE = dt.timedelta(days=14)

# Vietnamese words of staff lists → role. Compared without tones, case and spaces.
ROLE_WORDS: dict[str, Role] = {
    "quản trị sở": Role.DEPARTMENT_ADMIN,
    "quản trị": Role.DEPARTMENT_ADMIN,
    "quản lý tài khoản": Role.ACCOUNT_ADMIN,
    "điều phối": Role.COORDINATOR,
    "quản lý điểm": Role.SITE_MANAGER,
    "trưởng điểm": Role.SITE_MANAGER,
    "trưởng nhóm": Role.SITE_MANAGER,
    "lấy mẫu": Role.COLLECTOR,
    "nhân viên lấy mẫu": Role.COLLECTOR,
    "nhập liệu": Role.COLLECTOR,
    "tình nguyện viên": Role.VOLUNTEER,
    "tình nguyện": Role.VOLUNTEER,
    "kỹ thuật viên": Role.LABORATORY_TECHNICIAN,
    "kỹ thuật viên xét nghiệm": Role.LABORATORY_TECHNICIAN,
    "xét nghiệm": Role.LABORATORY_TECHNICIAN,
    "duyệt kết quả": Role.LABORATORY_VERIFIER,
    "phụ trách xét nghiệm": Role.LABORATORY_VERIFIER,
    "khai báo": Role.DECLARATION_OFFICER,
    "cán bộ khai báo": Role.DECLARATION_OFFICER,
    "dữ liệu": Role.DATA_OFFICER,
    "kiểm tra": Role.AUDITOR,
    "kiểm toán": Role.AUDITOR,
}

# Roles an account admin may give; only a department admin makes further admins.
GIVEN_BY_ACCOUNT_ADMIN = frozenset(Role) - {Role.DEPARTMENT_ADMIN, Role.ACCOUNT_ADMIN}
GIVEN_BY_SITE_MANAGER = frozenset({Role.COLLECTOR, Role.VOLUNTEER})

STAFF_COLUMNS = (
    Column("number", "TT", ("STT",), example="1"),
    Column(
        "full_name",
        "Họ và tên",
        ("Họ tên", "Họ và tên cán bộ", "Tên"),
        is_required=True,
        example="Nguyễn Thị Thử Nghiệm",
    ),
    Column(
        "phone",
        "Số điện thoại",
        ("SĐT", "Điện thoại", "Di động", "Số ĐT", "ĐTDĐ"),
        is_required=True,
        example="0900000001",
        hint="10 chữ số; số cũ 11 chữ số được đổi tự động",
    ),
    Column(
        "site",
        "Đơn vị",
        ("Cơ sở", "Mã đơn vị", "Đơn vị công tác", "Nơi công tác"),
        is_required=True,
        example="Trạm Y tế Hải Châu",
        hint="tên hoặc mã đơn vị như trong danh mục",
    ),
    Column(
        "role",
        "Vai trò",
        ("Nhiệm vụ", "Quyền", "Công việc"),
        is_required=True,
        example="Lấy mẫu",
    ),
    Column("position", "Chức vụ", ("Chức danh",), example="Điều dưỡng"),
    Column(
        "trained_on",
        "Ngày tập huấn",
        ("Tập huấn", "Ngày học"),
        example="01/08/2025",
        hint="dd/mm/yyyy; để trống nếu chưa tập huấn: tài khoản chưa mở",
    ),
    Column("course", "Lớp tập huấn", ("Khóa tập huấn",), example="Nền tảng xét nghiệm"),
    Column("expires_on", "Hết hạn", ("Ngày hết hạn",), example="", hint="dd/mm/yyyy"),
)


def words_key(text: str) -> str:
    """Text without tones, case, spaces and signs, for comparing words people typed."""
    return re.sub(r"[^a-z0-9]+", "", fold_name(text))


_ROLES_BY_KEY = {words_key(word): role for word, role in ROLE_WORDS.items()} | {
    words_key(role.value): role for role in Role
}


def find_role(text: str) -> Role | None:
    """The role that a cell of a staff list names, in Vietnamese or English."""
    return _ROLES_BY_KEY.get(words_key(text))


def username_for(full_name: str, taken: Collection[str]) -> str:
    """Given name and initials, `an.nt`, with a number where somebody has it already."""
    parts = re.sub(r"[^a-z ]+", "", fold_name(full_name)).split() or ["nv"]
    stem = parts[-1] + ("." + "".join(part[0] for part in parts[:-1]) if parts[1:] else "")
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}{number}"
    return name


def new_first_login_code() -> str:
    """A one-time code of 50 random bits and a check symbol."""
    return new_code(10)


def hash_first_login(code: str) -> str:
    """How a one-time code is kept, in the form that `check_password_hash` reads.

    Few rounds are enough: the code is random (50 bits), works once and for two weeks.
    """
    return generate_password_hash(code, method="pbkdf2:sha256:1000")
