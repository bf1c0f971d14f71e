"""A column of a frame: which field describes it, and its values as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from operator import attrgetter
from typing import Any

import numpy as np

from limelight.exceptions import ArgumentError
from limelight.modalities.tables._fields import (
    LARGEST_EXACT,
    ChoiceField,
    DecimalField,
    Field,
    NumberField,
)
from limelight.modalities.tables._missing_values import MISSING, NAN, Missing, is_missing, kinds_of, missing_number
from limelight.modalities.tables._native_series import holds_objects, is_sparse, to_dense
from limelight.modalities.tables._time_fields import DurationField, PeriodField, TimeField, holds_exactly

__all__ = ["has_parts_of_microseconds", "native_type", "read_column"]

_HELD = "numbers, texts, categories, booleans, times, durations or periods"
_MICROSECONDS_OF = {"D": 86_400_000_000, "s": 1_000_000, "ms": 1000}


def read_column(series: Any) -> tuple[Field, np.ndarray]:
    """What a narwhals series holds, and its values as numbers of shape (n,).

    Raises
    ------
    ArgumentError
        If they are neither numbers, nor times, nor choices.
    """
    import narwhals.stable.v2 as nw

    dtype, own_type = series.dtype, native_type(series)
    # pandas has two kinds of types that narwhals does not know.
    if is_sparse(own_type):
        return _read_sparse(series)
    if type(own_type).__name__ == "PeriodDtype":
        return _read_periods(series)
    if dtype.is_numeric():
        return _read_numbers(series)
    if isinstance(dtype, (nw.Datetime, nw.Date)) or _has_pandas_zone(own_type):
        return _read_times(series)
    if isinstance(dtype, nw.Duration):
        return _read_durations(series)
    # A type of its own, in some libraries; NumPy's that narwhals does not know are of numbers, such as long doubles.
    is_empty = isinstance(dtype, nw.Unknown) and not isinstance(own_type, np.dtype) and series.null_count() == len(series)
    if is_empty or isinstance(dtype, (nw.Boolean, nw.String, nw.Categorical, nw.Enum, nw.Object)):
        return _read_choices(series)
    raise ArgumentError(
        f"column {series.name!r} holds {own_type}; a table's columns hold {_HELD}. Convert it, or leave it out."
    )


def native_type(series: Any) -> Any:
    """The library's own type of a narwhals series."""
    native = series.to_native()
    return getattr(native, "dtype", getattr(native, "type", None))


def has_parts_of_microseconds(series: Any) -> bool:
    """Whether a narwhals series has times or durations that are finer than Python's own, which count microseconds."""
    if getattr(series.dtype, "time_unit", None) != "ns":
        return False
    nanoseconds = series.drop_nulls().to_numpy()
    numpy_type = "datetime64[ns]" if nanoseconds.dtype.kind == "O" else nanoseconds.dtype  # times with a zone are objects
    return bool((nanoseconds.astype(numpy_type).astype(np.int64) % 1000).any())


def _read_sparse(series: Any) -> tuple[Field, np.ndarray]:
    """The same field as of a dense column, which writes sparse ones."""
    import narwhals.stable.v2 as nw

    own_type = native_type(series)
    field: Any  # all but choices have a dtype
    field, values = read_column(nw.from_native(to_dense(series.to_native()), series_only=True))
    if isinstance(field, ChoiceField):
        return replace(field, pool=nw.from_native(field.pool.to_native().astype(own_type), series_only=True)), values
    return replace(field, dtype=own_type), values


def _read_periods(series: Any) -> tuple[PeriodField, np.ndarray]:
    native = series.to_native()
    return PeriodField(native.dtype), _exact_counts(series.name, native.array.asi8, native.isna().to_numpy(), "periods")


