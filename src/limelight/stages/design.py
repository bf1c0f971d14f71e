"""What a design of perturbations is: a source of masks, or of points of the unit cube, that comes in independent replicates.

A design spreads its perturbations more evenly than independent draws do, so that fewer model inputs give the same accuracy.
It comes in replicates, so that their spread shows its error. Each replicate is a sequence that later stretches continue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from limelight.results.equality import EqualityMixin

__all__ = ["REPLICATES", "Design", "Drawn", "Stretch"]

REPLICATES = 8


@dataclass(frozen=True)
class Stretch:
    """A part of a design: the next points of each replicate's sequence, and a few extra ones.

    Attributes
    ----------
    replicates : int
        The number of independent replicates.
    start, stop : int
        Which points of each replicate's sequence: ``start`` to ``stop - 1``.
    extra : int
        The number of extra points; they are dealt out to the replicates one by one.
    rare_share : float
        A component is rarely on, or rarely off, if that has a smaller probability under LIME's own law.
    """

    rare_share: ClassVar[float] = 0.03

    replicates: int
    start: int
    stop: int
    extra: int = 0

    @property
    def size(self) -> int:
        """The number of points, those of all replicates together."""
        return self.replicates * (self.stop - self.start) + self.extra

    def of_rare_state(self, num_rare_states: int) -> Stretch:
        """The points that make perturbations of each of some rare states, beside those that follow LIME's law."""
        points_per_row = self.points_per_rare_row(num_rare_states)
        return Stretch(self.replicates, self.start // points_per_row, self.stop // points_per_row)

    @staticmethod
    def points_per_rare_row(num_rare_states: int) -> int:
        """How many points of a design go with one perturbation of each of some rare states.

        It is the smallest power of two above their number. So at least half of all perturbations follow LIME's law, and the
        points remain whole prefixes of a sequence.
        """
        return int(2 ** num_rare_states.bit_length())


@dataclass(frozen=True, eq=False)
class Drawn(EqualityMixin):
    """A stretch of a design: masks, or points of the unit cube.

    Attributes
    ----------
    values : ndarray of shape (m, d)
        0/1 masks, or numbers in [0, 1).
    law_weights : ndarray of shape (m,)
        The probability under LIME's own law over that under the law that the rows were drawn from: 1 on average.
    replicates : ndarray of shape (r + 1,)
        Replicate i is rows ``replicates[i]:replicates[i + 1]``.
    """

    values: np.ndarray
    law_weights: np.ndarray
    replicates: np.ndarray


class Design:
    """A source of perturbations: masks, points of the unit cube, or both.

    Attributes
    ----------
    seed : tuple of int
        The seed of the random streams.
    """

    seed: tuple[int, ...]

    def least(self, parts: int) -> int:  # noqa: ARG002 - most designs need no particular number
        """The smallest number of masks that can tell every part's effect from every other's."""
        return 0

    def masks(self, law: np.ndarray, stretch: Stretch) -> Drawn:
        """Masks of d parts, where `law`, of shape (d + 1,), gives the probability of each number of absent parts."""
        raise NotImplementedError(f"{type(self).__name__} draws no masks")

    def points(self, dimensions: int, stretch: Stretch) -> Drawn:
        """Points of the unit cube with this many dimensions."""
        raise NotImplementedError(f"{type(self).__name__} draws no points")
