"""Series of the libraries' own types, made from numbers, times, texts and choices, with null and NaN where they belong."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "extend_pool",
    "holds_objects",
    "is_object_type",
    "is_sparse",
    "make_numbers",
    "make_series",
    "replace_last",
    "to_dense",
]


def is_sparse(dtype: Any) -> bool:
    """Whether a type is one of pandas' that store only what differs from a fill value."""
    return type(dtype).__name__ == "SparseDtype"


def to_dense(native: Any) -> Any:
    """A series without pandas' sparse storage; any other as it came."""
    return native.sparse.to_dense() if is_sparse(getattr(native, "dtype", None)) else native


def holds_objects(series: Any) -> bool:
    """Whether a narwhals series is one of pandas that holds any of Python's objects, such as several missing values."""
    return is_object_type(getattr(series.to_native(), "dtype", None))


def is_object_type(dtype: Any) -> bool:
    """Whether a type is numpy's of any objects."""
    return isinstance(dtype, np.dtype) and dtype.kind == "O"


def make_series(name: str, values: Any, implementation: Any, dtype: Any, *, zone_name: str | None = None) -> Any:
    """Times or texts as a narwhals series of the library's own type.

    Parameters
    ----------
    name : str
    values : sequence or ndarray of shape (m,)
    implementation : object
        The library, by narwhals' name.
    dtype : object
        The library's type.
    zone_name : str or None
        The time zone of times, which come as UTC.
    """
    import narwhals.stable.v2 as nw

    series = nw.new_series(name, values, backend=implementation)
    if zone_name:
        series = series.dt.replace_time_zone("UTC")
        if type(dtype).__name__ != "DatetimeTZDtype":  # to which pandas converts them below, whatever the zone is called
            series = series.dt.convert_time_zone(zone_name)
    native = series.to_native()
    return nw.from_native(native.astype(dtype) if hasattr(native, "astype") else native.cast(dtype), series_only=True)


def make_numbers(name: str, numbers: np.ndarray, is_null: np.ndarray, implementation: Any, dtype: Any) -> Any:
    """Numbers as a narwhals series of the library's own type.

    Parameters
    ----------
    name : str
    numbers : ndarray of shape (m,)
    is_null : ndarray of shape (m,), bool
        Which of them, all NaN, stand for null; others that are NaN stand for themselves.
    implementation : object
        The library, by narwhals' name.
    dtype : object
        The library's type.
    """
    import narwhals.stable.v2 as nw

    is_missing = np.isnan(numbers)
    if is_missing.any():
        numbers = np.where(is_missing, np.nan, numbers)  # all with the same bits
    series = nw.new_series(name, numbers, backend=implementation)
    native = series.to_native()
    if hasattr(native, "astype"):
        return nw.from_native(_to_pandas_type(native, numbers, is_missing, is_null, dtype), series_only=True)
    if not is_missing.any():
        return nw.from_native(native.cast(dtype), series_only=True)
    if np.array_equal(is_null, is_missing):
        native = series.fill_nan(None).to_native()
    elif is_null.any():
        frame = nw.from_dict({"numbers": numbers, "is_present": ~is_null}, backend=implementation)
        present = frame.select(nw.when(nw.col("is_present")).then(nw.col("numbers")))
        native = present["numbers"].alias(name).to_native()
    return nw.from_native(native.cast(dtype), series_only=True)


def _to_pandas_type(native: Any, numbers: np.ndarray, is_missing: np.ndarray, is_null: np.ndarray, dtype: Any) -> Any:
    """A pandas series of doubles in another type of numbers."""
    if not is_missing.any():
        return native.astype(dtype)
    if getattr(dtype, "kind", "") in "iu" and (is_sparse(dtype) or isinstance(dtype, np.dtype)):
        # Whole numbers of numpy's cannot be missing: as pandas does, such a column becomes one of floats.
        return native.astype(type(dtype)(np.float64, dtype.fill_value) if is_sparse(dtype) else np.dtype(np.float64))
    # Casts would take null and NaN for the same.
    filled = np.where(is_null, 0, numbers)
    if hasattr(dtype, "numpy_dtype") and not hasattr(dtype, "pyarrow_dtype"):
        array = dtype.construct_array_type()(filled.astype(dtype.numpy_dtype), is_null)
        return native.__class__(array, name=native.name)
    if hasattr(dtype, "pyarrow_dtype") and dtype.kind in "iuf":
        import pandas
        import pyarrow as pa

        array = pandas.arrays.ArrowExtensionArray(pa.array(filled, mask=is_null).cast(dtype.pyarrow_dtype))
        return native.__class__(array, name=native.name)
    return native.astype(dtype)


def extend_pool(pool: Any, values: tuple[Any, ...], value: Any) -> Any:
    """A pool with another value after the column's own, of the column's type; fails if the type cannot hold it.

    Parameters
    ----------
    pool : narwhals series
        The column's values, and missing ones after them.
    values : tuple
        The same without missing ones.
    value : object
    """
    import narwhals.stable.v2 as nw

    last, native_pool = len(values), pool.to_native()
    if hasattr(native_pool, "iloc"):
        stored = pool[[*range(last), 0, *range(last, len(pool))]].to_native()
        native = to_dense(stored)  # a sparse one cannot be written to
        if hasattr(native, "cat") and value not in native.cat.categories:
            if native.cat.ordered:
                raise ValueError("a new category has no place in the order")
            native = native.cat.add_categories([value])
        native.iloc[last] = value
        if is_sparse(stored.dtype):
            native = native.astype(stored.dtype)
    else:
        missing_values = pool[last:].to_list()
        native = nw.new_series(pool.name, [*values, value, *missing_values], backend=pool.implementation).to_native()
        native = native.cast(native_pool.dtype if hasattr(native_pool, "dtype") else native_pool.type)
    extended = nw.from_native(native, series_only=True)
    if extended.to_list()[last] != value:
        raise ValueError("the type turned the value into another one")
    return extended


def replace_last(pool: Any, value: Any) -> Any:
    """A series of objects with another value at its end."""
    import narwhals.stable.v2 as nw

    native = pool.to_native().copy()
    native.iloc[-1] = value
    return nw.from_native(native, series_only=True)
