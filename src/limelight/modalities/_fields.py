"""What a column of a frame holds: numbers, choices or times, as numbers and back."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from limelight._errors import ArgumentError, InstanceError

__all__ = ["Choices", "Field", "Numbers", "Times", "field_of", "is_missing"]

MISSING = "missing"


def is_missing(value: Any) -> bool:
    """Whether a value stands for no value: None, NaN, pandas' NA and NaT."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and math.isnan(value))


class Field(ABC):
    """A column's values as numbers, NaN where one is missing.

    Attributes
    ----------
    whole : bool
        Whether the column holds whole numbers only.
    categorical : bool
        Whether the numbers stand for categories.
    """

    whole: bool = False
    categorical: bool = False

    @abstractmethod
    def read(self, name: str, value: Any) -> tuple[Field, float]:
        """A value that is there as a number, and the field that knows it."""

    @abstractmethod
    def series(self, name: str, values: np.ndarray, implementation: Any) -> Any:
        """Numbers as a narwhals series of the column's own type."""

    @abstractmethod
    def show(self, value: float) -> str:
        """A number as a person would write what it stands for."""


@dataclass(frozen=True)
class Numbers(Field):
    """Numbers of the library's own type `dtype`; `nan` says that NaN stands for what is missing where null could, too."""

    whole: bool = False
    dtype: Any = None
    nan: bool = False

    def read(self, name: str, value: Any) -> tuple[Field, float]:
        try:
            number = float(value)
        except (TypeError, ValueError) as error:
            raise InstanceError(f"column {name!r} holds numbers; got {value!r:.60} ({type(value).__name__}).") from error
        if isinstance(value, (str, bytes)) or math.isinf(number):
            raise InstanceError(f"column {name!r} holds finite numbers; got {value!r:.60} ({type(value).__name__}).")
        return self, number

    def series(self, name: str, values: np.ndarray, implementation: Any) -> Any:
        return _cast(name, values, implementation, self.dtype, nan=self.nan)

    def show(self, value: float) -> str:
        return MISSING if math.isnan(value) else f"{value:.6g}"


@dataclass(frozen=True)
class Times(Field):
    """Times and dates as microseconds since 1970, of the library's type `dtype`."""

    dtype: Any
    zone: str | None
    whole: bool = True

    def read(self, name: str, value: Any) -> tuple[Field, float]:
        try:
            time = np.datetime64(value.isoformat() if getattr(value, "tzinfo", None) is None else _in_utc(value), "us")
        except (AttributeError, TypeError, ValueError) as error:
            raise InstanceError(f"column {name!r} holds times; got {value!r:.60} ({type(value).__name__}).") from error
        return self, float(time.astype(np.int64))

    def series(self, name: str, values: np.ndarray, implementation: Any) -> Any:
        times = np.full(len(values), np.datetime64("NaT", "us"))
        there = ~np.isnan(values)
        times[there] = values[there].astype(np.int64).view("datetime64[us]")
        return _cast(name, times, implementation, self.dtype, nan=True, zone=self.zone)

    def show(self, value: float) -> str:
        if math.isnan(value):
            return MISSING
        time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value)
        return time.replace(tzinfo=None).isoformat(sep=" ").removesuffix(" 00:00:00")


def _in_utc(time: Any) -> str:
    return str(time.astimezone(UTC).replace(tzinfo=None).isoformat())


