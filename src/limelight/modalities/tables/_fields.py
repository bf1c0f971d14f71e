"""What a column of a frame holds: numbers, choices or times, as numbers and back."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from functools import cached_property
from typing import Any

import numpy as np

from limelight._errors import ArgumentError, InstanceError

__all__ = ["Choices", "Field", "Numbers", "Times", "cast", "field_of", "is_cut", "is_missing"]

MISSING = "missing"
EXACT = 2.0**53 - 1  # whole numbers up to here are what they are in double precision, and no others become them
MICROSECONDS = {"D": 86_400_000_000, "s": 1_000_000, "ms": 1000}


def is_missing(value: Any) -> bool:
    """Whether a value stands for no value: None, NaN, pandas' NA and NaT, numpy's masked."""
    if isinstance(value, (float, np.floating)):
        return math.isnan(value)
    if isinstance(value, np.datetime64):
        return bool(np.isnat(value))
    return value is None or type(value).__name__ in ("MaskedConstant", "NAType", "NaTType")


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

    def missing(self) -> tuple[Field, float]:
        """A value that is missing as a number, and the field that can write it."""
        return self, math.nan

    @abstractmethod
    def series(self, name: str, values: np.ndarray, implementation: Any) -> Any:
        """Numbers as a narwhals series of the column's own type."""

    @abstractmethod
    def show(self, value: float) -> str:
        """A number as a person would write what it stands for."""


@dataclass(frozen=True)
class Numbers(Field):
    """Numbers of the library's own type `dtype`, which are as exact as numpy's `kind`.

    `nan` says that NaN stands for what is missing where null could, too; `most` is the greatest number of a decimal type.
    """

    whole: bool = False
    dtype: Any = None
    nan: bool = False
    kind: str = "float64"
    most: float = math.inf

    def read(self, name: str, value: Any) -> tuple[Field, float]:
        try:
            if isinstance(value, (str, bytes)):
                raise TypeError("a text that looks like a number is none")
            number = float(value)
        except (OverflowError, TypeError, ValueError) as error:
            raise InstanceError(f"column {name!r} holds numbers; got {value!r:.60} ({type(value).__name__}).") from error
        low, high = self._range
        if not low <= number <= high or math.isinf(number):
            held = "finite numbers" if math.isinf(high) else f"numbers from {low:.6g} to {high:.6g}"
            raise InstanceError(f"column {name!r} holds {held}; got {value!r:.60} ({type(value).__name__}).")
        if self.whole and not number.is_integer():
            raise InstanceError(f"column {name!r} holds whole numbers; got {value!r:.60} ({type(value).__name__}).")
        return self, number if self.whole else float(np.dtype(self.kind).type(number))

    @property
    def _range(self) -> tuple[float, float]:
        """The least and the greatest number that the column can hold."""
        if self.kind == "float64":
            return -self.most, self.most
        info = np.iinfo(self.kind) if self.whole else np.finfo(self.kind)
        exact = EXACT if self.whole else math.inf
        return max(-exact, float(info.min)), min(exact, float(info.max))

    def series(self, name: str, values: np.ndarray, implementation: Any) -> Any:
        # What is drawn without regard to the training data's range may lie where the type cannot follow.
        return cast(name, values.clip(*self._range), implementation, self.dtype, nan=self.nan)

    def show(self, value: float) -> str:
        return MISSING if math.isnan(value) else f"{value:.6g}"


