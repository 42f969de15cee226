"""Write a trained emotion network as ONNX with its manifest entry.

Batch norm is folded into the convolutions; softmax and temperature are part of the file.
"""

import copy
import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.emotion_net import EmotionNet
from pipeline.types import EMOTIONS
from pipeline.video.crop import FACE_SIZE_PX, prepare_faces
from scripts.face_framing import apply_framing
from scripts.manifest import write_entry
from scripts.train_emotion_data import TrainingFaces, held_out_rows, load_training

OPSET = 17
OUTPUTS = ("probabilities", "fer2013", "embedding")
MAX_DIFFERENCE = 1e-4
"""Largest allowed difference of a probability between PyTorch and ONNX."""


class _Deployed(nn.Module):  # type: ignore[misc]  # torch is absent where types are checked
    """Calibrated answers of both heads, and what they are made from."""

    def __init__(self, net: EmotionNet, temperatures: tuple[float, float]) -> None:
        super().__init__()
        self.net = net
        self.temperatures = temperatures

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        embedding = self.net.embed(faces)
        votes, labels = self.net.classifier(embedding).unbind(dim=1)
        votes, labels = votes / self.temperatures[0], labels / self.temperatures[1]
        return torch.softmax(votes, dim=1), torch.softmax(labels, dim=1), embedding


def export_student(checkpoints: Path, data: Path, folder: Path, average_with: Path | None = None) -> None:
    """Export the finished student, with temperatures fitted on the training faces that no network has seen.

    Args:
        checkpoints: folder of student.pt and student.json.
        data: folder of fer2013.npz.
        folder: gets emotion.onnx and the entry [emotion] of manifest.toml.
        average_with: folder of an earlier student.pt from which this one went on; the mean of both weights is exported
            (Wortsman et al. 2022, "Model soups"). None for this one alone.
    """
    report = json.loads((checkpoints / "student.json").read_text())
    net = EmotionNet(stem_stride=report["stem_stride"], size_px=report["size_px"])
    weights = torch.load(checkpoints / "student.pt", map_location="cpu", weights_only=True)
    if average_with is not None:
        other = torch.load(average_with / "student.pt", map_location="cpu", weights_only=True)
        weights = {
            name: (value + other[name]) / 2 if value.is_floating_point() else value for name, value in weights.items()
        }
    net.load_state_dict(weights)
    training = load_training(data)
    export(net.eval(), training.rows(held_out_rows(training.has_votes)), folder)


def export(net: EmotionNet, calibration: TrainingFaces, folder: Path) -> None:
    """Calibrate, fold, write and verify the network; write its manifest entry last.

    Args:
        net: trained, in evaluation mode.
        calibration: faces with votes, neither trained nor tested on, for the temperatures; framed where they say how.
        folder: gets emotion.onnx and the entry [emotion] of manifest.toml.

    Raises:
        ValueError: the ONNX file does not compute what the network computes.
    """
    pixels = calibration.pixels
    if calibration.framing is not None:
        pixels = apply_framing(pixels, calibration.framing)
    faces = torch.from_numpy(prepare_faces(pixels))
    with torch.no_grad():
        logits = torch.cat([net(batch) for batch in faces.split(256)])
    truths = torch.from_numpy(calibration.shares.argmax(axis=1)), torch.from_numpy(calibration.labels)
    temperatures = fit_temperature(logits[:, 0], truths[0]), fit_temperature(logits[:, 1], truths[1])
    deployed = _Deployed(net, temperatures).eval()
    folded = _Deployed(fold_batch_norm(net), temperatures).eval()
    n_parameters = sum(parameter.numel() for parameter in folded.parameters())
    content = _to_onnx(folded, {"parameters": str(n_parameters), "temperature": f"{temperatures[0]:.3f}"})
    _verify(content, deployed, faces[:64])
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "emotion.onnx.part"
    part.write_bytes(content)
    os.replace(part, folder / "emotion.onnx")
    sha256 = hashlib.sha256(content).hexdigest()
    entry: dict[str, str | int | float] = {
        "name": "emotion",
        "file": "emotion.onnx",
        "sha256": sha256,
        "origin": "scripts/train_emotion on FER2013 faces with FER+ votes, from ImageNet weights; see cards/emotion.md",
        "licence": "Research use: the FER2013 pictures are for research only. FER+ votes: MIT. "
        "ImageNet weights: Apache-2.0",
        "input": f"faces: float32 (n, 1, {FACE_SIZE_PX}, {FACE_SIZE_PX}), grey, per face mean 0, deviation 0.5 "
        "(pipeline/video/crop.py)",
        "output": f"probabilities: float32 (n, 7), what FER+ raters would vote: {', '.join(EMOTIONS)}; "
        "fer2013: float32 (n, 7), what FER2013's original label would be; embedding: float32 (n, 1280)",
        "temperature": round(temperatures[0], 3),
        "temperature_fer2013": round(temperatures[1], 3),
        "parameters": n_parameters,
    }
    write_entry(folder / "manifest.toml", "emotion", entry)
    print(f"emotion.onnx {len(content)} bytes, sha256 {sha256}")
    print(f"temperatures {temperatures[0]:.3f} and {temperatures[1]:.3f}, {n_parameters} parameters")


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Find the divisor of the logits with the least negative log-likelihood.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2.

    Args:
        logits: shape (n, 7).
        labels: shape (n,).
    """
    candidates = np.geomspace(0.3, 3, 400)
    losses = [float(nn.functional.cross_entropy(logits / float(t), labels)) for t in candidates]
    return float(candidates[int(np.argmin(losses))])


def fold_batch_norm(net: EmotionNet) -> EmotionNet:
    """Return a copy whose convolutions carry the batch norm that followed them."""
    folded: EmotionNet = copy.deepcopy(net).to(memory_format=torch.contiguous_format).eval()
    for sequence in [module for module in folded.modules() if isinstance(module, nn.Sequential)]:
        for i_layer in range(len(sequence) - 1):
            layer, following = sequence[i_layer], sequence[i_layer + 1]
            if isinstance(layer, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
                sequence[i_layer] = fuse_conv_bn_eval(layer, following)
                sequence[i_layer + 1] = nn.Identity()
    return folded


def _to_onnx(network: nn.Module, metadata: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    torch.onnx.export(
        network,
        (torch.zeros(2, 1, FACE_SIZE_PX, FACE_SIZE_PX),),
        buffer,
        opset_version=OPSET,
        dynamo=False,
        input_names=["faces"],
        output_names=list(OUTPUTS),
        dynamic_axes={name: {0: "n"} for name in ("faces", *OUTPUTS)},
    )
    model = onnx.load_model_from_string(buffer.getvalue())
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is absent where types are checked
def _verify(content: bytes, network: nn.Module, faces: Tensor) -> None:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    computed = session.run(list(OUTPUTS), {"faces": faces.numpy()})
    # Embeddings have no bound, so their difference is taken relative to the largest.
    differences = [
        float(np.abs(mine - theirs.numpy()).max() / max(1.0, float(theirs.abs().max())))
        for mine, theirs in zip(computed, network(faces), strict=True)
    ]
    difference = max(differences)
    if difference > MAX_DIFFERENCE:
        raise ValueError(f"ONNX and PyTorch differ by {difference:.2e}, allowed is {MAX_DIFFERENCE:.0e}")
    print(f"largest difference between ONNX and PyTorch: {difference:.1e}")
