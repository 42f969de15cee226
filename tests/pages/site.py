"""A visitor of the pages: follows links, fills in forms with their CSRF field, goes where the answer leads."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from server.http import keys

PASSWORD = "quiet river stone"


class _Text(HTMLParser):
    """Collects what a reader sees, the fields of forms and the links."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.values: dict[str, str] = {}
        self.by_id: dict[str, str] = {}
        self.links: list[str] = []
        self.times: list[str] = []
        self.errors: dict[str, str] = {}
        self._error = ""
        self._area = ""
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("script", "style"):
            self._silent += 1
        if tag == "input" and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
            self.values[given.get("name", "")] = given.get("value", "")
            self.by_id[given.get("id", "")] = given.get("value", "")
        self._area = given.get("name", "") if tag == "textarea" else ""
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag == "time":
            self.times.append(given.get("datetime", ""))
        self._error = given.get("id", "").removeprefix("e-") if given.get("class") == "field-error" else ""

    def handle_endtag(self, tag: str) -> None:
        self._error = self._area = ""
        if tag in ("script", "style"):
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self.words.append(data)
        if self._error:
            self.errors[self._error] = data
        if self._area:
            self.values[self._area] = data


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What came back."""

    status: int
    path: str
    """Where the browser is now, with the query."""
    html: str
    text: str
    values: dict[str, str]
    """Values of the form's fields by name."""
    by_id: dict[str, str]
    """Values of inputs by id."""
    errors: dict[str, str]
    """Sentences beside fields, by field."""
    links: list[str]
    times: list[str]


class Visitor:
    """Somebody with a browser of their own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def get(self, path: str) -> Page:
        async with self.http.get(self._url + path) as response:
            return await _page(response)

    async def post(self, path: str, fields: dict[str, Any], *, on: str) -> Page:
        """Fill in the form on the page ``on`` and send it to ``path``; follows where the answer leads."""
        async with self.http.get(self._url + on) as response:
            token = re.search(r'name="csrf" (?:value|content)="([^"]+)"', await response.text())
        assert token is not None, f"{on} has no form"
        data = aiohttp.FormData([("csrf", token[1]), *fields.items()])
        async with self.http.post(self._url + path, data=data, headers={"Origin": self._url}) as response:
            return await _page(response)


@dataclass(slots=True, kw_only=True)
class Site:
    """The running server."""

    app: aiohttp.web.Application
    url: str
    _visitors: list[Visitor] = field(default_factory=list)

    def visitor(self) -> Visitor:
        visitor = Visitor(self.url)
        self._visitors.append(visitor)
        return visitor

    async def setup_path(self) -> str:
        return f"/setup/{await self.app[keys.ACCOUNTS].new_setup_token()}"

    async def operator(self) -> Visitor:
        """Return the first interviewer, logged in."""
        visitor, path = self.visitor(), await self.setup_path()
        fields = {"name": "Maria Schneider", "email": "maria@example.org", "password": PASSWORD}
        page = await visitor.post(path, fields, on=path)
        assert page.status == 200, page.text
        return visitor

    async def colleague(self, operator: Visitor, name: str, email: str) -> Visitor:
        """Return somebody whom the operator invited, logged in."""
        made = await operator.post("/people", {"email": email}, on="/people")
        path = urlsplit(made.by_id["invitation-link"]).path
        visitor = self.visitor()
        page = await visitor.post(path, {"name": name, "password": PASSWORD}, on=path)
        assert page.status == 200, page.text
        return visitor

    async def close(self) -> None:
        for visitor in self._visitors:
            await visitor.http.close()


INTERVIEW = {
    "title": "Practice talk",
    "candidate_name": "Jonas Weber",
    "candidate_email": "Jonas@Example.org",
    "date": "2030-07-01",
    "time": "14:30",
    "timezone": "Europe/Berlin",
    "duration_min": "45",
    "purpose": "practice",
    "questions": "Tell me about yourself.\n\nWhat was hard last week?",
    "co_interviewers": "",
}
"""A form that can be used."""


async def schedule(visitor: Visitor, **changes: str) -> Page:
    """Schedule an interview and return its page."""
    page = await visitor.post("/interviews/new", {**INTERVIEW, **changes}, on="/interviews/new")
    assert page.status == 200, page.errors
    return page


def join_path(page: Page) -> str:
    """Return the path of the join link on an interview's page."""
    return urlsplit(page.by_id["join-link"]).path


async def _page(response: aiohttp.ClientResponse) -> Page:
    html, reader = await response.text(), _Text()
    reader.feed(html)
    return Page(
        status=response.status,
        path=response.url.path_qs,
        html=html,
        text=" ".join(" ".join(reader.words).split()),
        values=reader.values,
        by_id=reader.by_id,
        errors=reader.errors,
        links=reader.links,
        times=reader.times,
    )
