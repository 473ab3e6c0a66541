"""`tram replay`: a real round at any size, through the doors of a running Trạm."""

import sys

import click
from rich.console import Console
from rich.table import Table

from portal import settings
from portal.replay.plan import PUBLISHED_PEOPLE, SMALLEST_ROUND, Figures

LABELS = {
    "people": "Người được lấy mẫu",
    "pools": "Ống gộp",
    "positive_pools": "Ống gộp dương tính",
    "resampled": "Người lấy lại mẫu",
    "cases": "Ca dương tính xác định",
}


@click.command(name="replay")
@click.option(
    "--people",
    type=click.IntRange(min=SMALLEST_ROUND),
    default=PUBLISHED_PEOPLE,
    show_default=True,
    help="How many people; the other figures keep their published shares.",
)
def command(people: int) -> None:
    """Replay Đà Nẵng, August 2020, with synthetic people, into an empty database.

    Needs a running `tram serve` on the same settings. A replay that was cut short goes on where
    it stopped.
    """
    if not replay(settings.load(), people, Console()):
        sys.exit(1)


def replay(config: settings.Settings, people: int, console: Console) -> bool:
    """Runs or finishes a replay; True if the database gives the planned figures."""
    import portal.models  # noqa: F401 - the mapper registry must be complete
    from portal import db
    from portal.app import create_app
    from portal.replay import state as states
    from portal.replay.run import Replay
    from portal.web import logs

    logs.configure()
    app = create_app(config)
    state = states.load(config.var_dir) or states.begin(config.var_dir, people)
    with app.app_context():
        run = Replay(config, state, console)
        found = run.run()
        db.db_session.remove()
    console.print(comparison(found, run.figures))
    return found == run.figures


def comparison(found: Figures, planned: Figures) -> Table:
    """What the database says beside what was published (or scaled from it)."""
    published = Figures.of(PUBLISHED_PEOPLE)
    table = Table(title="Đà Nẵng, tháng 8 năm 2020")
    table.add_column("")
    table.add_column("Trong cơ sở dữ liệu", justify="right")
    table.add_column("Kế hoạch", justify="right")
    table.add_column("Đã công bố", justify="right")
    for name, label in LABELS.items():
        values = [getattr(figures, name) for figures in (found, planned, published)]
        mark = "" if values[0] == values[1] else " ≠"
        cells = [f"{value:,}".replace(",", ".") for value in values]
        table.add_row(label, cells[0] + mark, cells[1], cells[2])
    return table
