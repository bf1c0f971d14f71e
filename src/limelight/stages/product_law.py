"""LIME's law for an instance whose components are columns that are drawn independently: what it says, weighted by the kernel.

With bins, components are drawn independently, and the kernel exp(-(number of components that are off) / (2 width^2)) is a
product over components. So the weighted law is a product law again: component j is on with probability
q_j = s_j / (s_j + k (1 - s_j)), where s_j is its probability under LIME's law and k = exp(-1 / (2 width^2)). Without bins, a
component is a standardised value, and the kernel turns its normal law into another one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

__all__ = ["ComponentMoments", "ConditionMoments", "Conditions", "ProductLaw", "ValueMoments"]

_MOST_VALUES = 2**20  # of rows and conditions at a time


@dataclass(frozen=True, eq=False)
class Conditions:
    """Conditions on the value of a column: it lies in one of some intervals, or is missing and that counts.

    Attributes
    ----------
    columns : ndarray of int, of shape (c,)
        The column of each of c conditions, ascending.
    takes_missing : ndarray of bool, of shape (c,)
        Whether a missing value meets it.
    lows, highs : ndarray of shape (i,)
        Intervals, from above `low` up to `high`.
    owners : ndarray of int, of shape (i,)
        The number of the condition that each interval belongs to, ascending; the intervals of a condition do not overlap.
    """

    columns: np.ndarray
    takes_missing: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    owners: np.ndarray

    def of_column(self, column: int) -> Conditions:
        """Those on one column."""
        start, stop = np.searchsorted(self.columns, [column, column + 1])
        first, last = np.searchsorted(self.owners, [start, stop])
        owners = self.owners[first:last] - start
        return Conditions(
            self.columns[start:stop], self.takes_missing[start:stop], self.lows[first:last], self.highs[first:last], owners
        )

    def sum_over_intervals(self, of_intervals: np.ndarray) -> np.ndarray:
        """The sums of numbers of shape (i,) over the intervals of each condition, of shape (c,)."""
        return np.bincount(self.owners, of_intervals, minlength=len(self.columns))

    def are_met(self, rows: np.ndarray) -> np.ndarray:
        """Whether rows of shape (m, d) meet each condition, of shape (c, m)."""
        by_column = np.ascontiguousarray(rows.T)
        has_missing = bool(np.isnan(by_column).any())
        are_met = np.empty((len(self.columns), len(rows)), dtype=bool)
        # Some conditions at a time, since the values of all of them take much memory.
        step = max(1, _MOST_VALUES // max(1, len(rows)))
        for start in range(0, len(self.columns), step):
            part = slice(start, start + step)
            first, last = self._bounds[start], self._bounds[min(start + step, len(self.columns))]
            values = by_column[self.columns[self.owners[first:last]]]
            are_inside = (values > self.lows[first:last, None]) & (values <= self.highs[first:last, None])
            if len(are_inside) > len(are_met[part]):  # some are several intervals
                are_inside = np.logical_or.reduceat(are_inside, self._bounds[start : start + len(are_met[part])] - first, axis=0)
            are_met[part] = are_inside
            if has_missing:
                are_met[part] |= self.takes_missing[part, None] & np.isnan(by_column[self.columns[part]])
        return are_met

    @cached_property
    def _bounds(self) -> np.ndarray:
        """Where the intervals of each condition begin, and where the last ones end, of shape (c + 1,)."""
        return np.searchsorted(self.owners, np.arange(len(self.columns) + 1))


class ComponentMoments(NamedTuple):
    """Components under LIME's law, weighted by the kernel.

    Attributes
    ----------
    means, variances : ndarray of shape (d,)
        Of each component, uncorrelated with the others.
    mean_weight : float
        The kernel's mean under the law.
    """

    means: np.ndarray
    variances: np.ndarray
    mean_weight: float


class ConditionMoments(NamedTuple):
    """Conditions under LIME's law, weighted by the kernel.

    Attributes
    ----------
    chances : ndarray of shape (c,)
        How likely each is met.
    covariances : ndarray of shape (c,)
        The covariance of "it is met" with the component of its column.
    """

    chances: np.ndarray
    covariances: np.ndarray


class ValueMoments(NamedTuple):
    """The columns' values under LIME's law, weighted by the kernel.

    Attributes
    ----------
    means : ndarray of shape (d,)
    covariances : ndarray of shape (d,)
        The covariance of each value with its own component.
    """

    means: np.ndarray
    covariances: np.ndarray


class ProductLaw(ABC):
    """LIME's law for one instance whose components are columns that are drawn independently."""

    @abstractmethod
    def component_moments(self, kernel_width: float) -> ComponentMoments:
        """The moments of the components."""

    @abstractmethod
    def condition_moments(self, conditions: Conditions, kernel_width: float) -> ConditionMoments:
        """The moments of conditions on columns."""

    @abstractmethod
    def value_moments(self, kernel_width: float) -> ValueMoments | None:
        """The moments of the columns' values; None if some column has no numbers, or may miss some."""
