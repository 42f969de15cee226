from pathlib import Path

import av
import cv2
import pytest

from scripts.show import show
from server.demo.portrait import Portrait, Pose


def test_annotated_video_and_plots_are_written(tmp_path: Path):
    picture = Portrait().render(Pose())
    file = tmp_path / "clip.mp4"
    with av.open(str(file), "w") as target:
        stream = target.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for _ in range(12):
            target.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        target.mux(stream.encode())
    video, plots = show(file, tmp_path, seconds=5.0)
    with av.open(str(video)) as shown:
        frames = [frame.to_ndarray(format="rgb24") for frame in shown.decode(video=0)]
    assert len(frames) == 12
    # Something is drawn onto the face.
    assert cv2.absdiff(frames[-1], picture)[100:300, 200:450].max() > 60
    assert cv2.imread(str(plots)) is not None


def test_file_without_pictures_is_refused(tmp_path: Path):
    file = tmp_path / "sound.wav"
    with av.open(str(file), "w") as target:
        target.add_stream("pcm_s16le", rate=8000)
    with pytest.raises((ValueError, av.FFmpegError)):
        show(file, tmp_path, seconds=1.0)
