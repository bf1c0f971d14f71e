"""Columns with values added: missing ones, and the value of a row that the training data lack."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isnan
from typing import Self

import numpy as np

from limelight.modalities.tables._column_law import ColumnLaw, Span, TrainingColumnLaw, locate, spans_of
from limelight.modalities.tables._columns import PresentColumn, Unbinned
from limelight.modalities.tables._missing_values import kind_of, kinds_of, missing_number
from limelight.stages.table_columns import ColumnValues

__all__ = ["Column", "WithMissing", "add_value"]

_MISSING_AS_MEAN = -0.0  # counts as the standardised mean, 0.0, and can still be told apart


@dataclass(frozen=True)
class WithMissing(TrainingColumnLaw):
    """A column that misses some values: NaN is drawn as often as in the training data, and has its own code.

    If the column tells missing values apart, as null and NaN, each kind is drawn as often as in the training data, and has its
    own code. Without bins, a missing value counts as the mean.

    Attributes
    ----------
    present : PresentColumn
        The column's values where they are present.
    share : float
        The share of values that are missing.
    parts : tuple of float
        The share of each kind among them.
    """

    present: PresentColumn
    share: float
    parts: tuple[float, ...] = (1.0,)

    @property
    def num_states(self) -> int:
        return self.present.num_states + len(self.parts) if self.present.num_states else 0

    @property
    def num_drawn_states(self) -> int:
        return self.present.num_drawn_states + (sum(part > 0 for part in self.parts) if self.share > 0 else 0)

    @property
    def is_discrete(self) -> bool:
        return self.present.is_discrete

    def draw(self, points: np.ndarray) -> np.ndarray:
        is_present = points < 1 - self.share
        values = np.full(points.shape, np.nan)
        if is_present.any():
            values[is_present] = self.present.draw(points[is_present] / (1 - self.share))
        if len(self.parts) > 1 and not is_present.all():
            kinds, _ = locate(np.array(self.parts), (points[~is_present] - (1 - self.share)) / self.share)
            values[~is_present] = np.array([missing_number(kind) for kind in range(len(self.parts))])[kinds]
        return values

    def codes_of(self, values: np.ndarray) -> np.ndarray:
        is_missing = np.isnan(values)
        codes = np.empty(values.shape, dtype=np.float64 if isinstance(self.present, Unbinned) else np.intp)
        codes[is_missing] = self._codes_of_missing(values[is_missing])
        codes[~is_missing] = self.present.codes_of(values[~is_missing])
        return codes

    def code_of(self, value: float) -> float:
        if not isnan(value):
            return self.present.code_of(value)
        return self.present.num_states + kind_of(value) if self.num_states else _MISSING_AS_MEAN

    def span_of(self, code: float) -> Span:
        if not self.num_states:
            return self.present.span_of(code)
        if code < self.present.num_states:
            return self.present.span_of(code).scaled(1 - self.share)
        part = spans_of(np.array(self.parts))[int(code) - self.present.num_states]
        return Span(1 - self.share * (1 - part.low), 1 - self.share * (1 - part.high))

    def shares_up_to(self, points: np.ndarray, code: float | None = None) -> np.ndarray:
        if code is None:
            return (1 - self.share) * self.present.shares_up_to(points)
        return np.zeros(points.shape) if self.share_missing(code) else self.present.shares_up_to(points, code)

    def share_missing(self, code: float | None = None) -> float:
        return self.share if code is None else float(code >= self.present.num_states)

    def mean_value(self, code: float | None = None) -> float:
        if code is None:
            return (1 - self.share) * self.present.mean_value()
        return 0.0 if self.share_missing(code) else self.present.mean_value(code)

    def drawn_values(self) -> ColumnValues:
        numbers = [missing_number(kind) for kind, part in enumerate(self.parts) if self.share * part > 0]
        return self.present.drawn_values()._replace(missing=np.array(numbers))

    def covers(self, value: float) -> bool:
        return self.share_of_kind(kind_of(value)) > 0 if isnan(value) else self.present.covers(value)

    def share_of_kind(self, kind: int) -> float:
        """The share of values that are missing values of this kind."""
        return self.share * self.parts[kind] if kind < len(self.parts) else 0.0

    def near(self, value: float, steps: np.ndarray) -> np.ndarray:
        return super().near(value, steps) if isnan(value) else self.present.near(value, steps)

    def around(self, value: float) -> Self:
        return self if isnan(value) else replace(self, present=self.present.around(value))

    def _codes_of_missing(self, values: np.ndarray) -> np.ndarray | float:
        """The codes of missing values, after all others; without bins -0.0, which is the mean's with another sign."""
        if not self.num_states:
            return _MISSING_AS_MEAN
        if len(self.parts) == 1:
            return self.present.num_states
        return self.present.num_states + kinds_of(values)


