"""A stand-in for a model on a GPU: it takes masks, sleeps as long as the GPU took, and answers when it is read."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter, sleep
from typing import Any

import numpy as np

from limelight.extend import Components, ModelPath, Neighbourhood, register

__all__ = ["SleepingModel"]


class SleepingModel:
    """Computes while Python goes on, one question after the other, as a CUDA stream does.

    Parameters
    ----------
    milliseconds : float
        How long it takes for 1000 inputs.
    """

    def __init__(self, milliseconds: float) -> None:
        self.milliseconds = milliseconds
        self._free_at = 0.0

    def launch(self, masks: np.ndarray) -> Callable[[], np.ndarray]:
        """Start on some masks; what is returned waits for the answer."""
        self._free_at = max(self._free_at, perf_counter()) + len(masks) * self.milliseconds / 1e6
        ready_at = self._free_at

        def read() -> np.ndarray:
            sleep(max(0.0, ready_at - perf_counter()))
            scores = masks @ np.linspace(-0.3, 0.4, masks.shape[1]) + 0.2 * masks[:, 0] * masks[:, -1]
            share = 1 / (1 + np.exp(-scores))
            return np.column_stack([share, 1 - share])

        return read

    def __call__(self, images: Any) -> np.ndarray:
        raise TypeError(f"it takes masks; got {type(images).__name__}")


def _adapt(method: Any, components: Components) -> ModelPath | None:
    if not isinstance(method, SleepingModel):
        return None

    def make(neighbourhood: Neighbourhood, rows: np.ndarray) -> np.ndarray:
        return neighbourhood.representation[rows]

    def finish(masks: np.ndarray) -> np.ndarray:
        return method.launch(masks)()

    return ModelPath(make, finish, ("sleeping", components.content), 512, launch=method.launch)


register("adapter", "sleeping", _adapt)