@dataclass(frozen=True)
class Choices(Field):
    """One of some values, each as its place among them; `pool` is a narwhals series of them all, then one that is missing."""

    values: tuple[Any, ...]
    pool: Any
    categorical: bool = True

    def read(self, name: str, value: Any) -> tuple[Field, float]:
        value = value.item() if isinstance(value, np.generic) else value
        if value in self.values:
            return self, float(self.values.index(value))
        return self._including(name, value), float(len(self.values))

    def _including(self, name: str, value: Any) -> Choices:
        """The field of a row that has a value which the training data lack."""
        if type(value) not in {type(known) for known in self.values}:
            known = ", ".join(map(repr, self.values[:5]))
            raise InstanceError(f"column {name!r} holds values like {known}; got {value!r:.60} ({type(value).__name__}).")
        import narwhals.stable.v2 as nw

        backend = self.pool.implementation
        try:
            pool = nw.new_series(name, [*self.values, value, None], self.pool.dtype, backend=backend)
        except Exception as error:
            known = ", ".join(map(repr, self.values[:5]))
            raise InstanceError(f"column {name!r} can hold {known} only; got {value!r:.60}.") from error
        return replace(self, values=(*self.values, value), pool=pool)

    def series(self, name: str, values: np.ndarray, implementation: Any) -> Any:  # noqa: ARG002 - the pool's own
        places = np.where(np.isnan(values), len(self.values), values).astype(np.int64)
        return self.pool[places]

    def show(self, value: float) -> str:
        return MISSING if math.isnan(value) else str(self.values[int(value)])


def field_of(series: Any) -> tuple[Field, np.ndarray]:
    """What a narwhals series holds, and its values as numbers.

    Raises
    ------
    ArgumentError
        If they are neither numbers, nor times, nor choices.
    """
    import narwhals.stable.v2 as nw

    dtype, name, native = series.dtype, series.name, series.to_native()
    own = getattr(native, "dtype", getattr(native, "type", None))
    if dtype.is_numeric():
        values = series.cast(nw.Float64).to_numpy().astype(np.float64)
        if np.isinf(values).any():
            raise ArgumentError(f"training_data must be finite, or missing; column {name!r} has infinity.")
        return Numbers(dtype.is_integer(), own, bool(np.isnan(values).sum() > series.null_count())), values
    if isinstance(dtype, (nw.Datetime, nw.Date)):
        zone = getattr(dtype, "time_zone", None)
        if zone:
            series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        times = series.to_numpy().astype("datetime64[us]")
        return Times(own, zone), np.where(np.isnat(times), np.nan, times.astype(np.int64))
    if isinstance(dtype, (nw.Boolean, nw.String, nw.Categorical, nw.Enum, nw.Object)):
        return _choices_of(series)
    raise ArgumentError(f"column {name!r} holds {own}; a table's columns hold numbers, texts, categories, booleans or times.")


def _choices_of(series: Any) -> tuple[Choices, np.ndarray]:
    values = [None if is_missing(value) else value for value in series.to_list()]
    strange = [value for value in values if not isinstance(value, (str, bool, int, float, type(None), np.generic))]
    if strange:
        raise ArgumentError(
            f"column {series.name!r} holds {strange[0]!r:.60} ({type(strange[0]).__name__}); a table's columns hold numbers, "
            "texts, categories, booleans or times."
        )
    # In an order of their own, so that libraries that keep categories in different orders draw the same ones.
    known = sorted({value for value in values if value is not None}, key=lambda value: (type(value).__name__, value))
    place: dict[Any, float] = {value: float(number) for number, value in enumerate(known)} | {None: math.nan}
    codes = np.array([place[value] for value in values])
    first = {value: row for row, value in reversed(list(enumerate(values)))}
    rows = [first[value] for value in known]
    # A value that is missing comes last, where the series has one.
    pool = series[[*rows, first[None]] if None in first else rows]
    return Choices(tuple(known), pool), codes


def _cast(name: str, values: np.ndarray, implementation: Any, dtype: Any, *, nan: bool, zone: str | None = None) -> Any:
    """Numbers or times as a series of the library's own type."""
    import narwhals.stable.v2 as nw

    series = nw.new_series(name, values, backend=implementation)
    if zone:
        series = series.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    native = series.to_native()
    if hasattr(native, "astype"):
        # Whole numbers of numpy's cannot be missing: as pandas does, such a column becomes one of floats.
        whole = getattr(dtype, "kind", "") in "iu" and type(dtype).__module__.startswith("numpy")
        return series if whole and np.isnan(values).any() else nw.from_native(native.astype(dtype), series_only=True)
    if not nan:
        native = series.fill_nan(None).to_native()
    return nw.from_native(native.cast(dtype), series_only=True)
