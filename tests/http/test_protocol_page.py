"""docs/protocol.md must name every route, event, field and error status."""

import re
from pathlib import Path

import pytest

from server.errors import ComposureError
from server.http.access import Who
from server.http.routes import ROUTES
from server.protocol import CLIENT_EVENTS, SERVER_EVENTS, Role

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
RULE_WORDS = {
    Who.ACCESS_TOKEN: ("ACCESS_TOKEN", "anyone"),
    Who.PUBLIC: ("PUBLIC",),
    Who.SIGNED_IN: ("SIGNED_IN",),
    Who.OPERATOR: ("OPERATOR",),
    Who.INTERVIEWER: ("INTERVIEWER",),
    Who.MEMBER: ("MEMBER",),
    Who.JOIN_LINK: ("JOIN_LINK",),
    Who.TAP_TOKEN: ("TAP_TOKEN",),
}


def line_of(method: str, path: str) -> str:
    written = path.replace("{path:.+}", "{path}")
    for line in PAGE.splitlines():
        for verbs, place in re.findall(r"((?:GET|POST|PATCH|DELETE|OPTIONS)(?:, [A-Z]+)*) `([^`]+)`", line):
            if place == written and method in verbs.split(", "):
                return line
    pytest.fail(f"{method} {written} is not in docs/protocol.md")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_described_with_its_rule(route):
    line = line_of(route.method, route.path)
    assert any(word in line for word in RULE_WORDS[route.rule.who]), line


def section(title: str) -> dict[str, str]:
    body = PAGE.split(f"### {title}\n")[1].split("\n### ")[0]
    return dict(re.findall(r"^\| `([a-z_]+)` \|(.+)$", body, flags=re.M))


def test_every_client_event_is_described_with_its_roles_and_fields():
    described = section("From the page")
    assert set(described) == set(CLIENT_EVENTS)
    for name, event in CLIENT_EVENTS.items():
        who = "both" if len(event.roles) == 2 else str(next(iter(event.roles)))
        assert described[name].split("|")[0].strip() == who, name
        for field, rule in event.fields.items():
            optional = "" if rule.required else "?"
            assert re.search(rf"`{field}`{re.escape(optional)}(?!\w)", described[name]), f"{name}.{field}"
            for choice in rule.choices:
                assert f"`{choice}`" in described[name], f"{name}.{field} {choice}"


def test_every_server_event_is_described_with_its_roles():
    described = section("From the server")
    assert set(described) == set(SERVER_EVENTS)
    for name, event in SERVER_EVENTS.items():
        who = "both" if event.roles == frozenset(Role) else str(next(iter(event.roles)))
        assert described[name].split("|")[0].strip() == who, name


def test_every_error_status_is_described():
    def statuses(error):
        yield error.status
        for child in error.__subclasses__():
            yield from statuses(child)

    table = PAGE.split("## Errors")[1].split("## Pages")[0]
    for status in set(statuses(ComposureError)) - {500}:
        assert re.search(rf"\b{status}\b", table), status
