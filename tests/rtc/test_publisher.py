"""What a publisher who does not play by the rules can make the server do."""

from aiortc.rtp import RtpPacket

from server.config import Config
from server.media import Codec
from server.rtc.capture_clock import SenderClock
from server.rtc.context import Context
from server.rtc.counters import Counters
from server.rtc.incoming import IncomingTrack
from tests.fakes.rtc_time import ManualTime

KEYFRAME = bytes.fromhex("10000000009d012a40 01f000".replace(" ", ""))
"""The beginning of a VP8 key frame of 320x240 behind its payload descriptor (RFC 7741 section 4)."""
DELTA = b"\x10\x01\x00\x00"


async def test_leaps_in_the_sequence_numbers_cost_nothing_when_somebody_joins():
    time = ManualTime()
    track = IncomingTrack(
        codec=Codec.VP8,
        context=Context(Config(), time),
        counters=Counters(),
        sender_clock=SenderClock(),
        next_epoch=lambda: 1,
        on_packet=lambda packet: None,
        on_picture_lost=lambda: None,
        rtt_s=lambda: None,
    )
    track.on_rtp(RtpPacket(payload_type=97, sequence_number=1, ssrc=1, payload=KEYFRAME), is_retransmission=False)
    assert len(track.since_keyframe(1.0)) == 1
    for n in range(1, 50_000):
        leap = RtpPacket(payload_type=97, sequence_number=(1 + 30_000 * n) & 0xFFFF, ssrc=1, payload=DELTA)
        track.on_rtp(leap, is_retransmission=False)
    assert track.since_keyframe(1.0) == []
    track.stop()
