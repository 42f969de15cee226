"""How the face moves from the person's own neutral: geometric proxies, asymmetry and candidates of micro-expressions.

The proxies stand for blendshapes of the same names; they are differences of distances between landmarks, not
activations of muscles, and say nothing about feelings.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.signals import Definition, Group, absent
from pipeline.types import FloatArray, Reason, Signal
from pipeline.video.face import MOSTLY_COVERED
from pipeline.video.geometry import FEATURES, FaceGeometry
from pipeline.video.seconds import (
    Doubles,
    Seconds,
    Watch,
    add_to_second,
    second_means,
    sums_since,
    watch_frame,
    why_absent,
)

NEUTRAL_S = 180
MIN_NEUTRAL_SECONDS = 10
PRESENT_S = 2
MIN_SEEN_S = 0.3
"""A shape is the mean over at least so much."""
WINDOW_S = 60
OPEN = 0.7
"""Frames with the lids further down, as a share of the person's open eyes, are left out: a blink pulls at the brows."""

MICRO_MIN_S, MICRO_MAX_S = 1 / 25, 1 / 2
"""Length of a micro-expression from onset to offset (Yan et al. 2013 give 1/2 s as the upper limit)."""
MICRO_FPS = 18.0
"""Slower cameras show an event of a tenth of a second in one picture or none."""
ONSET, APEX, OFFSET = 4.0, 7.0, 3.0
"""Strain over the person's usual tremble at which an event begins, counts, and is over."""
STILL_DEG_PER_S = 20.0
"""With a faster head landmarks move for another reason."""
MEMORY_S = 1.0
"""What the strain is measured from: the median of so long."""
_WATCHED = tuple(
    FEATURES.index(name) for name in ("brow_right", "brow_left", "brow_gap", "corner_right", "corner_left")
)
"""Not the lids, which blink, and not the opening of the mouth, which speaks."""
_TREMBLE_SHARE = 0.01
_MIN_TREMBLE = 0.002
_N = len(FEATURES)


def _proxy(name: str, label: str, what: str) -> Definition:
    return Definition(
        name=f"expression.{name}_proxy",
        label=label,
        unit="%",
        group=Group.EXPRESSION,
        digits=1,
        window_s=PRESENT_S,
        what=f"{what}, over the last 2 s against the person's own median, in % of the distance between the eyes.",
    )


