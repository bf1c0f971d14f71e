"""LIME's law for a row whose columns are drawn independently, weighted by the kernel: a product over the columns."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, sqrt
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from limelight.modalities.tables._column_law import ColumnLaw
from limelight.modalities.tables._columns import Unbinned
from limelight.stages.product_law import ComponentMoments, ConditionMoments, Conditions, ProductLaw, ValueMoments

__all__ = ["ColumnMoments", "RowLaw", "has_closed_form"]


class ColumnComponent(NamedTuple):
    """A column's component under the law weighted by the kernel: whether it is on, or its standardised value.

    Attributes
    ----------
    mean, variance : float
    mean_weight : float
        The mean of the column's factor of the kernel, under the law itself.
    """

    mean: float
    variance: float
    mean_weight: float


class ColumnMoments:
    """What the law and the kernel make of single columns: worked out once for each state that some row has.

    Parameters
    ----------
    laws : sequence of ColumnLaw
        How each of d columns is drawn, independently of the others.
    """

    def __init__(self, laws: Sequence[ColumnLaw]) -> None:
        self._laws = laws
        self._components: dict[tuple[int, float, float], ColumnComponent] = {}
        self._values: dict[tuple[int, float, float], tuple[float, float]] = {}
        self._conditions: WeakKeyDictionary[Conditions, dict[tuple[int, float, float], ConditionMoments]] = WeakKeyDictionary()

    def __getstate__(self) -> dict[str, Any]:
        return {"_laws": self._laws}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["_laws"])  # type: ignore[misc]

    def component(self, column: int, code: float, kernel_width: float) -> ColumnComponent:
        """The component of a column where the row's value has this code."""
        key = (column, code, kernel_width)
        if key not in self._components:
            law = self._laws[column]
            self._components[key] = (
                _normal_component(law, code, kernel_width)
                if isinstance(law, Unbinned) and law.std
                else _binary_component(law, code, kernel_width)
            )
        return self._components[key]

    def value(self, column: int, code: float, kernel_width: float) -> tuple[float, float]:
        """The mean of a column's value, and its covariance with the component; NaN where they are not known."""
        key = (column, code, kernel_width)
        if key not in self._values:
            law, component = self._laws[column], self.component(column, code, kernel_width)
            self._values[key] = _value_moments(law, component, code)
        return self._values[key]

    def of_conditions(self, conditions: Conditions, column: int, code: float, kernel_width: float) -> ConditionMoments:
        """The moments of all conditions on the column, in their order."""
        kept = self._conditions.setdefault(conditions, {})
        key = (column, code, kernel_width)
        if key not in kept:
            law, component = self._laws[column], self.component(column, code, kernel_width)
            kept[key] = _moments_of_conditions(law, component, code, conditions.of_column(column))
        return kept[key]


class RowLaw(ProductLaw):
    """The law for one row.

    Parameters
    ----------
    columns : ColumnMoments
        Its columns.
    codes : sequence of float
        The codes of the row's values.
    """

    def __init__(self, columns: ColumnMoments, codes: Sequence[float]) -> None:
        self._columns = columns
        self._codes = codes

    def component_moments(self, kernel_width: float) -> ComponentMoments:
        components = [self._columns.component(column, code, kernel_width) for column, code in enumerate(self._codes)]
        means, variances, mean_weights = map(np.array, zip(*components, strict=True))
        return ComponentMoments(means, variances, float(mean_weights.prod()))

    def condition_moments(self, conditions: Conditions, kernel_width: float) -> ConditionMoments:
        parts = [self._columns.of_conditions(conditions, column, code, kernel_width) for column, code in enumerate(self._codes)]
        return ConditionMoments(*map(np.concatenate, zip(*parts, strict=True)))

    def value_moments(self, kernel_width: float) -> ValueMoments | None:
        values = [self._columns.value(column, code, kernel_width) for column, code in enumerate(self._codes)]
        means, covariances = np.array(values).T
        return None if np.isnan(means).any() else ValueMoments(means, covariances)


