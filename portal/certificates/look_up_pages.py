"""The pages of the look-up door: made once by the portal's templates, then filled in for each.

What a code shows is remembered for whoever opens it again, by sample and language, and told again
only while everything just read of the sample is the same: code and second factor are looked at
anew each time, and the reading is noted, before this is asked.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from html import escape
from typing import Any, NamedTuple
from urllib.parse import quote

from flask import Flask

from portal import db
from portal.actors import PUBLIC
from portal.certificates import pages
from portal.certificates.opening import Opened
from portal.certificates.pages import Shape, Told
from portal.certificates.rules import SampleFacts
from portal.web import languages

PATH = "/tra-cuu"
# Words that name an hour make a page of their own.
MAX_SHAPES = 500
# About 2 kB each, most of it the slip's symbol.
MAX_REMEMBERED = 4000
SlipOf = Callable[[SampleFacts], str]


class _Known(NamedTuple):
    """What was told of a sample: the facts, whether they waited for their hour, and the page."""

    facts: SampleFacts
    is_waiting: bool
    shape: Shape
    values: dict[str, bytes]


def _place() -> str:
    """Stands in a remembered page for what each answer has of its own; nobody can guess it."""
    return f"place{secrets.token_hex(12)}"


class LookUpPages:
    """What one worker of the look-up door has made so far; its threads share it.

    Whoever comes second makes a page once more: nothing is ever half made.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._forms: dict[tuple[str, str, bool], str] = {}
        self._shapes: OrderedDict[tuple[object, ...], Shape] = OrderedDict()
        self._known: OrderedDict[tuple[str, int], _Known] = OrderedDict()
        self._code_place = _place()
        names = (*pages.OWN, "token", "ticket")
        self._places = {name: _place() for name in names}
        self._names = {place: name for name, place in self._places.items()}

    def context(self, language: str, path: str = PATH) -> Any:
        """A request of the portal in this language, in which its templates are filled."""
        return self._app.test_request_context(
            path, headers={"Cookie": f"{languages.COOKIE}={language}"}
        )

    def form(
        self, language: str, token: str, code: str, *, path: str = PATH, is_no: bool = False
    ) -> bytes:
        """The page of the two questions; made once for a language, then filled in."""
        prefix = path[:3] if path != PATH else ""
        page = self._forms.get((language, prefix, is_no))
        if page is None:
            address = f"{prefix}{self._code_place}" if prefix else PATH
            with self.context(language, address):
                page = pages.form_page(
                    self._code_place, is_no=is_no, csrf_token=lambda: self._places["token"]
                )
            self._forms[language, prefix, is_no] = page
        # The template cuts a code that is none to 40 letters; the place is shorter.
        if prefix:
            page = page.replace(quote(f"{prefix}{self._code_place}", safe="/"), quote(path))
            page = page.replace(quote(f"{prefix}{self._code_place}", safe=""), quote(path, safe=""))
        page = page.replace(self._code_place, escape(pages.shown_code(code)))
        return page.replace(self._places["token"], token).encode()

    def told(self, language: str, opened: Opened, token: str, slip_of: SlipOf) -> bytes:
        """The page of what was opened, within `context`."""
        ticket = pages.ticket_of(opened)
        if opened.declaration is None and len(opened.results) == 1:
            known = self._of_one(language, opened, slip_of)
            own = {"token": token.encode(), "ticket": ticket.encode()}
            return known.shape.fill(known.values | own)
        page = self._page(opened, pages.told_of(opened, slip_of))
        page = page.replace(self._places["ticket"], ticket)
        return page.replace(self._places["token"], token).encode()

    def _of_one(self, language: str, opened: Opened, slip_of: SlipOf) -> _Known:
        facts = opened.results[0]
        is_waiting = bool(pages.waiting(opened))
        key = (language, facts.sample_id)
        known = self._known.get(key)
        if known is not None and known.facts == facts and known.is_waiting == is_waiting:
            return known
        (told,) = pages.told_of(opened, slip_of)
        known = _Known(
            facts, is_waiting, self._shaped(language, opened, told), pages.own_values(told)
        )
        self._known[key] = known
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
        return known

    def _shaped(self, language: str, opened: Opened, told: Told) -> Shape:
        key = (language, pages.shape_of(told))
        shape = self._shapes.get(key)
        if shape is None:
            page = self._page(opened, [pages.with_places(told, self._places)])
            shape = self._shapes[key] = Shape(page, self._names)
            if len(self._shapes) > MAX_SHAPES:
                self._shapes.popitem(last=False)
        return shape

    def _page(self, opened: Opened, told: list[Told]) -> str:
        with db.transaction(PUBLIC) as session:
            return pages.opened_page(
                session,
                opened,
                told=told,
                ticket=self._places["ticket"],
                csrf_token=lambda: self._places["token"],
            )
