"""Media from a peer that is authenticated and means harm: RTP, RTCP, payloads, sound."""

import contextlib
import dataclasses
import itertools

import pytest

from server.analysis.decode import MAX_SIDE_PX, AudioDecoder, DecodeError, VideoDecoder
from server.media import Codec, EncodedFrame, Kind
from server.rtc.frames import AudioAssembler, VideoAssembler
from server.rtc.packets import starts_keyframe
from server.rtc.vp8 import parse_descriptor, renumbered
from server.taps.bitstream import BitstreamError, h264_format, split_annexb, vp8_format
from server.taps.matroska import MatroskaWriter, StreamChangedError
from server.taps.pcm import SoundDecoder
from tests.fakes.plane_bench import Keeper, bench
from tests.fakes.rtc_packets import packet
from tests.fakes.rtc_peer import until
from tests.fuzz.harness import Loop, fuzz

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def live_rooms(*, consumer):
    """A call with one viewer, and one consumer of frames; yields the loop, the bench and both connections' DTLS."""
    with Loop() as loop:
        rooms = bench()

        async def open_it():
            it = await rooms.__aenter__()
            it.plane.attach("room", "candidate", consumer)
            await it.publisher()
            await it.live()
            viewer = await it.viewer()
            await until(lambda: viewer.video.packets)
            peers = [entry.peer for entry in it.plane._resources.values()]
            return it, [peer.connection.peer.getTransceivers()[0].receiver.transport for peer in peers]

        it, (publisher, viewer) = loop.run(open_it())
        yield loop, it, publisher, viewer
        assert it.plane.stats().total["packets_malformed"] == 0
        loop.run(rooms.__aexit__(None, None, None))


def bounded(plane):
    """What a peer can make us keep stays small."""
    for source in plane._sources.values():
        assert len(source.publisher.tracks) <= 2
    assert len(plane._context._tasks) < 200
    assert plane.stats().total["queued_packets"] < 2000


def test_rtp_through_the_whole_plane():
    consumer = Keeper()
    with live_rooms(consumer=consumer) as (loop, it, publisher, _):
        receivers = set(publisher._rtp_router.receivers)
        types = {"video": None, "audio": None}
        for payload_type, of_type in publisher._rtp_router.payload_type_table.items():
            (receiver,) = of_type & receivers
            kind = receiver.track.kind
            types[kind] = types[kind] or payload_type
        numbers = itertools.count()

        async def arrive(data):
            # Whatever its type was, it is one that was negotiated: else nothing is read at all.
            for payload_type in (*types.values(), types["video"] + 1):
                changed = bytearray(data)
                if len(changed) > 1:
                    changed[1] = changed[1] & 0x80 | payload_type
                await publisher._handle_rtp_data(bytes(changed), arrival_time_ms=1000 + 5 * next(numbers))
            consumer.frames.clear()

        n_before = it.plane.stats().total["packets_in"]
        fuzz("rtp", lambda data: loop.run(arrive(data)), n=150)
        assert it.plane.stats().total["packets_in"] > n_before + 150
        bounded(it.plane)


def test_rtcp_of_a_publisher_and_of_a_viewer():
    with live_rooms(consumer=Keeper()) as (loop, it, publisher, viewer):
        ssrcs = [sender._ssrc.to_bytes(4, "big") for sender in viewer._rtp_router.senders.values()]
        streams = [ssrc.to_bytes(4, "big") for ssrc in publisher._rtp_router.ssrc_table]

        async def arrive(data):
            await publisher._handle_rtcp_data(data)
            await viewer._handle_rtcp_data(data)
            for ssrc in (*ssrcs, *streams):  # those that exist go deeper
                known = data.replace(b"\x00\x00\x00\x07", ssrc)
                await publisher._handle_rtcp_data(known)
                await viewer._handle_rtcp_data(known)

        fuzz("rtcp", lambda data: loop.run(arrive(data)), n=300)
        bounded(it.plane)


@pytest.mark.parametrize(("name", "codec"), [("vp8", Codec.VP8), ("h264", Codec.H264), ("opus", Codec.OPUS)])
def test_payloads(name, codec):
    """Descriptors are read, and frames are put together from parts that do not fit together."""

    def target(data):
        starts_keyframe(codec, data)
        parse_descriptor(data)
        assert len(renumbered(data, picture_shift=300, base_shift=300)) == len(data)
        assembler = AudioAssembler() if codec is Codec.OPUS else VideoAssembler(codec)
        cut = len(data) // 2
        parts = [data, data[:cut], data[cut:], data[: cut // 2], b"", data]
        for seq, part in enumerate(parts):
            for frame in assembler.push(
                packet(seq, codec=codec, payload=part, timestamp=seq // 3, marker=seq % 3 == 2)
            ):
                assert len(frame.data) <= 3 * len(data) + 64
        assembler.expire(1e9)

    fuzz(name, target, n=500)


def frame(data, codec):
    return EncodedFrame(
        kind=Kind.AUDIO if codec is Codec.OPUS else Kind.VIDEO,
        codec=codec,
        data=data,
        rtp_timestamp=0,
        arrival_s=1.0,
        capture_s=1.0,
        is_keyframe=True,
    )


@pytest.mark.parametrize(("name", "codec"), [("h264_unit", Codec.H264), ("vp8", Codec.VP8)])
def test_pictures_that_a_tap_describes(name, codec):
    def target(data):
        with contextlib.suppress(BitstreamError):
            h264_format(data) if codec is Codec.H264 else vp8_format(data)
        split_annexb(data)
        with contextlib.suppress(StreamChangedError):
            MatroskaWriter().write(frame(data, codec))

    fuzz(name, target, n=400)


def test_sound_that_a_tap_decodes():
    def target(data):
        decoder = SoundDecoder()
        for _ in range(2):
            for block in decoder.decode(frame(data, Codec.OPUS)):
                assert len(block.samples) < 20_000

    fuzz("opus", target, n=150)


@pytest.mark.parametrize(("name", "codec"), [("h264_unit", Codec.H264), ("vp8_frame", Codec.VP8)])
def test_pictures_that_the_analysis_decodes(name, codec):
    def target(data):
        decoder = VideoDecoder(codec)
        for _ in range(2):
            with contextlib.suppress(DecodeError):
                picture = decoder.decode(frame(data, codec), wants_picture=True)
                assert picture is None or max(picture.shape) <= MAX_SIDE_PX

    fuzz(name, target, n=80)


def test_sound_that_the_analysis_decodes():
    """Lost packets lie between, so that what a packet carries of the one before it (FEC) is read too."""

    def target(data):
        decoder = AudioDecoder(0.0)
        for n, payload in enumerate((data, data[::-1], data, data)):
            item = dataclasses.replace(
                frame(payload, Codec.OPUS),
                rtp_timestamp=1920 * n,
                arrival_s=1 + 0.04 * n,
                capture_s=1 + 0.04 * n,
                follows_gap=n > 0,
            )
            with contextlib.suppress(DecodeError):
                for chunk in decoder.decode(item):
                    assert len(chunk.samples) <= 16_000

    fuzz("opus", target, n=150)
