"""Rows of frames of pandas, polars and pyarrow as numbers, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from limelight._checks import named_errors, wrap_frame
from limelight.exceptions import ArgumentError, InstanceError, read_message
from limelight.modalities.tables._encoding import Encoding, check_size
from limelight.modalities.tables._fields import Field
from limelight.modalities.tables._frame_columns import read_column
from limelight.modalities.tables._labelled_rows import order_by_name, values_and_labels
from limelight.modalities.tables._missing_values import Missing, is_missing

__all__ = ["FrameEncoding", "encode_frame"]


def encode_frame(frame: Any, labels: Any, feature_names: Iterable[object] | None) -> tuple[np.ndarray, Encoding]:
    """A narwhals frame of n rows as numbers of shape (n, d), and their encoding.

    Parameters
    ----------
    frame : narwhals frame
    labels : object
        The columns' own labels, where the frame is one of pandas; None for other frames.
    feature_names : iterable or None
        As the explainer's.

    Raises
    ------
    ArgumentError
        If it has no rows or columns, names that look the same, or columns that no table should have; or if `feature_names`
        names columns that have names already.
    """
    if feature_names is not None:
        raise ArgumentError("feature_names must be left out where training_data is a frame: its columns have names.")
    index = _index(frame)
    check_size(frame.shape)
    names = tuple(map(str, frame.columns))
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ArgumentError(
            f"training_data has columns whose names look the same: {', '.join(map(repr, repeated[:5]))}. Rename them."
        )
    fields, columns = zip(*map(_read_column, frame.iter_columns()), strict=True)
    if index is not None:
        index = index[:1]  # one row label shows their kind, and no more is kept
        index = index.remove_unused_levels() if index.nlevels > 1 else index
    return np.stack(columns, axis=1), FrameEncoding(names, fields, frame.implementation, index, labels)


def _read_column(series: Any) -> tuple[Field, np.ndarray]:
    """`read_column`, whatever the frame's library raises."""
    name = str(series.name)  # a label of pandas may be anything
    with named_errors(f"reading column {name!r} of training_data"):
        return read_column(series.alias(name))


