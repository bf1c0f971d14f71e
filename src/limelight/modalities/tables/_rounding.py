"""What a column's number type makes of drawn numbers, backwards: which of them become a number that it holds."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from limelight.modalities.tables._fields import NumberField

__all__ = ["Rounding"]

_MOST_EVEN = 2**12  # numbers with even spaces between them that are added one by one
_MOST_FLOATS = 2**16  # floats in such a sum; of half precision there are fewer
_LARGEST_WHOLE = {"float16": 2.0**11, "float32": 2.0**24}  # up to which each whole number is held


class Rounding:
    """From drawn numbers to those that a column holds: it keeps their order.

    Parameters
    ----------
    field : NumberField
        What the column holds.
    is_whole : bool
        Whether numbers are rounded to whole ones before that.

    Attributes
    ----------
    is_whole : bool
    """

    def __init__(self, field: NumberField, *, is_whole: bool = False) -> None:
        self.is_whole = is_whole
        self._field = field

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        """The numbers held in place of some, both of shape (m,)."""
        return self._field.hold(np.rint(numbers) if self.is_whole else numbers)

    @property
    def changes_nothing(self) -> bool:
        return self._field.holds_all and not self.is_whole

    @property
    def limits(self) -> tuple[float, float]:
        """The least and the largest number that the column can hold."""
        return self._field.limits

    @cached_property
    def step(self) -> float | None:
        """The space between neighbouring numbers, if it is the same throughout."""
        if self.is_whole:
            return 1.0
        return None if self._field.decimals is None else 10.0**-self._field.decimals

    def last_up_to(self, points: np.ndarray) -> np.ndarray:
        """The greatest numbers that become at most each point, of shape (t,); minus infinity where none does."""
        if self.changes_nothing:
            return points
        if self.step is None:
            return self._last_float_up_to(points)
        low, high = np.full(points.shape, -np.inf), np.full(points.shape, np.inf)
        reaches_all = self(high) <= points
        below, above = _places_of(low), _places_of(high)
        for _ in range(64):  # half of all doubles between, again and again
            middle = (below >> 1) + (above >> 1) + (below & above & 1)
            is_up_to = self(_doubles_at(middle)) <= points
            below, above = np.where(is_up_to, middle, below), np.where(is_up_to, above, middle)
        return np.where(reaches_all, np.inf, _doubles_at(below))

    def _last_float_up_to(self, points: np.ndarray) -> np.ndarray:
        """The same where numbers are rounded to the nearest float, and from the middle between two to the even one."""
        least, most = self.limits
        held = np.dtype(self._field.numpy_type).type
        within = np.clip(points, least, most)
        below = within.astype(held)
        with np.errstate(over="ignore"):  # beyond the type's limits, where it does not matter
            below = np.where(below > within, np.nextafter(below, held(-np.inf)), below)
            above = np.nextafter(below, held(np.inf)).astype(np.float64)
        below = below.astype(np.float64)
        middle = np.where(points >= most, most, (below + above) / 2)
        last = np.where(self(middle) <= within, middle, np.nextafter(middle, -np.inf))
        return np.select([points >= most, points < least], [np.inf, -np.inf], last)

    def numbers_between(self, low: float, high: float) -> np.ndarray | None:
        """All numbers that the column holds from one to the other, ascending; None if they are too many to be added up."""
        if self.changes_nothing:
            return None
        low, high = np.clip([low, high], *self.limits).tolist()
        if self.step is not None:
            first, last = np.floor(low / self.step), np.ceil(high / self.step)
            if last - first >= _MOST_EVEN:
                return None
            return np.unique(self((first + np.arange(last - first + 1)) * self.step))
        first, last = _places_of(self(np.array([low, high])).astype(self._field.numpy_type)).tolist()
        if last - first >= _MOST_FLOATS:
            return None
        return _doubles_at(np.arange(first, last + 1), self._field.numpy_type).astype(np.float64)

    def has_even_steps(self, low: float, high: float) -> bool:
        """Whether the type holds all numbers between two with even spaces between them."""
        return self.step is not None and max(abs(low), abs(high)) <= _LARGEST_WHOLE.get(self._field.numpy_type, 2.0**53)


def _places_of(floats: np.ndarray) -> np.ndarray:
    """The places of floats among all of their type, as int64."""
    bits = floats.view(f"i{floats.itemsize}").astype(np.int64)
    return np.asarray(np.where(bits < 0, -(bits & np.int64(2 ** (8 * floats.itemsize - 1) - 1)), bits))


def _doubles_at(places: np.ndarray, dtype: str = "float64") -> np.ndarray:
    """The floats of a type at some places."""
    held = np.dtype(dtype)
    magnitudes = np.abs(places).astype(f"i{held.itemsize}").view(held)
    return np.asarray(np.where(places < 0, -magnitudes, magnitudes))
