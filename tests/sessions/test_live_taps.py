import pytest

from server.errors import Forbidden, Gone, NotFound
from server.media import EncodedFrame
from server.sessions.consenttexts import TEXT_DATE
from server.sessions.live_room import EMPTY_END_S
from server.sessions.principals import TapPrincipal
from server.sessions.records import ConsentKind, InterviewStatus
from server.sessions.taps import EstimateSubscription
from tests.fakes.rooms import estimate
from tests.sessions.conftest import Call, World


class Consumer:
    def __init__(self) -> None:
        self.reasons: list[str] = []

    def push(self, frame: EncodedFrame) -> None: ...

    def ended(self, reason: str) -> None:
        self.reasons.append(reason)


async def tap_of(call: Call, world: World, label: str = "Lab 1") -> TapPrincipal:
    _, secret = await world.taptokens.create(call.details.interview.id, label=label)
    return await world.taptokens.read(secret, call.details.interview.id)


async def drain(subscription: EstimateSubscription) -> list[float]:
    return [message["t_s"] async for message in subscription]


async def test_taps_need_the_consent_for_research(call: Call, world: World):
    tap = await tap_of(call, world)
    await call.begin(ConsentKind.ANALYSIS)
    with pytest.raises(Forbidden):
        await world.rooms.attach_tap(tap, Consumer())
    with pytest.raises(Forbidden):
        await world.rooms.subscribe_estimates(tap)
    assert world.media.attached == []


async def test_a_tap_watches_the_candidate_and_asks_for_key_frames(call: Call, world: World):
    tap = await tap_of(call, world)
    await call.begin(ConsentKind.RESEARCH)
    consumer = Consumer()
    attachment = await world.rooms.attach_tap(tap, consumer)
    (inner,) = world.media.attached
    assert inner.consumer is consumer
    attachment.request_keyframe()
    assert inner.keyframes == 1
    attachment.detach()
    attachment.detach()
    assert (world.media.attached, consumer.reasons, world.rooms.stats()["taps"]) == ([], [], 0)


async def test_withdrawing_cuts_every_tap_at_once(call: Call, world: World):
    tap = await tap_of(call, world)
    await call.analyse(ConsentKind.RESEARCH)
    consumer = Consumer()
    await world.rooms.attach_tap(tap, consumer)
    subscription = await world.rooms.subscribe_estimates(tap)
    world.analysis.newest.estimate(estimate(1.0), 0.0)
    await world.say(
        call.candidate, "consent", kind="research", granted=False, text_version=f"research-practice-{TEXT_DATE}"
    )
    assert consumer.reasons == ["the consent for research use was withdrawn"]
    assert await drain(subscription) == []  # not even what waited
    assert subscription.end_reason == "the consent for research use was withdrawn"
    assert [attached.consumer for attached in world.media.attached] == [world.analysis.newest]
    assert world.rooms.stats()["analyses"] == 1
    with pytest.raises(Forbidden):
        await world.rooms.attach_tap(tap, Consumer())


async def test_estimates_come_with_their_features(call: Call, world: World):
    tap = await tap_of(call, world)
    await call.analyse(ConsentKind.RESEARCH)
    subscription = await world.rooms.subscribe_estimates(tap)
    world.analysis.newest.estimate(estimate(1.0), 0.0)
    message = await anext(subscription)
    assert message["stress"]["value"] == 0.4
    assert message["voice_features"]["centroid_hz"] == 1500.0
    assert message["newest_sample_s"] == 0.9


async def test_a_slow_reader_loses_the_oldest_estimates(call: Call, world: World):
    tap = await tap_of(call, world)
    await call.analyse(ConsentKind.RESEARCH)
    subscription = await world.rooms.subscribe_estimates(tap)
    for n in range(1, 201):
        world.analysis.newest.estimate(estimate(float(n)), 0.0)
    assert subscription.dropped == 80
    assert (await anext(subscription))["t_s"] == 81.0


async def test_revoking_a_token_ends_its_streams_alone(call: Call, world: World):
    one, two = await tap_of(call, world, "one"), await tap_of(call, world, "two")
    await call.begin(ConsentKind.RESEARCH)
    first, second = Consumer(), Consumer()
    await world.rooms.attach_tap(one, first)
    await world.rooms.attach_tap(two, second)
    await world.taptokens.revoke(call.details.interview.id, one.tap_id)
    assert (first.reasons, second.reasons) == (["the tap token was revoked"], [])


async def test_a_tap_alone_keeps_no_interview_alive(call: Call, world: World):
    tap = await tap_of(call, world)
    await call.begin(ConsentKind.RESEARCH)
    consumer = Consumer()
    await world.rooms.attach_tap(tap, consumer)
    for connection in (call.candidate, call.interviewer):
        await world.say(connection, "leave")
    world.publish(call.details.candidate, call.details, "closed")
    await world.rooms.sweep()
    world.clock.pass_s(EMPTY_END_S)
    await world.rooms.sweep()
    assert await call.status() is InterviewStatus.ENDED
    assert consumer.reasons == ["the interview is over"]


async def test_taps_end_with_the_interview(call: Call, world: World):
    tap = await tap_of(call, world)
    await call.begin(ConsentKind.RESEARCH)
    consumer = Consumer()
    await world.rooms.attach_tap(tap, consumer)
    subscription = await world.rooms.subscribe_estimates(tap)
    await world.say(call.interviewer, "end")
    assert consumer.reasons == ["the interview is over"]
    assert await drain(subscription) == []
    with pytest.raises(Gone):
        await world.rooms.attach_tap(tap, Consumer())


async def test_a_tap_may_come_before_everybody_and_keeps_the_room(call: Call, world: World):
    tap = await tap_of(call, world)
    await world.consent(call.details, ConsentKind.CALL, ConsentKind.RESEARCH)
    subscription = await world.rooms.subscribe_estimates(tap)
    await world.rooms.sweep()
    assert world.rooms.stats()["rooms"] == 1
    subscription.close()
    await world.rooms.sweep()
    assert world.rooms.stats()["rooms"] == 0


async def test_a_tap_of_a_deleted_interview_finds_nothing(call: Call, world: World):
    tap = await tap_of(call, world)
    await world.schedule.delete(call.user, call.details.interview.id)
    with pytest.raises(NotFound):
        await world.rooms.attach_tap(tap, Consumer())
