"""The number types of arrays: what they hold of the doubles that rows are drawn in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from limelight.exceptions import ArgumentError
from limelight.modalities.tables._fields import LARGEST_EXACT, NumberField

__all__ = ["check_exact", "field_of", "find_fault", "number_type", "to_type"]


def number_type(dtype: object) -> np.dtype:
    """The type in which a model gets numbers of this type: the same, but doubles if it is None or no type of numbers."""
    if not isinstance(dtype, np.dtype) or dtype.kind not in "biuf":
        return np.dtype(np.float64)
    return dtype.newbyteorder("=")


def field_of(dtype: np.dtype) -> NumberField:
    """What a column of an array of this type holds."""
    held = dtype.name if dtype.itemsize <= 8 else "float64"  # of longer floats, a double's digits
    return NumberField(is_whole=dtype.kind in "biu", numpy_type=held)


def check_exact(dtype: np.dtype, training: np.ndarray) -> None:
    """Refuse whole numbers of training data that a double would round.

    Raises
    ------
    ArgumentError
        If there are any.
    """
    if dtype.kind in "iu" and training.size and np.nanmax(np.abs(training)) > LARGEST_EXACT:
        raise ArgumentError(
            "training_data has whole numbers beyond 2**53, which would be rounded. Give an array of floats if that does not "
            "matter, or a frame in which they are texts."
        )


def find_fault(dtype: np.dtype, rows: np.ndarray, names: Sequence[str]) -> str | None:
    """What rows with numbers outside the type's range should hold instead, and such a number; None for other rows.

    Parameters
    ----------
    dtype : numpy dtype
    rows : ndarray of shape (m, d)
    names : sequence of str
        The names of the columns.
    """
    low, high = _limits_of(dtype)
    is_outside = (rows < low) | (rows > high)
    if not is_outside.any():
        return None
    row, column = np.argwhere(is_outside)[0]
    held = f"numbers from {low:.6g} to {high:.6g}, as the training data's type, {dtype}, does"
    return f"{held}; got {rows[row, column]:.6g} in {names[column]!r}"


@cache
def _limits_of(dtype: np.dtype) -> tuple[float, float]:
    return field_of(dtype).limits


def to_type(rows: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Rows, of shape (m, d), in this type; they stay doubles where it holds whole numbers, and one is missing or a fraction."""
    if dtype == np.float64 or (dtype.kind in "biu" and not np.array_equal(rows, np.rint(rows))):
        return rows
    return rows.astype(dtype)
