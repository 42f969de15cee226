import pytest

from server.config import Config
from server.http.csrf import FORM_COOKIE_MAX_AGE_S
from tests.http.world import a_world


async def test_every_response_carries_the_security_headers(world):
    for path in ("/", "/login", "/static/css/app.css", "/nothing", "/healthz", "/api/join/x/access"):
        await world.anonymous.ask("GET", path)
        headers = world.anonymous.last.headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        host = world.url.removeprefix("http://")
        assert f"connect-src 'self' ws://{host} wss://{host};" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Permissions-Policy"].startswith("camera=(self), microphone=(self)")


async def test_a_forged_host_does_not_get_into_the_policy(world):
    await world.anonymous.ask("GET", "/login", headers={"Host": "evil.example; script-src *"})
    assert "evil" not in world.anonymous.last.headers["Content-Security-Policy"]


async def test_pages_hold_no_inline_script_or_style(world):
    paths = ["/login", "/interviews", "/account", "/people", "/interviews/new"]
    paths += [f"/interviews/{world.interview.interview.id}", f"/interviews/{world.interview.interview.id}/room"]
    paths += [f"/join/{world.join_token}", f"/sessions/{world.session_id}"]
    for path in paths:
        _, text = await world.operator.ask("GET", path)
        assert "<style" not in text
        assert " style=" not in text, path
        assert " onclick=" not in text
        for part in text.split("<script")[1:]:
            tag = part.split(">")[0]
            assert "src=" in tag or 'type="application/json"' in tag, f"{path}: <script{tag}>"


async def test_the_session_cookie_is_for_the_server_alone(world):
    browser = world.browser()
    form = {"email": "olga@example.org", "password": "correct horse battery staple", "csrf": await browser.fresh_csrf()}
    await browser.ask("POST", "/login", data=form)
    cookie = browser.last.cookies["composure_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["secure"]


async def test_each_page_that_needs_the_form_cookie_renews_it(world):
    """A candidate who comes back a day later still has the cookie of the page that they see."""
    browser, secrets = world.browser(), set()
    for path in (f"/join/{world.join_token}", f"/join/{world.join_token}", "/login", "/nothing"):
        await browser.ask("GET", path)
        cookie = browser.last.cookies["composure_form"]
        assert int(cookie["max-age"]) == FORM_COOKIE_MAX_AGE_S
        secrets.add(cookie.value)
    assert len(secrets) == 1
    await world.operator.ask("GET", "/login")  # bound to the login instead
    assert "composure_form" not in world.operator.last.cookies


async def test_a_form_cookie_that_is_not_ours_is_not_given_back(world):
    await world.anonymous.ask("GET", "/login", headers={"Cookie": "composure_form=planted"})
    assert len(world.anonymous.last.cookies["composure_form"].value) == 43


async def test_behind_a_tls_proxy_cookies_are_secure(tmp_path):
    async with a_world(tmp_path, behind_proxy="1", public_url="https://interviews.example.org") as world:
        browser = world.browser()
        await browser.ask("GET", "/login", headers={"X-Forwarded-Proto": "https"})
        assert browser.last.cookies["composure_form"]["secure"]
        assert Config.from_env({}, {}).behind_proxy is False


async def test_links_name_the_public_address_whatever_host_was_asked_for(tmp_path):
    async with a_world(tmp_path, public_url="https://interviews.example.org/") as world:
        path = f"/interviews/{world.interview.interview.id}"
        _, text = await world.operator.ask("GET", path, headers={"Host": "evil.example"})
        assert f"https://interviews.example.org/join/{world.join_token}" in text
        assert "evil" not in text


async def test_a_host_that_is_none_gets_no_links(world):
    path = f"/interviews/{world.interview.interview.id}"
    status, text = await world.operator.ask("GET", path, headers={"Host": "evil.example/?"})
    assert status == 400
    assert "evil" not in text


@pytest.mark.parametrize("is_behind", [False, True])
async def test_forwarded_addresses_count_only_behind_a_proxy(tmp_path, is_behind):
    """Somebody who makes up addresses does not get around the login limit; a proxy appends the true one."""
    async with a_world(tmp_path, behind_proxy=str(int(is_behind))) as world:
        csrf, statuses = await world.anonymous.csrf(), []
        for n in range(31):
            form = {"email": f"{n}@example.org", "password": "wrong", "csrf": csrf}
            headers = {"X-Forwarded-For": f"192.0.2.{n}, 198.51.100.{n % 2}" if is_behind else f"192.0.2.{n}"}
            statuses.append((await world.anonymous.ask("POST", "/login", data=form, headers=headers))[0])
        assert statuses[:30] == [401] * 30
        assert statuses[30] == (401 if is_behind else 429)  # two true addresses, fifteen attempts each


@pytest.mark.parametrize("path", ["js/socket.js", "css/app.css", "img/mark.svg"])
async def test_assets_have_their_type_and_are_asked_for_again(world, path):
    status, _ = await world.anonymous.ask("GET", f"/static/{path}")
    assert status == 200
    first = world.anonymous.last
    assert first.headers["Content-Type"].split(";")[0] in ("text/javascript", "text/css", "image/svg+xml")
    assert first.headers["Cache-Control"] == "no-cache"
    status, _ = await world.anonymous.ask("GET", f"/static/{path}", headers={"If-None-Match": first.headers["ETag"]})
    assert status == 304
