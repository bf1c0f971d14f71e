"""A column's law weighted by the kernel: with states its component is on or off, without bins it is a standardised value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from math import exp, log, nan, sqrt
from typing import Any, NamedTuple

import numpy as np

from limelight.modalities.tables._added_values import WithMissing
from limelight.modalities.tables._column_law import ColumnLaw, locate, off_ends
from limelight.modalities.tables._columns import Unbinned
from limelight.modalities.tables._rounding import Rounding

__all__ = [
    "BinaryColumn",
    "SlopeColumn",
    "WeightedColumn",
    "WeightedComponent",
    "WeightedDraws",
    "WeightedStates",
    "WithCovariance",
]

_REACH = 10.0  # standard deviations, beyond which nothing counts
_BEYOND = 50.0  # standard deviations, where a normal density is 0
_LEAST_FACTOR = 1e-100  # of a kernel, for a component that is off: below it, products have too few digits


class WeightedDraws(NamedTuple):
    """Values that are drawn near the row.

    Attributes
    ----------
    values : ndarray of shape (m,), or (m, k) for a group of k columns
    law_weights : ndarray of shape (m,)
        How likely the law itself draws each of them, over how likely it is drawn here.
    """

    values: np.ndarray
    law_weights: np.ndarray


class WithCovariance(NamedTuple):
    """Numbers under the weighted law, and their covariances with the component: single ones, or arrays of shape (t,).

    For events, such as that a value is at most some point, the numbers are their probabilities.
    """

    means: Any
    covariances: Any


class WeightedComponent:
    """What the law and the kernel make of a component for a row.

    Attributes
    ----------
    mean, variance : float
        The component's; NaN for a variance that a narrow kernel leaves too few digits.
    mean_weight : float
        The mean of its factor of the kernel, under the law itself.
    """

    mean: float
    variance: float
    mean_weight: float


class WeightedStates(WeightedComponent):
    """The same of a component that is on in the row's state, and off in others.

    Parameters
    ----------
    share, share_of_others : float
        How often it is on, and off, under the law itself.
    kernel_width : float
    """

    def __init__(self, share: float, share_of_others: float, kernel_width: float) -> None:
        factor = exp(-0.5 / kernel_width**2)  # by which a component that is off multiplies the kernel
        self.mean_weight = share + factor * share_of_others
        self.mean = share / self.mean_weight
        self.variance = share * factor * share_of_others / self.mean_weight**2
        if share_of_others and factor < _LEAST_FACTOR:
            self.variance = nan

    def drawn_share(self, least: float) -> float:
        """How often to draw it on: as often as under the weighted law, but both on and off with at least some probability."""
        return min(max(self.mean, least), 1 - least)

    def mix(self, own: Any, others: Any) -> WithCovariance:
        """What is known of the row's own state, and of the others, under the weighted law."""
        return WithCovariance(self.mean * own + (1 - self.mean) * others, self.variance * (own - others))


class WeightedColumn(WeightedComponent, ABC):
    """The same of a column that is drawn on its own."""

    @abstractmethod
    def up_to(self, points: np.ndarray) -> WithCovariance:
        """That a value is at most each point, of shape (t,). A missing value is not."""

    @abstractmethod
    def missing(self) -> WithCovariance:
        """That a value is missing."""

    @abstractmethod
    def value(self) -> WithCovariance:
        """The value; NaN where it is not known, or may be missing."""

    @abstractmethod
    def draw(self, points: np.ndarray, least: float) -> WeightedDraws:
        """Values from points of shape (m,) in [0, 1): by the weighted law, but on and off with at least some probability.

        The column's type rounds them afterwards.
        """


class BinaryColumn(WeightedStates, WeightedColumn):
    """A column with states, whose component is whether it is in the row's.

    Parameters
    ----------
    law : ColumnLaw
    code : float
        The code of the row's value.
    kernel_width : float
    """

    def __init__(self, law: ColumnLaw, code: float, kernel_width: float) -> None:
        self._law, self._code = law, code
        share = law.span_of(code).length
        self._share_of_others = law.share_of_others(code) if share < 1 else 0.0
        super().__init__(share, self._share_of_others, kernel_width)

    def up_to(self, points: np.ndarray) -> WithCovariance:
        own = self._law.shares_up_to(points, self._code)
        return self.mix(own, self._law.others_up_to(points, self._code) if self._share_of_others else own)

    def missing(self) -> WithCovariance:
        own, share = self._law.share_missing(self._code), 1 - self._share_of_others
        return self.mix(own, (self._law.share_missing() - share * own) / (1 - share) if self._share_of_others else own)

    def value(self) -> WithCovariance:
        return self._value

    @cached_property
    def _value(self) -> WithCovariance:
        own = self._law.mean_value(self._code)
        return self.mix(own, self._law.mean_of_others(self._code) if self._share_of_others else own)

    def draw(self, points: np.ndarray, least: float) -> WeightedDraws:
        if not self._share_of_others:
            return WeightedDraws(self._law.draw(points), np.ones(len(points)))
        span = self._law.span_of(self._code)
        share, others = span.length, 1 - span.length
        drawn = self.drawn_share(least)
        # The order of points is kept, and so is how evenly they are spread.
        low = span.low / others * (1 - drawn)
        is_own = (points >= low) & (points < low + drawn)
        inside = span.inside((points - low) / drawn)
        outside = span.outside(np.where(points < low, points, points - drawn) / (1 - drawn))
        values = self._law.draw(np.where(is_own, inside, outside))
        return WeightedDraws(values, np.where(is_own, share / drawn, others / (1 - drawn)))


