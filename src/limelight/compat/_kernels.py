"""Kernels as lime takes them: functions of distances and of ``kernel_width`` by name."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from limelight.stages.proximity import exponential_kernel

__all__ = ["bind_kernel", "limelight_kernel"]


def _default_kernel(distances: np.ndarray, kernel_width: float) -> np.ndarray:
    """The kernel of LIME's paper, with lime's square root."""
    return exponential_kernel(distances, kernel_width)


def bind_kernel(kernel: Any, kernel_width: float) -> partial[np.ndarray]:
    """A function of distances alone: the default kernel, or a program's own."""
    return partial(_default_kernel if kernel is None else kernel, kernel_width=kernel_width)


class _Bound:
    """A program's kernel as limelight calls kernels; picklable where the program's kernel is."""

    def __init__(self, kernel_fn: Any) -> None:
        self._kernel_fn = kernel_fn
        self.__name__ = getattr(kernel_fn.func, "__name__", "kernel")

    def __call__(self, distances: np.ndarray, width: float) -> Any:  # noqa: ARG002 - it is bound
        return self._kernel_fn(distances)


def limelight_kernel(kernel_fn: partial[np.ndarray]) -> _Bound | None:
    """What limelight takes for a bound kernel: None, its own, for the default one."""
    return None if kernel_fn.func is _default_kernel else _Bound(kernel_fn)
