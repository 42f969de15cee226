"""Every route of the running application against everybody who is not entitled to it: no data, no effect."""

import pytest
from aiohttp import web

from server.app import make_app
from server.config import Config
from server.http.access import Rule, Who
from server.http.enforce import RULES, require_rules
from tests.http.world import NOWHERE

ANONYMOUS, OUTSIDER, CANDIDATE, OTHER_LINK, OTHER_ROOM, NOT_ADMITTED, OTHER_TAP, OWN_TAP = (
    "anonymous",
    "interviewer of another interview",
    "candidate with account",
    "join link of another interview",
    "access token of another room",
    "candidate who was not admitted",
    "tap token of another interview",
    "tap token without consent",
)

SECRETS = (
    "Secret title",
    "Vicky Victim",
    "vicky@example.org",
    "Secret question",
    "0.4321",
    "0.9876",
    "olga@example.org",
)


def expected(rule: Rule, person: str, method: str) -> set[int] | None:
    """Return the statuses that refuse a person by a rule, None when the person is entitled."""
    is_cookie = person in (OUTSIDER, CANDIDATE)
    page_or_call = {303, 401} if method == "GET" else {401}
    match rule.who:
        case Who.PUBLIC:
            return None
        case Who.SIGNED_IN:
            return None if is_cookie else page_or_call
        case Who.OPERATOR:
            return {403} if is_cookie else page_or_call
        case Who.INTERVIEWER:
            return {OUTSIDER: None, CANDIDATE: {403}}.get(person, page_or_call)
        case Who.MEMBER:
            return {404} if is_cookie else page_or_call
        case Who.JOIN_LINK:
            return None if person == OTHER_LINK else {404}
        case Who.ACCESS_TOKEN:
            if rule.in_message or method == "OPTIONS":
                return None  # tested by what the handshake lets through: test_websocket.py
            # A candidate who waits may hang up what is theirs, but there is nothing of theirs.
            return {OTHER_ROOM: {403}, NOT_ADMITTED: {404, 409}}.get(person, {401})
        case Who.TAP_TOKEN:
            return {OWN_TAP: {403}}.get(person, {401})


def fill(path: str, world, person: str) -> str:
    """Return a route's path with the values of the victim's interview."""
    interview = world.interview.interview
    values = {
        "id": interview.id,
        "interview_id": interview.id,
        "session_id": world.session_id,
        "room_id": interview.room_id,
        "participant_id": world.interview.candidate.id,
        "tap_id": world.tap_id,
        "token": world.other_join_token if person == OTHER_LINK else NOWHERE,
        "resource": NOWHERE,
        "invitation_id": NOWHERE,
        "path": "css/app.css",
    }
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value)
    assert "{" not in path, f"tell the matrix a value for {path}"
    return path


async def people(world) -> dict[str, object]:
    other_access = await world.outsider_access()
    own_access = await world.candidate_access()
    return {
        ANONYMOUS: world.anonymous,
        OUTSIDER: world.outsider,
        CANDIDATE: world.candidate,
        OTHER_LINK: world.anonymous,
        OTHER_ROOM: world.browser(bearer=other_access["token"]),
        NOT_ADMITTED: world.browser(bearer=own_access["token"]),
        OTHER_TAP: world.browser(bearer=world.other_tap_secret),
        OWN_TAP: world.browser(bearer=world.tap_secret),
    }


def table(app) -> list[tuple[str, str, Rule]]:
    rules = app[RULES]
    return [(route.method, route.resource.canonical, rules[route]) for route in app.router.routes()]


@pytest.mark.slow
async def test_nobody_gets_data_or_effect_beyond_their_right(world):
    everybody = await people(world)
    # Logging oneself in or out and noting that a tap token was shown are not effects on others' data.
    own = frozenset({"login_sessions", "tap_tokens"})
    before = await world.stored(but=own)
    n_refused = 0
    for method, pattern, rule in table(world.app):
        for person, browser in everybody.items():
            refusals = expected(rule, person, method)
            if refusals is None:
                continue
            status, body = await browser.ask(method, fill(pattern, world, person), data=b"")
            assert status in refusals, f"{person}: {method} {pattern} answered {status}: {body[:300]}"
            found = [secret for secret in SECRETS if secret in body]
            assert not found, f"{person}: {method} {pattern} gave away {found}"
            n_refused += 1
    assert n_refused > 100
    assert await world.stored(but=own) == before


@pytest.mark.slow
async def test_the_entitled_get_in(world):
    """The matrix would pass with a server that refuses everybody: these must not be refused."""
    interview = world.interview.interview.id
    for path in (
        "/",
        "/interviews",
        f"/interviews/{interview}",
        f"/interviews/{interview}/edit",
        f"/interviews/{interview}/room",
        f"/sessions/{world.session_id}",
        f"/sessions/{world.session_id}/series.csv",
        f"/sessions/{world.session_id}/session.json",
        "/people",
        "/account",
    ):
        status, body = await world.operator.ask("GET", path)
        assert status == (303 if path == "/" else 200), f"{path}: {status} {body[:300]}"
    for path in (f"/join/{world.join_token}", f"/join/{world.join_token}/account"):
        status, body = await world.anonymous.ask("GET", path)
        assert status == 200, f"{status} {body[:300]}"
    await world.candidate.ask("GET", f"/join/{world.join_token}")  # opening the link puts it into the account's list
    status, body = await world.candidate.ask("GET", "/interviews")
    assert status == 200
    assert "Secret title" in body


async def test_the_lists_of_others_do_not_show_an_interview(world):
    for browser in (world.outsider, world.anonymous):
        _, body = await browser.ask("GET", "/interviews")
        assert not [secret for secret in SECRETS if secret in body]


async def test_unsafe_requests_without_the_form_token_have_no_effect(world):
    before = await world.stored()
    n_refused = 0
    for method, pattern, rule in table(world.app):
        if method in ("GET", "OPTIONS") or rule.who in (Who.ACCESS_TOKEN, Who.TAP_TOKEN):
            continue
        path = fill(pattern, world, OTHER_LINK) if rule.who is Who.JOIN_LINK else fill(pattern, world, OUTSIDER)
        for token in ("", "0" * 64):
            status, _ = await world.operator.ask(method, path, headers={"X-CSRF-Token": token}, data=b"")
            assert status == 403, f"{method} {pattern}: {status}"
            n_refused += 1
        status, _ = await world.operator.ask(method, path, headers={"Origin": "https://evil.example"}, data=b"")
        assert status == 403, f"{method} {pattern} from another site: {status}"
    assert n_refused > 20
    assert await world.stored() == before


def test_a_route_without_a_rule_does_not_start(tmp_path):
    app = make_app(Config.from_env({}, {"data_dir": str(tmp_path)}))

    async def forgotten(request):
        return web.Response(text="secret")

    app.router.add_get("/forgotten", forgotten)
    with pytest.raises(ValueError, match="/forgotten has no access rule"):
        require_rules(app)


async def test_a_route_that_slipped_in_later_answers_nothing(world):
    """Were a route added behind the table's back, it would be closed, not open."""

    async def forgotten(request):
        return web.Response(text="secret")

    world.app.router._frozen = False
    world.app.router.add_get("/forgotten", forgotten)
    status, body = await world.operator.ask("GET", "/forgotten")
    assert status == 500
    assert "secret" not in body
