"""Researchers' streams of a room: attached only under consent, ended when it ends."""

import asyncio
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from server.media import Attachment, FrameConsumer

MAX_WAITING_ESTIMATES = 120
"""Two minutes; a reader that is slower loses the oldest."""


class TapEnd(StrEnum):
    """Why a researcher's stream was ended from our side."""

    OVER = "the interview is over"
    WITHDRAWN = "the consent for research use was withdrawn"
    REVOKED = "the tap token was revoked"
    SHUTDOWN = "the server is shutting down"


class EstimateSubscription:
    """The estimates of an interview as they come, in the form of protocol.estimate_message.

    Iterate with ``async for``; it ends when the consent, the token or the interview does. ``close`` when done.
    """

    def __init__(self, max_waiting: int = MAX_WAITING_ESTIMATES) -> None:
        self.dropped = 0
        """Estimates thrown away because the reader was slow."""
        self.end_reason: str | None = None
        """None while it runs; empty after ``close``."""
        self._waiting: deque[dict[str, Any]] = deque()
        self._max_waiting = max_waiting
        self._news = asyncio.Event()

    def push(self, message: dict[str, Any]) -> None:
        """Add an estimate; the oldest one is dropped when too many wait. Ignored once ended."""
        if self.end_reason is not None:
            return
        if len(self._waiting) >= self._max_waiting:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(message)
        self._news.set()

    def end(self, reason: str) -> None:
        """Let nothing more through, not even what waits; the iteration ends. Safe to call twice."""
        if self.end_reason is None:
            self.end_reason = reason
            self._waiting.clear()
            self._news.set()

    def close(self) -> None:
        """Stop reading; safe to call twice."""
        self.end("")

    def __aiter__(self) -> "EstimateSubscription":
        return self

    async def __anext__(self) -> dict[str, Any]:
        while not self._waiting:
            if self.end_reason is not None:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()


class TapAttachment:
    """A researcher's hold on the candidate's media (server.media.Attachment)."""

    def __init__(self, consumer: FrameConsumer, inner: Attachment, forget: Callable[["TapAttachment"], None]) -> None:
        self.request_keyframe: Callable[[], None] = inner.request_keyframe
        self._consumer = consumer
        self._inner = inner
        self._forget = forget
        self._is_over = False

    def detach(self) -> None:
        """Stop receiving frames; safe to call twice."""
        if not self._is_over:
            self._is_over = True
            self._inner.detach()
            self._forget(self)

    def end(self, reason: str) -> None:
        """Detach, and tell the consumer why."""
        if not self._is_over:
            self.detach()
            self._consumer.ended(reason)


class RoomTaps:
    """The researchers' streams of one room."""

    def __init__(self) -> None:
        self._attachments: dict[TapAttachment, str] = {}
        self._subscriptions: dict[EstimateSubscription, str] = {}

    def __len__(self) -> int:
        self._forget_closed()
        return len(self._attachments) + len(self._subscriptions)

    def attach(self, tap_id: str, consumer: FrameConsumer, inner: Attachment) -> Attachment:
        """Keep a consumer that was attached to the media."""
        attachment = TapAttachment(consumer, inner, self._forget)
        self._attachments[attachment] = tap_id
        return attachment

    def subscribe(self, tap_id: str) -> EstimateSubscription:
        """Open a stream of estimates."""
        self._forget_closed()
        subscription = EstimateSubscription()
        self._subscriptions[subscription] = tap_id
        return subscription

    def push(self, message: dict[str, Any]) -> None:
        """Give an estimate to every subscription."""
        for subscription in self._subscriptions:
            subscription.push(message)

    def end(self, reason: str, *, tap_id: str | None = None) -> None:
        """End every stream, or those of one token."""
        for attachment, owner in list(self._attachments.items()):
            if tap_id in (None, owner):
                attachment.end(reason)
        for subscription, owner in list(self._subscriptions.items()):
            if tap_id in (None, owner):
                subscription.end(reason)
        self._forget_closed()

    def _forget(self, attachment: TapAttachment) -> None:
        self._attachments.pop(attachment, None)

    def _forget_closed(self) -> None:
        self._subscriptions = {item: tap for item, tap in self._subscriptions.items() if item.end_reason is None}
