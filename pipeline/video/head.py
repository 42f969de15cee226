"""How the head is held and moved: pose, nods and shakes, movement, distance, leaning; and how many faces there are."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.signals import Definition, Group, absent
from pipeline.types import Reason, Signal
from pipeline.video.geometry import FaceGeometry
from pipeline.video.seconds import Seconds, Watch, add_to_second, second_means, sums_since, watch_frame, why_absent

SMOOTH_S = 0.1
"""Time constant of the filter before speeds: landmarks tremble by some tenths of a degree."""
SWING_DEG = 2.5
"""A turn back by so much ends a swing; smaller ones are tremble, speech or breath."""
MAX_SWING_S = 0.7
"""A slower swing is no part of a nod or a shake."""
N_NOD, N_SHAKE = 2, 3
"""Swings: down and up; one side, the other and back."""
DOMINANCE = 1.5
"""A gesture's swings are so many times larger than what the head does around the other axis meanwhile."""
SAME_GESTURE_S = 1.0
"""Swings that follow within this belong to the same nod or shake."""
MOVING_DEG_PER_S, MOVING_CM_PER_S = 8.0, 2.5
"""A second with more movement on average counts as fidgeting: ten people who read a sentence had 2 to 7 degrees and 0.5
to 2 cm a second, the tremble of the landmarks included."""
MOTION_WINDOW_S, WINDOW_S, POSTURE_S = 10, 60, 120
PRESENT_S = 2
MIN_SEEN_S = 5.0
MIN_POSTURE_SECONDS = 10

