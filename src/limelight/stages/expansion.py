"""The sigmoid of a sum, expanded around the sum's additive part: functions whose exact moments are known.

Let m be a sum of products of conditions on single columns, such as the log-odds of boosted trees, and a its additive part: its
mean, and for each column what its value changes in the mean over the others. The probability is nearly g(a) + g'(a) (m - a),
for a g near the sigmoid. With u_t = exp(i t a), which is a product over the columns,

    E[u_t] = prod_j E[exp(i t a_j)],    E[u_t 1_c 1_d ...] = E[u_t] times the product of E[exp(i t a_j) 1_c] / E[exp(i t a_j)]

over the conditions c, d, ... of a leaf, each with its own column j: the moments of m under another law, whose probabilities are
complex numbers. So what is made of u_t and u_t m for a few frequencies t has exact moments, near the sigmoid or not:

    g(a) = sum_t s_t sin(t a),  with s_t = h / sinh(pi t) and t = h / 2, 3 h / 2, ...

is the midpoint rule for sigmoid(a) - 1/2 = integral from 0 to infinity of sin(t a) / sinh(pi t) dt. Its moments cost little,
since only columns have a part in them. Those of u_t m cost as much as all leaves, for each t. So g' is followed by a constant
and one wave, which do nearly as much.

Of a sum of functions of single columns, such as a linear score, m - a is 0. As the moments of exp(i t a_j) are not known of all
laws, a is a step function there.

The additive part is that under LIME's law itself, without the kernel. So it is the same for all rows, and so are the values of
these functions in drawn rows that instances share. The moments are each instance's own.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from limelight.stages.cells import Cells
from limelight.stages.limit import Expectation, ModelSum
from limelight.stages.product_law import ConditionMoments, Conditions, ProductLaw

__all__ = ["Expansion", "SumOfProducts"]

# More of the sigmoid's frequencies are of no use: what the additive part lacks makes the probability's mean smoother.
_HIGHEST_FREQUENCY = 1.2
_MOST_FREQUENCIES = 12
_HIGHEST_FREQUENCY_OF_COLUMNS, _MOST_FREQUENCIES_OF_COLUMNS = 3.0, 40  # the same of sums that are additive themselves
_STEPS_OF_EQUAL_SIZE, _STEPS_OF_EQUAL_WIDTH = 24, 48  # cells of a column of such a sum
_MOST_ROWS = 1024  # that the cells are found with
_MARGIN = 2.0  # beyond the widest additive part, where the sum of sines should still be near the sigmoid
_SPREADS = 3.0  # standard deviations of the additive part that count as its range
_MOST_BYTES = 128  # of laws' numbers side by side: with more, arrays are taken from the system and given back each time
_ROUNDING = 1e-9  # of a probability
_LEAST_SPREAD = 0.3  # of the additive part: waves that are longer than the sigmoid's bend are of no use
_FREQUENCIES_OF_SLOPE = np.linspace(0.2, 2.6, 13)  # of the wave that follows the derivative, in units of 1 / the spread
_REACH_OF_FIT, _POINTS_OF_FIT = 4.0, 81  # standard deviations of the additive part where it does, and how many points
_LEAST_FACTOR_OF_SLOPE = 0.1  # of a column, under the law itself
_LEAST_FACTOR = 1e-4  # the same under any law: division by less would cost digits


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


class _Slope(NamedTuple):
    """What follows the sigmoid's derivative over the additive part: a constant and a wave.

    Attributes
    ----------
    frequency, constant, cosine, sine : float
        It is constant + cosine * cos(frequency * x) + sine * sin(frequency * x) at a distance x from the additive part's mean.
    """

    frequency: float
    constant: float
    cosine: float
    sine: float

    @classmethod
    def fit(cls, mean: float, spread: float, frequencies: np.ndarray) -> _Slope:
        """By least squares, where the additive part has a normal law, with the best of some frequencies."""
        distances = np.linspace(-_REACH_OF_FIT, _REACH_OF_FIT, _POINTS_OF_FIT)
        root = np.exp(-0.25 * distances**2)
        wanted = root / (2.0 + 2.0 * np.cosh(mean + spread * distances))
        found = []
        for frequency in frequencies.tolist():
            phases = frequency * spread * distances
            columns = root[:, None] * np.column_stack([np.ones(len(phases)), np.cos(phases), np.sin(phases)])
            sizes = np.linalg.lstsq(columns, wanted, rcond=_ROUNDING)[0]
            found.append((float(np.square(columns @ sizes - wanted).sum()), cls(frequency, *sizes.tolist())))
        return min(found)[1]

    def evaluate(self, distances: np.ndarray) -> np.ndarray:
        """At distances from the additive part's mean."""
        phases = self.frequency * distances
        return np.asarray(self.constant + self.cosine * np.cos(phases) + self.sine * np.sin(phases))


