"""What a connection can say about itself: the figures behind metrics, reports and the doctor."""

from dataclasses import dataclass

from server.media import Codec, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingStatistics:
    """One kind of media of a publisher, as it arrives. Counts are since the connection was opened."""

    kind: Kind
    codec: Codec
    packets: int
    bytes: int
    packets_lost: int
    """Packets that never came, retransmissions counted in."""
    packets_repaired: int
    """Packets that came by retransmission or, for sound, whose content a later packet carried (Opus FEC)."""
    nacks: int
    """Sequence numbers asked for again."""
    keyframe_requests: int
    """PLIs sent."""
    loss_share: float
    """Share of packets that did not come at the first sending, over about the last 5 s; [0, 1]."""
    jitter_s: float
    """Interarrival jitter (RFC 3550 section 6.4.1), seconds."""
    frozen_s: float
    """Time without a new whole picture beyond 0.3 s a piece, summed; 0 for sound."""
    buffered_packets: int
    """Packets that wait behind a missing one now."""
    bits_per_s: float
    """Over about the last second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingStatistics:
    """One kind of media on its way to one viewer. Counts are since the connection was opened."""

    kind: Kind
    codec: Codec
    packets: int
    bytes: int
    packets_sent_again: int
    packets_dropped: int
    """Left out because the viewer is slow."""
    loss_share: float | None
    """Of what was sent, lost on the way to the viewer: what it reports (RTCP fraction lost) less what never came from
    the publisher, [0, 1]; None before its first report."""
    jitter_s: float | None
    """What the viewer reports, seconds."""
    rtt_s: float | None
    """From the viewer's reports, seconds."""
    queued_packets: int
    bits_per_s: float
    """Over about the last second."""
    budget_bits_per_s: float | None
    """What the viewer's connection is believed to carry; None while nothing says it is limited."""
    layer: int | None
    """Highest VP8 temporal layer sent, None when all of the stream is."""
    is_paused: bool = False
    """The video is withheld because not even the base layer fits the viewer's connection."""
