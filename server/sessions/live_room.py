"""One running interview."""

from dataclasses import dataclass, field

from server.protocol import Role
from server.sessions.outbox import Outbox


@dataclass(slots=True, kw_only=True, eq=False)
class Connection:
    """One page in a room. Its owner sends what ``outbox.get()`` returns until that is None, then closes."""

    participant_id: str
    room_id: str
    role: Role
    name: str
    outbox: Outbox = field(default_factory=Outbox)