class _CellMoments(NamedTuple):
    """The chances of n cells under b laws, and their covariances with the components, of shape (n, b)."""

    chances: np.ndarray
    covariances: np.ndarray

    def times(self, factors: np.ndarray) -> _CellMoments:
        """The moments of a function that has a value in each cell."""
        return _CellMoments(self.chances * factors[:, None], self.covariances * factors[:, None])


@dataclass(frozen=True, eq=False)
class Expansion:
    """Functions of rows for one output of a model: the sum's distance from its mean, g(a), and, if it has any, g'(a) (m - a).

    Attributes
    ----------
    model_sum : ModelSum
        The sum: of products, or of functions of single columns.
    cells : Cells
        Where a is constant.
    output : int
        The number of the output.
    constant : float
        What the model adds to the sum.
    mean : float
        The mean of both under LIME's law.
    effects : ndarray of shape (n,)
        What each cell adds to it.
    frequencies, sizes : ndarray of shape (w,)
        The sines that make up g, which is near the sigmoid, and how much there is of each.
    slope : _Slope or None
        What follows the sigmoid's derivative; None of a sum that is additive itself.
    """

    model_sum: ModelSum
    cells: Cells
    output: int
    constant: float
    mean: float
    effects: np.ndarray
    frequencies: np.ndarray
    sizes: np.ndarray
    slope: _Slope | None

    @classmethod
    def of_products(cls, model_sum: SumOfProducts, law: ProductLaw, output: int, constant: float) -> Expansion | None:
        """That of an output of a sum, to which the model adds a constant; None of a sum without conditions."""
        cells = model_sum.cells
        if not len(cells.columns):
            return None
        chances, of_cells = law.condition_shares(model_sum.conditions), law.condition_shares(cells.conditions)
        under_law = ConditionMoments(chances, np.zeros(len(chances)))
        mean = float(model_sum.expect_under([under_law], [output]).means[0, 0]) + constant
        effects = cells.sum_of_met(model_sum.effects(chances, output))
        effects -= cells.sum_by_column(of_cells * effects)[cells.places]
        spread = np.sqrt(max(0.0, float(of_cells @ effects**2)))
        frequencies, sizes = _sines(mean, spread, _HIGHEST_FREQUENCY, _MOST_FREQUENCIES)
        spread = max(spread, _LEAST_SPREAD)
        tried = _FREQUENCIES_OF_SLOPE / spread
        factors = cells.sum_by_column(of_cells * np.exp(1j * tried[:, None] * effects))
        is_safe = np.abs(factors).min(axis=1) > _LEAST_FACTOR_OF_SLOPE
        slope = _Slope.fit(mean, spread, tried[is_safe]) if is_safe.any() else _Slope(0.0, 0.0, 0.0, 0.0)
        return cls(model_sum, cells, output, constant, mean, effects, frequencies, sizes, slope)

    @classmethod
    def of_columns(
        cls, model_sum: ModelSum, law: ProductLaw, rows: np.ndarray, output: int, constant: float
    ) -> Expansion | None:
        """That of a sum of functions of single columns, which are averaged over cells; some drawn rows show where these lie."""
        rows = rows[:_MOST_ROWS]
        conditions = _conditions_of_steps(rows)
        if conditions is None:
            return None
        cells = Cells(conditions)
        start = float(model_sum.evaluate(rows[:1])[0, output])
        effects = np.zeros(len(cells.places))
        for column, located in zip(cells.columns.tolist(), cells.locate(rows), strict=True):
            changed = np.repeat(rows[:1], len(rows), axis=0)
            changed[:, column] = rows[:, column]
            sums = np.bincount(located, model_sum.evaluate(changed)[:, output] - start, len(effects))
            effects += sums / np.maximum(1, np.bincount(located, minlength=len(effects)))
        of_cells = law.condition_shares(cells.conditions)
        means = cells.sum_by_column(of_cells * effects)
        effects -= means[cells.places]
        mean = constant + start + float(means.sum())
        spread = np.sqrt(max(0.0, float(of_cells @ effects**2)))
        sines = _sines(mean, spread, _HIGHEST_FREQUENCY_OF_COLUMNS, _MOST_FREQUENCIES_OF_COLUMNS)
        return cls(model_sum, cells, output, constant, mean, effects, *sines, slope=None)

    def evaluate(self, cells: np.ndarray, margins: np.ndarray) -> np.ndarray:
        """The functions of m rows, of shape (m, e), from their cells, of shape (p, m), and what the sum and constant give."""
        distances = self.effects[cells].sum(axis=0)
        step = 2 * self.frequencies[0]
        wave = np.exp(0.5j * step * (self.mean + distances))
        near = (np.polyval(self.sizes[::-1], wave**2) * wave).imag
        functions = [margins - self.mean, near]
        if self.slope is not None:
            functions.append(self.slope.evaluate(distances) * (margins - self.mean - distances))
        return np.column_stack(functions)

    def expect(self, laws: Sequence[ProductLaw], kernel_width: float) -> Expectation:
        """Their exact moments under b laws, of shapes (b, e) and (b, e, d); NaN where they are not precise."""
        cells = self.cells
        of_laws = [law.condition_moments(cells.conditions, kernel_width) for law in laws]
        known = [of_law for of_law in of_laws if of_law is not None]  # those of columns that are drawn independently always are
        of_cells = _CellMoments(*(np.stack(part, axis=1) for part in zip(*known, strict=True)))
        if isinstance(self.model_sum, SumOfProducts):
            of_sum = self._expect_under(self.model_sum, *map(cells.add_by_condition, of_cells))
        else:
            by_output = self.model_sum.expect(laws, kernel_width, [self.output])
            of_sum = Expectation(by_output.means[:, 0], by_output.covariances[:, 0])
        of_sum = of_sum._replace(means=of_sum.means + (self.constant - self.mean))
        parts = [of_sum, self._expect_sines(of_cells)]
        if isinstance(self.model_sum, SumOfProducts) and self.slope is not None:
            parts.append(self._expect_rest(self.model_sum, self.slope, of_cells, of_sum))
        means, covariances = (np.stack(part, axis=1) for part in zip(*parts, strict=True))
        # A law may have values outside the cells.
        is_whole = (np.abs(cells.add_by_column(of_cells.chances) - 1) <= _ROUNDING).all(axis=0)
        return Expectation(np.where(is_whole[:, None], means, np.nan), np.where(is_whole[:, None, None], covariances, np.nan))

    def _expect_sines(self, of_cells: _CellMoments) -> Expectation:
        """Of g(a): shapes (b,) and (b, d)."""
        cells = self.cells
        phases = self.frequencies[:, None] * self.effects
        count = len(self.frequencies)
        waves = np.concatenate([np.cos(phases), np.sin(phases)])
        sums = cells.add_up(waves, np.concatenate(of_cells, axis=1))
        factors, components = np.split(sums[:count] + 1j * sums[count:], 2, axis=2)
        # A wave's covariance with a component is the product of the other columns' factors, which may be 0.
        running = np.ones_like(factors[:, 0]) * np.exp(1j * self.frequencies * self.mean)[:, None]
        for place in range(len(cells.columns)):
            components[:, place] *= running
            running = running * factors[:, place]
        means = _weigh(self.sizes, running.imag)
        running = np.ones_like(running)
        for place in range(len(cells.columns) - 1, -1, -1):
            components[:, place] *= running
            running = running * factors[:, place]
        covariances = np.zeros((of_cells.chances.shape[1], self.model_sum.num_columns))
        covariances[:, cells.columns] = _weigh(self.sizes, components.imag).T
        return Expectation(means, covariances)

    def _expect_rest(self, model_sum: SumOfProducts, slope: _Slope, of_cells: _CellMoments, of_sum: Expectation) -> Expectation:
        """Of what follows g'(a), times the sum's distance from a."""
        cells = self.cells
        additive = of_cells.times(self.effects)
        means = of_sum.means - _total(cells.add_by_column(additive.chances))
        covariances = of_sum.covariances.copy()
        covariances[:, cells.columns] -= cells.add_by_column(additive.covariances).T
        means, covariances = slope.constant * means, slope.constant * covariances
        if not slope.frequency:
            return Expectation(means, covariances)
        waves = of_cells.times(np.exp(1j * slope.frequency * self.effects))
        factors = cells.add_by_column(waves.chances)
        is_precise = (np.abs(factors) > _LEAST_FACTOR).all(axis=0)
        factors = np.where(is_precise, factors, 1.0)
        components = cells.add_by_column(waves.covariances) / factors
        additive = waves.times(self.effects)
        effect_means = cells.add_by_column(additive.chances) / factors
        effects = cells.add_by_column(additive.covariances) / factors - effect_means * components
        own = cells.places_of_conditions
        chances, with_components = (cells.add_by_condition(part) / factors[own] for part in waves)
        with_components -= chances * components[own]
        under_waves = self._expect_under(model_sum, chances, with_components)
        rest = under_waves.means + (self.constant - self.mean) - _total(effect_means)
        of_rest = under_waves.covariances
        of_rest[:, cells.columns] += rest[:, None] * components.T - effects.T
        totals = np.where(is_precise, 1.0 + 0.0j, np.nan)
        for of_column in factors:
            totals = totals * of_column
        for size, of_wave in ((slope.cosine, np.real), (slope.sine, np.imag)):
            means = means + size * of_wave(totals * rest)
            covariances = covariances + size * of_wave(totals[:, None] * of_rest)
        return Expectation(means, covariances)

    def _expect_under(self, model_sum: SumOfProducts, chances: np.ndarray, covariances: np.ndarray) -> Expectation:
        """Of the sum, from the conditions' moments under each law, of shape (c, b)."""
        moments = [ConditionMoments(*both) for both in zip(chances.T, covariances.T, strict=True)]
        step = _MOST_BYTES // chances.itemsize
        parts = [model_sum.expect_under(moments[start : start + step], [self.output]) for start in range(0, len(moments), step)]
        means, with_columns = map(np.concatenate, zip(*parts, strict=True))
        return Expectation(means[:, 0], with_columns[:, 0])


