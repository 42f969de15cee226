"""What ``scripts.show`` draws: onto a frame, and as plots over time."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from pipeline.catalogue import CATALOGUE
from pipeline.types import EMOTIONS, Estimate, FaceFrame, ImageArray, Reason
from pipeline.video.gaze import CENTRE
from pipeline.video.geometry import FaceGeometry, rotation_from_angles
from pipeline.video.shape import ShapeState

_MESH, _IRIS, _GAZE, _TEXT = (120, 220, 120), (255, 230, 60), (255, 120, 40), (255, 255, 255)
_OUTLINE = (0, 0, 0)
_AXES = ((230, 60, 60), (60, 200, 60), (80, 120, 255))
_ZONES = ("up left", "up", "up right", "left", "centre", "right", "down left", "down", "down right")
_AXIS_SHARE = 0.9
TRACE_S = 6.0


def annotate(
    picture: ImageArray, frame: FaceFrame, geometry: FaceGeometry, state: ShapeState, newest: Estimate | None
) -> None:
    """Draw mesh, head axes, gaze, eyes, emotions and a few signals onto a picture of shape (height, width, 3)."""
    height = picture.shape[0]
    scale = height / 480
    if frame.points is not None:
        _draw_mesh(picture, frame)
        if geometry.has_head:
            _draw_axes(picture, frame, geometry)
        if geometry.reason is Reason.OK:
            _draw_gaze(picture, frame, geometry, state)
    eyes = state.blinks
    lines = [
        f"{frame.t_s:6.2f} s   {frame.n_faces} faces, number {frame.identity}",
        f"{geometry.reason.value}   quality {geometry.quality:.2f}",
        f"yaw {geometry.yaw_deg:+.0f}  pitch {geometry.pitch_deg:+.0f}  roll {geometry.roll_deg:+.0f}",
        f"eyes {'?' if eyes.ratio is None else f'{eyes.ratio:.2f}'}   blinks {sum(c.is_blink for c in eyes.closures)}",
        f"gaze {'?' if state.gaze.zone is None else _ZONES[state.gaze.zone]}",
        f"nods {len(state.head.nods)}  shakes {len(state.head.shakes)}",
    ]
    for i_line, line in enumerate(lines):
        _write(picture, line, (8, 18 + 18 * i_line), scale)
    if eyes.ongoing is not None:
        _write(picture, "BLINK", (picture.shape[1] // 2 - 30, 30), 1.6 * scale)
    if newest is not None and newest.emotions is not None:
        _draw_bars(picture, newest.emotions, scale)


def draw_trace(picture: ImageArray, levels: Sequence[tuple[float, float]], t_s: float) -> None:
    """Draw a trace of (time, level) of the last TRACE_S along the lower edge."""
    levels = [level for level in levels if level[0] > t_s - TRACE_S]
    if len(levels) < 3:
        return
    values = np.array([value for _, value in levels])
    spread = max(float(np.ptp(values)), 1e-6)
    height, width = picture.shape[:2]
    x = width * (1 - (t_s - np.array([at_s for at_s, _ in levels])) / TRACE_S)
    y = height - 10 - 40 * (values - values.min()) / spread
    cv2.polylines(picture, [np.column_stack((x, y)).astype(np.int32)], False, (255, 80, 80), 1, cv2.LINE_AA)


def plot_signals(estimates: Sequence[Estimate], ratios: Mapping[float, float], path: Path) -> None:
    """Write a picture of the eyes' opening and of every signal over time.

    Args:
        estimates: one a second.
        ratios: opening of the eyes over the open eyes, by time of the frame.
        path: where to.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    values = {name: [_value(estimate, name) for estimate in estimates] for name in CATALOGUE}
    known = [name for name, series in values.items() if any(value is not None for value in series)]
    n_rows = 1 + (len(known) + 3) // 4
    figure = plt.figure(figsize=(16, 1.7 * n_rows), layout="constrained")
    grid = figure.add_gridspec(n_rows, 4)
    top = figure.add_subplot(grid[0, :])
    top.plot(list(ratios), list(ratios.values()), linewidth=0.7)
    top.set_title("opening of the eyes, frame by frame", fontsize=8)
    times = [estimate.t_s for estimate in estimates]
    for i_name, name in enumerate(known):
        axes = figure.add_subplot(grid[1 + i_name // 4, i_name % 4])
        axes.plot(times, [np.nan if value is None else value for value in values[name]], linewidth=1)
        axes.set_title(f"{name} {CATALOGUE[name].unit}", fontsize=8)
        axes.tick_params(labelsize=6)
    figure.savefig(path, dpi=70)
    plt.close(figure)


def _value(estimate: Estimate, name: str) -> float | None:
    return next((signal.value for signal in estimate.signals if signal.name == name), None)


def _draw_mesh(picture: ImageArray, frame: FaceFrame) -> None:
    assert frame.points is not None
    for x, y in np.round(frame.points[:468, :2]).astype(int).tolist():
        cv2.circle(picture, (x, y), 0 if picture.shape[0] < 600 else 1, _MESH, -1)
    for centre, rim in ((468, range(469, 473)), (473, range(474, 478))):
        middle = frame.points[centre, :2]
        radius = float(np.linalg.norm(frame.points[list(rim), :2] - middle, axis=1).mean())
        cv2.circle(picture, _whole(middle), max(1, round(radius)), _IRIS, 1, cv2.LINE_AA)


def _draw_axes(picture: ImageArray, frame: FaceFrame, geometry: FaceGeometry) -> None:
    assert frame.points is not None
    turned = rotation_from_angles(geometry.yaw_deg, geometry.pitch_deg, geometry.roll_deg)
    middle = frame.points[168, :2]
    length = _AXIS_SHARE * float(np.linalg.norm(frame.points[263, :2] - frame.points[33, :2]))
    for axis, colour in zip(turned.T, _AXES, strict=True):
        end = middle + length * axis[:2] * (1, -1)
        cv2.line(picture, _whole(middle), _whole(end), colour, 2, cv2.LINE_AA)


def _draw_gaze(picture: ImageArray, frame: FaceFrame, geometry: FaceGeometry, state: ShapeState) -> None:
    assert frame.points is not None
    if state.gaze.centre_deg is None:
        return
    off = np.radians(np.subtract(geometry.gaze_deg, state.gaze.centre_deg))
    length = 1.5 * float(np.linalg.norm(frame.points[263, :2] - frame.points[33, :2]))
    for iris in (468, 473):
        start = frame.points[iris, :2]
        end = start + length * np.sin(off) * (1, -1)
        cv2.arrowedLine(picture, _whole(start), _whole(end), _GAZE, 2, cv2.LINE_AA, tipLength=0.2)
    zone = state.gaze.zone
    side = picture.shape[0] // 24
    left, top = picture.shape[1] - 3 * side - 8, 8
    for i_zone in range(9):
        # Mirrored: what is the person's own left lies to the right of the picture.
        row, column = i_zone // 3, 2 - i_zone % 3
        corner = (left + column * side, top + row * side)
        is_held = i_zone == zone
        colour = (90, 200, 90) if is_held and zone == CENTRE else _GAZE if is_held else (90, 90, 90)
        cv2.rectangle(picture, corner, (corner[0] + side - 2, corner[1] + side - 2), colour, -1 if is_held else 1)


def _draw_bars(picture: ImageArray, emotions: Sequence[float], scale: float) -> None:
    height = picture.shape[0]
    step = round(16 * scale)
    for i_bar, (name, share) in enumerate(zip(EMOTIONS, emotions, strict=True)):
        y = height - round(60 * scale) - step * (len(EMOTIONS) - i_bar)
        left = round(78 * scale)
        cv2.rectangle(picture, (left, y - step // 2), (left + round(100 * scale * share), y), (90, 160, 255), -1)
        _write(picture, name, (8, y / scale), scale)


def _write(picture: ImageArray, text: str, place: tuple[float, float], scale: float) -> None:
    x, y = round(place[0]), round(place[1] * scale)
    # Letters of another thickness are spaced otherwise, so the outline is the same text, moved.
    for dx, dy, colour in ((-1, 0, _OUTLINE), (1, 0, _OUTLINE), (0, -1, _OUTLINE), (0, 1, _OUTLINE), (0, 0, _TEXT)):
        cv2.putText(picture, text, (x + dx, y + dy), cv2.FONT_HERSHEY_SIMPLEX, 0.45 * scale, colour, 1, cv2.LINE_AA)


def _whole(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
