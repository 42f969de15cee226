"""The watch of who speaks: with levels by hand, and with real clients whose sound the server does not decode."""

import asyncio
from fractions import Fraction

import av
import numpy as np
import pytest
from aiortc import MediaStreamTrack

from server.clock import monotonic_s
from server.media import Codec, Kind
from server.rtc.speaking import BEGIN_S, HANGOVER_S, MAX_HOLE_S, SpeakingWatch
from tests.fakes.plane_bench import Keeper, bench, hashes, is_run_of, seen
from tests.fakes.rtc_peer import PublishingClient, until
from tests.fakes.rtc_time import ManualTime

PACKET_S = 0.02


class Room:
    """A watch and what it told, on a clock set by hand."""

    def __init__(self):
        self.time = ManualTime()
        self.told = []
        self.watch = SpeakingWatch(
            on_change=lambda is_speaking, since_s: self.told.append((is_speaking, round(since_s - 100.0, 2))),
            call_later=self.time.call_later,
            clock=self.time,
        )

    def send(self, seconds, **dbov):
        """Send packets of everybody named, each at a level of its own in -dBov."""
        for _ in range(round(seconds / PACKET_S)):
            for who, level in dbov.items():
                self.watch.hear(who, level, self.time())
            self.time.advance(PACKET_S)


def test_a_voice_is_told_from_where_it_began_to_where_it_stopped():
    room = Room()
    room.send(1.0, ann=75)
    assert room.told == [(False, 0.0)]
    room.send(2.0, ann=28)
    assert room.told[1:] == [(True, 1.0)]
    room.send(1.0, ann=75)
    assert room.told[2:] == [(False, 2.98)]


def test_short_silences_belong_to_speech_and_clicks_do_not():
    room = Room()
    room.send(1.0, ann=75)
    room.send(BEGIN_S - PACKET_S, ann=20)
    room.send(0.5, ann=75)
    assert room.told == [(False, 0.0)]
    for _ in range(4):
        room.send(0.3, ann=30)
        room.send(HANGOVER_S - 2 * PACKET_S, ann=70)
    assert [is_speaking for is_speaking, _ in room.told] == [False, True]


def test_a_noisy_microphone_is_not_a_voice_but_a_voice_over_the_noise_is():
    room = Room()
    room.send(5.0, ann=46)
    assert room.told == [(False, 0.0)]
    room.send(1.0, ann=25)
    room.send(1.0, ann=46)
    assert [is_speaking for is_speaking, _ in room.told] == [False, True, False]


def test_who_speaks_from_the_first_packet_on_is_heard():
    room = Room()
    room.send(1.0, ann=22)
    assert room.told == [(False, 0.0), (True, 0.0)]


def test_a_long_speech_does_not_become_the_floor():
    room = Room()
    room.send(1.0, ann=70)
    for _ in range(60):
        room.send(0.8, ann=30)
        room.send(0.1, ann=60)
    assert [is_speaking for is_speaking, _ in room.told] == [False, True]


def test_any_of_several_is_enough():
    room = Room()
    room.send(0.5, ann=75, bob=75)
    room.send(1.0, ann=25, bob=75)
    room.send(1.0, ann=25, bob=25)
    room.send(1.0, ann=75, bob=25)
    assert [is_speaking for is_speaking, _ in room.told] == [False, True]
    room.send(1.0, ann=75, bob=75)
    assert room.told[2:] == [(False, 3.48)]


def test_packets_that_stop_are_silence_from_the_last_one_on():
    room = Room()
    room.send(0.5, ann=75)
    room.send(1.0, ann=25)
    room.time.advance(MAX_HOLE_S + 0.1)
    assert room.told[2:] == [(False, 1.48)]
    room.send(1.0, ann=25)
    assert room.told[3:] == [(True, 2.1)]


def test_after_a_stop_nothing_is_told():
    room = Room()
    room.send(1.0, ann=22)
    room.watch.stop()
    room.time.advance(5.0)
    assert len(room.told) == 2


class SpokenTrack(MediaStreamTrack):
    """Plays a tone or silence in real time; aiortc encodes it and writes its level beside it, as browsers do."""

    kind = "audio"

    def __init__(self):
        super().__init__()
        self.is_loud = False
        self._n = 0
        self._start_s = monotonic_s()

    async def recv(self):
        await asyncio.sleep(max(0.0, self._start_s + self._n * PACKET_S - monotonic_s()))
        t_s = (np.arange(960) + 960 * self._n) / 48_000
        wave = (9000 * self.is_loud * np.sin(2 * np.pi * 220 * t_s)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, 960 * self._n, Fraction(1, 48_000)
        self._n += 1
        return frame


class SpeakingClient(PublishingClient):
    """Publishes a track that is encoded here."""

    def __init__(self):
        super().__init__(video=False, audio=False)
        self.spoken = SpokenTrack()
        self.peer.addTransceiver(self.spoken, direction="sendonly")


async def test_a_real_interviewer_is_heard_while_their_sound_is_forwarded_bit_exact():
    async with bench() as it:
        told, keeper = [], Keeper()
        it.plane.attach("room", "interviewer", keeper)
        listening = it.plane.listen("room", "candidate", lambda *news: told.append(news))
        interviewer, candidate = SpeakingClient(), SpeakingClient()
        it.clients += [interviewer, candidate]
        await candidate.publish(it.plane)
        candidate.spoken.is_loud = True  # does not count
        resource = await interviewer.publish(it.plane, participant_id="interviewer")
        assert "urn:ietf:params:rtp-hdrext:ssrc-audio-level" in resource.answer_sdp
        viewer = await it.viewer(viewer_id="candidate", source_id="interviewer", kinds=("audio",))
        await until(lambda: told)
        assert told[0][0] is False
        interviewer.spoken.is_loud, from_s = True, monotonic_s()
        await until(lambda: len(told) == 2)
        assert told[1][0] is True
        assert told[1][1] == pytest.approx(from_s, abs=0.3)
        await until(lambda: len(viewer.audio.packets) > 40)
        interviewer.spoken.is_loud, to_s = False, monotonic_s()
        await until(lambda: len(told) == 3)
        assert told[2][0] is False
        assert told[2][1] == pytest.approx(to_s, abs=0.3)
        # The levels travel on to the viewer, and the sound is the same bytes.
        assert {packet.extensions.audio_level[1] for packet in viewer.audio.packets} >= {127}
        received = hashes(frame.data for frame in seen(viewer.audio, Codec.OPUS))
        assert len(received) > 20
        assert is_run_of(received, hashes(frame.data for frame in keeper.of(Kind.AUDIO)))
        listening.stop()
        listening.stop()
        interviewer.spoken.is_loud = True
        n_before = len(viewer.audio.packets)
        await until(lambda: len(viewer.audio.packets) > n_before + 15)
        assert len(told) == 3


async def test_a_client_that_sends_no_levels_leaves_it_unknown():
    async with bench() as it:
        told = []
        it.plane.listen("room", "candidate", lambda *news: told.append(news))
        silent = PublishingClient(video=False)
        it.clients.append(silent)
        await silent.publish(it.plane, participant_id="interviewer")
        viewer = await it.viewer(viewer_id="candidate", source_id="interviewer", kinds=("audio",))
        await until(lambda: len(viewer.audio.packets) > 20)
        assert told == []