def _read_durations(series: Any) -> tuple[DurationField, np.ndarray]:
    unit = series.dtype.time_unit
    if unit == "ns" and not has_parts_of_microseconds(series):
        unit = "us"  # as most frames count them: all draw the same
    durations = series.to_numpy().astype(f"timedelta64[{unit}]")
    counts = _exact_counts(series.name, durations.astype(np.int64), np.isnat(durations), f"durations in {unit}")
    return DurationField(native_type(series), unit), counts


def _exact_counts(name: str, counts: np.ndarray, is_missing: np.ndarray, what: str) -> np.ndarray:
    """Whole numbers of shape (n,) as doubles, NaN where one is missing."""
    if (np.abs(counts[~is_missing]) > LARGEST_EXACT).any():
        raise ArgumentError(f"column {name!r} has {what} beyond 2**53, which would be rounded; give coarser ones.")
    return np.where(is_missing, np.nan, counts)


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
    _check_finite(series.name, values)
    numpy_type = str(dtype).lower().replace("128", "64")
    if not is_whole and not numpy_type.startswith("float"):  # decimals
        numpy_type = "float64"
    missing, values = _tell_missing_apart(series, values)
    return NumberField(is_whole, own_type, missing, numpy_type, *_decimal_limits(own_type)), values


def _tell_missing_apart(series: Any, values: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """The missing values that a column of numbers tells apart, by their kinds, and its values with these kinds."""
    is_nan = np.isnan(values)
    if is_nan.any() and kinds_of(values[is_nan]).any():  # some program's NaNs have other bits
        values = np.where(is_nan, np.nan, values)
    if not series.dtype.is_float() or isinstance(native_type(series), np.dtype):  # numpy's floats have no null
        return (), values
    null_count, count = series.null_count(), np.count_nonzero(is_nan)
    if 0 < null_count < count:
        values = np.where(is_nan & ~series.is_null().to_numpy().astype(bool), missing_number(1), values)
    elif count:
        return (MISSING if null_count else NAN,), values
    return (MISSING, NAN), values


def _check_finite(name: str, values: np.ndarray) -> None:
    count = np.count_nonzero(np.isinf(values))
    if count:
        raise ArgumentError(
            f"training_data must be finite, or missing; column {name!r} has infinity in {count} of {len(values)} rows. Replace "
            "it by a finite number or a missing value, or leave those rows out."
        )


def _decimal_limits(dtype: Any) -> tuple[float, int | None]:
    """The largest number of a decimal type, and how many decimals it has; infinity and None for other types."""
    dtype = getattr(dtype, "pyarrow_dtype", dtype)  # pandas wraps pyarrow's types
    if getattr(dtype, "precision", None) is None:
        return math.inf, None
    bound = 10.0 ** (dtype.precision - dtype.scale)
    return float(min(math.nextafter(bound, 0), bound - 10.0**-dtype.scale)), dtype.scale


def _read_decimals(series: Any, values: Sequence[Any]) -> tuple[DecimalField, np.ndarray]:
    """Python's decimal numbers, and what stands for missing ones."""
    kinds = _find_missing(values)
    number_of = {kind: missing_number(number) for number, kind in enumerate(kinds)}
    numbers = np.array([number_of[value] if isinstance(value, Missing) else float(value) for value in values])
    _check_finite(series.name, numbers)
    exponents = [value.as_tuple().exponent for value in values if not isinstance(value, Missing)]
    missing, missing_values = tuple(kind.name for kind in kinds), tuple(kind.value for kind in kinds)
    decimals = max(0, -min(exponents))
    return DecimalField(dtype=native_type(series), missing=missing, missing_values=missing_values, decimals=decimals), numbers


def _find_missing(values: Sequence[Any]) -> list[Missing]:
    """The distinct missing values among some values, in an order that does not depend on the rows'."""
    return sorted({value for value in values if isinstance(value, Missing)}, key=attrgetter("name"))


def _read_times(series: Any) -> tuple[TimeField, np.ndarray]:
    import narwhals.stable.v2 as nw

    own_type = native_type(series)
    has_pandas_zone = _has_pandas_zone(own_type)
    zone_name = str(own_type.tz) if has_pandas_zone else getattr(series.dtype, "time_zone", None)
    zones = [time.tzinfo for time in series.drop_nulls().head(1).to_list()] if zone_name else []
    step = _MICROSECONDS_OF.get(own_type.unit if has_pandas_zone else getattr(series.dtype, "time_unit", "D"), 1)
    if has_pandas_zone:
        series = nw.from_native(series.to_native().dt.tz_convert(None), series_only=True)
    elif zone_name:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if has_parts_of_microseconds(series):
        raise ArgumentError(
            f"column {series.name!r} has times with parts of a microsecond, which would be cut; round them, as by "
            ".dt.floor('us')."
        )
    times = series.cast(nw.Datetime("us")).to_numpy().astype("datetime64[us]")
    counts, is_nat = times.astype(np.int64) // step, np.isnat(times)
    if not holds_exactly(counts[~is_nat]).all():
        raise ArgumentError(
            f"column {series.name!r} has times so far from 1970 that their last digits would be rounded; round them, as by "
            ".dt.floor('s')."
        )
    return TimeField(own_type, zone_name, step, *zones), np.where(is_nat, np.nan, counts)


def _has_pandas_zone(dtype: Any) -> bool:
    """Whether a type is pandas' own of times with a zone; narwhals does not know all of them, such as "America/New_York"."""
    return type(dtype).__name__ == "DatetimeTZDtype"


def _read_choices(series: Any) -> tuple[Field, np.ndarray]:
    import narwhals.stable.v2 as nw

    values = [
        Missing.of(value) if is_missing(value) else value.item() if isinstance(value, np.generic) else value
        for value in series.to_list()
    ]
    if {type(value) for value in values} - {Missing} == {Decimal} and isinstance(series.dtype, nw.Object):
        return _read_decimals(series, values)
    _check_choices(series, values)
    # The order is the same for all libraries, which keep categories in different ones, so that all draw the same.
    choices = sorted({value for value in values if not isinstance(value, Missing)}, key=_sort_key)
    kinds = _find_missing(values)
    numbers = [*map(float, range(len(choices))), *map(missing_number, range(len(kinds)))]
    number_of = dict(zip([*choices, *kinds], numbers, strict=True))
    codes = np.array([number_of[value] for value in values])
    row_of = {value: row for row, value in reversed(list(enumerate(values)))}  # the first row with each value
    rows = [row_of[value] for value in [*choices, *kinds]]
    try:
        pool = series[rows]
    except NotImplementedError as error:  # for example, pyarrow's string_view
        raise ArgumentError(
            f"column {series.name!r} holds {series.to_native().type}, a type from which pyarrow can take no rows; cast it, "
            "as to string."
        ) from error
    names = [kind.name for kind in kinds]
    if not holds_objects(series):  # None stands for null there
        names = [MISSING if name == "None" or len(names) == 1 else name for name in names]
    return ChoiceField(tuple(choices), pool, tuple(names)), codes


def _check_choices(series: Any, values: list[Any]) -> None:
    """Refuse values that no column of a table should hold."""
    import narwhals.stable.v2 as nw

    # Categories may be anything, like intervals: their type takes care of them.
    allowed = object if isinstance(series.dtype, (nw.Categorical, nw.Enum)) else (str, bool, int, float, Missing)
    for value in values:
        if not isinstance(value, allowed):
            raise ArgumentError(
                f"column {series.name!r} holds {value!r:.60} ({type(value).__name__}); a table's columns hold {_HELD}, in a "
                "type for these if they are no Python str, bool, int, float or Decimal: convert it, as with "
                "pandas.to_datetime(), pandas.to_timedelta(), astype(float) or astype(str)."
            )


def _sort_key(value: Any) -> tuple[str, Any]:
    return type(value).__name__, value if isinstance(value, (str, bool, int, float)) else str(value)