@dataclass(frozen=True)
class FrameEncoding(Encoding):
    """Rows of a frame.

    Attributes
    ----------
    names : tuple of str
    fields : tuple of Field
    implementation : object
        The library, by narwhals' name.
    index : object
        The label of a pandas frame's first row, as an index; None for other frames.
    labels : object
        The labels of a pandas frame's columns; None for other frames.
    """

    names: tuple[str, ...]
    fields: tuple[Field, ...]
    implementation: Any
    index: Any
    labels: Any

    @cached_property
    def _name_of(self) -> dict[Any, str]:
        """The name of each column by its label; labels of several levels may also be given as texts."""
        labels = [] if self.labels is None else list(self.labels)
        as_texts = zip(map(str, labels), self.names, strict=bool(labels))
        return dict(zip(labels, self.names, strict=bool(labels))) | dict(as_texts)

    def find_columns(self, feature: object) -> list[int]:
        labels = [] if self.labels is None else list(self.labels)
        if isinstance(feature, tuple):
            return [labels.index(feature)] if feature in labels else []
        if any(isinstance(label, (int, np.integer)) for label in labels) and not isinstance(feature, str):
            return [labels.index(feature)] if feature in labels else []  # a number is a label where labels are numbers
        return super().find_columns(feature)

    def read(self, instance: Any) -> tuple[np.ndarray, FrameEncoding]:
        values = self._values(instance)
        fields, row = list(self.fields), np.empty(len(values))
        for number, (name, value) in enumerate(zip(self.names, values, strict=True)):
            field = fields[number]
            fields[number], row[number] = field.read_missing(value) if is_missing(value) else field.read(name, value)
        is_known = all(field is trained for field, trained in zip(fields, self.fields, strict=True))
        return row, self if is_known else replace(self, fields=tuple(fields))

    def read_rows(self, parameter: str, rows: Any, count: int) -> np.ndarray:
        import narwhals.stable.v2 as nw

        try:
            frame = wrap_frame(rows)
        except ValueError as error:  # for example, two columns have the same name
            raise ArgumentError(f"{parameter} must give a sound frame: {read_message(error)}") from error
        series_of = {str(series.name): series for series in frame.iter_columns()} if isinstance(frame, nw.DataFrame) else {}
        if series_of.keys() != set(self.names) or len(frame) != count:
            got = f"shape {frame.shape}" if series_of else type(rows).__name__
            raise ArgumentError(f"{parameter} must give a frame of {count} rows with the training data's columns; got {got}.")
        numbers = np.empty((count, len(self.names)))
        for column, (name, field) in enumerate(zip(self.names, self.fields, strict=True)):
            values = [Missing.of(value) if is_missing(value) else value for value in series_of[name].to_list()]
            try:
                read = {value: _read_value(field, name, value) for value in set(values)}
            except (InstanceError, TypeError) as error:  # the column cannot hold the value, or it cannot even be looked up
                raise ArgumentError(
                    f"{parameter} gives a value that column {name!r} cannot hold: {read_message(error)}"
                ) from error
            if field.is_categorical and any(new_field is not field for new_field, _ in read.values()):
                raise ArgumentError(f"{parameter} gives categories of column {name!r} that the training data lack.")
            numbers[:, column] = [read[value][1] for value in values]
            if len(field.missing) == 1:  # it stands for the others, too
                numbers[np.isnan(numbers[:, column]), column] = np.nan
        return self.hold(numbers)

    def hold(self, rows: np.ndarray) -> np.ndarray:
        for field, values in zip(self.fields, rows.T, strict=True):
            held = field.hold(values)
            if held is not values:
                values[:] = held
        return rows

    def make_batch(self, rows: np.ndarray) -> Any:
        import narwhals.stable.v2 as nw

        # pandas makes columns of names that are all texts, which may have lone surrogates; it gets its own labels below.
        names = self.names if self.index is None else map(str, range(len(self.names)))
        columns = zip(names, self.fields, rows.T, strict=True)
        frame = nw.from_dict({name: field.write(name, values, self.implementation) for name, field, values in columns})
        native = frame.to_native()
        if self.index is not None:
            native.index, native.columns = self._labels(len(rows)), self.labels
        return native

    def _labels(self, count: int) -> Any:
        """Row labels of the training data's kind: consecutive numbers where it has these, else its first label repeated."""
        kind = type(self.index)
        if kind.__name__ == "RangeIndex":
            return kind(count, name=self.index.name)
        return self.index.repeat(count)

    def _values(self, instance: Any) -> Sequence[Any]:
        """The row's values in the order of the columns."""
        values, labels = values_and_labels(instance) or (_values_of(instance), None)
        if values is not None and labels is not None:
            return order_by_name(values, self._names_of(labels), self.names)
        if values is None or len(values) != len(self.names):
            got = f"{type(instance).__name__} {instance!r:.60}" if values is None else f"{len(values)} values"
            raise InstanceError(f"a row to explain must have {len(self.names)} columns, as the training data; got {got}.")
        return values

    def _names_of(self, labels: Sequence[Any]) -> list[Any]:
        """The names of the columns with these labels, which may be names already."""
        name_of = self._name_of
        return [name_of.get(label, label) if isinstance(label, (tuple, str)) else label for label in labels]


def _read_value(field: Field, name: str, value: Any) -> tuple[Field, float]:
    return field.read_missing(value.value) if isinstance(value, Missing) else field.read(name, value)


def _values_of(row: Any) -> list[Any] | None:
    """The values of a sequence, or of an array with one row; None for anything else."""
    try:
        array = row if isinstance(row, np.ndarray) else np.asarray(row, dtype=object)
    except ValueError:  # it holds arrays of different shapes
        return None
    array = array[0] if array.ndim == 2 and len(array) == 1 else array
    return list(array) if array.ndim == 1 else None


def _index(frame: Any) -> Any:
    """The labels of a pandas frame's rows; None for other frames."""
    import narwhals.stable.v2 as nw

    return nw.maybe_get_index(frame)
