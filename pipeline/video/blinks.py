"""Blinks and closed eyes, from the eye aspect ratio against the person's own open eyes.

Ratio: 0 to about 1.2, the present opening over the running median of the open eyes. A dip below SHUT is a closure; how
low it goes and how long it lasts says which kind it is. Times are where the line between two frames crosses SHUT, so
that frame rate and lost frames move them little.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.signals import Definition, Group, absent
from pipeline.types import Reason, Signal
from pipeline.video.geometry import FaceGeometry
from pipeline.video.seconds import (
    MAX_STEP_S,
    Seconds,
    Watch,
    add_to_second,
    sums_since,
    watch_frame,
    why_absent,
)

SHUT = 0.7
"""Ratio below which a lid is on its way (0.6 to 0.7 of the open eye is usual; Soukupová and Čech 2016)."""
COMPLETE = 0.5
"""A blink that stays above is a partial one."""
CLOSED = 0.4
"""Below it four fifths of the opening are covered, as PERCLOS asks (Wierwille and Ellsworth 1994): FaceMesh reads a
closed eye as a fifth of an open one."""
MIN_BLINK_S, MAX_BLINK_S = 0.05, 0.5
"""2 to 15 frames at 30 a second; a dip's width at SHUT is a little less than the blink."""
MERGE_S = 0.1
"""Closures with less between them are one."""
MIN_FPS = 12.0
"""Slower cameras miss blinks."""
FULL_FPS = 20.0
WINDOW_S = 60
MIN_OPEN_SECONDS = 3
ONE_EYE_DEG = 15.0
"""With the head turned more than that only the nearer eye counts."""
_POWER = 4
"""The mean of a second weighs openings by this power, so that a blink in it counts for nothing."""

