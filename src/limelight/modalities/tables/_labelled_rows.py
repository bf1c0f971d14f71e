"""Rows to explain whose values have labels: mappings, frames of one row, series."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

import numpy as np

from limelight._checks import label_names, row_values, wrap_frame
from limelight.exceptions import InstanceError, read_message
from limelight.modalities.tables._frame_columns import has_parts_of_microseconds
from limelight.modalities.tables._missing_values import is_missing

__all__ = ["are_names", "order_by_name", "order_values", "values_and_labels"]


def values_and_labels(instance: Any) -> tuple[Sequence[Any], Sequence[Any] | None] | None:
    """The values of a mapping, a frame of one row or a series, and their labels, which some series lack; None for other rows.

    Raises
    ------
    InstanceError
        If it is a frame with several rows, with columns of the same name, or with times too fine for Python's own.
    """
    import narwhals.stable.v2 as nw

    if isinstance(instance, Mapping):
        return list(instance.values()), list(instance)
    try:
        wrapped = wrap_frame(instance, allow_series=True)
    except ValueError as error:  # for example, two columns have the same name
        raise InstanceError(f"a row to explain is not a sound frame: {read_message(error)}") from error
    if isinstance(wrapped, nw.DataFrame):
        if len(wrapped) != 1:
            raise InstanceError(f"a row to explain must be one row; got a frame of {len(wrapped)}.")
        row = next(row_values(wrapped))
        for name, value in zip(wrapped.columns, row, strict=True):
            if type(value) is datetime and has_parts_of_microseconds(wrapped[name]):
                raise InstanceError(f"column {name!r} of a row to explain has a time with parts of a microsecond: round it.")
        return row, wrapped.columns
    if not isinstance(wrapped, nw.Series):
        return None
    index = nw.maybe_get_index(wrapped)
    return wrapped.to_list(), None if index is None else label_names(index)


def are_names(labels: Iterable[Any], names: Sequence[str]) -> bool:
    """Whether labels, which may be anything, are meant as the columns' names: one text among the names is enough."""
    labels = list(labels)
    return any(isinstance(label, str) and label in names for label in labels) or sorted(map(str, labels)) == sorted(names)


def order_by_name(values: Sequence[Any], labels: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """A row's values in the order of the columns' names.

    Raises
    ------
    InstanceError
        If the labels are not these names.
    """
    value_of, expected = dict(zip(map(str, labels), values, strict=True)), set(names)
    missing = [name for name in names if name not in value_of]
    extra = [name for name in value_of if name not in expected]
    if missing or extra or len(value_of) != len(labels):
        faults = {"lacks": missing, "also has": extra}
        listed = " and ".join(f"{fault} {', '.join(map(repr, columns[:5]))}" for fault, columns in faults.items() if columns)
        raise InstanceError(
            f"a row to explain must have the training data's columns, in any order; it {listed or 'repeats some'}."
        )
    return [value_of[name] for name in names]


def order_values(instance: Any, names: Sequence[str]) -> Any:
    """A row's values in the order of an array's columns, whose names are the user's; a row without labels as it came.

    Raises
    ------
    InstanceError
        If it is a mapping with other names, has only some of the names, or is a frame of several rows.
    """
    row = None if type(instance) is np.ndarray else values_and_labels(instance)  # arrays, the usual case, are not wrapped
    if row is None:
        return instance
    values, labels = row
    if labels is not None and (isinstance(instance, Mapping) or are_names(labels, names)):
        values = order_by_name(values, labels, names)
    elif labels is not None and _are_column_numbers(labels, len(names)):
        values = [value for _, value in sorted(zip(labels, values, strict=True), key=itemgetter(0))]
    return [math.nan if is_missing(value) else value for value in values]


def _are_column_numbers(labels: Sequence[object], width: int) -> bool:
    """Whether labels are the numbers of an array's columns, in any order."""
    are_numbers = all(isinstance(label, (int, np.integer)) and not isinstance(label, bool) for label in labels)
    return are_numbers and {*labels} == {*range(width)}
