"""Measure how well a covered lower face is recognised: ``scripts/evaluate_cover [--video FILE] [--json]``.

On the portrait in three poses, and on frames of a video of bare faces (one every 2 s), masks and beards are drawn
(scripts/mask_faces.py) and seen in several lights; FaceMesh looks anew each time. A row says for one kind of face, or
one light of bare and bearded faces, in what share of pictures the lower face counted as covered.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from models.face_mesh import FaceMeshFinder
from pipeline.types import FloatArray, ImageArray
from pipeline.video.cover import measure_cover
from pipeline.video.face import MOSTLY_COVERED
from scripts.mask_faces import BEARDS, LIGHTS, MASKS, draw_beard, draw_mask, light
from server.demo.portrait import Portrait, Pose

PERIOD_S = 2.0
POSES = (Pose(), Pose(smile_lost=1.0), Pose(jaw=0.9, roll_deg=8.0))


def main() -> int:
    """Print the figures; return 2 when the video cannot be used."""
    parser = argparse.ArgumentParser(
        prog="evaluate_cover", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--video", type=Path, help="a video of bare faces beside the portrait")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    try:
        rows = measure([*(Portrait().render(pose) for pose in POSES), *read_pictures(options.video)])
    except (OSError, av.FFmpegError) as exc:
        print(f"evaluate_cover: {exc}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(rows))
    else:
        for row in rows:
            print(f"{row['face']:40s} {row['n']:5d}  covered {row['covered']:.3f}")
    return 0


def read_pictures(file: Path | None) -> Iterator[ImageArray]:
    """Yield a picture of a video every PERIOD_S."""
    if file is None:
        return
    due_s = PERIOD_S / 2
    with av.open(str(file)) as source:
        for frame in source.decode(video=0):
            if (frame.time or 0.0) >= due_s:
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
                due_s += PERIOD_S


def measure(pictures: list[ImageArray]) -> list[dict[str, Any]]:
    """Return a row per kind of face, and per light of faces without a mask."""
    finder, rng = FaceMeshFinder(), np.random.default_rng(1)
    is_covered: dict[str, list[bool]] = defaultdict(list)
    for picture in pictures:
        bare = find(finder, picture)
        if bare is None:
            continue
        worn = {"bare": picture}
        worn |= {kind: draw_beard(picture, bare, kind, rng) for kind in BEARDS}
        worn |= {f"{kind} mask": draw_mask(picture, bare, kind, rng) for kind in MASKS}
        for kind, face in worn.items():
            for name in LIGHTS:
                seen = light(face, name)
                points = find(finder, seen)
                if points is None:
                    continue
                found = measure_cover(seen, points) >= MOSTLY_COVERED
                is_covered[kind].append(found)
                if not kind.endswith("mask"):
                    is_covered[f"without a mask, {name}"].append(found)
    finder.close()
    return [
        {"face": kind, "n": len(found), "covered": round(float(np.mean(found)), 3)}
        for kind, found in is_covered.items()
    ]


def find(finder: FaceMeshFinder, picture: ImageArray) -> FloatArray | None:
    """Return the landmarks of a picture that may show another face than the one before."""
    finder(picture)
    landmarks = finder(picture)
    return None if landmarks is None else landmarks.points


if __name__ == "__main__":
    sys.exit(main())
