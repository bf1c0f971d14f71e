"""The sigmoid of a sum over leaves, expanded around the sum's additive part: two functions whose exact moments are known.

Let m be a sum of products of conditions on single columns, such as the log-odds of boosted trees, and a its additive part: its
mean, and for each column what its value changes in the mean over the others. The probability is nearly g(a) + g'(a) (m - a),
for a g near the sigmoid. With u_t = exp(i t a), which is a product over the columns,

    E[u_t] = prod_j E[exp(i t a_j)],    E[u_t 1_c 1_d ...] = E[u_t] times the product of E[exp(i t a_j) 1_c] / E[exp(i t a_j)]

over the conditions c, d, ... of a leaf, each with its own column j: the moments of m under another law, whose probabilities are
complex numbers. So what is made of u_t and u_t m for a few frequencies t has exact moments, near the sigmoid or not:

    g(a) = sum_t s_t sin(t a),  with s_t = h / sinh(pi t) and t = h / 2, 3 h / 2, ...

is the midpoint rule for sigmoid(a) - 1/2 = integral from 0 to infinity of sin(t a) / sinh(pi t) dt.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from limelight.stages.limit import Expectation, ModelSum
from limelight.stages.product_law import ConditionMoments, Conditions, ProductLaw

__all__ = ["Cells", "Expansion", "SumOfProducts"]

# More of the sigmoid's frequencies are of no use: what the additive part lacks makes the probability's mean smoother.
_HIGHEST_FREQUENCY = 1.2
_MOST_FREQUENCIES = 12
_MARGIN = 2.0  # beyond the widest additive part, where the sum of sines should still be near the sigmoid
_SPREADS = 3.0  # standard deviations of the additive part that count as its range
_ROUNDING = 1e-9  # of a probability
_LEAST_FACTOR = 1e-4  # of a column: frequencies are left out where division by less would cost digits


class Cells:
    """The cells into which conditions divide the values of columns: intervals without an end inside, and what is missing.

    Parameters
    ----------
    conditions : Conditions
        The conditions.

    Attributes
    ----------
    columns : ndarray of int, of shape (p,)
        The columns with conditions.
    conditions : Conditions
        That a value lies in each of n cells.
    places : ndarray of int, of shape (n,)
        The place of each cell's column in `columns`.
    places_of_conditions : ndarray of int, of shape (c,)
        The same of each condition.
    """

    def __init__(self, conditions: Conditions) -> None:
        self._takes_missing, self._owners = conditions.takes_missing, conditions.owners
        self.columns, self.places_of_conditions = np.unique(conditions.columns, return_inverse=True)
        of_intervals = self.places_of_conditions[conditions.owners]
        self._first, self._last = np.empty((2, len(of_intervals)), dtype=np.intp)
        self._ends: list[np.ndarray] = []
        starts = [0]
        for place in range(len(self.columns)):
            own = of_intervals == place
            lows, highs = conditions.lows[own], conditions.highs[own]
            ends = np.unique(np.concatenate([lows, highs, [-np.inf, np.inf]]))
            self._first[own], self._last[own] = starts[-1] + np.searchsorted(ends, [lows, highs])
            self._ends.append(ends)
            starts.append(starts[-1] + len(ends))  # the last one is that of missing values
        self._starts = np.array(starts[:-1], dtype=np.intp)
        self._missing = np.array(starts[1:], dtype=np.intp) - 1
        self.places = np.repeat(np.arange(len(self.columns)), [len(ends) for ends in self._ends])
        is_missing = np.isin(np.arange(starts[-1]), self._missing)
        self.conditions = Conditions(
            columns=self.columns[self.places],
            takes_missing=is_missing,
            lows=np.concatenate([np.empty(0), *(ends[:-1] for ends in self._ends)]),
            highs=np.concatenate([np.empty(0), *(ends[1:] for ends in self._ends)]),
            owners=np.flatnonzero(~is_missing),
        )

    def locate(self, rows: np.ndarray) -> np.ndarray:
        """The cells of the values of rows of shape (m, d), of shape (p, m)."""
        located = np.empty((len(self.columns), len(rows)), dtype=np.int32)
        for place, (column, ends) in enumerate(zip(self.columns, self._ends, strict=True)):
            values = rows[:, column]
            located[place] = self._starts[place] + np.searchsorted(ends, values) - 1
            located[place, np.isnan(values)] = self._missing[place]
        return located

    def sum_by_column(self, of_cells: np.ndarray) -> np.ndarray:
        """The sums of numbers of shape (..., n) over the cells of each column, of shape (..., p)."""
        return np.asarray(np.add.reduceat(of_cells, self._starts, axis=-1))

    def sum_by_condition(self, of_cells: np.ndarray) -> np.ndarray:
        """The sums of numbers of shape (w, n) over the cells in which each condition is met, of shape (w, c)."""
        running = np.zeros((len(of_cells), of_cells.shape[1] + 1), dtype=of_cells.dtype)
        np.cumsum(of_cells, axis=1, out=running[:, 1:])
        sums = of_cells[:, self._missing[self.places_of_conditions]] * self._takes_missing
        for of_condition, of_intervals in zip(sums, running[:, self._last] - running[:, self._first], strict=True):
            np.add.at(of_condition, self._owners, of_intervals)
        return np.asarray(sums)

    def sum_of_met(self, of_conditions: np.ndarray) -> np.ndarray:
        """For each cell the sum of numbers of shape (c,) over the conditions that are met in it, of shape (n,)."""
        steps = np.bincount(self._first, of_conditions[self._owners], minlength=len(self.places) + 1)
        steps -= np.bincount(self._last, of_conditions[self._owners], minlength=len(self.places) + 1)
        missing = of_conditions * self._takes_missing
        sums = np.cumsum(steps[:-1])
        sums += np.bincount(self._missing[self.places_of_conditions], missing, minlength=len(sums))
        return sums


_CELLS: WeakKeyDictionary[Conditions, Cells] = WeakKeyDictionary()


class SumOfProducts(ModelSum):
    """A sum of products of conditions on single columns, each product with a value.

    Attributes
    ----------
    conditions : Conditions
        All c conditions.
    """

    conditions: Conditions

    @abstractmethod
    def expect_under(self, moments: Sequence[ConditionMoments], outputs: Sequence[int]) -> Expectation:
        """As `expect`, from the conditions' moments under each law, which may be complex numbers."""

    @abstractmethod
    def effects(self, chances: np.ndarray, output: int) -> np.ndarray:
        """For each condition, the sum of its products' values times the chances of their other conditions, of shape (c,)."""

    @property
    def cells(self) -> Cells:
        """The cells of the conditions: worked out once for all sums that have these."""
        if self.conditions not in _CELLS:
            _CELLS[self.conditions] = Cells(self.conditions)
        return _CELLS[self.conditions]


