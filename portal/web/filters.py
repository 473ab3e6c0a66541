"""Search filters that use indexes, understand local days, and never treat input as a pattern."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_appbuilder.models.filters import BaseFilter, BaseFilterConverter
from flask_babel import lazy_gettext

from portal import clock

Clause = Callable[[Any], Any]


class TramFilter(BaseFilter):
    """A filter on a column of the model or, by `relation.column`, of a related row."""

    def parse(self, value: Any) -> Any:
        """The typed value of what was entered.

        Raises:
            ValueError: it is not a value of this column.
        """
        return value

    def clause(self, column: Any, value: Any) -> Any:
        """The condition on the column."""
        raise NotImplementedError

    def apply(self, query: Any, value: Any) -> Any:
        """The query, restricted."""
        typed = self.parse(value)
        head, dot, rest = self.column_name.partition(".")
        if not dot:
            return query.where(self.clause(getattr(self.model, head), typed))
        relation = getattr(self.model, head)
        related = relation.property.mapper.class_
        return query.where(relation.has(self.clause(getattr(related, rest), typed)))


class Is(TramFilter):
    """Equal, for texts and choices."""

    name = lazy_gettext("is")
    arg_name = "is"

    def clause(self, column: Any, value: Any) -> Any:
        """`column = value`."""
        return column == value


class IsNot(Is):
    """Not equal."""

    name = lazy_gettext("is not")
    arg_name = "is_not"

    def clause(self, column: Any, value: Any) -> Any:
        """`column <> value`."""
        return column != value


class BeginsWith(TramFilter):
    """Begins with, as written: an index on the column serves it."""

    name = lazy_gettext("begins with")
    arg_name = "begins"

    def clause(self, column: Any, value: Any) -> Any:
        """A range from the text to its successor, which every collation-free index serves."""
        return column.startswith(value, autoescape=True)


class Contains(TramFilter):
    """Contains, whatever the case; for a person's name also whatever the diacritics."""

    name = lazy_gettext("contains")
    arg_name = "contains"

    def clause(self, column: Any, value: Any) -> Any:
        """A scan, capped by the page: fine within a site, slow but bounded over a province."""
        folded = getattr(column.class_, "folded_name", None)
        if column.key == "full_name" and folded is not None:
            from core_rs import fold_name

            return folded.contains(fold_name(value), autoescape=True)
        return column.icontains(value, autoescape=True)


class NumberIs(Is):
    """Equal, for numbers and keys of related rows."""

    arg_name = "number_is"

    def parse(self, value: Any) -> Any:
        """A whole number, or a decimal one with a comma or a point."""
        text = str(value).strip().replace(",", ".")
        return int(text) if text.lstrip("-").isdigit() else float(text)


class AtLeast(NumberIs):
    """Greater or equal."""

    name = lazy_gettext("at least")
    arg_name = "at_least"

    def clause(self, column: Any, value: Any) -> Any:
        """`column >= value`."""
        return column >= value


class AtMost(NumberIs):
    """Smaller or equal."""

    name = lazy_gettext("at most")
    arg_name = "at_most"

    def clause(self, column: Any, value: Any) -> Any:
        """`column <= value`."""
        return column <= value


class RelatedIs(NumberIs):
    """The related row, by its key; no related row is loaded."""

    arg_name = "related_is"

    def clause(self, column: Any, value: Any) -> Any:
        """The foreign key itself."""
        (key,) = column.property.local_columns
        return key == value


class OnDay(TramFilter):
    """On a local day."""

    name = lazy_gettext("on")
    arg_name = "on"

    def parse(self, value: Any) -> dt.date:
        """A day as yyyy-mm-dd (what browsers send) or dd/mm/yyyy (what people write)."""
        text = str(value).strip()
        if "/" in text:
            return dt.datetime.strptime(text, "%d/%m/%Y").replace(tzinfo=clock.LOCAL_ZONE).date()
        return dt.date.fromisoformat(text[:10])

    def clause(self, column: Any, value: dt.date) -> Any:
        """From the day's first instant to the next day's."""
        first, end = self.bounds(column, value)
        return (column >= first) & (column < end)

    @staticmethod
    def bounds(column: Any, value: dt.date) -> tuple[Any, Any]:
        """The day and the next: as days for a date column, as UTC instants otherwise."""
        following = value + dt.timedelta(days=1)
        if isinstance(column.type, sa.Date):
            return value, following
        return clock.start_of_day(value), clock.start_of_day(following)


class FromDay(OnDay):
    """On a local day or later."""

    name = lazy_gettext("from")
    arg_name = "from"

    def clause(self, column: Any, value: dt.date) -> Any:
        """From the day's first instant."""
        return column >= self.bounds(column, value)[0]


class ToDay(OnDay):
    """On a local day or earlier."""

    name = lazy_gettext("up to")
    arg_name = "to"

    def clause(self, column: Any, value: dt.date) -> Any:
        """Up to the day's last instant."""
        return column < self.bounds(column, value)[1]


class IsTrue(Is):
    """A flag."""

    arg_name = "flag"

    def parse(self, value: Any) -> bool:
        """`1`, `y`, `true` are yes."""
        return str(value).lower() in {"1", "y", "yes", "true"}


def related_text_filters(column: str) -> tuple[type[TramFilter], ...]:
    """What a text of a related row offers: a code is looked up by an index, a name is scanned."""
    return (BeginsWith, Is) if column.endswith("code") else (Contains, Is)


class TramFilterConverter(BaseFilterConverter):
    """Which filters a kind of column offers; the first is the default."""

    conversion_table = (
        ("is_relation_many_to_one", [RelatedIs]),
        ("is_relation_one_to_one", [RelatedIs]),
        ("is_enum", [Is, IsNot]),
        ("is_boolean", [IsTrue]),
        ("is_datetime", [OnDay, FromDay, ToDay]),
        ("is_date", [OnDay, FromDay, ToDay]),
        ("is_text", [Contains, BeginsWith, Is]),
        ("is_string", [Contains, BeginsWith, Is, IsNot]),
        ("is_integer", [NumberIs, AtLeast, AtMost]),
        ("is_float", [NumberIs, AtLeast, AtMost]),
        ("is_numeric", [NumberIs, AtLeast, AtMost]),
    )
