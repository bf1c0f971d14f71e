"""How the values of one table column are drawn, and when a drawn value counts as the instance's own."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan

import numpy as np

__all__ = ["LARGEST", "Binned", "Categorical", "Column", "Including", "Missing", "Plain", "RowColumn", "including", "pick"]

LARGEST = 1e150
"""The greatest number whose square is one."""


@dataclass(frozen=True)
class Categorical:
    """A column of codes, drawn with their frequencies in the training data; a code counts as itself.

    Attributes
    ----------
    values : ndarray of shape (m,)
        The distinct codes, ascending.
    shares : ndarray of shape (m,)
        Their frequencies; they sum to 1.
    """

    values: np.ndarray
    shares: np.ndarray

    @classmethod
    def of(cls, training: np.ndarray) -> Categorical:
        values, counts = np.unique(training, return_counts=True)
        return cls(values, counts / max(1, counts.sum()))

    @property
    def states(self) -> int:
        """How many codes there are."""
        return len(self.values) + 1  # the last is that of all values that the training data lack

    @property
    def filled(self) -> int:
        """How many of them are drawn."""
        return int(np.count_nonzero(self.shares))

    @property
    def discrete(self) -> bool:
        return True

    def draw(self, points: np.ndarray) -> np.ndarray:
        return np.asarray(self.values[pick(self.shares, points)[0]])

    def code(self, values: np.ndarray) -> np.ndarray:
        """The number of each value's component state: equal to the instance's number where the value counts as its own."""
        codes = self.values.searchsorted(values)
        known = np.append(self.values, np.inf)[codes] == values
        return np.where(known, codes, len(self.values))

    def around(self, value: float) -> Categorical:  # noqa: ARG002 - categories have no neighbours
        return self

    def code_of(self, value: float) -> int:
        """`code` of a single value."""
        return self._codes.get(value, len(self._codes))

    def covers(self, value: float) -> bool:
        """Whether the training data have the value."""
        return value in self._codes

    @cached_property
    def _codes(self) -> dict[float, int]:
        return {value: code for code, value in enumerate(self.values.tolist())}


@dataclass(frozen=True)
class Binned:
    """A numeric column in bins: a bin is drawn with its frequency, a value in it from a truncated normal distribution.

    The distribution has the mean and the standard deviation of the training values in its bin and ends at the bin's edges, as
    lime's; a bin with a single value stays at it. A value counts as the instance's own if it lies in the same bin.

    Attributes
    ----------
    edges : ndarray of shape (b - 1,)
        The inner edges of the b bins; a bin contains its upper edge.
    shares, means, scales : ndarray of shape (b,)
        Of the training values in each bin: their share, mean and standard deviation.
    lows, highs : ndarray of shape (b,)
        Where each bin's distribution ends.
    scale : float
        The standard deviation of the whole column, to draw around an instance.
    whole : bool
        Whether only whole numbers are drawn.
    center : float or None
        An instance's own value, around which values are drawn; None to draw them as in the training data.
    """

    edges: np.ndarray
    shares: np.ndarray
    means: np.ndarray
    scales: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    scale: float
    whole: bool = False
    center: float | None = None

    @classmethod
    def of(cls, training: np.ndarray, edges: np.ndarray, *, whole: bool = False) -> Binned:
        edges = np.unique(edges)
        bins = np.searchsorted(edges, training)
        groups = [training[bins == number] for number in range(len(edges) + 1)]
        # A bin contains its upper edge and not its lower one.
        lows, highs = np.append(training.min(), np.nextafter(edges, np.inf)), np.append(edges, training.max())
        # A bin with a single value stays at it, wherever its edges lie.
        single = np.array([group.min() == group.max() if len(group) else False for group in groups])
        means = np.array([group.mean() if len(group) else 0.0 for group in groups])
        means[single] = [group[0] for group, alone in zip(groups, single, strict=True) if alone]
        return cls(
            edges=edges,
            shares=np.array([len(group) / len(training) for group in groups]),
            means=means,
            # As in lime, a little more than the standard deviation: nothing is divided by zero.
            scales=np.array([group.std() if len(group) else 0.0 for group in groups]) + 1e-11,
            lows=np.where(single, means, lows),
            highs=np.where(single, means, highs),
            scale=float(training.std()),
            whole=whole,
        )

    @property
    def states(self) -> int:
        """How many codes there are."""
        return len(self.edges) + 1

    @property
    def filled(self) -> int:
        """How many bins are drawn from."""
        return int(np.count_nonzero(self.shares))

    @property
    def discrete(self) -> bool:
        return self.whole or (self.center is None and bool(np.all((self.lows == self.highs) | (self.shares == 0))))

    def draw(self, points: np.ndarray) -> np.ndarray:
        from scipy.special import ndtr, ndtri

        if self.center is not None:
            values = self.center + self.scale * ndtri(_inside(points))
            return np.asarray(np.rint(values) if self.whole else values)
        bins, position = pick(self.shares, points)
        first, last = ndtr((self.lows - self.means) / self.scales), ndtr((self.highs - self.means) / self.scales)
        normal = ndtri(_inside(first[bins] + position * (last - first)[bins]))
        values = np.clip(self.means[bins] + self.scales[bins] * normal, self.lows[bins], self.highs[bins])
        if self.whole:  # of the whole numbers in the bin, the nearest
            values = np.clip(np.rint(values), np.ceil(self.lows[bins]), np.floor(self.highs[bins]))
        return np.asarray(values)

    def code(self, values: np.ndarray) -> np.ndarray:
        """The number of each value's bin."""
        return np.asarray(self.edges.searchsorted(values))

    def around(self, value: float) -> Binned:
        """A column that draws around a value, with the training data's standard deviation, whatever the bins."""
        return replace(self, center=value) if self.scale else self

    def code_of(self, value: float) -> int:
        """`code` of a single value."""
        return bisect_left(self._edges, value)

    def covers(self, value: float) -> bool:
        """Whether the value is one that its bin's distribution can draw."""
        low, high = self._ranges[bisect_left(self._edges, value)]
        return (low <= value <= high or self.center is not None) and not (self.whole and value % 1)

    # Single values are looked up in lists: numpy takes ten times as long for them.
    @cached_property
    def _edges(self) -> list[float]:
        return list(self.edges.tolist())

    @cached_property
    def _ranges(self) -> list[tuple[float, float]]:
        """The range of the training values in each bin; a bin without any contains nothing."""
        lows, highs = np.where(self.shares > 0, self.lows, np.inf), np.where(self.shares > 0, self.highs, -np.inf)
        return list(zip(lows.tolist(), highs.tolist(), strict=True))