@dataclass(frozen=True, eq=False)
class Expansion:
    """The expansion of one output.

    Attributes
    ----------
    mean : float
        The sum's mean.
    effects : ndarray of shape (n,)
        What each cell adds to it; 0 on average over a column.
    step : float
        The distance of the sines' frequencies, of which the first is half as great.
    sizes : ndarray of shape (w,)
        How much there is of each sine.
    means : ndarray of shape (2,)
        The exact means of both functions.
    covariances : ndarray of shape (2, d)
        Their exact covariances with the components.
    """

    mean: float
    effects: np.ndarray
    step: float
    sizes: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    @classmethod
    def of(
        cls, model_sum: SumOfProducts, law: ProductLaw, kernel_width: float, output: int, constant: float
    ) -> Expansion | None:
        """That of an output of a sum, to which the model adds a constant; None if its moments are not known, or not precise."""
        cells = model_sum.cells
        if not len(cells.columns):
            return None
        under_law = law.condition_moments(model_sum.conditions, kernel_width)
        of_cells = law.condition_moments(cells.conditions, kernel_width)
        if under_law is None or of_cells is None:
            return None
        if np.abs(cells.sum_by_column(of_cells.chances) - 1).max() > _ROUNDING:  # the law has values outside the cells
            return None
        mean = float(model_sum.expect_under([under_law], [output]).means[0, 0]) + constant
        effects = cells.sum_of_met(model_sum.effects(under_law.chances, output))
        effects -= cells.sum_by_column(of_cells.chances * effects)[cells.places]
        spread = np.sqrt(max(0.0, float(of_cells.chances @ effects**2)))
        step = np.pi / (abs(mean) + _SPREADS * spread + _MARGIN)
        count = min(_MOST_FREQUENCIES, int(np.ceil(_HIGHEST_FREQUENCY / step)))
        frequencies = step * (np.arange(count) + 0.5)
        factors = cells.sum_by_column(of_cells.chances * np.exp(1j * frequencies[:, None] * effects))
        is_precise = np.abs(factors).min(axis=1) > _LEAST_FACTOR
        if not is_precise.any():
            return None
        all_sizes = is_precise * step / np.sinh(np.pi * frequencies)
        frequencies, sizes = frequencies[is_precise], all_sizes[is_precise]
        waves = _Waves(cells, of_cells, effects, frequencies)
        totals = np.exp(1j * frequencies * mean) * waves.factors.prod(axis=1)
        under_waves = model_sum.expect_under(waves.of_conditions, [output])
        rest = under_waves.means[:, 0] + constant - mean - waves.effect_means.sum(axis=1)
        of_rest = under_waves.covariances[:, 0]
        of_rest[:, cells.columns] += rest[:, None] * waves.components - waves.effects
        slopes = sizes * frequencies
        covariances = np.zeros((2, of_rest.shape[1]))
        covariances[0, cells.columns] = sizes @ (totals[:, None] * waves.components).imag
        covariances[1] = slopes @ (totals[:, None] * of_rest).real
        means = np.array([sizes @ totals.imag, slopes @ (totals * rest).real])
        return cls(mean, effects, step, all_sizes, means, covariances)

    def evaluate(self, cells: np.ndarray, margins: np.ndarray) -> np.ndarray:
        """Both functions of m rows, of shape (m, 2), from their cells, of shape (p, m), and what the sum and constant give."""
        additive = self.mean + self.effects[cells].sum(axis=0)
        slopes = self.sizes * self.step * (np.arange(len(self.sizes)) + 0.5)
        wave = np.exp(0.5j * self.step * additive)
        first = (np.polyval(self.sizes[::-1], wave**2) * wave).imag
        return np.column_stack([first, (np.polyval(slopes[::-1], wave**2) * wave).real * (margins - additive)])