@dataclass(frozen=True)
class Times(Field):
    """Times and dates since 1970, counted in steps of `step` whole microseconds, of the library's type `dtype`.

    `zone` is the name of their time zone in the library, and `local` is that zone.
    """

    dtype: Any
    zone: str | None
    step: int = 1
    local: tzinfo | None = None
    whole: bool = True

    def read(self, name: str, value: Any) -> tuple[Field, float]:
        zone = getattr(value, "tzinfo", None)
        if (zone is None) is not (self.zone is None) and hasattr(value, "isoformat"):
            held = f"times with a zone ({self.zone})" if self.zone else "times without a zone"
            raise InstanceError(f"column {name!r} holds {held}; got {value!r:.60}.")
        try:
            if isinstance(value, np.datetime64):
                moment = value.astype("datetime64[us]")
                is_finer = bool(moment != value)
            else:
                is_finer = getattr(value, "nanosecond", 0) > 0
                value = (value if zone is None else value.astimezone(UTC).replace(tzinfo=None)).isoformat()
                moment = np.datetime64(value, "us")
        except (AttributeError, TypeError, ValueError) as error:
            raise InstanceError(f"column {name!r} holds times; got {value!r:.60} ({type(value).__name__}).") from error
        time = int(moment.astype(np.int64))
        if is_finer or time % self.step:
            held = "times to the microsecond" if is_finer else self.dtype
            raise InstanceError(f"column {name!r} holds {held}, which is too coarse for {value!r:.60}.")
        return self, float(time // self.step)

    def series(self, name: str, values: np.ndarray, implementation: Any) -> Any:
        times = np.full(len(values), np.datetime64("NaT", "us"))
        there = ~np.isnan(values)
        times[there] = (values[there].astype(np.int64) * self.step).view("datetime64[us]")
        return cast(name, times, implementation, self.dtype, nan=True, zone=self.zone)

    def show(self, value: float) -> str:
        if math.isnan(value):
            return MISSING
        count = math.floor(value) * self.step  # of an edge the last time that is not after it
        if abs(count) >= 2**63:  # of an edge that the user gives, perhaps in another unit
            return f"{value:.6g}"
        time = np.datetime64(count, "us")
        if self.local is not None:
            with suppress(AttributeError, OverflowError):  # Python knows no years before 1 and after 9999
                return str(time.item().replace(tzinfo=UTC).astimezone(self.local))
        shown = str(time).replace("T", " ").removesuffix(".000000")
        return f"{shown} UTC" if self.zone else shown.removesuffix(" 00:00:00")


@dataclass(frozen=True)
class Choices(Field):
    """One of some values, each as its place among them.

    `pool` is a narwhals series of them all, and where values may be missing a last one that is.
    """

    values: tuple[Any, ...]
    pool: Any
    categorical: bool = True

    def read(self, name: str, value: Any) -> tuple[Field, float]:
        value = value.item() if isinstance(value, np.generic) else value
        try:
            return self, self._places[value]
        except (KeyError, TypeError):  # a list has no place, and cannot be looked up either
            return self._including(name, value), float(len(self.values))

    def missing(self) -> tuple[Choices, float]:
        if len(self.pool) > len(self.values):
            return self, math.nan
        # A shift leaves what is missing behind, in whichever way the column's type says that.
        return replace(self, pool=self.pool[[0, *range(len(self.values))]].shift(-1)), math.nan

    @cached_property
    def _places(self) -> dict[Any, float]:
        return {value: float(number) for number, value in enumerate(self.values)}

    def _including(self, name: str, value: Any) -> Choices:
        """The field of a row that has a value which the training data lack."""
        known = ", ".join(map(repr, self.values[:5]))
        if self.values and type(value) not in {type(other) for other in self.values}:
            raise InstanceError(f"column {name!r} holds values like {known}; got {value!r:.60} ({type(value).__name__}).")
        try:
            pool = _with(self.pool, self.values, value)
        except Exception as error:
            raise InstanceError(f"column {name!r} can hold {known or 'nothing'} only; got {value!r:.60}.") from error
        field = replace(self, values=(*self.values, value), pool=pool)
        return field.missing()[0] if len(self.pool) > len(self.values) else field

    def series(self, name: str, values: np.ndarray, implementation: Any) -> Any:  # noqa: ARG002 - the pool's own
        places = np.where(np.isnan(values), len(self.values), values).astype(np.int64)
        return self.pool[places]

    def show(self, value: float) -> str:
        return MISSING if math.isnan(value) else str(self.values[int(value)])


def _with(pool: Any, values: tuple[Any, ...], value: Any) -> Any:
    """A series of a column's values and of another one, of the column's type; fails if it cannot hold that."""
    import narwhals.stable.v2 as nw

    last, own = len(values), pool.to_native()
    if hasattr(own, "iloc"):
        native = pool[[*range(last), 0]].to_native()
        if hasattr(native, "cat") and value not in native.cat.categories:
            if native.cat.ordered:
                raise ValueError("a new category has no place in the order")
            native = native.cat.add_categories([value])
        native.iloc[last] = value
    else:
        native = nw.new_series(pool.name, [*values, value], backend=pool.implementation).to_native()
        native = native.cast(own.dtype if hasattr(own, "dtype") else own.type)
    longer = nw.from_native(native, series_only=True)
    if longer.to_list()[last] != value:
        raise ValueError("the type made something else of the value")
    return longer


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
        whole = dtype.is_integer()
        narrow = whole and not isinstance(dtype, (nw.Int128, nw.UInt128))  # numpy has none that wide
        values = (series if narrow else series.cast(nw.Float64)).to_numpy().astype(np.float64)
        if whole and (np.abs(values) > EXACT).any():
            raise ArgumentError(
                f"column {name!r} has whole numbers beyond 2**53, which would be rounded; make them texts, or leave them out."
            )
        if np.isinf(values).any():
            raise ArgumentError(f"training_data must be finite, or missing; column {name!r} has infinity.")
        kind = str(dtype).lower().replace("128", "64")
        kind = kind if whole or kind.startswith("float") else "float64"  # decimals
        return Numbers(whole, own, bool(np.isnan(values).sum() > series.null_count()), kind, _greatest(own)), values
    if isinstance(dtype, (nw.Datetime, nw.Date)):
        zone = getattr(dtype, "time_zone", None)
        local = [time.tzinfo for time in series.drop_nulls().head(1).to_list()] if zone else []
        step = MICROSECONDS.get(getattr(dtype, "time_unit", "D"), 1)
        if zone:
            series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        if is_cut(series):
            raise ArgumentError(
                f"column {name!r} has times with parts of a microsecond, which would be cut; round them, as by .dt.floor('us')."
            )
        times = series.cast(nw.Datetime("us")).to_numpy().astype("datetime64[us]")
        return Times(own, zone, step, *local), np.where(np.isnat(times), np.nan, times.astype(np.int64) // step)
    empty = isinstance(dtype, nw.Unknown) and series.null_count() == len(series)  # a type of its own, in some libraries
    if empty or isinstance(dtype, (nw.Boolean, nw.String, nw.Categorical, nw.Enum, nw.Object)):
        return _choices_of(series)
    raise ArgumentError(
        f"column {name!r} holds {own}; a table's columns hold numbers, texts, categories, booleans or times. Convert it."
    )


def is_cut(series: Any) -> bool:
    """Whether times of a narwhals series have parts of a microsecond, which Python's own have not."""
    if getattr(series.dtype, "time_unit", None) != "ns":
        return False
    counts = series.drop_nulls().to_numpy().astype("datetime64[ns]").astype(np.int64)
    return bool((counts % 1000).any())


def _greatest(dtype: Any) -> float:
    """The greatest number that a decimal type holds, which is its own number of digits; others have no such limit."""
    dtype = getattr(dtype, "pyarrow_dtype", dtype)  # what pandas wraps
    if getattr(dtype, "precision", None) is None:
        return math.inf
    bound = 10.0 ** (dtype.precision - dtype.scale)
    return float(min(math.nextafter(bound, 0), bound - 10.0**-dtype.scale))


def _choices_of(series: Any) -> tuple[Choices, np.ndarray]:
    import narwhals.stable.v2 as nw

    values = [
        None if is_missing(value) else value.item() if isinstance(value, np.generic) else value for value in series.to_list()
    ]
    # Categories may be anything, like intervals: they are a type's own.
    allowed = object if isinstance(series.dtype, (nw.Categorical, nw.Enum)) else (str, bool, int, float, type(None))
    strange = [value for value in values if not isinstance(value, allowed)]
    if strange:
        raise ArgumentError(
            f"column {series.name!r} holds {strange[0]!r:.60} ({type(strange[0]).__name__}); a table's columns hold numbers, "
            "texts, categories, booleans or times, in a type for these if they are no Python str, bool, int or float: "
            "convert it, as with pandas.to_datetime(), astype(float) or astype(str)."
        )

    def order(value: Any) -> tuple[str, Any]:
        return type(value).__name__, value if isinstance(value, (str, bool, int, float)) else str(value)

    # In an order of their own, so that libraries that keep categories in different orders draw the same ones.
    known = sorted({value for value in values if value is not None}, key=order)
    place: dict[Any, float] = {value: float(number) for number, value in enumerate(known)} | {None: math.nan}
    codes = np.array([place[value] for value in values])
    first = {value: row for row, value in reversed(list(enumerate(values)))}
    rows = [first[value] for value in known]
    # A value that is missing comes last, where the series has one.
    try:
        pool = series[[*rows, first[None]] if None in first else rows]
    except NotImplementedError as error:  # as of pyarrow's string_view
        raise ArgumentError(
            f"column {series.name!r} holds {series.to_native().type}, of which pyarrow can take no rows; cast it, as to string."
        ) from error
    return Choices(tuple(known), pool), codes


def cast(name: str, values: Any, implementation: Any, dtype: Any, *, nan: bool, zone: str | None = None) -> Any:
    """Numbers, times or texts as a series of the library's own type."""
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
