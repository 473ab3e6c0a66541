"""Law of the house: every text of ours and of FAB's is said in Vietnamese, with the same values."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import flask_appbuilder
import pytest
import wtforms
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

PORTAL = Path(__file__).resolve().parents[2] / "portal"
FAB = Path(flask_appbuilder.__file__).parent
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext.babel_extract")]
KEYWORDS = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
}
AREAS = sorted(folder.name for folder in PORTAL.iterdir() if (folder / "__init__.py").exists())
_VALUE = re.compile(r"%\((\w+)\)[sd]")


@cache
def _vietnamese() -> dict[str, str]:
    said: dict[str, str] = {}
    for path in sorted((PORTAL / "translations" / "vi").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file):
                key = message.id if isinstance(message.id, str) else message.id[0]
                text = message.string if isinstance(message.string, str) else message.string[0]
                if key and text:
                    said[key] = text
    return said


def _texts(folder: Path, methods: list[tuple[str, str]] = METHODS) -> Iterator[tuple[str, str]]:
    found = extract_from_dir(folder, methods, {}, KEYWORDS)
    for path, line, message, _comments, _context in found:
        text = message if isinstance(message, str) else message[0]
        if text:
            yield text, f"{path}:{line}"


@pytest.mark.parametrize("area", AREAS)
def test_every_text_of_an_area_is_said_in_vietnamese(area: str) -> None:
    missing = {text: at for text, at in _texts(PORTAL / area) if text not in _vietnamese()}
    assert missing == {}


def test_every_text_of_fab_is_said_in_vietnamese() -> None:
    with (FAB / "translations/de/LC_MESSAGES/messages.po").open("rb") as file:
        known = {message.id for message in read_po(file) if isinstance(message.id, str)}
    assert {text for text in known if text} - set(_vietnamese()) == set()


def test_every_text_of_a_form_is_said_in_vietnamese() -> None:
    with (Path(wtforms.__file__).parent / "locale" / "wtforms.pot").open("rb") as file:
        known = {
            message.id if isinstance(message.id, str) else message.id[0]
            for message in read_po(file)
        }
    assert {text for text in known if text} - set(_vietnamese()) == set()


def test_a_text_is_said_in_one_way() -> None:
    said: dict[str, set[str]] = {}
    for path in (PORTAL / "translations" / "vi").glob("*.po"):
        with path.open("rb") as file:
            for message in read_po(file):
                if path.stem != "fab" and isinstance(message.id, str) and message.id:
                    said.setdefault(message.id, set()).add(str(message.string))
    assert {text: ways for text, ways in said.items() if len(ways) > 1} == {}


def test_a_translation_keeps_every_value_of_the_text() -> None:
    lost = {
        text: said
        for text, said in _vietnamese().items()
        if set(_VALUE.findall(text)) != set(_VALUE.findall(said))
    }
    assert lost == {}
