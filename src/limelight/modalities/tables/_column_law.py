"""What every law of a table column has to say: how values are drawn, and which of them count as the same."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import ceil, floor, isfinite, nan
from typing import NamedTuple, Self

import numpy as np

from limelight.stages.table_columns import ColumnValues

__all__ = [
    "FARTHEST",
    "ColumnLaw",
    "Span",
    "TrainingColumnLaw",
    "list_values",
    "locate",
    "off_ends",
    "spans_of",
    "values_around",
]

FARTHEST = 9.0
"""How many standard deviations a draw is off its center at most: points end 2**-53 before 0 and 1."""

_MOST_LISTED = 1000  # whole numbers of a column

_LEAST_DIFFERENCE = 1e-6  # of probabilities, which have 16 digits

_OFF_ENDS = 2.0**-40  # of a span: rounding must not carry a point over its ends


class Span(NamedTuple):
    """The points from `low` up to `high` of the unit interval: its length is a probability."""

    low: float
    high: float

    @property
    def length(self) -> float:
        return self.high - self.low

    def scaled(self, factor: float) -> Span:
        return Span(self.low * factor, self.high * factor)

    def inside(self, points: np.ndarray) -> np.ndarray:
        """Move points of [0, 1), of shape (m,), into the span, in the same order."""
        return np.asarray(self.low + np.clip(points, _OFF_ENDS, 1 - _OFF_ENDS) * self.length)

    def outside(self, points: np.ndarray) -> np.ndarray:
        """Move points of [0, 1), of shape (m,), out of the span, in the same order."""
        moved = points * (1 - self.length)
        return np.where(moved < self.low, moved, np.minimum(moved + self.length, 1 - 2.0**-53))


class ColumnLaw(ABC):
    """How a column is drawn for some row, and which state each of its values is in.

    Values in the same state, a category or a bin, have the same code and count as the same. A column without bins has no
    states: its codes are standardised values.
    """

    @property
    @abstractmethod
    def num_states(self) -> int:
        """How many states there are; 0 without bins."""

    @property
    @abstractmethod
    def num_drawn_states(self) -> int:
        """How many states are drawn; 1 without bins."""

    @property
    @abstractmethod
    def is_discrete(self) -> bool:
        """Whether the same value is likely to be drawn again."""

    @abstractmethod
    def draw(self, points: np.ndarray) -> np.ndarray:
        """Values of shape (m,) from points of shape (m,) in [0, 1)."""

    @abstractmethod
    def codes_of(self, values: np.ndarray) -> np.ndarray:
        """The codes of values, both of shape (m,)."""

    @abstractmethod
    def code_of(self, value: float) -> float:
        """The code of a single value."""

    @abstractmethod
    def span_of(self, code: float) -> Span:
        """The points that `draw` turns into values with this code; without bins, NaN to NaN unless all values are the same."""

    @abstractmethod
    def shares_up_to(self, points: np.ndarray, code: float | None = None) -> np.ndarray:
        """The probability that a drawn value, with this code if one is given, is at most each point, of shape (t,).

        A missing value is not.
        """

    def share_of_others(self, code: float) -> float:
        """The probability that a drawn value has another code; NaN where too few of its digits are known."""
        share = 1 - self.span_of(code).length
        return share if share > _LEAST_DIFFERENCE or not share else nan

    def others_up_to(self, points: np.ndarray, code: float) -> np.ndarray:
        """The probability that a drawn value, with another code, is at most each point, of shape (t,)."""
        share, own = self.span_of(code).length, self.shares_up_to(points, code)
        return np.asarray((self.shares_up_to(points) - share * own) / (1 - share))

    def mean_of_others(self, code: float) -> float:
        """The mean of drawn values with another code; NaN where it is not known or some are missing."""
        share = self.span_of(code).length
        return (self.mean_value() - share * self.mean_value(code)) / (1 - share)

    def mean_value(self, code: float | None = None) -> float:  # noqa: ARG002 - of most laws
        """The mean of drawn values, with this code if one is given, where a missing one counts as 0; NaN if it is not known."""
        return nan

    def share_missing(self, code: float | None = None) -> float:  # noqa: ARG002 - most columns miss none
        """The probability that a drawn value, with this code if one is given, is missing."""
        return 0.0

    def drawn_values(self) -> ColumnValues | None:
        """The values that are drawn; None where it is not known which."""
        return None

    def near(self, value: float, steps: np.ndarray) -> np.ndarray:
        """Values so many standard deviations from one, of shape (m,), which lie inside the training data if it does."""
        return np.full(steps.shape, value)  # most columns have no neighbouring values


class TrainingColumnLaw(ColumnLaw):
    """How a column is drawn as the training data suggest."""

    @abstractmethod
    def covers(self, value: float) -> bool:
        """Whether the value lies inside the training data: whether it, or one like it, can be drawn."""

    def around(self, value: float) -> Self:  # noqa: ARG002 - most columns have no neighbouring values
        """This column, drawn around a value with the training data's standard deviation if it is numeric."""
        return self


def list_values(low: float, high: float, *, is_whole: bool) -> ColumnValues:
    """The values from `low` up to `high`, one by one where they are few whole numbers."""
    if is_whole:
        low, high = ceil(low) if isfinite(low) else low, floor(high) if isfinite(high) else high
    is_short = low == high or (is_whole and high - low < _MOST_LISTED)
    listed = np.arange(low, high + 1) if is_short else None
    return ColumnValues(low, high, is_whole, listed, np.empty(0))


def spans_of(shares: np.ndarray) -> list[Span]:
    """Where `locate` finds each of some states, whose shares have shape (s,)."""
    ends = np.cumsum(shares)
    return [Span(low, high) for low, high in zip((ends - shares).tolist(), ends.tolist(), strict=True)]


def locate(shares: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of some states each point falls in, and how far into the state's share it lies.

    Parameters
    ----------
    shares : ndarray of shape (s,)
        The states' shares of [0, 1), side by side.
    points : ndarray of shape (m,)

    Returns
    -------
    states : ndarray of shape (m,), int
    positions : ndarray of shape (m,)
        From 0 at the beginning of the state's share to 1 at its end.
    """
    ends = np.cumsum(shares)
    last = int(np.flatnonzero(shares)[-1])  # rounding can leave the last sum below a point
    states = np.minimum(np.searchsorted(ends, points, side="right"), last)
    return states, np.clip((points - (ends - shares)[states]) / shares[states], 0.0, 1.0)


def values_around(center: float, low: float, high: float, std: float, *, is_whole: bool) -> ColumnValues:
    """The values drawn around any center from `low` to `high`, or around one beyond: most instances have the same."""
    low, high = min(low, center) - FARTHEST * std, max(high, center) + FARTHEST * std
    return list_values(float(low), float(high), is_whole=is_whole)


def off_ends(points: np.ndarray) -> np.ndarray:
    """Points of the closed unit interval moved off its ends, where the normal quantile is infinite."""
    return np.asarray(np.clip(points, 2.0**-53, 1 - 2.0**-53))
