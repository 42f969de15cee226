"""Hands a participant's encoded frames to the consumers beside the viewers: analysis, taps, recorders."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from server.media import Attachment, EncodedFrame, FrameConsumer, Kind
from server.rtc.counters import Counters
from server.rtc.frames import Assembler, VideoAssembler, new_assembler
from server.rtc.packets import MediaPacket
from server.rtc.timers import Alarm, CallLater

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Assembly:
    """How frames of one kind are put together now."""

    epoch: int
    assembler: Assembler
    alarm: Alarm
    n_counted: int = 0


@dataclass(slots=True, eq=False)
class _Consumer:
    """One consumer and what it still has to be given first."""

    consumer: FrameConsumer
    waiting: set[Kind] = field(default_factory=lambda: set(Kind))
    """Kinds of which it has had nothing yet; its first video frame must be a key frame."""


class _Attachment:
    """What an attached consumer holds."""

    def __init__(self, *, detach: Callable[[], None], request_keyframe: Callable[[], None]) -> None:
        self.detach = detach
        self.request_keyframe = request_keyframe


class FrameFeed:
    """Assembles frames while at least one consumer is attached, for all of them together.

    Args:
        request_keyframe: asks the publisher, throttled.
        video_patience_s: returns how long a missing video packet may be mended.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        call_later: CallLater,
        request_keyframe: Callable[[], None],
        video_patience_s: Callable[[], float],
        counters: Counters,
    ) -> None:
        self._video_patience_s = video_patience_s
        self._clock = clock
        self._call_later = call_later
        self._request_keyframe = request_keyframe
        self._counters = counters
        self._consumers: list[_Consumer] = []
        self._assemblies: dict[Kind, _Assembly] = {}

    def __len__(self) -> int:
        return len(self._consumers)

    @property
    def wants_keyframe(self) -> bool:
        """No further picture can be handed out without a key frame."""
        if any(Kind.VIDEO in entry.waiting for entry in self._consumers):
            return True
        assembly = self._assemblies.get(Kind.VIDEO)
        return assembly is not None and assembly.assembler.wants_keyframe

    def attach(self, consumer: FrameConsumer) -> Attachment:
        """Give this consumer every frame from now on; its first picture is a key frame, asked for at once."""
        entry = _Consumer(consumer)
        self._consumers.append(entry)
        self._request_keyframe()
        return _Attachment(detach=lambda: self._detach(entry), request_keyframe=self._request_keyframe)

    def _detach(self, entry: _Consumer) -> None:
        if entry in self._consumers:
            self._consumers.remove(entry)
        if not self._consumers:
            self._forget()

    def _forget(self) -> None:
        for assembly in self._assemblies.values():
            assembly.alarm.set(None)
        self._assemblies.clear()

    def push(self, packet: MediaPacket) -> None:
        """Take a packet of the participant."""
        if not self._consumers:
            return
        assembly = self._assemblies.get(packet.kind)
        if assembly is None or assembly.epoch != packet.epoch:
            assembly = self._begin(packet)
        if isinstance(assembly.assembler, VideoAssembler):
            assembly.assembler.wait(self._video_patience_s())
        self._deliver(assembly, assembly.assembler.push(packet))

    def _begin(self, packet: MediaPacket) -> _Assembly:
        previous = self._assemblies.get(packet.kind)
        if previous is not None:
            previous.alarm.set(None)
        kind = packet.kind
        alarm = Alarm(action=lambda: self._expire(kind), call_later=self._call_later, clock=self._clock)
        assembly = _Assembly(epoch=packet.epoch, assembler=new_assembler(packet.codec), alarm=alarm)
        self._assemblies[kind] = assembly
        return assembly

    def _expire(self, kind: Kind) -> None:
        assembly = self._assemblies[kind]
        self._deliver(assembly, assembly.assembler.expire(self._clock()))

    def _deliver(self, assembly: _Assembly, frames: list[EncodedFrame]) -> None:
        assembler = assembly.assembler
        assembly.alarm.set(assembler.deadline_s)
        self._counters.frames_dropped += assembler.n_dropped - assembly.n_counted
        assembly.n_counted = assembler.n_dropped
        if assembler.wants_keyframe:
            self._request_keyframe()
        for frame in frames:
            for entry in tuple(self._consumers):
                self._give(entry, frame)

    def _give(self, entry: _Consumer, frame: EncodedFrame) -> None:
        if frame.kind in entry.waiting:
            if not frame.is_keyframe:
                self._request_keyframe()
                return
            entry.waiting.discard(frame.kind)
            frame = replace(frame, follows_gap=True)
        self._counters.frames_out += 1
        try:
            entry.consumer.push(frame)
        except Exception:
            # A consumer must not raise. If one does, it goes; the call must not suffer.
            _log.exception("a consumer of frames failed and was detached")
            self._detach(entry)

    def end(self, reason: str) -> None:
        """Tell every consumer that this is the end, and let go of them."""
        consumers, self._consumers = self._consumers, []
        self._forget()
        for entry in consumers:
            entry.consumer.ended(reason)
