"""Rows of frames of pandas, polars and pyarrow as numbers, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from limelight._errors import ArgumentError, InstanceError
from limelight.modalities.tables._encoding import Encoding, by_name, check_size, labelled
from limelight.modalities.tables._fields import Field, field_of, is_missing

__all__ = ["FrameEncoding", "encode_frame"]


def encode_frame(frame: Any, feature_names: Iterable[object] | None) -> tuple[np.ndarray, Encoding]:
    """A narwhals frame as rows of numbers.

    Raises
    ------
    ArgumentError
        If it has no rows or columns, labels of several levels, names that look the same, or columns of what no table should
        hold; or if there are names for its columns besides its own.
    """
    if feature_names is not None:
        raise ArgumentError("feature_names must be left out where training_data is a frame: its columns have names.")
    index = _index(frame)
    for place, labels in (("rows", index), ("columns", getattr(frame.to_native(), "columns", None))):
        if getattr(labels, "nlevels", 1) > 1:
            raise ArgumentError(f"training_data has a MultiIndex on its {place}: give it single labels.")
    check_size(frame.shape)
    names = tuple(map(str, frame.columns))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ArgumentError(
            f"training_data has columns whose names look the same: {', '.join(map(repr, twice[:5]))}. Rename them."
        )
    fields, columns = zip(*map(field_of, frame.iter_columns()), strict=True)
    labels = None if index is None else frame.to_native().columns
    index = None if index is None else index[:1]  # of the rows' labels no more than their kind is kept
    return np.stack(columns, axis=1), FrameEncoding(names, fields, frame.implementation, index, labels)


@dataclass(frozen=True)
class FrameEncoding(Encoding):
    """Rows of a frame: its library by narwhals' name, and a pandas frame's labels of columns and of its first row."""

    names: tuple[str, ...]
    fields: tuple[Field, ...]
    implementation: Any
    index: Any
    labels: Any

    def columns_of(self, feature: object) -> list[int]:
        labels = [] if self.labels is None else list(self.labels)
        if any(isinstance(label, (int, np.integer)) for label in labels) and not isinstance(feature, str):
            return [labels.index(feature)] if feature in labels else []  # a number is a label where labels are numbers
        return super().columns_of(feature)

    def read(self, instance: Any) -> tuple[np.ndarray, FrameEncoding]:
        values = self._values(instance)
        fields, row = list(self.fields), np.empty(len(values))
        for number, (name, value) in enumerate(zip(self.names, values, strict=True)):
            field = fields[number]
            fields[number], row[number] = field.missing() if is_missing(value) else field.read(name, value)
        known = all(field is own for field, own in zip(fields, self.fields, strict=True))
        return row, self if known else replace(self, fields=tuple(fields))

    def numbers(self, parameter: str, rows: Any, count: int) -> np.ndarray:
        import narwhals.stable.v2 as nw

        try:
            frame = nw.from_native(rows, eager_only=True, pass_through=True)
        except ValueError as error:  # as where two columns have the same name
            raise ArgumentError(f"{parameter} must give a sound frame: {error}") from error
        given = {str(series.name): series for series in frame.iter_columns()} if isinstance(frame, nw.DataFrame) else {}
        if given.keys() != set(self.names) or len(frame) != count:
            got = f"shape {frame.shape}" if given else type(rows).__name__
            raise ArgumentError(f"{parameter} must give a frame of {count} rows with the training data's columns; got {got}.")
        array = np.empty((count, len(self.names)))
        for number, (name, field) in enumerate(zip(self.names, self.fields, strict=True)):
            values = [None if is_missing(value) else value for value in given[name].to_list()]
            try:
                read = {value: field.missing() if value is None else field.read(name, value) for value in set(values)}
            except (InstanceError, TypeError) as error:  # what is no value of the column, or cannot even be looked up
                raise ArgumentError(f"{parameter} gives column {name!r} what it cannot hold: {error}") from error
            if any(known is not field for known, _ in read.values()):
                raise ArgumentError(f"{parameter} gives column {name!r} categories that the training data lack.")
            array[:, number] = [read[value][1] for value in values]
        return array

    def batch(self, rows: np.ndarray) -> Any:
        import narwhals.stable.v2 as nw

        columns = zip(self.names, self.fields, rows.T, strict=True)
        frame = nw.from_dict({name: field.series(name, values, self.implementation) for name, field, values in columns})
        native = frame.to_native()
        if self.index is not None:
            native.index, native.columns = self._labels(len(rows)), self.labels
        return native

    def _labels(self, count: int) -> Any:
        """Labels of the kind that the training data's rows have; numbers in a row where they have those."""
        kind = type(self.index)
        if kind.__name__ == "RangeIndex":
            return kind(count, name=self.index.name)
        return self.index.repeat(count)

    def _values(self, instance: Any) -> Sequence[Any]:
        """The row's values in the order of the columns."""
        values, labels = labelled(instance) or (_cells(instance), None)
        if values is not None and labels is not None:
            return by_name(values, labels, self.names)
        if values is None or len(values) != len(self.names):
            got = f"{type(instance).__name__} {instance!r:.60}" if values is None else f"{len(values)} values"
            raise InstanceError(f"a row to explain must have {len(self.names)} columns, as the training data; got {got}.")
        return values


def _cells(row: Any) -> list[Any] | None:
    """What a sequence, or the only row of an array, holds; None of anything else."""
    try:
        array = row if isinstance(row, np.ndarray) else np.asarray(row, dtype=object)
    except ValueError:  # arrays of different shapes among its cells
        return None
    array = array[0] if array.ndim == 2 and len(array) == 1 else array
    return list(array) if array.ndim == 1 else None


def _index(frame: Any) -> Any:
    """The labels of a pandas frame's rows; None for other frames."""
    import narwhals.stable.v2 as nw

    return nw.maybe_get_index(frame)
