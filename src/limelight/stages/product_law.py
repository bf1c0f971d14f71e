"""LIME's law for an instance whose components are columns that are drawn independently: what it says, weighted by the kernel.

With bins, components are drawn independently, and the kernel exp(-(number of components that are off) / (2 width^2)) is a
product over components. So the weighted law is a product law again: component j is on with probability
q_j = s_j / (s_j + k (1 - s_j)), where s_j is its probability under LIME's law and k = exp(-1 / (2 width^2)). Without bins, a
component is a standardised value, and the kernel turns its normal law into another one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

__all__ = ["ComponentMoments", "ConditionMoments", "Conditions", "ProductLaw", "ValueMoments"]


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
        return self._slice(*np.searchsorted(self.columns, [column, column + 1]))

    def split(self, most: int) -> Iterator[tuple[slice, Conditions]]:
        """All of them in parts of at most so many, and where each part lies."""
        for start in range(0, len(self.columns), most):
            stop = min(start + most, len(self.columns))
            yield slice(start, stop), self._slice(start, stop)

    def _slice(self, start: int, stop: int) -> Conditions:
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
        values = by_column[self.columns[self.owners]]
        are_met = (values > self.lows[:, None]) & (values <= self.highs[:, None])
        if len(are_met) > len(self.columns):  # some are several intervals
            are_met = np.logical_or.reduceat(are_met, np.searchsorted(self.owners, np.arange(len(self.columns))), axis=0)
        if np.isnan(by_column).any():
            are_met |= self.takes_missing[:, None] & np.isnan(by_column[self.columns])
        return np.asarray(are_met)


class ComponentMoments(NamedTuple):
    """Components under LIME's law, weighted by the kernel.

    Attributes
    ----------
    means, variances : ndarray of shape (d,)
        Of each component, uncorrelated with the others; NaN for a variance that a narrow kernel leaves too few digits.
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
    """The columns' values under LIME's law, weighted by the kernel; a missing value counts as 0.

    Attributes
    ----------
    means : ndarray of shape (d,)
        NaN where they are not known.
    covariances : ndarray of shape (d,)
        The covariance of each value with its own component.
    """

    means: np.ndarray
    covariances: np.ndarray


class ProductLaw(ABC):
    """LIME's law for one instance whose components are columns that are drawn independently.

    Attributes
    ----------
    has_plain_numbers : bool
        Whether a model gets all columns' numbers as they are here; otherwise some are the places of categories, or counts of
        time.
    component_of : ndarray of int, of shape (d,), or None
        The component of each column, where columns are drawn together and are one component; None where each column is one.
    """

    has_plain_numbers: bool = True
    component_of: np.ndarray | None = None

    @abstractmethod
    def component_moments(self, kernel_width: float) -> ComponentMoments:
        """The moments of the components."""

    @abstractmethod
    def condition_moments(self, conditions: Conditions, kernel_width: float) -> ConditionMoments | None:
        """The moments of conditions on columns, or of events of components if columns are drawn together; None if too many."""

    @abstractmethod
    def condition_shares(self, conditions: Conditions) -> np.ndarray:
        """How likely each condition on a column is met under LIME's law itself: of all rows drawn in the same way, the same."""

    @abstractmethod
    def value_moments(self, kernel_width: float) -> ValueMoments | None:
        """The moments of the columns' values; None if none are known."""
