"""What a column of a frame holds, as numbers and back: numbers and choices."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np

from limelight.exceptions import InstanceError, is_interruption
from limelight.modalities.tables._missing_values import (
    DECIMAL_NAN,
    MISSING,
    NAN,
    kind_of,
    kinds_of,
    missing_number,
    name_missing,
)
from limelight.modalities.tables._native_series import extend_pool, holds_objects, make_numbers, replace_last

__all__ = [
    "LARGEST_EXACT",
    "ChoiceField",
    "DecimalField",
    "Field",
    "NumberField",
]

LARGEST_EXACT = 2.0**53 - 1
"""Whole numbers up to here are exact in double precision, and no others are rounded to them."""

_MOST_DECIMALS = 15  # that a double's digits fill; with more of them, its shortest text is written
_MOST_WHOLE = 1e15  # larger whole numbers are written with an exponent


def _format_number(number: float) -> str:
    """A number in the digits that a person would write: whole ones in all."""
    if number.is_integer():
        return f"{number + 0.0:.0f}" if abs(number) < _MOST_WHOLE else repr(number)
    text = f"{number:.6g}"
    return f"{number:.2f}".rstrip("0").rstrip(".") if "e+" in text and abs(number) < _MOST_WHOLE else text


class Field(ABC):
    """A column's values as numbers, NaN where one is missing.

    Attributes
    ----------
    missing : tuple of str
        The names of the missing values that the column tells apart, by their kinds; those of the training data, if these
        miss any. Empty if the column's type has only one.
    is_whole : bool
        Whether the column holds whole numbers only.
    is_categorical : bool
        Whether the numbers stand for categories.
    steps : tuple of int
        Rounder steps than 1 that all numbers of a column may keep, such as days, the longest first.
    """

    missing: tuple[str, ...] = ()
    is_whole: bool = False
    is_categorical: bool = False

    @property
    def steps(self) -> tuple[int, ...]:
        return ()

    @abstractmethod
    def read(self, name: str, value: Any) -> tuple[Field, float]:
        """A value that is present as a number, and the field that can write it; `name` is the column's, for errors.

        Raises
        ------
        InstanceError
            If the column cannot hold the value.
        """

    def read_missing(self, value: Any) -> tuple[Field, float]:  # noqa: ARG002 - most columns have one missing value
        """A missing value as a number, and the field that can write it.

        A missing value that the training data lack, where they have another one, has a kind after all others.
        """
        return self, math.nan

    def format_missing(self, number: float) -> str:
        """What a number that stands for a missing value is called."""
        return self.missing[kind_of(number)] if len(self.missing) > 1 else MISSING

    def hold(self, numbers: np.ndarray) -> np.ndarray:
        """The numbers that the column holds in place of these, both of shape (m,): rounded and limited by its type."""
        return numbers

    @abstractmethod
    def write(self, name: str, numbers: np.ndarray, implementation: Any) -> Any:
        """Numbers of shape (m,) as a narwhals series of the column's own type."""

    @abstractmethod
    def format(self, number: float) -> str:
        """What a number stands for, as a person would write it."""


@dataclass(frozen=True)
class NumberField(Field):
    """A column of numbers.

    Attributes
    ----------
    is_whole : bool
    dtype : object
        The library's type of the column.
    missing : tuple of str
        Both null and NaN, in types that have both, unless the training data have only one of them.
    numpy_type : str
        The type of numpy that is as exact.
    largest : float
        The largest number of a decimal type.
    decimals : int or None
        How many decimals a decimal type has; None for other types.
    """

    is_whole: bool = False
    dtype: Any = None
    missing: tuple[str, ...] = ()
    numpy_type: str = "float64"
    largest: float = math.inf
    decimals: int | None = None

    def read(self, name: str, value: Any) -> tuple[Field, float]:
        try:
            if isinstance(value, (str, bytes)):
                raise TypeError("a text is no number, even if it looks like one")
            number = float(value)
        except (OverflowError, TypeError, ValueError) as error:
            raise InstanceError(f"column {name!r} holds numbers; got {value!r:.60} ({type(value).__name__}).") from error
        low, high = self.limits
        if not low <= number <= high or math.isinf(number):
            held = "finite numbers" if math.isinf(high) else f"numbers from {low:.6g} to {high:.6g}"
            raise InstanceError(f"column {name!r} holds {held}; got {value!r:.60} ({type(value).__name__}).")
        if self.is_whole and not number.is_integer():
            raise InstanceError(f"column {name!r} holds whole numbers; got {value!r:.60} ({type(value).__name__}).")
        return self, number

    @cached_property
    def limits(self) -> tuple[float, float]:
        """The least and the largest number that the column can hold."""
        if self.numpy_type == "float64":
            return -self.largest, self.largest
        if self.numpy_type == "bool":
            return 0.0, 1.0
        info = np.iinfo(self.numpy_type) if self.is_whole else np.finfo(self.numpy_type)
        exact = LARGEST_EXACT if self.is_whole else math.inf
        return max(-exact, float(info.min)), min(exact, float(info.max))

    @property
    def holds_all(self) -> bool:
        """Whether the column holds every double as it is."""
        return self.numpy_type == "float64" and math.isinf(self.largest) and self.decimals is None

    def hold(self, numbers: np.ndarray) -> np.ndarray:
        # Draws around an instance ignore the training data's range, and may leave the type's.
        if self.holds_all:
            return numbers
        held = numbers.clip(*self.limits)
        if self.decimals is not None:
            return np.asarray(held.round(self.decimals))
        return held if self.is_whole else np.asarray(held.astype(self.numpy_type).astype(np.float64))

    def read_missing(self, value: Any) -> tuple[Field, float]:
        name = NAN if self.missing and name_missing(value) in (NAN, DECIMAL_NAN) else MISSING
        return self, missing_number(self.missing.index(name) if name in self.missing else len(self.missing))

    def write(self, name: str, numbers: np.ndarray, implementation: Any) -> Any:
        is_null = np.isnan(numbers)
        if NAN in self.missing:
            is_null &= kinds_of(numbers) != self.missing.index(NAN)
        return make_numbers(name, numbers, is_null, implementation, self.dtype)

    def format(self, number: float) -> str:
        if math.isnan(number):
            return self.format_missing(number)
        if self.numpy_type == "bool":
            return str(bool(number))
        return _format_number(number)

    def format_exactly(self, number: float) -> str:
        """A number with as many digits as its type needs to give it back."""
        return str(np.dtype(self.numpy_type).type(number))

    def parse(self, text: str) -> float:
        """The number that a text from `format` gives back."""
        if self.numpy_type == "bool":
            return float(text == "True")
        if self.numpy_type == "float64":
            return float(text)
        return float(np.dtype(self.numpy_type).type(text)) if self.numpy_type.startswith("float") else float(text)


