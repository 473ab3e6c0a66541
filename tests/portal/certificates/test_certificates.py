"""Certificates: issued once per version of the facts, replaced when corrected, verified."""

import pytest
from sqlalchemy.orm import Session

from portal.actors import Actor, Scope, system
from portal.certificates import sealing, services
from portal.certificates.models import CertificateTemplate
from portal.certificates.rules import Office, masked_name
from portal.errors import Conflict, Invalid, NotFound
from portal.settings import Settings
from reports.signing import check_signature
from tests.portal.certificates.world import AT, World

OFFICE = Office("Thành phố Đà Nẵng", "https://xn.example.vn")
SYSTEM = system("test")


@pytest.fixture
def world(session: Session) -> World:
    return World(session)


def test_a_certificate_says_what_is_known(session: Session, world: World) -> None:
    sample = world.sample(world.person())
    world.release(sample.tube, "negative")
    made = services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE)
    snapshot = made.snapshot
    told = {row[0]: row[2] for row in snapshot["rows"]}
    assert told["Họ và tên"] == "Nguyễn Thị Hồng Ánh"
    assert told["Ngày sinh"] == "02/09/1984"
    assert told["Lấy mẫu lúc"] == "08:12, 05/08/2026"
    assert told["Kỹ thuật"] == "Realtime RT-PCR – LightPower, lô 2407"
    assert told["Giá trị Ct"] == "N 31,2"
    assert snapshot["agency"] == "TRUNG TÂM KIỂM SOÁT BỆNH TẬT"
    assert snapshot["signer_name"] == "Trần Văn Bình"
    assert snapshot["outcome"] == "Âm tính"
    assert snapshot["place_and_date"] == "Đà Nẵng, ngày 05 tháng 8 năm 2026"
    assert snapshot["verify_url"] == f"HTTPS://XN.EXAMPLE.VN/C/{made.code}"


def test_a_pool_never_makes_a_person_positive(session: Session, world: World) -> None:
    pool = world.tube(sample_count=5)
    sample = world.sample(world.person(), pool)
    world.release(pool, "positive", state="RETEST_DUE")
    made = services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE)
    assert made.kind == "retest_notice"
    page = str(made.snapshot)
    assert "không phải là kết quả dương tính" in page
    assert not made.snapshot["is_alert"]
    assert "Giá trị Ct" not in page


def test_a_negative_pool_says_how_many_were_in_it(session: Session, world: World) -> None:
    pool = world.tube(sample_count=5)
    sample = world.sample(world.person(), pool)
    world.release(pool, "negative", state="NEG_BY_POOL")
    made = services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE)
    assert made.snapshot["outcome"] == "Âm tính (mẫu gộp 5)"


def test_issuing_again_gives_the_same_certificate(session: Session, world: World) -> None:
    sample = world.sample(world.person())
    world.release(sample.tube, "negative")
    first = services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE)
    session.commit()
    assert services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE).id == first.id


def test_a_paper_is_signed_and_made_again_byte_for_byte(
    session: Session, world: World, config: Settings
) -> None:
    sample = world.sample(world.person())
    world.release(sample.tube, "negative")
    office = sealing.office_of(config)
    made = services.issue(session, SYSTEM, sample_id=sample.id, office=office)
    paper = sealing.paper_of(made, config)
    assert check_signature(paper, sealing.trusted(config)).problems == ()
    sealing.signing_of.cache_clear()
    assert sealing.paper_of(made, config) == paper
    # Another seal is a new version; the old paper stays as it was.
    for path in sealing.folder(config).glob("current"):
        path.unlink()
    again = services.issue(session, SYSTEM, sample_id=sample.id, office=sealing.office_of(config))
    assert again.number == 2
    assert sealing.paper_of(made, config) == paper


def test_without_a_released_result_there_is_no_paper(session: Session, world: World) -> None:
    sample = world.sample(world.person())
    with pytest.raises(Conflict):
        services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE)


