"""What a replay must remember to go on after it was cut short."""

import datetime as dt
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

from portal import clock
from portal.replay.plan import PUBLISHED_PEOPLE, ROUND_DAYS


@dataclass(slots=True)
class ReplayState:
    """Kept in `var/replay.json`, readable by the owner only: it holds device tokens.

    Attributes:
        people: how many people the round has.
        first_day: ISO day of the first session; the round ends the day before it was started.
        seed: of everything random.
        salt: makes ids and result codes of this replay unguessable.
        password: of the demo logins.
        devices: device uid and token by `site code/number`.
        demo: username by role.
        is_complete: whether the figures were reached.
    """

    people: int
    first_day: str
    seed: int
    salt: str
    password: str
    devices: dict[str, tuple[str, str]] = field(default_factory=dict)
    demo: dict[str, str] = field(default_factory=dict)
    is_complete: bool = False

    @property
    def day_one(self) -> dt.date:
        """The first day of the round."""
        return dt.date.fromisoformat(self.first_day)


def load(var_dir: Path) -> ReplayState | None:
    """The state of an earlier start, if there was one."""
    path = var_dir / "replay.json"
    return ReplayState(**orjson.loads(path.read_bytes())) if path.exists() else None


def begin(var_dir: Path, people: int = PUBLISHED_PEOPLE) -> ReplayState:
    """A fresh state, saved at once."""
    first_day = clock.today() - dt.timedelta(days=ROUND_DAYS)
    state = ReplayState(
        people=people,
        first_day=first_day.isoformat(),
        seed=secrets.randbelow(2**31),
        salt=secrets.token_urlsafe(24),
        password=f"Tram-{secrets.token_urlsafe(9)}",
    )
    save(var_dir, state)
    return state


def save(var_dir: Path, state: ReplayState) -> None:
    """Writes the state so that a cut leaves the old file or the new one."""
    var_dir.mkdir(parents=True, exist_ok=True)
    fresh = var_dir / "replay.json.new"
    fresh.touch(mode=0o600)
    fresh.write_bytes(orjson.dumps(asdict(state)))
    fresh.replace(var_dir / "replay.json")
