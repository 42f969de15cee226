"""The bounded queue between the media plane and one tap."""

import asyncio
from collections import deque
from collections.abc import Callable

from server.media import EncodedFrame

MAX_FRAMES = 600
"""About eight seconds of 25 pictures and 50 sound packets a second."""

MAX_BYTES = 4 * 1024 * 1024


class FrameQueue:
    """A ``FrameConsumer`` that a tap reads at its own pace.

    Policy: a tap that falls behind by more than the bounds is closed, not thinned, for a recording with silent holes
    would be worse than one that ends. The frames lost that way are counted.
    """

    def __init__(
        self,
        *,
        on_overflow: Callable[[], None] | None = None,
        max_frames: int = MAX_FRAMES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._frames: deque[EncodedFrame] = deque()
        self._bytes = 0
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._on_overflow = on_overflow
        self._wake = asyncio.Event()
        self.dropped = 0
        """Frames that never reached the tap because it did not read."""
        self.overflowed = False
        self.closed = False

    def push(self, frame: EncodedFrame) -> None:
        """Take one frame; the first that does not fit closes the queue."""
        if self.closed:
            return
        if len(self._frames) >= self._max_frames or self._bytes + len(frame.data) > self._max_bytes:
            self.dropped += len(self._frames) + 1
            self.overflowed = True
            self._frames.clear()
            self._bytes = 0
            self.close()
            if self._on_overflow is not None:
                self._on_overflow()
            return
        self._frames.append(frame)
        self._bytes += len(frame.data)
        self._wake.set()

    def ended(self, reason: str) -> None:
        """Let the tap read what is queued, then end."""
        self.close()

    def close(self) -> None:
        """Take no more frames; safe to call twice."""
        self.closed = True
        self._wake.set()

    async def take(self, timeout_s: float | None = None) -> list[EncodedFrame] | None:
        """Return all queued frames, waiting for the first; None at the end.

        Args:
            timeout_s: return an empty list when nothing came for so long; None waits for ever.
        """
        if not self._frames and not self.closed:
            self._wake.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._wake.wait()
            except TimeoutError:
                return []
        if not self._frames:
            return None if self.closed else []
        frames = list(self._frames)
        self._frames.clear()
        self._bytes = 0
        return frames
