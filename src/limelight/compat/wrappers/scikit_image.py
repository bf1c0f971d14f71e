"""Segmentations of scikit-image as lime wraps them."""

from __future__ import annotations

import types
from typing import Any

import numpy as np

from limelight.compat.utils.generic_utils import has_arg
from limelight.exceptions import require

__all__ = ["BaseWrapper", "SegmentationAlgorithm"]

_ALGORITHMS = ("quickshift", "felzenszwalb", "slic")
_NEW_NAMES = {"random_seed": "rng"}  # scikit-image 0.23 took the old name away


class BaseWrapper:
    """A function with parameters that are kept for later.

    Parameters
    ----------
    target_fn : callable, optional
        The function; without one, the object itself must be callable.
    **target_params
        What it is to be called with.
    """

    def __init__(self, target_fn: Any = None, **target_params: Any) -> None:
        self.target_fn = target_fn
        self.target_params = target_params

    def _check_params(self, parameters: Any) -> None:
        """Refuse parameters that the function does not take.

        Raises
        ------
        AttributeError
            If there is no function.
        TypeError
            If the parameters are a text, or nothing that can be iterated over.
        ValueError
            If the function does not take one of them.
        """
        function = self.target_fn
        if function is None:
            function = self.__call__  # type: ignore[operator]  # an AttributeError, where there is none
        elif not isinstance(function, (types.FunctionType, types.MethodType)):
            function = function.__call__
        if isinstance(parameters, str):
            raise TypeError(f"parameters must be a list or a dict of names; got the text {parameters!r}.")
        for name in parameters:
            if not has_arg(function, name):
                raise ValueError(f"{name} is not a valid parameter of {function!r}.")

    def set_params(self, **params: Any) -> None:
        """Replace all parameters, once they are checked."""
        self._check_params(params)
        self.target_params = params

    def filter_params(self, fn: Any, override: dict[str, Any] | None = None) -> dict[str, Any]:
        """The kept parameters that another function takes, and those of `override`."""
        return {name: value for name, value in self.target_params.items() if has_arg(fn, name)} | (override or {})


class SegmentationAlgorithm(BaseWrapper):
    """One of scikit-image's segmentations; parameters that it does not know are dropped.

    Parameters
    ----------
    algo_type : {"quickshift", "felzenszwalb", "slic"}
        Which one.
    **target_params
        Its parameters.

    Raises
    ------
    ValueError
        If there is no such segmentation.
    """

    def __init__(self, algo_type: str, **target_params: Any) -> None:
        if algo_type not in _ALGORITHMS:
            raise ValueError(f"algo_type must be one of {', '.join(map(repr, _ALGORITHMS))}; got {algo_type!r}.")
        self.algo_type = algo_type
        function = getattr(require("skimage.segmentation", extra="image", purpose=f"segmentation by {algo_type}"), algo_type)
        for old, new in _NEW_NAMES.items():
            if old in target_params and not has_arg(function, old):
                target_params.setdefault(new, target_params.pop(old))
        super().__init__(function, **target_params)
        self.set_params(**self.filter_params(function))

    def __call__(self, *args: Any) -> np.ndarray:
        """The label map of an image."""
        labels: np.ndarray = self.target_fn(args[0], **self.target_params)
        return labels
