"""What is kept of the face for the pulse, frame by frame, and how a stretch of it becomes evenly spaced."""

from dataclasses import dataclass, replace

import numpy as np

from pipeline.physiology.methods import RATE_HZ, Doubles
from pipeline.physiology.skin import MAX_TURN, turn
from pipeline.types import FaceFrame, FloatArray, Reason

KEPT_S = 150.0
"""How much is kept: enough for the slow variability of the pulse, 4500 frames at 30 frames a second."""

MAX_GAP_S = 0.2
"""A longer time without skin in view cuts the recording: what lies before is forgotten."""

MIN_STEP_S = 0.02
"""Frames that follow more closely are left out, so that 60 frames a second cost no more than 30."""

MERGE_AFTER = 32
"""Frames that are kept singly before they are joined to the rest; copying all at each frame would cost more."""

_N_COLUMNS = 17
_T, _SKIN, _X, _Y, _SPAN, _TILT, _TURN, _KBPS, _PIXELS = 0, slice(1, 10), 10, 11, 12, 13, 14, 15, 16

_EYE_CORNERS = (33, 263)
_STEADY = (33, 133, 362, 263, 6, 168)
"""Points that speech and expression hardly move: corners of the eyes and the bridge of the nose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """An uninterrupted stretch of one face."""

    joined: Doubles
    """Shape (n, 17): time, nine colours, five of place, bit rate, pixels of the frame."""
    pending: tuple[Doubles, ...] = ()
    """The newest frames, each of shape (17,)."""
    identity: int | None = None
    """Whose face it is; None before the first."""
    was_cut: bool = False
    """Whether it began anew after a gap or another face, and not with the session."""
    hidden_s: float | None = None
    """Time of the newest frame without skin in view."""
    hidden_reason: Reason = Reason.NO_VIDEO
    """Why that frame had none; NO_VIDEO before the first frame."""

    @property
    def rows(self) -> Doubles:
        """All frames, shape (n, 17)."""
        return np.concatenate((self.joined, self.pending)) if self.pending else self.joined

    @property
    def newest_s(self) -> float | None:
        """Time of the newest frame, None without one."""
        if self.pending:
            return float(self.pending[-1][_T])
        return float(self.joined[-1, _T]) if len(self.joined) else None


def new_recording() -> Recording:
    """Begin with nothing."""
    return Recording(joined=np.empty((0, _N_COLUMNS)))


def record(recording: Recording, frame: FaceFrame) -> Recording:
    """Take in the next frame; a frame that is not newer than the last changes nothing."""
    newest_s = recording.newest_s
    if newest_s is not None and frame.t_s <= newest_s:
        return recording
    if frame.points is None or frame.skin is None or not np.isfinite(frame.skin).any():
        return replace(recording, hidden_s=frame.t_s, hidden_reason=_why_hidden(frame.points))
    row = _row(frame, frame.points, frame.skin)
    is_other = recording.identity is not None and frame.identity != recording.identity
    if is_other or (newest_s is not None and frame.t_s - newest_s > MAX_GAP_S):
        return Recording(
            joined=np.empty((0, _N_COLUMNS)),
            pending=(row,),
            identity=frame.identity,
            was_cut=True,
            hidden_s=recording.hidden_s,
            hidden_reason=recording.hidden_reason,
        )
    if newest_s is not None and frame.t_s - newest_s < MIN_STEP_S:
        return recording
    pending = (*recording.pending, row)
    if len(pending) < MERGE_AFTER:
        return replace(recording, pending=pending, identity=frame.identity)
    rows = np.concatenate((recording.joined, pending))
    kept = rows[rows[:, _T] > frame.t_s - KEPT_S]
    return replace(recording, joined=kept, pending=(), identity=frame.identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch at RATE_HZ that ends at the newest frame."""

    regions: Doubles
    """Shape (n_regions, n, 3): red, green, blue over their means, of the regions that were in view throughout."""
    place: Doubles
    """Shape (n, 5): x and y of the face in spans between the outer corners of the eyes, the span's logarithm, tilt in
    radians, and :func:`pipeline.physiology.skin.turn`."""
    level: float
    """Mean green level of the skin, 0 to 255."""
    frame_rate_hz: float
    """Frames a second that came in."""
    bits_per_pixel: float | None
    """Of the compressed video, None when the bit rate is not known."""

    @property
    def length_s(self) -> float:
        """Length in seconds."""
        return float(self.regions.shape[1] - 1) / RATE_HZ


