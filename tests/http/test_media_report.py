"""What interviewers may know about the connections of their interview."""

from dataclasses import replace

import pytest

from server.http.media_report import quality
from server.media import Codec, Kind
from server.rtc.contract import ConnectionReport, Direction
from server.rtc.statistics import IncomingStatistics, OutgoingStatistics
from tests.fakes.rtc_peer import until
from tests.http.call import a_call

SENT = IncomingStatistics(
    kind=Kind.AUDIO,
    codec=Codec.OPUS,
    packets=100,
    bytes=1000,
    packets_lost=0,
    packets_repaired=0,
    nacks=0,
    keyframe_requests=0,
    loss_share=0.0,
    jitter_s=0.002,
    frozen_s=0.0,
    buffered_packets=0,
    bits_per_s=32_000.0,
)
RECEIVED = OutgoingStatistics(
    kind=Kind.VIDEO,
    codec=Codec.VP8,
    packets=100,
    bytes=1000,
    packets_sent_again=0,
    packets_dropped=0,
    loss_share=None,
    jitter_s=None,
    rtt_s=None,
    queued_packets=0,
    bits_per_s=1e6,
    budget_bits_per_s=None,
    layer=None,
)
PUBLISHING = ConnectionReport(
    room_id="room",
    participant_id="p",
    direction=Direction.PUBLISH,
    source_id="p",
    connected_s=10.0,
    silent_s=0.1,
    rtt_s=0.05,
    route="host/udp",
    asked_bits_per_s=1.5e6,
    incoming=(SENT,),
)
WATCHING = replace(PUBLISHING, direction=Direction.WATCH, incoming=(), outgoing=(RECEIVED,), asked_bits_per_s=None)


@pytest.mark.parametrize(
    ("report", "word"),
    [
        (PUBLISHING, "good"),
        (WATCHING, "good"),
        (replace(PUBLISHING, connected_s=None, silent_s=None, rtt_s=None), "connecting"),
        (replace(PUBLISHING, rtt_s=None), "good"),
        (replace(PUBLISHING, rtt_s=0.3), "unstable"),
        (replace(PUBLISHING, rtt_s=0.6), "poor"),
        (replace(PUBLISHING, silent_s=3.0), "poor"),
        (replace(PUBLISHING, incoming=(replace(SENT, loss_share=0.0199),)), "good"),
        (replace(PUBLISHING, incoming=(SENT, replace(SENT, loss_share=0.02))), "unstable"),
        (replace(PUBLISHING, incoming=(SENT, replace(SENT, loss_share=0.1))), "poor"),
        (replace(PUBLISHING, incoming=(replace(SENT, jitter_s=0.03),)), "unstable"),
        (replace(WATCHING, outgoing=(replace(RECEIVED, jitter_s=0.1),)), "good"),
        (replace(WATCHING, outgoing=(RECEIVED, replace(RECEIVED, kind=Kind.AUDIO, jitter_s=0.1))), "poor"),
        (replace(WATCHING, outgoing=(replace(RECEIVED, budget_bits_per_s=4e5),)), "unstable"),
        (replace(WATCHING, outgoing=(replace(RECEIVED, is_paused=True),)), "poor"),
    ],
)
def test_the_worst_figure_gives_the_word(report, word):
    assert quality(report) == word


async def test_without_anybody_there_is_nobody(world):
    path = f"/api/interviews/{world.interview.interview.id}/media"
    assert await world.operator.json("GET", path) == (200, {"participants": []})


@pytest.mark.slow
async def test_a_call_shows_each_connection_to_its_interviewers_only(world):
    path = f"/api/interviews/{world.interview.interview.id}/media"
    async with a_call(world) as call, call.watching() as view:
        await until(lambda: len(view.video.packets) > 30)
        status, body = await world.operator.json("GET", path)
        assert status == 200
        people = {person["role"]: person for person in body["participants"]}
        candidate, interviewer = people["candidate"], people["interviewer"]
        assert (candidate["name"], interviewer["name"]) == ("Vicky Victim", "Olga Operator")
        assert candidate["id"] == call.candidate_access["participant_id"]
        assert interviewer["connection"] is None
        assert interviewer["viewers"] == []
        sent = candidate["connection"]
        assert sent["quality"] in ("good", "unstable", "poor")
        assert sent["connected_s"] > 0
        assert sent["video"]["codec"] == "VP8"
        assert sent["audio"]["codec"] == "opus"
        assert sent["video"]["bits_per_s"] > 10_000
        (watching,) = candidate["viewers"]
        assert (watching["id"], watching["name"]) == (call.interviewer_access["participant_id"], "Olga Operator")
        assert watching["video"]["packets"] > 0
        assert watching["is_limited"] in (True, False)
        assert (await world.outsider.ask("GET", path))[0] == 404
        assert (await world.candidate.ask("GET", path))[0] == 404
        assert (await world.anonymous.ask("GET", path))[0] == 401
