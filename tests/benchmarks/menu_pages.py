"""Server times of every page in the menu of a role, on a portal that runs.

`tram run` (or `tram run --people 1000000`) prints the logins and their password; then
`python -m tests.benchmarks.menu_pages http://127.0.0.1:8080 PASSWORD LOGIN…` opens each page three
times for each login and prints the best time the server told, slowest first.
"""

import html
import re
import sys
from dataclasses import dataclass

import requests

ROUNDS = 3
_NOT_PAGES = ("logout", "static", "lang")


@dataclass(frozen=True, slots=True, order=True)
class Page:
    """What one page cost: milliseconds and statements as `Server-Timing` told them."""

    milliseconds: float
    statements: int
    path: str


def signed_in(url: str, login: str, password: str) -> tuple[requests.Session, str]:
    """A session of a login, and its first page.

    Raises:
        SystemExit: the portal did not let it in.
    """
    browser = requests.Session()
    form = browser.get(f"{url}/login/", timeout=60).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
    fields = {"username": login, "password": password, "csrf_token": token[1] if token else ""}
    home = browser.post(f"{url}/login/", data=fields, timeout=60)
    if "/logout/" not in home.text:
        raise SystemExit(f"{login} was not let in")
    return browser, home.text


def paths_of(home: str) -> list[str]:
    """The pages that a first page leads to."""
    found = (html.unescape(path) for path in re.findall(r'href="(/[^"#]*)"', home))
    return list(dict.fromkeys(p for p in found if not any(word in p for word in _NOT_PAGES)))


def cost_of(browser: requests.Session, url: str, path: str) -> Page:
    """The best of a few rounds.

    Raises:
        SystemExit: the page is not there, or failed.
    """
    told = []
    for _ in range(ROUNDS):
        answer = browser.get(f"{url}{path}", timeout=120)
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code}")
        timing = answer.headers["Server-Timing"]
        total = re.search(r"total;dur=([\d.]+)", timing)
        count = re.search(r'"(\d+) statements"', timing)
        told.append(Page(float(total[1]) if total else 0, int(count[1]) if count else 0, path))
    return min(told)


def main(url: str, password: str, *logins: str) -> None:
    """Prints each login's pages."""
    for login in logins:
        browser, home = signed_in(url, login, password)
        print(f"## {login}")
        for page in sorted((cost_of(browser, url, p) for p in paths_of(home)), reverse=True):
            print(f"{page.milliseconds:9.1f} ms {page.statements:3} statements  {page.path}")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
