"""Segmentations as users give them: by name, as callables, as label maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from limelight._errors import ArgumentTypeError, InstanceError, LimelightError, unknown_name

__all__ = ["Segmentation", "check_segmentation", "label_map"]

Segmentation = Any  # a callable from an instance to a label map, or a label map; from the user also a name


def check_segmentation(segmentation: Any, named: Mapping[str, Callable[[], Any]], axes: tuple[int, ...]) -> Segmentation:
    """What a name stands for, a callable, or a label map of integers with so many axes.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If it is none of these.
    """
    if isinstance(segmentation, str):
        if segmentation not in named:
            raise unknown_name("segmentation", segmentation, named)
        return named[segmentation]()
    if isinstance(segmentation, type):
        raise ArgumentTypeError(f"segmentation must be made first; give {segmentation.__name__}(...).")
    if callable(segmentation):
        return segmentation
    try:
        labels = np.array(segmentation)
    except ValueError:
        labels = np.empty(0)
    if labels.ndim not in axes or labels.dtype.kind not in "bui":
        raise ArgumentTypeError(
            f"segmentation must be one of {', '.join(map(repr, named))}, a callable that gives a label map, or a label map of "
            f"integers; got {type(segmentation).__name__} of shape {labels.shape} and dtype {labels.dtype}."
        )
    return labels


def label_map(segmentation: Segmentation, instance: np.ndarray) -> np.ndarray:
    """The label map itself, or what a user's callable makes of a copy of the instance.

    Raises
    ------
    ArgumentTypeError
        If the callable gives anything but integers.
    InstanceError
        If it raises.
    """
    if isinstance(segmentation, np.ndarray):
        return segmentation
    try:
        found = np.asarray(segmentation(instance.copy()))
    except LimelightError:
        raise
    except Exception as error:
        raise InstanceError(
            f"the segmentation raised {type(error).__name__} for an instance of shape {instance.shape}: {error}"
        ) from error
    if found.dtype.kind not in "bui":
        raise ArgumentTypeError(f"the segmentation must give a label map of integers; it gave dtype {found.dtype}.")
    return found