def cut_window(rows: Doubles, length_s: float) -> Window | None:
    """Take the last seconds of a recording, evenly spaced by linear interpolation.

    Args:
        rows: shape (n, 17), :attr:`Recording.rows`.
        length_s: the most seconds to take; fewer where no region was in view for so long.

    Returns:
        The window; None from fewer than two seconds.
    """
    if len(rows) < 2:
        return None
    rows = rows[rows[:, _T] >= rows[-1, _T] - length_s]
    starts = [_tail_start_s(rows[:, _T], rows[:, 1 + 3 * i_region]) for i_region in range(3)]
    start_s = min(starts)
    rows = rows[rows[:, _T] >= start_s]
    if len(rows) < 2 or rows[-1, _T] - rows[0, _T] < 2.0:
        return None
    t_s = rows[:, _T]
    # Counted back from the newest frame, so that the grid does not depend on where the window begins.
    grid_s = t_s[-1] - np.arange(int((t_s[-1] - t_s[0]) * RATE_HZ + 1e-6), -1, -1) / RATE_HZ
    whole = [i_region for i_region in range(3) if starts[i_region] <= start_s + MAX_GAP_S]
    regions = np.stack([_resample(rows, grid_s, slice(1 + 3 * i, 4 + 3 * i)) for i in whole])
    level = float(regions[..., 1].mean())
    place = _resample(rows, grid_s, slice(_X, _TURN + 1))
    span_px = max(float(np.median(place[:, 2])), 1.0)
    place[:, :2] /= span_px
    place[:, 2] = np.log(np.maximum(place[:, 2], 1.0) / span_px)
    frame_rate_hz = (len(t_s) - 1) / float(t_s[-1] - t_s[0])
    kbps = rows[np.isfinite(rows[:, _KBPS]), _KBPS]
    bits = float(np.median(kbps)) * 1000 / (frame_rate_hz * float(rows[-1, _PIXELS])) if len(kbps) else None
    return Window(
        regions=regions / regions.mean(axis=1, keepdims=True),
        place=place,
        level=level,
        frame_rate_hz=frame_rate_hz,
        bits_per_pixel=bits,
    )


def _row(frame: FaceFrame, points: FloatArray, skin: FloatArray) -> Doubles:
    row = np.full(_N_COLUMNS, np.nan)
    row[_T], row[_SKIN] = frame.t_s, skin.ravel()
    row[_X], row[_Y] = points[_STEADY, :2].mean(axis=0)
    across, down = points[_EYE_CORNERS[1], :2] - points[_EYE_CORNERS[0], :2]
    row[_SPAN], row[_TILT], row[_TURN] = np.hypot(across, down), np.arctan2(down, across), turn(points)
    row[_KBPS] = np.nan if frame.kbps is None else frame.kbps
    row[_PIXELS] = frame.size[0] * frame.size[1]
    return row


def _why_hidden(points: FloatArray | None) -> Reason:
    """Say why no skin is in view: light is the only other reason there is for a face that looks ahead."""
    if points is None:
        return Reason.NO_FACE
    return Reason.TURNED_AWAY if abs(turn(points)) > MAX_TURN else Reason.DARK


def _tail_start_s(t_s: Doubles, values: Doubles) -> float:
    """Return since when a series with NaN has had no hole longer than MAX_GAP_S, up to its end."""
    known_s = t_s[np.isfinite(values)]
    if not len(known_s) or t_s[-1] - known_s[-1] > MAX_GAP_S:
        return float("inf")
    holes = np.flatnonzero(np.diff(known_s) > MAX_GAP_S)
    return float(known_s[holes[-1] + 1] if len(holes) else known_s[0])


def _resample(rows: Doubles, grid_s: Doubles, columns: slice) -> Doubles:
    """Interpolate some columns at given times, shape (n_grid, n_columns), over the rows where they are known."""
    values = rows[:, columns]
    known = np.isfinite(values).all(axis=1)
    t_s = rows[known, _T]
    return np.column_stack([np.interp(grid_s, t_s, column) for column in values[known].T])
