"""Whether a program has put something of its own in the place of a piece of lime's."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from limelight.compat.discretize import BaseDiscretizer
from limelight.compat.lime_base import LimeBase

__all__ = ["has_own_base", "has_own_bins", "has_own_method", "needs_scikit_learn"]

_BASE_METHODS = {
    name: vars(LimeBase)[name]
    for name in ("explain_instance_with_data", "feature_selection", "forward_selection", "generate_lars_path")
}
_DISCRETIZER_METHODS = {name: vars(BaseDiscretizer)[name] for name in ("discretize", "get_undiscretize_values", "undiscretize")}


def has_own_method(owner: object, name: str, original: object) -> bool:
    """Whether a method of an object is not the original: a subclass, the class itself or the object has another."""
    if name in vars(owner):
        return True
    return next(vars(cls)[name] for cls in type(owner).__mro__ if name in vars(cls)) is not original


def has_own_base(base: Any, kernel_fn: partial[Any]) -> bool:
    """Whether the surrogate is not fitted by lime's own `LimeBase` with this kernel."""
    if type(base) is not LimeBase or base.kernel_fn is not kernel_fn:
        return True
    return any(has_own_method(base, name, original) for name, original in _BASE_METHODS.items())


def has_own_bins(discretizer: BaseDiscretizer) -> bool:
    """Whether a discretizer finds bins, or draws inside them, in a way of its own; where its edges lie does not matter."""
    if any(getattr(find_bins, "func", None) is not np.searchsorted for find_bins in discretizer.lambdas.values()):
        return True
    return any(has_own_method(discretizer, name, original) for name, original in _DISCRETIZER_METHODS.items())


def needs_scikit_learn(distance_metric: Any, model_regressor: Any) -> bool:
    """Whether a distance is a function, or a regressor no estimator, which limelight's pipeline does not take."""
    is_estimator = model_regressor is None or hasattr(model_regressor, "get_params")
    return not isinstance(distance_metric, str) or not is_estimator
