"""A model as a sum over leaves, as of trees: each leaf adds its value where a row meets its conditions on single columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

__all__ = ["Conditions", "Expectation", "LeafSum", "Leaves"]

_MOST_TRUTHS = 2**24  # booleans at a time, where rows are put through the leaves


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
        values = by_column[self.columns[self.owners]]
        is_inside = (values > self.lows[:, None]) & (values <= self.highs[:, None])
        are_met = np.logical_or.reduceat(is_inside, np.searchsorted(self.owners, np.arange(len(self.columns))), axis=0)
        if np.isnan(by_column).any():
            are_met |= self.takes_missing[:, None] & np.isnan(by_column[self.columns])
        return are_met


class Leaves(NamedTuple):
    """Leaves with equally many conditions.

    Attributes
    ----------
    values : ndarray of shape (k, n)
        What each of n leaves adds to each of k outputs.
    conditions : ndarray of int, of shape (p, n)
        The numbers of its p conditions, each on another column.
    columns : ndarray of int, of shape (p * n,)
        The columns of these.
    """

    values: np.ndarray
    conditions: np.ndarray
    columns: np.ndarray


class Expectation(NamedTuple):
    """What a law makes of q outputs.

    Attributes
    ----------
    mean : ndarray of shape (q,)
        Their means.
    covariances : ndarray of shape (q, d)
        Their covariances with the components.
    """

    mean: np.ndarray
    covariances: np.ndarray


class LeafSum:
    """A function of a row's d columns with k outputs.

    Parameters
    ----------
    num_columns : int
        The number of columns, d.
    values : ndarray of shape (l, k)
        The leaves' values.
    conditions : Conditions
        All that leaves have.
    leaf_numbers, condition_numbers : ndarray of int, of shape (e,)
        Which leaf has which condition, by ascending leaf; a leaf has no two on the same column.
    link : {"identity", "logit"}
        What turns the model's outputs into this sum.

    Attributes
    ----------
    conditions : Conditions
    num_outputs : int
        k.
    """

    def __init__(
        self,
        num_columns: int,
        values: np.ndarray,
        conditions: Conditions,
        leaf_numbers: np.ndarray,
        condition_numbers: np.ndarray,
        link: str = "identity",
    ) -> None:
        self.link = link
        self.conditions = conditions
        self.num_outputs = values.shape[1]
        self._num_columns = num_columns
        counts = np.bincount(leaf_numbers, minlength=len(values))
        starts = np.cumsum(counts) - counts
        is_constant = counts == 0
        self._constant = values[is_constant].sum(axis=0)
        self._leaves = [
            self._with_equal_counts(np.flatnonzero(counts == count), int(count), starts, values, condition_numbers)
            for count in np.unique(counts[~is_constant])
        ]

    def _with_equal_counts(
        self, leaves: np.ndarray, count: int, starts: np.ndarray, values: np.ndarray, condition_numbers: np.ndarray
    ) -> Leaves:
        conditions = np.ascontiguousarray(condition_numbers[starts[leaves] + np.arange(count)[:, None]])
        return Leaves(np.ascontiguousarray(values[leaves].T), conditions, self.conditions.columns[conditions].ravel())

    def evaluate(self, rows: np.ndarray) -> np.ndarray:
        """The function's values for rows of shape (m, d), of shape (m, k)."""
        most_rows = max(1, _MOST_TRUTHS // max(1, max([leaves.conditions.size for leaves in self._leaves], default=1)))
        return np.concatenate(
            [self._evaluate(rows[start : start + most_rows]) for start in range(0, max(1, len(rows)), most_rows)]
        )

    def _evaluate(self, rows: np.ndarray) -> np.ndarray:
        are_met = self.conditions.are_met(rows)
        total = np.repeat(self._constant[None], len(rows), axis=0)
        for leaves in self._leaves:
            total += are_met[leaves.conditions].all(axis=0).T.astype(np.float64) @ leaves.values.T
        return total

    def expect(self, outputs: Sequence[int], chances: np.ndarray, covariances: np.ndarray) -> Expectation:
        """The means of q outputs, and their covariances with each column's component, where columns are independent.

        The mean of a product of conditions on independent columns is the product of their chances, so that
        E[f] = sum over leaves of value * prod_i P_i. With z a function of column j alone,
        Cov(f, z) = sum over leaves of value * Cov(1_j, z) * prod_{i != j} P_i.

        Parameters
        ----------
        outputs : sequence of int
            The outputs' numbers.
        chances : ndarray of shape (c,)
            How likely each condition is met.
        covariances : ndarray of shape (c,)
            The covariance of "it is met" with the component of the condition's column.
        """
        outputs = list(outputs)
        mean, with_columns = self._constant[outputs], np.zeros((len(outputs), self._num_columns))
        for leaves in self._leaves:
            factors, values = chances[leaves.conditions], leaves.values[outputs]
            others = _products_of_others(factors)
            mean += values @ (others[0] * factors[0])
            others *= covariances[leaves.conditions]
            for number, of_leaves in enumerate(values):
                with_columns[number] += np.bincount(leaves.columns, (others * of_leaves).ravel(), minlength=self._num_columns)
        return Expectation(mean, with_columns)


def _products_of_others(factors: np.ndarray) -> np.ndarray:
    """For each of the p factors of n products, of shape (p, n), the product of the other ones; factors may be 0."""
    products = np.ones_like(factors)
    running = factors[-1].copy()
    for place in range(len(factors) - 2, -1, -1):
        products[place] = running
        running *= factors[place]
    running = factors[0].copy()
    for place in range(1, len(factors)):
        products[place] *= running
        running *= factors[place]
    return products