class _Waves:
    """The moments under complex laws: for each of w frequencies, those of p columns and of c conditions.

    Attributes
    ----------
    factors : ndarray of shape (w, p)
        By how much each column multiplies the mean of the wave.
    components : ndarray of shape (w, p)
        By how much the means of the columns' components are greater than without waves.
    effect_means, effects : ndarray of shape (w, p)
        The means of the columns' effects, and their covariances with the components.
    of_conditions : list of ConditionMoments
        Those of the conditions, for each frequency.
    """

    def __init__(self, cells: Cells, of_cells: ConditionMoments, effects: np.ndarray, frequencies: np.ndarray) -> None:
        waves = np.exp(1j * frequencies[:, None] * effects)
        chances, covariances = of_cells.chances * waves, of_cells.covariances * waves
        self.factors = cells.sum_by_column(chances)
        self.components = cells.sum_by_column(covariances) / self.factors
        self.effect_means = cells.sum_by_column(chances * effects) / self.factors
        self.effects = cells.sum_by_column(covariances * effects) / self.factors - self.effect_means * self.components
        own = cells.places_of_conditions
        chances, covariances = (cells.sum_by_condition(part) / self.factors[:, own] for part in (chances, covariances))
        covariances -= chances * self.components[:, own]
        self.of_conditions = [ConditionMoments(*both) for both in zip(chances, covariances, strict=True)]
