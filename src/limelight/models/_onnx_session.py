"""How a session of ONNX Runtime is run: one on a GPU gets its inputs there, and gives only the wanted outputs back."""

from __future__ import annotations

from typing import Any

import numpy as np

from limelight.exceptions import require

__all__ = ["run_session"]

# What ONNX Runtime calls the devices of its providers. Of others it copies what it needs itself.
_DEVICES = {"CUDAExecutionProvider": "cuda", "TensorrtExecutionProvider": "cuda", "ROCMExecutionProvider": "cuda"}


def run_session(session: Any, outputs: list[str], feed: dict[str, np.ndarray]) -> list[Any]:
    """The named outputs for what each input gets, by IO binding where the session is on a GPU.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        What is run.
    outputs : list of str
        The names of its outputs that are wanted.
    feed : dict of str to ndarray
        An array for each input.
    """
    device = _find_device(session)
    types = {tensor.name: tensor.type for tensor in session.get_outputs()}
    has_tensors = all(types[name].startswith("tensor(") for name in outputs)
    if device is None or not has_tensors or any(array.dtype == object for array in feed.values()):
        answers: list[Any] = session.run(outputs, feed)
        return answers
    onnxruntime = require("onnxruntime", extra="onnx", purpose="an ONNX session")
    binding = session.io_binding()
    for name, array in feed.items():
        binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(array, *device))
    for name in outputs:
        binding.bind_output(name)  # in the CPU's memory
    session.run_with_iobinding(binding)
    return list(binding.copy_outputs_to_cpu())


def _find_device(session: Any) -> tuple[str, int] | None:
    """The kind and the number of the GPU that the session prefers; None if it prefers none."""
    provider = next(iter(session.get_providers()), None)
    if provider not in _DEVICES:
        return None
    settings = session.get_provider_options().get(provider, {})
    return _DEVICES[provider], int(settings.get("device_id", 0))
