"""A column of a frame: which field describes it, and its values as numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from limelight.exceptions import ArgumentError
from limelight.modalities.tables._fields import LARGEST_EXACT, ChoiceField, Field, NumberField, TimeField, is_missing

__all__ = ["has_parts_of_microseconds", "native_type", "read_column"]

_MICROSECONDS_OF = {"D": 86_400_000_000, "s": 1_000_000, "ms": 1000}


def read_column(series: Any) -> tuple[Field, np.ndarray]:
    """What a narwhals series holds, and its values as numbers of shape (n,).

    Raises
    ------
    ArgumentError
        If they are neither numbers, nor times, nor choices.
    """
    import narwhals.stable.v2 as nw

    dtype = series.dtype
    if dtype.is_numeric():
        return _read_numbers(series)
    if isinstance(dtype, (nw.Datetime, nw.Date)):
        return _read_times(series)
    is_empty = isinstance(dtype, nw.Unknown) and series.null_count() == len(series)  # a type of its own, in some libraries
    if is_empty or isinstance(dtype, (nw.Boolean, nw.String, nw.Categorical, nw.Enum, nw.Object)):
        return _read_choices(series)
    raise ArgumentError(
        f"column {series.name!r} holds {native_type(series)}; a table's columns hold numbers, texts, categories, booleans or "
        "times. Convert it."
    )


def native_type(series: Any) -> Any:
    """The library's own type of a narwhals series."""
    native = series.to_native()
    return getattr(native, "dtype", getattr(native, "type", None))


def has_parts_of_microseconds(series: Any) -> bool:
    """Whether a narwhals series has times that are finer than Python's own, which count microseconds."""
    if getattr(series.dtype, "time_unit", None) != "ns":
        return False
    nanoseconds = series.drop_nulls().to_numpy().astype("datetime64[ns]").astype(np.int64)
    return bool((nanoseconds % 1000).any())


def _read_numbers(series: Any) -> tuple[NumberField, np.ndarray]:
    import narwhals.stable.v2 as nw

    dtype, own_type = series.dtype, native_type(series)
    is_whole = dtype.is_integer()
    fits_numpy = is_whole and not isinstance(dtype, (nw.Int128, nw.UInt128))  # numpy has no type that wide
    values = (series if fits_numpy else series.cast(nw.Float64)).to_numpy().astype(np.float64)
    if is_whole and (np.abs(values) > LARGEST_EXACT).any():
        raise ArgumentError(
            f"column {series.name!r} has whole numbers beyond 2**53, which would be rounded; make them texts, or leave them "
            "out."
        )
    if np.isinf(values).any():
        raise ArgumentError(f"training_data must be finite, or missing; column {series.name!r} has infinity.")
    numpy_type = str(dtype).lower().replace("128", "64")
    if not is_whole and not numpy_type.startswith("float"):  # decimals
        numpy_type = "float64"
    keeps_nan = bool(np.isnan(values).sum() > series.null_count())
    return NumberField(is_whole, own_type, keeps_nan, numpy_type, _largest_decimal(own_type)), values


def _largest_decimal(dtype: Any) -> float:
    """The largest number of a decimal type, which has a number of digits; infinity for other types."""
    dtype = getattr(dtype, "pyarrow_dtype", dtype)  # pandas wraps pyarrow's types
    if getattr(dtype, "precision", None) is None:
        return math.inf
    bound = 10.0 ** (dtype.precision - dtype.scale)
    return float(min(math.nextafter(bound, 0), bound - 10.0**-dtype.scale))


def _read_times(series: Any) -> tuple[TimeField, np.ndarray]:
    import narwhals.stable.v2 as nw

    own_type = native_type(series)
    zone_name = getattr(series.dtype, "time_zone", None)
    zones = [time.tzinfo for time in series.drop_nulls().head(1).to_list()] if zone_name else []
    step = _MICROSECONDS_OF.get(getattr(series.dtype, "time_unit", "D"), 1)
    if zone_name:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if has_parts_of_microseconds(series):
        raise ArgumentError(
            f"column {series.name!r} has times with parts of a microsecond, which would be cut; round them, as by "
            ".dt.floor('us')."
        )
    times = series.cast(nw.Datetime("us")).to_numpy().astype("datetime64[us]")
    return TimeField(own_type, zone_name, step, *zones), np.where(np.isnat(times), np.nan, times.astype(np.int64) // step)


def _read_choices(series: Any) -> tuple[ChoiceField, np.ndarray]:
    values = [
        None if is_missing(value) else value.item() if isinstance(value, np.generic) else value for value in series.to_list()
    ]
    _check_choices(series, values)
    # The order is the same for all libraries, which keep categories in different ones, so that all draw the same.
    choices = sorted({value for value in values if value is not None}, key=_sort_key)
    place_of: dict[Any, float] = {value: float(place) for place, value in enumerate(choices)} | {None: math.nan}
    codes = np.array([place_of[value] for value in values])
    row_of = {value: row for row, value in reversed(list(enumerate(values)))}  # the first row with each value
    rows = [row_of[value] for value in choices]
    if None in row_of:
        rows.append(row_of[None])
    try:
        pool = series[rows]
    except NotImplementedError as error:  # for example, pyarrow's string_view
        raise ArgumentError(
            f"column {series.name!r} holds {series.to_native().type}, a type from which pyarrow can take no rows; cast it, "
            "as to string."
        ) from error
    return ChoiceField(tuple(choices), pool), codes


def _check_choices(series: Any, values: list[Any]) -> None:
    """Refuse values that no column of a table should hold."""
    import narwhals.stable.v2 as nw

    # Categories may be anything, like intervals: their type takes care of them.
    allowed = object if isinstance(series.dtype, (nw.Categorical, nw.Enum)) else (str, bool, int, float, type(None))
    for value in values:
        if not isinstance(value, allowed):
            raise ArgumentError(
                f"column {series.name!r} holds {value!r:.60} ({type(value).__name__}); a table's columns hold numbers, "
                "texts, categories, booleans or times, in a type for these if they are no Python str, bool, int or float: "
                "convert it, as with pandas.to_datetime(), astype(float) or astype(str)."
            )


def _sort_key(value: Any) -> tuple[str, Any]:
    return type(value).__name__, value if isinstance(value, (str, bool, int, float)) else str(value)
