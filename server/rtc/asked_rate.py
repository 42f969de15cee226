"""The bit rate we ask of a sender, from aiortc's estimate of congestion and what the viewers can take."""

GROWTH_PER_S = 1.08
"""As in Google congestion control (draft-ietf-rmcat-gcc-02 section 5.5), away from a known limit."""
LEAST_BPS = 150_000


class AskedRate:
    """Starts with what we want, follows the estimate down on congestion, grows back.

    The estimate alone would not do: while nothing moves in the picture little is sent, and half as much again as
    that is all it allows; a candidate who starts to gesture would look bad for many seconds.

    Args:
        wanted_bps: never ask for more.
    """

    def __init__(self, wanted_bps: int) -> None:
        self._wanted_bps = wanted_bps
        self._asked_bps = float(wanted_bps)
        self._estimate_bps: int | None = None
        self._updated_ms: int | None = None
        self.limit_bps: int | None = None
        """What the viewers' connections carry; None if they do not limit it."""

    @property
    def asked_bps(self) -> int:
        """What to ask for now."""
        own_bps = round(self._asked_bps)
        return own_bps if self.limit_bps is None else max(min(own_bps, self.limit_bps), LEAST_BPS)

    def update(self, estimate_bps: int, now_ms: int, *, saw_congestion: bool) -> int:
        """Return what to ask for now.

        Args:
            estimate_bps: aiortc's estimate.
            now_ms: when it was made.
            saw_congestion: the estimate has been lowered by congestion at some time, not only by what was sent.
        """
        is_lower = self._estimate_bps is None or estimate_bps < self._estimate_bps
        if saw_congestion and is_lower:
            self._asked_bps = float(max(estimate_bps, LEAST_BPS))
        elif self._updated_ms is not None:
            self._asked_bps *= GROWTH_PER_S ** ((now_ms - self._updated_ms) / 1000)
        self._asked_bps = min(self._asked_bps, float(self._wanted_bps))
        self._estimate_bps, self._updated_ms = estimate_bps, now_ms
        return self.asked_bps
