"""Measure the eye network on the strips of FER2013 faces whose FER+ label is one of its six emotions."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from models.errors import ModelError
from models.loader import OnnxEyeClassifier, load_eye_classifier
from pipeline.types import EYE_EMOTIONS, FloatArray, ImageArray
from pipeline.video.eyes import prepare_strips
from scripts.evaluate_emotion_damage import damages
from scripts.evaluate_emotion_figures import class_figures, median_ms
from scripts.train_emotion_data import PUBLIC_TEST, LabelledFaces
from scripts.train_eyes_data import load_eyes6

BATCH = 64


def main() -> int:
    """Print the figures; return 2 when model or data cannot be used."""
    options = parse_options()
    cv2.setNumThreads(1)
    try:
        classifier = open_model(options.model)
        faces = load_eyes6(options.data, options.usage)
        if len(faces.labels) == 0:
            raise ValueError(f"{options.data} has no row of the six emotions with usage {options.usage}")
    except (ModelError, OSError, KeyError, ValueError) as exc:
        print(f"evaluate_eyes: {exc}", file=sys.stderr)
        return 2
    result = figures(classify(classifier, faces.pixels), faces)
    result |= {
        "ms": round(ms_per_strip(classifier, faces.pixels), 3),
        "parameters": classifier.n_parameters,
        "model": classifier.version,
    }
    if options.damage:
        result["damage"] = {
            name: round(float((classify(classifier, pixels).argmax(axis=1) == faces.labels).mean()), 4)
            for name, pixels in damages(faces.pixels)
        }
    if options.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name:14s}{value}" for name, value in result.items()))
    return 0


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="evaluate_eyes", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="npz of FER2013 with FER+ votes")
    parser.add_argument("--model", type=Path, help="an ONNX file instead of the one of models/manifest.toml")
    parser.add_argument("--usage", type=int, default=PUBLIC_TEST, help="0 Training, 1 PublicTest")
    parser.add_argument("--damage", action="store_true", help="also measure on smaller, blurred, darker faces")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    return parser.parse_args()


def open_model(path: Path | None) -> OnnxEyeClassifier:
    """Open the given network, or the project's own."""
    if path is None:
        return load_eye_classifier()
    return OnnxEyeClassifier(path.read_bytes(), source=str(path), name=path.stem)


def figures(shares: FloatArray, faces: LabelledFaces) -> dict[str, Any]:
    """Compute what follows from the answers.

    Args:
        shares: shape (n, 6), n >= 1, order EYE_EMOTIONS.
        faces: the same n faces, labels index into EYE_EMOTIONS.

    Returns:
        Those of :func:`class_figures` and majority (accuracy of always giving the most frequent label).
    """
    counts = np.bincount(faces.labels, minlength=len(EYE_EMOTIONS))
    return class_figures(shares, faces.labels, EYE_EMOTIONS) | {
        "majority": round(float(counts.max() / counts.sum()), 4)
    }


def classify(classifier: OnnxEyeClassifier, pixels: ImageArray) -> FloatArray:
    """Classify the strips of faces of shape (n, 48, 48) in batches; returns shape (n, 6)."""
    starts = range(0, len(pixels), BATCH)
    return np.concatenate([classifier(prepare_strips(pixels[i : i + BATCH])) for i in starts])


def ms_per_strip(classifier: OnnxEyeClassifier, pixels: ImageArray) -> float:
    """Return the median time of one strip alone, cutting and normalising included, on one thread."""
    return median_ms(lambda face: classifier(prepare_strips(face)), pixels)


if __name__ == "__main__":
    sys.exit(main())
