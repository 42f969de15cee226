"""Write a trained voice network as ONNX with its manifest entry; softmax and temperature are part of the file."""

import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from models.voice_net import DeployedVoiceNet
from pipeline.audio.voice_input import HOP_S, N_ROWS
from pipeline.types import VOICE_EMOTIONS, FloatArray
from scripts.manifest import write_entry
from scripts.train_voice_data import LabelledVoices

OPSET = 17
MAX_DIFFERENCE = 1e-4
"""Largest allowed difference of a share between PyTorch and ONNX."""


def export(deployed: DeployedVoiceNet, voices: LabelledVoices, folder: Path) -> None:
    """Write the network of all speakers and its manifest entry.

    Args:
        deployed: trained and calibrated, in evaluation mode, on the CPU.
        voices: what it was trained on.
        folder: gets voice.onnx and the entry [voice] of manifest.toml.

    Raises:
        ValueError: the ONNX file does not compute what the network computes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    heard = np.unique(voices.actors).tolist()
    content = write_network(folder / "voice.onnx", deployed, heard, voices.copies[0][:8])
    entry: dict[str, str | int | float] = {
        "name": "voice",
        "file": "voice.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "origin": "scripts/train_voice on acted speech of RAVDESS; see cards/voice.md",
        "licence": "CC BY-NC-SA 4.0, as RAVDESS (Livingstone and Russo 2018): not for commercial use",
        "input": f"rows: float32 (n, {N_ROWS}, n_frames), one column every {1000 * HOP_S:.0f} ms: mel levels and "
        "periodicity (pipeline/audio/voice_input.py)",
        "output": f"probabilities: float32 (n, 8): {', '.join(VOICE_EMOTIONS)}",
        "temperature": round(deployed.temperature, 3),
        "discriminant_weight": round(deployed.weight, 3),
        "parameters": count_parameters(deployed),
        "actors": " ".join(map(str, heard)),
    }
    write_entry(folder / "manifest.toml", "voice", entry)
    print(f"voice.onnx {len(content)} bytes, sha256 {entry['sha256']}")
    print(f"temperature {deployed.temperature:.3f}, weight {deployed.weight:.2f}, {entry['parameters']} parameters")


def count_parameters(net: nn.Module) -> int:
    """Count the trained numbers."""
    return sum(parameter.numel() for parameter in net.parameters())


def write_network(path: Path, deployed: DeployedVoiceNet, heard: Sequence[int], clips: Sequence[FloatArray]) -> bytes:
    """Write and verify an ONNX file; return what was written.

    Args:
        path: of the file.
        deployed: in evaluation mode.
        heard: actors that were trained on; the file remembers them.
        clips: prepared, to compare PyTorch and ONNX on.
    """
    metadata = {
        "parameters": str(count_parameters(deployed)),
        "temperature": f"{deployed.temperature:.3f}",
        "actors": " ".join(map(str, heard)),
    }
    content = _to_onnx(deployed, metadata)
    _verify(content, deployed, clips)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    os.replace(part, path)
    return content


def _to_onnx(network: nn.Module, metadata: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    # In evaluation mode the exporter folds batch norm into the convolutions.
    torch.onnx.export(
        network,
        (torch.zeros(2, N_ROWS, 100),),
        buffer,
        opset_version=OPSET,
        dynamo=False,
        input_names=["rows"],
        output_names=["probabilities"],
        dynamic_axes={"rows": {0: "n", 2: "n_frames"}, "probabilities": {0: "n"}},
    )
    model = onnx.load_model_from_string(buffer.getvalue())
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is absent where types are checked
def _verify(content: bytes, network: nn.Module, clips: Sequence[FloatArray]) -> None:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for clip in clips:
        rows = clip.astype(np.float32)[None]
        (shares,) = session.run(None, {"rows": rows})
        difference = float(np.abs(shares - network(torch.from_numpy(rows)).numpy()).max())
        if difference > MAX_DIFFERENCE:
            raise ValueError(f"ONNX and PyTorch differ by {difference:.2e}, allowed is {MAX_DIFFERENCE:.0e}")
