"""A browser without JavaScript: follows a page's form, hidden fields included."""

from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient


class Page(HTMLParser):
    """The forms of a page, each with its action and the fields it would send."""

    def __init__(self, html: str, status: int) -> None:
        super().__init__()
        self.html, self.status = html, status
        self.forms: list[dict[str, Any]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append({"action": given.get("action"), "fields": []})
        if not self.forms or tag != "input" or not given.get("name"):
            return
        is_choice = given.get("type") in {"radio", "checkbox"}
        if not is_choice or "checked" in given:
            self.forms[-1]["fields"].append((given["name"], given.get("value") or ""))

    def field(self, name: str) -> str:
        return next(v for form in self.forms for n, v in form["fields"] if n == name)


class Browser:
    """One citizen's telephone."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.page: Page

    def open(self, address: str) -> Page:
        answer = self.client.get(address, follow_redirects=True)
        self.page = Page(answer.get_data(as_text=True), answer.status_code)
        return self.page

    def send(self, number: int = 0, **values: Any) -> Page:
        """Fills and sends a form of the page; lists send a field several times."""
        answer = self.post(number, **values)
        self.page = Page(answer.get_data(as_text=True), answer.status_code)
        return self.page

    def post(self, number: int = 0, **values: Any) -> Any:
        """The same, giving the raw answer."""
        form = self.page.forms[number]
        data: dict[str, list[str]] = {}
        for name, value in form["fields"]:
            if name not in values:
                data.setdefault(name, []).append(value)
        for name, value in values.items():
            data[name] = value if isinstance(value, list) else [value]
        return self.client.post(form["action"], data=data, follow_redirects=True)
