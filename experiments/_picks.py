"""Which explanations a user is shown: picked for what they cover, or at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments._explanations import Listed, Weighed

__all__ = ["pick_for_coverage"]


def pick_for_coverage(listed: Sequence[Listed], num_picks: int, num_words: int) -> list[int]:
    """The paper's submodular pick for explainers other than limelight, which has its own.

    A word's importance is the square root of the sum of its absolute weights, or of ones where there are no weights. Each step
    picks the explanation whose words that no pick had so far have the most of it, the first of several.
    """
    sums = np.zeros(num_words)
    for one in listed:
        sums[one.columns] += np.abs(one.weights) if isinstance(one, Weighed) else 1.0
    importance = np.sqrt(sums)
    left = list(range(len(listed)))
    picks: list[int] = []
    while left and len(picks) < num_picks:
        best = max(left, key=lambda i: importance[listed[i].columns].sum())
        picks.append(best)
        left.remove(best)
        importance[listed[best].columns] = 0.0
    return picks
