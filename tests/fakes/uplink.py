"""A publisher behind a bad network, simulated: the real tracks, feed and source, on a clock that needs no waiting."""

import random

from aiortc.rtp import RtpPacket

from server.config import Config
from server.media import Codec, Kind
from server.rtc.capture_clock import SenderClock
from server.rtc.context import Context
from server.rtc.counters import Counters
from server.rtc.incoming import IncomingTrack
from server.rtc.source import Source
from tests.fakes.rtc_packets import DELTA, KEY
from tests.fakes.rtc_time import ManualTime

FPS = 30
PACKETS_PER_PICTURE = 5
AUDIO_S = 0.02
SPACING_S = 0.001
"""Between the packets of a picture, as a pacing sender leaves it."""
SENT_BEFORE_NTP_S = 4_000_000_000.0
_SSRC = {Kind.AUDIO: 1, Kind.VIDEO: 2}
_RATE_HZ = {Kind.AUDIO: 48_000, Kind.VIDEO: 90_000}
# Anywhere in their ranges and soon to wrap.
_FIRST_TIMESTAMP = {Kind.AUDIO: 2**32 - 90_000, Kind.VIDEO: 77_777}
_FIRST_SEQ = {Kind.AUDIO: 65_000, Kind.VIDEO: 65_400}


def run_now(work, name):
    """Stand in for a task: what the fake tap does never waits."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError(f"{name} waited")


class Line:
    """The way from the publisher to the server and back.

    Args:
        loss: share of packets lost, each way.
        rtt_s: without jitter.
        jitter_s: least and most extra delay of a packet on the way to the server, uniform.
        overtaken: share of packets that are late by up to ``overtaken_s``.
        extra_s: by kind, further delay of all its packets on the way to the server.
    """

    def __init__(
        self, *, loss=0.0, rtt_s=0.05, jitter_s=(0.0, 0.0), overtaken=0.0, overtaken_s=0.02, extra_s=None, seed=0
    ):
        self.loss, self.rtt_s, self.jitter_s, self.extra_s = loss, rtt_s, jitter_s, extra_s or {}
        self.overtaken, self.overtaken_s = overtaken, overtaken_s
        self.rng = random.Random(seed)

    def delay_up_s(self, kind):
        """Return a packet's delay, None if it is lost."""
        if self.rng.random() < self.loss:
            return None
        late_s = self.rng.uniform(0, self.overtaken_s) if self.rng.random() < self.overtaken else 0.0
        return self.rtt_s / 2 + self.rng.uniform(*self.jitter_s) + late_s + self.extra_s.get(kind, 0.0)

    def delay_down_s(self):
        return None if self.rng.random() < self.loss else self.rtt_s / 2


class _Tap:
    """What a track sends back."""

    asked_bps = 1_500_000

    def __init__(self, uplink, kind):
        self._uplink, self._kind = uplink, kind

    async def send_nack(self, ssrc, seqs):
        self._uplink.nacks += [(self._uplink.time(), seq) for seq in seqs]
        self._uplink.back(lambda: [self._uplink.send_again(self._kind, seq) for seq in seqs])

    async def send_pli(self, ssrc):
        self._uplink.plis.append(self._uplink.time())
        self._uplink.back(self._uplink.force_keyframe)

    async def send_remb(self, ssrc):
        pass


class _Publisher:
    """What a source needs of a publisher."""

    def __init__(self, tracks):
        self.tracks, self.video_codec = tracks, Codec.VP8

    def request_keyframe(self):
        self.tracks[Kind.VIDEO].request_keyframe()


