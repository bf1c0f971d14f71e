"""Components that are parts of an array, as the adapters of networks see them."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np

__all__ = ["Patches", "realise_extremes"]


@runtime_checkable
class Patches(Protocol):
    """Components that are parts of an array: see `limelight.modalities._patches.PatchParts`."""

    names: tuple[str, ...]
    array: np.ndarray
    labels: np.ndarray
    batch_size: int | None

    def realise(self, masks: np.ndarray) -> Any:
        """The array without its absent parts, for each of the masks of shape (m, d)."""

    def recast(self, array: np.ndarray, filling: np.ndarray, labels: np.ndarray) -> Patches:
        """The same parts of another array."""


def realise_extremes(components: Patches) -> Any:
    """A batch of two inputs: the instance, in which all parts are present, and the filling, in which none is."""
    return components.realise(np.array([[1], [0]], dtype=np.uint8).repeat(len(components.names), axis=1))