DEFINITIONS = (
    Definition(
        name="eyes.blink_rate", label="Blinks a minute", unit="1/min", group=Group.EYES, digits=0, low=0.0,
        what="Blinks of 0.05 to 0.5 s, partial ones too, over the last minute.",
    ),
    Definition(
        name="eyes.blink_duration", label="Length of a blink", unit="s", group=Group.EYES, low=0.0, is_log=True,
        what="Median time that the lids are more than a third down, over the blinks of the last minute.",
    ),
    Definition(
        name="eyes.partial_share", label="Partial blinks", unit="", group=Group.EYES, low=0.0, high=1.0,
        what="Share of the last minute's blinks in which the eye stays half open.",
    ),
    Definition(
        name="eyes.closure_share", label="Eyes closed", unit="", group=Group.EYES, digits=3, low=0.0, high=1.0,
        what="Share of the last minute in which the eyes are at least four fifths closed (PERCLOS).",
    ),
    Definition(
        name="eyes.long_closures", label="Long closures a minute", unit="1/min", group=Group.EYES, digits=1, low=0.0,
        what="Closures of more than half a second, over the last minute.",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """One time that the lids came down."""

    start_s: float
    end_s: float
    lowest: float
    """Smallest ratio."""

    @property
    def duration_s(self) -> float:
        """Time below SHUT."""
        return self.end_s - self.start_s

    @property
    def is_blink(self) -> bool:
        """True when it is neither a flicker nor long."""
        return MIN_BLINK_S <= self.duration_s <= MAX_BLINK_S

    @property
    def is_long(self) -> bool:
        """True when the eyes were closed, not only lowered, for long."""
        return self.duration_s > MAX_BLINK_S and self.lowest < CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class BlinkState:
    """What is remembered: a minute of sums and of closures."""

    watch: Watch = field(default_factory=Watch)
    seconds: Seconds = field(default_factory=Seconds)
    """Columns: seconds seen, seconds closed, opening ** 4, opening ** 5, quality, each times time."""
    open_eyes: float | None = None
    """Eye aspect ratio of the person's open eyes: running median of a minute; None in the first seconds."""
    ratio: float | None = None
    """Of the last frame; None without one, or while open_eyes is not known."""
    ongoing: Closure | None = None
    """The closure that has begun and not ended; its end is the last frame's time."""
    closures: tuple[Closure, ...] = ()
    """Those of the last minute that are over."""


def follow_blinks(state: BlinkState, geometry: FaceGeometry) -> BlinkState:
    """Take in one frame."""
    watch, step_s, is_other = watch_frame(state.watch, geometry)
    if is_other:
        state = BlinkState()
    before_s = state.watch.seen_s
    state = replace(state, watch=watch)
    if geometry.reason is not Reason.OK:
        # Nobody knows what the lids did meanwhile.
        return replace(state, ratio=None, ongoing=None)
    opening = _opening(geometry)
    ratio = None if state.open_eyes is None else opening / state.open_eyes
    is_closed = ratio is not None and ratio < CLOSED
    amounts = step_s * np.array((1.0, is_closed, opening**_POWER, opening ** (_POWER + 1), geometry.quality))
    seconds, is_new = add_to_second(state.seconds, geometry.t_s, amounts, keep_s=WINDOW_S)
    if ratio is not None:
        last = state.ratio if step_s > 0 else None
        state = _follow_closure(state, before_s if last is not None else None, last, geometry.t_s, ratio)
    state = replace(state, seconds=seconds, ratio=ratio)
    if not is_new and state.open_eyes is not None:
        return state
    oldest_s = geometry.t_s - WINDOW_S
    kept = tuple(closure for closure in state.closures if closure.end_s > oldest_s)
    return replace(state, open_eyes=_open_eyes(seconds), closures=kept)


def view_blinks(state: BlinkState, t_s: float) -> tuple[Signal, ...]:
    """Return the signals at a tick."""
    reason = why_absent(state.watch, t_s)
    if reason is not Reason.OK:
        return absent(DEFINITIONS, reason)
    if state.watch.fps < MIN_FPS:
        return absent(DEFINITIONS, Reason.LOW_RATE)
    if state.open_eyes is None:
        return absent(DEFINITIONS, Reason.CALIBRATING)
    seen_s, closed_s, _, _, worth = sums_since(state.seconds, t_s - WINDOW_S).sum(axis=0).tolist()
    if seen_s < WINDOW_S / 6:
        return absent(DEFINITIONS, Reason.TOO_SHORT)
    # A minute is asked for: what there is less of weighs less.
    quality = worth / seen_s * min(1.0, seen_s / WINDOW_S) * min(1.0, state.watch.fps / FULL_FPS)
    closures = [closure for closure in state.closures if closure.end_s > t_s - WINDOW_S]
    blinks = [closure for closure in closures if closure.is_blink]
    minutes = seen_s / 60
    age_s = t_s - (state.watch.seen_s or t_s)
    values: dict[str, float | None] = {
        "eyes.blink_rate": len(blinks) / minutes,
        "eyes.blink_duration": float(np.median([blink.duration_s for blink in blinks])) if blinks else None,
        "eyes.partial_share": sum(blink.lowest > COMPLETE for blink in blinks) / len(blinks) if blinks else None,
        "eyes.closure_share": closed_s / seen_s,
        "eyes.long_closures": sum(closure.is_long for closure in closures) / minutes,
    }
    return tuple(
        Signal(name=name, value=value, quality=quality, reason=Reason.OK, age_s=age_s)
        if value is not None
        else Signal(name=name, value=None, quality=0.0, reason=Reason.TOO_SHORT, age_s=0.0)
        for name, value in values.items()
    )


def _opening(geometry: FaceGeometry) -> float:
    right, left = geometry.eye_opening
    if abs(geometry.yaw_deg) <= ONE_EYE_DEG:
        return (right + left) / 2
    return right if geometry.yaw_deg > 0 else left


def _open_eyes(seconds: Seconds) -> float | None:
    """Median over a minute of each second's mean opening, blinks aside."""
    sums = seconds.rows[:, 1:]
    sums = sums[sums[:, 0] > 0.3] if len(sums) else sums
    return float(np.median(sums[:, 3] / np.maximum(sums[:, 2], 1e-12))) if len(sums) >= MIN_OPEN_SECONDS else None


def _follow_closure(
    state: BlinkState, before_s: float | None, before: float | None, t_s: float, ratio: float
) -> BlinkState:
    """Begin, go on with or end a closure.

    Args:
        state: with the closure so far.
        before_s: time of the frame before; None when it does not join this one.
        before: its ratio.
        t_s: time of this frame.
        ratio: its ratio.
    """
    ongoing = state.ongoing
    if before_s is None or before is None or t_s - before_s > MAX_STEP_S:
        ongoing = None
    if ratio < SHUT:
        if ongoing is not None:
            ongoing = replace(ongoing, end_s=t_s, lowest=min(ongoing.lowest, ratio))
        elif before_s is not None and before is not None and before >= SHUT:
            start_s = before_s + (t_s - before_s) * (before - SHUT) / (before - ratio)
            ongoing = Closure(start_s=start_s, end_s=t_s, lowest=ratio)
        return replace(state, ongoing=ongoing)
    if ongoing is None or before_s is None or before is None:
        return replace(state, ongoing=None)
    end_s = before_s + (t_s - before_s) * (SHUT - before) / (ratio - before)
    closure = replace(ongoing, end_s=end_s)
    closures = state.closures
    if closures and closure.start_s - closures[-1].end_s < MERGE_S:
        last = closures[-1]
        closure = Closure(start_s=last.start_s, end_s=end_s, lowest=min(last.lowest, closure.lowest))
        closures = closures[:-1]
    return replace(state, ongoing=None, closures=(*closures, closure))
