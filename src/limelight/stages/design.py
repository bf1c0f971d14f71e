"""What a design of perturbations is: a source of masks, or of points of the unit cube, that comes in independent replicates.

A design spreads its perturbations more evenly than independent draws do, so that fewer model inputs give the same accuracy.
It comes in replicates, so that its error can be seen from their spread. Each replicate is a sequence that later stretches
continue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["REPLICATES", "Design", "Drawn", "Stretch"]

REPLICATES = 8


@dataclass(frozen=True)
class Stretch:
    """A stretch of a design: points `start` to `stop` of each of its independent `replicates`, and `extra` single ones."""

    replicates: int
    start: int
    stop: int
    extra: int = 0


@dataclass(frozen=True)
class Drawn:
    """What a design asks for: masks of shape (m, d), or points of the unit cube.

    Attributes
    ----------
    values : ndarray of shape (m, d)
        0/1 masks, or numbers in [0, 1).
    law_weights : ndarray of shape (m,)
        LIME's own law over the law that the rows were drawn from: 1 on average.
    replicates : ndarray of shape (r + 1,)
        Replicate i is rows ``replicates[i]:replicates[i + 1]``.
    """

    values: np.ndarray
    law_weights: np.ndarray
    replicates: np.ndarray


class Design:
    """Which perturbations to ask for: masks, points of the unit cube, or both; see `limelight.stages.perturbation`.

    Attributes
    ----------
    seed : tuple of int
        What the random streams are made from.
    """

    seed: tuple[int, ...]

    def least(self, parts: int) -> int:  # noqa: ARG002 - most designs do with any number
        """How many masks it takes until every part can be told from every other."""
        return 0

    def masks(self, law: np.ndarray, stretch: Stretch) -> Drawn:
        """Masks of ``len(law) - 1`` parts, where `law` gives the probability of each number of absent parts."""
        raise NotImplementedError(f"{type(self).__name__} draws no masks")

    def points(self, dimensions: int, stretch: Stretch) -> Drawn:
        """Points of the unit cube."""
        raise NotImplementedError(f"{type(self).__name__} draws no points")
