"""What every room works with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from server.config import Config
from server.db.engine import Database
from server.sessions.consent import Consents
from server.sessions.ports import AnalysisPort, MediaPort
from server.sessions.recorder import EstimateRecorder
from server.sessions.tasks import TaskSet


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomServices:
    """Handed to each room by ``LiveRooms``."""

    database: Database
    config: Config
    consents: Consents
    media: MediaPort
    analysis: AnalysisPort
    recorder: EstimateRecorder
    model_version: str
    clock: Callable[[], float]
    """Monotonic, seconds."""
    now: Callable[[], datetime]
    """Wall clock, UTC."""
    tasks: TaskSet
    """Owns work that outlives a call and belongs to no room."""
    draining_until: Callable[[], datetime | None]
    """When the server stops, if it only waits for running interviews to end; None in normal times."""
    n_live: Callable[[], int]
    """Interviews that are live with their candidate in them."""
    n_analysed: Callable[[], int]
    """Interviews whose analysis runs or starts."""
