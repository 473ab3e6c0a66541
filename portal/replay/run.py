"""Runs a replay from an empty database to its figures, through the doors everybody uses."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial

import sqlalchemy as sa
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from portal import actors, clock, db
from portal.accounts.login import login_of
from portal.accounts.models import StaffProfile
from portal.areas import queries as areas
from portal.areas import services as area_services
from portal.ingest.grants import make_grant
from portal.ingest.models import Device
from portal.replay import declaring, events, figures, laboratory, people, plan, sending, world
from portal.replay.laboratory import ReplayFault, WaitingTube
from portal.replay.people import SyntheticPerson
from portal.replay.plan import Figures, PlannedTube
from portal.replay.state import ReplayState, save
from portal.roles import Role
from portal.settings import Settings

ACTOR = actors.system("replay")
SENDING_THREADS = 4
PATIENCE_SECONDS = 600


class Replay:
    """One replay: its plan, its people, its world."""

    def __init__(self, config: Settings, state: ReplayState, console: Console) -> None:
        self.config, self.state, self.console = config, state, console
        self.figures = Figures.of(state.people)
        self.ids = events.Ids(state.salt)

    def run(self) -> Figures:
        """Everything, from where an earlier start left off; gives the figures of the database."""
        with self._progress() as bar:
            self._prepare(bar)
            self._send(bar, "Quét tại điểm", self._first_round, self._targets())
            self._first_results(bar)
            self._send(bar, "Lấy lại mẫu", self._second_round, self._targets(retests=True))
            self._second_results(bar)
        found = figures.computed(db.db_session(), self.world.campaign_id)
        db.db_session.remove()
        if found == self.figures:
            self.state.is_complete = True
            save(self.config.var_dir, self.state)
        return found

    @contextmanager
    def _progress(self) -> Iterator[Progress]:
        columns = (
            TextColumn("{task.description:<22}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console) as bar:
            yield bar

    # -- the world ---------------------------------------------------------------------------------

    def _prepare(self, bar: Progress) -> None:
        task = bar.add_task("Chuẩn bị", total=3)
        with db.transaction(ACTOR) as session:
            area_services.load_units(session, ACTOR)
            wards = len(areas.communes_of(session, world.PROVINCE_CODE, clock.today()))
        bar.advance(task)
        self.tubes = plan.tubes(self.state.seed, self.figures, wards)
        self.world = world.build(self.config.var_dir, self.state, self.tubes)
        bar.advance(task)
        year = self.state.day_one.year
        drawn = people.households(self.state.seed, self.state.people, self.world.wards, year)
        self.people: list[SyntheticPerson] = list(drawn)
        self.codes = self._tube_codes()
        self.grants = self._grants()
        bar.advance(task)
        self._declare(bar)

    def _declare(self, bar: Progress) -> None:
        """Who declared before coming: the code is scanned at the point and linked to the sample."""
        declared = declaring.declared_people(self.tubes, self.people)
        task = bar.add_task("Khai báo trước", total=len(declared))
        with db.transaction(ACTOR) as session:
            communes = areas.communes_of(session, world.PROVINCE_CODE, clock.today())
            codes = [commune.code for commune in communes]
        at = clock.start_of_day(self.state.day_one)
        for start in range(0, len(declared), declaring.ROWS_A_TIME):
            part = declared[start : start + declaring.ROWS_A_TIME]
            with db.transaction(ACTOR) as session:
                declaring.declare(session, ACTOR, self.ids, part, codes, at)
            db.db_session.remove()
            bar.advance(task, len(part))

    def _tube_codes(self) -> list[str]:
        used = [0] * len(self.world.labels)
        codes = []
        for tube in self.tubes:
            codes.append(self.world.labels[tube.ward][used[tube.ward]])
            used[tube.ward] += 1
        self.labels_used = used
        return codes

    def _grants(self) -> list[list[str]]:
        """A grant for each collector of each site, on the site's day, then on the day after."""
        session = db.db_session()
        collectors: dict[int, list[StaffProfile]] = {}
        for profile in session.scalars(sa.select(StaffProfile).order_by(StaffProfile.id)):
            if profile.site_id and Role.COLLECTOR.value in login_of(session, profile).roles:
                collectors.setdefault(profile.site_id, []).append(profile)
        found = []
        for ward, site_id in enumerate(self.world.sites):
            team = collectors[site_id]
            found.append(
                [
                    make_grant(
                        self.config.secret_key,
                        staff_id=team[number % len(team)].id,
                        user_id=team[number % len(team)].user_id,
                        username=team[number % len(team)].user.username,
                        site_id=site_id,
                        at=self._morning(ward, later=later),
                    )
                    for later in (0, 1)
                    for number in range(world.DEVICES_A_SITE)
                ]
            )
        db.db_session.remove()
        return found

    def _morning(self, ward: int, *, later: int = 0) -> dt.datetime:
        day = ward * plan.COLLECTION_DAYS // len(self.world.sites) + later
        return events.morning(plan.day_of(self.state.day_one, day))

    # -- the field ---------------------------------------------------------------------------------

    def _device(self, ward: int, number: int) -> tuple[str, str]:
        uid, token = self.state.devices[f"{self.world.site_codes[ward]}/{number}"]
        return uid, token

    def _tubes_of(self, ward: int, number: int) -> list[PlannedTube]:
        return self.tubes_by_ward.get(ward, [])[number :: world.DEVICES_A_SITE]

    @cached_property
    def tubes_by_ward(self) -> dict[int, list[PlannedTube]]:
        """The tubes of each ward, in order."""
        found: dict[int, list[PlannedTube]] = {}
        for tube in self.tubes:
            found.setdefault(tube.ward, []).append(tube)
        return found

    def _members(self, tube: PlannedTube) -> list[SyntheticPerson]:
        return self.people[tube.first_person : tube.first_person + tube.size]

    def _first_round(self, ward: int, number: int) -> list[events.Event]:
        mine = self._tubes_of(ward, number)
        shift = events.Shift(self.world.sessions[ward], self.grants[ward][number], number)
        morning = self._morning(ward)
        step = dt.timedelta(hours=9) / max(1, len(mine))
        found: list[events.Event] = []
        for place, tube in enumerate(mine):
            code = self.codes[tube.number]
            opened_at = morning + step * place
            found += events.tube_events(self.ids, shift, tube, code, self._members(tube), opened_at)
        return found

    def _retests(self, ward: int) -> list[tuple[SyntheticPerson, str, bool]]:
        """Person, fresh tube code and truth of everybody in a positive pool of the ward."""
        start = self.labels_used[ward]
        found: list[tuple[SyntheticPerson, str, bool]] = []
        for tube in self.tubes_by_ward.get(ward, []):
            if tube.case_places:
                for place, person in enumerate(self._members(tube)):
                    code = self.world.labels[ward][start + len(found)]
                    found.append((person, code, place in tube.case_places))
        return found

    def _second_round(self, ward: int, number: int) -> list[events.Event]:
        if number:
            return []
        at = self._morning(ward, later=1)
        grant = self.grants[ward][world.DEVICES_A_SITE]
        shift = events.Shift(self.world.sessions[ward], grant, number)
        found: list[events.Event] = []
        for place, (person, code, _is_case) in enumerate(self._retests(ward)):
            taken_at = at + dt.timedelta(minutes=10 * place)
            found += events.retest_events(self.ids, shift, code, person, taken_at)
        return found

    def _targets(self, *, retests: bool = False) -> dict[str, tuple[int, int]]:
        """First and last batch number of each device in a stage, by device uid."""
        found = {}
        for ward in range(len(self.world.sites)):
            for number in range(world.DEVICES_A_SITE):
                scans = sum(map(events.tube_event_count, self._tubes_of(ward, number)))
                again = 0 if number else events.EVENTS_A_RETEST * len(self._retests(ward))
                first = -(-scans // events.EVENTS_A_BATCH)
                second = -(-again // events.EVENTS_A_BATCH)
                uid, _token = self._device(ward, number)
                found[uid] = (first + 1, first + second) if retests else (1, first)
        return found

    def _send(
        self,
        bar: Progress,
        label: str,
        make: Callable[[int, int], list[events.Event]],
        targets: dict[str, tuple[int, int]],
    ) -> None:
        """Sends a stage's events and waits until all are applied."""
        standing = self._standing()
        total = sum(max(0, last - first + 1) for first, last in targets.values())
        task = bar.add_task(label, total=total)
        makers = []
        for ward in range(len(self.world.sites)):
            for number in range(world.DEVICES_A_SITE):
                uid, token = self._device(ward, number)
                first, last = targets[uid]
                if standing[uid] <= last:
                    makers.append(
                        partial(self._outbox, make, (ward, number), token, (first, standing[uid]))
                    )
        sending.send_all(
            makers, self.config.ingest_port, threads=SENDING_THREADS, sent=lambda _count: None
        )
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            standing = self._standing()
            done = sum(
                min(last - first + 1, max(0, standing[uid] - first))
                for uid, (first, last) in targets.items()
                if last >= first
            )
            bar.update(task, completed=done)
            if done >= total:
                return
            if time.monotonic() > give_up_at:
                raise ReplayFault(f"{total - done} batches were not applied in ten minutes")
            time.sleep(0.2)

    def _outbox(
        self,
        make: Callable[[int, int], list[events.Event]],
        place: tuple[int, int],
        token: str,
        numbers: tuple[int, int],
    ) -> sending.Outbox:
        uid, _token = self._device(*place)
        first, standing = numbers
        batches = events.batches(self.ids, uid, first, make(*place))
        return sending.Outbox(uid, token, [batch for seq, batch in batches if seq >= standing])

    def _standing(self) -> dict[str, int]:
        """The next batch number that the applier expects of each device."""
        session = db.db_session()
        found = {
            str(uid): seq for uid, seq in session.execute(sa.select(Device.uid, Device.next_seq))
        }
        session.rollback()
        return found

    # -- the laboratories --------------------------------------------------------------------------

    def _first_results(self, bar: Progress) -> None:
        task = bar.add_task("Xét nghiệm mẫu gộp", total=len(self.tubes))
        for ward, tubes in sorted(self.tubes_by_ward.items()):
            waiting = [
                WaitingTube(self.codes[tube.number], tube.size, bool(tube.case_places))
                for tube in tubes
            ]
            received_at = self._morning(ward) + dt.timedelta(hours=11)
            bench = self._bench(ward)
            laboratory.work_off(bench, waiting, received_at, partial(bar.advance, task))

    def _second_results(self, bar: Progress) -> None:
        task = bar.add_task("Xét nghiệm mẫu đơn", total=self.figures.resampled)
        for ward in range(len(self.world.sites)):
            waiting = [
                WaitingTube(code, 1, is_case) for _person, code, is_case in self._retests(ward)
            ]
            if waiting:
                received_at = self._morning(ward, later=1) + dt.timedelta(hours=11)
                bench = self._bench(ward)
                laboratory.work_off(bench, waiting, received_at, partial(bar.advance, task))

    @cached_property
    def _benches(self) -> list[laboratory.Bench]:
        return laboratory.benches(self.world.laboratories, ACTOR)

    def _bench(self, ward: int) -> laboratory.Bench:
        return self._benches[ward % len(self._benches)]
