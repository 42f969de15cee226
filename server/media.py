"""The one currency of the media plane: encoded frames with timestamps, and who may consume them."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """What a frame carries."""

    AUDIO = "audio"
    VIDEO = "video"


class Codec(StrEnum):
    """Codecs that are forwarded, recorded and analysed."""

    OPUS = "opus"
    VP8 = "VP8"
    H264 = "H264"


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedFrame:
    """One encoded picture or one Opus packet, exactly as the sender made it."""

    kind: Kind
    codec: Codec
    data: bytes
    """VP8 frame, H.264 Annex-B access unit, or Opus packet."""
    rtp_timestamp: int
    """Unwrapped to 64 bits; 90 kHz for video, 48 kHz for audio. Monotonic within one connection only."""
    arrival_s: float
    """Server's monotonic clock when the frame's last packet arrived."""
    capture_s: float
    """Best known capture time on the same clock (see docs/design.md, Time)."""
    is_keyframe: bool
    """True for every audio frame."""
    follows_gap: bool = False
    """True when frames before this one were lost or a new connection began."""


class FrameConsumer(Protocol):
    """Anything that watches a participant: analysis, taps, recorder.

    Called on the event loop for every frame. Must return at once and never raise; slow consumers keep a bounded
    queue of their own, drop by a stated policy and count what they drop.
    """

    def push(self, frame: EncodedFrame) -> None:
        """Take one frame."""

    def ended(self, reason: str) -> None:
        """The participant's media is over for good (not merely interrupted)."""


class Attachment(Protocol):
    """A consumer's hold on a participant's media."""

    request_keyframe: Callable[[], None]
    """Ask the sender for a key frame (throttled over all who ask)."""

    def detach(self) -> None:
        """Stop receiving frames; safe to call twice."""