class SlopeColumn(WeightedColumn):
    """A column without bins, whose component is the standardised value, or the mean's, 0, where a value is missing.

    Parameters
    ----------
    law : Unbinned or WithMissing
        The law of values, some of which may be missing.
    rounding : Rounding
        What is made of drawn values.
    code : float
        The row's standardised value.
    kernel_width : float
    """

    def __init__(self, law: ColumnLaw, rounding: Rounding, code: float, kernel_width: float) -> None:
        self._column = law
        law, share_missing = (law.present, law.share) if isinstance(law, WithMissing) else (law, 0.0)
        assert isinstance(law, Unbinned)
        present: _Present = _find_numbers(law, rounding, code, kernel_width) or _Normal(law, rounding, code, kernel_width)
        weights = (1 - share_missing) * present.mean_weight, share_missing * exp(-0.5 * (code / kernel_width) ** 2)
        self.mean_weight = sum(weights)
        self._law, self._present, self._share_missing = law, present, share_missing
        self._shares = tuple(weight / self.mean_weight if self.mean_weight else nan for weight in weights)
        self.mean = self._shares[0] * present.mean
        spread = present.variance + (present.mean - self.mean) ** 2
        self.variance = self._shares[0] * spread + self._shares[1] * self.mean**2

    def up_to(self, points: np.ndarray) -> WithCovariance:
        chances, covariances = self._present.up_to(points, self.mean)
        return WithCovariance(self._shares[0] * chances, self._shares[0] * covariances)

    def missing(self) -> WithCovariance:
        return WithCovariance(self._shares[1], -self._shares[1] * self.mean)

    def value(self) -> WithCovariance:
        if self._shares[1]:
            return WithCovariance(nan, nan)
        mean = self._law.mean if self._law.std else self._law.center
        return WithCovariance(mean + self._law.std * self.mean, self._law.std * self.variance)

    def draw(self, points: np.ndarray, least: float) -> WeightedDraws:  # noqa: ARG002 - there are no states
        share = 1 - self._shares[1]
        is_present = points < share
        values, law_weights = np.empty(points.shape), np.empty(points.shape)
        drawn = self._present.draw(points[is_present] / share)
        values[is_present], law_weights[is_present] = drawn.values, (1 - self._share_missing) / share * drawn.law_weights
        if not is_present.all():
            among_missing = np.minimum((points[~is_present] - share) / self._shares[1], 1 - 2.0**-53)
            values[~is_present] = self._column.draw(1 - self._share_missing * (1 - among_missing))
            law_weights[~is_present] = self._share_missing / self._shares[1]
        return WeightedDraws(values, law_weights)


class _Present(ABC):
    """Standardised values that are present, weighted by the kernel.

    Attributes
    ----------
    mean, variance, mean_weight : float
    """

    mean: float
    variance: float
    mean_weight: float

    @abstractmethod
    def up_to(self, points: np.ndarray, center: float) -> tuple[np.ndarray, np.ndarray]:
        """The chance that a value is at most each point, and the mean of its standardised distance from a center if it is."""

    @abstractmethod
    def draw(self, points: np.ndarray) -> WeightedDraws:
        """Values from points of shape (m,) in [0, 1)."""


class _Numbers(_Present):
    """Some numbers that are drawn, ascending, with their standardised values and the logarithms of their shares and kernel."""

    def __init__(self, values: np.ndarray, standardised: np.ndarray, log_shares: np.ndarray, log_kernel: np.ndarray) -> None:
        log_weights = log_shares + log_kernel
        top = log_weights.max()
        weights = np.exp(log_weights - top)
        total = weights.sum()
        self.mean_weight = float(exp(top) * total)
        self._values, self._standardised, self._shares = values, standardised, weights / total
        self._log_kernel = log_kernel
        self.mean = float(self._shares @ standardised)
        self.variance = float(self._shares @ (standardised - self.mean) ** 2)

    def up_to(self, points: np.ndarray, center: float) -> tuple[np.ndarray, np.ndarray]:
        places = np.searchsorted(self._values, points, side="right")
        distances = self._shares * (self._standardised - center)
        return _sums_up_to(self._shares)[places], _sums_up_to(distances)[places]

    def draw(self, points: np.ndarray) -> WeightedDraws:
        places = locate(self._shares, points)[0]
        return WeightedDraws(self._values[places], np.exp(log(self.mean_weight) - self._log_kernel[places]))