def test_an_amended_result_replaces_the_certificate(session: Session, world: World) -> None:
    sample = world.sample(world.person())
    world.release(sample.tube, "negative")
    old = services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE)
    session.commit()
    assert services.verify(session, code=old.code, office=OFFICE).verdict == "valid"
    world.release(sample.tube, "positive", version=2)
    # From the amendment on, before anybody asked for the new paper.
    assert services.verify(session, code=old.code, office=OFFICE).verdict == "replaced"
    new = services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE)
    session.commit()
    assert (new.number, new.kind, new.result_version) == (2, "positive", 2)
    assert (old.status, old.replaced_by_id) == ("replaced", new.id)
    assert services.verify(session, code=old.code, office=OFFICE).verdict == "replaced"
    assert services.verify(session, code=new.code, office=OFFICE).verdict == "valid"


def test_a_corrected_name_makes_a_new_certificate(session: Session, world: World) -> None:
    person = world.person()
    sample = world.sample(person)
    world.release(sample.tube, "negative")
    old = services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE)
    person.full_name = "Nguyễn Thị Hồng Anh"
    session.commit()
    assert services.verify(session, code=old.code, office=OFFICE).verdict == "replaced"
    new = services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE)
    assert new.snapshot["rows"][0][2] == "Nguyễn Thị Hồng Anh"
    assert old.snapshot["rows"][0][2] == "Nguyễn Thị Hồng Ánh"


def test_new_wording_or_address_does_not_end_what_was_issued(
    session: Session, world: World
) -> None:
    sample = world.sample(world.person())
    world.release(sample.tube, "negative")
    old = services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE)
    session.add(
        CertificateTemplate(
            kind="negative",
            version=2,
            valid_from=AT.date(),
            created_at=AT,
            texts={"title": "PHIẾU TRẢ KẾT QUẢ $disease"},
        )
    )
    session.commit()
    moved = Office("Thành phố Đà Nẵng", "https://new.example.vn")
    assert services.verify(session, code=old.code, office=moved).verdict == "valid"
    new = services.issue(session, SYSTEM, sample_id=sample.id, office=moved)
    assert new.snapshot["title"] == "PHIẾU TRẢ KẾT QUẢ SARS-CoV-2"
    assert new.template_id is not None


def test_revoking_needs_a_reason_and_shows(session: Session, world: World) -> None:
    sample = world.sample(world.person())
    world.release(sample.tube, "negative")
    made = services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE)
    with pytest.raises(Invalid):
        services.revoke(session, SYSTEM, certificate_id=made.id, reason="")
    services.revoke(session, SYSTEM, certificate_id=made.id, reason="Nhầm người")
    assert services.verify(session, code=made.code, office=OFFICE).verdict == "revoked"
    with pytest.raises(Conflict):
        services.revoke(session, SYSTEM, certificate_id=made.id, reason="Nhầm người")
    # A new one may be issued after; the revoked one stays revoked.
    again = services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE)
    assert (again.number, made.status) == (2, "revoked")


def test_staff_of_elsewhere_get_nothing(session: Session, world: World) -> None:
    sample = world.sample(world.person())
    world.release(sample.tube, "negative")
    outsider = Actor(kind="staff", name="x", scope=Scope(site_ids=frozenset({-1})))
    with pytest.raises(NotFound):
        services.issue(session, outsider, sample_id=sample.id, office=OFFICE)


@pytest.mark.parametrize("code", ["", "nonsense", "00000000000", "7Q2M8K4PXH3"])
def test_an_unknown_code_is_unknown(session: Session, code: str) -> None:
    assert services.verify(session, code=code, office=OFFICE).verdict == "unknown"


def test_the_surname_is_hidden_in_part() -> None:
    assert masked_name("Nguyễn Thị Hồng Ánh") == "N••••• Thị Hồng Ánh"
    assert masked_name("Hồ") == "H•"
