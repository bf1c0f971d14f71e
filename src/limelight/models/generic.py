"""The generic path, for any callable: the inputs are made and passed on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from limelight._checks import user_function
from limelight.exceptions import InstanceError
from limelight.stages.components import Components, Neighbourhood
from limelight.stages.prediction import ModelPath

__all__ = ["adapt_callable"]


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
