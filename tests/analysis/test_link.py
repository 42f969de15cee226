import struct

import numpy as np
import pytest

from pipeline.session import new_session, step
from pipeline.types import EMOTIONS, AudioChunk, FaceSample, Reason, Tick
from server.analysis.link import MAX_BODY_BYTES, VERSION, LinkError, Unpacker, pack
from server.analysis.messages import (
    Close,
    EstimateMade,
    Failed,
    MarkGap,
    MarkQuestion,
    Media,
    Open,
    Ping,
    Pong,
    SessionStats,
    from_body,
    to_body,
)
from server.media import Codec, EncodedFrame, Kind

FRAME = EncodedFrame(
    kind=Kind.VIDEO,
    codec=Codec.H264,
    data=bytes(range(256)) * 40,
    rtp_timestamp=2**40 + 3,
    arrival_s=12.25,
    capture_s=12.2,
    is_keyframe=True,
)
MESSAGES = (
    Open(session_id="a", origin_s=3.5, analysis_fps=5, landmark_fps=30, state=None),
    Open(session_id="a", origin_s=3.5, analysis_fps=5.0, landmark_fps=30.0, state=b"\x00\xff"),
    Media(session_id="ä", frame=FRAME),
    MarkGap(session_id="a", from_s=0.0, to_s=1.5, stream="both"),
    MarkQuestion(session_id="a", t_s=4.25),
    Close(session_id="a"),
    Ping(number=7),
    Failed(session_id="a", error="ValueError"),
)


def _estimate_of_everything():
    """An estimate in which every optional field is filled."""
    state = new_session()
    tone = 0.1 * np.sin(2 * np.pi * 180 * np.arange(16_000) / 16_000).astype(np.float32)
    shares = np.full(len(EMOTIONS), 1 / len(EMOTIONS), np.float32)
    estimates = ()
    for second in range(12):
        state, _ = step(state, AudioChunk(t_s=float(second), samples=tone))
        state, _ = step(state, FaceSample(t_s=second + 0.9, emotions=shares, quality=0.8, reason=Reason.OK))
        state, estimates = step(state, Tick(t_s=second + 1.0))
    return estimates[0]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_survives_the_link(message):
    (body,) = Unpacker().feed(pack(to_body(message)))
    assert from_body(body) == message


def test_an_estimate_survives_the_link_to_the_last_bit():
    estimate = _estimate_of_everything()
    assert estimate.trajectory is not None
    assert estimate.contributions
    message = EstimateMade(session_id="a", estimate=estimate, newest_arrival_s=4.0, stats=SessionStats(decoded=3))
    (body,) = Unpacker().feed(pack(to_body(message)))
    assert from_body(body) == message


def test_messages_come_out_whole_however_the_bytes_arrive():
    stream = b"".join(pack(to_body(message)) for message in MESSAGES)
    for size in (1, 3, 7, 1000, len(stream)):
        unpacker = Unpacker()
        pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
        bodies = [body for piece in pieces for body in unpacker.feed(piece)]
        assert [from_body(body) for body in bodies] == list(MESSAGES)


def test_an_oversized_message_is_refused_by_its_header_alone():
    with pytest.raises(LinkError, match="allowed"):
        list(Unpacker().feed(struct.pack(">BI", VERSION, MAX_BODY_BYTES + 1)))


def test_an_oversized_message_is_not_sent():
    with pytest.raises(LinkError, match="allowed"):
        pack(["Open", bytes(MAX_BODY_BYTES)])


def test_another_version_is_refused():
    frame = bytearray(pack(to_body(Ping(number=1))))
    frame[0] = VERSION + 1
    with pytest.raises(LinkError, match="version"):
        list(Unpacker().feed(bytes(frame)))


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x93\x01", b"\x01", b"\x90", b"\x81\x01\x02"])
def test_a_body_that_is_no_message_is_refused(body):
    with pytest.raises(LinkError):
        list(Unpacker().feed(struct.pack(">BI", VERSION, len(body)) + body))


@pytest.mark.parametrize(
    "body",
    [
        ["Nonsense"],
        [3],
        [["Ping"]],
        ["Ping"],
        ["Ping", "1"],
        ["Ping", 1, 2],
        ["Close", None],
        ["MarkGap", "a", 0.0, 1.0, "smell"],
        ["MarkGap", "a", "0", 1.0, "both"],
        ["Media", "a", ["video", "VP9", b"", 0, 0.0, 0.0, True, False]],
        ["Media", "a", ["video"]],
        ["Media", "a", None],
        ["EstimateMade", "a", None, 0.0, []],
    ],
    ids=str,
)
def test_a_message_of_the_wrong_shape_is_refused(body):
    with pytest.raises(LinkError):
        from_body(body)


def test_numbers_that_are_whole_may_stand_for_floats():
    assert from_body(["Pong", 4]) == Pong(number=4)
    assert from_body(["MarkGap", "a", 0, 2, "audio"]).to_s == 2