def _sines(mean: float, spread: float, highest: float, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The frequencies of sines that make up a function near the sigmoid, and how much there is of each."""
    step = np.pi / (abs(mean) + _SPREADS * spread + _MARGIN)
    frequencies = step * (np.arange(min(most, int(np.ceil(highest / step)))) + 0.5)
    return frequencies, step / np.sinh(np.pi * frequencies)


def _conditions_of_steps(rows: np.ndarray) -> Conditions | None:
    """Conditions on each column that part the values of some rows into cells, of about equal size or width; None if none do."""
    columns, highs = [], []
    for column, values in enumerate(rows.T):
        present = np.sort(values[~np.isnan(values)])
        ends = present
        if len(present):
            of_equal_size = present[np.linspace(0, len(present) - 1, _STEPS_OF_EQUAL_SIZE).astype(np.intp)]
            of_equal_width = np.linspace(present[0], present[-1], _STEPS_OF_EQUAL_WIDTH)
            ends = np.unique(np.concatenate([of_equal_size, present[np.searchsorted(present, of_equal_width)]]))
        columns.append(np.full(len(ends), column))
        highs.append(ends)
    count = sum(map(len, highs))
    if not count:
        return None
    lows, takes_missing = np.full(count, -np.inf), np.zeros(count, dtype=bool)
    return Conditions(np.concatenate(columns), takes_missing, lows, np.concatenate(highs), np.arange(count))


def _total(numbers: np.ndarray) -> np.ndarray:
    """The sum over the first axis: one after the other, so that the bits do not depend on the shape."""
    total: np.ndarray = np.zeros_like(numbers[0])
    for part in numbers:
        total += part
    return total


def _weigh(sizes: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The same of numbers times their sizes."""
    return _total(sizes.reshape(-1, *[1] * (numbers.ndim - 1)) * numbers)