def has_closed_form(law: ColumnLaw) -> bool:
    """Whether a column has states, or else a normal law alone: neither missing values that count as the mean, nor rounding."""
    if law.num_states:
        return True
    return isinstance(law, Unbinned) and not (law.is_whole and law.std)


def _binary_component(law: ColumnLaw, code: float, kernel_width: float) -> ColumnComponent:
    """Whether the column has the row's state."""
    share, factor = law.span_of(code).length, _factor_off(kernel_width)
    mean_weight = share + factor * (1 - share)
    # The share of the other states is taken as 1 - share at last, so that no digits are lost where the own one is rare.
    return ColumnComponent(share / mean_weight, share * factor * (1 - share) / mean_weight**2, mean_weight)


def _normal_component(law: Unbinned, code: float, kernel_width: float) -> ColumnComponent:
    """The standardised value: the kernel turns a normal law into another one, between the center and the row's value."""
    center = law.code_of(law.center)
    precision = 1 + kernel_width**-2
    mean = (center + code * kernel_width**-2) / precision
    mean_weight = exp(-0.5 * (code - center) ** 2 / (1 + kernel_width**2)) / sqrt(precision)
    return ColumnComponent(mean, 1 / precision, mean_weight)


def _value_moments(law: ColumnLaw, component: ColumnComponent, code: float) -> tuple[float, float]:
    """The mean of a column's value, and its covariance with the component."""
    if isinstance(law, Unbinned) and law.std:
        return law.mean + law.std * component.mean, law.std * component.variance
    own, share = law.mean_value(code), law.span_of(code).length
    if share >= 1:
        return own, 0.0
    others = (law.mean_value() - share * own) / (1 - share)
    return component.mean * own + (1 - component.mean) * others, component.variance * (own - others)


def _factor_off(kernel_width: float) -> float:
    """By how much one component that is off multiplies the kernel: ``exp(-1 / (2 width^2))``."""
    return exp(-0.5 / kernel_width**2)


def _moments_of_conditions(law: ColumnLaw, component: ColumnComponent, code: float, conditions: Conditions) -> ConditionMoments:
    """The moments of conditions that are all on the column with this law."""
    if isinstance(law, Unbinned) and law.std:
        return _moments_under_normal(law, component, conditions)
    own = _chances(law, code, conditions)
    share = law.span_of(code).length
    if share >= 1:
        return ConditionMoments(own, np.zeros(len(own)))
    others = (_chances(law, None, conditions) - share * own) / (1 - share)
    chances = component.mean * own + (1 - component.mean) * others
    return ConditionMoments(chances, component.variance * (own - others))


def _chances(law: ColumnLaw, code: float | None, conditions: Conditions) -> np.ndarray:
    """How likely the column's value, with this code if one is given, meets each condition."""
    points, places = np.unique(np.concatenate([conditions.lows, conditions.highs]), return_inverse=True)
    lows, highs = law.shares_up_to(points, code)[places].reshape(2, -1)
    return conditions.sum_over_intervals(highs - lows) + conditions.takes_missing * law.share_missing(code)


def _moments_under_normal(law: Unbinned, component: ColumnComponent, conditions: Conditions) -> ConditionMoments:
    """The same where the weighted law is normal, and the component is the standardised value itself.

    With phi and Phi the standard normal density and distribution, and u a standardised end of an interval,
    P(z <= u) = Phi(u) and Cov(z <= u, z) = -sd * phi(u).
    """
    from scipy.special import ndtr

    std = sqrt(component.variance)
    ends = (law.codes_of(np.stack([conditions.lows, conditions.highs])) - component.mean) / std
    chances = np.diff(ndtr(ends), axis=0)[0]
    covariances = -std * np.diff(np.exp(-0.5 * ends**2), axis=0)[0] / sqrt(2 * np.pi)
    return ConditionMoments(conditions.sum_over_intervals(chances), conditions.sum_over_intervals(covariances))
