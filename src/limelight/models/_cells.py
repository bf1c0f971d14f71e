"""Functions of single columns as values on cells, which are intervals of the column's values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Cells"]


class Cells(NamedTuple):
    """What k functions of a column are on each of r cells, which follow each other, and of each of m missing values.

    Attributes
    ----------
    column : int
        The table's column.
    outputs : ndarray of int, of shape (k,)
        The functions' numbers.
    lows, highs : ndarray of shape (r,)
        The cells: from above `low` up to `high`.
    at_lows, at_highs : ndarray of shape (r, k)
        The functions at the first and the last value of each cell.
    missing : ndarray of shape (m, k)
    slopes : ndarray of shape (k,) or None
        Where all functions are straight lines between their missing values: how steep these are.
    offsets : ndarray of shape (k,) or None
        Their values at 0.
    """

    column: int
    outputs: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    at_lows: np.ndarray
    at_highs: np.ndarray
    missing: np.ndarray
    slopes: np.ndarray | None = None
    offsets: np.ndarray | None = None

    @property
    def missing_are_alike(self) -> bool:
        """Whether all missing values have the same."""
        return len(self.missing) < 2 or np.array_equal(
            np.broadcast_to(self.missing[0], self.missing.shape), self.missing, equal_nan=True
        )
