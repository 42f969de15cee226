"""Measure blinks, gaze zones and head pose on generated faces whose truth is known.

    scripts/evaluate_blink_gaze [--seconds 22] [--json]

A portrait with depth (``scripts.blink_gaze_faces``) blinks, looks into nine zones and turns its head; FaceMesh follows
it and the extractors of the live analyser measure it. Clips: a head held at five angles of yaw at 30 fps, one that goes
through all of them, 15 and 24 fps, and a tenth of the frames lost.

- blink_f1: a blink counts as found when a detected one overlaps it within 0.15 s.
- zone_accuracy: share of the frames, later than 0.4 s after a shift and outside of blinks, with the right zone of nine;
  side_accuracy the same of left, centre, right.
- pose_error_deg: mean absolute error of yaw, pitch and roll over poses within +-20 degrees of yaw and +-12 of pitch,
  against the geometry that the picture was rendered with; the largest beside it.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from models.face_mesh import FaceMeshFinder
from pipeline.video.frame import make_frame
from pipeline.video.gaze import CENTRE
from pipeline.video.geometry import measure_geometry
from pipeline.video.shape import ShapeState, follow_shape
from scripts.blink_gaze_faces import Blink, Face, RelieffedPortrait, frame_times, lid_at, random_blinks

YAWS_DEG = (-20.0, -10.0, 0.0, 10.0, 20.0)
PITCHES_DEG = (-12.0, 0.0, 12.0)
ROLLS_DEG = (-15.0, 15.0)
GAZE_YAW_DEG, GAZE_PITCH_DEG = 20.0, 15.0
"""Where the outer zones are looked into."""
LEARN_S = 7.0
"""At first the face looks into the middle."""
SHIFT_S = 1.5
SETTLE_S = 0.4
MATCH_S = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One sequence."""

    name: str
    yaws_deg: tuple[float, ...]
    """The head goes through them, SHIFT_S at each."""
    fps: float = 30.0
    dropped: float = 0.0


