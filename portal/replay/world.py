"""The province of the replay: units, sites, staff from a list, campaign, sessions, labels, devices.

Every step finds what an earlier, interrupted run already made, and goes on from there.
"""

import datetime as dt
import random
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from flask_appbuilder.security.sqla.models import Role as FabRole
from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from portal import actors, clock, db
from portal.accounts import importing
from portal.accounts.models import StaffProfile
from portal.accounts.rules import StaffStatus
from portal.accounts.services import Invitation, invite, record_training
from portal.areas import queries as areas
from portal.areas import services as area_services
from portal.areas.models import AdminUnit
from portal.areas.rules import Level
from portal.campaigns import services as campaigns
from portal.campaigns.models import Campaign, CollectionSession
from portal.campaigns.rules import CampaignStatus, SessionStatus
from portal.ingest.models import Device
from portal.ingest.services import enrol_device
from portal.replay import plan
from portal.replay.people import Names
from portal.replay.state import ReplayState, save
from portal.roles import Role
from portal.samples import labels
from portal.samples.models import TubeLabelRange
from portal.sites import services as sites
from portal.sites.models import Site
from portal.sites.rules import SiteKind, SiteStatus
from portal.web.sheets import write_workbook

ACTOR = actors.system("replay")
PROVINCE_CODE = "48"
CAMPAIGN_CODE = "DN-VONG1"
LETTERS = "DNG"
DEVICES_A_SITE = 2
LABORATORIES = (
    ("XN-CDC", "Phòng xét nghiệm CDC Đà Nẵng"),
    ("XN-BVDN", "Khoa Vi sinh Bệnh viện Đà Nẵng"),
    ("XN-BVPHOI", "Khoa Xét nghiệm Bệnh viện Phổi Đà Nẵng"),
)
DEPARTMENT = ("SYT-DN", "Sở Y tế thành phố Đà Nẵng")
COURSE = "Sử dụng nền tảng xét nghiệm"


@dataclass(frozen=True, slots=True)
class World:
    """What the round needs: ids, not rows, so that nothing goes stale.

    `sites[w]` is the site of ward `w`, `sessions[w]` the code of its session, `labels[w]` its
    tube codes, `laboratories` the ids of the three laboratories.
    """

    wards: list[str]
    sites: list[int]
    site_codes: list[str]
    sessions: list[str]
    labels: list[list[str]]
    laboratories: list[int]
    campaign_id: int


def build(var_dir: Path, state: ReplayState, planned: list[plan.PlannedTube]) -> World:
    """Makes or finds the whole province of the replay."""
    with db.transaction(ACTOR) as session:
        area_services.load_units(session, ACTOR)
    with db.transaction(ACTOR) as session:
        communes = areas.communes_of(session, PROVINCE_CODE, clock.today())
        place = _sites(session, communes)
    with db.transaction(ACTOR) as session:
        _staff(session, state, [site for site in place if site.kind == SiteKind.COLLECTION])
        save(var_dir, state)
    with db.transaction(ACTOR) as session:
        campaign = _campaign(session, state)
        points = [site for site in place if site.kind == SiteKind.COLLECTION]
        sittings = _sessions(session, state, campaign, points)
        ranges = _labels(session, state, points, planned)
        _devices(session, state, points)
        # Before the commit: a token that was lost could not be found again, while one that
        # stands here without its device is noticed and made anew.
        save(var_dir, state)
    return World(
        wards=[f"{_word(unit)} {unit.name}" for unit in communes],
        sites=[site.id for site in points],
        site_codes=[site.code for site in points],
        sessions=[sitting.code for sitting in sittings],
        labels=[list(labels.codes(held)) for held in ranges],
        laboratories=[site.id for site in place if site.kind == SiteKind.LABORATORY],
        campaign_id=campaign.id,
    )


def _word(unit: AdminUnit) -> str:
    return {"ward": "Phường", "special_zone": "Đặc khu"}.get(unit.kind, "Xã")


