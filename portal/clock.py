"""The only reader of the clock; tests move it with time-machine."""

import datetime as dt
from zoneinfo import ZoneInfo

LOCAL_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def now() -> dt.datetime:
    """This instant, aware, in UTC."""
    return dt.datetime.now(dt.UTC)


def local(instant: dt.datetime) -> dt.datetime:
    """The same instant on a Vietnamese wall clock."""
    return instant.astimezone(LOCAL_ZONE)


def today() -> dt.date:
    """The local calendar day of this instant."""
    return local(now()).date()


def start_of_day(day: dt.date) -> dt.datetime:
    """The UTC instant at which a local day begins."""
    return dt.datetime.combine(day, dt.time(), LOCAL_ZONE).astimezone(dt.UTC)
