"""A media plane with real aiortc clients on loopback, and what they saw of one another."""

import contextlib
import hashlib

from server.clock import monotonic_s
from server.config import Config
from server.media import Codec, Kind
from server.rtc.frames import AudioAssembler, VideoAssembler
from server.rtc.packets import MediaPacket, Unwrapper, starts_keyframe
from server.rtc.plane import MediaPlane, PublisherState
from tests.fakes.rtc_peer import PublishingClient, WatchingClient, until


class Keeper:
    def __init__(self):
        self.frames, self.reason = [], None

    def push(self, frame):
        self.frames.append(frame)

    def ended(self, reason):
        self.reason = reason

    def of(self, kind):
        return [frame for frame in self.frames if frame.kind is kind]


class Bench:
    """A plane that notes its events, and whatever has to be closed."""

    def __init__(self, **settings):
        self.events = []
        config = Config.from_env({}, {"ice_addresses": "127.0.0.1", **settings})
        self.plane = MediaPlane(config, clock=monotonic_s, on_publisher=self.events.append)
        self.clients = []

    def states(self):
        return [event.state.value for event in self.events]

    async def publisher(self, participant_id="candidate", **options):
        client = PublishingClient(**options)
        self.clients.append(client)
        client.resource = await client.publish(self.plane, participant_id=participant_id)
        return client

    async def viewer(self, viewer_id="interviewer", source_id="candidate", **options):
        client = WatchingClient(**options)
        self.clients.append(client)
        client.resource = await client.watch(self.plane, source_id=source_id, viewer_id=viewer_id)
        return client

    async def live(self):
        await until(lambda: self.events and self.events[-1].state is PublisherState.LIVE)


@contextlib.asynccontextmanager
async def bench(**settings):
    it = Bench(**settings)
    try:
        yield it
    finally:
        await it.plane.close()
        for client in it.clients:
            await client.close()


def hashes(frames):
    return [hashlib.sha256(data).hexdigest() for data in frames]


def seen(track, codec):
    """Assemble what a viewer received, as its browser would."""
    seqs, stamps = Unwrapper(16), Unwrapper(32)
    assembler = AudioAssembler() if codec is Codec.OPUS else VideoAssembler(codec)
    frames = []
    for packet in track.packets:
        media = MediaPacket(
            kind=Kind.AUDIO if codec is Codec.OPUS else Kind.VIDEO,
            codec=codec,
            epoch=1,
            seq=seqs.unwrap(packet.sequence_number),
            timestamp=stamps.unwrap(packet.timestamp),
            marker=bool(packet.marker),
            payload=packet.payload,
            padding_size=0,
            audio_level=None,
            arrival_s=0.0,
            capture_s=0.0,
            starts_keyframe=starts_keyframe(codec, packet.payload),
        )
        frames += assembler.push(media)
    return frames


def is_run_of(part, whole):
    """Tell whether ``part`` appears in ``whole`` without a gap."""
    return any(whole[i : i + len(part)] == part for i in range(len(whole) - len(part) + 1))
