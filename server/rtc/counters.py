"""What the media plane counts, per room."""

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counters:
    """Counters of one room since it was opened; every drop has its own."""

    packets_in: int = 0
    bytes_in: int = 0
    packets_repaired: int = 0
    """Packets that came by retransmission."""
    packets_asked_again: int = 0
    """Sequence numbers in NACKs we sent; one packet may be asked for several times."""
    packets_refused: int = 0
    """Packets of no negotiated codec or of a second stream."""
    packets_out: int = 0
    bytes_out: int = 0
    packets_sent_again: int = 0
    packets_not_found: int = 0
    """Packets a viewer asked for that we no longer or never had."""
    packets_not_sent_again: int = 0
    """Packets a viewer asked for again beyond what its connection carries."""
    nacks_over_rate: int = 0
    """Packets a viewer asked for again beyond what any honest one asks for."""
    packets_before_keyframe: int = 0
    """Video packets not forwarded because the viewer had no key frame to start with."""
    queue_overflows: int = 0
    """Times a viewer's queue was full and emptied."""
    packets_dropped: int = 0
    """Packets a slow viewer did not get because of that."""
    packets_withheld: int = 0
    """Video packets a viewer was not sent because its connection is too slow for them."""
    video_pauses: int = 0
    """Times a viewer's video was paused because not even the base layer fitted its connection."""
    packets_unsendable: int = 0
    """Packets whose connection was gone."""
    keyframes_asked: int = 0
    """Requests by viewers and consumers."""
    keyframe_requests_sent: int = 0
    """PLIs sent after throttling."""
    frames_out: int = 0
    """Whole frames handed to consumers, counted once per consumer."""
    frames_dropped: int = 0
    """Frames no consumer could get because packets were lost."""
    publications: int = 0
    interruptions: int = 0
    views: int = 0
    connections_failed: int = 0
    """Connections that never came up in time."""
    connections_lost: int = 0
    """Connections whose other end fell silent."""
    viewers_failed: int = 0
    """Viewers dropped because sending them a packet raised an error; a fault of ours."""
    datagrams_of_strangers: int = 0
    """Datagrams with data from another address than the peer's."""
    datagrams_malformed: int = 0
    """Empty or too large datagrams, such as are neither STUN nor DTLS nor SRTP, and DTLS with application data."""
    datagrams_over_rate: int = 0
    """Datagrams of the peer, of all kinds, of RTCP or of DTLS, beyond what any honest one sends."""
    datagrams_over_streams: int = 0
    """Datagrams of further streams (SSRCs) than a peer may have sent."""
    datagrams_over_queue: int = 0
    """Datagrams for which no place was left before DTLS."""
    stun_refused: int = 0
    """STUN that answers no question of ours and is no check by the peer."""
    stun_over_rate: int = 0
    """STUN checks beyond what is verified."""
    packets_malformed: int = 0
    """Authentic RTP and RTCP that could not be handled."""

    def add(self, other: "Counters") -> None:
        """Add another room's counters to these."""
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)

    def as_dict(self) -> dict[str, int]:
        """Return the counters by name."""
        return asdict(self)


DROPS = frozenset(
    {
        "datagrams_malformed",
        "datagrams_of_strangers",
        "datagrams_over_queue",
        "datagrams_over_rate",
        "datagrams_over_streams",
        "frames_dropped",
        "nacks_over_rate",
        "packets_before_keyframe",
        "packets_dropped",
        "packets_malformed",
        "packets_refused",
        "packets_unsendable",
        "packets_withheld",
        "stun_over_rate",
        "stun_refused",
    }
)
"""The counters of what was thrown away; metrics show them together, by reason."""