def _sites(session: Session, communes: list[AdminUnit]) -> list[Site]:
    known = {site.code: site for site in session.scalars(sa.select(Site))}
    seat = communes[0]
    wanted = [
        (f"DN{number:03d}", f"Điểm lấy mẫu {_word(unit)} {unit.name}", SiteKind.COLLECTION, unit)
        for number, unit in enumerate(communes, start=1)
    ]
    wanted += [(code, name, SiteKind.LABORATORY, seat) for code, name in LABORATORIES]
    wanted.append((*DEPARTMENT, SiteKind.DEPARTMENT, seat))
    found = []
    for code, name, kind, unit in wanted:
        site = known.get(code)
        if site is None:
            details = sites.SiteDetails(code=code, name=name, kind=kind, area_id=unit.id)
            site = sites.create(session, ACTOR, details)
            for line in site.readiness:
                line.is_ready, line.confirmed_at = True, clock.now()
            session.flush()
            sites.set_status(session, ACTOR, site_id=site.id, status=SiteStatus.OPEN)
        found.append(site)
    return found


def staff_list(state: ReplayState, points: list[Site]) -> bytes:
    """The list the department sends (R12), with the dirt such lists have."""
    chance, names = random.Random(state.seed), Names()
    rows: list[list[str]] = []

    def add(site: str, role: str, position: str) -> None:
        number = len(rows) + 1
        sex = chance.choice(("male", "female"))
        name = names.draw(chance, names.surnames.draw(chance), sex, 1975 + chance.randrange(25))
        phone = f"09{chance.randrange(10, 99)}{number:06d}"
        if chance.random() < 0.10:
            name = f"  {name.upper()} "
        if chance.random() < 0.15:
            phone = phone[1:]  # Excel ate the zero
        elif chance.random() < 0.10:
            phone = f"+84 {phone[1:4]}.{phone[4:]}"
        trained = dt.date(2025, 7, 1) + dt.timedelta(chance.randrange(60))
        rows.append(
            [str(number), name, phone, site, role, position, trained.strftime("%d/%m/%Y"), COURSE]
        )

    for role in ("Quản lý tài khoản", "Điều phối", "Kiểm tra", "Dữ liệu", "Cán bộ khai báo"):
        add(DEPARTMENT[1], role, "Chuyên viên")
    for code, _name in LABORATORIES:
        for _n in range(3):
            add(code, "Kỹ thuật viên xét nghiệm", "Kỹ thuật viên")
        add(code, "Duyệt kết quả", "Bác sĩ")
    for site in points:
        add(site.name, "Trưởng điểm", "Bác sĩ")
        for _n in range(DEVICES_A_SITE):
            add(site.name, "Lấy mẫu", "Điều dưỡng")
        add(site.code, "Tình nguyện viên", "Đoàn viên")
    rows.append([str(len(rows) + 1), "Lê", "12345", "Trạm Y tế Ở Đâu", "phi công", "", "", ""])
    rows.append([str(len(rows) + 1), *rows[0][1:]])
    headers = ["STT", "Họ và tên", "SĐT", "Đơn vị công tác", "Nhiệm vụ", "Chức danh"]
    return write_workbook([*headers, "Ngày tập huấn", "Lớp tập huấn"], rows)


def _staff(session: Session, state: ReplayState, points: list[Site]) -> None:
    if session.scalar(sa.select(StaffProfile.id).limit(1)) is not None:
        return
    state.demo.clear()
    content = staff_list(state, points)
    importing.import_staff(session, ACTOR, file_name="danh-sach-can-bo.xlsx", content=content)
    (admin,) = invite(
        session, ACTOR, [Invitation("Trần Thị Quản Trị", "0900000000", Role.DEPARTMENT_ADMIN)]
    )
    record_training(
        session, ACTOR, staff_ids=[admin.id], course=COURSE, trained_on=dt.date(2025, 7, 1)
    )
    # The list names a site for everybody; those who read declarations work for the province.
    province = areas.find_unit(session, Level.PROVINCE, PROVINCE_CODE, clock.today())
    for officer in session.scalars(
        sa.select(StaffProfile)
        .join(StaffProfile.user)
        .where(User.roles.any(FabRole.name == Role.DECLARATION_OFFICER.value))
    ):
        officer.area_id = province.id if province else None
    _open_demo_logins(session, state, points[0])


