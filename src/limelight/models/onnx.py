"""ONNX files and ONNX Runtime's sessions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from limelight._checks import as_array, check_flag
from limelight._errors import ArgumentError, ArgumentTypeError, ModelError, require
from limelight.models._preparation import Patches, Preparation, ends
from limelight.results.image_view import CHANNEL_COUNTS
from limelight.stages.components import Components, Neighbourhood
from limelight.stages.prediction import ModelPath

__all__ = ["OnnxModel", "adapt_onnx", "as_onnx"]

_DTYPES = {"float": np.float32, "float16": np.float16, "double": np.float64, "uint8": np.uint8, "int64": np.int64}
_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")


class OnnxModel:
    """A model in an ONNX file, or in a session of ONNX Runtime, as a callable from a batch to predictions.

    Pickled with the file's bytes or path; a session that was given cannot be.

    Parameters
    ----------
    source : str, path, bytes or onnxruntime.InferenceSession
        The file, its contents, or a session.
    mean, std : float or sequence of float, default 0 and 1
        Taken out of the numbers before the model gets them, ``(numbers - mean) / std``: one, or one for each channel.
    channels : {"first", "last"}, optional
        Where the model has the channels of images; by default where its input has 1, 3 or 4 of them.
    output : str, optional
        Which of the model's outputs holds the predictions; by default the first.
    softmax : bool, default False
        Whether the output holds logits to make probabilities of.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an argument is not allowed, or the file is no ONNX model with one input.
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
            names = ", ".join(given.name for given in inputs)
            raise ArgumentError(f"the ONNX model must have one input; it has {len(inputs)}: {names}. Give a callable instead.")
        self._input, self._shape = inputs[0].name, tuple(inputs[0].shape)
        element = inputs[0].type.removeprefix("tensor(").removesuffix(")")
        if element not in _DTYPES:
            raise ArgumentError(f"the ONNX model wants {inputs[0].type}; limelight can give {', '.join(_DTYPES)}.")
        self._dtype = np.dtype(_DTYPES[element])
        place, counts = _channels(self._shape)
        self.preparation = Preparation.checked(mean, std, channels or place, counts)
        if self._dtype.kind != "f" and (self.preparation.mean.any() or (self.preparation.std != 1).any()):
            raise ArgumentError(f"the ONNX model wants {self._dtype} as they are; it takes no mean and std.")
        self._output = outputs[0].name if output is None else output
        if self._output not in [given.name for given in outputs]:
            raise ArgumentError(f"output must be one of {', '.join(repr(given.name) for given in outputs)}; got {output!r}.")

    @cached_property
    def _session(self) -> Any:
        if not isinstance(self._source, (str, bytes)):
            return self._source
        onnxruntime = require("onnxruntime", extra="onnx", purpose="an ONNX file")
        if isinstance(self._source, str) and not Path(self._source).is_file():
            raise ArgumentError(f"there is no ONNX file {self._source!r}.")
        try:
            usable = [name for name in _PROVIDERS if name in onnxruntime.get_available_providers()]
            return onnxruntime.InferenceSession(self._source, providers=usable)
        except Exception as error:
            shown = repr(self._source) if isinstance(self._source, str) else f"{len(self._source)} bytes"
            raise ArgumentError(f"{shown} is no ONNX model that can be loaded: {error}") from error

    def __getstate__(self) -> dict[str, Any]:
        if not isinstance(self._source, (str, bytes)):
            raise ArgumentTypeError("an OnnxModel made from a session cannot be pickled; make it from the file.")
        return {name: value for name, value in self.__dict__.items() if name != "_session"}

    def __call__(self, batch: Any) -> np.ndarray:
        """Predictions for a batch, after moving its channels and taking out mean and deviation.

        Raises
        ------
        ModelError
            If the model wants inputs of another shape.
        """
        return self._run(self._prepare(as_array(batch)))

    def _prepare(self, batch: np.ndarray) -> np.ndarray:
        """A batch as the model's input."""
        if batch.ndim == 3 and len(self._shape) == 4:  # grey images
            batch = batch[:, None] if self.preparation.channels == "first" else batch[..., None]
        batch = batch.transpose(self.preparation.axes(batch.shape))
        if self._dtype.kind != "f":
            if not np.array_equal(batch, batch.astype(self._dtype)):
                raise ArgumentError(
                    f"the ONNX model wants whole numbers of {self._dtype}; the instance or its filling has others."
                )
        else:
            mean, std = self.preparation.constants(batch.shape)
            batch = (batch.astype(np.float64 if self._dtype == np.float64 else np.float32) - mean) / std
        return np.ascontiguousarray(batch, dtype=self._dtype)

    def _run(self, inputs: np.ndarray) -> np.ndarray:
        """The model's answer for inputs as it wants them.

        Raises
        ------
        ModelError
            If it wants inputs of another shape.
        """
        wanted = self._shape[1:]
        fits = not self._shape or (
            len(wanted) == inputs.ndim - 1
            and all(not isinstance(size, int) or size == came for size, came in zip(wanted, inputs.shape[1:], strict=True))
        )
        if not fits:
            raise ModelError(
                f"the ONNX model wants inputs of shape {wanted}; these have shape {inputs.shape[1:]}. Bring the "
                f"instance to that size and number of channels first."
            )
        size = self._shape[0] if self._shape and isinstance(self._shape[0], int) else len(inputs)
        batches = [inputs[start : start + size] for start in range(0, len(inputs), size)]
        answers = [self._whole(batch, size) for batch in batches]
        answer = answers[0] if len(answers) == 1 else np.concatenate(answers)
        if self._softmax:
            from scipy.special import softmax

            answer = softmax(answer.astype(np.float64), axis=1)
        return np.asarray(answer)

    def _whole(self, batch: np.ndarray, size: int) -> np.ndarray:
        """The answer for a batch; a model of a fixed batch size gets the last one filled up."""
        missing = size - len(batch)
        full = np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)]) if missing else batch
        answer: np.ndarray = self._session.run([self._output], {self._input: full})[0]
        return answer[: len(batch)]


