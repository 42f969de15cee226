"""What a bad network does to us: real tracks, NACKs, feed and source behind a simulated line with fixed seeds."""

import itertools

import pytest

from server.media import Kind
from server.rtc.nack import MAX_TRIES
from tests.fakes.uplink import AUDIO_S, FPS, PACKETS_PER_PICTURE, Keeper, Line, Uplink

SECONDS = 60
FREEZE_S = 0.3

# Loss, round trip, jitter, share overtaken; the most of the time that may be frozen, and the longest freeze in seconds.
TABLE = {
    "no loss": (Line(), 0.0, 0.0),
    "1 %": (Line(loss=0.01), 0.0, 0.0),
    "2 %": (Line(loss=0.02), 0.005, 0.5),
    "5 %": (Line(loss=0.05), 0.005, 0.5),
    "10 %": (Line(loss=0.10), 0.02, 1.0),
    "2 %, 200 ms": (Line(loss=0.02, rtt_s=0.2), 0.03, 1.0),
    "2 % overtaken": (Line(overtaken=0.02), 0.0, 0.0),
    "2 % overtaken by up to 80 ms": (Line(overtaken=0.02, overtaken_s=0.08), 0.0, 0.0),
    "jitter 30-200 ms": (Line(jitter_s=(0.03, 0.2)), 0.0, 0.0),
    "jitter 30-200 ms and 2 %": (Line(jitter_s=(0.03, 0.2), loss=0.02), 0.01, 0.5),
}


def run(line, seed, seconds=SECONDS):
    line.rng.seed(seed)
    uplink = Uplink(line)
    keeper = Keeper(uplink.time)
    uplink.source.attach(keeper)
    uplink.time.advance(seconds)
    return uplink, keeper


def pauses_s(taken):
    return [b - a for (a, _), (b, _) in itertools.pairwise(taken)]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", TABLE)
def test_lost_video_is_mended_and_nothing_freezes_long(name, seed):
    line, most_frozen, longest_s = TABLE[name]
    uplink, keeper = run(line, seed)
    video = keeper.of(Kind.VIDEO)
    freezes_s = [pause_s for pause_s in pauses_s(video) if pause_s > FREEZE_S]
    assert sum(freezes_s) - FREEZE_S * len(freezes_s) <= most_frozen * SECONDS
    assert max(freezes_s, default=0.0) <= longest_s
    assert len(video) >= (0.98 if longest_s <= 0.5 else 0.9) * SECONDS * FPS
    stamps = [frame.rtp_timestamp for _, frame in video]
    assert stamps == sorted(set(stamps))
    assert (
        max((sum(seq == other for _, other in uplink.nacks) for _, seq in uplink.nacks[:200]), default=0) <= MAX_TRIES
    )
    # What the track says about itself without looking at frames agrees with what came out, but for pictures that were
    # mended after we had stepped over them.
    told = uplink.publisher.tracks[Kind.VIDEO].statistics()
    assert told.frozen_s <= sum(freezes_s) - FREEZE_S * len(freezes_s) + 0.01


@pytest.mark.parametrize("seed", range(2))
def test_packets_that_were_only_overtaken_cause_no_flood(seed):
    uplink, _ = run(Line(overtaken=0.02, overtaken_s=0.08), seed)
    assert len(uplink.nacks) <= 0.001 * SECONDS * FPS * PACKETS_PER_PICTURE
    assert len(uplink.plis) <= 1


