"""What bins cost: which part of an output's variation a list of bins misses, and why, from the answers that are there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limelight.stages.components import Components, Neighbourhood
from limelight.stages.proximity import exponential_kernel

__all__ = ["BinsCost", "keep_first", "measure_bins_cost"]

_MOST_ROWS = 1024  # more than these tell hardly more
_MOST_COMPONENTS = 150  # with more, the fits would take longer than they are worth
_EXTREME_SHARE = 0.02  # of the rows
_MOST_OF_EXTREMES = 0.4  # of the variation that they may have
_MOST_DIFFERENCE = 0.1  # of fidelity without them
_LEAST_ROWS_PER_WEIGHT = 2  # effective rows


class BinsCost(NamedTuple):
    """Shares of an output's variation nearby that a list of bins misses.

    Attributes
    ----------
    not_listed : float
        What the bins that are not listed would follow.
    within_bins : float
        What slopes within all bins would follow in addition.
    rest : float
        What is left: what columns do together, and what bends within bins.
    without_bins : float
        The fidelity of a list of as many slopes, without bins; NaN where a few extreme outputs decide on it.
    """

    not_listed: float
    within_bins: float
    rest: float
    without_bins: float


def keep_first(
    components: Components, kept: Sequence[Neighbourhood], neighbourhoods: Sequence[Neighbourhood]
) -> Sequence[Neighbourhood]:
    """The first perturbations, which tell what bins cost: those kept, and further ones while they are few; () without bins."""
    if components.finer_option is None:
        return ()
    for neighbourhood in neighbourhoods:
        if sum(len(part.law_weights) for part in kept) < _MOST_ROWS:
            kept = (*kept, neighbourhood)
    return kept


def measure_bins_cost(
    components: Components, neighbourhoods: Sequence[Neighbourhood], outputs: np.ndarray, listed: np.ndarray, width: float
) -> BinsCost | None:
    """Compare additive fits: on the listed bins, on all bins, on bins and values, and on values alone.

    Each fit's share is adjusted for the number of its weights (Wherry's formula), which stands for held-out rows where rows are
    few.

    Parameters
    ----------
    components : Components
        They have bins.
    neighbourhoods : sequence of Neighbourhood
        The first perturbations, drawn from LIME's law itself.
    outputs : ndarray of shape (m,)
        One output of their drawn rows.
    listed : ndarray of int
        The reported components.
    width : float
        The kernel's.

    Returns
    -------
    cost : BinsCost or None
        None where too few rows tell it.
    """
    chosen = _choose_rows(neighbourhoods)
    on, slopes, law_weights = [], [], []
    for part, rows in zip(neighbourhoods, chosen, strict=True):
        values = components.slopes(part, 1 + rows)
        if values is None:
            return None
        slopes.append(values)
        on.append(part.representation[1 + rows].astype(np.float64))
        law_weights.append(part.law_weights[rows])
    states, numbers, weights = np.concatenate(on), np.concatenate(slopes), np.concatenate(law_weights)
    if states.shape[1] > _MOST_COMPONENTS:
        return None
    starts = np.cumsum([0, *(len(part.law_weights) for part in neighbourhoods)])
    outputs = np.concatenate([outputs[start + rows] for start, rows in zip(starts[:-1], chosen, strict=True)])
    has_slope = ~np.isnan(numbers[0])
    near = weights * exponential_kernel(np.sqrt((1 - states).sum(axis=1)), width)
    of_list, _ = _share_explained(states[:, listed], outputs, near)
    of_bins, _ = _share_explained(states, outputs, near)
    of_both, _ = _share_explained(np.concatenate([states, numbers[:, has_slope]], axis=1), outputs, near)
    # Without bins, distances are those of standardised values.
    values = np.where(has_slope, numbers, 1 - states)
    near = weights * exponential_kernel(np.sqrt((values**2).sum(axis=1)), width)
    _, coefficients = _share_explained(values, outputs, near)
    heaviest = np.argsort(-np.abs(coefficients), kind="stable")[: len(listed)]
    # The heaviest were chosen among all, so that all count as weights of the fit.
    without_bins, _ = _share_explained(values[:, heaviest], outputs, near, num_weights=values.shape[1])
    shares = np.maximum.accumulate([of_list, of_bins, of_both])
    if not np.isfinite([*shares, without_bins]).all():
        return None
    # Without bins values reach further than bins do. Where a few extreme outputs decide, the figure would be another there.
    far = np.abs(outputs - np.median(outputs))
    is_usual = far <= np.quantile(far, 1 - _EXTREME_SHARE)
    of_usual, _ = _share_explained(
        values[is_usual][:, heaviest], outputs[is_usual], near[is_usual], num_weights=values.shape[1]
    )
    squares = near * (outputs - near @ outputs / near.sum()) ** 2
    are_few = squares[~is_usual].sum() > _MOST_OF_EXTREMES * squares.sum()
    if are_few or not abs(of_usual - without_bins) <= _MOST_DIFFERENCE:
        without_bins = np.nan
    return BinsCost(float(shares[1] - shares[0]), float(shares[2] - shares[1]), float(1 - shares[2]), without_bins)


def _choose_rows(neighbourhoods: Sequence[Neighbourhood]) -> list[np.ndarray]:
    """The numbers of some drawn rows of each neighbourhood, spread over all of its replicates."""
    step = max(1, sum(len(part.law_weights) for part in neighbourhoods) // _MOST_ROWS)
    return [np.arange(0, len(part.law_weights), step) for part in neighbourhoods]


def _share_explained(
    components: np.ndarray, outputs: np.ndarray, weights: np.ndarray, *, num_weights: int = 0
) -> tuple[float, np.ndarray]:
    """The adjusted R2 of least squares on components of shape (m, p), and their p coefficients; NaN where rows are too few.

    It is adjusted for as many weights as there are, or for more.
    """
    mass = weights.sum()
    if not mass > 0:  # the kernel is so narrow that no row has a weight
        return np.nan, np.zeros(components.shape[1])
    weights = weights / mass
    size = 1 / float(weights @ weights)
    centred, deviations = components - weights @ components, outputs - weights @ outputs
    weighted = centred * weights[:, None]
    coefficients, _, rank, _ = np.linalg.lstsq(centred.T @ weighted, weighted.T @ deviations, rcond=1e-10)
    total = float(weights @ deviations**2)
    residual = float(weights @ (deviations - centred @ coefficients) ** 2)
    num_weights = max(int(rank), num_weights)
    if size < _LEAST_ROWS_PER_WEIGHT * (num_weights + 1) or not total:
        return np.nan, coefficients
    return 1 - residual / total * (size - 1) / (size - num_weights - 1), coefficients
