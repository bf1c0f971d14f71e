"""Rows in the user's own form as numbers, and back: what a column holds, and how a model gets it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from limelight._checks import check_names, check_numbers
from limelight._errors import ArgumentError, ArgumentTypeError, InstanceError
from limelight.modalities._fields import Field, Numbers, field_of, is_missing

__all__ = ["ArrayEncoding", "Encoding", "FrameEncoding", "SequenceEncoding", "SparseEncoding", "encode"]


class Encoding(ABC):
    """How rows are written as numbers: a category as its place among all categories, a time in microseconds, missing as NaN.

    Attributes
    ----------
    names : tuple of str
        A name for each of the d columns.
    fields : tuple of Field
        What each column holds.
    """

    names: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def places(self) -> Sequence[int]:
        """Which of the table's columns a row has."""
        return range(len(self.names))

    def columns_of(self, feature: object) -> list[int]:
        """The columns that a user means by a number or name; none, if there are none such."""
        if isinstance(feature, str) and feature in self.names:
            return [self.names.index(feature)]
        if isinstance(feature, (int, np.integer)) and not isinstance(feature, bool) and 0 <= feature < len(self.names):
            return [int(feature)]
        return []

    def wanted(self, parameter: str, feature: object) -> list[int]:
        """The columns that a user means.

        Raises
        ------
        ArgumentError
            If there are none such.
        """
        columns = self.columns_of(feature)
        if not columns:
            last = len(self.names) - 1
            raise ArgumentError(f"{parameter} must name columns by number, 0 to {last}, or by name; got {feature!r}.")
        return columns

    @abstractmethod
    def read(self, instance: Any) -> tuple[np.ndarray, Encoding]:
        """A row to explain as d numbers, and the encoding that also knows the categories which only this row has.

        Raises
        ------
        InstanceError, ArgumentTypeError
            If the row has other columns, or values of another kind.
        """

    @abstractmethod
    def numbers(self, parameter: str, rows: Any, count: int) -> np.ndarray:
        """Rows that a user's function made, `parameter`, as numbers of shape (count, d).

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If they are not such rows.
        """

    @abstractmethod
    def batch(self, rows: np.ndarray) -> Any:
        """Numbers of shape (m, d) as the model takes rows; an array of the caller's own is given as it is."""


def encode(training_data: Any, feature_names: Iterable[object] | None) -> tuple[Any, Encoding]:
    """Training data as numbers of shape (n, d), and how to write other rows in the same way.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If they are no table, have no rows or columns, or a column holds what no table should.
    """
    import narwhals.stable.v2 as nw

    try:
        frame = nw.from_native(training_data, eager_only=True, pass_through=True)
    except ValueError as error:  # as where two columns have the same name
        raise ArgumentError(f"training_data is not a sound frame: {error}") from error
    if isinstance(frame, nw.DataFrame):
        return _encode_frame(frame, feature_names)
    if hasattr(training_data, "collect"):
        raise ArgumentTypeError(f"training_data must be in memory: collect() the {type(training_data).__name__} first.")
    if hasattr(training_data, "tocsc"):
        return _encode_sparse(training_data, feature_names)
    if len(getattr(training_data, "shape", ())) == 3:
        return _encode_sequences(training_data, feature_names)
    training = check_numbers("training_data", training_data, 2)
    training = np.where(np.isnan(training), np.nan, training)  # one NaN for all
    _check_size(training.shape)
    if np.isinf(training).any():
        bad = ", ".join(str(number) for number in np.flatnonzero(np.isinf(training).any(axis=0))[:5])
        raise ArgumentError(f"training_data must be finite, or NaN where a value is missing; columns {bad} have infinity.")
    width = training.shape[1]
    names = [f"x{i}" for i in range(width)] if feature_names is None else feature_names
    return training, ArrayEncoding(check_names("feature_names", names, width))


def _encode_sparse(training_data: Any, feature_names: Iterable[object] | None) -> tuple[Any, Encoding]:
    from scipy.sparse import csc_array

    training = csc_array(training_data)
    _check_size(training.shape)
    if training.dtype.kind not in "biuf" or not np.isfinite(training.data).all():
        raise ArgumentError(f"a sparse training_data must hold finite numbers; it holds {training.dtype}, or NaN or infinity.")
    training = training.astype(np.float64)
    training.sum_duplicates()
    width = training.shape[1]
    names = check_names("feature_names", (f"x{i}" for i in range(width)) if feature_names is None else feature_names, width)
    return training, SparseEncoding(names, type(training_data), range(width), width)


def _encode_sequences(training_data: Any, feature_names: Iterable[object] | None) -> tuple[np.ndarray, Encoding]:
    count, steps, width = np.shape(training_data)
    names = check_names("feature_names", [f"x{i}" for i in range(width)] if feature_names is None else feature_names, width)
    training, encoding = encode(np.reshape(training_data, (count, steps * width)), _names_of_steps(names, steps))
    return training, SequenceEncoding(encoding.names, names, steps)


