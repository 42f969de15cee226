"""The bounded queue between the media plane and one tap."""

import asyncio
from collections import deque
from collections.abc import Callable

from server.media import EncodedFrame, Kind

MAX_FRAMES = 600
"""About eight seconds of 25 pictures and 50 sound packets a second."""

MAX_BYTES = 4 * 1024 * 1024


STALLED = "the tap did not read fast enough"


class FrameQueue:
    """A ``FrameConsumer`` that a tap reads at its own pace.

    Policy: a tap that falls behind by more than the bounds is ended, not thinned, for a recording with silent holes
    would be worse than one that stops. The frames lost that way are counted.

    Args:
        only: take this kind of media alone.
        on_end: called once when no more frames will come, whatever the reason.
        max_frames: how many frames may wait.
        max_bytes: how many bytes they may have together.
    """

    def __init__(
        self,
        *,
        only: Kind | None = None,
        on_end: Callable[[], None] | None = None,
        max_frames: int = MAX_FRAMES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._frames: deque[EncodedFrame] = deque()
        self._n_bytes = 0
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._only = only
        self._on_end = on_end
        self._wake = asyncio.Event()
        self.dropped = 0
        """Frames that never reached the tap because it did not read."""
        self.end_reason: str | None = None
        """None while it runs."""

    def push(self, frame: EncodedFrame) -> None:
        """Take one frame; the first that does not fit ends the queue. Ignored once ended."""
        if self.end_reason is not None or self._only not in (None, frame.kind):
            return
        if len(self._frames) >= self._max_frames or self._n_bytes + len(frame.data) > self._max_bytes:
            self.dropped += len(self._frames) + 1
            self.ended(STALLED)
            return
        self._frames.append(frame)
        self._n_bytes += len(frame.data)
        self._wake.set()

    def ended(self, reason: str) -> None:
        """Let nothing more through, not even what waits: the right to it may have ended. Harmless twice."""
        if self.end_reason is not None:
            return
        self.end_reason = reason
        self._frames.clear()
        self._wake.set()
        if self._on_end is not None:
            self._on_end()

    async def take(self, timeout_s: float | None = None) -> list[EncodedFrame] | None:
        """Return all queued frames, waiting for the first; None at the end.

        Args:
            timeout_s: return an empty list when nothing came for so long; None waits for ever.
        """
        if not self._frames and self.end_reason is None:
            self._wake.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._wake.wait()
            except TimeoutError:
                return []
        if not self._frames:
            return None if self.end_reason is not None else []
        frames = list(self._frames)
        self._frames.clear()
        self._n_bytes = 0
        return frames