def _channels(shape: tuple[Any, ...]) -> tuple[str | None, tuple[int, ...]]:
    """Where a model with inputs of this shape has the channels of images, and how many of them."""
    if len(shape) != 4:
        return None, CHANNEL_COUNTS
    for place, axis in (("first", 1), ("last", 3)):
        if shape[axis] in CHANNEL_COUNTS:
            return place, (shape[axis],)
    return "first", (shape[1],) if isinstance(shape[1], int) else CHANNEL_COUNTS


def as_onnx(model: Any) -> OnnxModel | None:
    """An ONNX file's path or a session as a callable; None for anything else."""
    is_file = isinstance(model, (str, os.PathLike)) and os.fspath(model).endswith(".onnx")
    is_session = type(model).__module__.split(".")[0] == "onnxruntime" and hasattr(model, "get_inputs")
    return OnnxModel(model) if is_file or is_session else None


def adapt_onnx(method: Callable[[Any], Any], components: Components) -> ModelPath | None:
    """Put the perturbations together as the model's own inputs: what each pixel becomes is worked out once."""
    if not isinstance(method, OnnxModel) or not isinstance(components, Patches):
        return None
    shown, hidden = method._prepare(as_array(ends(components)))
    labels = np.broadcast_to(components.labels, components.array.shape)[None]
    places = labels.transpose(method.preparation.axes(labels.shape)).reshape(shown.shape)
    parts = components.recast(shown, hidden, places)

    def make(neighbourhood: Neighbourhood, rows: np.ndarray) -> Any:
        return parts.realise(neighbourhood.representation[rows])

    return ModelPath(make, method._run, ("onnx", shown.shape), parts.batch_size)
