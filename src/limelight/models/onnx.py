"""ONNX files and sessions of ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from limelight._checks import as_array, check_flag
from limelight.exceptions import ArgumentError, ArgumentTypeError, ModelError, require
from limelight.models._patches import Patches, realise_extremes
from limelight.models._preparation import Preparation
from limelight.results.image_view import CHANNEL_COUNTS
from limelight.stages.components import Components, Neighbourhood
from limelight.stages.questions import ModelPath

__all__ = ["OnnxModel", "adapt_onnx", "read_onnx_model"]

_DTYPES = {"float": np.float32, "float16": np.float16, "double": np.float64, "uint8": np.uint8, "int64": np.int64}
_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")


class OnnxModel:
    """A model in an ONNX file, or in a session of ONNX Runtime, as a callable from a batch to predictions.

    It is pickled with the file's bytes or path. A model made from a session cannot be pickled.

    Parameters
    ----------
    source : str, path, bytes or onnxruntime.InferenceSession
        The file, its contents, or a session.
    mean, std : float or sequence of float, default 0 and 1
        A number, or a number for each channel: the model gets ``(numbers - mean) / std``.
    channels : {"first", "last"}, optional
        Where the model has the channels of images; by default the axis of its input that has 1, 3 or 4 entries.
    output : str, optional
        The name of the model's output that holds the predictions; by default the first.
    softmax : bool, default False
        Whether to turn the output, which holds logits, into probabilities.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an argument is not allowed, or the file is not an ONNX model with one input.
    MissingDependencyError
        If onnxruntime is not installed.

    Examples
    --------
    A classifier of 224 x 224 photographs whose input is ``rgb / 127.5 - 1``::

        model = OnnxModel("mobilenet.onnx", mean=127.5, std=127.5)
        explanation = ImageExplainer().explain_instance(photograph, model)
    """

    def __init__(
        self,
        source: Any,
        *,
        mean: float | Iterable[float] = 0.0,
        std: float | Iterable[float] = 1.0,
        channels: str | None = None,
        output: str | None = None,
        softmax: bool = False,
    ) -> None:
        self._source = os.fspath(source) if isinstance(source, os.PathLike) else source
        if not isinstance(self._source, (str, bytes)) and not hasattr(source, "get_inputs"):
            raise ArgumentTypeError(f"source must be an ONNX file, its bytes, or a session; got {type(source).__name__}.")
        self._softmax = check_flag("softmax", softmax)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1:
            names = ", ".join(tensor.name for tensor in inputs)
            raise ArgumentError(f"the ONNX model must have one input; it has {len(inputs)}: {names}. Give a callable instead.")
        self._input, self._shape = inputs[0].name, tuple(inputs[0].shape)
        element_type = inputs[0].type.removeprefix("tensor(").removesuffix(")")
        if element_type not in _DTYPES:
            raise ArgumentError(
                f"the input of the ONNX model must hold one of {', '.join(_DTYPES)}; it is a {inputs[0].type}. "
                f"Give a callable instead."
            )
        self._dtype = np.dtype(_DTYPES[element_type])
        default_channels, channel_counts = _find_channels(self._shape)
        self.preparation = Preparation.checked(mean, std, channels or default_channels, channel_counts)
        if self._dtype.kind != "f" and (self.preparation.mean.any() or (self.preparation.std != 1).any()):
            raise ArgumentError(f"the ONNX model takes {self._dtype} as they are; leave out mean and std.")
        self._output = outputs[0].name if output is None else output
        if self._output not in [tensor.name for tensor in outputs]:
            names = ", ".join(repr(tensor.name) for tensor in outputs)
            raise ArgumentError(f"output must be one of {names}; got {output!r}.")

    def __repr__(self) -> str:
        default_channels, _ = _find_channels(self._shape)
        settings = [*self.preparation.changed_settings(default_channels), f"output={self._output!r}"]
        settings += ["softmax=True"] if self._softmax else []
        return f"OnnxModel({', '.join([self._describe_source(), *settings])})"

    def _describe_source(self) -> str:
        if isinstance(self._source, bytes):
            return f"<{len(self._source)} bytes>"
        return repr(self._source) if isinstance(self._source, str) else f"<{type(self._source).__name__}>"

    @cached_property
    def _session(self) -> Any:
        if not isinstance(self._source, (str, bytes)):
            return self._source
        onnxruntime = require("onnxruntime", extra="onnx", purpose="an ONNX file")
        if isinstance(self._source, str) and not Path(self._source).is_file():
            raise ArgumentError(f"there is no ONNX file {self._source!r}.")
        try:
            providers = [name for name in _PROVIDERS if name in onnxruntime.get_available_providers()]
            return onnxruntime.InferenceSession(self._source, providers=providers)
        except Exception as error:
            raise ArgumentError(f"source must be an ONNX model; {self._describe_source()} cannot be loaded: {error}") from error

    def __getstate__(self) -> dict[str, Any]:
        if not isinstance(self._source, (str, bytes)):
            raise ArgumentTypeError("an OnnxModel made from a session cannot be pickled; make it from the file.")
        return {name: value for name, value in self.__dict__.items() if name != "_session"}

    def __call__(self, batch: Any) -> np.ndarray:
        """Predictions for a batch of the user's numbers, of shape (m, ...).

        Raises
        ------
        ArgumentError
            If mean and std do not fit the channels, or the model takes integers and the batch has other numbers.
        ModelError
            If the model takes inputs of another shape.
        """
        return self._predict(self._prepare(as_array(batch)))

    def _prepare(self, batch: np.ndarray) -> np.ndarray:
        """A batch as the model's input: channels moved, standardised, in the model's dtype."""
        if batch.ndim == 3 and len(self._shape) == 4:  # grey images without an axis of channels
            batch = batch[:, None] if self.preparation.channels == "first" else batch[..., None]
        batch = batch.transpose(self.preparation.axis_order(batch.shape))
        if self._dtype.kind != "f":
            if not np.array_equal(batch, batch.astype(self._dtype)):
                raise ArgumentError(
                    f"the ONNX model takes whole numbers of {self._dtype}; the instance or its filling has other numbers."
                )
        else:
            mean, std = self.preparation.mean_and_std(batch.shape)
            batch = (batch.astype(np.float64 if self._dtype == np.float64 else np.float32) - mean) / std
        return np.ascontiguousarray(batch, dtype=self._dtype)

    def _predict(self, inputs: np.ndarray) -> np.ndarray:
        """Predictions for prepared inputs.

        Raises
        ------
        ModelError
            If the model takes inputs of another shape.
        """
        self._check_shape(inputs.shape[1:])
        size = self._shape[0] if self._shape and isinstance(self._shape[0], int) else len(inputs)
        batches = [inputs[start : start + size] for start in range(0, len(inputs), size)]
        answers = [self._predict_batch(batch, size) for batch in batches]
        answer = answers[0] if len(answers) == 1 else np.concatenate(answers)
        if self._softmax:
            from scipy.special import softmax

            answer = softmax(answer.astype(np.float64), axis=1)
        return np.asarray(answer)

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse inputs of a shape that the model does not take; some of its axes may have any length, and have no int.

        Raises
        ------
        ModelError
            If the shape differs.
        """
        if not self._shape:
            return
        expected = self._shape[1:]
        if len(shape) != len(expected) or any(
            isinstance(fixed_size, int) and size != fixed_size for size, fixed_size in zip(shape, expected, strict=True)
        ):
            raise ModelError(
                f"the ONNX model takes inputs of shape {expected}; these have shape {shape}. Bring the "
                f"instance to that size and number of channels first."
            )

    def _predict_batch(self, batch: np.ndarray, size: int) -> np.ndarray:
        """Predictions for a batch of at most `size` inputs; it is filled up to that size, which some models have fixed."""
        missing = size - len(batch)
        full = np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)]) if missing else batch
        answer: np.ndarray = self._session.run([self._output], {self._input: full})[0]
        return answer[: len(batch)]