DEFINITIONS = (
    _proxy("brow_raise", "Brows raised", "Height of the brows over the corners of the eyes"),
    _proxy("brow_knit", "Brows knit", "How much closer together the inner ends of the brows are"),
    _proxy("eye_squint", "Eyes squinted", "How much higher the lower lids are"),
    _proxy("smile", "Smile", "How much higher the corners of the mouth are and half of how much further apart"),
    _proxy("frown", "Corners of the mouth down", "How much lower the corners of the mouth are than the lips' middle"),
    _proxy("jaw_open", "Mouth open", "Distance between the lips"),
    _proxy("lip_press", "Lips pressed", "How much less of the lips is seen"),
    Definition(
        name="expression.asymmetry", label="Uneven face", unit="%", group=Group.EXPRESSION, digits=1, low=0.0,
        window_s=PRESENT_S,
        what="Mean difference of brow, lower lid and corner of the mouth between the sides, against the person's own "
        "median, over the last 2 s, in % of the distance between the eyes.",
    ),
    Definition(
        name="expression.micro_candidates", label="Brief movements", unit="1/min", group=Group.EXPRESSION, digits=0,
        low=0.0, is_experimental=True,
        what="Movements of brows or mouth that come and go within 1/25 to 1/2 s, over the last minute. Candidates for "
        "micro-expressions: most are none.",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Micro:
    """The spotting of brief movements."""

    memory: tuple[tuple[float, FloatArray], ...] = ()
    """Times and watched features of the last second."""
    tremble: FloatArray | None = None
    """Running mean deviation of each watched feature from its median; None before the first second."""
    rest: FloatArray | None = None
    """The median before the present movement."""
    onset_s: float | None = None
    """When the present movement began; None without one."""
    apex: float = 0.0
    is_spoiled: bool = False
    """The head moved or the eyes closed during it."""
    events_s: tuple[float, ...] = ()
    """Offsets of the last minute's candidates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionState:
    """What is remembered: three minutes of mean shapes."""

    watch: Watch = field(default_factory=Watch)
    shapes: Seconds = field(default_factory=Seconds)
    """Columns: seconds seen, quality, FEATURES, each times time."""
    neutral: Doubles | None = None
    """Shape (10,), order FEATURES: the person's median; None in the first seconds."""
    pose_deg: tuple[float, float] | None = None
    """Yaw and pitch of the last frame."""
    micro: Micro = field(default_factory=Micro)
    covered_s: float | None = None
    """Time of the newest frame whose lower face was covered, None before the first."""


def follow_expression(state: ExpressionState, geometry: FaceGeometry, openness: float | None) -> ExpressionState:
    """Take in one frame.

    Args:
        state: what the last call returned.
        geometry: of the frame.
        openness: ``BlinkState.ratio`` of the same frame.
    """
    watch, step_s, is_other = watch_frame(state.watch, geometry)
    if is_other:
        state = ExpressionState()
    state = replace(state, watch=watch)
    if geometry.reason is not Reason.OK:
        return replace(state, pose_deg=None, micro=replace(state.micro, memory=(), onset_s=None))
    if geometry.cover >= MOSTLY_COVERED:
        micro = replace(state.micro, memory=(), onset_s=None)
        return replace(state, pose_deg=None, micro=micro, covered_s=geometry.t_s)
    pose_deg = (geometry.yaw_deg, geometry.pitch_deg)
    last_deg = pose_deg if state.pose_deg is None else state.pose_deg
    turned_deg = max(abs(a - b) for a, b in zip(pose_deg, last_deg, strict=True))
    is_shut = openness is not None and openness < OPEN
    is_moving = step_s > 0 and turned_deg / step_s > STILL_DEG_PER_S
    micro = _spot(state.micro, geometry.t_s, geometry.features[_WATCHED,], is_spoiled=is_shut or is_moving)
    state = replace(state, pose_deg=pose_deg, micro=micro)
    if is_shut:
        return state
    amounts = step_s * np.array((1.0, geometry.quality, *geometry.features))
    shapes, is_new = add_to_second(state.shapes, geometry.t_s, amounts, keep_s=NEUTRAL_S)
    state = replace(state, shapes=shapes)
    if not is_new and state.neutral is not None:
        return state
    means = second_means(shapes, 0, slice(2, 2 + _N), min_weight=MIN_SEEN_S)
    return replace(state, neutral=np.median(means, axis=0)) if len(means) >= MIN_NEUTRAL_SECONDS else state


def view_expression(state: ExpressionState, t_s: float) -> tuple[Signal, ...]:
    """Return the signals at a tick."""
    reason = why_absent(state.watch, t_s)
    if reason is not Reason.OK:
        return absent(DEFINITIONS, reason)
    recent = sums_since(state.shapes, t_s - PRESENT_S - 1)
    now = recent.sum(axis=0)
    if state.covered_s is not None and t_s - state.covered_s <= PRESENT_S and (len(recent) == 0 or now[0] < MIN_SEEN_S):
        return absent(DEFINITIONS, Reason.COVERED)
    age_s = t_s - (state.watch.seen_s or t_s)
    shaped: tuple[Signal, ...]
    if state.neutral is None:
        shaped = absent(DEFINITIONS[:-1], Reason.CALIBRATING)
    elif len(recent) == 0 or now[0] < MIN_SEEN_S:
        shaped = absent(DEFINITIONS[:-1], Reason.TOO_SHORT)
    else:
        quality = float(now[1] / now[0])
        values = _proxies(now[2:] / now[0] - state.neutral)
        shaped = tuple(
            Signal(name=item.name, value=100 * value, quality=quality, reason=Reason.OK, age_s=age_s)
            for item, value in zip(DEFINITIONS[:-1], values, strict=True)
        )
    return (*shaped, _view_micro(state, t_s, age_s))


def _view_micro(state: ExpressionState, t_s: float, age_s: float) -> Signal:
    definition = DEFINITIONS[-1]
    if state.watch.fps < MICRO_FPS:
        return absent((definition,), Reason.LOW_RATE)[0]
    rows = sums_since(state.shapes, t_s - WINDOW_S)
    sums = rows.sum(axis=0)
    if len(rows) == 0 or sums[0] < WINDOW_S / 4:
        return absent((definition,), Reason.TOO_SHORT)[0]
    n = sum(event_s > t_s - WINDOW_S for event_s in state.micro.events_s)
    # Never sure, however good the picture is.
    quality = 0.5 * float(sums[1] / sums[0]) * min(1.0, float(sums[0]) / WINDOW_S)
    return Signal(name=definition.name, value=n / float(sums[0] / 60), quality=quality, reason=Reason.OK, age_s=age_s)


def _proxies(change: Doubles) -> tuple[float, ...]:
    """The values of DEFINITIONS but the last, from what differs from neutral, shape (10,)."""
    brow_r, brow_l, gap, squint_r, squint_l, corner_r, corner_l, width, jaw, lips = change.tolist()
    corners = (corner_r + corner_l) / 2
    asymmetry = (abs(brow_r - brow_l) + abs(squint_r - squint_l) + abs(corner_r - corner_l)) / 3
    return (
        (brow_r + brow_l) / 2, -gap, (squint_r + squint_l) / 2, corners + width / 2, -corners, jaw, -lips, asymmetry,
    )  # fmt: skip


def _spot(micro: Micro, t_s: float, features: FloatArray, *, is_spoiled: bool) -> Micro:
    """Follow the strain: the largest change of a watched feature from its last second, in its usual tremble."""
    if micro.onset_s is not None and t_s - micro.onset_s > MICRO_MAX_S:
        # It stays: what it has become is what the next movement starts from.
        return replace(micro, memory=((t_s, features),), onset_s=None)
    memory = (*(item for item in micro.memory if item[0] > t_s - MEMORY_S), (t_s, features))
    if len(memory) < 2 or t_s - memory[0][0] < MEMORY_S / 2:
        return replace(micro, memory=memory, onset_s=None)
    rest = micro.rest
    if micro.onset_s is None or rest is None:
        rest = np.asarray(np.median([past for _, past in memory], axis=0), np.float32)
    deviation = np.abs(features - rest)
    least = _MIN_TREMBLE if micro.tremble is None else np.maximum(micro.tremble, _MIN_TREMBLE)
    strain = float((deviation / least).max())
    # Outliers teach the tremble no more than its threefold.
    taught = np.minimum(deviation, 3 * least)
    old = taught if micro.tremble is None else micro.tremble
    micro = replace(
        micro, memory=memory, tremble=np.asarray(old + _TREMBLE_SHARE * (taught - old), np.float32), rest=rest
    )
    if micro.onset_s is None:
        return replace(micro, onset_s=t_s, apex=strain, is_spoiled=is_spoiled) if strain > ONSET else micro
    if strain > OFFSET:
        return replace(micro, apex=max(micro.apex, strain), is_spoiled=micro.is_spoiled or is_spoiled)
    events_s = micro.events_s
    if micro.apex > APEX and t_s - micro.onset_s >= MICRO_MIN_S and not micro.is_spoiled and not is_spoiled:
        events_s = (*(event_s for event_s in events_s if event_s > t_s - WINDOW_S), t_s)
    return replace(micro, onset_s=None, events_s=events_s)
