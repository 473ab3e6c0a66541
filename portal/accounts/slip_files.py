"""First-login slips as a PDF: for the screen and for the command line."""

from collections.abc import Iterable

from portal import clock
from portal.accounts.models import StaffProfile
from reports import slips


def first_login_file(issued: Iterable[tuple[StaffProfile, str]], public_url: str) -> bytes:
    """The slips of accounts and their one-time codes, to cut apart and hand out."""
    return slips.login_slips(
        [
            slips.LoginSlip(
                full_name=profile.full_name,
                site_name=profile.site.name if profile.site else "",
                username=profile.user.username,
                code=code,
                url=public_url,
                valid_until=clock.local(profile.first_login_expires_at).date(),
            )
            for profile, code in issued
            if profile.first_login_expires_at is not None
        ]
    )
