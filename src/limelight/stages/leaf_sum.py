"""A model as a sum over leaves, as of trees: each leaf adds its value where a row meets its conditions on single columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limelight.stages.limit import Expectation, ModelSum
from limelight.stages.product_law import Conditions, ProductLaw

__all__ = ["Conditions", "Expectation", "LeafSum", "Leaves"]

_MOST_TRUTHS = 2**24  # booleans at a time, where rows are put through the leaves


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


class LeafSum(ModelSum):
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

    def expect(self, law: ProductLaw, kernel_width: float, outputs: Sequence[int]) -> Expectation:
        """The means of some outputs, and their covariances with the components.

        The mean of a product of conditions on independent columns is the product of their chances, so that
        E[f] = sum over leaves of value * prod_i P_i. With z the component of column j,
        Cov(f, z) = sum over leaves of value * Cov(1_j, z) * prod_{i != j} P_i.
        """
        chances, covariances = law.condition_moments(self.conditions, kernel_width)
        outputs = list(outputs)
        mean, with_columns = self._constant[outputs].copy(), np.zeros((len(outputs), self._num_columns))
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
