"""Show what is measured in a video: an annotated copy of it and a picture of plots.

    scripts/show FILE [--out FOLDER] [--seconds 60]

Into the folder go NAME-shown.mp4 (mesh, head axes, gaze arrows and zone, blinks, emotions by the deployed network, and
the trace of the skin's green where the frames carry it) and NAME-signals.png (every known signal over time). The same
functions measure here as in a live interview.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.stream import VideoStream

from models.errors import ModelError
from models.face_mesh import FaceMeshFinder
from models.loader import load_emotion_classifier, load_eye_classifier
from pipeline.session import new_session, step
from pipeline.types import Estimate, FaceFrame, ImageArray, Tick
from pipeline.video.eyes import look_at_eyes
from pipeline.video.face import measure_face
from pipeline.video.frame import make_frame
from pipeline.video.geometry import measure_geometry
from scripts.show_drawing import annotate, draw_trace, plot_signals

EMOTION_PERIOD_S = 0.2
MAX_SIDE_PX = 1280


def main() -> int:
    """Write both files; return 2 when the video cannot be read."""
    options = parse_options()
    cv2.setNumThreads(1)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        video, plots = show(options.file, options.out, options.seconds)
    except (ModelError, OSError, av.FFmpegError, ValueError) as exc:
        print(f"show: {exc}", file=sys.stderr)
        return 2
    print(f"{video}\n{plots}")
    return 0


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="show", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="a video file")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the results (default: here)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how much of the video (default: 60)")
    return parser.parse_args()


def show(file: Path, folder: Path, seconds: float) -> tuple[Path, Path]:
    """Measure a video, write the annotated copy and the plots, and return where they are."""
    shown, plots = folder / f"{file.stem}-shown.mp4", folder / f"{file.stem}-signals.png"
    classify, read_eyes, finder = load_emotion_classifier(), load_eye_classifier(), FaceMeshFinder()
    state, tick_s, reading_s = new_session(), 1.0, 0.0
    estimates: list[Estimate] = []
    ratios: dict[float, float] = {}
    green: list[tuple[float, float]] = []
    with av.open(str(shown), "w") as target:
        stream: VideoStream | None = None
        for t_s, rgb, fps in read_frames(file, seconds):
            while t_s >= tick_s:
                state, made = step(state, Tick(t_s=tick_s))
                estimates += made
                tick_s += 1.0
            landmarks = finder(rgb)
            frame = make_frame(t_s=t_s, rgb=rgb, landmarks=landmarks, kbps=None)
            state, _ = step(state, frame)
            if t_s >= reading_s:
                face = measure_face(t_s=t_s, rgb=rgb, landmarks=landmarks, classify=classify, cover=frame.cover)
                state, _ = step(state, look_at_eyes(face, read_eyes).sample)
                reading_s = t_s + EMOTION_PERIOD_S
            shape = state.evidence.shape
            if shape.blinks.ratio is not None:
                ratios[t_s] = shape.blinks.ratio
            green += _green(frame)
            picture = np.ascontiguousarray(rgb)
            annotate(picture, frame, measure_geometry(frame), shape, estimates[-1] if estimates else None)
            draw_trace(picture, green, t_s)
            stream = stream or _begin(target, picture, fps)
            target.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        if stream is None:
            raise ValueError(f"{file} has no pictures")
        target.mux(stream.encode())
    finder.close()
    plot_signals(estimates, ratios, plots)
    return shown, plots


def read_frames(file: Path, seconds: float) -> Iterator[tuple[float, ImageArray, int]]:
    """Yield time, picture (sides even, the longer at most MAX_SIDE_PX) and the file's frames per second."""
    with av.open(str(file)) as source:
        if not source.streams.video:
            raise ValueError(f"{file} has no video")
        stream = source.streams.video[0]
        fps = max(1, round(float(stream.average_rate or 25)))
        for i_frame, picture in enumerate(source.decode(stream)):
            t_s = i_frame / fps if picture.time is None else float(picture.time)
            if t_s > seconds:
                return
            scale = min(1.0, MAX_SIDE_PX / max(picture.width, picture.height))
            width, height = (2 * round(side * scale / 2) for side in (picture.width, picture.height))
            rgb = picture.reformat(width=width, height=height, format="rgb24").to_ndarray()
            yield t_s, np.asarray(rgb, np.uint8), fps


def _begin(target: av.container.OutputContainer, picture: ImageArray, fps: int) -> VideoStream:
    stream = target.add_stream("libx264", rate=fps)
    assert isinstance(stream, VideoStream)
    stream.height, stream.width = picture.shape[:2]
    stream.pix_fmt = "yuv420p"
    stream.options = {"crf": "22", "preset": "veryfast"}
    return stream


def _green(frame: FaceFrame) -> list[tuple[float, float]]:
    """The mean green of the skin regions that are seen."""
    if frame.skin is None or not np.isfinite(frame.skin[:, 1]).any():
        return []
    return [(frame.t_s, float(np.nanmean(frame.skin[:, 1])))]


if __name__ == "__main__":
    sys.exit(main())
