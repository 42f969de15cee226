from datetime import timedelta

import pytest

from server.errors import FieldErrors, Forbidden, Gone, NotAuthenticated, NotFound, TooManyRequests
from server.protocol import Role
from server.sessions.principals import JoinPrincipal
from tests.sessions.conftest import PASSWORD, World


async def test_the_first_account_is_an_interviewer_and_operator(world: World):
    user = await world.operator()
    assert user.role is Role.INTERVIEWER
    assert user.is_operator
    assert user.email == "olga@example.org"
    assert await world.accounts.has_users()


async def test_setup_link_is_void_once_an_account_exists(world: World):
    token = await world.accounts.new_setup_token()
    assert token is not None
    await world.accounts.set_up(token, name="A", email="a@example.org", password=PASSWORD)
    with pytest.raises(Gone):
        await world.accounts.set_up(token, name="B", email="b@example.org", password=PASSWORD)
    assert await world.accounts.new_setup_token() is None


async def test_only_the_newest_setup_link_works(world: World):
    old = await world.accounts.new_setup_token()
    new = await world.accounts.new_setup_token()
    assert old is not None
    assert new is not None
    with pytest.raises(NotFound):
        await world.accounts.check_setup(old)
    await world.accounts.check_setup(new)


async def test_a_form_with_problems_names_each_field(world: World):
    token = await world.accounts.new_setup_token()
    assert token is not None
    with pytest.raises(FieldErrors) as caught:
        await world.accounts.set_up(token, name=" ", email="nobody", password="short")
    assert set(caught.value.errors) == {"name", "email", "password"}


async def test_invitation_makes_one_account_with_its_email_and_role(world: World):
    operator = await world.operator()
    _, token = await world.accounts.invite(operator, email="Ivan@Example.org", role=Role.INTERVIEWER)
    assert (await world.accounts.invitation_for(token)).email == "ivan@example.org"
    user = await world.accounts.register(token, name="Ivan", password=PASSWORD)
    assert (user.email, user.role, user.is_operator) == ("ivan@example.org", Role.INTERVIEWER, False)
    with pytest.raises(Gone):
        await world.accounts.register(token, name="Ivan", password=PASSWORD)
    assert await world.accounts.invitations(operator) == ()


async def test_invitation_expires(world: World):
    operator = await world.operator()
    _, token = await world.accounts.invite(operator, email="ivan@example.org", role=Role.INTERVIEWER)
    world.clock.pass_s(timedelta(days=7).total_seconds())
    with pytest.raises(Gone, match="expired"):
        await world.accounts.register(token, name="Ivan", password=PASSWORD)


async def test_invitation_can_be_withdrawn(world: World):
    operator = await world.operator()
    invitation, token = await world.accounts.invite(operator, email="ivan@example.org", role=Role.INTERVIEWER)
    await world.accounts.withdraw_invitation(operator, invitation.id)
    with pytest.raises(NotFound):
        await world.accounts.invitation_for(token)


async def test_only_the_operator_invites_and_lists(world: World):
    operator = await world.operator()
    other = await world.person(operator, "ivan@example.org")
    with pytest.raises(Forbidden):
        await world.accounts.invite(other, email="x@example.org", role=Role.INTERVIEWER)
    with pytest.raises(Forbidden):
        await world.accounts.users(other)
    assert [user.email for user in await world.accounts.users(operator)] == ["ivan@example.org", "olga@example.org"]


async def test_an_email_in_another_case_is_the_same_account(world: World):
    operator = await world.operator()
    with pytest.raises(FieldErrors):
        await world.accounts.invite(operator, email="OLGA@example.ORG", role=Role.INTERVIEWER)


async def test_login_gives_a_session_that_expires_after_fourteen_days(world: World):
    user = await world.operator()
    principal, token = await world.accounts.log_in(" OLGA@example.org ", PASSWORD, address="::1", browser="Test/1")
    assert principal.user == user
    assert (await world.accounts.principal_for(token)).user == user
    assert [login.browser for login in await world.accounts.login_sessions(user.id)] == ["Test/1"]
    world.clock.pass_s(timedelta(days=14).total_seconds())
    with pytest.raises(NotAuthenticated):
        await world.accounts.principal_for(token)


@pytest.mark.parametrize(("email", "password"), [("olga@example.org", "wrong password"), ("no@example.org", PASSWORD)])
async def test_wrong_account_and_wrong_password_give_one_answer(world: World, email: str, password: str):
    await world.operator()
    with pytest.raises(NotAuthenticated, match="The e-mail or the password is wrong"):
        await world.accounts.log_in(email, password, address="::1")


async def test_an_unknown_account_costs_a_hash_too(world: World, monkeypatch: pytest.MonkeyPatch):
    await world.operator()
    passwords = world.accounts._passwords
    checked = []
    fits = passwords._fits
    monkeypatch.setattr(passwords, "_fits", lambda stored, given: checked.append(stored) or fits(stored, given))
    for email in ("olga@example.org", "no@example.org"):
        with pytest.raises(NotAuthenticated):
            await world.accounts.log_in(email, "wrong password", address="::1")
    assert len(checked) == 2
    assert all(stored.startswith("$argon2id$") for stored in checked)


