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

from limelight.exceptions import InstanceError

__all__ = [
    "LARGEST_EXACT",
    "MISSING",
    "ChoiceField",
    "DecimalField",
    "Field",
    "NumberField",
    "is_missing",
    "is_sparse",
    "make_series",
    "to_dense",
]

LARGEST_EXACT = 2.0**53 - 1
"""Whole numbers up to here are exact in double precision, and no others are rounded to them."""

MISSING = "missing"
"""What stands for a missing value in a text."""

_NO_TEXTS = ("", MISSING)  # as values these are quoted
_MOST_DECIMALS = 15  # that a double's digits fill; with more of them, its shortest text is written
_MOST_WHOLE = 1e15  # larger whole numbers are written with an exponent


def is_missing(value: Any) -> bool:
    """Whether a value stands for no value: None, NaN, pandas' NA and NaT, numpy's masked."""
    if isinstance(value, (float, np.floating)):
        return math.isnan(value)
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    if isinstance(value, Decimal):
        return value.is_nan()
    return value is None or type(value).__name__ in ("MaskedConstant", "NAType", "NaTType")


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
    is_whole : bool
        Whether the column holds whole numbers only.
    is_categorical : bool
        Whether the numbers stand for categories.
    steps : tuple of int
        Rounder steps than 1 that all numbers of a column may keep, such as days, the longest first.
    """

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

    def read_missing(self) -> tuple[Field, float]:
        """A missing value as a number, and the field that can write it."""
        return self, math.nan

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
    keeps_nan : bool
        Whether NaN stands for a missing value where null could, too.
    numpy_type : str
        The type of numpy that is as exact.
    largest : float
        The largest number of a decimal type.
    decimals : int or None
        How many decimals a decimal type has; None for other types.
    """

    is_whole: bool = False
    dtype: Any = None
    keeps_nan: bool = False
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

    def write(self, name: str, numbers: np.ndarray, implementation: Any) -> Any:
        return make_series(name, numbers, implementation, self.dtype, keeps_nan=self.keeps_nan)

    def format(self, number: float) -> str:
        if math.isnan(number):
            return MISSING
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
        return float(np.dtype(self.numpy_type).type(text)) if self.numpy_type.startswith("float") else float(text)


@dataclass(frozen=True)
class DecimalField(NumberField):
    """A column of Python's own decimal numbers, which pandas keeps as objects."""

    def write(self, name: str, numbers: np.ndarray, implementation: Any) -> Any:
        import narwhals.stable.v2 as nw

        assert self.decimals is not None
        has_few = self.decimals <= _MOST_DECIMALS
        texts = [f"{number:.{self.decimals}f}" if has_few else repr(number) for number in numbers.tolist()]
        values = [None if text == "nan" else Decimal(text) for text in texts]
        return nw.new_series(name, values, dtype=nw.Object(), backend=implementation)


@dataclass(frozen=True)
class ChoiceField(Field):
    """A column of choices: each value as its place among those that the column has.

    Attributes
    ----------
    values : tuple
        The values.
    pool : narwhals series
        The values in the column's own type; at its end a missing one, where values may be missing.
    """

    values: tuple[Any, ...]
    pool: Any
    is_categorical: bool = True

    def read(self, name: str, value: Any) -> tuple[Field, float]:
        value = value.item() if isinstance(value, np.generic) else value
        try:
            return self, self._places[value]
        except (KeyError, TypeError):  # a list has no place, and cannot be looked up either
            return self._with_value(name, value), float(len(self.values))

    def read_missing(self) -> tuple[ChoiceField, float]:
        if len(self.pool) > len(self.values):
            return self, math.nan
        # A shift leaves a missing value behind, whichever way the column's type marks it.
        return replace(self, pool=self.pool[[0, *range(len(self.values))]].shift(-1)), math.nan

    @cached_property
    def _places(self) -> dict[Any, float]:
        return {value: float(place) for place, value in enumerate(self.values)}

    def _with_value(self, name: str, value: Any) -> ChoiceField:
        """The field of a row with a value that the training data lack."""
        examples = ", ".join(map(repr, self.values[:5]))
        if self.values and type(value) not in {type(other) for other in self.values}:
            raise InstanceError(f"column {name!r} holds values like {examples}; got {value!r:.60} ({type(value).__name__}).")
        try:
            pool = _extend_pool(self.pool, self.values, value)
        except Exception as error:
            raise InstanceError(f"column {name!r} can hold {examples or 'nothing'} only; got {value!r:.60}.") from error
        field = replace(self, values=(*self.values, value), pool=pool)
        return field.read_missing()[0] if len(self.pool) > len(self.values) else field

    def write(self, name: str, numbers: np.ndarray, implementation: Any) -> Any:  # noqa: ARG002 - the pool has them
        places = np.where(np.isnan(numbers), len(self.values), numbers).astype(np.int64)
        return self.pool[places]

    def format(self, number: float) -> str:
        return MISSING if math.isnan(number) else self._texts[int(number)]

    @cached_property
    def _texts(self) -> list[str]:
        """The values as texts; those that would look like another value or like none are quoted."""
        texts = list(map(str, self.values))
        counts = Counter(" ".join(text.split()) for text in texts)
        return [
            repr(value)
            if isinstance(value, str) and (" ".join(text.split()) != text or counts[text] > 1 or text in _NO_TEXTS)
            else text
            for value, text in zip(self.values, texts, strict=True)
        ]