def _open_demo_logins(session: Session, state: ReplayState, site: Site) -> None:
    """One login a role that needs no first-login code: only ever in a demonstration."""
    password = generate_password_hash(state.password)
    for role in Role:
        candidates = list(
            session.scalars(
                sa.select(StaffProfile)
                .join(StaffProfile.user)
                .where(User.roles.any(FabRole.name == role.value))
                .order_by(StaffProfile.id)
            )
        )
        at_site = [profile for profile in candidates if profile.site_id == site.id]
        for profile in (at_site or candidates)[:1]:
            profile.user.password = password
            profile.status = StaffStatus.ACTIVE
            profile.must_change_password = False
            profile.is_demo = True
            state.demo[role.value] = profile.user.username


def _campaign(session: Session, state: ReplayState) -> Campaign:
    found = session.scalars(sa.select(Campaign).where(Campaign.code == CAMPAIGN_CODE)).first()
    if found is not None:
        return found
    province = areas.find_unit(session, Level.PROVINCE, PROVINCE_CODE, clock.today())
    assert province is not None  # noqa: S101 - loaded a moment ago
    campaign = campaigns.plan_campaign(
        session,
        ACTOR,
        campaigns.CampaignPlan(
            code=CAMPAIGN_CODE,
            name="Xét nghiệm cộng đồng thành phố Đà Nẵng, vòng 1",
            disease="COVID-19",
            area_id=province.id,
            starts_on=state.day_one,
            target_people_count=state.people,
        ),
    )
    campaigns.set_campaign_status(
        session, ACTOR, campaign_id=campaign.id, status=CampaignStatus.OPEN
    )
    return campaign


def _sessions(
    session: Session, state: ReplayState, campaign: Campaign, points: list[Site]
) -> list[CollectionSession]:
    """One sitting a ward on its day, and one today at the first site, for visitors to try."""
    known = {
        (sitting.site_id, sitting.held_on): sitting
        for sitting in session.scalars(
            sa.select(CollectionSession).where(CollectionSession.campaign_id == campaign.id)
        )
    }
    days = [
        plan.day_of(state.day_one, ward * plan.COLLECTION_DAYS // len(points))
        for ward in range(len(points))
    ]
    found = []
    for site, day in [*zip(points, days, strict=True), (points[0], clock.today())]:
        sitting = known.get((site.id, day))
        if sitting is None:
            sitting = campaigns.plan_session(
                session,
                ACTOR,
                campaigns.SessionPlan(campaign_id=campaign.id, site_id=site.id, held_on=day),
            )
            campaigns.set_session_status(
                session, ACTOR, session_id=sitting.id, status=SessionStatus.OPEN
            )
        found.append(sitting)
    return found[: len(points)]


def _labels(
    session: Session, state: ReplayState, points: list[Site], planned: list[plan.PlannedTube]
) -> list[TubeLabelRange]:
    known = {held.site_id: held for held in session.scalars(sa.select(TubeLabelRange))}
    needed = [0] * len(points)
    for tube in planned:
        # One label for the tube and, where it is positive, one for each member's second sample.
        needed[tube.ward] += 1 + (tube.size if tube.case_places else 0)
    found = []
    for ward, site in enumerate(points):
        held = known.get(site.id)
        if held is None:
            day = plan.day_of(state.day_one, ward * plan.COLLECTION_DAYS // len(points))
            held = labels.issue(
                session,
                ACTOR,
                site_id=site.id,
                letters=LETTERS,
                count=max(1, needed[ward]) + 200,
                on=day,
            )
        found.append(held)
    return found


def _devices(session: Session, state: ReplayState, points: list[Site]) -> None:
    known = {str(uid) for uid in session.scalars(sa.select(Device.uid))}
    for site in points:
        for number in range(DEVICES_A_SITE):
            name = f"{site.code}/{number}"
            if state.devices.get(name, ("", ""))[0] not in known:
                device, token = enrol_device(
                    session, ACTOR, site_id=site.id, name=f"Máy quét {number + 1}"
                )
                state.devices[name] = (str(device.uid), token)
