"""Series as frames, whose rows are steps and whose columns are channels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from limelight.exceptions import ArgumentError, InstanceError, read_message

__all__ = ["SeriesFrame", "order_like", "read_frame"]

_MIDNIGHT = " 00:00:00"
_LARGEST_LABEL = 40  # characters; longer labels of steps would hide the names


class SeriesFrame(NamedTuple):
    """What a frame, or a series of pandas or polars, holds.

    Attributes
    ----------
    values : ndarray of shape (steps, channels) or (steps,)
        The numbers.
    rows, columns : tuple of str or None
        The labels of the rows and of the columns; None where they only count.
    """

    values: np.ndarray
    rows: tuple[str, ...] | None
    columns: tuple[str, ...] | None


def read_frame(instance: Any, subject: str = "the series") -> SeriesFrame | None:
    """Read a frame, or a series of pandas or polars; None for anything else.

    Raises
    ------
    InstanceError
        If two columns have the same name, or a column does not hold numbers.
    """
    if isinstance(instance, (np.ndarray, list, tuple)):  # the usual cases need not be wrapped
        return None
    import narwhals.stable.v2 as nw

    try:
        wrapped = nw.from_native(instance, eager_only=True, allow_series=True, pass_through=True)
        if isinstance(wrapped, nw.Series):
            index = nw.maybe_get_index(wrapped)
            _check_order(index, subject)
            return SeriesFrame(_read_column(wrapped, subject), _label(index), None)
        if not isinstance(wrapped, nw.DataFrame):
            return None
        columns = [_read_column(column, subject) for column in wrapped.iter_columns()]
    except ValueError as error:  # for example, two columns have the same name
        if isinstance(error, InstanceError):
            raise
        raise InstanceError(f"{subject} is not a sound frame: {read_message(error)}") from error
    values = np.column_stack(columns) if columns else np.empty((len(wrapped), 0))
    index = nw.maybe_get_index(wrapped)
    _check_order(index, subject)
    labels = tuple(wrapped.columns) if index is None else _label(wrapped.to_native().columns)
    return SeriesFrame(values, _label(index), labels)


def _check_order(index: Any, subject: str) -> None:
    """Refuse a pandas index of times or numbers that goes up and down: its steps are not in order.

    Raises
    ------
    InstanceError
        If it does.
    """
    if index is None or index.nlevels > 1 or index.dtype == object or str(index.dtype) in ("str", "string", "category"):
        return
    if not (index.is_monotonic_increasing or index.is_monotonic_decreasing):
        raise InstanceError(
            f"{subject} must have its steps in order; the index of this one goes up and down. Give series.sort_index(), or "
            "series.reset_index(drop=True) if its steps are in order as they are."
        )


def _read_column(column: Any, subject: str) -> np.ndarray:
    if not (column.dtype.is_numeric() or str(column.dtype) == "Boolean"):
        raise InstanceError(
            f"{subject} must hold numbers; its column {column.name!r} holds {column.dtype}. Leave it out, or make it the index "
            f"if it has the times."
        )
    return np.asarray(column.to_numpy())


def _label(index: Any) -> tuple[str, ...] | None:
    """The labels of a pandas index as texts; None for no index, and for one that only counts from 0."""
    if index is None or (list(index) == list(range(len(index)))):
        return None
    if getattr(index, "tz", None) is not None:
        index = index.tz_localize(None)
    labels = [f"{label:g}" if isinstance(label, float) else str(label) for label in index]
    if all(label.endswith(_MIDNIGHT) for label in labels):
        labels = [label.removesuffix(_MIDNIGHT) for label in labels]
    return tuple(labels) if max(map(len, labels)) <= _LARGEST_LABEL else None


def order_like(values: np.ndarray, labels: tuple[str, ...], names: tuple[str, ...], subject: str) -> np.ndarray:
    """The channels, of shape (channels, length), of a frame with these labels in the order of another's names.

    Raises
    ------
    ArgumentError
        If they are not the same.
    """
    if sorted(labels) != sorted(names):
        raise ArgumentError(
            f"{subject} must have the channels of the series to explain, {', '.join(map(repr, names[:5]))}; got "
            f"{', '.join(map(repr, labels[:5]))}."
        )
    return values[[labels.index(name) for name in names]]
