"""Write a trained emotion network as ONNX with its manifest entry.

Batch norm is folded into the convolutions; softmax and temperature are part of the file.
"""

import copy
import hashlib
import io
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
from scripts.manifest import write_entry
from scripts.train_emotion_data import LabelledFaces

OPSET = 17
MAX_DIFFERENCE = 1e-4
"""Largest allowed difference of a probability between PyTorch and ONNX."""


class _Deployed(nn.Module):  # type: ignore[misc]  # torch is absent where types are checked
    def __init__(self, net: EmotionNet, temperature: float) -> None:
        super().__init__()
        self.net = net
        self.temperature = temperature

    def forward(self, faces: Tensor) -> Tensor:
        return torch.softmax(self.net(faces) / self.temperature, dim=1)


def export(net: EmotionNet, calibration: LabelledFaces, folder: Path) -> None:
    """Calibrate, fold, write and verify the network; write its manifest entry last.

    Args:
        net: trained, in evaluation mode.
        calibration: faces neither trained nor tested on, for the temperature.
        folder: gets emotion.onnx and the entry [emotion] of manifest.toml.

    Raises:
        ValueError: the ONNX file does not compute what the network computes.
    """
    faces = torch.from_numpy(prepare_faces(calibration.pixels))
    with torch.no_grad():
        logits = torch.cat([net(batch) for batch in faces.split(256)])
    temperature = fit_temperature(logits, torch.from_numpy(calibration.labels))
    deployed = _Deployed(net, temperature).eval()
    folded = _Deployed(fold_batch_norm(net), temperature).eval()
    n_parameters = sum(parameter.numel() for parameter in folded.parameters())
    content = _to_onnx(folded, {"parameters": str(n_parameters), "temperature": f"{temperature:.3f}"})
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
        "output": f"probabilities: float32 (n, 7): {', '.join(EMOTIONS)}",
        "temperature": round(temperature, 3),
        "parameters": n_parameters,
    }
    write_entry(folder / "manifest.toml", "emotion", entry)
    print(f"emotion.onnx {len(content)} bytes, sha256 {sha256}")
    print(f"temperature {temperature:.3f}, {n_parameters} parameters")


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
        output_names=["probabilities"],
        dynamic_axes={"faces": {0: "n"}, "probabilities": {0: "n"}},
    )
    model = onnx.load_model_from_string(buffer.getvalue())
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is absent where types are checked
def _verify(content: bytes, network: nn.Module, faces: Tensor) -> None:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (probabilities,) = session.run(None, {"faces": faces.numpy()})
    difference = float(np.abs(probabilities - network(faces).numpy()).max())
    if difference > MAX_DIFFERENCE:
        raise ValueError(f"ONNX and PyTorch differ by {difference:.2e}, allowed is {MAX_DIFFERENCE:.0e}")
    print(f"largest difference between ONNX and PyTorch: {difference:.1e}")