@dataclass(frozen=True)
class Plain:
    """A numeric column without bins, drawn from a normal distribution; its component is the standardised value itself.

    Attributes
    ----------
    mean, scale : float
        Of the training values; a column that never varies has scale 0 and stays at its value.
    center : float
        Where the draws lie: the mean, or an instance's own value.
    whole : bool
        Whether only whole numbers are drawn.
    """

    mean: float
    scale: float
    center: float
    whole: bool = False

    @classmethod
    def of(cls, training: np.ndarray, *, whole: bool = False) -> Plain:
        return cls(float(training.mean()), float(training.std()), float(training.mean()), whole)

    @property
    def states(self) -> int:
        """How many codes there are."""
        return 0

    @property
    def filled(self) -> int:
        """All its values count as one."""
        return 1

    @property
    def discrete(self) -> bool:
        return self.whole or self.scale == 0

    def draw(self, points: np.ndarray) -> np.ndarray:
        from scipy.special import ndtri

        values = self.center + self.scale * ndtri(_inside(points))
        return np.asarray(np.rint(values) if self.whole else values)

    def code(self, values: np.ndarray) -> np.ndarray:
        """The standardised values."""
        return np.asarray((values - self.mean) / self.scale) if self.scale else np.zeros(np.shape(values))

    def around(self, value: float) -> Plain:
        """A column that draws around a value."""
        return replace(self, center=value)

    def code_of(self, value: float) -> float:
        """`code` of a single value."""
        return (value - self.mean) / self.scale if self.scale else 0.0

    def covers(self, value: float) -> bool:
        """Whether it can be drawn: a normal distribution reaches everywhere, but it is squared."""
        return abs(value) <= LARGEST and not (self.whole and value % 1)


