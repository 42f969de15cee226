"""Send the faces of fer2013.npz through real video codecs and write what comes out to codec.npz.

Faces of 60 to 200 px stand side by side in 640 x 480 pictures that move a little for some frames, as a person does;
each video is coded by libvpx (VP8) or libx264 at a quantiser drawn for it, from hardly visible to bad. That spans what
300 kbit/s to 2 Mbit/s make of a face: the bit rate itself would depend on what else is in the picture.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from pipeline.types import ImageArray
from scripts.video_codec import through_codec

WIDTH_PX, HEIGHT_PX = 640, 480
SIDES_PX = (60, 80, 120, 160, 200)
N_FRAMES = 5
"""Each face is seen in so many frames; the last is kept."""
QUANTISERS = {"vp8": (16, 28, 40, 52, 62), "h264": (22, 28, 34, 40, 44)}


def main() -> None:
    """Write codec.npz: pixels, shape and rows as in fer2013.npz."""
    parser = argparse.ArgumentParser(prog="code_faces", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of fer2013.npz; gets codec.npz")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with np.load(options.data / "fer2013.npz") as data:
        pixels = data["pixels"]
    np.savez_compressed(options.data / "codec.npz", pixels=code(pixels, options.seed))


def code(pixels: ImageArray, seed: int) -> ImageArray:
    """Return every face, shape (n, 48, 48), as it looks after a codec chosen for it at random."""
    rng = np.random.default_rng(seed)
    coded = pixels.copy()
    order = rng.permutation(len(pixels))
    i_first = 0
    while i_first < len(order):
        side_px = int(rng.choice(np.array(SIDES_PX)))
        per_picture = (WIDTH_PX // side_px) * (HEIGHT_PX // side_px)
        rows = order[i_first : i_first + 8 * per_picture]
        i_first += len(rows)
        codec = "vp8" if rng.random() < 0.7 else "h264"
        quantiser = int(rng.choice(np.array(QUANTISERS[codec])))
        pictures = [_picture(pixels[rows[i : i + per_picture]], side_px) for i in range(0, len(rows), per_picture)]
        frames = [np.roll(picture, shift, axis=1) for picture in pictures for shift in _sway(rng)]
        seen = through_codec(frames, codec, {"quantiser": quantiser})[N_FRAMES - 1 :: N_FRAMES]
        for i_picture, picture in enumerate(seen):
            part = rows[i_picture * per_picture : (i_picture + 1) * per_picture]
            coded[part] = _faces(picture, side_px, len(part))
    return coded


def _sway(rng: np.random.Generator) -> list[int]:
    """Small moves to the side that end where they began."""
    return [int(v) for v in rng.integers(-2, 3, N_FRAMES - 1)] + [0]


def _places(side_px: int) -> list[tuple[int, int]]:
    columns = WIDTH_PX // side_px
    return [(i // columns * side_px, i % columns * side_px) for i in range(columns * (HEIGHT_PX // side_px))]


def _picture(faces: ImageArray, side_px: int) -> ImageArray:
    picture = np.full((HEIGHT_PX, WIDTH_PX), 110, np.uint8)
    for face, (top, left) in zip(faces, _places(side_px), strict=False):
        large = cv2.resize(face, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
        picture[top : top + side_px, left : left + side_px] = large
    return picture


def _faces(picture: ImageArray, side_px: int, n: int) -> ImageArray:
    size = (48, 48)
    return np.stack([
        np.asarray(cv2.resize(picture[t : t + side_px, x : x + side_px], size, interpolation=cv2.INTER_AREA), np.uint8)
        for t, x in _places(side_px)[:n]
    ])  # fmt: skip


if __name__ == "__main__":
    main()
