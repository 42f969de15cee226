"""The media plane: who publishes, who watches, and the frame consumers beside them."""

from collections.abc import Callable

from server.config import Config
from server.media import Attachment, FrameConsumer
from server.rtc.contract import PlaneStats, PublisherEvent, Resource, ResourceOwner

__all__ = ["MediaPlane", "PlaneStats", "PublisherEvent", "Resource", "ResourceOwner"]


class MediaPlane:
    """Receives media by WHIP, forwards it by WHEP, hands encoded frames to consumers; never decodes."""

    def __init__(
        self, config: Config, *, clock: Callable[[], float], on_publisher: Callable[[PublisherEvent], None]
    ) -> None:
        self._config = config
        self._clock = clock
        self._on_publisher = on_publisher

    async def publish(self, room_id: str, participant_id: str, offer_sdp: str) -> Resource:
        """Answer a WHIP offer; replaces an earlier connection of the same participant."""
        raise NotImplementedError

    async def watch(self, room_id: str, source_id: str, viewer_id: str, offer_sdp: str) -> Resource:
        """Answer a WHEP offer of a viewer who wants to watch ``source_id``."""
        raise NotImplementedError

    async def trickle(self, resource_id: str, sdpfrag: str) -> None:
        """Add the candidates of an ``application/trickle-ice-sdpfrag`` body."""
        raise NotImplementedError

    async def close_resource(self, resource_id: str) -> None:
        """Close one WHIP or WHEP session; NotFound if unknown."""
        raise NotImplementedError

    def owner(self, resource_id: str) -> ResourceOwner:
        """Return who opened the resource; NotFound if unknown."""
        raise NotImplementedError

    def publication(self, room_id: str, participant_id: str) -> PublisherEvent | None:
        """Return the present state of a participant's publication, None if there is none."""
        raise NotImplementedError

    def attach(self, room_id: str, participant_id: str, consumer: FrameConsumer) -> Attachment:
        """Hand a participant's encoded frames to a consumer; before, during or between publications."""
        raise NotImplementedError

    async def close_participant(self, room_id: str, participant_id: str) -> None:
        """End what the participant publishes and watches, for good; consumers are told."""
        raise NotImplementedError

    async def close_room(self, room_id: str) -> None:
        """End everything in a room, for good."""
        raise NotImplementedError

    async def close(self) -> None:
        """End everything; no task or socket is left."""
        raise NotImplementedError

    def stats(self) -> PlaneStats:
        """Return counters by name, in total and per room."""
        raise NotImplementedError
