"""Where the person looks, in nine zones around their own centre, and how long they look away.

Zones, not degrees: iris positions from a webcam are good to 5 to 10 degrees, and the centre is where this person looks
most. Left and right are the person's own.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.signals import Definition, Group, absent
from pipeline.types import Reason, Signal
from pipeline.video.geometry import FaceGeometry
from pipeline.video.seconds import Seconds, Watch, add_to_second, second_means, sums_since, watch_frame, why_absent

CENTRE_YAW_DEG = 8.0
CENTRE_PITCH_DEG = 4.5
"""Half the size of the centre zone, in degrees of ``FaceGeometry.gaze_deg`` (whose pitch is about half the true one): a
true 11 and 9 degrees, which at 60 cm is a window of 23 x 19 cm."""
CENTRE = 4
"""Zones are counted row by row, from the person's own upper left: 0 1 2 / 3 4 5 / 6 7 8."""
CENTRE_MEMORY_S = 120
MIN_CENTRE_SECONDS = 5
WINDOW_S = 60
MIN_SEEN_S = 10.0
HOLD_S = 0.15
"""A zone that is held for less is a saccade on its way, or noise."""
AWAY_S = 0.5
"""A shorter look away is none."""
OPEN = 0.7
"""Below this share of the person's open eyes the lids are coming down, and the iris is not seen."""
_N_SMOOTH = 3

