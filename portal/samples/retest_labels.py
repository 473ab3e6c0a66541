"""Labels reserved for retests: one tube code a person, printed on the team's sheet.

The codes are our own, of the letters LML («lấy mẫu lại»), so that the registration of tubes asks
for a reservation only where there can be one.
"""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.samples import labels
from portal.samples.bulk import among
from portal.samples.models import RetestLabel, Sample

LETTERS = "LML"


def reserve(session: Session, actor: Actor, samples: Iterable[Sample]) -> dict[int, str]:
    """The code of each sample's retest, reserved now where there was none.

    Raises:
        Forbidden: a sample of a site outside the actor's scope.
        Conflict: the codes of the day are used up.
    """
    wanted = {sample.id: sample.site_id for sample in samples}
    found = reserved(session, wanted)
    by_site: dict[int, list[int]] = {}
    for key, site_id in wanted.items():
        if key not in found:
            by_site.setdefault(site_id, []).append(key)
    now = clock.now()
    for site_id, keys in sorted(by_site.items()):
        codes = labels.issue(
            session, actor, site_id=site_id, letters=LETTERS, count=len(keys), on=clock.today()
        )
        for key, code in zip(keys, labels.codes(codes), strict=True):
            session.add(
                RetestLabel(sample_id=key, code=code, reserved_at=now, reserved_by_id=actor.user_id)
            )
            found[key] = code
    session.flush()
    return found


def reserved(session: Session, sample_ids: Iterable[int]) -> dict[int, str]:
    """Codes reserved before, by sample."""
    rows = session.execute(
        sa.select(RetestLabel.sample_id, RetestLabel.code).where(
            RetestLabel.sample_id.in_(sorted(sample_ids))
        )
    )
    return {sample_id: code for sample_id, code in rows}  # noqa: C416 - a result is no sequence


def slips_of(session: Session, tube_codes: Iterable[str]) -> Mapping[str, str]:
    """Tube code → slip code of the first sample, for those of these codes that are reserved."""
    codes = [code for code in tube_codes if code.startswith(LETTERS)]
    if not codes:
        return {}
    table, first = RetestLabel.__table__, Sample.__table__
    rows = session.execute(
        sa.select(table.c.code, first.c.result_code)
        .join(first, first.c.id == table.c.sample_id)
        .where(among(session, table.c.code, codes))
    )
    return {code: slip for code, slip in rows}  # noqa: C416 - a result is no sequence
