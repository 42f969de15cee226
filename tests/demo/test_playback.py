import itertools

import av
import numpy as np
import pytest

from server import clock
from server.demo.playback import AUDIO_RATE_HZ, file_tracks


@pytest.fixture
def clip(tmp_path):
    """Half a second of grey pictures and a tone."""
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mjpeg", rate=20)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuvj420p"
        sound = container.add_stream("pcm_s16le", rate=AUDIO_RATE_HZ, layout="mono")
        for level in range(10):
            image = np.full((48, 64, 3), 20 * level, np.uint8)
            container.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuvj420p")))
        container.mux(picture.encode(None))
        tone = (8000 * np.sin(np.arange(AUDIO_RATE_HZ // 2) / 10)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        frame.sample_rate = AUDIO_RATE_HZ
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path


async def test_picture_and_sound_go_on_without_a_jump_when_the_file_begins_again(clip):
    # Started long ago, so that nothing waits.
    audio, video = file_tracks(clip, clock.monotonic_s() - 1000)
    pictures = [await video.recv() for _ in range(25)]
    sounds = [await audio.recv() for _ in range(60)]
    steps_ms = np.diff([1000 * frame.pts * frame.time_base for frame in pictures]).astype(float)
    assert np.all((steps_ms > 20) & (steps_ms < 80))
    assert [b.pts - a.pts for a, b in itertools.pairwise(sounds)].count(960) >= 57
    assert all(b.pts > a.pts for a, b in itertools.pairwise(sounds))
    assert np.abs(sounds[40].to_ndarray()).max() > 5000
    first, again = (pictures[i].to_ndarray(format="gray").mean() for i in (2, 12))
    assert abs(first - again) < 5


async def test_frames_come_when_they_are_due(clip):
    start_s = clock.monotonic_s()
    _, video = file_tracks(clip, start_s)
    for _ in range(6):
        await video.recv()
    assert clock.monotonic_s() - start_s >= 0.25


def test_something_else_is_refused(tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam")
    with pytest.raises(ValueError, match=r"cannot be read|nothing to play"):
        file_tracks(path, 0.0)