DEFINITIONS = (
    Definition(
        name="head.yaw", label="Head turned", unit="deg", group=Group.HEAD, digits=0, low=-90.0, high=90.0,
        window_s=PRESENT_S,
        what="Turn of the head from the line to the camera, to the person's own left above 0, over the last 2 s.",
    ),
    Definition(
        name="head.pitch", label="Head raised", unit="deg", group=Group.HEAD, digits=0, low=-90.0, high=90.0,
        window_s=PRESENT_S,
        what="Up above 0, down below, from the line to the camera, over the last 2 s.",
    ),
    Definition(
        name="head.roll", label="Head tilted", unit="deg", group=Group.HEAD, digits=0, low=-180.0, high=180.0,
        window_s=PRESENT_S,
        what="To the person's own left shoulder above 0, over the last 2 s.",
    ),
    Definition(
        name="head.motion", label="Head movement", unit="deg/s", group=Group.HEAD, digits=1, low=0.0, is_log=True,
        window_s=MOTION_WINDOW_S,
        what="Mean speed at which the head turns, over the last 10 s.",
    ),
    Definition(
        name="head.fidgeting", label="Restless head", unit="", group=Group.HEAD, low=0.0, high=1.0,
        what="Share of the last minute's seconds in which the head moves, those with a nod or a shake left out.",
    ),
    Definition(
        name="head.nods", label="Nods a minute", unit="1/min", group=Group.HEAD, digits=0, low=0.0,
        what="Nods over the last minute; one that goes up and down several times counts once.",
    ),
    Definition(
        name="head.shakes", label="Head shakes a minute", unit="1/min", group=Group.HEAD, digits=0, low=0.0,
        what="Shakes over the last minute.",
    ),
    Definition(
        name="head.distance", label="Distance to the camera", unit="cm", group=Group.HEAD, digits=0, low=0.0,
        window_s=PRESENT_S,
        what="From the size of the face over the last 2 s, for a face and a lens of usual size: good to a quarter.",
    ),
    Definition(
        name="head.leaning", label="Leaning in", unit="%", group=Group.HEAD, digits=0,
        window_s=PRESENT_S,
        what="How much larger the face is than its median of two minutes; below 0 the person leans back.",
    ),
    Definition(
        name="face.count", label="Faces in the picture", unit="", group=Group.HEAD, digits=0, low=0.0,
        what="The most faces that were seen at once in the last 3 s.", has_baseline=False,
    ),
)  # fmt: skip
_COUNT = DEFINITIONS[-1:]
_HEAD = DEFINITIONS[:-1]
COUNT_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Swings:
    """A head's turning points around one axis, found when it has come back by SWING_DEG."""

    turn_s: float | None = None
    """Time of the last extreme so far; None before the first frame."""
    turn_deg: float = 0.0
    direction: int = 0
    """1 while the angle rises, -1 while it falls, 0 at first."""
    start_s: float = 0.0
    """When the present swing began."""
    start_deg: float = 0.0
    swings: tuple[tuple[float, float, float], ...] = ()
    """Start, end and size of the last swings that are over and joined each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadState:
    """What is remembered: two minutes of posture, a minute of movement."""

    watch: Watch = field(default_factory=Watch)
    smooth: tuple[float, ...] | None = None
    """Yaw, pitch, roll in degrees and place in cm of the last frame, filtered."""
    posture: Seconds = field(default_factory=Seconds)
    """Columns: seconds seen, yaw, pitch, roll, distance, degrees moved, cm moved, each but the last two times time."""
    quality: float = 0.0
    """Running mean."""
    pitch: Swings = field(default_factory=Swings)
    yaw: Swings = field(default_factory=Swings)
    path: tuple[tuple[float, float, float], ...] = ()
    """Time, yaw and pitch of the last two seconds."""
    nods: tuple[tuple[float, float], ...] = ()
    """Start and end, of the last minute."""
    shakes: tuple[tuple[float, float], ...] = ()
    counts: tuple[tuple[float, int], ...] = ()
    """Times at which the number of faces changed or was confirmed, over the last seconds."""


def follow_head(state: HeadState, geometry: FaceGeometry) -> HeadState:
    """Take in one frame."""
    t_s = geometry.t_s
    counts = (*(count for count in state.counts if count[0] > t_s - COUNT_S), (t_s, geometry.n_faces))
    before_s = state.watch.head_s if state.watch.head_s == state.watch.frame_s else None
    watch, _, is_other = watch_frame(state.watch, geometry)
    if is_other:
        state, before_s = HeadState(), None
    is_first = state.watch.head_s is None
    state = replace(state, watch=watch, counts=_thin(counts))
    if not geometry.has_head:
        return replace(state, smooth=None, pitch=Swings(), yaw=Swings(), path=())
    step_s = t_s - before_s if before_s is not None and t_s - before_s <= 0.25 else 0.0
    pose = (geometry.yaw_deg, geometry.pitch_deg, geometry.roll_deg, *geometry.place_cm)
    share = 1.0 if state.smooth is None or step_s == 0 else -math.expm1(-step_s / SMOOTH_S)
    old = pose if state.smooth is None else state.smooth
    new = tuple(float(a + share * (b - a)) for a, b in zip(old, pose, strict=True))
    turned_deg = moved_cm = 0.0
    if step_s > 0:
        turned_deg = math.dist(old[:3], new[:3])
        moved_cm = math.dist(old[3:], new[3:])
    amounts = (step_s, *(step_s * v for v in (*pose[:3], pose[5])), turned_deg, moved_cm)
    posture, _ = add_to_second(state.posture, t_s, amounts, keep_s=POSTURE_S)
    quality = geometry.quality if geometry.reason is Reason.OK else 0.3
    state = replace(
        state,
        smooth=new,
        posture=posture,
        quality=quality if is_first else state.quality + 0.05 * (quality - state.quality),
        path=(*(point for point in state.path if point[0] > t_s - 2 * MAX_SWING_S), (t_s, new[0], new[1])),
        pitch=_swing(state.pitch, t_s, new[1]),
        yaw=_swing(state.yaw, t_s, new[0]),
    )
    return replace(
        state,
        nods=_gesture(state.nods, state.pitch, N_NOD, state.path, 1),
        shakes=_gesture(state.shakes, state.yaw, N_SHAKE, state.path, 2),
    )


def view_head(state: HeadState, t_s: float) -> tuple[Signal, ...]:
    """Return the signals at a tick."""
    return _view_pose(state, t_s) + _view_count(state, t_s)


def _view_pose(state: HeadState, t_s: float) -> tuple[Signal, ...]:
    reason = why_absent(state.watch, t_s, head_only=True)
    if reason is not Reason.OK:
        return absent(_HEAD, reason)
    now = sums_since(state.posture, t_s - PRESENT_S - 1).sum(axis=0)
    recent = sums_since(state.posture, t_s - MOTION_WINDOW_S).sum(axis=0)
    minute = sums_since(state.posture, t_s - WINDOW_S)
    if now[0] <= 0:
        return absent(_HEAD, Reason.TOO_SHORT)
    yaw, pitch, roll, distance_cm = (now[1:5] / now[0]).tolist()
    values: dict[str, float | None] = {
        "head.yaw": yaw,
        "head.pitch": pitch,
        "head.roll": roll,
        "head.motion": float(recent[5] / recent[0]) if recent[0] >= MIN_SEEN_S / 2 else None,
        "head.distance": distance_cm,
    }
    usual = second_means(state.posture, 0, slice(4, 5), min_weight=0.3)
    if len(usual) >= MIN_POSTURE_SECONDS:
        values["head.leaning"] = 100 * (float(np.median(usual)) / distance_cm - 1)
    seen_s = float(minute[:, 0].sum())
    if seen_s >= MIN_SEEN_S:
        values["head.fidgeting"] = _fidgeting(state, t_s)
        values["head.nods"] = _count(state.nods, t_s) / (seen_s / 60)
        values["head.shakes"] = _count(state.shakes, t_s) / (seen_s / 60)
    age_s = t_s - (state.watch.head_s or t_s)
    worth = {name: min(1.0, seen_s / (WINDOW_S / 2)) for name in ("head.fidgeting", "head.nods", "head.shakes")}
    signals: list[Signal] = []
    for definition in _HEAD:
        value = values.get(definition.name)
        if value is None:
            signals += absent((definition,), Reason.TOO_SHORT)
        else:
            quality = state.quality * worth.get(definition.name, 1.0)
            signals.append(Signal(name=definition.name, value=value, quality=quality, reason=Reason.OK, age_s=age_s))
    return tuple(signals)


def _view_count(state: HeadState, t_s: float) -> tuple[Signal, ...]:
    counts = [n for at_s, n in state.counts if at_s > t_s - COUNT_S]
    if not counts:
        return absent(_COUNT, Reason.NO_VIDEO)
    age_s = max(0.0, t_s - state.counts[-1][0])
    return (Signal(name="face.count", value=float(max(counts)), quality=1.0, reason=Reason.OK, age_s=age_s),)


def _thin(counts: tuple[tuple[float, int], ...]) -> tuple[tuple[float, int], ...]:
    """Keep of equal neighbours within half a second the newest."""
    if len(counts) > 2 and counts[-1][1] == counts[-2][1] == counts[-3][1] and counts[-1][0] - counts[-3][0] < 0.5:
        return (*counts[:-2], counts[-1])
    return counts


def _swing(swings: Swings, t_s: float, angle_deg: float) -> Swings:
    """Follow the angle; end a swing when it has come back by SWING_DEG from its extreme."""
    if swings.turn_s is None:
        return Swings(turn_s=t_s, turn_deg=angle_deg, start_s=t_s, start_deg=angle_deg)
    beyond = angle_deg - swings.turn_deg
    if swings.direction == 0:
        if abs(beyond) < SWING_DEG:
            # While it rests the swing has not begun.
            rest_deg = swings.turn_deg + 0.05 * beyond
            return replace(swings, turn_s=t_s, turn_deg=rest_deg, start_s=t_s, start_deg=rest_deg)
        return replace(swings, turn_s=t_s, turn_deg=angle_deg, direction=1 if beyond > 0 else -1)
    if beyond * swings.direction >= 0:
        return replace(swings, turn_s=t_s, turn_deg=angle_deg)
    if abs(beyond) < SWING_DEG:
        if t_s - swings.turn_s > MAX_SWING_S:
            # It has come to rest: nothing that follows belongs to this.
            return Swings(turn_s=t_s, turn_deg=angle_deg, start_s=t_s, start_deg=angle_deg, swings=_ended(swings))
        return swings
    return Swings(
        turn_s=t_s,
        turn_deg=angle_deg,
        direction=-swings.direction,
        start_s=swings.turn_s,
        start_deg=swings.turn_deg,
        swings=_ended(swings),
    )


def _ended(swings: Swings) -> tuple[tuple[float, float, float], ...]:
    """The swings so far with the present one, which lasts until its extreme; only those that join each other."""
    assert swings.turn_s is not None
    duration_s = swings.turn_s - swings.start_s
    if duration_s > MAX_SWING_S:
        return ()
    size_deg = abs(swings.turn_deg - swings.start_deg)
    joined = swings.swings if swings.swings and swings.start_s - swings.swings[-1][1] < 0.1 else ()
    return (*joined[1 - N_SHAKE :], (swings.start_s, swings.turn_s, size_deg))


def _gesture(
    gestures: tuple[tuple[float, float], ...],
    swings: Swings,
    n_swings: int,
    path: tuple[tuple[float, float, float], ...],
    i_other: int,
) -> tuple[tuple[float, float], ...]:
    """Add a nod or a shake when its last swing has just ended; ``i_other`` is the other axis in the path."""
    t_s = path[-1][0]
    if len(swings.swings) < n_swings:
        return gestures
    used = swings.swings[-n_swings:]
    start_s, end_s = used[0][0], used[-1][1]
    last_end_s = gestures[-1][1] if gestures else -math.inf
    if end_s <= last_end_s or t_s - end_s > MAX_SWING_S + 0.1:
        return gestures
    other_deg = [point[i_other] for point in path]
    size_deg = sum(size for _, _, size in used) / n_swings
    if size_deg < DOMINANCE * (max(other_deg) - min(other_deg)):
        return gestures
    kept = tuple(gesture for gesture in gestures if gesture[1] > t_s - WINDOW_S)
    if kept and start_s - kept[-1][1] < SAME_GESTURE_S:
        return (*kept[:-1], (kept[-1][0], end_s))
    return (*kept, (start_s, end_s))


def _count(gestures: tuple[tuple[float, float], ...], t_s: float) -> int:
    return sum(end_s > t_s - WINDOW_S for _, end_s in gestures)


def _fidgeting(state: HeadState, t_s: float) -> float | None:
    rows = state.posture.rows
    rows = rows[(rows[:, 0] >= t_s - WINDOW_S) & (rows[:, 1] >= 0.3)]
    free = np.ones(len(rows), bool)
    for start_s, end_s in (*state.nods, *state.shakes):
        free &= (rows[:, 0] + 1 < start_s) | (rows[:, 0] > end_s)
    rows = rows[free]
    if len(rows) < MIN_SEEN_S:
        return None
    is_moving = (rows[:, 6] / rows[:, 1] > MOVING_DEG_PER_S) | (rows[:, 7] / rows[:, 1] > MOVING_CM_PER_S)
    return float(is_moving.mean())
