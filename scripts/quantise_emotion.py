"""Make an 8-bit copy of the emotion network and say whether it is worth having.

Activations are calibrated on the held-out training faces; accuracy and time are compared on PublicTest in the same
run. The copy is kept beside the other only if it loses at most half a point and is faster.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from models.loader import MODELS_DIR, OnnxEmotionClassifier
from pipeline.types import FloatArray
from pipeline.video.crop import prepare_faces
from scripts.evaluate_emotion import classify, ms_per_face
from scripts.train_emotion_data import PUBLIC_TEST, held_out_rows, load_ferplus7, load_training

MAX_POINTS_LOST = 0.5


class Faces(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Hands prepared faces to the calibration, one batch at a time."""

    def __init__(self, faces: FloatArray) -> None:
        self._batches: Iterator[FloatArray] = iter(np.array_split(faces, max(1, len(faces) // 50)))

    def get_next(self) -> dict[str, FloatArray] | None:
        """Return the next batch, None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {"faces": batch}


def main() -> None:
    """Quantise, compare, keep or throw away."""
    parser = argparse.ArgumentParser(prog="quantise_emotion", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of fer2013.npz")
    parser.add_argument("--model", type=Path, default=MODELS_DIR / "emotion.onnx")
    parser.add_argument("--out", type=Path, help="where a copy that is worth having is written")
    options = parser.parse_args()
    training = load_training(options.data)
    calibration = prepare_faces(training.rows(held_out_rows(training.has_votes)).pixels)
    small = quantise(options.model, calibration)
    public = load_ferplus7(options.data / "fer2013.npz", PUBLIC_TEST)
    report: dict[str, Any] = {}
    for name, content in (("fp32", options.model.read_bytes()), ("int8", small)):
        classifier = OnnxEmotionClassifier(content, source=name)
        right = classify(classifier, public.pixels).argmax(axis=1) == public.labels
        report[name] = {
            "accuracy": round(float(right.mean()), 4),
            "ms_per_face": round(ms_per_face(classifier, public.pixels), 3),
            "bytes": len(content),
        }
    lost = 100 * (report["fp32"]["accuracy"] - report["int8"]["accuracy"])
    report["points_lost"] = round(lost, 2)
    report["is_kept"] = lost <= MAX_POINTS_LOST and report["int8"]["ms_per_face"] < report["fp32"]["ms_per_face"]
    if report["is_kept"] and options.out is not None:
        options.out.write_bytes(small)
    print(json.dumps(report))


def quantise(path: Path, calibration: FloatArray) -> bytes:
    """Return the network with 8-bit filters (per channel) and activations; heads and softmax stay as they are.

    Args:
        path: the ONNX file.
        calibration: prepared faces, shape (n, 1, 48, 48), from which the ranges of activations are taken.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared, small = Path(folder) / "prepared.onnx", Path(folder) / "int8.onnx"
        quant_pre_process(path, prepared)
        quantize_static(prepared, small, Faces(calibration), quant_format=QuantFormat.QDQ, per_channel=True,
                        op_types_to_quantize=["Conv", "Add", "Clip"],
                        weight_type=QuantType.QInt8, activation_type=QuantType.QUInt8)  # fmt: skip
        return small.read_bytes()


if __name__ == "__main__":
    main()
