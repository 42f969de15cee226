"""What became of the frames that were sent: the figures of the network bench. Pure: lists in, numbers out.

Both sides are judged by the same rules, from the frames they hand to whoever decodes:

audio_lost: share of the audio frames sent that were never handed out.
audio_lag_ms: 95th percentile, over audio frames sent once all had settled, of the time from sending to handing out less
    the one-way delay of the network without faults. None when none was handed out.
video_frozen: share of time without a new decodable picture, of which the first 300 ms of each gap do not count.
longest_freeze_ms: longest time between two decodable pictures, counted from the beginning and to the end.

A picture is decodable when it is byte for byte what was sent and it is a key frame or follows the picture sent just
before it, itself decodable and handed out just before.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from scripts.bench_network_media import Log, Sent, number_of

FREEZE_S = 0.3


@dataclass(slots=True)
class Handed:
    """Frames handed out, each with its time, in order."""

    video: list[tuple[float, bytes]] = field(default_factory=list)
    audio: list[tuple[float, bytes]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The stretch of time that is judged, on the monotonic clock."""

    from_s: float
    to_s: float
    settled_s: float
    """From when on lag counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one side gave in one condition."""

    audio_lost: float
    audio_lag_ms: float | None
    video_frozen: float
    longest_freeze_ms: float
    video_kbps: int
    net_loss: float
    net_loss_all: float
    recovery_s: float | None = None


def judge(
    log: Log,
    handed: Handed,
    window: Window,
    *,
    one_way_s: float,
    net_loss: float,
    net_loss_all: float,
    outage_s: float = 0.0,
) -> Figures:
    """Return the figures of one side."""
    lag_s = audio_lag_s(log.audio, handed.audio, window, one_way_s)
    times_s = decodable_s(log.video, handed.video)
    frozen, longest_s = freezes(times_s, window)
    n_bytes = sum(len(data) for at_s, data in handed.video if window.from_s <= at_s < window.to_s)
    back_s = window.from_s + outage_s
    recovered_s = next((at_s - back_s for at_s in times_s if at_s >= back_s), None)
    return Figures(
        audio_lost=round(audio_lost(log.audio, handed.audio, window), 4),
        audio_lag_ms=None if lag_s is None else round(1000 * lag_s, 1),
        video_frozen=round(frozen, 4),
        longest_freeze_ms=round(1000 * longest_s),
        video_kbps=round(n_bytes * 8 / (window.to_s - window.from_s) / 1000),
        net_loss=round(net_loss, 4),
        net_loss_all=round(net_loss_all, 4),
        recovery_s=None if recovered_s is None or not outage_s else round(recovered_s, 2),
    )


def audio_lost(sent: list[Sent], handed: list[tuple[float, bytes]], window: Window) -> float:
    """Return the share of frames sent within the window that were never handed out."""
    numbers = {number for number, _ in _recognised(sent, handed)}
    expected = [n for n, frame in enumerate(sent) if window.from_s <= frame.at_s < window.to_s]
    return sum(n not in numbers for n in expected) / len(expected)


def audio_lag_s(
    sent: list[Sent], handed: list[tuple[float, bytes]], window: Window, one_way_s: float, percentile: float = 95
) -> float | None:
    """Return a percentile of the lag of frames sent in the settled part of the window."""
    lags_s = [
        at_s - sent[number].at_s - one_way_s
        for number, at_s in _recognised(sent, handed)
        if window.settled_s <= sent[number].at_s < window.to_s
    ]
    return float(np.percentile(lags_s, percentile)) if lags_s else None


def _recognised(sent: list[Sent], handed: list[tuple[float, bytes]]) -> list[tuple[int, float]]:
    """Return (number, time) of each handed-out frame: the newest sent before then that has the same bytes."""
    numbers: dict[bytes, list[int]] = {}
    for number, frame in enumerate(sent):
        numbers.setdefault(frame.data, []).append(number)
    result = []
    for at_s, data in handed:
        earlier = [number for number in numbers.get(data, []) if sent[number].at_s <= at_s]
        if earlier:
            result.append((earlier[-1], at_s))
    return result


def decodable_s(sent: list[Sent], handed: list[tuple[float, bytes]]) -> list[float]:
    """Return when each decodable picture was handed out."""
    times_s: list[float] = []
    last: int | None = None
    for at_s, data in handed:
        number = number_of(data)
        is_whole = number < len(sent) and sent[number].data == data
        if is_whole and (sent[number].is_key or last == number - 1):
            times_s.append(at_s)
            last = number
        else:
            last = None  # a decoder would show rubbish until the next key frame
    return times_s


def freezes(times_s: list[float], window: Window) -> tuple[float, float]:
    """Return the share of time frozen and the longest gap in seconds, for pictures at these times."""
    within = [at_s for at_s in times_s if window.from_s <= at_s < window.to_s]
    gaps_s = [b - a for a, b in pairwise([window.from_s, *within, window.to_s])]
    frozen_s = sum(max(0.0, gap_s - FREEZE_S) for gap_s in gaps_s)
    return frozen_s / (window.to_s - window.from_s), max(gaps_s)
