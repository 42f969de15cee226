"""When a silent peer counts as interrupted and when as lost."""

INTERRUPTED_AFTER_S = 4.0
"""A peer asked every two seconds has been asked three times by then."""
LOST_AFTER_S = 12.0
MAX_STEP_S = 0.5
"""What a stall of the event loop counts: it proves nothing about the peer."""


class Silence:
    """How long nothing has come from a peer, counting only time in which we could have heard it."""

    def __init__(self) -> None:
        self.silent_s = 0.0
        self._heard_s: float | None = None

    def tick(self, heard_s: float, step_s: float) -> float:
        """Let some time pass.

        Args:
            heard_s: when something was heard last, on any clock.
            step_s: time since the tick before; of a stall only ``MAX_STEP_S`` counts.

        Returns:
            Seconds of silence.
        """
        self.silent_s = self.silent_s + min(step_s, MAX_STEP_S) if heard_s == self._heard_s else 0.0
        self._heard_s = heard_s
        return self.silent_s