class _Normal(_Present):
    """Numbers that lie close together: the kernel turns a normal law into another one, between its center and the row's value.

    Spaces of h standard deviations spread the normal law to the variance 1 + h^2 / 12 (Sheppard's correction), and a sum over
    numbers up to some end b is the integral up to there, less h^2 / 24 times the derivative at b (Euler and Maclaurin).
    What is left is of the order of h^4.
    """

    def __init__(self, law: Unbinned, rounding: Rounding, code: float, kernel_width: float) -> None:
        self._law, self._rounding = law, rounding
        self._center = center = law.code_of(law.center)
        step = (rounding.step or 0.0) / law.std
        prior = 1 + step**2 / 12
        precision = 1 / prior + kernel_width**-2
        self.mean = (center / prior + code * kernel_width**-2) / precision
        self.variance = 1 / precision
        self.mean_weight = exp(-0.5 * (code - center) ** 2 / (prior + kernel_width**2)) / sqrt(1 + prior / kernel_width**2)
        self._correction = step**2 / 24

    def up_to(self, points: np.ndarray, center: float) -> tuple[np.ndarray, np.ndarray]:
        from scipy.special import ndtr

        std = sqrt(self.variance)
        with np.errstate(over="ignore"):
            ends = self._law.codes_of(self._rounding.last_up_to(points))
        ends = np.clip(ends, self.mean - _BEYOND * std, self.mean + _BEYOND * std)
        scaled = (ends - self.mean) / std
        chances, densities = ndtr(scaled), np.exp(-0.5 * scaled**2) / (sqrt(2 * np.pi) * std)
        distances = (self.mean - center) * chances - self.variance * densities
        slopes = -densities * scaled / std
        return chances - self._correction * slopes, distances - self._correction * (densities + (ends - center) * slopes)

    def draw(self, points: np.ndarray) -> WeightedDraws:
        from scipy.special import ndtri

        deviations, std = ndtri(off_ends(points)), sqrt(self.variance)
        standardised = self.mean + std * deviations
        values = self._law.mean + self._law.std * standardised
        # The ratio of two normal densities: the law's and that of the draws.
        law_weights = std * np.exp(0.5 * deviations**2 - 0.5 * (standardised - self._center) ** 2)
        return WeightedDraws(np.rint(values) if self._law.is_whole else values, law_weights)


def _find_numbers(law: Unbinned, rounding: Rounding, code: float, kernel_width: float) -> _Numbers | None:
    """The numbers that are drawn, if they are few enough to be added one by one."""
    if not law.std:
        return _Numbers(np.array([law.center]), np.zeros(1), np.zeros(1), np.array([-0.5 * (code / kernel_width) ** 2]))
    values = _numbers_in_reach(law, rounding, code, kernel_width)
    if values is None:
        return None
    # Below the first number ends the one before it.
    ends = rounding.last_up_to(np.append(np.nextafter(values[0], -np.inf), values))
    log_shares = _log_chances((ends - law.center) / law.std)
    standardised = law.codes_of(values)
    return _Numbers(values, standardised, log_shares, -0.5 * ((standardised - code) / kernel_width) ** 2)


def _numbers_in_reach(law: Unbinned, rounding: Rounding, code: float, kernel_width: float) -> np.ndarray | None:
    """The numbers whose weights count, ascending; None if they are too many."""
    row_value = law.mean + law.std * code
    reach = _REACH * law.std
    values = rounding.numbers_between(min(law.center, row_value) - reach, max(law.center, row_value) + reach)
    if values is not None:
        return values
    # Where numbers lie close together, most of the weight does as well.
    weighted = _Normal(law, rounding, code, kernel_width)
    middle, reach = law.mean + law.std * weighted.mean, _REACH * law.std * sqrt(weighted.variance)
    return rounding.numbers_between(middle - reach, middle + reach)


def _log_chances(ends: np.ndarray) -> np.ndarray:
    """The logarithms of a standard normal law's probabilities between neighbouring ends, of which there is one more."""
    from scipy.special import log_ndtr

    # In the upper half, the law is turned round, so that no probability is near 1.
    is_upper = ends[:-1] > 0
    lows, highs = np.where(is_upper, -ends[1:], ends[:-1]), np.where(is_upper, -ends[:-1], ends[1:])
    with np.errstate(invalid="ignore", divide="ignore"):
        of_highs = log_ndtr(highs)
        logs = of_highs + np.log(-np.expm1(log_ndtr(lows) - of_highs))
    return np.where(lows < highs, logs, -np.inf)


def _sums_up_to(numbers: np.ndarray) -> np.ndarray:
    """The sums of none, one, two, ... of some numbers."""
    return np.append(0.0, np.cumsum(numbers))
