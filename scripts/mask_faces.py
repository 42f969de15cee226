"""Masks and beards drawn over a face, and the light it is then seen in: what recognising a mask is measured on."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.types import FloatArray, ImageArray
from pipeline.video.geometry import OUTER_CORNERS

Pixels = npt.NDArray[np.floating[Any]]

# FaceMesh indices: the upper edge of a mask from ear to ear over the bridge of the nose, then the jaw back again.
_MASK = (
    234, 227, 117, 118, 119, 47, 196, 195, 419, 277, 348, 347, 346, 447, 454,
    361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132,
)  # fmt: skip
_BEARD = (
    132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361,
    435, 434, 432, 436, 426, 391, 393, 164, 167, 165, 206, 216, 212, 214, 215,
)  # fmt: skip
_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)

MASKS: dict[str, tuple[int, int, int] | None] = {
    "blue": (132, 192, 236),
    "white": (247, 247, 247),
    "grey": (132, 132, 134),
    "black": (42, 42, 44),
    "red": (170, 50, 60),
    "skin": (225, 187, 154),
    "pattern": None,
}
"""Colour in light that shows a face at level 150; None is a pattern of many colours."""
BEARDS = {"dark beard": (35, 28, 25, 0.8), "grey beard": (130, 128, 125, 0.75), "short beard": (35, 28, 25, 0.4)}
"""Colour, and how much of the skin it hides."""


def draw_mask(rgb: ImageArray, points: FloatArray, kind: str, rng: np.random.Generator) -> ImageArray:
    """Draw one of MASKS over the face with these FaceMesh points; folds, shade and noise included."""
    outline = points[_MASK, :2].astype(np.float64)
    middle = outline.mean(axis=0)
    inside = _fill(rgb, outline)
    light = float(np.median(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[inside > 0.5])) / 150
    size_px = float(np.linalg.norm(points[OUTER_CORNERS[1], :2] - points[OUTER_CORNERS[0], :2]))
    rows, columns = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
    u, v = (columns - middle[0]) / size_px, (rows - middle[1]) / size_px
    shade = 1 - 0.25 * np.minimum(u**2, 1.5) + 0.06 * np.sin(20 * v) + 0.1 * np.exp(-((u / 0.12) ** 2))
    colour = MASKS[kind]
    cloth: Pixels = (
        np.stack([110 + 70 * np.sin(9 * u + i) * np.sin(8 * v + 2 * i) for i in range(3)], axis=-1)
        if colour is None
        else np.broadcast_to(np.array(colour, np.float64), rgb.shape)
    )
    cloth = cloth * light * shade[..., None] + rng.normal(0, 3, rgb.shape)
    return _levels(rgb + (cloth - rgb) * cv2.GaussianBlur(inside, (0, 0), 1.0)[..., None])


def draw_beard(rgb: ImageArray, points: FloatArray, kind: str, rng: np.random.Generator) -> ImageArray:
    """Draw one of BEARDS over the face with these FaceMesh points; the lips stay bare."""
    inside = _fill(rgb, points[_BEARD, :2])
    inside[_fill(rgb, points[_LIPS, :2]) > 0] = 0
    *colour, strength = BEARDS[kind]
    light = float(np.median(rgb[inside > 0.5])) / 130
    hair = cv2.GaussianBlur(rng.normal(1, 0.25, rgb.shape[:2]), (0, 0), 0.7)[..., None] * np.array(colour) * light
    return _levels(rgb + (hair - rgb) * strength * cv2.GaussianBlur(inside, (0, 0), 2.0)[..., None])


def _dim(rgb: ImageArray) -> Pixels:
    noise: Pixels = np.random.default_rng(1).normal(0, 3, rgb.shape)
    return rgb * 0.25 + noise


def _glow(rgb: ImageArray) -> Pixels:
    """Blue light of a screen, from below: at the lower edge blue is half as strong again."""
    down = np.linspace(0, 1, len(rgb))[:, None, None]
    seen: Pixels = rgb * 0.7 * (1 + down * np.array((0.0, 0.15, 0.5)))
    return seen


def _soft(rgb: ImageArray) -> Pixels:
    small = cv2.resize(rgb, None, fx=1 / 3, fy=1 / 3, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, rgb.shape[1::-1]), np.float64)


def _jpeg(rgb: ImageArray) -> Pixels:
    _, packed = cv2.imencode(".jpg", rgb[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 18))
    unpacked = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.float64)
    return unpacked[..., ::-1]


LIGHTS: dict[str, Callable[[ImageArray], Pixels]] = {
    "plain": lambda rgb: rgb.astype(np.float64),
    "dim": _dim,
    "bright": lambda rgb: rgb * 1.5,
    "warm": lambda rgb: rgb * np.array((1.15, 0.95, 0.65)),
    "cool": lambda rgb: rgb * np.array((0.8, 0.97, 1.2)),
    "from the side": lambda rgb: rgb * np.linspace(1.25, 0.45, rgb.shape[1])[None, :, None],
    "from above": lambda rgb: rgb * np.linspace(1.5, 0.5, len(rgb))[:, None, None],
    "screen from below": _glow,
    "dark skin": lambda rgb: 255 * (rgb / 255) ** 1.8,
    "soft": _soft,
    "compressed": _jpeg,
}
"""Skin that is darkened by a power keeps its lips; it stands for dark skin as far as one picture can."""


def light(rgb: ImageArray, kind: str) -> ImageArray:
    """See a picture in one of LIGHTS."""
    return _levels(LIGHTS[kind](rgb))


def _levels(values: Pixels) -> ImageArray:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def _fill(rgb: ImageArray, outline: FloatArray | Pixels) -> FloatArray:
    inside = np.zeros(rgb.shape[:2], np.float32)
    cv2.fillPoly(inside, [np.rint(outline).astype(np.int32)[None]], 1.0)
    return inside
