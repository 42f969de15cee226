"""An ONNX network on one CPU thread, from prepared pictures to shares: opened, checked and warmed up."""

import hashlib

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort

from models.errors import ModelError
from pipeline.types import FloatArray

OUTPUT = "probabilities"
"""Name of the output that is used where nothing else is said; a file may have others."""

# onnxruntime's errors share no base but Exception.
_ONNX_ERRORS = (ort.Fail, ort.InvalidArgument, ort.InvalidGraph, ort.InvalidProtobuf, ort.RuntimeException)


class OnnxNetwork:
    """A loaded network; calls are independent of each other and of the rest of their batch."""

    version: str
    """Name and short hash of the weights."""
    n_parameters: int | None
    """As the file's own metadata says; None when it says nothing."""

    def __init__(
        self,
        content: bytes,
        *,
        source: str,
        name: str,
        shape: tuple[int, ...],
        n_shares: int,
        output: str = OUTPUT,
    ) -> None:
        """Open and warm up a network.

        Args:
            content: the ONNX file.
            source: where it came from, for messages.
            name: goes into the version.
            shape: of one prepared picture.
            n_shares: how many shares it must give for each.
            output: which of the file's outputs is used.

        Raises:
            ModelError: not an ONNX network, none with such an output, or not from such pictures to so many shares
                that add up to 1.
        """
        options = onnxruntime.SessionOptions()
        # One thread: workers are spread over cores, not the layers of so small a network.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._n_shares, self._output = n_shares, output
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            self._input = self._session.get_inputs()[0].name
            names = [output.name for output in self._session.get_outputs()]
            if output not in names:
                raise ModelError(f"{source} has the outputs {', '.join(names)}, expected one called {output}")
            shares = self(np.zeros((1, *shape), np.float32))
            said = self._session.get_modelmeta().custom_metadata_map.get("parameters")
            self.n_parameters = int(said) if said else None
        except (*_ONNX_ERRORS, ValueError, IndexError) as exc:
            raise ModelError(f"{source} is not a usable ONNX {name} network: {exc}") from exc
        if shares.shape != (1, n_shares):
            raise ModelError(f"{source} answers with shape {shares.shape}, expected (1, {n_shares})")
        if not np.isclose(shares.sum(), 1, atol=1e-3):
            raise ModelError(f"{source} answers with shares that add up to {float(shares.sum()):.3f}, expected 1")
        self.version = f"{name}-{hashlib.sha256(content).hexdigest()[:8]}"

    def __call__(self, pictures: FloatArray) -> FloatArray:
        """Return the shares of prepared pictures: shape (n, n_shares), rows sum to 1."""
        if len(pictures) == 0:
            return np.zeros((0, self._n_shares), np.float32)
        (shares,) = self._session.run([self._output], {self._input: pictures})
        return np.asarray(shares, np.float32)
