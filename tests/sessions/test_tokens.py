import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from server.errors import FieldErrors, Gone, NotAuthenticated, NotFound
from server.protocol import Role
from server.sessions.principals import Grant
from server.sessions.tokens import Tokens, load_key
from tests.sessions.conftest import Call, World, interview_form


def test_the_key_is_made_once_and_for_the_owner_alone(tmp_path: Path):
    key = load_key(tmp_path / "data")
    assert len(key) == 32
    assert load_key(tmp_path / "data") == key
    assert stat.S_IMODE((tmp_path / "data" / "secret.key").stat().st_mode) == 0o600


def test_a_damaged_key_is_named(tmp_path: Path):
    (tmp_path / "secret.key").write_bytes(b"short")
    with pytest.raises(ValueError, match=r"secret\.key must hold 32 bytes but holds 5"):
        load_key(tmp_path)


async def test_a_join_link_leads_to_its_candidate(call: Call, world: World):
    token = world.tokens.join_token(call.details.interview, call.details.candidate)
    assert token == world.tokens.join_token(call.details.interview, call.details.candidate)
    holder = await world.tokens.read_join(token)
    assert (holder.interview, holder.participant) == (call.details.interview, call.details.candidate)


async def test_a_join_link_expires_a_week_after_the_interview(call: Call, world: World):
    token = world.tokens.join_token(call.details.interview, call.details.candidate)
    end = call.details.interview.scheduled_at + timedelta(minutes=45, days=7)
    world.clock.pass_s((end - world.clock.now()).total_seconds() - 1)
    await world.tokens.read_join(token)
    world.clock.pass_s(1)
    with pytest.raises(Gone, match="expired"):
        await world.tokens.read_join(token)


async def test_a_join_link_moves_with_the_interview(call: Call, world: World):
    token = world.tokens.join_token(call.details.interview, call.details.candidate)
    moved = await world.schedule.edit(
        call.user, call.details.interview.id, interview_form(scheduled_at="2026-12-24T10:00")
    )
    assert world.tokens.join_token(moved.interview, moved.candidate) == token
    world.clock.pass_s((moved.interview.scheduled_at - world.clock.now()).total_seconds())
    assert (await world.tokens.read_join(token)).interview == moved.interview
    await world.schedule.edit(call.user, call.details.interview.id, interview_form())  # back to the time before
    with pytest.raises(Gone, match="expired"):
        await world.tokens.read_join(token)


async def test_the_end_that_earlier_links_carry_does_not_count(call: Call, world: World):
    claims = {
        "aud": "composure:join",
        "sub": call.details.candidate.id,
        "interview": call.details.interview.id,
        "version": 1,
        "exp": 1,
    }
    holder = await world.tokens.read_join(jwt.encode(claims, b"k" * 32, algorithm="HS256"))
    assert holder.participant == call.details.candidate


async def test_the_holder_of_a_closed_link_is_known_where_that_is_asked_for(call: Call, world: World):
    token = world.tokens.join_token(call.details.interview, call.details.candidate)
    assert (await world.tokens.read_join(token, may_be_closed=True)).why_closed == ""
    end = call.details.interview.scheduled_at + timedelta(minutes=45, days=7)
    world.clock.pass_s((end - world.clock.now()).total_seconds())
    assert "expired" in (await world.tokens.read_join(token, may_be_closed=True)).why_closed
    await world.schedule.cancel(call.user, call.details.interview.id)
    assert "cancelled" in (await world.tokens.read_join(token, may_be_closed=True)).why_closed


async def test_a_replaced_link_is_void_in_any_case(call: Call, world: World):
    old = world.tokens.join_token(call.details.interview, call.details.candidate)
    await world.schedule.renew_join_link(call.user, call.details.interview.id)
    await world.schedule.cancel(call.user, call.details.interview.id)
    with pytest.raises(Gone, match="newer"):
        await world.tokens.read_join(old, may_be_closed=True)


async def test_a_renewed_link_voids_the_old_one(call: Call, world: World):
    old = world.tokens.join_token(call.details.interview, call.details.candidate)
    renewed = await world.schedule.renew_join_link(call.user, call.details.interview.id)
    with pytest.raises(Gone, match="newer"):
        await world.tokens.read_join(old)
    await world.tokens.read_join(world.tokens.join_token(renewed.interview, renewed.candidate))


