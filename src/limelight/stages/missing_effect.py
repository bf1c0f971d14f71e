"""What missing values change in a model's output, where a surrogate has no weight for it: they count as the mean there."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np

from limelight.stages.sample import Sample
from limelight.stages.surrogate import Fit

__all__ = ["MissingEffect", "find_missing_effect"]

_NEAR_MEAN = 0.5  # standard deviations: rows to compare with, in which curved models are about what they are at the mean
_LEAST_SHARE = 0.5  # of the output's spread nearby: an imputed median, or a bend at the mean, changes it less
_LEAST_ERRORS = 3.0  # standard errors
_LEAST_ROWS = 4  # that count


class MissingEffect(NamedTuple):
    """The effect of missing values of a component.

    Attributes
    ----------
    share : float
        The share of the perturbations in which it is missing.
    change : float
        How much greater the output is there than the surrogate lets one expect from rows near the mean.
    """

    share: float
    change: float


def find_missing_effect(sample: Sample, fit: Fit, number: int, component: int) -> MissingEffect | None:
    """The effect of missing values on an output, if it is too large to be chance or to be left out.

    Parameters
    ----------
    sample : Sample
        In its representation the component is -0.0 where a value is missing.
    fit : Fit
        The output's surrogate.
    number : int
        The output's number in the sample.
    component : int
        A component without bins.
    """
    rows = sample.regression_rows(np.append(fit.components, component))
    values, residuals = rows.representation[:, -1], rows.outputs[:, number] - rows.representation[:, :-1] @ fit.weights
    is_missing = (values == 0) & np.signbit(values)
    is_near = ~is_missing & (np.abs(values) < _NEAR_MEAN)
    missing, near = (
        _estimate_at_mean(values[chosen], residuals[chosen], rows.row_weights[chosen]) for chosen in (is_missing, is_near)
    )
    if missing is None or near is None:
        return None
    change, error = missing[0] - near[0], sqrt(missing[1] + near[1])
    if abs(change) <= max(_LEAST_SHARE * fit.spread, _LEAST_ERRORS * error):
        return None
    return MissingEffect(float(is_missing.mean()), change)


def _estimate_at_mean(values: np.ndarray, residuals: np.ndarray, weights: np.ndarray) -> tuple[float, float] | None:
    """What a straight line through residuals says at the column's mean, 0, and its squared error; None for too few rows.

    Parameters
    ----------
    values, residuals, weights : ndarray of shape (m,)
        The standardised values, what the surrogate leaves of the outputs, and the weights of some rows.
    """
    total = weights.sum()
    if not total or (effective_size := total**2 / (weights @ weights)) < _LEAST_ROWS:
        return None
    shares = weights / total
    centre, level = shares @ values, shares @ residuals
    variance = shares @ (values - centre) ** 2
    slope = shares @ ((values - centre) * (residuals - level)) / variance if variance else 0.0
    error = shares @ (residuals - level - slope * (values - centre)) ** 2 / (effective_size - 2)
    return float(level - slope * centre), float(error * (1 + (centre**2 / variance if variance else 0.0)))