# Loss or delay on the way; the most frames that may be missing, as a multiple of the packets that did not come, and
# as a share of all.
AUDIO_TABLE = {
    "no loss": (Line(), 1.0, 0.0),
    "1 %": (Line(loss=0.01), 1.2, 0.0),
    "2 %": (Line(loss=0.02), 1.2, 0.0),
    "5 %": (Line(loss=0.05), 1.2, 0.0),
    "10 %": (Line(loss=0.10), 1.2, 0.0),
    "2 % overtaken": (Line(overtaken=0.02, overtaken_s=0.08), 1.0, 0.0005),
    "jitter 30-200 ms": (Line(jitter_s=(0.03, 0.2)), 1.0, 0.002),
    "jitter 30-200 ms and 2 %": (Line(jitter_s=(0.03, 0.2), loss=0.02), 1.2, 0.002),
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", AUDIO_TABLE)
def test_sound_loses_what_the_network_loses_and_hardly_more(name, seed):
    line, most_times, most_share = AUDIO_TABLE[name]
    uplink, keeper = run(line, seed)
    audio = keeper.of(Kind.AUDIO)
    told = uplink.publisher.tracks[Kind.AUDIO].statistics()
    n_sent = round(SECONDS / AUDIO_S)
    n_on_the_way = 20
    n_lost = told.packets + told.packets_lost - len(audio) - n_on_the_way
    assert n_lost <= most_times * told.packets_lost + most_share * n_sent
    stamps = [frame.rtp_timestamp for _, frame in audio]
    assert stamps == sorted(set(stamps))
    if not line.jitter_s[1]:
        lags_s = sorted(now_s - frame.arrival_s for now_s, frame in audio)
        assert lags_s[len(lags_s) // 2] == 0.0
        assert lags_s[-1] <= (0.08 if not line.overtaken else 0.12)


def test_the_wait_for_sound_is_short_again_within_a_second():
    uplink, keeper = run(Line(loss=0.02), 5, seconds=10)
    uplink.line.loss = 1.0
    uplink.time.advance(0.4)
    uplink.line.loss = 0.0
    uplink.time.advance(0.1)
    keeper.taken.clear()
    uplink.time.advance(1.0)
    assert max(now_s - frame.arrival_s for now_s, frame in keeper.of(Kind.AUDIO)) <= 0.08


@pytest.mark.parametrize("is_watched", [True, False])
@pytest.mark.parametrize("outage_s", [0.5, 3.0])
def test_a_key_frame_is_asked_for_soon_after_a_loss_that_cannot_be_mended(outage_s, is_watched):
    uplink = Uplink(Line())
    if is_watched:
        uplink.source.attach(Keeper(uplink.time))
    uplink.time.advance(5.0)
    uplink.plis.clear()
    # The packets of the outage are gone for good: nothing that is asked for comes.
    uplink.send_again = lambda kind, seq: None
    uplink.line.loss = 1.0
    uplink.time.advance(outage_s)
    uplink.line.loss = 0.0
    ended_s = uplink.time()
    uplink.time.advance(5.0)
    assert len(uplink.plis) == 1
    first_packet_s = uplink.line.rtt_s / 2 + 1 / FPS
    assert uplink.plis[0] - ended_s - first_packet_s <= 0.3 + 1e-6
    told = uplink.publisher.tracks[Kind.VIDEO].statistics()
    assert told.keyframe_requests >= 1
    assert not told.buffered_packets


def test_a_key_frame_that_came_by_itself_is_not_asked_for():
    uplink = Uplink(Line())
    uplink.time.advance(5.0)
    uplink.send_again = lambda kind, seq: None
    uplink.plis.clear()
    uplink.line.loss = 1.0
    uplink.time.advance(0.1)
    uplink.line.loss = 0.0
    uplink.time.advance(0.1)
    uplink.force_keyframe()
    uplink.time.advance(2.0)
    assert uplink.nacks
    assert uplink.plis == []


def test_key_frames_are_asked_for_at_most_every_half_second_and_until_one_comes():
    uplink = Uplink(Line())
    uplink.source.attach(Keeper(uplink.time))
    uplink.time.advance(5.0)
    uplink.plis.clear()
    uplink.force_keyframe = lambda: None
    uplink.send_again = lambda kind, seq: None
    for _ in range(20):
        uplink.line.loss = 0.3
        uplink.time.advance(0.25)
        uplink.source.request_keyframe()  # a viewer, too
    assert min(b - a for a, b in itertools.pairwise(uplink.plis)) >= 0.5 - 1e-9
    assert 7 <= len(uplink.plis) <= 11
