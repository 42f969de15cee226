"""Labelled face sequences made from labelled stills: the face moves and speaks, a camera and VP8 do their part.

Four sequences share one picture of 320 x 320 px and the bit rate of one stream, so each face gets a quarter of it.
Decoded faces are cut out as ``pipeline.video.crop.level_face`` would, with a tracker that is never quite right.
The same faces, spec and seed give the same sequences, byte for byte.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.types import FloatArray, ImageArray
from pipeline.video.crop import SOURCE_SIZE_PX
from scripts.temporal_motion import Motion, Values, change_expression, draw_motion, mouth_darkness, sample_maps
from scripts.train_emotion_data import LabelledFaces
from scripts.video_codec import through_vp8

TILE_PX = 160
FACE_PX = 128
"""Side of the moved face before it is placed into its tile."""
FACE_SIDE_PX = (80.0, 130.0)
"""Side of the face crop in the picture; 100 px is a face at arm's length in 640 x 480."""
RATE_KBPS = (300.0, 1500.0)
"""Bit rate of the picture of four."""
FADE_S = (0.2, 0.3)
"""How long a change from one expression to another takes."""
N_WARM_UP = 4
"""Pictures encoded before a sequence begins: a call does not begin with each of them."""
FRAMING_SHIFT, FRAMING_ROLL, FRAMING_SCALE = 0.005, np.radians(0.5), 0.006
"""Standard deviation of the tracker's error: shares of the crop, radians, relative."""
CHIN_SHARE = 0.5
"""Part of the chin's way by which the crop grows and goes down when the mouth opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceSpec:
    """What kind of sequences to make."""

    n_frames: int
    fps: float = 20.0
    switching: float = 0.0
    """Share of sequences that change to another emotion's still in between."""
    warped: bool = False
    """The same face takes on another expression instead; what people would call it is not known."""
    switch_at: tuple[float, float] = (0.3, 0.7)
    """Where the middle of the change lies, shares of the sequence's length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSequences:
    """Sequences with what people said about the stills they come from."""

    crops: ImageArray
    """Shape (n, n_frames, 48, 48), grey."""
    shares: FloatArray
    """Shape (n, n_frames, 7), vote shares, mixed while one still fades into another."""
    t_s: Values
    """Shape (n_frames,), from 0."""
    switch_s: Values
    """Shape (n,), the middle of the change; NaN where nothing changes."""


def make_sequences(faces: LabelledFaces, spec: SequenceSpec, *, seed: int) -> FaceSequences:
    """Make one sequence of each face; a multiple of four of them, surplus faces are left out.

    Args:
        faces: the stills, at least four, 48 x 48.
        spec: length, frame rate and share of changes.
        seed: decides everything that is left to chance.

    Raises:
        ValueError: fewer than four faces.
    """
    if len(faces.labels) < 4:
        raise ValueError(f"four faces or more are needed, got {len(faces.labels)}")
    groups = list(_groups(faces, spec, seed))
    return FaceSequences(
        crops=np.concatenate([crops for crops, _, _ in groups]),
        shares=np.concatenate([shares for _, shares, _ in groups]),
        t_s=np.arange(spec.n_frames) / spec.fps,
        switch_s=np.concatenate([switch_s for _, _, switch_s in groups]),
    )


def save_sequences(sequences: FaceSequences, path: Path) -> None:
    """Write an npz, whole or not at all."""
    part = path.with_suffix(".part.npz")
    np.savez(part, crops=sequences.crops, shares=sequences.shares, t_s=sequences.t_s, switch_s=sequences.switch_s)
    part.replace(path)


def load_sequences(path: Path) -> FaceSequences:
    """Read what save_sequences wrote."""
    with np.load(path) as data:
        return FaceSequences(crops=data["crops"], shares=data["shares"], t_s=data["t_s"], switch_s=data["switch_s"])


def _groups(faces: LabelledFaces, spec: SequenceSpec, seed: int) -> Iterator[tuple[ImageArray, FloatArray, Values]]:
    t_s = (np.arange(spec.n_frames + N_WARM_UP) - N_WARM_UP) / spec.fps
    for i_group in range(len(faces.labels) // 4):
        rng = np.random.default_rng((seed, i_group))
        tiles, motions, shares, switches_s = [], [], [], []
        for i_face in range(4 * i_group, 4 * i_group + 4):
            into, switch_s = _draw_change(faces, i_face, spec, rng)
            mix = _fade(t_s, switch_s, rng.uniform(*FADE_S))
            motion = draw_motion(rng, t_s)
            if spec.warped:
                switch_s = float(rng.uniform(*spec.switch_at)) * t_s[-1]
                motion = change_expression(motion, _fade(t_s, switch_s, rng.uniform(*FADE_S)), rng)
            side_px = rng.uniform(*FACE_SIDE_PX)
            tiles.append(_film(faces.pixels[[i_face, into]], mix, motion, side_px, rng))
            motions.append((motion, side_px))
            shares.append(faces.shares[i_face] * (1 - mix[:, None]) + faces.shares[into] * mix[:, None])
            switches_s.append(switch_s)
        picture = _tile(tiles)
        kbps = float(np.exp(rng.uniform(*np.log(RATE_KBPS))))
        decoded = _untile(through_vp8(picture, kbps=kbps, fps=spec.fps))
        crops = [
            _cut(tile, motion, side_px, rng)[N_WARM_UP:]
            for tile, (motion, side_px) in zip(decoded, motions, strict=True)
        ]
        yield np.stack(crops), np.stack(shares)[:, N_WARM_UP:].astype(np.float32), np.array(switches_s)


def _draw_change(faces: LabelledFaces, i_face: int, spec: SequenceSpec, rng: np.random.Generator) -> tuple[int, float]:
    """Return the face that the sequence ends with and the time of the change, NaN for none."""
    others = np.flatnonzero(faces.labels != faces.labels[i_face])
    if rng.random() >= spec.switching or len(others) == 0:
        return i_face, float("nan")
    length_s = (spec.n_frames - 1) / spec.fps
    return int(rng.choice(others)), float(rng.uniform(*spec.switch_at)) * length_s


def _fade(t_s: Values, switch_s: float, duration_s: float) -> Values:
    """Return the share of the second still, 0 to 1 along a smooth step; all 0 without a change."""
    if np.isnan(switch_s):
        return np.zeros(len(t_s))
    x = np.clip((t_s - switch_s) / duration_s + 0.5, 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x), np.float64)


def _film(stills: ImageArray, mix: Values, motion: Motion, side_px: float, rng: np.random.Generator) -> ImageArray:
    """Show a face that moves before a camera; returns shape (n_frames, TILE_PX, TILE_PX)."""
    size = (FACE_PX, FACE_PX)
    first, second = (cv2.resize(still, size, interpolation=cv2.INTER_CUBIC).astype(np.float32) for still in stills)
    maps, gains = sample_maps(motion), mouth_darkness(motion)
    light = rng.uniform(0.6, 1.2) * (1 + 0.02 * np.sin(2 * np.pi * rng.uniform(1, 9) * np.arange(len(mix)) / 20))
    light = light * (1 + np.cumsum(rng.normal(0, 0.004, len(mix))))
    noise = rng.uniform(0.5, 4.0) * rng.standard_normal((TILE_PX + 64, TILE_PX + 64)).astype(np.float32)
    tile = np.empty((len(mix), TILE_PX, TILE_PX), np.uint8)
    for i, share in enumerate(mix):
        where = cv2.resize(maps[i], size, interpolation=cv2.INTER_LINEAR) * FACE_PX - 0.5
        still = first if share == 0 else (1 - share) * first + share * second
        face = cv2.remap(
            still.astype(np.float32), where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        face = face * cv2.resize(gains[i], size, interpolation=cv2.INTER_LINEAR)
        placed = cv2.warpAffine(
            face, _placing(motion, i, side_px), (TILE_PX, TILE_PX), flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        dx, dy = rng.integers(0, 64, 2)
        grain = noise[dy : dy + TILE_PX, dx : dx + TILE_PX]
        tile[i] = np.clip(np.rint(placed * light[i] + grain), 0, 255)
    return tile


def _placing(motion: Motion, i: int, side_px: float) -> Values:
    """Return the matrix (2, 3) from pixels of the moved face to pixels of the tile."""
    middle = TILE_PX / 2 + side_px * np.array((motion.shift_x[i], motion.shift_y[i]))
    return _rotated(middle, motion.roll[i], side_px * motion.scale[i] / FACE_PX, FACE_PX / 2)


def _rotated(middle: Values, angle: float, scale: float, source_middle: float) -> Values:
    turn = scale * np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))
    return np.column_stack((turn, middle - turn @ np.full(2, source_middle)))


def _cut(tile: ImageArray, motion: Motion, side_px: float, rng: np.random.Generator) -> ImageArray:
    """Cut the face out again, levelled and framed as FaceMesh's oval would have it, with small errors."""
    n = len(tile)
    errors = _lag(rng.standard_normal((4, n)), 0.7)
    factor = int(np.ceil(side_px / SOURCE_SIZE_PX))
    fine_px = SOURCE_SIZE_PX * factor
    crops = np.empty((n, SOURCE_SIZE_PX, SOURCE_SIZE_PX), np.uint8)
    for i in range(n):
        # The chin is part of the oval: an open mouth makes the crop larger and moves it down.
        chin = CHIN_SHARE * motion.jaw[i]
        side = side_px * motion.scale[i] * (1 + chin + FRAMING_SCALE * errors[0, i])
        shift = np.array((motion.shift_x[i], motion.shift_y[i])) + FRAMING_SHIFT * errors[1:3, i] + (0, chin / 2)
        middle = TILE_PX / 2 + side_px * shift
        to_tile = _rotated(middle, motion.roll[i] + FRAMING_ROLL * errors[3, i], side / fine_px, fine_px / 2)
        fine = cv2.warpAffine(
            tile[i], to_tile, (fine_px, fine_px), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        crops[i] = cv2.resize(fine, (SOURCE_SIZE_PX, SOURCE_SIZE_PX), interpolation=cv2.INTER_AREA)
    return crops


def _lag(steps: Values, memory: float) -> Values:
    """Turn white noise into noise that remembers, of the same variance, along the last axis."""
    out = np.empty_like(steps)
    out[:, 0] = steps[:, 0]
    for i in range(1, steps.shape[1]):
        out[:, i] = memory * out[:, i - 1] + (1 - memory**2) ** 0.5 * steps[:, i]
    return out


def _tile(tiles: list[ImageArray]) -> npt.NDArray[np.uint8]:
    rows = [np.concatenate(tiles[i : i + 2], axis=2) for i in (0, 2)]
    return np.concatenate(rows, axis=1)


def _untile(pictures: ImageArray) -> list[ImageArray]:
    return [pictures[:, y : y + TILE_PX, x : x + TILE_PX] for y in (0, TILE_PX) for x in (0, TILE_PX)]
