"""Segmentations as users give them: names, callables or label maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any

import numpy as np

from limelight._checks import user_function
from limelight.exceptions import ArgumentTypeError, InstanceError, unknown_name

__all__ = ["Segmentation", "Segmenter", "check_segmentation", "make_label_map"]

Segmentation = Any
"""A callable from an instance to a label map, or a label map; a user may also give a name."""


class Segmenter:
    """Base of limelight's own segmentations, which are dataclasses: the repr has the settings that differ from the defaults."""

    def __repr__(self) -> str:
        dataclass: Any = self
        settings = [(field, getattr(self, field.name)) for field in fields(dataclass)]
        changed = [f"{field.name}={_describe(value)}" for field, value in settings if _differs(value, field.default)]
        return f"{type(self).__name__}({', '.join(changed)})"


def _differs(value: object, default: object) -> bool:
    return default is MISSING or bool(value != default)


def _describe(value: object) -> str:
    """A setting on one short line."""
    if isinstance(value, np.ndarray):
        return f"<array of shape {value.shape}>"
    text = repr(value)
    return text if "\n" not in text else f"<{type(value).__name__}>"


def check_segmentation(
    segmentation: Any, by_name: Mapping[str, Callable[[], Any]], axis_counts: tuple[int, ...]
) -> Segmentation:
    """A user's segmentation as a callable or a label map.

    Parameters
    ----------
    segmentation : str, callable or array of int
        What the user gave.
    by_name : dict of str to callable
        The function that makes the segmentation of each name.
    axis_counts : tuple of int
        The numbers of axes that a label map may have.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If it is none of these.
    """
    if isinstance(segmentation, str):
        if segmentation not in by_name:
            raise unknown_name("segmentation", segmentation, by_name)
        return by_name[segmentation]()
    if isinstance(segmentation, type):
        raise ArgumentTypeError(f"segmentation must be an object, not a class; give {segmentation.__name__}(...).")
    if callable(segmentation):
        return segmentation
    try:
        labels = np.array(segmentation)
    except ValueError:
        labels = np.empty(0)
    if labels.ndim not in axis_counts or labels.dtype.kind not in "bui":
        raise ArgumentTypeError(
            f"segmentation must be one of {', '.join(map(repr, by_name))}, a callable that returns a label map, or a label "
            f"map of integers; got {type(segmentation).__name__} of shape {labels.shape} and dtype {labels.dtype}."
        )
    return labels


def make_label_map(segmentation: Segmentation, instance: np.ndarray) -> np.ndarray:
    """The label map itself, or the one that a callable makes of a copy of the instance.

    Raises
    ------
    ArgumentTypeError
        If the callable's label map does not hold integers.
    InstanceError
        If the callable raises.
    """
    if isinstance(segmentation, np.ndarray):
        return segmentation
    about = f"for an instance of shape {instance.shape}"
    with user_function("the segmentation", InstanceError, about, function=segmentation):
        labels = np.asarray(segmentation(instance.copy()))
    if labels.dtype.kind not in "bui":
        raise ArgumentTypeError(f"the segmentation must return a label map of integers; it returned dtype {labels.dtype}.")
    return labels
