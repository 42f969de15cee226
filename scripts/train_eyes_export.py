"""Write a trained eye network as ONNX with its manifest entry; softmax and temperature are part of the file."""

import hashlib
import io
import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from models.eyes_net import DeployedEyesNet, EyesNet
from pipeline.types import EYE_EMOTIONS
from pipeline.video.eyes import STRIP_SIZE_PX, prepare_strips
from scripts.manifest import write_entry
from scripts.train_emotion_data import LabelledFaces
from scripts.train_emotion_export import fit_temperature

OPSET = 17
MAX_DIFFERENCE = 1e-4
"""Largest allowed difference of a share between PyTorch and ONNX."""


def export(net: EyesNet, calibration: LabelledFaces, folder: Path) -> None:
    """Calibrate, write and verify the network; write its manifest entry last.

    Args:
        net: trained, in evaluation mode, on the CPU.
        calibration: faces neither trained nor tested on, for the temperature; labels index into EYE_EMOTIONS.
        folder: gets eyes.onnx and the entry [eyes] of manifest.toml.

    Raises:
        ValueError: the ONNX file does not compute what the network computes.
    """
    strips = torch.from_numpy(prepare_strips(calibration.pixels))
    with torch.no_grad():
        logits = torch.cat([net(batch) for batch in strips.split(256)])
    temperature = fit_temperature(logits, torch.from_numpy(calibration.labels))
    n_parameters = sum(parameter.numel() for parameter in net.parameters())
    deployed = DeployedEyesNet(net, temperature).eval()
    content = _to_onnx(deployed, {"parameters": str(n_parameters), "temperature": f"{temperature:.3f}"})
    _verify(content, deployed, strips[:64].numpy())
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "eyes.onnx.part"
    part.write_bytes(content)
    os.replace(part, folder / "eyes.onnx")
    height_px, width_px = STRIP_SIZE_PX
    entry: dict[str, str | int | float] = {
        "name": "eyes",
        "file": "eyes.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "origin": "scripts/train_eyes on FER2013 faces with FER+ votes; see cards/eyes.md",
        "licence": "Research use: the FER2013 pictures are for research only. FER+ votes: MIT",
        "input": f"strips: float32 (n, 1, {height_px}, {width_px}), grey, per strip mean 0, deviation 0.5 "
        "(pipeline/video/eyes.py)",
        "output": f"probabilities: float32 (n, 6): {', '.join(EYE_EMOTIONS)}",
        "temperature": round(temperature, 3),
        "parameters": n_parameters,
    }
    write_entry(folder / "manifest.toml", "eyes", entry)
    print(f"eyes.onnx {len(content)} bytes, sha256 {entry['sha256']}")
    print(f"temperature {temperature:.3f}, {n_parameters} parameters")


def _to_onnx(network: nn.Module, metadata: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    # In evaluation mode the exporter folds batch norm into the convolutions.
    torch.onnx.export(
        network,
        (torch.zeros(2, 1, *STRIP_SIZE_PX),),
        buffer,
        opset_version=OPSET,
        dynamo=False,
        input_names=["strips"],
        output_names=["probabilities"],
        dynamic_axes={"strips": {0: "n"}, "probabilities": {0: "n"}},
    )
    model = onnx.load_model_from_string(buffer.getvalue())
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is absent where types are checked
def _verify(content: bytes, network: nn.Module, strips: np.ndarray) -> None:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (shares,) = session.run(None, {"strips": strips})
    difference = float(np.abs(shares - network(torch.from_numpy(strips)).numpy()).max())
    if difference > MAX_DIFFERENCE:
        raise ValueError(f"ONNX and PyTorch differ by {difference:.2e}, allowed is {MAX_DIFFERENCE:.0e}")
    print(f"largest difference between ONNX and PyTorch: {difference:.1e}")