OnnxModel.__module__ = "limelight"  # where users import it from


def _find_channels(shape: tuple[Any, ...]) -> tuple[str | None, tuple[int, ...]]:
    """Where a model with inputs of this shape has the channels of images, and how many there may be."""
    if len(shape) != 4:
        return None, CHANNEL_COUNTS
    for place, axis in (("first", 1), ("last", 3)):
        if shape[axis] in CHANNEL_COUNTS:
            return place, (shape[axis],)
    return "first", (shape[1],) if isinstance(shape[1], int) else CHANNEL_COUNTS


def read_onnx_model(model: Any) -> OnnxModel | None:
    """An ONNX file's path or a session as a callable; None for other models."""
    is_file = isinstance(model, (str, os.PathLike)) and os.fspath(model).endswith(".onnx")
    is_session = type(model).__module__.split(".")[0] == "onnxruntime" and hasattr(model, "get_inputs")
    return OnnxModel(model) if is_file or is_session else None


def adapt_onnx(method: Callable[[Any], Any], components: Components) -> ModelPath | None:
    """Put the perturbations together from the prepared instance and the prepared filling, so that each is prepared once."""
    if not isinstance(method, OnnxModel) or not isinstance(components, Patches):
        return None
    instance, filling = method._prepare(as_array(realise_extremes(components)))
    labels = np.broadcast_to(components.labels, components.array.shape)[None]
    moved_labels = labels.transpose(method.preparation.axis_order(labels.shape)).reshape(instance.shape)
    parts = components.recast(instance, filling, moved_labels)

    def make(neighbourhood: Neighbourhood, rows: np.ndarray) -> Any:
        return parts.realise(neighbourhood.representation[rows])

    return ModelPath(make, method._predict, ("onnx", instance.shape), parts.batch_size)
