"""The law of a numeric column in bins."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import cached_property
from math import nan, pi, sqrt
from typing import Self

import numpy as np

from limelight.modalities.tables._column_law import (
    Span,
    TrainingColumnLaw,
    list_values,
    locate,
    off_ends,
    spans_of,
    values_around,
)
from limelight.stages.table_columns import ColumnValues

__all__ = ["LEAST_STD", "Binned"]

_MOST_WHOLE_NUMBERS = 100_000  # in a bin, to be added one by one
_LEAST_SMOOTH_STD = 1000.0  # of whole numbers, for a sum over them to be an integral

LEAST_STD = 1e-11
"""lime adds it to the standard deviation of every bin, so that nothing is divided by zero."""


@dataclass(frozen=True)
class Binned(TrainingColumnLaw):
    """A numeric column in bins: a bin is drawn with its frequency, a value in it from a truncated normal distribution.

    The distribution is lime's: it has the mean and the standard deviation of the training values in its bin, and ends at the
    bin's edges. A bin with a single training value always gives that value.

    Attributes
    ----------
    edges : ndarray of shape (b - 1,)
        The inner edges of the b bins; a bin contains its upper edge.
    shares, means, stds : ndarray of shape (b,)
        The share, mean and standard deviation of the training values in each bin.
    lows, highs : ndarray of shape (b,)
        Where each bin's distribution ends.
    std : float
        The standard deviation of the whole column, to draw around an instance.
    is_whole : bool
        Whether only whole numbers are drawn.
    center : float or None
        The instance's value, around which values are drawn; None to draw them as in the training data.
    has_whole_values : bool
        Whether all training values are whole, although others may be drawn.
    """

    edges: np.ndarray
    shares: np.ndarray
    means: np.ndarray
    stds: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    std: float
    is_whole: bool = False
    center: float | None = None
    has_whole_values: bool = False

    @classmethod
    def of(cls, training: np.ndarray, edges: np.ndarray, *, is_whole: bool = False) -> Binned:
        """The column with these training values, of shape (n,), and inner edges, of any number and order."""
        edges = np.unique(edges)
        bins = np.searchsorted(edges, training)
        members = [training[bins == number] for number in range(len(edges) + 1)]
        # A bin contains its upper edge and not its lower one.
        lows, highs = np.append(training.min(), np.nextafter(edges, np.inf)), np.append(edges, training.max())
        # A bin with a single value stays at it, wherever its edges lie.
        is_single = np.array([values.min() == values.max() if len(values) else False for values in members])
        means, stds = np.array([_mean_and_std(values) for values in members]).T
        means[is_single] = [values[0] for values, single in zip(members, is_single, strict=True) if single]
        return cls(
            edges=edges,
            shares=np.array([len(values) / len(training) for values in members]),
            means=means,
            stds=stds + LEAST_STD,
            lows=np.where(is_single, means, lows),
            highs=np.where(is_single, means, highs),
            std=float(training.std()),
            is_whole=is_whole,
            has_whole_values=not np.any(training % 1),
        )

    @property
    def num_states(self) -> int:
        return len(self.edges) + 1

    @property
    def num_drawn_states(self) -> int:
        return int(np.count_nonzero(self.shares))

    @property
    def is_discrete(self) -> bool:
        return self.is_whole or (self.center is None and bool(np.all((self.lows == self.highs) | (self.shares == 0))))

    def draw(self, points: np.ndarray) -> np.ndarray:
        from scipy.special import ndtr, ndtri

        if self.center is not None:
            values = self.center + self.std * ndtri(off_ends(points))
            return np.asarray(np.rint(values) if self.is_whole else values)
        bins, positions = locate(self.shares, points)
        first, last = ndtr((self.lows - self.means) / self.stds), ndtr((self.highs - self.means) / self.stds)
        quantiles = ndtri(off_ends(first[bins] + positions * (last - first)[bins]))
        values = np.clip(self.means[bins] + self.stds[bins] * quantiles, self.lows[bins], self.highs[bins])
        if self.is_whole:  # the nearest whole number that lies in the bin
            values = np.clip(np.rint(values), np.ceil(self.lows[bins]), np.floor(self.highs[bins]))
        return np.asarray(values)

    def codes_of(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(self.edges.searchsorted(values))

    def code_of(self, value: float) -> int:
        return bisect_left(self._edges, value)

    def span_of(self, code: float) -> Span:
        if self.center is None:
            return self._spans[int(code)]
        from scipy.special import ndtr

        low, high = ndtr(self._ends_around(code))
        return Span(float(low), float(high))

    def share_of_others(self, code: float) -> float:
        if self.center is None:
            return super().share_of_others(code)
        return float(self._tails(code).sum())

    def others_up_to(self, points: np.ndarray, code: float) -> np.ndarray:
        if self.center is None:
            return super().others_up_to(points, code)
        from scipy.special import ndtr

        # What is above the bin is added up from the far end, so that no digits are lost.
        (low, high), tails, scaled = self._ends_around(code), self._tails(code), self._scale_around(points)
        return np.asarray((ndtr(np.minimum(scaled, low)) + tails[1] - ndtr(-np.maximum(scaled, high))) / tails.sum())

    def mean_of_others(self, code: float) -> float:
        if self.center is None or self.is_whole:
            return super().mean_of_others(code)
        densities = np.exp(-0.5 * self._ends_around(code) ** 2) / sqrt(2 * pi)
        return float(self.center + self.std * (densities[1] - densities[0]) / self._tails(code).sum())

    def _tails(self, code: float) -> np.ndarray:
        """The probabilities that a value drawn around the center is below a bin, and above it."""
        from scipy.special import ndtr

        return np.asarray(ndtr(self._ends_around(code) * [1.0, -1.0]))

    def _ends_around(self, code: float) -> np.ndarray:
        """Where a bin begins and ends, in standard deviations from the center."""
        return self._scale_around(np.array([-np.inf, *self._edges, np.inf])[[int(code), int(code) + 1]])

    def _scale_around(self, points: np.ndarray) -> np.ndarray:
        """Where drawn values that become at most each point end, in standard deviations from the center."""
        # Values are rounded after they are drawn: a whole number stands for all that are nearer to it than to others.
        ends = np.floor(points) + 0.5 if self.is_whole else points
        return np.asarray((ends - self.center) / self.std)

    def shares_up_to(self, points: np.ndarray, code: float | None = None) -> np.ndarray:
        if code is not None:
            return self._shares_in_bin(points, int(code))
        if self.center is None:
            filled = np.flatnonzero(self.shares).tolist()
            return np.asarray(sum(self.shares[number] * self._shares_in_bin(points, number) for number in filled))
        return self._shares_around(points)

    def _shares_in_bin(self, points: np.ndarray, number: int) -> np.ndarray:
        """The probability that a value in this bin is at most each point."""
        if self.center is not None:
            low, high = self.span_of(number)
            return np.clip((self._shares_around(points) - low) / (high - low), 0.0, 1.0)
        from scipy.special import ndtr

        low, high, mean, std = self.lows[number], self.highs[number], self.means[number], self.stds[number]
        least, most, ends = low, high, points
        if self.is_whole:  # a whole number stands for all that are nearer to it than to others
            least, most, ends = np.ceil(low), np.floor(high), np.floor(points) + 0.5
        first, last = ndtr((low - mean) / std), ndtr((high - mean) / std)
        inside = (ndtr((ends - mean) / std) - first) / (last - first) if last > first else np.zeros(points.shape)
        return np.where(points >= most, 1.0, np.where(points < least, 0.0, np.clip(inside, 0.0, 1.0)))

    def mean_value(self, code: float | None = None) -> float:
        if self.center is not None:
            return nan if self.is_whole else self._mean_around(code)
        if code is not None:
            return self._mean_in_bin(int(code))
        return float(sum(self.shares[number] * self._mean_in_bin(number) for number in np.flatnonzero(self.shares).tolist()))

    def drawn_values(self) -> ColumnValues:
        if self.center is not None:
            return values_around(self.center, self.lows.min(), self.highs.max(), self.std, is_whole=self.is_whole)
        is_filled = self.shares > 0
        if self.is_discrete and not self.is_whole:
            values = np.unique(self.lows[is_filled])
            return ColumnValues(float(values[0]), float(values[-1]), False, values, np.empty(0))
        return list_values(float(self.lows[is_filled].min()), float(self.highs[is_filled].max()), is_whole=self.is_whole)

    def _mean_in_bin(self, number: int) -> float:
        """The mean of a normal distribution that ends at the bin's edges, rounded if the column holds whole numbers."""
        from scipy.special import ndtr

        low, high, mean, std = self.lows[number], self.highs[number], self.means[number], self.stds[number]
        if low == high:
            return float(low)
        if self.is_whole:
            least, most = np.ceil(low), np.floor(high)
            if most - least > _MOST_WHOLE_NUMBERS:
                return self._mean_in_wide_bin(number, least, most)
            return float(most - self._shares_in_bin(np.arange(least, most), number).sum())
        ends = np.array([low - mean, high - mean]) / std
        densities = np.exp(-0.5 * ends**2) / sqrt(2 * pi)
        return float(mean + std * (densities[0] - densities[1]) / np.diff(ndtr(ends))[0])

    def _mean_in_wide_bin(self, number: int, least: float, most: float) -> float:
        """The same of whole numbers from `least` to `most`, which are too many to be added one by one.

        The sum over them is an integral, with the first correction of the Euler-Maclaurin formula at its ends: what comes after
        it is below rounding where a standard deviation is many numbers.
        """
        from scipy.special import ndtr

        mean, std = self.means[number], self.stds[number]
        if std < _LEAST_SMOOTH_STD:
            return nan
        first, last = ndtr((np.array([self.lows[number], self.highs[number]]) - mean) / std)
        ends = (np.array([least, most]) - mean) / std
        densities = np.exp(-0.5 * ends**2) / sqrt(2 * pi)
        integral = std * np.diff(ends * ndtr(ends) + densities)[0] - (most - least) * first
        return float(most - (integral - np.diff(densities)[0] / (24 * std)) / (last - first))

    def _mean_around(self, code: float | None) -> float:
        """The mean of values drawn around the center, with this code if one is given."""
        assert self.center is not None
        if code is None:
            return self.center
        densities = np.exp(-0.5 * self._ends_around(code) ** 2) / sqrt(2 * pi)
        return float(self.center + self.std * (densities[0] - densities[1]) / self.span_of(code).length)

    def _shares_around(self, points: np.ndarray) -> np.ndarray:
        """The probability that a value drawn around the center is at most each point."""
        from scipy.special import ndtr

        return np.asarray(ndtr(self._scale_around(points)))

    def covers(self, value: float) -> bool:
        low, high = self._ranges[bisect_left(self._edges, value)]
        return (low <= value <= high or self.center is not None) and not (self.is_whole and value % 1)

    def near(self, value: float, steps: np.ndarray) -> np.ndarray:
        moved = value + self.std * steps
        moved = np.rint(moved) if self.is_whole or self.has_whole_values else moved
        is_kept = [self.covers(one) or not self.covers(value) for one in moved.tolist()]
        return np.where(is_kept, moved, value)

    def around(self, value: float) -> Self:
        return replace(self, center=value) if self.std else self

    # Single values are looked up in lists: numpy takes ten times as long for them.
    @cached_property
    def _spans(self) -> list[Span]:
        return spans_of(self.shares)

    @cached_property
    def _edges(self) -> list[float]:
        return list(self.edges.tolist())

    @cached_property
    def _ranges(self) -> list[tuple[float, float]]:
        """The range of the training values in each bin; an empty bin contains nothing."""
        is_filled = self.shares > 0
        lows, highs = np.where(is_filled, self.lows, np.inf), np.where(is_filled, self.highs, -np.inf)
        return list(zip(lows.tolist(), highs.tolist(), strict=True))


def _mean_and_std(values: np.ndarray) -> tuple[float, float]:
    """As ``values.mean()`` and ``values.std()`` give them, which take several times as long; 0 for no values."""
    if not len(values):
        return 0.0, 0.0
    mean = np.add.reduce(values) / len(values)
    differences = values - mean
    return mean, np.sqrt(np.add.reduce(differences * differences) / len(values))
