"""ONNX files and sessions of ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from limelight._checks import as_array, check_flag
from limelight.exceptions import ArgumentError, ArgumentTypeError, ModelError, read_message, require
from limelight.models._onnx_columns import find_columns, make_feed, read_input
from limelight.models._onnx_outputs import SKLEARN_CONVERTER, choose_outputs
from limelight.models._onnx_session import run_session
from limelight.models._patches import Patches, realise_extremes
from limelight.models._preparation import BATCH_AXES, Preparation
from limelight.results.image_view import CHANNEL_COUNTS
from limelight.stages.components import Components, Neighbourhood
from limelight.stages.questions import ModelPath

__all__ = ["OnnxModel", "adapt_onnx", "read_onnx_model"]

_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")


class OnnxModel:
    """A model in an ONNX file, or in a session of ONNX Runtime, as a callable from a batch to predictions.

    It is pickled with the file's bytes or path. A model made from a session cannot be pickled.

    A model of tables may have an input for each column: the columns of a frame go to the inputs that are named after them. Its
    inputs hold numbers or texts.

    Parameters
    ----------
    source : str, path, bytes or onnxruntime.InferenceSession
        The file, its contents, or a session.
    mean, std : float or sequence of float, default 0 and 1
        A number, or a number for each channel: the model gets ``(numbers - mean) / std``.
    channels : {"first", "last"}, optional
        Where the model has the channels of images; by default the axis of its input that has 1, 3 or 4 entries.
    output : str, optional
        The name of the model's output that holds the predictions. By default probabilities or scores come before labels: the
        first output of floats or maps (a ZipMap, whose keys name the classes), else the first.
    softmax : bool, default False
        Whether to turn the output, which holds logits, into probabilities.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an argument is not allowed, or the file is not an ONNX model of numbers or texts.
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
        self._inputs = tuple(map(read_input, self._session.get_inputs()))
        producer = self._session.get_modelmeta().producer_name
        # scikit-learn's converter joins inputs of several columns in their order; of other models nothing is known.
        if len(self._inputs) > 1 and producer != SKLEARN_CONVERTER and any(tensor.num_columns != 1 for tensor in self._inputs):
            names = ", ".join(tensor.name for tensor in self._inputs)
            raise ArgumentError(
                f"the ONNX model must have one input; it has {len(self._inputs)}: {names}. Several are taken by column only "
                "where each is one column. Give a callable instead."
            )
        self._shape = self._inputs[0].shape
        default_channels, channel_counts = _find_channels(self._shape)
        self.preparation = Preparation.checked(mean, std, channels or default_channels, channel_counts)
        if self._takes_one_array:
            self._dtype = self._inputs[0].dtype
            if self._dtype.kind != "f" and (self.preparation.mean.any() or (self.preparation.std != 1).any()):
                raise ArgumentError(f"the ONNX model takes {self._dtype} as they are; leave out mean and std.")
        elif self.preparation.changed_settings(default_channels):
            raise ArgumentError("mean, std and channels are for ONNX models with one input of numbers; leave them out.")
        outputs = self._session.get_outputs()
        self._outputs = choose_outputs(outputs, output, producer)
        has_maps = any(tensor.type.startswith("seq(") for tensor in outputs if tensor.name in self._outputs)
        if self._softmax and (has_maps or len(self._outputs) > 1):
            raise ArgumentError(f"softmax is for logits; the ONNX model's output {self._output_names} has probabilities.")

    def __repr__(self) -> str:
        default_channels, _ = _find_channels(self._shape)
        settings = [*self.preparation.changed_settings(default_channels), f"output={self._output_names}"]
        settings += ["softmax=True"] if self._softmax else []
        return f"OnnxModel({', '.join([self._describe_source(), *settings])})"

    def _describe_source(self) -> str:
        if isinstance(self._source, bytes):
            return f"<{len(self._source)} bytes>"
        return repr(self._source) if isinstance(self._source, str) else f"<{type(self._source).__name__}>"

    @property
    def _output_names(self) -> str:
        return ", ".join(map(repr, self._outputs))

    @property
    def _takes_one_array(self) -> bool:
        """Whether the model has one input, of numbers."""
        return len(self._inputs) == 1 and self._inputs[0].dtype != object

    def find_columns(self, names: Iterable[str]) -> list[str] | None:
        """Which columns of a table the model takes by name.

        Parameters
        ----------
        names : iterable of str
            The names of the table's columns.

        Returns
        -------
        columns : list of str or None
            The columns that the model's inputs are named after, in the inputs' order; None if the model takes its columns by
            their place.
        """
        return None if self._takes_one_array else find_columns(self._inputs, list(names))

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
            raise ArgumentError(
                f"source must be an ONNX model; {self._describe_source()} cannot be loaded: {read_message(error)}"
            ) from error

    def __getstate__(self) -> dict[str, Any]:
        if not isinstance(self._source, (str, bytes)):
            raise ArgumentTypeError("an OnnxModel made from a session cannot be pickled; make it from the file.")
        return {name: value for name, value in self.__dict__.items() if name != "_session"}

    @property
    def gives_probabilities(self) -> bool:
        """Whether the outputs are certain to be probabilities of classes that exclude each other."""
        return self._softmax

    def __call__(self, batch: Any) -> Any:
        """Predictions for a batch of the user's numbers, of shape (m, ...), of texts, or of rows of a frame.

        Returns
        -------
        predictions : ndarray of shape (m, k), list of dict, or dict of ndarray
            A model with a ZipMap gives a dict for each input, from a class to its probability; one with an output for each
            class gives a dict from a class to its probabilities, of shape (m,).

        Raises
        ------
        ArgumentError
            If mean and std do not fit the channels, the columns do not fit the inputs, or the model takes integers and the
            batch has other numbers.
        ModelError
            If the model takes inputs of another shape.
        """
        if self._takes_one_array:
            return self._predict(self._prepare(as_array(batch)))
        return self._predict_feed(make_feed(self._inputs, batch))

    def _prepare(self, batch: np.ndarray) -> np.ndarray:
        """A batch as the model's input: channels moved, standardised, in the model's dtype."""
        if len(self._shape) in BATCH_AXES and batch.ndim == len(self._shape) - 1:  # grey, without an axis of channels
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

    def _predict(self, inputs: np.ndarray) -> Any:
        """Predictions for prepared inputs.

        Raises
        ------
        ModelError
            If the model takes inputs of another shape.
        """
        self._check_shape(inputs.shape[1:])
        return self._predict_feed({self._inputs[0].name: inputs})

    def _predict_feed(self, feed: dict[str, np.ndarray]) -> Any:
        """Predictions for what each input gets."""
        count = len(next(iter(feed.values())))
        size = self._shape[0] if self._shape and isinstance(self._shape[0], int) else count
        batches = [
            self._predict_batch({name: array[start : start + size] for name, array in feed.items()}, size)
            for start in range(0, count, size)
        ]
        answers = dict(zip(self._outputs.values(), map(_join_batches, zip(*batches, strict=True)), strict=True))
        if len(answers) > 1:
            return answers
        (answer,) = answers.values()
        if self._softmax:
            from scipy.special import softmax

            return softmax(answer.astype(np.float64), axis=1)
        return answer

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

    def _predict_batch(self, feed: dict[str, np.ndarray], size: int) -> list[Any]:
        """Each output for a batch of at most `size` inputs; it is filled up to that size, which some models have fixed."""
        count = len(next(iter(feed.values())))
        if count < size:
            feed = {name: np.concatenate([array, np.repeat(array[-1:], size - count, axis=0)]) for name, array in feed.items()}
        return [answer[:count] for answer in run_session(self._session, list(self._outputs), feed)]


