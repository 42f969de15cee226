"""Measure the emotion network on labelled faces.

Without --protocol the npz holds `pixels` uint8 (N, H, W) or (N, H, W, 3), faces already cropped, and `label` (N,) of
class names; rows of other classes are left out and counted. With --protocol the npz is FER2013 with FER+ votes, and
`without_twins` has the figures of those test faces that are no other copy of a training face.

With --framing landmarks faces are levelled and framed first, as those of a call are, where FaceMesh finds landmarks
(n_framed).
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from models.errors import ModelError
from models.loader import OnnxEmotionClassifier, load_emotion_classifier
from pipeline.types import EMOTIONS, FloatArray, ImageArray
from pipeline.video.crop import prepare_faces
from scripts.align_faces import align
from scripts.evaluate_emotion_damage import damages, through_call
from scripts.evaluate_emotion_figures import accuracy, answer_in_batches, figures, median_ms
from scripts.face_framing import apply_framing
from scripts.train_emotion_data import TRAINING, LabelledFaces, load_fer2013, load_ferplus7, read_pixels
from scripts.train_emotion_twins import have_twin
from scripts.video_codec import ENCODERS

SYNONYMS = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}


def main() -> int:
    """Print the figures; return 2 when model or data cannot be used."""
    options = parse_options()
    cv2.setNumThreads(1)
    try:
        classifier = open_model(options.model, "fer2013" if options.protocol == "fer2013" else "probabilities")
        faces, n_left_out = read_faces(options.data, options.protocol, options.usage)
    except (ModelError, OSError, KeyError, ValueError) as exc:
        print(f"evaluate_emotion: {exc}", file=sys.stderr)
        return 2
    pictures, n_framed = faces.pixels, 0
    if options.framing == "landmarks":
        framing, found = align(pictures)
        faces, n_framed = replace(faces, pixels=apply_framing(pictures, framing)), int(found.sum())
    answers = classify(classifier, faces.pixels)
    result: dict[str, Any] = figures(answers, faces.labels)
    if options.protocol is not None and options.usage != TRAINING:
        alone = ~have_twin(pictures, read_pixels(options.data, TRAINING))
        if alone.any():
            result["without_twins"] = figures(answers[alone], faces.labels[alone])
    result |= {
        "n_left_out": n_left_out,
        "n_framed": n_framed,
        "ms_per_face": round(ms_per_face(classifier, faces.pixels), 3),
        "parameters": classifier.n_parameters,
        "model": classifier.version,
    }
    if options.damage:
        result["damage"] = {
            name: accuracy(classify(classifier, pixels), faces.labels) for name, pixels in damages(faces.pixels)
        }
    if options.kbps is not None:
        called = classify(classifier, through_call(faces.pixels, options.codec, options.kbps))
        right = accuracy(called, faces.labels)
        result["call"] = {
            "codec": options.codec,
            "kbps": options.kbps,
            "accuracy": right,
            "points_lost": round(100 * (result["accuracy"] - right), 2),
        }
    if options.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name:22s}{value}" for name, value in result.items()))
    return 0


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="evaluate_emotion", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="npz of faces")
    parser.add_argument("--model", type=Path, help="an ONNX file instead of the one of models/manifest.toml")
    parser.add_argument("--protocol", choices=("ferplus7", "fer2013"), help="how to read FER2013")
    parser.add_argument("--usage", type=int, default=1, help="0 Training, 1 PublicTest; with --protocol only")
    parser.add_argument("--framing", choices=("picture", "landmarks"), default="picture",
                        help="as the pictures frame them, or as in a call")  # fmt: skip
    parser.add_argument("--damage", action="store_true", help="also measure on smaller, blurred, darker faces")
    parser.add_argument("--kbps", type=int, help="also measure on faces sent through a video call of this bit rate")
    parser.add_argument("--codec", choices=sorted(ENCODERS), default="vp8", help="of that call")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    return parser.parse_args()


def open_model(path: Path | None, output: str = "probabilities") -> OnnxEmotionClassifier:
    """Open the given network, or the project's own; ``fer2013`` is the head that knows the original labels."""
    if path is None:
        return load_emotion_classifier(output=output)
    return OnnxEmotionClassifier(path.read_bytes(), source=str(path), name=path.stem, output=output)


def read_faces(path: Path, protocol: str | None, usage: int) -> tuple[LabelledFaces, int]:
    """Read faces and labels; return them with the number of rows left out.

    Raises:
        ValueError: no row can be used, or the arrays have the wrong shape.
        KeyError: an array is missing from the npz.
    """
    if protocol is not None:
        faces = (load_ferplus7 if protocol == "ferplus7" else load_fer2013)(path, usage)
        with np.load(path) as data:
            n_rows = int((data["usage"] == usage).sum())
    else:
        faces, n_rows = _read_labelled(path)
    if len(faces.labels) == 0:
        raise ValueError(f"{path} has no row of the seven emotions")
    return faces, n_rows - len(faces.labels)


def _read_labelled(path: Path) -> tuple[LabelledFaces, int]:
    with np.load(path) as data:
        pixels, names = data["pixels"], [str(name).lower() for name in data["label"]]
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4) or len(pixels) != len(names):
        raise ValueError(
            f"{path}: pixels must be uint8 (N, H, W) or (N, H, W, 3) with N labels, "
            f"got {pixels.dtype} {pixels.shape} and {len(names)} labels"
        )
    names = [SYNONYMS.get(name, name) for name in names]
    kept = [i for i, name in enumerate(names) if name in EMOTIONS]
    grey = pixels[kept]
    if grey.ndim == 4 and kept:
        grey = np.stack([cv2.cvtColor(face, cv2.COLOR_RGB2GRAY) for face in grey])
    labels = np.array([EMOTIONS.index(names[i]) for i in kept], np.int64)
    one_hot = np.eye(len(EMOTIONS), dtype=np.float32)[labels]
    return LabelledFaces(pixels=grey, labels=labels, shares=one_hot), len(names)


def classify(classifier: OnnxEmotionClassifier, pixels: ImageArray) -> FloatArray:
    """Classify faces of shape (n, height, width); returns shape (n, 7)."""
    return answer_in_batches(lambda faces: classifier(prepare_faces(faces)), pixels)


def ms_per_face(classifier: OnnxEmotionClassifier, pixels: ImageArray) -> float:
    """Return the median time of one face alone, resizing and normalising included, on one thread."""
    return median_ms(lambda face: classifier(prepare_faces(face)), pixels)


if __name__ == "__main__":
    sys.exit(main())