async def test_guessing_one_account_is_stopped_and_goes_on_later(world: World):
    await world.operator()
    for n in range(10):
        with pytest.raises(NotAuthenticated):
            await world.accounts.log_in("olga@example.org", "wrong password", address=f"10.0.0.{n}")
    with pytest.raises(TooManyRequests) as caught:
        await world.accounts.log_in("olga@example.org", PASSWORD, address="10.0.1.1")
    assert caught.value.retry_after_s == 90
    world.clock.pass_s(90)
    await world.accounts.log_in("olga@example.org", PASSWORD, address="10.0.1.1")


async def test_guessing_from_one_address_is_stopped(world: World):
    await world.operator()
    for n in range(30):
        with pytest.raises(NotAuthenticated):
            await world.accounts.log_in(f"a{n}@example.org", "wrong password", address="10.0.0.1")
    with pytest.raises(TooManyRequests):
        await world.accounts.log_in("olga@example.org", PASSWORD, address="10.0.0.1")
    await world.accounts.log_in("olga@example.org", PASSWORD, address="10.0.0.2")


async def test_logging_in_rightly_never_hits_the_limit(world: World):
    await world.operator()
    for _ in range(40):
        await world.accounts.log_in("olga@example.org", PASSWORD, address="10.0.0.1")


async def test_log_out_ends_one_session_and_everywhere_ends_all(world: World):
    user = await world.operator()
    _, one = await world.accounts.log_in("olga@example.org", PASSWORD, address="::1")
    _, two = await world.accounts.log_in("olga@example.org", PASSWORD, address="::1")
    await world.accounts.log_out(one)
    with pytest.raises(NotAuthenticated):
        await world.accounts.principal_for(one)
    await world.accounts.principal_for(two)
    await world.accounts.log_out_everywhere(user.id)
    with pytest.raises(NotAuthenticated):
        await world.accounts.principal_for(two)


async def test_changing_the_password_ends_the_other_sessions(world: World):
    await world.operator()
    principal, here = await world.accounts.log_in("olga@example.org", PASSWORD, address="::1")
    _, elsewhere = await world.accounts.log_in("olga@example.org", PASSWORD, address="::1")
    with pytest.raises(FieldErrors) as caught:
        await world.accounts.change_password(principal, old="not this one", new="another good one")
    assert set(caught.value.errors) == {"old"}
    await world.accounts.change_password(principal, old=PASSWORD, new="another good one")
    await world.accounts.principal_for(here)
    with pytest.raises(NotAuthenticated):
        await world.accounts.principal_for(elsewhere)
    with pytest.raises(NotAuthenticated):
        await world.accounts.log_in("olga@example.org", PASSWORD, address="::1")
    await world.accounts.log_in("olga@example.org", "another good one", address="::1")


@pytest.mark.parametrize("bad", ["", "ninechars", "x" * 201, "aaaaaaaaaaaaaaa"])
async def test_bad_new_passwords_are_refused(world: World, bad: str):
    await world.operator()
    principal, _ = await world.accounts.log_in("olga@example.org", PASSWORD, address="::1")
    with pytest.raises(FieldErrors) as caught:
        await world.accounts.change_password(principal, old=PASSWORD, new=bad)
    assert set(caught.value.errors) == {"new"}


async def test_a_candidate_registers_with_the_interviews_email(world: World):
    details = await world.interview(await world.operator())
    holder = JoinPrincipal(interview=details.interview, participant=details.candidate)
    user = await world.accounts.register_candidate(holder, password=PASSWORD)
    assert (user.email, user.name, user.role) == ("cleo@example.org", "Cleo Candidate", Role.CANDIDATE)
    assert await world.schedule.list_for_candidate(user) == ()
    await world.schedule.link_candidate(user, details.candidate)
    assert [item.interview.id for item in await world.schedule.list_for_candidate(user)] == [details.interview.id]


async def test_an_address_that_is_taken_costs_no_hashing(world: World, monkeypatch: pytest.MonkeyPatch):
    details = await world.interview(await world.operator())
    holder = JoinPrincipal(interview=details.interview, participant=details.candidate)
    await world.accounts.register_candidate(holder, password=PASSWORD)
    monkeypatch.setattr(world.accounts, "_passwords", None)
    with pytest.raises(FieldErrors):
        await world.accounts.register_candidate(holder, password=PASSWORD)


async def test_no_secret_is_stored_as_it_is(world: World):
    user = await world.operator()
    _, invitation = await world.accounts.invite(user, email="ivan@example.org", role=Role.INTERVIEWER)
    _, login = await world.accounts.log_in("olga@example.org", PASSWORD, address="::1")
    await world.database.scrub()
    path = world.config.data_dir / "composure.db"
    stored = path.read_bytes()
    assert b"olga@example.org" in stored
    for secret in (invitation, login, PASSWORD):
        assert secret.encode() not in stored