OnnxModel.__module__ = "limelight"  # where users import it from


def _join_batches(answers: tuple[Any, ...]) -> Any:
    """The answers for several batches as one: arrays, or lists of mappings."""
    if len(answers) == 1:
        return answers[0]
    return np.concatenate(answers) if isinstance(answers[0], np.ndarray) else list(chain.from_iterable(answers))


def _find_channels(shape: tuple[Any, ...]) -> tuple[str | None, tuple[int, ...]]:
    """Where a model with inputs of this shape has the channels of images, and how many there may be."""
    if len(shape) not in BATCH_AXES:
        return None, CHANNEL_COUNTS
    for place, axis in (("first", 1), ("last", -1)):
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
    if not isinstance(method, OnnxModel) or not isinstance(components, Patches) or not method._takes_one_array:
        return None
    instance, filling = method._prepare(as_array(realise_extremes(components)))
    labels = np.broadcast_to(components.labels, components.array.shape)[None]
    moved_labels = labels.transpose(method.preparation.axis_order(labels.shape)).reshape(instance.shape)
    parts = components.recast(instance, filling, moved_labels)

    def make(neighbourhood: Neighbourhood, rows: np.ndarray) -> Any:
        return parts.realise(neighbourhood.representation[rows])

    return ModelPath(make, method._predict, ("onnx", instance.shape), parts.batch_size)
