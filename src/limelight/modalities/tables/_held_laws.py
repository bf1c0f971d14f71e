"""The laws of columns as their number types hold them, where these are known: drawn values are rounded and limited."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from math import nan

import numpy as np

from limelight.modalities.tables._added_values import WithMissing, WithValue
from limelight.modalities.tables._binned import Binned
from limelight.modalities.tables._column_law import ColumnLaw, Span
from limelight.modalities.tables._columns import Categorical, PresentColumn, Unbinned
from limelight.modalities.tables._fields import ChoiceField, Field, NumberField
from limelight.modalities.tables._rounding import Rounding

__all__ = ["as_numbers", "find_held_law", "holds_plain_numbers"]

_LEAST_INSIDE = 0.01  # of a bin's normal distribution between its edges: further out, draws have too few digits
_LEAST_SPREAD = 1e-9  # a standard deviation, for each unit of the mean: below it, doubles have too few digits
_LEAST_SHARE = 1e-6  # of other states: below it, differences of means have too few digits
_MOST_DEVIATIONS = 40.0  # between the center and a limit of the type, which then plays no part


def holds_plain_numbers(field: Field) -> bool:
    """Whether a model gets a column's numbers as they are, and no categories or times that they stand for."""
    if isinstance(field, ChoiceField):
        return field.values == (False, True) and all(isinstance(value, bool) for value in field.values)
    return isinstance(field, NumberField)


def as_numbers(field: Field) -> NumberField:
    """A column as one of numbers: times, durations and periods are counts."""
    return field if isinstance(field, NumberField) else NumberField(is_whole=True, numpy_type="int64")


def find_held_law(law: ColumnLaw, field: Field) -> ColumnLaw | None:
    """The law of what a column holds of the values that are drawn; None if it is not known."""
    if isinstance(law, WithMissing):
        present = _find_present(law.present, field)
        return None if present is None else replace(law, present=present)
    if isinstance(law, WithValue):
        column = find_held_law(law.column, field)
        if column is None or np.diff(column.shares_up_to(np.array([np.nextafter(law.value, -np.inf), law.value])))[0] > 0:
            return None  # a draw next to the row's value is rounded to it
        return replace(law, column=column)  # type: ignore[arg-type]
    return _find_present(law, field)  # type: ignore[arg-type]


def _find_present(law: PresentColumn, field: Field) -> PresentColumn | None:
    if isinstance(law, Categorical):
        return law if np.array_equal(field.hold(law.values), law.values) else None
    if field.is_whole and not law.is_whole:  # as statistics may say; then the type holds them all the same
        return None
    numbers = as_numbers(field)
    rounding = Rounding(numbers, is_whole=law.is_whole)
    if isinstance(law, Unbinned):
        return law if _has_known_numbers(law, rounding) else None
    if law.center is not None:
        return law if rounding.changes_nothing else HeldBins.of(law, rounding)
    if not _lies_in_bins(law):
        return None
    return law if _holds_bins(numbers, law) else HeldBins.of(law, rounding)


def _has_known_numbers(law: Unbinned, rounding: Rounding) -> bool:
    """Whether a column without bins has numbers that can be added up, or lie close together throughout."""
    if rounding.changes_nothing:
        return law.std >= _LEAST_SPREAD * max(abs(law.mean), abs(law.center))
    low, high = law.center - _MOST_DEVIATIONS * law.std, law.center + _MOST_DEVIATIONS * law.std
    if rounding.numbers_between(low, high) is not None:
        return True
    if low < rounding.limits[0] or high > rounding.limits[1]:
        return False
    return rounding.step is None or rounding.has_even_steps(low, high)


def _lies_in_bins(law: Binned) -> bool:
    """Whether every bin that is drawn has a good part of its normal distribution between its edges."""
    from scipy.special import ndtr

    is_drawn = (law.shares > 0) & (law.lows < law.highs)
    ends = (np.stack([law.lows, law.highs])[:, is_drawn] - law.means[is_drawn]) / law.stds[is_drawn]
    return bool((np.diff(ndtr(ends), axis=0) > _LEAST_INSIDE).all())


def _holds_bins(field: NumberField, law: Binned) -> bool:
    """Whether a type holds all that is drawn from bins as it is."""
    low, high = field.limits
    is_drawn = law.shares > 0
    is_inside = bool((law.lows[is_drawn] >= low).all() and (law.highs[is_drawn] <= high).all())
    return field.holds_all or (field.is_whole and is_inside)


@dataclass(frozen=True)
class HeldBins(Binned):
    """A numeric column in bins, each value in the bin that it is in once it is rounded."""

    rounding: Rounding | None = None

    @classmethod
    def of(cls, law: Binned, rounding: Rounding) -> HeldBins:  # type: ignore[override]
        """The same column, of a type that rounds."""
        return cls(**{field.name: getattr(law, field.name) for field in fields(Binned)}, rounding=rounding)

    def span_of(self, code: float) -> Span:
        return Span(*self._shares_up_to_edges[[int(code), int(code) + 1]].tolist())

    def share_of_others(self, code: float) -> float:
        return super().share_of_others(code) if self.center is not None else ColumnLaw.share_of_others(self, code)

    def others_up_to(self, points: np.ndarray, code: float) -> np.ndarray:
        if self.center is None:
            return ColumnLaw.others_up_to(self, points, code)
        assert self.rounding is not None
        return super().others_up_to(self.rounding.last_up_to(points), code)

    def mean_of_others(self, code: float) -> float:
        # Without digits for a sum over the numbers held, it is not known.
        return ColumnLaw.mean_of_others(self, code) if self.share_of_others(code) > _LEAST_SHARE else nan

    def _ends_around(self, code: float) -> np.ndarray:
        assert self.rounding is not None
        ends = np.array([-np.inf, *self.edges, np.inf])[[int(code), int(code) + 1]]
        return self._scale_around(self.rounding.last_up_to(ends))

    def shares_up_to(self, points: np.ndarray, code: float | None = None) -> np.ndarray:
        assert self.rounding is not None
        shares = super().shares_up_to(self.rounding.last_up_to(points))
        if code is None:
            return shares
        low, high = self.span_of(code)
        return np.clip((shares - low) / (high - low), 0.0, 1.0)

    def mean_value(self, code: float | None = None) -> float:
        assert self.rounding is not None
        ends = np.array([-np.inf, *self.edges, np.inf])
        low, high = (ends[0], ends[-1]) if code is None else ends[[int(code), int(code) + 1]]
        reach = self._reach
        values = self.rounding.numbers_between(max(low, reach[0]), min(high, reach[1]))
        if values is None:
            return super().mean_value(code)  # they lie close together
        shares = np.diff(super().shares_up_to(self.rounding.last_up_to(np.append(np.nextafter(values[0], -np.inf), values))))
        is_inside = (values > low) & (values <= high)
        return float(shares[is_inside] @ values[is_inside] / shares[is_inside].sum())

    @cached_property
    def _reach(self) -> tuple[float, float]:
        """The least and the largest number that is drawn, but for what does not count."""
        if self.center is not None:
            return self.center - _MOST_DEVIATIONS * self.std, self.center + _MOST_DEVIATIONS * self.std
        is_drawn = self.shares > 0
        return float(self.lows[is_drawn].min()), float(self.highs[is_drawn].max())

    @cached_property
    def _shares_up_to_edges(self) -> np.ndarray:
        """The probability of a value up to each edge of a bin, from minus infinity to infinity."""
        assert self.rounding is not None
        return super().shares_up_to(self.rounding.last_up_to(np.array([-np.inf, *self.edges, np.inf])))