def _names_of_steps(names: Sequence[str], steps: int) -> list[str]:
    """The last step is t-0."""
    return [f"{name}_t-{ago}" for ago in reversed(range(steps)) for name in names]


def _encode_frame(frame: Any, feature_names: Iterable[object] | None) -> tuple[np.ndarray, Encoding]:
    if feature_names is not None:
        raise ArgumentError("feature_names must be left out where training_data is a frame: its columns have names.")
    index = _index(frame)
    for place, labels in (("rows", index), ("columns", getattr(frame.to_native(), "columns", None))):
        if getattr(labels, "nlevels", 1) > 1:
            raise ArgumentError(f"training_data has a MultiIndex on its {place}: give it single labels.")
    _check_size(frame.shape)
    names = tuple(map(str, frame.columns))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ArgumentError(
            f"training_data has columns whose names look the same: {', '.join(map(repr, twice[:5]))}. Rename them."
        )
    fields, columns = zip(*map(field_of, frame.iter_columns()), strict=True)
    labels = None if index is None else frame.to_native().columns
    return np.stack(columns, axis=1), FrameEncoding(names, fields, frame.implementation, index, labels)


def _check_size(shape: tuple[int, ...]) -> None:
    if 0 in shape:
        raise ArgumentError(f"training_data must have rows and columns; got shape {shape}.")


def _index(frame: Any) -> Any:
    """The labels of a pandas frame's rows; None for other frames."""
    import narwhals.stable.v2 as nw

    return nw.maybe_get_index(frame)


@dataclass(frozen=True)
class ArrayEncoding(Encoding):
    """Rows that are numbers already."""

    names: tuple[str, ...]

    @property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]
        return (Numbers(),) * len(self.names)

    def read(self, instance: Any) -> tuple[np.ndarray, Encoding]:
        try:
            dimensions = np.ndim(instance)
        except ValueError as error:  # lists within a list
            raise ArgumentTypeError(f"a row to explain must hold numbers only: {error}.") from error
        row = check_numbers("a row to explain", instance, dimensions).copy()
        if row.ndim == 2 and len(row) == 1:
            row = row[0]
        width = len(self.names)
        if row.shape != (width,):
            raise InstanceError(f"a row to explain must have {width} columns, as the training data; got shape {row.shape}.")
        if np.isinf(row).any():
            bad = ", ".join(self.names[i] for i in np.flatnonzero(np.isinf(row))[:5])
            raise InstanceError(f"a row to explain must be finite, or NaN where a value is missing; infinity in {bad}.")
        return row, self

    def numbers(self, parameter: str, rows: Any, count: int) -> np.ndarray:
        array = check_numbers(f"what {parameter} gives", rows, 2)
        if array.shape != (count, len(self.names)) or np.isinf(array).any():
            raise ArgumentError(f"{parameter} must give {count} finite rows of {len(self.names)} columns; got {array.shape}.")
        return array

    def batch(self, rows: np.ndarray) -> np.ndarray:
        return rows


@dataclass(frozen=True)
class SparseEncoding(Encoding):
    """Sparse rows of `width` numbers, of which only a row's `entries` are perturbed, those that are not zero.

    `form` is the class that the training data have: a sparse array, or a sparse matrix.
    """

    names: tuple[str, ...]
    form: Any
    entries: Sequence[int]
    width: int

    @property
    def places(self) -> Sequence[int]:
        return self.entries

    @property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]
        return (Numbers(),) * len(self.names)

    def read(self, instance: Any) -> tuple[np.ndarray, Encoding]:
        from scipy.sparse import csr_array

        if not hasattr(instance, "tocsr"):
            instance = check_numbers("a row to explain", np.atleast_2d(instance), 2)
        row = csr_array(instance)
        if row.shape != (1, self.width):
            raise InstanceError(f"a row to explain must have shape (1, {self.width}), as the training data; got {row.shape}.")
        row.sum_duplicates()
        row.eliminate_zeros()
        if not np.isfinite(row.data).all():
            raise InstanceError("a sparse row to explain must hold finite numbers; it has NaN or infinity.")
        if not row.nnz:
            raise InstanceError("a sparse row to explain must have an entry that is not zero: it has nothing to perturb.")
        places = tuple(row.indices.tolist())
        names = tuple(self.names[place] for place in places)
        return row.data.astype(np.float64), SparseEncoding(names, self.form, places, self.width)

    def numbers(self, parameter: str, rows: Any, count: int) -> np.ndarray:  # noqa: ARG002
        raise ArgumentError(f"{parameter} is not for sparse tables.")

    def batch(self, rows: np.ndarray) -> Any:
        from scipy.sparse import csr_array, csr_matrix, sparray

        there = rows != 0
        ends = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
        indices = np.broadcast_to(np.array(self.entries, dtype=np.int32), rows.shape)[there]
        make = csr_array if issubclass(self.form, sparray) else csr_matrix
        return make((rows[there], indices, ends), shape=(len(rows), self.width))


