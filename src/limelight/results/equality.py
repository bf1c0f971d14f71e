"""Equality of frozen dataclasses whose figures may be NaN, or arrays."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np

__all__ = ["EqualityMixin"]


class EqualityMixin:
    """Base of frozen dataclasses that are equal if their fields are, where NaN is equal to NaN; their hashes agree.

    A dataclass compares its fields on its own otherwise: a NaN that was stored and read is never equal to the first one, and
    from Python 3.13 on not even to itself. So the class is decorated with ``@dataclass(frozen=True, eq=False)``.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from limelight.results.equality import EqualityMixin
    >>> @dataclass(frozen=True, eq=False)
    ... class Interval(EqualityMixin):
    ...     ends: tuple[float, ...]
    >>> Interval((float("nan"), 1.0)) == Interval((float("nan"), 1.0)), Interval((2.0, 1.0)) == Interval((float("nan"), 1.0))
    (True, False)
    """

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        return all(_are_equal(getattr(self, name), getattr(other, name)) for name in self._compared_fields())

    def __hash__(self) -> int:
        return hash(tuple(_hashable(getattr(self, name)) for name in self._compared_fields()))

    @classmethod
    @cache
    def _compared_fields(cls: Any) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls) if field.compare)


def _are_equal(first: Any, second: Any) -> bool:
    if isinstance(first, tuple) and isinstance(second, tuple):
        return len(first) == len(second) and all(map(_are_equal, first, second))
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        both_nan = (first != first) & (second != second) if first.shape == second.shape else False
        return first.shape == second.shape and bool(np.all((first == second) | both_nan))
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_are_equal(first[key], second[key]) for key in first)
    return bool(first == second) or bool(first != first and second != second)


def _hashable(value: Any) -> Any:
    """Something with equal hashes for equal values."""
    if isinstance(value, tuple):
        return tuple(map(_hashable, value))
    if isinstance(value, np.ndarray):
        return value.shape
    if isinstance(value, dict):
        return frozenset(value)
    return None if value != value else value
