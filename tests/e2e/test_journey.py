"""From the staff list to the certificate, by people who only have a browser.

An admin opens a laboratory and lists its staff; they log in for the first time with the code of
their slip; a collector scans, the laboratory receives, records and releases; a citizen looks the
result up on a phone, keeps the paper, and somebody else verifies it.
"""

import io
import re
import subprocess
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from portal.replay.people import households, payload
from portal.roles import Role
from tests.e2e.conftest import Running, sign_in
from tests.e2e.test_scanning import type_scan, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
LABORATORY = "Khoa Xét nghiệm Bệnh viện Đà Nẵng"
HEADERS = ("TT", "Họ và tên", "Số điện thoại", "Đơn vị", "Vai trò", "Ngày tập huấn", "Lớp tập huấn")
# As such lists are: spaces, a lost leading zero, an old number, small letters; the last is wrong.
STAFF = (
    (1, "  Lê   Thị Hồng", 905123451, "Điểm lấy mẫu Phường Hải Châu", "Lấy mẫu"),
    (2, "Trần Quốc Đạt", "0120 512 3452", LABORATORY.upper(), "kỹ thuật viên"),
    (3, "Phạm Thị Duyên", "+84905123453", LABORATORY, "Duyệt kết quả"),
    (4, "Võ Văn Sai", "12", "Trạm không có", "Lái xe"),
)
OWN_PASSWORD = "con tàu 72 toa"
PEOPLE = list(households(77, 3, ["Phường Hải Châu"], 2026))


