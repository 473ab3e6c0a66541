"""Which tube codes may be used: our own by form and check digit, foreign ones by their roll."""

import re

import sqlalchemy as sa
from sqlalchemy.orm import Session

import core_rs
from portal.samples.models import TubeLabelRange


class TubeCodes:
    """The label ranges that were handed out."""

    def __init__(self, ranges: list[tuple[str, str, int, int, int]]) -> None:
        # prefix → (kind, first, last, width)
        self._by_prefix: dict[str, list[tuple[str, int, int, int]]] = {}
        for kind, prefix, first, last, width in ranges:
            self._by_prefix.setdefault(prefix, []).append((kind, first, last, width))

    def is_registered(self, code: str) -> bool:
        """Whether the code (upper case) lies in a range, its check digit included if it is ours."""
        for prefix, ranges in self._by_prefix.items():
            if not code.startswith(prefix):
                continue
            rest = code[len(prefix) :]
            for kind, first, last, width in ranges:
                digits = rest[:width]
                has_end = len(rest) == width + (1 if kind == "own" else 0)
                if not (has_end and re.fullmatch("[0-9]+", digits)):
                    continue
                if first <= int(digits) <= last and (kind != "own" or _has_check_digit(code)):
                    return True
        return False


def _has_check_digit(code: str) -> bool:
    try:
        core_rs.check_tube_code(code)
    except core_rs.CoreError:
        return False
    return True


def load_tube_codes(session: Session) -> TubeCodes:
    """All ranges of the database."""
    table = TubeLabelRange
    rows = session.execute(
        sa.select(
            table.kind, table.prefix, table.first_number, table.last_number, table.number_width
        )
    )
    return TubeCodes([(row[0], row[1], row[2], row[3], row[4]) for row in rows])