class Uplink:
    """Sends sound and pictures in simulated time; pictures carry their number, sound is what the caller gives.

    Args:
        line: the network, may be changed while it runs.
        sound: Opus packets of 20 ms each; sent round and round.
        speaks: tells by number which packets of sound are sent at all; a sender with DTX leaves some out.
        kinds: what is sent.
        slow: share by which the sender's clock is slow.
    """

    def __init__(self, line, *, sound=(b"\xfcopus",), speaks=lambda n: True, kinds=tuple(Kind), slow=0.0):
        self.line, self.sound, self.speaks, self.slow = line, sound, speaks, slow
        self.time = ManualTime()
        self.context = Context(Config(), self.time)
        self.context.call_later, self.context.spawn = self.time.call_later, run_now
        self.counters = Counters()
        self.nacks, self.plis, self.sent, self.sent_s = [], [], {}, {}
        self.is_sending = True
        self._sent_again_s = {}
        self._n = {Kind.AUDIO: 0, Kind.VIDEO: 0}
        self._seq = dict(_FIRST_SEQ)
        self._wants_key = True
        self.newest = {}
        """By kind, the newest packet a viewer was given; kept by whoever watches."""
        self.began_s = self.time()
        self.source = Source(
            "room",
            "candidate",
            context=self.context,
            counters=self.counters,
            on_state=lambda event: None,
            on_publisher_lost=lambda publisher: None,
            on_subscriber_lost=lambda subscriber: None,
            on_level=lambda source, level, arrival_s: None,
        )
        self.publisher = self._connect()
        if Kind.VIDEO in kinds:
            self._picture()
        if Kind.AUDIO in kinds:
            self._speak()

    def _connect(self):
        clock, tracks = SenderClock(), {}
        publisher = _Publisher(tracks)
        for kind, codec in ((Kind.AUDIO, Codec.OPUS), (Kind.VIDEO, Codec.VP8)):
            tracks[kind] = IncomingTrack(
                codec=codec,
                context=self.context,
                counters=self.counters,
                sender_clock=clock,
                next_epoch=self.source.next_epoch,
                on_packet=lambda packet: self.source.on_packet(publisher, packet),
                on_picture_lost=lambda: self.source.on_picture_lost(publisher),
                rtt_s=lambda: self.line.rtt_s,
            )
            tracks[kind].connect(_Tap(self, kind))
        self.source.begin(publisher)
        return publisher

    def force_keyframe(self):
        self._wants_key = True

    def _picture(self):
        n = self._n[Kind.VIDEO]
        self._n[Kind.VIDEO] += 1
        self.time.call_later(self.began_s + (n + 1) * (1 + self.slow) / FPS - self.time(), self._picture)
        if not self.is_sending:
            return
        for i in range(PACKETS_PER_PICTURE):
            start = KEY if self._wants_key else DELTA
            payload = (start if i == 0 else b"\x00rest") + n.to_bytes(4)
            self._send(Kind.VIDEO, n * 3000, payload, i == PACKETS_PER_PICTURE - 1, i * SPACING_S)
        self._wants_key = False

    def _speak(self):
        n = self._n[Kind.AUDIO]
        self._n[Kind.AUDIO] += 1
        self.time.call_later(self.began_s + (n + 1) * (1 + self.slow) * AUDIO_S - self.time(), self._speak)
        if self.is_sending and self.speaks(n):
            self._send(Kind.AUDIO, n * 960, self.sound[n % len(self.sound)], n == 0, 0.0)

    def _send(self, kind, media_time, payload, marker, after_s):
        seq = self._seq[kind]
        self._seq[kind] += 1
        packet = RtpPacket(
            payload_type=97,
            marker=int(marker),
            sequence_number=seq & 0xFFFF,
            timestamp=(media_time + _FIRST_TIMESTAMP[kind]) & 0xFFFFFFFF,
            ssrc=_SSRC[kind],
            payload=payload,
        )
        self.sent[kind, seq & 0xFFFF] = packet
        self.sent_s[kind, seq] = self.time()
        self.transmit(kind, packet, after_s=after_s)

    def send_again(self, kind, seq):
        """Answer a request, as libwebrtc does: not twice within a round trip."""
        now_s = self.time()
        if now_s - self._sent_again_s.get((kind, seq), float("-inf")) >= self.line.rtt_s:
            self._sent_again_s[kind, seq] = now_s
            self.transmit(kind, self.sent[kind, seq], is_retransmission=True)

    def transmit(self, kind, packet, *, after_s=0.0, is_retransmission=False):
        delay_s = self.line.delay_up_s(kind)
        if delay_s is not None:
            track = self.publisher.tracks[kind]
            self.time.call_later(after_s + delay_s, lambda: track.on_rtp(packet, is_retransmission=is_retransmission))

    def back(self, action):
        delay_s = self.line.delay_down_s()
        if delay_s is not None:
            self.time.call_later(delay_s, action)

    def report(self, kind):
        """Send a sender report, delayed as the packets are."""
        elapsed_s = (self.time() - self.began_s) / (1 + self.slow)
        ntp_timestamp = int((SENT_BEFORE_NTP_S + elapsed_s) * (1 << 32))
        timestamp = (round(elapsed_s * _RATE_HZ[kind]) + _FIRST_TIMESTAMP[kind]) & 0xFFFFFFFF
        track = self.publisher.tracks[kind]
        delay_s = self.line.delay_up_s(kind)
        if delay_s is not None:
            self.time.call_later(delay_s, lambda: track.on_sender_report(_SSRC[kind], ntp_timestamp, timestamp))

    def reconnect(self):
        """The publisher comes back with a new connection; its media go on."""
        for track in self.publisher.tracks.values():
            track.stop()
        self.publisher = self._connect()
        self.force_keyframe()

    @staticmethod
    def media_s(packet):
        """Return when a packet was captured, in seconds since the start on the sender's clock."""
        return ((packet.timestamp - _FIRST_TIMESTAMP[packet.kind]) & 0xFFFFFFFF) / _RATE_HZ[packet.kind]


class Keeper:
    """A consumer that keeps what it gets, with the time it got it."""

    def __init__(self, time):
        self._time = time
        self.taken = []

    def push(self, frame):
        self.taken.append((self._time(), frame))

    def ended(self, reason):
        pass

    def of(self, kind):
        return [(now_s, frame) for now_s, frame in self.taken if frame.kind is kind]