def _staff_list() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["SỞ Y TẾ"])
    book.active.append(HEADERS)
    for row in STAFF:
        book.active.append([*row, "01/08/2026", "Nền tảng xét nghiệm"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _text(path: Path) -> str:
    return subprocess.run(
        ["pdftotext", "-layout", path, "-"], check=True, capture_output=True, text=True
    ).stdout


def _open_laboratory(page: Page, url: str) -> None:
    page.goto(f"{url}/sites/add")
    page.fill("#code", "XN01")
    page.fill("#name", LABORATORY)
    page.select_option("#kind", "laboratory")
    page.fill("#area", "Phường")
    page.locator("#area-options li").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.click("main form button[type=submit]")
    page.wait_for_url("**/sites/show/*")
    for box in page.locator("main input[type=checkbox]").all():
        box.check()
    page.locator("form[action*='/ready'] button").click()
    page.locator("form[action*='/open'] button").click()
    expect(page.locator("main")).to_contain_text("Đang mở")


def _import_staff(page: Page, url: str, folder: Path) -> dict[str, tuple[str, str]]:
    """Name → login and one-time code, as printed on the slips."""
    page.goto(f"{url}/staff-imports/")
    page.set_input_files(
        "#file", {"name": "ds.xlsx", "mimeType": "application/zip", "buffer": _staff_list()}
    )
    page.locator("form.record-form button").click()
    expect(page.locator(".alert[role=status]")).to_contain_text("3 tài khoản")
    with page.expect_download() as answer:
        page.locator("a[href$='/answer']").first.click()
    answer.value.save_as(folder / "answer.xlsx")
    rows = list(openpyxl.load_workbook(folder / "answer.xlsx").active.iter_rows(values_only=True))
    assert [bool(row[-1]) for row in rows[2:]] == [False, False, False, True]
    for part in ("«12»", "«Trạm không có»", "«Lái xe»"):
        assert part in str(rows[-1][-1])
    form = page.locator("form[action$='/staff/slips']")
    token = form.locator("input[name=csrf_token]").input_value()
    slips = page.request.post(f"{url}/staff/slips", form={"csrf_token": token})
    (folder / "slips.pdf").write_bytes(slips.body())
    text = _text(folder / "slips.pdf")
    names = re.findall(r"Tên đăng nhập: (\S+)", text)
    codes = re.findall(r"Mã dùng một lần: ((?:[0-9A-Z]+ )*[0-9A-Z]+)", text)
    assert len(names) == len(codes) == 3
    return dict(zip(names, codes, strict=True))


def _first_login(context: BrowserContext, url: str, name: str, code: str) -> Page:
    context.clear_cookies()
    page = context.new_page()
    page.goto(f"{url}/login/")
    page.fill("#username", name)
    page.fill("#password", code)
    page.keyboard.press("Enter")
    page.wait_for_url("**/password/**")
    page.goto(f"{url}/jobs/")
    page.wait_for_url("**/password/**")  # nothing else opens before
    page.fill("#new", OWN_PASSWORD)
    page.fill("#again", OWN_PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda where: "/password" not in where)
    return page


def _scan(page: Page, running: Running) -> list[str]:
    """The result codes of the people, as their slips show them: two in one tube, one alone."""
    page.goto(f"{running.url}/scanning/")
    page.click("form button.btn-primary")
    page.wait_for_selector("#station[data-ready=yes]")
    codes = []
    for tube, people in zip(running.tube_codes[:2], (PEOPLE[:2], PEOPLE[2:]), strict=True):
        type_scan(page, tube)
        for person in people:
            type_scan(page, payload(person, "cccd"))
            expect(page.locator("[data-slip-name]")).to_have_text(person.full_name)
            codes.append(page.inner_text("[data-slip-code]"))
    page.click("[data-seal]")
    until(lambda: page.inner_text("[data-waiting]") == "0")
    return codes


def _receive_and_record(page: Page, running: Running) -> None:
    page.goto(f"{running.url}/laboratory/receipt/")
    for count, tube in enumerate(running.tube_codes[:2], start=1):
        type_scan(page, tube)
        expect(page.locator("#count-scanned")).to_have_text(str(count))
    until(lambda: page.inner_text("#count-pending") == "0")
    page.goto(f"{running.url}/laboratory/rack/")
    for count, tube in enumerate(running.tube_codes[:2], start=1):
        type_scan(page, tube)
        expect(page.locator("#count-tubes")).to_have_text(str(count))
    page.fill("#rest", "2")
    page.keyboard.press("Enter")
    page.click("#record")
    page.wait_for_url("**/laboratory/runs/*")
    for control in ("positive_control", "negative_control"):
        page.select_option(f"#{control}", "passed")
    page.locator("form[action$='/controls'] button").click()
    expect(page.locator("main")).not_to_contain_text("không duyệt được")


def _release(page: Page, url: str) -> None:
    page.goto(f"{url}/laboratory/runs/")
    page.locator("table a[href*='/laboratory/runs/']").first.click()
    page.locator("#release-form button[type=submit], #release-form button.btn-primary").last.click()
    expect(page.locator("main")).to_contain_text("Đã trả kết quả")


def _look_up(page: Page, url: str, code: str, birth: str, paper: Path) -> None:
    page.goto(f"{url}/tra-cuu")
    page.fill("[name=code]", f" {code.lower()} ")
    page.fill("[name=factor]", birth)
    page.locator("main form button").first.click()
    expect(page.locator("main")).to_contain_text("âm tính", ignore_case=True)
    with page.expect_download() as download:
        page.locator("form[action$='/giay'] button, section.box form button").first.click()
    download.value.save_as(paper)


def test_from_the_staff_list_to_the_certificate(
    chromium: Browser, context: BrowserContext, running: Running, tmp_path: Path
) -> None:
    manager = sign_in(context, running, Role.SITE_MANAGER)
    manager.goto(f"{running.url}/scanning/")
    with manager.expect_navigation():
        manager.locator("[data-enrol]").first.click()
    context.clear_cookies()
    admin = sign_in(context, running, Role.DEPARTMENT_ADMIN)
    _open_laboratory(admin, running.url)
    logins = _import_staff(admin, running.url, tmp_path)
    collector, technician, verifier = logins.items()
    codes = _scan(_first_login(context, running.url, *collector), running)
    _receive_and_record(_first_login(context, running.url, *technician), running)
    _release(_first_login(context, running.url, *verifier), running.url)

    phone = chromium.new_context(viewport={"width": 360, "height": 740}, locale="vi-VN")
    citizen, paper = phone.new_page(), tmp_path / "paper.pdf"
    _look_up(citizen, running.url, codes[0], PEOPLE[0].birth_on.strftime("%d/%m/%Y"), paper)
    assert PEOPLE[0].full_name in _text(paper)
    citizen.goto(f"{running.url}/kiem-tra")
    citizen.set_input_files("input[type=file]", paper)
    citizen.get_by_role("button", name="Kiểm tra tệp").click()
    expect(citizen.locator(".box.good").first).to_contain_text("✓")
    expect(citizen.locator("main")).to_contain_text("Còn hiệu lực", ignore_case=True)
    # The neighbour's day of birth opens nothing.
    citizen.goto(f"{running.url}/tra-cuu")
    citizen.fill("[name=code]", codes[0])
    citizen.fill("[name=factor]", "01/01/1901")
    citizen.locator("main form button").first.click()
    expect(citizen.locator("[role=alert]")).to_be_visible()
    phone.close()
