"""What the media plane tells and gives to the rooms above it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from server.rtc.statistics import IncomingStatistics, OutgoingStatistics


class PublisherState(StrEnum):
    """How a participant's publication is doing."""

    CONNECTING = "connecting"
    """An offer was answered; no media yet."""
    LIVE = "live"
    """Media packets are arriving."""
    INTERRUPTED = "interrupted"
    """No packet for some seconds, or the connection broke; becomes live again when packets come."""
    CLOSED = "closed"
    """Ended on purpose: by the publisher, or through ``close_participant`` or ``close_room``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherEvent:
    """A participant's publication changed its state."""

    room_id: str
    participant_id: str
    state: PublisherState
    has_audio: bool
    has_video: bool
    video_codec: str | None
    """``VP8`` or ``H264``; None without video."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One WHIP or WHEP session as the client sees it."""

    id: str = field(repr=False)
    """Unguessable; whoever knows it and owns it may trickle and close."""
    answer_sdp: str = field(repr=False)
    etag: str
    """Names the ICE session, without quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceOwner:
    """Who opened a WHIP or WHEP session."""

    room_id: str
    participant_id: str
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneStats:
    """Counters since start and gauges of now, by name."""

    total: Mapping[str, int]
    rooms: Mapping[str, Mapping[str, int]]
    """The same names for each room that has someone in it."""


class Direction(StrEnum):
    """Which way a connection's media goes, as its participant sees it."""

    PUBLISH = "publish"
    WATCH = "watch"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionReport:
    """How one connection does now."""

    room_id: str
    participant_id: str
    direction: Direction
    source_id: str
    """Whose media it is: the participant's own when publishing, else that of the one who is watched."""
    connected_s: float | None
    """How long it has been up; None while it is not."""
    silent_s: float | None
    """Since anything was heard of the other end; None while it is not up."""
    rtt_s: float | None
    """Round trip of the connectivity checks, smoothed; None before the first."""
    route: str | None
    """Kind of the other end's address and transport, such as ``host/udp`` or ``relay/udp``."""
    asked_bits_per_s: float | None
    """Video bit rate asked of a publisher; None for a viewer and without video."""
    incoming: tuple[IncomingStatistics, ...] = ()
    """Of a publisher."""
    outgoing: tuple[OutgoingStatistics, ...] = ()
    """To a viewer."""