Column = PresentColumn | WithMissing
"""A column's law, estimated from the training data."""


@dataclass(frozen=True)
class WithValue(ColumnLaw):
    """A column that also draws the instance's value, which the training data lack; the value has its own code.

    It is drawn as often as the column's states are on average.

    Attributes
    ----------
    column : Column
        The column as the training data have it.
    value : float
        The instance's value.
    """

    column: Column
    value: float

    @property
    def num_states(self) -> int:
        return self.column.num_states + 1

    @property
    def num_drawn_states(self) -> int:
        return self.column.num_drawn_states + 1

    @property
    def is_discrete(self) -> bool:
        return self.column.is_discrete

    def draw(self, points: np.ndarray) -> np.ndarray:
        is_of_column = points < self._share_of_column
        values = np.full(points.shape, self.value)
        if is_of_column.any():
            values[is_of_column] = self.column.draw(points[is_of_column] / self._share_of_column)
        return values

    def codes_of(self, values: np.ndarray) -> np.ndarray:
        return np.where(values == self.value, self.column.num_states, self.column.codes_of(values))

    def code_of(self, value: float) -> float:
        return self.column.num_states if value == self.value else self.column.code_of(value)

    def span_of(self, code: float) -> Span:
        if code == self.column.num_states:
            return Span(self._share_of_column, 1.0)
        return self.column.span_of(code).scaled(self._share_of_column)

    def shares_up_to(self, points: np.ndarray, code: float | None = None) -> np.ndarray:
        at_value = np.asarray(self.value <= points, dtype=np.float64)
        if code is None:
            share = self._share_of_column
            return share * self.column.shares_up_to(points) + (1 - share) * at_value
        return at_value if code == self.column.num_states else self.column.shares_up_to(points, code)

    def share_missing(self, code: float | None = None) -> float:
        if code is None:
            return self._share_of_column * self.column.share_missing()
        return 0.0 if code == self.column.num_states else self.column.share_missing(code)

    def mean_value(self, code: float | None = None) -> float:
        if code is None:
            share = self._share_of_column
            return share * self.column.mean_value() + (1 - share) * self.value
        return self.value if code == self.column.num_states else self.column.mean_value(code)

    def drawn_values(self) -> ColumnValues:
        values = self.column.drawn_values()
        listed = None if values.listed is None else np.union1d(values.listed, [self.value])
        is_whole = values.is_whole and self.value.is_integer()
        low, high = min(values.low, self.value), max(values.high, self.value)
        return ColumnValues(low, high, is_whole, listed, values.missing)

    def near(self, value: float, steps: np.ndarray) -> np.ndarray:
        return self.column.near(value, steps)

    @property
    def _share_of_column(self) -> float:
        return 1 - 1.0 / self.num_drawn_states


def add_value(column: Column, value: float) -> ColumnLaw:
    """Extend a column by a value, or NaN, that the training data lack; it is drawn as often as its states are on average."""
    if not isnan(value):
        return WithValue(column, value)
    share, kind = 1.0 / (column.num_drawn_states + 1), kind_of(value)
    if not isinstance(column, WithMissing):
        return WithMissing(column, share, (*[0.0] * kind, 1.0))
    shares = [column.share_of_kind(number) * (1 - share) for number in range(max(kind + 1, len(column.parts)))]
    shares[kind] = share
    total = sum(shares)
    return WithMissing(column.present, total, tuple(part / total for part in shares))
