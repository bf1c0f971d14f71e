"""How certain a list of the heaviest components is: which of them belong there, and in which order.

The fits without one replicate each show how the weights of all components vary together. From this come weights as they might
truly be: in how many of them a component is among the heaviest says how likely it belongs to the list.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

__all__ = ["Certainty", "judge_list"]

_NUM_DRAWS = 400
_LEVEL = 0.95  # of the ranks


class Certainty(NamedTuple):
    """How certain c listed components are; all is NaN where it is not known.

    Attributes
    ----------
    tops : ndarray of shape (c,)
        The probabilities that they are truly among the c heaviest.
    best_ranks, worst_ranks : ndarray of shape (c,)
        Between which places of all components each is by its size, at a level of 95 %.
    """

    tops: np.ndarray
    best_ranks: np.ndarray
    worst_ranks: np.ndarray

    @classmethod
    def unknown(cls, count: int) -> Certainty:
        """That of a list of which nothing is known."""
        return cls(*np.full((3, count), np.nan))

    @classmethod
    def exact(cls, count: int) -> Certainty:
        """That of a list with which nothing is left to chance."""
        ranks = np.arange(1.0, 1.0 + count)
        return cls(np.ones(count), ranks, ranks)

    def of_weights(self, weights: np.ndarray) -> Certainty:
        """The same, but for components whose weights, of shape (c,), are 0: nothing puts them before others."""
        return Certainty(*(np.where(weights == 0, np.nan, part) for part in self))


def judge_list(weights: np.ndarray, listed: np.ndarray) -> Certainty:
    """How certain the heaviest components are.

    Parameters
    ----------
    weights : ndarray of shape (1 + r, d)
        The weights of all components, then those of fits without one of r replicates each.
    listed : ndarray of int, of shape (c,)
        The listed components: the heaviest.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.stages.certainty import judge_list
    >>> noise = 0.1 * np.random.default_rng(0).normal(size=(8, 4))
    >>> weights = np.array([5.0, -3.0, 3.01, 0.0]) + np.concatenate([np.zeros((1, 4)), noise])
    >>> certainty = judge_list(weights, np.array([0, 2]))
    >>> certainty.tops.round(1).tolist(), certainty.best_ranks.tolist(), certainty.worst_ranks.tolist()
    ([1.0, 0.5], [1.0, 2.0], [1.0, 3.0])
    """
    r, count = len(weights) - 1, len(listed)
    if r < 2 or not np.isfinite(weights).all():
        return Certainty.unknown(count)
    # The jackknife's errors, of Student's t with r - 1 degrees of freedom (Efron and Tibshirani 1993, chapter 11).
    deviations = np.sqrt((r - 1) / r) * (weights[1:] - weights[1:].mean(axis=0))
    sizes = np.abs(weights[0] + _draws(r) @ deviations)
    own = sizes[:, listed]
    least = -np.partition(-sizes, count - 1, axis=1)[:, count - 1]
    ranks = np.stack([1 + (sizes > own[:, [place]]).sum(axis=1) for place in range(count)])
    ranks.sort(axis=1)
    best, worst = (round(share * (_NUM_DRAWS - 1)) for share in ((1 - _LEVEL) / 2, (1 + _LEVEL) / 2))
    tops = (own >= least[:, None]).mean(axis=0)
    return Certainty(tops, ranks[:, best].astype(np.float64), ranks[:, worst].astype(np.float64))


@cache
def _draws(r: int) -> np.ndarray:
    """Coefficients of r deviations, of shape (draws, r): normal ones over a common chi. They are the same in every process."""
    generator = np.random.default_rng(0)
    spread = np.sqrt(generator.chisquare(r - 1, (_NUM_DRAWS, 1)) / (r - 1))
    return np.asarray(generator.standard_normal((_NUM_DRAWS, r)) / spread)
