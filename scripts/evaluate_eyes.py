"""Measure the eye network on the strips of FER2013 faces whose FER+ label is one of its six emotions.

`without_twins` has the figures of those test faces that are no other copy of a training face.
"""

import argparse
import json
import sys
from pathlib import Path

import cv2

from models.errors import ModelError
from models.loader import OnnxEyeClassifier, load_eye_classifier
from pipeline.types import EYE_EMOTIONS, FloatArray, ImageArray
from pipeline.video.eyes import prepare_strips
from scripts.evaluate_emotion_damage import damages
from scripts.evaluate_emotion_figures import accuracy, answer_in_batches, class_figures, median_ms
from scripts.train_emotion_data import PUBLIC_TEST, TRAINING, read_pixels
from scripts.train_emotion_twins import have_twin
from scripts.train_eyes_data import load_eyes6


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
    answers = classify(classifier, faces.pixels)
    result = class_figures(answers, faces.labels, EYE_EMOTIONS)
    if options.usage != TRAINING:
        alone = ~have_twin(faces.pixels, read_pixels(options.data, TRAINING))
        if alone.any():
            result["without_twins"] = class_figures(answers[alone], faces.labels[alone], EYE_EMOTIONS)
    result |= {
        "ms": round(ms_per_strip(classifier, faces.pixels), 3),
        "parameters": classifier.n_parameters,
        "model": classifier.version,
    }
    if options.damage:
        result["damage"] = {
            name: accuracy(classify(classifier, pixels), faces.labels) for name, pixels in damages(faces.pixels)
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


def classify(classifier: OnnxEyeClassifier, pixels: ImageArray) -> FloatArray:
    """Classify the strips of faces of shape (n, 48, 48); returns shape (n, 6)."""
    return answer_in_batches(lambda faces: classifier(prepare_strips(faces)), pixels)


def ms_per_strip(classifier: OnnxEyeClassifier, pixels: ImageArray) -> float:
    """Return the median time of one strip alone, cutting and normalising included, on one thread."""
    return median_ms(lambda face: classifier(prepare_strips(face)), pixels)


if __name__ == "__main__":
    sys.exit(main())
