"""Begin training with a network that is deployed already: its weights, read out of the ONNX file."""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from models.emotion_net import N_EMOTIONS, EmotionNet, conv_norm_pairs, load_imagenet


def load_deployed(net: EmotionNet, path: Path, faces: Tensor) -> None:
    """Fill a network with the weights of an emotion.onnx that scripts/train_emotion has written.

    Args:
        net: untrained.
        path: the ONNX file, batch norm folded; one with the FER+ head alone fills that head alone.
        faces: a batch of real input, shape (n, 1, size, size), from which channel statistics are taken.

    Raises:
        ValueError: the file is not such a network.
    """
    graph = onnx.load(path).graph
    arrays = {array.name: numpy_helper.to_array(array) for array in graph.initializer}
    convs = [node for node in graph.node if node.op_type == "Conv"]
    linear = [node for node in graph.node if node.op_type == "Gemm"]
    pairs = conv_norm_pairs(net)
    if len(convs) != len(pairs) or len(linear) != 1:
        raise ValueError(f"{path} has {len(convs)} convolutions, a network of ours has {len(pairs)}")
    weights = {}
    for (name, conv, _), node in zip(pairs, convs, strict=True):
        filters, bias = (arrays[key] for key in node.input[1:3])
        if filters.shape != tuple(conv.weight.shape):
            raise ValueError(f"{path}: {name} has shape {filters.shape}, expected {tuple(conv.weight.shape)}")
        weights[f"{name}.weight"], weights[f"{name}.bias_folded"] = filters, bias
    load_imagenet(net, weights, faces)
    matrix, offset = (np.array(arrays[key]) for key in linear[0].input[1:3])
    with torch.no_grad():
        net.classifier.linear.weight[: len(matrix)].copy_(torch.from_numpy(matrix))
        net.classifier.linear.bias[: len(offset)].copy_(torch.from_numpy(offset))
        if len(matrix) == N_EMOTIONS:
            # Both heads name the same emotions: what one has learned is a beginning for the other.
            net.classifier.linear.weight[N_EMOTIONS:].copy_(torch.from_numpy(matrix))
            net.classifier.linear.bias[N_EMOTIONS:].copy_(torch.from_numpy(offset))
