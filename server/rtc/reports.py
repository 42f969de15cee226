"""How one connection does, gathered from its parts."""

from server.rtc.contract import ConnectionReport, Direction, ResourceOwner
from server.rtc.publisher import Publisher
from server.rtc.subscriber import Subscriber


def report_of(peer: Publisher | Subscriber, owner: ResourceOwner, source_id: str, now_s: float) -> ConnectionReport:
    """Return the report of a connection.

    Args:
        owner: who opened it.
        source_id: whose media it carries.
        now_s: monotonic.
    """
    connection = peer.connection
    up_at_s = peer.connected_at_s if connection.is_up else None
    is_publisher = isinstance(peer, Publisher)
    return ConnectionReport(
        room_id=owner.room_id,
        participant_id=owner.participant_id,
        direction=Direction.PUBLISH if is_publisher else Direction.WATCH,
        source_id=source_id,
        connected_s=None if up_at_s is None else now_s - up_at_s,
        silent_s=None if up_at_s is None else connection.silent_s,
        rtt_s=connection.rtt_s,
        route=connection.route(),
        asked_bits_per_s=peer.asked_bps if isinstance(peer, Publisher) else None,
        incoming=tuple(track.statistics() for track in peer.tracks.values()) if isinstance(peer, Publisher) else (),
        outgoing=tuple(track.statistics() for track in peer.tracks.values()) if isinstance(peer, Subscriber) else (),
    )
