"""The laws that a table column's values are drawn from: categories, bins, a normal distribution."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import inf, nan
from typing import Self

import numpy as np

from limelight.modalities.tables._binned import Binned
from limelight.modalities.tables._column_law import (
    FARTHEST,
    Span,
    TrainingColumnLaw,
    list_values,
    locate,
    off_ends,
    spans_of,
    values_around,
)
from limelight.stages.table_columns import ColumnValues

__all__ = [
    "LARGEST_VALUE",
    "Categorical",
    "PresentColumn",
    "Unbinned",
]

LARGEST_VALUE = 1e150
"""The largest absolute value whose square is finite."""


@dataclass(frozen=True)
class Categorical(TrainingColumnLaw):
    """A column of categories, drawn with their frequencies in the training data.

    Attributes
    ----------
    values : ndarray of shape (m,)
        The distinct categories, ascending.
    shares : ndarray of shape (m,)
        Their frequencies; they sum to 1.
    """

    values: np.ndarray
    shares: np.ndarray

    @classmethod
    def of(cls, training: np.ndarray) -> Categorical:
        """The column with these training values, of shape (n,)."""
        values, counts = np.unique(training, return_counts=True)
        return cls(values, counts / max(1, counts.sum()))

    @property
    def num_states(self) -> int:
        return len(self.values) + 1  # the last one is for all values that the training data lack

    @property
    def num_drawn_states(self) -> int:
        return int(np.count_nonzero(self.shares))

    @property
    def is_discrete(self) -> bool:
        return True

    def draw(self, points: np.ndarray) -> np.ndarray:
        return np.asarray(self.values[locate(self.shares, points)[0]])

    def codes_of(self, values: np.ndarray) -> np.ndarray:
        codes = self.values.searchsorted(values)
        is_known = np.append(self.values, np.inf)[codes] == values
        return np.where(is_known, codes, len(self.values))

    def code_of(self, value: float) -> int:
        return self._codes.get(value, len(self._codes))

    def span_of(self, code: float) -> Span:
        return self._spans[int(code)]

    def shares_up_to(self, points: np.ndarray, code: float | None = None) -> np.ndarray:
        if code is not None:
            return np.asarray(self.values[int(code)] <= points, dtype=np.float64)
        return np.append(0.0, np.cumsum(self.shares))[np.searchsorted(self.values, points, side="right")]

    def mean_value(self, code: float | None = None) -> float:
        return float(self.shares @ self.values if code is None else self.values[int(code)])

    def drawn_values(self) -> ColumnValues:
        values = self.values[self.shares > 0].astype(np.float64)
        low, high = (values[0], values[-1]) if len(values) else (inf, -inf)
        return ColumnValues(float(low), float(high), False, values, np.empty(0))

    def covers(self, value: float) -> bool:
        return value in self._codes

    @cached_property
    def _spans(self) -> list[Span]:
        return [*spans_of(self.shares), Span(1.0, 1.0)]

    @cached_property
    def _codes(self) -> dict[float, int]:
        return {value: code for code, value in enumerate(self.values.tolist())}


@dataclass(frozen=True)
class Unbinned(TrainingColumnLaw):
    """A numeric column without bins, drawn from a normal distribution; its component is the standardised value itself.

    Attributes
    ----------
    mean, std : float
        The mean and standard deviation of the training values; a column that never varies has std 0 and stays at its value.
    center : float
        The value around which values are drawn: the mean, or the instance's value.
    is_whole : bool
        Whether only whole numbers are drawn.
    """

    mean: float
    std: float
    center: float
    is_whole: bool = False

    @classmethod
    def of(cls, training: np.ndarray, *, is_whole: bool = False) -> Unbinned:
        """The column with these training values, of shape (n,)."""
        return cls(float(training.mean()), float(training.std()), float(training.mean()), is_whole)

    @property
    def num_states(self) -> int:
        return 0

    @property
    def num_drawn_states(self) -> int:
        return 1

    @property
    def is_discrete(self) -> bool:
        return self.is_whole or self.std == 0

    def draw(self, points: np.ndarray) -> np.ndarray:
        from scipy.special import ndtri

        values = self.center + self.std * ndtri(off_ends(points))
        return np.asarray(np.rint(values) if self.is_whole else values)

    def codes_of(self, values: np.ndarray) -> np.ndarray:
        codes = (values - self.mean) / self.std if self.std else np.zeros(np.shape(values))
        return np.asarray(codes + 0.0)  # -0.0, as numbers rounded to 0 may be, would be taken for a missing value

    def code_of(self, value: float) -> float:
        return (value - self.mean) / self.std + 0.0 if self.std else 0.0

    def span_of(self, code: float) -> Span:  # noqa: ARG002 - there are no states
        return Span(nan, nan) if self.std else Span(0.0, 1.0)

    def drawn_values(self) -> ColumnValues:
        if not self.std:
            return list_values(self.center, self.center, is_whole=self.is_whole)
        low, high = self.mean - FARTHEST * self.std, self.mean + FARTHEST * self.std
        return values_around(self.center, low, high, self.std, is_whole=self.is_whole)

    def shares_up_to(self, points: np.ndarray, code: float | None = None) -> np.ndarray:  # noqa: ARG002 - there are no states
        from scipy.special import ndtr

        ends = np.floor(points) + 0.5 if self.is_whole else points
        return np.asarray(ndtr((ends - self.center) / self.std) if self.std else self.center <= points, dtype=np.float64)

    def covers(self, value: float) -> bool:
        return abs(value) <= LARGEST_VALUE and not (self.is_whole and value % 1)

    def near(self, value: float, steps: np.ndarray) -> np.ndarray:
        moved = value + self.std * steps
        return np.asarray(np.rint(moved) if self.is_whole else moved)

    def around(self, value: float) -> Self:
        return replace(self, center=value)


PresentColumn = Binned | Categorical | Unbinned
"""A column whose values are all present."""