@dataclass(frozen=True)
class DecimalField(NumberField):
    """A column of Python's own decimal numbers, which pandas keeps as objects.

    Attributes
    ----------
    missing_values : tuple
        What the training data have in place of values that are missing, one for each of `missing`.
    """

    missing_values: tuple[Any, ...] = ()

    def read_missing(self, value: Any) -> tuple[Field, float]:
        name = name_missing(value)
        if name in self.missing:
            return self, missing_number(self.missing.index(name))
        if len(self.missing) == 1:
            return self, missing_number(1)
        field = replace(self, missing=(*self.missing, name), missing_values=(*self.missing_values, value))
        return field, missing_number(len(self.missing))

    def write(self, name: str, numbers: np.ndarray, implementation: Any) -> Any:
        import narwhals.stable.v2 as nw

        assert self.decimals is not None
        has_few = self.decimals <= _MOST_DECIMALS
        texts = [f"{number:.{self.decimals}f}" if has_few else repr(number) for number in numbers.tolist()]
        kinds, missing_values = kinds_of(numbers).tolist(), self.missing_values or (None,)
        values = [missing_values[kind] if text == "nan" else Decimal(text) for text, kind in zip(texts, kinds, strict=True)]
        return nw.new_series(name, values, dtype=nw.Object(), backend=implementation)


@dataclass(frozen=True)
class ChoiceField(Field):
    """A column of choices: each value as its place among those that the column has.

    Attributes
    ----------
    values : tuple
        The values.
    pool : narwhals series
        The values in the column's own type, and after them one missing value of each kind.
    """

    values: tuple[Any, ...]
    pool: Any
    missing: tuple[str, ...] = ()
    is_categorical: bool = True

    def read(self, name: str, value: Any) -> tuple[Field, float]:
        value = value.item() if isinstance(value, np.generic) else value
        try:
            return self, self._places[value]
        except (KeyError, TypeError):  # a list has no place, and cannot be looked up either
            return self._with_value(name, value), float(len(self.values))

    def read_missing(self, value: Any) -> tuple[ChoiceField, float]:
        is_of_objects = holds_objects(self.pool)
        name = name_missing(value)
        if not is_of_objects and name not in self.missing:
            name = MISSING
        if name in self.missing:
            return self, missing_number(self.missing.index(name))
        if len(self.missing) == 1:
            return self, missing_number(1)
        # A shift leaves a missing value behind, whichever way the column's type marks it.
        pool = self.pool[[0, *range(len(self.pool))]].shift(-1)
        if is_of_objects:
            pool = replace_last(pool, value)
        return replace(self, pool=pool, missing=(*self.missing, name)), missing_number(len(self.missing))

    @cached_property
    def _places(self) -> dict[Any, float]:
        return {value: float(place) for place, value in enumerate(self.values)}

    def _with_value(self, name: str, value: Any) -> ChoiceField:
        """The field of a row with a value that the training data lack."""
        examples = ", ".join(map(repr, self.values[:5]))
        if self.values and type(value) not in {type(other) for other in self.values}:
            raise InstanceError(f"column {name!r} holds values like {examples}; got {value!r:.60} ({type(value).__name__}).")
        try:
            pool = extend_pool(self.pool, self.values, value)
        except BaseException as error:  # polars panics
            if is_interruption(error):
                raise
            raise InstanceError(f"column {name!r} can hold {examples or 'nothing'} only; got {value!r:.60}.") from error
        return replace(self, values=(*self.values, value), pool=pool)

    def write(self, name: str, numbers: np.ndarray, implementation: Any) -> Any:  # noqa: ARG002 - the pool has them
        places = np.where(np.isnan(numbers), len(self.values) + kinds_of(numbers), numbers).astype(np.int64)
        return self.pool[places]

    def format(self, number: float) -> str:
        return self.format_missing(number) if math.isnan(number) else self._texts[int(number)]

    @cached_property
    def _texts(self) -> list[str]:
        """The values as texts; those that would look like another value or like none are quoted."""
        texts = list(map(str, self.values))
        counts = Counter(" ".join(text.split()) for text in texts)
        no_texts = ("", MISSING, *(self.missing if len(self.missing) > 1 else ()))
        return [
            repr(value)
            if isinstance(value, str) and (" ".join(text.split()) != text or counts[text] > 1 or text in no_texts)
            else text
            for value, text in zip(self.values, texts, strict=True)
        ]
