"""States that perturbations are seldom in: they get perturbations of their own, so that their weights are known, too.

A row's component can be on, or off, in one of a thousand draws: the row has a category that few training rows have, or lacks
one. Then hardly a perturbation would show what this changes. So each such state has further perturbations: the first rows of
the neighbourhood once more, with this component alone put into the rare state. All rows together are a mixture. A row's
law weight is LIME's probability of it over the mixture's (the balance heuristic [1]_), so that the limit stays the same.

References
----------
.. [1] E. Veach and L. Guibas, "Optimally Combining Sampling Techniques for Monte Carlo Rendering", SIGGRAPH 1995.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limelight.stages.design import Stretch

__all__ = ["RareState", "find_rare_states", "mixture_weights"]

_LEAST_GAIN = 4  # by how much further perturbations must raise the number of those that are in a state


class RareState(NamedTuple):
    """The rarer side of a component.

    Attributes
    ----------
    component : int
        The component's number.
    columns : tuple of int
        Its columns.
    codes : tuple of float
        The codes of the instance's values there.
    is_own : bool
        Whether the rare state is the instance's own; otherwise all others together are rare.
    share : float
        The probability of the rare state under LIME's law.
    """

    component: int
    columns: tuple[int, ...]
    codes: tuple[float, ...]
    is_own: bool
    share: float


def find_rare_states(columns: Sequence[Sequence[int]], codes: Sequence[float], shares: np.ndarray) -> tuple[RareState, ...]:
    """The rare states of a row that get further perturbations, by component.

    The more states there are, the fewer perturbations each of them can get. So they are the rarest, as many as gain by it.

    Parameters
    ----------
    columns : sequence of sequences of int
        The columns of each of c components.
    codes : sequence of float
        The codes of the row's values.
    shares : ndarray of shape (c,)
        The probability that each component is on; NaN where it has no states.
    """
    rarer_shares = np.minimum(shares, 1 - shares)
    with np.errstate(invalid="ignore"):
        is_rare = (rarer_shares > 0) & (rarer_shares < Stretch.rare_share)
    rare = np.flatnonzero(is_rare)
    rarest = rare[np.argsort(rarer_shares[rare], kind="stable")]
    while len(rarest) and _LEAST_GAIN * rarer_shares[rarest[-1]] * Stretch.points_per_rare_row(len(rarest)) > 1:
        rarest = rarest[:-1]
    return tuple(
        RareState(
            component,
            tuple(columns[component]),
            tuple(codes[number] for number in columns[component]),
            bool(shares[component] < 0.5),
            float(rarer_shares[component]),
        )
        for component in np.sort(rarest).tolist()
    )


def mixture_weights(representation: np.ndarray, states: Sequence[RareState], stretch: Stretch) -> np.ndarray:
    """The law weights, of shape (m,), of all rows that a stretch gives, from their components, of shape (m, d)."""
    num_of_law, num_of_state = stretch.size, stretch.of_rare_state(len(states)).size
    density = np.full(len(representation), float(num_of_law))
    for state in states:
        density += (num_of_state / state.share) * (representation[:, state.component] == state.is_own)
    return np.asarray((num_of_law + len(states) * num_of_state) / density)
