"""Media packets for tests, made by the same packetisers that a real client uses."""

from dataclasses import replace
from fractions import Fraction

import av
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder

from server.media import Codec, Kind
from server.rtc.packets import MediaPacket, starts_keyframe


def packet(seq, *, codec=Codec.VP8, payload=b"\x10\x01delta", timestamp=None, marker=True, epoch=1, arrival_s=None):
    """One packet; without a timestamp of its own it is a picture or sound of its own."""
    timestamp = seq * 3000 if timestamp is None else timestamp
    return MediaPacket(
        kind=Kind.AUDIO if codec is Codec.OPUS else Kind.VIDEO,
        codec=codec,
        epoch=epoch,
        seq=seq,
        timestamp=timestamp,
        marker=marker,
        payload=payload,
        padding_size=0,
        audio_level=None,
        arrival_s=seq * 0.01 if arrival_s is None else arrival_s,
        capture_s=timestamp / (48_000 if codec is Codec.OPUS else 90_000),
        reported_s=timestamp / (48_000 if codec is Codec.OPUS else 90_000),
        starts_keyframe=starts_keyframe(codec, payload),
    )


KEY = b"\x10\x00key"
DELTA = b"\x10\x01delta"


def packetise(codec, frames, *, first_seq=1000, interval_s=1 / 30):
    """Return the RTP packets of encoded pictures as aiortc's own encoders cut them."""
    encoder = Vp8Encoder() if codec is Codec.VP8 else H264Encoder()
    packets = []
    seq = first_seq
    for n, data in enumerate(frames):
        encoded = av.Packet(data)
        encoded.pts = n * 3000
        encoded.time_base = Fraction(1, 90_000)
        payloads, timestamp = encoder.pack(encoded)
        for i, payload in enumerate(payloads):
            packets.append(
                packet(
                    seq,
                    codec=codec,
                    payload=payload,
                    timestamp=timestamp,
                    marker=i == len(payloads) - 1,
                    arrival_s=n * interval_s,
                )
            )
            seq += 1
    return packets


def at(item, arrival_s):
    """Return the same packet, arrived at another time."""
    return replace(item, arrival_s=arrival_s)
