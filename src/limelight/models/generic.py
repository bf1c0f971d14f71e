"""The generic path, for any callable and any estimator with a prediction method: the inputs are made and passed on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from limelight._checks import user_function
from limelight.exceptions import ArgumentTypeError, InstanceError
from limelight.stages.components import Components, Neighbourhood
from limelight.stages.prediction import PREDICTION_METHODS, ModelPath

__all__ = ["adapt_callable", "find_prediction_method"]


def find_prediction_method(model: Any) -> tuple[Callable[[Any], Any], tuple[str, ...] | None]:
    """The callable to ask, and the names of its outputs, or None if the model does not know its classes.

    Raises
    ------
    ArgumentTypeError
        If the model is neither a callable nor an estimator.
    """
    method = next((getattr(model, name) for name in PREDICTION_METHODS if callable(getattr(model, name, None))), model)
    if isinstance(model, type) or not callable(method):
        raise ArgumentTypeError(
            f"model must be a callable from a batch of inputs to predictions, the path of an .onnx file, a torch module, or a "
            f"fitted estimator with one of {', '.join(PREDICTION_METHODS)}; got {model!r}."
        )
    owner = getattr(method, "__self__", None)
    classes = getattr(owner, "classes_", None) if getattr(method, "__name__", "") in PREDICTION_METHODS[:2] else None
    # A model of several outputs has a list of arrays, the classes of each output.
    if not isinstance(classes, np.ndarray) or classes.ndim != 1:
        return method, None
    return method, tuple(str(name) for name in classes)


def adapt_callable(method: Callable[[Any], Any], components: Components) -> ModelPath:
    """Give the perturbations to the method as they are."""

    def make(neighbourhood: Neighbourhood, rows: np.ndarray) -> Any:
        return neighbourhood.inputs.take(rows)

    def finish(inputs: Any) -> Any:
        with user_function(f"{type(components).__name__}.batch", InstanceError):
            batch = components.batch(inputs)
        return method(batch)

    form = id(components) if components.form is None else ("generic", components.form)
    return ModelPath(make, finish, form, components.batch_size)