def _extend_pool(pool: Any, values: tuple[Any, ...], value: Any) -> Any:
    """A series of a column's values and another one, of the column's type; fails if the type cannot hold it."""
    import narwhals.stable.v2 as nw

    last, native_pool = len(values), pool.to_native()
    if hasattr(native_pool, "iloc"):
        stored = pool[[*range(last), 0]].to_native()
        native = to_dense(stored)  # a sparse one cannot be written to
        if hasattr(native, "cat") and value not in native.cat.categories:
            if native.cat.ordered:
                raise ValueError("a new category has no place in the order")
            native = native.cat.add_categories([value])
        native.iloc[last] = value
        if is_sparse(stored.dtype):
            native = native.astype(stored.dtype)
    else:
        native = nw.new_series(pool.name, [*values, value], backend=pool.implementation).to_native()
        native = native.cast(native_pool.dtype if hasattr(native_pool, "dtype") else native_pool.type)
    extended = nw.from_native(native, series_only=True)
    if extended.to_list()[last] != value:
        raise ValueError("the type turned the value into another one")
    return extended


def is_sparse(dtype: Any) -> bool:
    """Whether a type is one of pandas' that store only what differs from a fill value."""
    return type(dtype).__name__ == "SparseDtype"


def to_dense(native: Any) -> Any:
    """A series without pandas' sparse storage; any other as it came."""
    return native.sparse.to_dense() if is_sparse(getattr(native, "dtype", None)) else native


def make_series(
    name: str, values: Any, implementation: Any, dtype: Any, *, keeps_nan: bool, zone_name: str | None = None
) -> Any:
    """Numbers, times or texts as a narwhals series of the library's own type.

    Parameters
    ----------
    name : str
    values : sequence or ndarray of shape (m,)
    implementation : object
        The library, by narwhals' name.
    dtype : object
        The library's type.
    keeps_nan : bool
        Whether NaN stays NaN where null could stand for it.
    zone_name : str or None
        The time zone of times, which come as UTC.
    """
    import narwhals.stable.v2 as nw

    series = nw.new_series(name, values, backend=implementation)
    if zone_name:
        series = series.dt.replace_time_zone("UTC").dt.convert_time_zone(zone_name)
    native = series.to_native()
    if hasattr(native, "astype"):
        # Whole numbers of numpy's cannot be missing: as pandas does, such a column becomes one of floats.
        is_whole = getattr(dtype, "kind", "") in "iu" and (is_sparse(dtype) or type(dtype).__module__.startswith("numpy"))
        if is_whole and np.isnan(values).any():
            dtype = type(dtype)(np.float64, dtype.fill_value) if is_sparse(dtype) else np.dtype(np.float64)
        return nw.from_native(native.astype(dtype), series_only=True)
    if not keeps_nan:
        native = series.fill_nan(None).to_native()
    return nw.from_native(native.cast(dtype), series_only=True)