DEFINITIONS = (
    Definition(
        name="gaze.contact_share", label="Looks at the screen's centre", unit="", group=Group.GAZE, low=0.0, high=1.0,
        what="Share of the last minute with the gaze in the middle of nine zones, where this person looks most.",
    ),
    Definition(
        name="gaze.left_share", label="Looks left", unit="", group=Group.GAZE, low=0.0, high=1.0,
        what="Share of the last minute in which the gaze lies to the person's own left.",
    ),
    Definition(
        name="gaze.centre_share", label="Looks straight", unit="", group=Group.GAZE, low=0.0, high=1.0,
        what="Share of the last minute in which the gaze lies neither left nor right.",
    ),
    Definition(
        name="gaze.right_share", label="Looks right", unit="", group=Group.GAZE, low=0.0, high=1.0,
        what="Share of the last minute in which the gaze lies to the person's own right.",
    ),
    Definition(
        name="gaze.shift_rate", label="Gaze shifts a minute", unit="1/min", group=Group.GAZE, digits=0, low=0.0,
        what="Changes from one zone to another that is held for 0.15 s, over the last minute.",
    ),
    Definition(
        name="gaze.look_away", label="Looks away for", unit="s", group=Group.GAZE, digits=1, low=0.0,
        what="Length of the present look away from the centre, else of the longest in the last minute.",
    ),
    Definition(
        name="gaze.zone", label="Zone looked at", unit="", group=Group.GAZE, digits=0, low=0.0, high=8.0,
        what="0 to 8, row by row from the person's own upper left; 4 is the centre.", has_baseline=False,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GazeState:
    """What is remembered: two minutes of mean directions, a minute of time in zones."""

    watch: Watch = field(default_factory=Watch)
    directions: Seconds = field(default_factory=Seconds)
    """Columns: seconds seen, yaw, pitch, each times time."""
    centre_deg: tuple[float, float] | None = None
    """The person's own; None in the first seconds."""
    newest: tuple[tuple[float, float], ...] = ()
    """Directions of the last frames, for a median."""
    zones: Seconds = field(default_factory=Seconds)
    """Columns: seconds in each of nine zones, shifts, quality times time."""
    zone: int | None = None
    """The zone that is held."""
    candidate: tuple[int, float] | None = None
    """Another zone, and since when."""
    away_from_s: float | None = None
    """Since when the gaze is off the centre."""
    aways: tuple[tuple[float, float], ...] = ()
    """Start and end of the last minute's looks away."""


def follow_gaze(state: GazeState, geometry: FaceGeometry, openness: float | None) -> GazeState:
    """Take in one frame.

    Args:
        state: what the last call returned.
        geometry: of the frame.
        openness: ``BlinkState.ratio`` of the same frame; frames below OPEN are left out.
    """
    watch, step_s, is_other = watch_frame(state.watch, geometry)
    if is_other:
        state = GazeState()
    state = replace(state, watch=watch)
    if geometry.reason is not Reason.OK:
        return replace(_end_away(state, state.watch.seen_s), newest=(), candidate=None, zone=None)
    if openness is not None and openness < OPEN:
        return state
    directions, is_new = add_to_second(
        state.directions, geometry.t_s, step_s * np.array((1.0, *geometry.gaze_deg)), keep_s=CENTRE_MEMORY_S
    )
    state = replace(state, directions=directions, newest=(*state.newest[1 - _N_SMOOTH :], geometry.gaze_deg))
    if is_new or state.centre_deg is None:
        state = replace(state, centre_deg=_centre(directions))
    if state.centre_deg is None:
        return state
    yaw, pitch = np.median(state.newest, axis=0) - state.centre_deg
    zone = zone_of(float(yaw), float(pitch))
    state, has_shifted = _hold(state, geometry.t_s, zone)
    if state.zone is None:
        return state
    amounts = np.zeros(11)
    amounts[state.zone], amounts[9], amounts[10] = step_s, has_shifted, step_s * geometry.quality
    zones, _ = add_to_second(state.zones, geometry.t_s, amounts, keep_s=WINDOW_S)
    return replace(state, zones=zones)


def zone_of(yaw_deg: float, pitch_deg: float) -> int:
    """The zone of a direction from the person's centre."""
    column = 0 if yaw_deg > CENTRE_YAW_DEG else 2 if yaw_deg < -CENTRE_YAW_DEG else 1
    row = 0 if pitch_deg > CENTRE_PITCH_DEG else 2 if pitch_deg < -CENTRE_PITCH_DEG else 1
    return 3 * row + column


def view_gaze(state: GazeState, t_s: float) -> tuple[Signal, ...]:
    """Return the signals at a tick."""
    reason = why_absent(state.watch, t_s)
    if reason is not Reason.OK:
        return absent(DEFINITIONS, reason)
    if state.centre_deg is None:
        return absent(DEFINITIONS, Reason.CALIBRATING)
    rows = sums_since(state.zones, t_s - WINDOW_S)
    sums = rows.sum(axis=0) if len(rows) else np.zeros(11)
    seen_s = float(sums[:9].sum())
    if seen_s < MIN_SEEN_S:
        return absent(DEFINITIONS, Reason.TOO_SHORT)
    shares = sums[:9].reshape(3, 3).sum(axis=0) / seen_s
    present_s = None if state.away_from_s is None else t_s - state.away_from_s
    # A look away that has just begun is not yet one.
    is_away = present_s is not None and present_s >= AWAY_S
    longest_s = max((end_s - start_s for start_s, end_s in state.aways if end_s > t_s - WINDOW_S), default=0.0)
    values: dict[str, float | None] = {
        "gaze.contact_share": float(sums[CENTRE]) / seen_s,
        "gaze.left_share": float(shares[0]),
        "gaze.centre_share": float(shares[1]),
        "gaze.right_share": float(shares[2]),
        "gaze.shift_rate": float(sums[9]) / (seen_s / 60),
        "gaze.look_away": present_s if is_away else longest_s,
        "gaze.zone": None if state.zone is None else float(state.zone),
    }
    quality = float(sums[10]) / seen_s * min(1.0, seen_s / (WINDOW_S / 2))
    age_s = t_s - (state.watch.seen_s or t_s)
    return tuple(
        Signal(name=name, value=value, quality=quality, reason=Reason.OK, age_s=age_s)
        if value is not None
        else Signal(name=name, value=None, quality=0.0, reason=Reason.TOO_SHORT, age_s=0.0)
        for name, value in values.items()
    )


def _centre(directions: Seconds) -> tuple[float, float] | None:
    means = second_means(directions, 0, slice(1, 3), min_weight=0.3)
    if len(means) < MIN_CENTRE_SECONDS:
        return None
    yaw, pitch = np.median(means, axis=0).tolist()
    return yaw, pitch


def _hold(state: GazeState, t_s: float, zone: int) -> tuple[GazeState, bool]:
    """Change the zone once another one is held; returns whether it changed from one to another."""
    if zone == state.zone:
        return replace(state, candidate=None), False
    since_s = state.candidate[1] if state.candidate is not None and state.candidate[0] == zone else t_s
    if t_s - since_s < HOLD_S:
        return replace(state, candidate=(zone, since_s)), False
    has_shifted = state.zone is not None
    state = replace(state, zone=zone, candidate=None)
    if zone == CENTRE:
        return _end_away(state, since_s), has_shifted
    if state.away_from_s is None:
        state = replace(state, away_from_s=since_s)
    return state, has_shifted


def _end_away(state: GazeState, end_s: float | None) -> GazeState:
    """Note a look away that is over, if it was one."""
    if state.away_from_s is None or end_s is None:
        return replace(state, away_from_s=None)
    aways = tuple(away for away in state.aways if away[1] > end_s - WINDOW_S)
    if end_s - state.away_from_s >= AWAY_S:
        aways = (*aways, (state.away_from_s, end_s))
    return replace(state, away_from_s=None, aways=aways)