CLIPS = (
    *(Clip(name=f"yaw {yaw:+.0f}", yaws_deg=(yaw,)) for yaw in YAWS_DEG),
    Clip(name="turning", yaws_deg=(0.0, 10.0, 20.0, 10.0, 0.0, -10.0, -20.0, -10.0)),
    Clip(name="24 fps", yaws_deg=(0.0, 10.0), fps=24.0),
    Clip(name="15 fps", yaws_deg=(0.0, -10.0), fps=15.0),
    Clip(name="30 fps, 10 % lost", yaws_deg=(0.0, 10.0), dropped=0.1),
    Clip(name="15 fps, 10 % lost", yaws_deg=(0.0, -10.0), fps=15.0, dropped=0.1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Figures of one clip."""

    clip: str
    n_blinks: int
    n_found: int
    n_false: int
    blink_f1: float
    blink_duration_error_s: float
    """Median difference of the detected length at the threshold from the scripted one; a dip is narrower."""
    zone_accuracy: float
    side_accuracy: float
    n_frames: int


def main() -> None:
    """Measure and print."""
    options = parse_options()
    portrait = RelieffedPortrait()
    scores = [measure_clip(portrait, clip, seconds=options.seconds, seed=i) for i, clip in enumerate(CLIPS)]
    figures = {"clips": [asdict(score) for score in scores]} | overall(scores) | pose_errors(portrait)
    print(json.dumps(figures) if options.json else describe(figures))


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="evaluate_blink_gaze", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=22.0, help="length of each clip (default: 22)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def zone_face(zone: int) -> Face:
    """A face that looks into a zone, numbered as in ``pipeline.video.gaze``."""
    row, column = divmod(zone, 3)
    return Face(gaze_yaw_deg=(1 - column) * GAZE_YAW_DEG, gaze_pitch_deg=(1 - row) * GAZE_PITCH_DEG)


def script_zones(n: int, seed: int) -> tuple[int, ...]:
    """Zones one after the other: every other one the centre, else all in turn in random order."""
    random = np.random.default_rng(seed)
    outer: list[int] = []
    while 2 * len(outer) < n:
        outer += [int(z) for z in random.permutation([z for z in range(9) if z != CENTRE])]
    return tuple(zone for pair in zip(outer, (CENTRE,) * len(outer), strict=True) for zone in pair)[:n]


def measure_clip(portrait: RelieffedPortrait, clip: Clip, *, seconds: float, seed: int) -> Score:
    """Render a clip, follow it and compare with the truth."""
    zones = script_zones(1 + int(seconds / SHIFT_S), seed)
    blinks = random_blinks(seconds, seed=seed, first_s=LEARN_S - 3)
    finder, state = FaceMeshFinder(), ShapeState()
    seen, right, right_side = 0, 0, 0
    detected: dict[float, tuple[float, float]] = {}
    for t_s in frame_times(seconds, clip.fps, dropped=clip.dropped, seed=seed):
        shifts, since_s = divmod(t_s - LEARN_S, SHIFT_S)
        zone = CENTRE if t_s < LEARN_S else zones[int(shifts)]
        yaw = clip.yaws_deg[int(t_s / SHIFT_S) % len(clip.yaws_deg)]
        picture = portrait.render(replace(zone_face(zone), yaw_deg=yaw, lid=lid_at(blinks, t_s)))
        state = follow_shape(state, make_frame(t_s=t_s, rgb=picture, landmarks=finder(picture), kbps=None))
        for closure in state.blinks.closures[-2:]:
            if closure.is_blink:
                detected[closure.start_s] = (closure.start_s, closure.end_s)
        if t_s < LEARN_S or since_s < SETTLE_S or _is_near(blinks, t_s) or state.gaze.zone is None:
            continue
        seen += 1
        right += state.gaze.zone == zone
        right_side += state.gaze.zone % 3 == zone % 3
    finder.close()
    return _score(clip.name, blinks, list(detected.values()), (seen, right, right_side))


def _is_near(blinks: Sequence[Blink], t_s: float) -> bool:
    return any(blink.start_s - 0.1 < t_s < blink.start_s + blink.duration_s + 0.25 for blink in blinks)


def _score(
    name: str, blinks: Sequence[Blink], detected: Sequence[tuple[float, float]], frames: tuple[int, int, int]
) -> Score:
    free = list(detected)
    differences_s = []
    for blink in blinks:
        match = next((d for d in free if _overlap(blink, d)), None)
        if match is not None:
            free.remove(match)
            differences_s.append(match[1] - match[0] - blink.duration_s)
    seen, right, right_side = frames
    n_found = len(differences_s)
    return Score(
        clip=name,
        n_blinks=len(blinks),
        n_found=n_found,
        n_false=len(free),
        blink_f1=round(2 * n_found / max(1, len(blinks) + len(detected)), 4),
        blink_duration_error_s=round(float(np.median(differences_s)), 3) if differences_s else float("nan"),
        zone_accuracy=round(right / max(1, seen), 4),
        side_accuracy=round(right_side / max(1, seen), 4),
        n_frames=seen,
    )


def _overlap(blink: Blink, detected: tuple[float, float]) -> bool:
    return detected[0] < blink.start_s + blink.duration_s + MATCH_S and detected[1] > blink.start_s - MATCH_S


def overall(scores: Sequence[Score]) -> dict[str, Any]:
    """The figures over all clips."""
    n_frames = sum(score.n_frames for score in scores)
    found = sum(score.n_found for score in scores)
    total = sum(score.n_blinks + score.n_found + score.n_false for score in scores)
    return {
        "blink_f1": round(2 * found / max(1, total), 4),
        "zone_accuracy": round(sum(score.zone_accuracy * score.n_frames for score in scores) / max(1, n_frames), 4),
        "side_accuracy": round(sum(score.side_accuracy * score.n_frames for score in scores) / max(1, n_frames), 4),
    }


def pose_errors(portrait: RelieffedPortrait) -> dict[str, Any]:
    """Errors of the pose on still pictures."""
    faces = [Face(yaw_deg=yaw, pitch_deg=pitch) for yaw in YAWS_DEG for pitch in PITCHES_DEG]
    faces += [Face(yaw_deg=yaw, roll_deg=roll) for yaw in YAWS_DEG[1:-1] for roll in ROLLS_DEG]
    finder = FaceMeshFinder()
    errors = []
    for face in faces:
        picture = portrait.render(face)
        landmarks = [finder(picture) for _ in range(3)][-1]
        found = measure_geometry(make_frame(t_s=0.0, rgb=picture, landmarks=landmarks, kbps=None))
        errors.append((found.yaw_deg - face.yaw_deg, found.pitch_deg - face.pitch_deg, found.roll_deg - face.roll_deg))
    finder.close()
    names = ("yaw", "pitch", "roll")
    return {
        "pose_error_deg": dict(zip(names, np.abs(errors).mean(axis=0).round(2).tolist(), strict=True)),
        "pose_largest_error_deg": dict(zip(names, np.abs(errors).max(axis=0).round(2).tolist(), strict=True)),
        "poses": len(faces),
    }


def describe(figures: dict[str, Any]) -> str:
    """Write the figures for people."""
    rows = figures["clips"]
    lines = ["  ".join(f"{name:>16.16}" for name in rows[0])]
    lines += ["  ".join(f"{value!s:>16.16}" for value in row.values()) for row in rows]
    return "\n".join([*lines, "", *(f"{name}: {value}" for name, value in figures.items() if name != "clips")])


if __name__ == "__main__":
    main()
