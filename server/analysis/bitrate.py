"""The bit rate of a stream of encoded frames."""

from collections import deque

WINDOW_S = 3.0
MIN_S = 1.0
"""Over less than this one key frame would be most of it."""


class BitRate:
    """Mean over the last seconds, by capture time."""

    def __init__(self) -> None:
        self._frames: deque[tuple[float, int]] = deque()
        self._n_bytes = 0

    def add(self, t_s: float, n_bytes: int) -> None:
        """Take a frame; time that goes back begins anew."""
        if self._frames and t_s < self._frames[-1][0]:
            self._frames.clear()
            self._n_bytes = 0
        self._frames.append((t_s, n_bytes))
        self._n_bytes += n_bytes
        while t_s - self._frames[0][0] > WINDOW_S:
            self._n_bytes -= self._frames.popleft()[1]

    def kbps(self) -> float | None:
        """Return the rate in kbit/s; None while less than MIN_S has been seen."""
        if not self._frames:
            return None
        span_s = self._frames[-1][0] - self._frames[0][0]
        # The newest frame begins what has not been seen yet.
        return (self._n_bytes - self._frames[-1][1]) * 8 / 1000 / span_s if span_s >= MIN_S else None
