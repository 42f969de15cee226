"""When a picture or sound was captured, on the server's monotonic clock, in seconds.

Two answers. ``capture_s`` is the best guess of the moment, from the first packet on; the guess gets better with every
report, so that it may jump. ``reported_s`` is for the sender reports we write: it has a constant distance from the
sender's own clock, the same for sound and picture, so that however unevenly the two come in, what a viewer's browser
makes of our reports is what it would make of the sender's.
"""

from collections import deque

NTP_FRACTION = 1 << 32
WINDOW_S = 5.0
MAX_SKEW_S = 10.0
"""A capture time further than this from the arrival means the report is useless (a sender that slept, say)."""
STALE_S = 15.0
"""A report older than this is not extrapolated from; three of the 5 s between Chromium's reports about sound."""
NO_REPORTS_S = 10.0
"""A sender that has not reported in this time never will: its sound and picture are dated by arrival."""
SLEW = 0.0005
"""Seconds per second by which the distance to the sender's clock follows the best guess of it: between the reports we
send about sound and those about the picture it moves by less than 1 ms."""


class SenderClock:
    """Maps the sender's NTP clock to ours; shared by its audio and video, so that the two stay in step.

    The smallest difference of arrival and report time over the last reports is the one least delayed on the way.
    The one-way delay of that fastest report remains in the result: it cannot be known from here.
    """

    def __init__(self) -> None:
        self._differences: deque[float] = deque(maxlen=64)
        self._steady_s: float | None = None
        self._moved_s = 0.0

    def report(self, ntp_s: float, arrival_s: float) -> None:
        """Take note of a sender report."""
        difference_s = arrival_s - ntp_s
        self._differences.append(difference_s)
        if self._steady_s is None or abs(difference_s - self._steady_s) > MAX_SKEW_S:
            self._steady_s, self._moved_s = difference_s, arrival_s  # the first, or the sender's clock was set
        most_s = SLEW * max(0.0, arrival_s - self._moved_s)
        self._moved_s = max(self._moved_s, arrival_s)
        self._steady_s += min(max(min(self._differences) - self._steady_s, -most_s), most_s)

    @property
    def steady_offset_s(self) -> float | None:
        """Server time minus sender time, as it was first seen, moving by ``SLEW`` at most; None before a report."""
        return self._steady_s

    @property
    def offset_s(self) -> float | None:
        """Server time minus sender time, None before the first report."""
        return min(self._differences, default=None)


class _WindowedMinimum:
    """The smallest value of the last ``WINDOW_S`` to twice that."""

    def __init__(self) -> None:
        self._current = float("inf")
        self._previous = float("inf")
        self._began_s = float("-inf")

    def add(self, value: float, now_s: float) -> float:
        if now_s - self._began_s > WINDOW_S:
            self._previous, self._current, self._began_s = self._current, value, now_s
        self._current = min(self._current, value)
        return min(self._current, self._previous)


class CaptureClock:
    """Capture times of one stream.

    Args:
        clock_rate_hz: of its RTP timestamps.
        sender: clock of the connection the stream belongs to.
    """

    def __init__(self, clock_rate_hz: int, sender: SenderClock) -> None:
        self._rate_hz = clock_rate_hz
        self._sender = sender
        self._fastest = _WindowedMinimum()
        self._reference: tuple[int, float] | None = None
        self._heard_s = 0.0
        self._began_s: float | None = None

    def report(self, timestamp: int, ntp_timestamp: int, arrival_s: float) -> None:
        """Take note of a sender report (RFC 3550 section 6.4.1).

        Args:
            timestamp: its RTP timestamp, unwrapped as the packets' are.
            ntp_timestamp: 64 bits, seconds since 1900 and fraction; 0 when the sender has none.
            arrival_s: server's monotonic clock.
        """
        if ntp_timestamp == 0:
            return
        ntp_s = ntp_timestamp / NTP_FRACTION
        self._reference, self._heard_s = (timestamp, ntp_s), arrival_s
        self._sender.report(ntp_s, arrival_s)

    def capture_s(self, timestamp: int, arrival_s: float) -> float:
        """Return when the sample with this unwrapped RTP timestamp was captured; never later than its arrival."""
        media_s = timestamp / self._rate_hz
        by_arrival_s = min(media_s + self._fastest.add(arrival_s - media_s, arrival_s), arrival_s)
        offset_s = self._sender.offset_s
        if self._reference is None or offset_s is None:
            return by_arrival_s
        reference, ntp_s = self._reference
        by_report_s = ntp_s + (timestamp - reference) / self._rate_hz + offset_s
        if abs(by_report_s - arrival_s) > MAX_SKEW_S:
            return by_arrival_s
        return min(by_report_s, arrival_s)

    def reported_s(self, timestamp: int, arrival_s: float) -> float | None:
        """Return the capture time at a constant distance from the sender's clock; None while that is not known."""
        if self._began_s is None:
            self._began_s = arrival_s
        offset_s = self._sender.steady_offset_s
        if self._reference is None or offset_s is None:
            return self.capture_s(timestamp, arrival_s) if arrival_s - self._began_s > NO_REPORTS_S else None
        if arrival_s - self._heard_s > STALE_S:
            return None
        reference, ntp_s = self._reference
        return ntp_s + (timestamp - reference) / self._rate_hz + offset_s
