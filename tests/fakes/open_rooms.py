"""Rooms that let everybody in, for tests of what lies behind the door."""


class OpenRooms:
    """Answers yes to every question that WHIP and WHEP ask of the live rooms."""

    async def authorise_publish(self, principal): ...

    async def authorise_watch(self, principal, source_id): ...