@dataclass(frozen=True)
class SequenceEncoding(ArrayEncoding):
    """Sequences of `steps` rows of numbers, step after step; a feature has a column for each step."""

    features: tuple[str, ...]
    steps: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.steps, len(self.features)

    def columns_of(self, feature: object) -> list[int]:
        if isinstance(feature, str) and feature in self.features:
            feature = self.features.index(feature)
        if not isinstance(feature, (int, np.integer)) or isinstance(feature, bool) or not 0 <= feature < len(self.features):
            return super().columns_of(feature) if isinstance(feature, str) else []
        return [int(feature) + step * len(self.features) for step in range(self.steps)]

    def read(self, instance: Any) -> tuple[np.ndarray, Encoding]:
        array = check_numbers("a sequence to explain", instance, np.ndim(instance))
        array = array[0] if array.ndim == 3 and len(array) == 1 else array
        if array.shape != self.shape:
            raise InstanceError(f"a sequence to explain must have shape {self.shape}, as the training data; got {array.shape}.")
        return super().read(array.reshape(-1))

    def numbers(self, parameter: str, rows: Any, count: int) -> np.ndarray:
        array = check_numbers(f"what {parameter} gives", rows, 3)
        return super().numbers(parameter, array.reshape(len(array), -1), count)

    def batch(self, rows: np.ndarray) -> np.ndarray:
        return rows.reshape(-1, *self.shape)


@dataclass(frozen=True)
class FrameEncoding(Encoding):
    """Rows of a frame: its library by narwhals' name, and a pandas frame's labels of rows and columns."""

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

    def read(self, instance: Any) -> tuple[np.ndarray, Encoding]:
        values = self._values(instance)
        fields, row = list(self.fields), np.empty(len(values))
        for number, (name, value) in enumerate(zip(self.names, values, strict=True)):
            if is_missing(value):
                fields[number], row[number] = fields[number].missing(), np.nan
            else:
                fields[number], row[number] = fields[number].read(name, value)
        return row, replace(self, fields=tuple(fields))

    def numbers(self, parameter: str, rows: Any, count: int) -> np.ndarray:
        import narwhals.stable.v2 as nw

        frame = nw.from_native(rows, eager_only=True, pass_through=True)
        given = {str(series.name): series for series in frame.iter_columns()} if isinstance(frame, nw.DataFrame) else {}
        if given.keys() != set(self.names) or len(frame) != count:
            got = f"shape {frame.shape}" if given else type(rows).__name__
            raise ArgumentError(f"{parameter} must give a frame of {count} rows with the training data's columns; got {got}.")
        array = np.empty((count, len(self.names)))
        for number, (name, field) in enumerate(zip(self.names, self.fields, strict=True)):
            values = [None if is_missing(value) else value for value in given[name].to_list()]
            read = {value: (field.missing(), np.nan) if value is None else field.read(name, value) for value in set(values)}
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
        return self.index[:1].repeat(count)

    def _values(self, instance: Any) -> Sequence[Any]:
        """The row's values in the order of the columns."""
        import narwhals.stable.v2 as nw

        try:
            wrapped = nw.from_native(instance, eager_only=True, allow_series=True, pass_through=True)
        except ValueError as error:  # as where two columns have the same name
            raise InstanceError(f"a row to explain is not a sound frame: {error}") from error
        if isinstance(wrapped, nw.DataFrame):
            if len(wrapped) != 1:
                raise InstanceError(f"a row to explain must be one row; got a frame of {len(wrapped)}.")
            return self._by_name(wrapped.row(0), wrapped.columns)
        if isinstance(wrapped, nw.Series) and _index(wrapped) is not None:
            return self._by_name(wrapped.to_list(), list(_index(wrapped)))
        if isinstance(instance, Mapping):
            return self._by_name(list(instance.values()), list(instance))
        values: list[Any] | None = None
        if isinstance(wrapped, nw.Series):
            values = wrapped.to_list()
        else:
            array = instance if isinstance(instance, np.ndarray) else np.asarray(instance, dtype=object)
            array = array[0] if array.ndim == 2 and len(array) == 1 else array
            if array.ndim == 1:
                values = list(array)
        if values is None or len(values) != len(self.names):
            got = f"{type(instance).__name__} {instance!r:.60}" if values is None else f"{len(values)} values"
            raise InstanceError(f"a row to explain must have {len(self.names)} columns, as the training data; got {got}.")
        return values

    def _by_name(self, values: Sequence[Any], names: Sequence[Any]) -> Sequence[Any]:
        found = dict(zip(map(str, names), values, strict=True))
        lacking = [name for name in self.names if name not in found]
        extra = [name for name in found if name not in self.names]
        if lacking or extra or len(found) != len(names):
            faults = {"lacks": lacking, "also has": extra}
            said = " and ".join(f"{what} {', '.join(map(repr, some[:5]))}" for what, some in faults.items() if some)
            raise InstanceError(
                f"a row to explain must have the training data's columns, in any order; it {said or 'repeats some'}."
            )
        return [found[name] for name in self.names]
