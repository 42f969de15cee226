"""How long each step of measuring a face takes: ``scripts/bench face [--frames 300] [--json]``.

A VP8 clip of the talking portrait, 640x480, goes through decoder, tracker, extractors and networks
on one thread, as in a worker. Times are processor time, so other work on the machine changes them less than it would
change the clock's; they are medians over the frames of the named step. The networks run at the rate of a live session,
so ``all`` weighs them: milliseconds of one core per frame with everything on. Sessions per core is the video alone, at
the landmark rate of a live session.
"""

import argparse
import json
import pickle
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from models.face_mesh import FaceMeshFinder
from models.loader import load_emotion_classifier, load_eye_classifier
from pipeline.evidence import EvidenceState, take_evidence
from pipeline.video.blinks import follow_blinks
from pipeline.video.expression import follow_expression
from pipeline.video.eyes import look_at_eyes
from pipeline.video.face import measure_face
from pipeline.video.frame import make_frame
from pipeline.video.gaze import follow_gaze
from pipeline.video.geometry import measure_geometry
from pipeline.video.head import follow_head
from pipeline.video.shape import ShapeState, view_shape
from scripts.bench_analysis_clip import encode_clip
from server.analysis.decode import VideoDecoder
from server.config import Config
from server.media import Codec, EncodedFrame, Kind

CLIP_S = 6.0
WARM_UP_FRAMES = 20
TARGET_MS = 12.0


class Stopwatch:
    """Processor time of named steps."""

    def __init__(self) -> None:
        self.times_ms: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a block."""
        began = time.process_time_ns()
        yield
        self.times_ms[name].append((time.process_time_ns() - began) / 1e6)

    def median_ms(self, name: str) -> float:
        """Median of a step, 0 when it never ran."""
        times = self.times_ms[name]
        return float(np.median(times)) if times else 0.0


def main() -> None:
    """Measure and print."""
    options = parse_options()
    cv2.setNumThreads(1)
    figures = measure(options.frames)
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures["ms"].items():
        print(f"{name:22s}{value:8.3f} ms")
    for name in ("all_ms_per_frame", "target_ms_per_frame", "sessions_per_core", "state_kB"):
        print(f"{name:22s}{figures[name]:8.2f}")


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="bench face", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=300, help="frames to measure (default: 300)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def measure(n_frames: int) -> dict[str, Any]:
    """Run frames through every step, one step after the other, and return the figures."""
    config = Config.from_env({}, {"data_dir": str(Path.cwd())})
    classify, read_eyes = load_emotion_classifier(), load_eye_classifier()
    finder, watch = FaceMeshFinder(), Stopwatch()
    shape, evidence = ShapeState(), EvidenceState()
    every = max(1, round(config.landmark_fps / config.analysis_fps))
    for i_frame, (t_s, decode) in enumerate(_decodings(n_frames + WARM_UP_FRAMES)):
        if i_frame == WARM_UP_FRAMES:
            watch = Stopwatch()
        with watch.step("decode"):
            rgb = decode()
        assert rgb is not None
        with watch.step("landmarks"):
            landmarks = finder(rgb)
        with watch.step("frame"):
            frame = make_frame(t_s=t_s, rgb=rgb, landmarks=landmarks, kbps=None)
        with watch.step("geometry"):
            geometry = measure_geometry(frame)
        with watch.step("blinks"):
            blinks = follow_blinks(shape.blinks, geometry)
        with watch.step("gaze"):
            gaze = follow_gaze(shape.gaze, geometry, blinks.ratio)
        with watch.step("head"):
            head = follow_head(shape.head, geometry)
        with watch.step("expression"):
            expression = follow_expression(shape.expression, geometry, blinks.ratio)
        shape = ShapeState(blinks=blinks, gaze=gaze, head=head, expression=expression)
        with watch.step("evidence"):
            evidence = take_evidence(evidence, frame)
        if i_frame % every == 0:
            with watch.step("emotion_network"):
                face = measure_face(t_s=t_s, rgb=rgb, landmarks=landmarks, classify=classify, cover=frame.cover)
            with watch.step("eyes_network"):
                look_at_eyes(face, read_eyes)
        if i_frame % round(config.landmark_fps) == 0:
            with watch.step("view"):
                view_shape(shape, t_s)
    finder.close()
    ms = {name: round(watch.median_ms(name), 4) for name in watch.times_ms}
    # The evidence holds the extractors that are named above and whatever else hears frames, such as the pulse.
    ms["other_evidence"] = round(
        max(0.0, ms["evidence"] - sum(ms[name] for name in ("geometry", "blinks", "gaze", "head", "expression"))), 4
    )
    per_frame = sum(ms[name] for name in ("decode", "landmarks", "frame", "evidence"))
    per_frame += (ms["emotion_network"] + ms["eyes_network"]) / every + ms["view"] / config.landmark_fps
    return {
        "ms": ms,
        "all_ms_per_frame": round(per_frame, 3),
        "target_ms_per_frame": TARGET_MS,
        "networks_every_frames": every,
        "sessions_per_core": round(1000 / (per_frame * config.landmark_fps), 2),
        "state_kB": round(len(pickle.dumps(evidence)) / 1000, 1),
    }


def _decodings(n_frames: int) -> Iterator[tuple[float, Callable[[], Any]]]:
    """Yield times and calls that decode the frame of that time, the clip again and again."""
    clip, decoder = encode_clip(CLIP_S).video, VideoDecoder(Codec.VP8)
    for i_frame in range(n_frames):
        n_loops, i_packet = divmod(i_frame, len(clip))
        due_s, data = clip[i_packet]
        t_s = n_loops * CLIP_S + due_s
        packet = EncodedFrame(
            kind=Kind.VIDEO,
            codec=Codec.VP8,
            data=data,
            rtp_timestamp=round(t_s * 90_000),
            arrival_s=t_s,
            capture_s=t_s,
            is_keyframe=i_packet == 0,
        )
        yield t_s, lambda packet=packet: decoder.decode(packet, wants_picture=True)  # type: ignore[misc]


if __name__ == "__main__":
    main()
