"""Arrays of rows, or of sequences of rows, which are numbers from the start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from limelight._checks import as_array, check_numbers, wrap_frame
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError, read_message
from limelight.modalities.tables._encoding import Encoding, check_size, feature_names_of
from limelight.modalities.tables._fields import Field
from limelight.modalities.tables._labelled_rows import are_names, order_by_name, order_values
from limelight.modalities.tables._number_types import check_exact, field_of, find_fault, number_type, to_type

__all__ = ["ArrayEncoding", "encode_array"]


def encode_array(training_data: Any, feature_names: Iterable[object] | None) -> tuple[np.ndarray, ArrayEncoding]:
    """An array of numbers, of shape (n, d) or (n, steps, features), as rows of numbers, of shape (n, d), and their encoding.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If it holds anything but finite numbers and NaN, or has no rows or columns.
    """
    # The type of an array, or a tensor, says what it holds; a list may only happen to hold whole numbers.
    training_data = as_array(training_data) if hasattr(training_data, "dtype") else training_data
    dtype = number_type(getattr(training_data, "dtype", None))
    try:
        training = check_numbers("training_data", training_data, None)
    except ArgumentTypeError as error:
        raise ArgumentTypeError(f"{error} Give a table of texts, categories or dates as a frame.") from error
    if training.ndim == 3:
        return _encode_sequences(training, feature_names, dtype)
    training = check_numbers("training_data", training, 2)
    training = np.where(np.isnan(training), np.nan, training)  # one NaN for all
    check_size(training.shape)
    if np.isinf(training).any():
        bad = ", ".join(str(number) for number in np.flatnonzero(np.isinf(training).any(axis=0))[:5])
        raise ArgumentError(
            f"training_data must be finite, or NaN where a value is missing; columns {bad} have infinity. Replace it, or leave "
            "those rows out."
        )
    check_exact(dtype, training)
    return training, ArrayEncoding(feature_names_of(feature_names, training.shape[1]), dtype)


def _encode_sequences(
    sequences: np.ndarray, feature_names: Iterable[object] | None, dtype: np.dtype
) -> tuple[np.ndarray, ArrayEncoding]:
    count, steps, width = sequences.shape
    features = feature_names_of(feature_names, width)
    training, encoding = encode_array(sequences.reshape(count, steps * width), _name_steps(features, steps))
    check_exact(dtype, training)
    return training, SequenceEncoding(encoding.names, dtype, features, steps)


def _name_steps(features: Sequence[str], steps: int) -> list[str]:
    """A name for each feature at each step, step after step; the last step is t-0."""
    return [f"{feature}_t-{steps_ago}" for steps_ago in reversed(range(steps)) for feature in features]


@dataclass(frozen=True)
class ArrayEncoding(Encoding):
    """Rows that are numbers from the start; the model gets them in the type of the training data, `dtype`."""

    names: tuple[str, ...]
    dtype: np.dtype

    @cached_property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]
        return (field_of(self.dtype),) * len(self.names)

    @property
    def names_by_place(self) -> tuple[str, ...] | None:
        return None if self.names == feature_names_of(None, len(self.names)) else self.names

    def read(self, instance: Any) -> tuple[np.ndarray, Encoding]:
        row = check_numbers("a row to explain", order_values(instance, self.names), None).copy()
        if row.ndim == 2 and len(row) == 1:
            row = row[0]
        width = len(self.names)
        if row.shape != (width,):
            raise InstanceError(f"a row to explain must have {width} columns, as the training data; got shape {row.shape}.")
        if not np.isfinite(row).all():
            if np.isinf(row).any():
                bad = ", ".join(self.names[i] for i in np.flatnonzero(np.isinf(row))[:5])
                raise InstanceError(f"a row to explain must be finite, or NaN where a value is missing; infinity in {bad}.")
            row[np.isnan(row)] = np.nan  # one NaN for all
        fault = find_fault(self.dtype, row[None], self.names)
        if fault:
            raise InstanceError(f"a row to explain must hold {fault}. Give training_data of another type, such as float64.")
        return row, self

    def read_rows(self, parameter: str, rows: Any, count: int) -> np.ndarray:
        array = check_numbers(f"what {parameter} gives", rows, 2)
        if array.shape != (count, len(self.names)):
            raise ArgumentError(f"{parameter} must give {count} rows of {len(self.names)} columns; got shape {array.shape}.")
        if np.isinf(array).any():
            bad = ", ".join(self.names[i] for i in np.flatnonzero(np.isinf(array).any(axis=0))[:5])
            raise ArgumentError(f"{parameter} must give finite numbers, or NaN where a value is missing; infinity in {bad}.")
        fault = find_fault(self.dtype, array, self.names)
        if fault:
            raise ArgumentError(f"{parameter} must give {fault}.")
        return self.hold(np.where(np.isnan(array), np.nan, array))

    def hold(self, rows: np.ndarray) -> np.ndarray:
        return self.fields[0].hold(rows)

    def make_batch(self, rows: np.ndarray) -> np.ndarray:
        return to_type(rows, self.dtype)


@dataclass(frozen=True)
class SequenceEncoding(ArrayEncoding):
    """Sequences of rows of numbers, one row for each of `steps` steps; each of `features` has a column for each step."""

    features: tuple[str, ...]
    steps: int

    @property
    def column_names(self) -> None:
        return None

    @property
    def names_by_place(self) -> None:
        return None

    @property
    def shape(self) -> tuple[int, int]:
        return self.steps, len(self.features)

    def find_columns(self, feature: object) -> list[int]:
        if isinstance(feature, str) and feature in self.features:
            feature = self.features.index(feature)
        if not isinstance(feature, (int, np.integer)) or isinstance(feature, bool) or not 0 <= feature < len(self.features):
            return super().find_columns(feature) if isinstance(feature, str) else []
        return [int(feature) + step * len(self.features) for step in range(self.steps)]

    def read(self, instance: Any) -> tuple[np.ndarray, Encoding]:
        array = check_numbers("a sequence to explain", self._order_columns(instance), None)
        array = array[0] if array.ndim == 3 and len(array) == 1 else array
        if array.shape != self.shape:
            raise InstanceError(f"a sequence to explain must have shape {self.shape}, as the training data; got {array.shape}.")
        return super().read(array.reshape(-1))

    def _order_columns(self, instance: Any) -> Any:
        """A frame of steps with its columns in the order of the features, if they have these names; else the same object."""
        import narwhals.stable.v2 as nw

        if type(instance) is np.ndarray:  # the usual case need not be wrapped
            return instance
        try:
            frame = wrap_frame(instance)
        except ValueError as error:  # for example, two columns have the same name
            raise InstanceError(f"a sequence to explain is not a sound frame: {read_message(error)}") from error
        if not isinstance(frame, nw.DataFrame) or not are_names(frame.columns, self.features):
            return instance
        return frame.select(order_by_name(frame.columns, frame.columns, self.features)).to_native()

    def read_rows(self, parameter: str, rows: Any, count: int) -> np.ndarray:
        array = check_numbers(f"what {parameter} gives", rows, 3)
        if array.shape != (count, *self.shape):
            raise ArgumentError(f"{parameter} must give {count} sequences of shape {self.shape}; got {array.shape}.")
        return super().read_rows(parameter, array.reshape(len(array), -1), count)

    def make_batch(self, rows: np.ndarray) -> np.ndarray:
        return super().make_batch(rows).reshape(-1, *self.shape)
