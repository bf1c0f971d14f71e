"""The errors of sums and differences of weights, from the fits that leave out one replicate each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import nan

import numpy as np

from limelight.results._surrogate import Surrogate

__all__ = ["as_array", "critical_value", "half_widths_of", "is_certain", "standard_errors", "widening_of"]


def standard_errors(deviations: np.ndarray) -> np.ndarray:
    """The jackknife's errors, of shape (..., m), from deviations of shape (..., r, m); NaN for fewer than two fits.

    The deviations are those of the fits that leave out one of r replicates each, from their mean. (Efron and Tibshirani, "An
    Introduction to the Bootstrap", 1993, chapter 11.)

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.results.jackknife import standard_errors
    >>> standard_errors(np.array([[0.1], [-0.1]])).round(2)
    array([0.1])
    """
    r = deviations.shape[-2]
    if r < 2:
        return np.full((*deviations.shape[:-2], deviations.shape[-1]), np.nan)
    return np.asarray(np.sqrt((r - 1) / r * (deviations**2).sum(axis=-2)))


def half_widths_of(deviations: np.ndarray, confidence: float) -> np.ndarray:
    """How far the intervals of m numbers reach to each side, from deviations of shape (r, m), as `standard_errors` takes them.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.results.jackknife import half_widths_of
    >>> half_widths_of(np.array([[0.1], [-0.1]]), 0.95).round(2)
    array([1.27])
    """
    return critical_value(confidence, len(deviations)) * standard_errors(deviations)


def is_certain(surrogate: Surrogate) -> bool:
    """Whether nothing in a surrogate is left to chance."""
    return surrogate.lows == surrogate.weights == surrogate.highs


def widening_of(surrogate: Surrogate, confidence: float) -> float:
    """By how much a surrogate's intervals are wider than the jackknife alone makes them: at least 1, by those that are known.

    Intervals may allow for more than chance in the fit. Those of sums and differences then do so, too.
    """
    own = half_widths_of(as_array(surrogate.left_out, len(surrogate.weights))[:, 1:], confidence)
    stated = (np.array(surrogate.highs) - np.array(surrogate.lows)) / 2
    # A weight of a sum that is far larger has fewer digits.
    is_known = (own > 1e-9 * np.abs(surrogate.weights)) & np.isfinite(stated)
    return float(np.max(stated[is_known] / own[is_known], initial=1.0))


def as_array(left_out: Sequence[Sequence[float]], count: int) -> np.ndarray:
    """The deviations of the intercept and of `count` weights, of shape (r, 1 + count)."""
    return np.array(left_out, dtype=np.float64).reshape(-1, 1 + count)


@cache
def critical_value(confidence: float, num_replicates: int) -> float:
    """By how many standard errors an interval reaches to each side: Student's t; NaN for fewer than two replicates."""
    from scipy.special import stdtrit

    return float(stdtrit(num_replicates - 1, 0.5 + confidence / 2)) if num_replicates > 1 else nan
