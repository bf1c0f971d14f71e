"""A model as a sum over leaves, as of trees: each leaf adds its value where a row meets its conditions on single columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from limelight.stages.expansion import SumOfProducts
from limelight.stages.grouped_leaves import Events, group_conditions
from limelight.stages.limit import Expectation
from limelight.stages.product_law import ConditionMoments, Conditions, ProductLaw

__all__ = ["NEVER", "LeafSum", "Leaves", "expect_together"]

_MOST_VALUES = 2**20  # of rows that are compared with conditions at a time
_MOST_NUMBERS = 2**17  # in an array at a time: they stay in the processor's cache
_MOST_PAIRS = 2**13  # of a leaf and a column at a time, for the same reason
_MOST_LAWS = 32  # at a time: with more, arrays are taken from the system and given back each time
_MOST_MOMENTS = 2**22  # of conditions under several laws at a time
_MOST_KEPT_BYTES = 2**20  # of rows whose sums are kept

NEVER = -1
"""The number of a condition that no row meets."""


class Leaves(NamedTuple):
    """Some leaves, and what they ask: e pairs of a leaf and a column, by ascending leaf, each column at most once for a leaf.

    Attributes
    ----------
    values : ndarray of shape (l, k)
        What each of l leaves adds to each of k outputs.
    leaves : ndarray of int, of shape (e,)
        The numbers of the leaves, from 0.
    met : ndarray of int, of shape (e,)
        The numbers of the conditions that a row meets there.
    not_met : ndarray of int, of shape (e,)
        The numbers of the conditions, narrower ones on the same column, that it does not meet; or `NEVER`.
    """

    values: np.ndarray
    leaves: np.ndarray
    met: np.ndarray
    not_met: np.ndarray

    def by_count(self) -> Iterator[_EqualLeaves]:
        """The leaves in groups that ask for equally many columns."""
        counts = np.bincount(self.leaves, minlength=len(self.values))
        starts = np.cumsum(counts) - counts
        for count in np.unique(counts).tolist():
            leaves = np.flatnonzero(counts == count)
            pairs = starts[leaves] + np.arange(count)[:, None]
            yield _EqualLeaves(np.ascontiguousarray(self.values[leaves].T), self.met[pairs], self.not_met[pairs])


class _EqualLeaves(NamedTuple):
    """Leaves that ask for equally many columns.

    Attributes
    ----------
    values : ndarray of shape (k, n)
        What each of n leaves adds to each of k outputs.
    met, not_met : ndarray of int, of shape (p, n)
        As for `Leaves`, of the p columns of each leaf.
    """

    values: np.ndarray
    met: np.ndarray
    not_met: np.ndarray

    def split(self, step: int) -> Iterator[_EqualLeaves]:
        """The leaves in parts of at most so many."""
        for start in range(0, self.met.shape[1], step):
            part = slice(start, start + step)
            yield _EqualLeaves(self.values[:, part], self.met[:, part], self.not_met[:, part])


class LeafSum(SumOfProducts):
    """A function of a row's d columns with k outputs.

    Parameters
    ----------
    num_columns : int
        The number of columns, d.
    conditions : Conditions
        All that leaves ask for.
    parts : iterable of Leaves
        All leaves, a part at a time.
    link : {"identity", "logit"}
        What turns the model's outputs into this sum.

    Attributes
    ----------
    conditions : Conditions
    num_columns, num_outputs : int
        d and k.
    """

    def __init__(self, num_columns: int, conditions: Conditions, parts: Iterable[Leaves], link: str = "identity") -> None:
        self.link = link
        self.conditions = conditions
        self.num_columns = num_columns
        groups = [group for part in parts for group in part.by_count()]
        self.num_outputs = len(groups[0].values)
        self._leaves = [group for group in groups if len(group.met)]
        self.is_additive = all(len(group.met) == 1 for group in self._leaves)
        self._by_component: tuple[bytes, LeafSum] | None = None
        self._kept: tuple[bytes, np.ndarray] | None = None  # rows and their sums
        self._constant = sum((group.values.sum(axis=1) for group in groups if not len(group.met)), np.zeros(self.num_outputs))

    @property
    def num_pairs(self) -> int:
        """How many pairs of a leaf and a column there are: what memory and time grow with."""
        return sum(group.met.size for group in self._leaves)

    def take_apart(self) -> Leaves:
        """All leaves in one part, in another order; the first one stands for all that ask for nothing."""
        nothing = np.empty(0, dtype=np.int32)
        values, leaves, met, not_met, count = [self._constant[None]], [nothing], [nothing], [nothing], 1
        for group in self._leaves:
            num_columns, number = group.met.shape
            values.append(group.values.T)
            leaves.append(np.repeat(np.arange(count, count + number, dtype=np.int32), num_columns))
            met.append(group.met.T.ravel())
            not_met.append(group.not_met.T.ravel())
            count += number
        return Leaves(np.concatenate(values), np.concatenate(leaves), np.concatenate(met), np.concatenate(not_met))

    def evaluate(self, rows: np.ndarray) -> np.ndarray:
        if len(rows) == 1:  # as the row that is explained, which comes but once
            return self._evaluate_row(rows)
        content, kept = rows.tobytes(), self._kept
        if kept is not None and content == kept[0]:  # all calls of an explainer share the rows that they draw
            return kept[1].copy()
        sums = self._add_up(rows)
        if len(content) <= _MOST_KEPT_BYTES:
            self._kept = content, sums
        return sums.copy()

    def _add_up(self, rows: np.ndarray) -> np.ndarray:
        # Whether eight rows meet a condition is a byte; the last condition is `NEVER`.
        are_met = np.zeros((len(self.conditions.columns) + 1, -(-len(rows) // 8)), dtype=np.uint8)
        for places, conditions in self.conditions.split(max(1, _MOST_VALUES // max(1, len(rows)))):
            are_met[places] = np.packbits(conditions.are_met(rows), axis=1)
        total = np.repeat(self._constant[None], len(rows), axis=0)
        for leaves in self._leaves:
            for part in leaves.split(max(1, _MOST_NUMBERS // (len(leaves.met) * max(1, len(rows))))):
                are_inside = np.bitwise_and.reduce(are_met[part.met] & ~are_met[part.not_met], axis=0)
                total += (part.values @ np.unpackbits(are_inside, axis=1, count=len(rows))).T
        return total

    def _evaluate_row(self, rows: np.ndarray) -> np.ndarray:
        """The same as `_add_up` for a single row, which is in few leaves: in half the time."""
        are_met = np.append(self.conditions.are_met(rows)[:, 0], False)
        total = self._constant.copy()
        for leaves in self._leaves:
            is_inside = (are_met.take(leaves.met) > are_met.take(leaves.not_met)).all(axis=0)
            total += leaves.values.compress(is_inside, axis=1).sum(axis=1)
        return total[None]

    def of_components(self, component_of: np.ndarray) -> LeafSum:
        """The same sum over events of components; `component_of`, of shape (d,), is the component of each column."""
        key, kept = component_of.tobytes(), self._by_component
        if kept is None or kept[0] != key:
            leaves = self.take_apart()
            events, numbers, met = group_conditions(self.conditions, component_of, leaves.leaves, leaves.met, leaves.not_met)
            grouped = Leaves(leaves.values, numbers, met, np.full_like(met, NEVER))
            kept = key, LeafSum(int(component_of.max()) + 1, events, [grouped], self.link)
            self._by_component = kept
        return kept[1]

    def suits(self, law: ProductLaw, kernel_width: float) -> bool:
        if law.component_of is None:
            return True
        return law.condition_moments(self.of_components(law.component_of).conditions, kernel_width) is not None

    def expect(self, laws: Sequence[ProductLaw], kernel_width: float, outputs: Sequence[int]) -> Expectation:
        """The means of some outputs, and their covariances with the components.

        The mean of a product of conditions on independent columns is the product of their chances, so that
        E[f] = sum over leaves of value * prod_i P_i. With z the component of column j,
        Cov(f, z) = sum over leaves of value * Cov(1_j, z) * prod_{i != j} P_i.
        """
        (found,) = expect_together([self], laws, kernel_width, outputs)
        return found

    def expect_under(self, moments: Sequence[ConditionMoments], outputs: Sequence[int]) -> Expectation:
        dtype = np.result_type(*(of_law.chances for of_law in moments))
        chances, covariances = np.zeros((2, len(self.conditions.columns) + 1, len(moments)), dtype)  # the last one is `NEVER`
        for number, of_law in enumerate(moments):
            chances[:-1, number], covariances[:-1, number] = of_law
        with_columns = np.zeros((len(outputs), self.num_columns + 1, len(moments)), dtype)  # the last row is for the means
        for leaves in self._split():
            products = [_Products.of(part, chances, covariances) for part in leaves]
            columns = [self.conditions.columns[part.met].ravel() for part in leaves]
            columns += [np.full(part.met.shape[1], self.num_columns) for part in leaves]
            numbers = [product.with_columns for product in products] + [product.means for product in products]
            places, joined = np.concatenate(columns), np.concatenate(numbers)
            for number, output in enumerate(outputs):
                values = [np.tile(part.values[output], len(part.met)) for part in leaves] + [
                    part.values[output] for part in leaves
                ]
                with_columns[number] += self._sum_by_column(places, np.concatenate(values), joined)
        means = self._constant[list(outputs), None] + with_columns[:, -1]
        return Expectation(means.T, np.moveaxis(with_columns[:, :-1], 2, 0))

    def as_products(self, law: ProductLaw) -> LeafSum | None:
        return self if law.component_of is None else None

    def effects(self, chances: np.ndarray, output: int) -> np.ndarray:
        count = len(chances)
        chances, effects = np.append(chances, 0.0)[:, None], np.zeros(count + 1)
        for leaves in self._leaves:
            for part in leaves.split(max(1, _MOST_PAIRS // len(leaves.met))):
                others = _products_of_others(chances[part.met] - chances[part.not_met])[..., 0] * part.values[output]
                effects += np.bincount(part.met.ravel(), others.ravel(), count + 1)
                not_met = np.where(part.not_met == NEVER, count, part.not_met)
                effects -= np.bincount(not_met.ravel(), others.ravel(), count + 1)
        return effects[:-1]

    def _split(self) -> Iterator[list[_EqualLeaves]]:
        """All leaves in groups with a limited number of pairs of a leaf and a column."""
        group: list[_EqualLeaves] = []
        size = 0
        for leaves in self._leaves:
            for part in leaves.split(max(1, _MOST_PAIRS // len(leaves.met))):
                if group and size + part.met.size > _MOST_PAIRS:
                    yield group
                    group, size = [], 0
                group.append(part)
                size += part.met.size
        if group:  # none where all trees are single leaves
            yield group

    def _sum_by_column(self, columns: np.ndarray, values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """The sums for each column, of shape (d + 1, m), of numbers of shape (c, m), each times a value of shape (c,).

        They are added one after the other: so a law's sums have the same bits whatever other laws there are.
        """
        from scipy.sparse import csc_array

        places = np.arange(len(columns) + 1, dtype=columns.dtype)
        return np.asarray(csc_array((values, columns, places), shape=(self.num_columns + 1, len(columns))) @ numbers)


def expect_together(
    sums: Sequence[LeafSum], laws: Sequence[ProductLaw], kernel_width: float, outputs: Sequence[int]
) -> list[Expectation]:
    """What `LeafSum.expect` finds for several sums with the same conditions, whose moments are worked out once."""
    component_of = laws[0].component_of
    if component_of is not None and not isinstance(sums[0].conditions, Events):
        return [part.of_components(component_of).expect(laws, kernel_width, outputs) for part in sums]
    conditions = sums[0].conditions
    most = min(_MOST_LAWS, max(1, _MOST_MOMENTS // max(1, len(conditions.columns))))
    found = []
    for start in range(0, len(laws), most):
        moments = [law.condition_moments(conditions, kernel_width) for law in laws[start : start + most]]
        known = [of_law for of_law in moments if of_law is not None]
        found.append([part.expect_under(known, outputs) for part in sums])
    return [Expectation(*map(np.concatenate, zip(*of_sum, strict=True))) for of_sum in zip(*found, strict=True)]


class _Products(NamedTuple):
    """What m laws make of n leaves with p columns each.

    Attributes
    ----------
    means : ndarray of shape (n, m)
        How likely a row is in each leaf.
    with_columns : ndarray of shape (p * n, m)
        The covariance of "it is" with each column's component.
    """

    means: np.ndarray
    with_columns: np.ndarray

    @classmethod
    def of(cls, leaves: _EqualLeaves, chances: np.ndarray, covariances: np.ndarray) -> _Products:
        """From the chances of all conditions, and their covariances with the components, of shape (c, m)."""
        factors = chances[leaves.met] - chances[leaves.not_met]
        others = _products_of_others(factors)
        means = others[0] * factors[0]
        others *= covariances[leaves.met] - covariances[leaves.not_met]
        return cls(means, others.reshape(-1, others.shape[-1]))


def _products_of_others(factors: np.ndarray) -> np.ndarray:
    """For each of the p factors of products, of shape (p, n, m), the product of the other ones; factors may be 0."""
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