async def test_links_of_cancelled_and_deleted_interviews(call: Call, world: World):
    token = world.tokens.join_token(call.details.interview, call.details.candidate)
    await world.schedule.cancel(call.user, call.details.interview.id)
    with pytest.raises(Gone, match="cancelled"):
        await world.tokens.read_join(token)
    await world.schedule.delete(call.user, call.details.interview.id)
    with pytest.raises(NotFound):
        await world.tokens.read_join(token)


@pytest.mark.parametrize(
    "damage", [lambda t: t[:-2], lambda t: "x" + t, lambda t: "", lambda t: "a.b.c", lambda t: "é"]
)
async def test_damaged_tokens_are_refused(call: Call, world: World, damage):
    with pytest.raises(NotFound):
        await world.tokens.read_join(damage(world.tokens.join_token(call.details.interview, call.details.candidate)))
    with pytest.raises(NotAuthenticated):
        world.tokens.read_access(
            damage(world.tokens.access_token(call.details.candidate, call.details.interview, Grant))
        )


async def test_one_kind_of_token_does_not_pass_as_another(call: Call, world: World):
    join = world.tokens.join_token(call.details.interview, call.details.candidate)
    access = world.tokens.access_token(call.details.candidate, call.details.interview, Grant)
    with pytest.raises(NotAuthenticated):
        world.tokens.read_access(join)
    with pytest.raises(NotFound):
        await world.tokens.read_join(access)


async def test_tokens_of_another_key_or_algorithm_are_refused(call: Call, world: World):
    other = Tokens(b"x" * 32, world.database, now=world.clock.now)
    with pytest.raises(NotAuthenticated):
        world.tokens.read_access(other.access_token(call.details.candidate, call.details.interview, Grant))
    claims = jwt.decode(
        world.tokens.access_token(call.details.candidate, call.details.interview, Grant),
        options={"verify_signature": False},
    )
    with pytest.raises(NotAuthenticated):
        world.tokens.read_access(jwt.encode(claims, "", algorithm="none"))


async def test_an_access_token_says_who_where_and_what_for_ten_minutes(call: Call, world: World):
    token = world.tokens.access_token(call.details.candidate, call.details.interview, [Grant.PUBLISH])
    principal = world.tokens.read_access(token)
    assert principal.participant_id == call.details.candidate.id
    assert principal.room_id == call.details.interview.room_id
    assert principal.role is Role.CANDIDATE
    assert principal.grants == {Grant.PUBLISH}
    assert principal.expires_at == datetime(2026, 11, 20, 12, 10, tzinfo=UTC)
    world.clock.pass_s(600)
    with pytest.raises(NotAuthenticated, match="expired"):
        world.tokens.read_access(token)


async def test_tap_tokens_are_scoped_listed_and_revocable(call: Call, world: World):
    interview_id = call.details.interview.id
    token, secret = await world.taptokens.create(interview_id, label=" Lab\n1 ")
    assert token.label == "Lab 1"
    principal = await world.taptokens.read(secret, interview_id)
    assert (principal.tap_id, principal.interview_id, principal.label) == (token.id, interview_id, "Lab 1")
    (listed,) = await world.taptokens.of_interview(interview_id)
    assert listed.last_used_at == world.clock.now()
    other = await world.interview(call.user)
    with pytest.raises(NotAuthenticated):
        await world.taptokens.read(secret, other.interview.id)
    with pytest.raises(NotFound):
        await world.taptokens.revoke(other.interview.id, token.id)
    await world.taptokens.revoke(interview_id, token.id)
    world.clock.pass_s(5)
    await world.taptokens.revoke(interview_id, token.id)
    with pytest.raises(Gone):
        await world.taptokens.read(secret, interview_id)
    (listed,) = await world.taptokens.of_interview(interview_id)
    assert (world.clock.now() - listed.revoked_at).total_seconds() == 5
    with pytest.raises(FieldErrors):
        await world.taptokens.create(interview_id, label=" ")
