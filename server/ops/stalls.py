"""What blocked the event loop: a thread that looks at the loop's stack when its heartbeat is late.

Not asyncio's debug mode, which slows every callback and says only afterwards how long one took.
"""

import logging
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from server.ops.lag import PERIOD_S, LagMonitor

STALL_S = 0.1
"""A heartbeat that comes later than this is a stall."""
POLL_S = 0.025
SUSPECT_S = STALL_S - 2 * POLL_S
"""A heartbeat this late is looked at, so that a stall just over the limit has been seen twice by then."""
MAX_FRAMES = 12
"""Innermost calls in the log."""
LOG_PAUSE_S = 10.0
"""At most one line in this time; the next one says how many were left out."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sight:
    """What the loop was doing while a heartbeat was late."""

    beat_s: float
    """The heartbeat before."""
    late_s: float
    """How late the watching thread itself was."""
    calls: list[str]
    """Innermost first."""


class StallWatch:
    """Logs each stall of the event loop with the stack that was running.

    Start and stop it on the loop that ``lag`` measures.

    Args:
        lag: gives the heartbeats.
        clock: monotonic seconds.
    """

    def __init__(self, lag: LagMonitor, clock: Callable[[], float]) -> None:
        self.stalls = 0
        """Since start."""
        self.longest_s = 0.0
        self._lag = lag
        self._clock = clock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop_thread_id = 0
        self._seen: _Sight | None = None
        self._last_logged_s = float("-inf")
        self._n_silent = 0
        lag.on_lag = self._on_lag

    def start(self) -> None:
        """Watch the thread that calls this."""
        self._loop_thread_id = threading.get_ident()
        self._thread = threading.Thread(target=self._watch, name="stall-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        expected_s = self._clock() + POLL_S
        while not self._stop.wait(POLL_S):
            now_s = self._clock()
            beat_s = self._lag.beat_s
            is_seen = self._seen is not None and self._seen.beat_s == beat_s
            if beat_s is not None and now_s - beat_s - PERIOD_S > SUSPECT_S and not is_seen:
                calls = _calls(sys._current_frames().get(self._loop_thread_id))
                self._seen = _Sight(beat_s=beat_s, late_s=now_s - expected_s, calls=calls)
            expected_s = now_s + POLL_S

    def _on_lag(self, lag_s: float) -> None:
        """Judge a heartbeat that has come; on the event loop."""
        if lag_s <= STALL_S:
            return
        seen = self._seen if self._seen is not None and self._seen.beat_s == self._lag.beat_s else None
        self.stalls += 1
        self.longest_s = max(self.longest_s, lag_s)
        now_s = self._clock()
        if now_s - self._last_logged_s < LOG_PAUSE_S:
            self._n_silent += 1
            return
        _log.warning(
            "the event loop stood still for %.0f ms in: %s%s%s",
            1000 * lag_s,
            " < ".join(seen.calls) if seen else "(not seen)",
            # The watching thread was kept from running as well, and may have looked when it was over.
            "; the whole process had no time to run" if seen is None or seen.late_s > STALL_S / 2 else "",
            f"; {self._n_silent} more since the last line" if self._n_silent else "",
        )
        self._last_logged_s, self._n_silent = now_s, 0


def _calls(frame: FrameType | None) -> list[str]:
    """Return the innermost calls of a stack, innermost first: function, file, line; no values.

    Not by the traceback module: it reads source files, and stumbles over a stack that changes meanwhile.
    """
    calls: list[str] = []
    while frame is not None and len(calls) < MAX_FRAMES:
        code = frame.f_code
        calls.append(f"{code.co_name} ({code.co_filename.rpartition('/')[2]}:{frame.f_lineno or code.co_firstlineno})")
        frame = frame.f_back
    return calls
