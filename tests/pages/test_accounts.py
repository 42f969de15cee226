"""Becoming somebody, logging in and out, passwords, invitations."""

import pytest

from tests.pages.site import PASSWORD


async def test_without_an_account_the_start_page_tells_where_the_link_is(site):
    page = await site.visitor().get("/")
    assert page.status == 200
    assert "Make the first account here" in page.text


async def test_the_setup_link_makes_the_first_account_once(site):
    path, visitor = await site.setup_path(), site.visitor()
    fields = {"name": "Maria Schneider", "email": "maria@example.org", "password": PASSWORD}
    page = await visitor.post(path, fields, on=path)
    assert (page.status, page.path) == (200, "/interviews")
    assert "Nothing here yet" in page.text

    again = await site.visitor().get(path)
    assert again.status == 410
    assert "an account exists" in again.text


async def test_a_wrong_setup_link_is_not_found(site):
    page = await site.visitor().get("/setup/nonsense")
    assert page.status == 404


async def test_setup_says_what_is_wrong_beside_the_fields_and_keeps_what_was_typed(site):
    path = await site.setup_path()
    page = await site.visitor().post(path, {"name": "", "email": "maria", "password": "short"}, on=path)
    assert page.status == 400
    assert set(page.errors) == {"name", "email", "password"}
    assert page.values["email"] == "maria"
    assert page.values["password"] == ""
    assert (await site.visitor().get(path)).status == 200, "the link is still good"


async def test_login_with_the_right_password_goes_where_one_wanted_to(site):
    await site.operator()
    visitor = site.visitor()
    page = await visitor.get("/interviews/new")
    assert page.path == "/login?next=/interviews/new"
    fields = {"email": "MARIA@example.org", "password": PASSWORD, "next": "/interviews/new"}
    page = await visitor.post("/login", fields, on=page.path)
    assert (page.status, page.path) == (200, "/interviews/new")


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:x"])
async def test_login_never_leads_to_another_site(site, elsewhere):
    await site.operator()
    fields = {"email": "maria@example.org", "password": PASSWORD, "next": elsewhere}
    page = await site.visitor().post("/login", fields, on="/login")
    assert (page.status, page.path) == (200, "/interviews")


async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(site):
    await site.operator()
    answers = []
    for email in ("maria@example.org", "nobody@example.org"):
        page = await site.visitor().post("/login", {"email": email, "password": "not this one"}, on="/login")
        assert page.status == 401
        assert page.values["email"] == email
        answers.append(page.text)
    assert answers[0] == answers[1]


async def test_who_forgot_the_password_reads_what_really_helps(site):
    await site.operator()
    page = await site.visitor().get("/login")
    assert "python -m server password EMAIL" in page.text
    assert "new invitation" not in page.text


async def test_too_many_wrong_passwords_have_to_wait(site):
    await site.operator()
    visitor = site.visitor()
    for _ in range(10):
        page = await visitor.post("/login", {"email": "maria@example.org", "password": "not this"}, on="/login")
    assert page.status == 401
    page = await visitor.post("/login", {"email": "maria@example.org", "password": PASSWORD}, on="/login")
    assert page.status == 429
    assert "Too many attempts" in page.text


async def test_a_form_without_its_token_is_refused(site):
    await site.operator()
    async with site.visitor().http.post(
        f"{site.url}/login", data={"email": "maria@example.org", "password": PASSWORD}
    ) as response:
        assert response.status == 403


async def test_a_form_from_another_site_is_refused(site):
    operator = await site.operator()
    async with operator.http.post(
        f"{site.url}/logout", data={"csrf": "x"}, headers={"Origin": "https://evil.example"}
    ) as response:
        assert response.status == 403
    assert (await operator.get("/account")).path == "/account"


async def test_logout_ends_this_browser_only(site):
    first = await site.operator()
    second = site.visitor()
    await second.post("/login", {"email": "maria@example.org", "password": PASSWORD}, on="/login")
    page = await first.post("/logout", {}, on="/account")
    assert "You are logged out." in page.text
    assert (await first.get("/account")).path == "/login?next=/account"
    assert (await second.get("/account")).path == "/account"


async def test_logout_everywhere_ends_every_browser(site):
    first = await site.operator()
    second = site.visitor()
    await second.post("/login", {"email": "maria@example.org", "password": PASSWORD}, on="/login")
    page = await first.get("/account")
    assert page.text.count("Logged in") == 2
    assert page.text.count("This browser") == 1
    await first.post("/logout-everywhere", {}, on="/account")
    assert (await second.get("/account")).path == "/login?next=/account"


async def test_a_new_password_works_and_the_old_one_does_not(site):
    operator, other = await site.operator(), site.visitor()
    await other.post("/login", {"email": "maria@example.org", "password": PASSWORD}, on="/login")
    page = await operator.post("/account/password", {"old": PASSWORD, "new": "another long phrase"}, on="/account")
    assert page.path == "/account?done=password"
    assert (await other.get("/account")).path == "/login?next=/account", "other browsers are logged out"
    page = await other.post("/login", {"email": "maria@example.org", "password": PASSWORD}, on="/login")
    assert page.status == 401
    fields = {"email": "maria@example.org", "password": "another long phrase"}
    assert (await other.post("/login", fields, on="/login")).path == "/interviews"


async def test_a_wrong_old_password_changes_nothing(site):
    operator = await site.operator()
    page = await operator.post("/account/password", {"old": "wrong", "new": "another long phrase"}, on="/account")
    assert page.status == 400
    assert set(page.errors) == {"old"}


async def test_an_invitation_makes_one_interviewer(site):
    operator = await site.operator()
    made = await operator.post("/people", {"email": "tom@example.org"}, on="/people")
    link = made.by_id["invitation-link"]
    assert link.startswith(site.url)
    path = link.removeprefix(site.url)
    tom = site.visitor()
    page = await tom.get(path)
    assert "tom@example.org" in page.html
    page = await tom.post(path, {"name": "Tom Okafor", "password": PASSWORD}, on=path)
    assert (page.status, page.path) == (200, "/interviews")
    assert "Schedule" in page.text
    assert (await tom.get("/people")).status == 403
    assert (await site.visitor().get(path)).status == 410
    assert "Tom Okafor" in (await operator.get("/people")).text


async def test_a_withdrawn_invitation_is_void(site):
    operator = await site.operator()
    made = await operator.post("/people", {"email": "tom@example.org"}, on="/people")
    path = made.by_id["invitation-link"].removeprefix(site.url)
    action = next(part for part in made.html.split('"') if part.endswith("/withdraw"))
    assert (await operator.post(action, {}, on="/people")).status == 200
    assert (await site.visitor().get(path)).status == 404


async def test_an_unusable_address_cannot_be_invited(site):
    operator = await site.operator()
    for email in ("not an address", "maria@example.org"):
        page = await operator.post("/people", {"email": email}, on="/people")
        assert page.status == 400
        assert set(page.errors) == {"email"}
        assert page.values["email"] == email


async def test_unknown_invitations_are_not_found(site):
    await site.operator()
    assert (await site.visitor().get("/invite/nonsense")).status == 404
