"""Any callable, and any estimator with a prediction method: the inputs are made and handed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from limelight._errors import ArgumentTypeError
from limelight.stages.components import Components, Neighbourhood
from limelight.stages.prediction import PREDICTION_METHODS, ModelPath

__all__ = ["adapt_any", "prediction_method"]


def prediction_method(model: Any) -> tuple[Callable[[Any], Any], tuple[str, ...] | None]:
    """The callable to ask, and the names of its outputs where the model knows its classes.

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
    # Several outputs with classes of their own have a list of arrays; those are not the names of one output's classes.
    if not isinstance(classes, np.ndarray) or classes.ndim != 1:
        return method, None
    return method, tuple(str(name) for name in classes)


def adapt_any(method: Callable[[Any], Any], components: Components) -> ModelPath:
    """Hand the perturbations over as they are."""

    def make(neighbourhood: Neighbourhood, rows: np.ndarray) -> Any:
        return neighbourhood.inputs.take(rows)

    def finish(inputs: Any) -> Any:
        return method(components.batch(inputs))

    return ModelPath(
        make, finish, id(components) if components.form is None else ("generic", components.form), components.batch_size
    )