@dataclass(frozen=True)
class Missing:
    """A column of which some values are missing: NaN is drawn as often as in the training data, and counts as itself.

    Without bins, what is missing counts as the mean.

    Attributes
    ----------
    present : Binned, Categorical or Plain
        The column's values where they are not missing.
    share : float
        How often they are missing.
    """

    present: Binned | Categorical | Plain
    share: float

    @property
    def states(self) -> int:
        """How many codes there are; the last is that of what is missing."""
        return 0 if isinstance(self.present, Plain) else self.present.states + 1

    @property
    def filled(self) -> int:
        """How many of them are drawn."""
        return self.present.filled + (self.share > 0)

    @property
    def discrete(self) -> bool:
        return self.present.discrete

    def draw(self, points: np.ndarray) -> np.ndarray:
        there = points < 1 - self.share
        values = np.full(points.shape, np.nan)
        if there.any():
            values[there] = self.present.draw(points[there] / (1 - self.share))
        return values

    def code(self, values: np.ndarray) -> np.ndarray:
        """The code of each value, or of what is missing."""
        missing = np.isnan(values)
        codes = np.empty(values.shape, dtype=np.float64 if isinstance(self.present, Plain) else np.intp)
        codes[missing] = self._code_of_missing
        codes[~missing] = self.present.code(values[~missing])
        return codes

    def around(self, value: float) -> Missing:
        """A column that draws around a value; what is missing has no neighbours."""
        return self if isnan(value) else replace(self, present=self.present.around(value))

    def code_of(self, value: float) -> float:
        """`code` of a single value."""
        return self._code_of_missing if isnan(value) else self.present.code_of(value)

    def covers(self, value: float) -> bool:
        """Whether the training data have the value, or miss some."""
        return self.share > 0 if isnan(value) else self.present.covers(value)

    @property
    def _code_of_missing(self) -> int:
        return 0 if isinstance(self.present, Plain) else self.present.states


Column = Binned | Categorical | Missing | Plain
"""How a column is drawn, as the training data say."""


@dataclass(frozen=True)
class Including:
    """A column that also draws a value which the training data lack, as often as an average state; it counts as itself.

    Attributes
    ----------
    column : Column
        The column as the training data have it.
    value : float
        An instance's own.
    """

    column: Column
    value: float

    @property
    def states(self) -> int:
        """How many codes there are; the last is that of the value."""
        return self.column.states + 1

    @property
    def filled(self) -> int:
        """How many of them are drawn."""
        return self.column.filled + 1

    @property
    def discrete(self) -> bool:
        return self.column.discrete

    def draw(self, points: np.ndarray) -> np.ndarray:
        others = 1 - 1.0 / self.filled
        known = points < others
        values = np.full(points.shape, self.value)
        if known.any():
            values[known] = self.column.draw(points[known] / others)
        return values

    def code(self, values: np.ndarray) -> np.ndarray:
        """The code of each value in the column, or of the instance's own."""
        return np.where(values == self.value, self.column.states, self.column.code(values))

    def code_of(self, value: float) -> float:
        """`code` of a single value."""
        return self.column.states if value == self.value else self.column.code_of(value)


RowColumn = Column | Including
"""How a column is drawn for some row."""


def including(column: Column, value: float) -> RowColumn:
    """A column that also draws what the training data lack, as often as an average state."""
    if isnan(value):
        return Missing(column.present if isinstance(column, Missing) else column, 1.0 / (column.filled + 1))
    return Including(column, value)


def pick(shares: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The group that each point in [0, 1) falls in, and how far into the group's share it lies."""
    ends = np.cumsum(shares)
    last = int(np.flatnonzero(shares)[-1])  # rounding can leave the last sum below a point
    groups = np.minimum(np.searchsorted(ends, points, side="right"), last)
    return groups, np.clip((points - (ends - shares)[groups]) / shares[groups], 0.0, 1.0)


def _inside(points: np.ndarray) -> np.ndarray:
    """Points of the closed unit interval moved off its ends, where the normal quantile is infinite."""
    return np.asarray(np.clip(points, 2.0**-53, 1 - 2.0**-53))
