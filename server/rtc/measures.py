"""How long things take in the media plane: histograms that never grow, for metrics and the bench."""

from server.histogram import Histogram

DWELL_BOUNDS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5)
WAIT_BOUNDS_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 15.0)
CLOSE_BOUNDS_S = (0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Measures:
    """The durations of one media plane since it was made."""

    __slots__ = ("closes", "dwells", "first_pictures", "frozen_s", "joins", "packets_lost")

    def __init__(self) -> None:
        self.dwells = Histogram(DWELL_BOUNDS_S)
        self.first_pictures = Histogram(WAIT_BOUNDS_S)
        self.joins = Histogram(WAIT_BOUNDS_S)
        self.closes = Histogram(CLOSE_BOUNDS_S)
        self.frozen_s = 0.0
        """Frozen video of publishers whose connections are closed, summed."""
        self.packets_lost = 0
        """Packets that never came on publishers' connections that are closed."""

    def dwell(self, duration_s: float) -> None:
        """A packet's way through the server: its arrival to its sending to one viewer."""
        self.dwells.add(duration_s)

    def first_picture(self, duration_s: float) -> None:
        """A viewer's wait: its offer to the sending of the first packet of a key frame."""
        self.first_pictures.add(duration_s)

    def joined(self, duration_s: float) -> None:
        """A connection's way up: its offer to connected."""
        self.joins.add(duration_s)

    def closed(self, duration_s: float) -> None:
        """How long closing a connection took."""
        self.closes.add(duration_s)

    def retire(self, *, frozen_s: float, packets_lost: int) -> None:
        """Keep the sums of a publisher's connection that is being closed, so that totals never fall."""
        self.frozen_s += frozen_s
        self.packets_lost += packets_lost
