"""Arrays of rows, or of sequences of rows, which are numbers already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight._checks import check_numbers
from limelight._errors import ArgumentError, ArgumentTypeError, InstanceError
from limelight.modalities._encoding import Encoding, check_size, feature_names_of, in_order
from limelight.modalities._fields import Field, Numbers

__all__ = ["ArrayEncoding", "SequenceEncoding", "encode_array"]


def encode_array(training_data: Any, feature_names: Iterable[object] | None) -> tuple[np.ndarray, ArrayEncoding]:
    """An array of numbers, or of sequences of rows of them, as rows of numbers."""
    try:
        training = check_numbers("training_data", training_data, None)
    except ArgumentTypeError as error:
        raise ArgumentTypeError(f"{error} Give a table of texts, categories or dates as a frame.") from error
    if training.ndim == 3:
        return _encode_sequences(training, feature_names)
    training = check_numbers("training_data", training, 2)
    training = np.where(np.isnan(training), np.nan, training)  # one NaN for all
    check_size(training.shape)
    if np.isinf(training).any():
        bad = ", ".join(str(number) for number in np.flatnonzero(np.isinf(training).any(axis=0))[:5])
        raise ArgumentError(f"training_data must be finite, or NaN where a value is missing; columns {bad} have infinity.")
    return training, ArrayEncoding(feature_names_of(feature_names, training.shape[1]))


def _encode_sequences(sequences: np.ndarray, feature_names: Iterable[object] | None) -> tuple[np.ndarray, ArrayEncoding]:
    count, steps, width = sequences.shape
    names = feature_names_of(feature_names, width)
    training, encoding = encode_array(sequences.reshape(count, steps * width), _names_of_steps(names, steps))
    return training, SequenceEncoding(encoding.names, names, steps)


def _names_of_steps(names: Sequence[str], steps: int) -> list[str]:
    """The last step is t-0."""
    return [f"{name}_t-{ago}" for ago in reversed(range(steps)) for name in names]


@dataclass(frozen=True)
class ArrayEncoding(Encoding):
    """Rows that are numbers already."""

    names: tuple[str, ...]

    @property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]
        return (Numbers(),) * len(self.names)

    def read(self, instance: Any) -> tuple[np.ndarray, Encoding]:
        row = check_numbers("a row to explain", in_order(instance, self.names), None).copy()
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
class SequenceEncoding(ArrayEncoding):
    """Sequences of `steps` rows of numbers, step after step; a feature has a column for each step."""

    features: tuple[str, ...]
    steps: int

    @property
    def columns(self) -> None:
        return None

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
        array = check_numbers("a sequence to explain", instance, None)
        array = array[0] if array.ndim == 3 and len(array) == 1 else array
        if array.shape != self.shape:
            raise InstanceError(f"a sequence to explain must have shape {self.shape}, as the training data; got {array.shape}.")
        return super().read(array.reshape(-1))

    def numbers(self, parameter: str, rows: Any, count: int) -> np.ndarray:
        array = check_numbers(f"what {parameter} gives", rows, 3)
        if array.shape != (count, *self.shape):
            raise ArgumentError(f"{parameter} must give {count} sequences of shape {self.shape}; got {array.shape}.")
        return super().numbers(parameter, array.reshape(len(array), -1), count)

    def batch(self, rows: np.ndarray) -> np.ndarray:
        return rows.reshape(-1, *self.shape)
