"""Tables as the inputs of an ONNX model that has several, or one of texts: each input gets its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from limelight._checks import as_array
from limelight.exceptions import ArgumentError, read_message

__all__ = ["OnnxInput", "find_columns", "make_feed", "read_input"]

_DTYPES: dict[str, Any] = {
    "float": np.float32,
    "float16": np.float16,
    "double": np.float64,
    "bool": np.bool_,
    "string": np.object_,
    **{name: np.dtype(name) for name in ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")},
}


class OnnxInput(NamedTuple):
    """An input of an ONNX model.

    Attributes
    ----------
    name : str
    dtype : numpy.dtype
        What it holds; objects, where it holds texts.
    shape : tuple
        Its shape; a dimension of any length has no int.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[Any, ...]

    @property
    def num_columns(self) -> int | None:
        """How many columns of a table it takes; None if its shape does not say."""
        if len(self.shape) < 2:
            return 1
        return self.shape[1] if len(self.shape) == 2 and isinstance(self.shape[1], int) else None


def read_input(tensor: Any) -> OnnxInput:
    """An input of a session.

    Raises
    ------
    ArgumentError
        If it holds neither numbers nor texts.
    """
    element_type = tensor.type.removeprefix("tensor(").removesuffix(")")
    if element_type not in _DTYPES:
        raise ArgumentError(
            f"the inputs of the ONNX model must hold one of {', '.join(_DTYPES)}; {tensor.name!r} is a {tensor.type}. "
            f"Give a callable instead."
        )
    return OnnxInput(tensor.name, np.dtype(_DTYPES[element_type]), tuple(tensor.shape))


def find_columns(inputs: Sequence[OnnxInput], names: Sequence[str]) -> list[str] | None:
    """The columns of a table that the inputs are named after, in the inputs' order; None if one has no column of its name."""
    by_name = {_as_input_name(name): name for name in names} | {name: name for name in names}
    columns = [by_name.get(tensor.name) for tensor in inputs if tensor.num_columns == 1]
    found = [column for column in columns if column is not None]
    return found if len(found) == len(inputs) else None


def make_feed(inputs: Sequence[OnnxInput], batch: Any) -> dict[str, np.ndarray]:
    """What each input of the model gets of a batch of rows or texts.

    The columns of a frame go to the inputs that are named after them. The columns of an array, and of a frame with other names,
    go to the inputs in order, if they are as many as the inputs take together.

    Raises
    ------
    ArgumentError
        If the columns do not fit the inputs.
    """
    columns = _read_columns(batch)
    by_name = find_columns(inputs, list(columns))
    if by_name is not None:
        taken = [[name] for name in by_name]
    else:
        counts = [tensor.num_columns for tensor in inputs]
        if None in counts and len(inputs) == 1:
            counts = [len(columns)]
        names = list(columns)
        unnamed = [tensor for tensor in inputs if not find_columns([tensor], names)]
        if len(unnamed) < len(inputs) or None in counts or sum(filter(None, counts)) != len(columns):
            takes = ", ".join(f"{tensor.name!r} ({tensor.num_columns or 'several'})" for tensor in unnamed)
            raise ArgumentError(
                f"the ONNX model has inputs that no column is named after: {takes}. The instance has {len(columns)} columns: "
                f"{', '.join(map(repr, names[:10]))}. Name the columns like the inputs, or give a callable."
            )
        bounds = np.cumsum([0, *(count or 0 for count in counts)])
        taken = [names[start:stop] for start, stop in pairwise(bounds.tolist())]
    return {
        tensor.name: _fill(tensor, {name: columns[name] for name in own}) for tensor, own in zip(inputs, taken, strict=True)
    }


def _read_columns(batch: Any) -> dict[str, np.ndarray]:
    """The columns of a batch by name, as numbers or as objects; an array's are named by their numbers."""
    if hasattr(batch, "columns"):
        import narwhals.stable.v2 as nw

        frame = nw.from_native(batch, eager_only=True, pass_through=True)
        if isinstance(frame, nw.DataFrame):
            return {str(series.name): _read_series(series) for series in frame.iter_columns()}
    array = as_array(batch)
    if array.ndim == 1:  # texts
        array = array[:, None]
    if array.ndim != 2:
        raise ArgumentError(f"the ONNX model takes rows or texts; these inputs have shape {array.shape}.")
    return {str(number): column for number, column in enumerate(array.T)}


def _read_series(series: Any) -> np.ndarray:
    if series.dtype.is_numeric() and series.null_count() == 0:
        return np.asarray(series.to_numpy())
    return np.array(series.to_list(), dtype=object)


def _fill(tensor: OnnxInput, columns: dict[str, np.ndarray]) -> np.ndarray:
    """An input made of these columns, in its dtype and shape."""
    read = _read_texts if tensor.dtype == object else _read_numbers
    table = np.stack([read(tensor, name, column) for name, column in columns.items()], axis=1)
    return table[:, 0] if len(tensor.shape) == 1 else table


def _read_texts(tensor: OnnxInput, name: str, column: np.ndarray) -> np.ndarray:
    if not all(isinstance(value, str) for value in column):
        other = next(value for value in column if not isinstance(value, str))
        raise ArgumentError(
            f"the input {tensor.name!r} of the ONNX model takes texts; column {name!r} holds {other!r:.80}. Give a callable "
            "that makes texts of it."
        )
    return np.array([str(value) for value in column], dtype=object)


def _read_numbers(tensor: OnnxInput, name: str, column: np.ndarray) -> np.ndarray:
    try:
        if column.dtype.kind in "mMSU" or any(isinstance(value, str) for value in (column if column.dtype == object else ())):
            raise TypeError("it does not hold numbers")
        if column.dtype == object:
            column = np.array([np.nan if value is None else value for value in column], dtype=np.float64)
        with np.errstate(invalid="ignore"):
            numbers = column.astype(tensor.dtype)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"the input {tensor.name!r} of the ONNX model takes numbers; column {name!r} cannot be given: "
            f"{read_message(error)}."
        ) from error
    if tensor.dtype.kind != "f" and not np.array_equal(numbers, column):
        other = column[np.argmax(numbers != column)]
        found = "missing values" if np.isnan(other) else f"other numbers, such as {other}"
        raise ArgumentError(
            f"the input {tensor.name!r} of the ONNX model takes {tensor.dtype}; column {name!r} has {found}. Give the training "
            "data whole numbers in this column."
        )
    return numbers


def _as_input_name(name: str) -> str:
    """A column's name as converters write it: what is no letter, digit or underscore becomes an underscore."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name)
