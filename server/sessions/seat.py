"""A participant's place in a room: connected or not, let in or not, sending media or not. Pure state."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from server.protocol import Role
from server.sessions.outbox import Outbox
from server.sessions.ratelimit import RateLimiter
from server.sessions.records import Participant

GRACE_S = 60.0
"""Somebody whose page comes back within this time never left."""


class Entry(StrEnum):
    """How far in a candidate is."""

    OUTSIDE = "absent"
    WAITING = "waiting"
    ADMITTED = "admitted"
    DECLINED = "declined"


class Presence(StrEnum):
    """What others are told about a participant."""

    ABSENT = "absent"
    WAITING = "waiting"
    PRESENT = "present"
    INTERRUPTED = "interrupted"


@dataclass(slots=True, kw_only=True, eq=False)
class Connection:
    """One page in a room. Its owner sends what ``outbox.get()`` returns until that is None, then closes."""

    participant_id: str
    room_id: str
    role: Role
    name: str
    limiter: RateLimiter
    """Of what the page may ask."""
    outbox: Outbox = field(default_factory=Outbox)
    held_back: list[dict[str, Any]] | None = None
    """Estimates that came while the page's history was being read; None otherwise."""


@dataclass(slots=True, kw_only=True, eq=False)
class Seat:
    """One participant of a room."""

    participant: Participant
    entry: Entry
    """Interviewers are always admitted."""
    connection: Connection | None = None
    lost_at_s: float | None = None
    """When the page went without leaving, monotonic; None while connected and once the person counts as gone."""
    media: str = "closed"
    """State of the participant's publication: connecting, live, interrupted or closed."""
    has_audio: bool = False
    has_video: bool = False
    devices: tuple[bool, bool] | None = None
    """Microphone and camera as the page says; None when it has said nothing."""
    login_id: str | None = None
    """An interviewer's login session by which they came last; None once they were sent away."""

    @property
    def is_publishing(self) -> bool:
        """True while media arrives."""
        return self.media == "live"

    @property
    def is_there(self) -> bool:
        """True until the person counts as gone."""
        return self.connection is not None or self.lost_at_s is not None or self.is_publishing

    @property
    def presence(self) -> Presence:
        """What others are told."""
        if not self.is_there or self.entry in (Entry.OUTSIDE, Entry.DECLINED):
            return Presence.ABSENT
        if self.connection is None and not self.is_publishing:
            return Presence.INTERRUPTED
        if self.entry is Entry.WAITING:
            return Presence.WAITING
        return Presence.INTERRUPTED if self.media == "interrupted" else Presence.PRESENT

    def is_overdue(self, now_s: float) -> bool:
        """Return whether the page stayed away longer than the grace."""
        return self.lost_at_s is not None and now_s - self.lost_at_s >= GRACE_S and not self.is_publishing

    def describe(self) -> dict[str, Any]:
        """Return the entry for ``state.participants``."""
        microphone, camera = self.devices or (self.has_audio, self.has_video)
        return {
            "id": self.participant.id,
            "role": self.participant.role,
            "name": self.participant.name,
            "presence": self.presence,
            "publishing": self.is_publishing,
            "microphone": microphone,
            "camera": camera,
        }


def new_seat(participant: Participant, *, now_s: float | None = None) -> Seat:
    """Return the seat of somebody who is not connected.

    Args:
        participant: a candidate who was let in, by a server that has restarted since, has the grace to come back.
        now_s: monotonic, to start that grace.
    """
    if participant.role is Role.INTERVIEWER:
        return Seat(participant=participant, entry=Entry.ADMITTED)
    is_in = participant.admitted_at is not None
    return Seat(
        participant=participant,
        entry=Entry.ADMITTED if is_in else Entry.OUTSIDE,
        lost_at_s=now_s if is_in else None,
    )
