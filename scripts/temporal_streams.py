"""What a filter is measured on: held-out sequences and real talkers, as the emotion network answers them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.types import FloatArray
from scripts.temporal_figures import settled
from scripts.temporal_motion import Values
from scripts.temporal_network import EmbeddingNetwork
from scripts.temporal_sequences import FaceSequences, SequenceSpec, load_sequences, make_sequences, save_sequences
from scripts.temporal_talkers import read_talkers
from scripts.train_emotion_data import PUBLIC_TEST, LabelledFaces, load_ferplus7

FPS = 20
SEED = 77
STILL = SequenceSpec(n_frames=40, fps=FPS)
CHANGING = SequenceSpec(n_frames=60, fps=FPS, switching=1.0, switch_at=(0.45, 0.6))
WARPED = SequenceSpec(n_frames=60, fps=FPS, warped=True, switch_at=(0.45, 0.6))
CLEAR_SHARE = 0.8
"""Changes are made between faces whose raters agreed at least this much."""
MIN_MOVE = 0.15
"""Total variation distance of the network's answers before and after a warp that counts as a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """Streams of equal times as the network answered them."""

    p: Values
    """Shape (n, n_frames, 7)."""
    embeddings: FloatArray
    """Shape (n, n_frames, 1280)."""
    t_s: Values
    """Shape (n_frames,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Everything that one row of the table is measured on, at one frame rate."""

    still: Streams
    labels: npt.NDArray[np.int64]
    """Shape (n,), of the still sequences."""
    changing: Streams
    """One person fades into another with another label."""
    targets: npt.NDArray[np.int64]
    """Shape (n, n_frames), labels of the changing sequences."""
    ends: npt.NDArray[np.int64]
    """Shape (n, 2): the label before and the one after."""
    switch_s: Values
    """Shape (n,), the middle of the change."""
    warped: Streams
    """The same person takes on another expression, and the network's answer moves by MIN_MOVE or more."""
    warped_at_s: Values
    """Shape (n,), the middle of the warp."""
    talkers: list[Streams]
    """One stream for each person."""


def make_trials(
    *, data: Path, cache: Path, network: EmbeddingNetwork, sizes: tuple[int, int, int], skip: int, strides: list[int]
) -> dict[int, Trial]:
    """Make or read the sequences, let the network answer, and thin out to each frame rate.

    Args:
        data: folder of fer2013.npz and talkers.mp4.
        cache: folder that keeps what was made.
        network: the emotion network.
        sizes: number of still, of changing and of warped sequences.
        skip: the first so many faces are left out.
        strides: every how many frames of 20 a second.
    """
    names, specs = ("still", "changing", "warped"), (STILL, CHANGING, WARPED)
    made = [
        _made(data / "fer2013.npz", cache / f"{name}-{n}-{skip}", spec, skip, n)
        for name, spec, n in zip(names, specs, sizes, strict=True)
    ]
    key = hashlib.sha256(network.content).hexdigest()[:8]
    answered = [
        _embed(network, sequences, cache / f"{name}-{n}-{skip}-{key}.npz")
        for name, sequences, n in zip(names, made, sizes, strict=True)
    ]
    return {
        stride: _trial(made, [_thin(streams, stride) for streams in answered], stride, _talk(data, network, stride))
        for stride in strides
    }


def _made(faces_path: Path, path: Path, spec: SequenceSpec, skip: int, n: int) -> FaceSequences:
    path = path.with_suffix(".npz")
    if not path.exists():
        faces = load_ferplus7(faces_path, PUBLIC_TEST)
        rows = np.random.default_rng(SEED).permutation(len(faces.labels))
        if spec.switching or spec.warped:
            rows = rows[faces.shares[rows].max(axis=1) >= CLEAR_SHARE]
        rows = rows[skip : skip + n]
        chosen = LabelledFaces(pixels=faces.pixels[rows], labels=faces.labels[rows], shares=faces.shares[rows])
        save_sequences(make_sequences(chosen, spec, seed=SEED), path)
    return load_sequences(path)


def _embed(network: EmbeddingNetwork, made: FaceSequences, path: Path) -> Streams:
    if not path.exists():
        answers = [network(crops) for crops in made.crops]
        embeddings = np.stack([inner for _, inner in answers]).astype(np.float16)
        part = path.with_suffix(".part.npz")
        np.savez(part, p=np.stack([shares for shares, _ in answers]), embeddings=embeddings)
        part.replace(path)
    with np.load(path) as data:
        return Streams(p=data["p"].astype(np.float64), embeddings=data["embeddings"], t_s=made.t_s)


def _thin(streams: Streams, stride: int) -> Streams:
    return Streams(p=streams.p[:, ::stride], embeddings=streams.embeddings[:, ::stride], t_s=streams.t_s[::stride])


def _talk(data: Path, network: EmbeddingNetwork, stride: int) -> list[Streams]:
    talkers = []
    for person in read_talkers(data / "talkers.mp4", FPS / stride):
        shares, inner = network(person.crops)
        talkers.append(Streams(p=shares[None].astype(np.float64), embeddings=inner[None], t_s=person.t_s))
    return talkers


def _trial(made: list[FaceSequences], answered: list[Streams], stride: int, talkers: list[Streams]) -> Trial:
    still, changing, warped = answered
    targets = made[1].shares[:, ::stride].argmax(axis=2)
    before, after = settled(warped.p, warped.t_s, made[2].switch_s)
    moved = 0.5 * np.abs(after - before).sum(axis=1) >= MIN_MOVE
    return Trial(
        still=still,
        labels=made[0].shares[:, 0].argmax(axis=1),
        changing=changing,
        targets=targets,
        ends=np.stack((targets[:, 0], targets[:, -1]), axis=1),
        switch_s=made[1].switch_s,
        warped=Streams(p=warped.p[moved], embeddings=warped.embeddings[moved], t_s=warped.t_s),
        warped_at_s=made[2].switch_s[moved],
        talkers=talkers,
    )
