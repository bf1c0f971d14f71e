"""What is known of a table's columns before a model is asked: which values LIME's law draws, and how a model gets rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np

__all__ = ["ColumnValues", "TableColumns"]


class ColumnValues(NamedTuple):
    """The values that are drawn of a column.

    Attributes
    ----------
    low, high : float
        The ends of those that are present.
    is_whole : bool
        Whether these are whole numbers.
    listed : ndarray or None
        All of these, ascending, where there are few.
    missing : ndarray
        The missing ones, NaN, one of each kind.
    """

    low: float
    high: float
    is_whole: bool
    listed: np.ndarray | None
    missing: np.ndarray

    def is_like(self, other: ColumnValues) -> bool:
        """Whether the same values are drawn of another column."""
        if (self.low, self.high, self.is_whole) != (other.low, other.high, other.is_whole):
            return False
        if len(self.missing) != len(other.missing) or (self.listed is None) != (other.listed is None):
            return False
        return self.listed is None or np.array_equal(self.listed, other.listed)  # type: ignore[arg-type]


class TableColumns(ABC):
    """The d columns of a table.

    Attributes
    ----------
    names : tuple of str or None
        The columns' names in the frames that a model gets; None where it gets no frames.
    """

    names: tuple[str, ...] | None

    @abstractmethod
    def values(self) -> list[ColumnValues] | None:
        """What is drawn of each column; None where that is not known of all."""

    @abstractmethod
    def batch(self, rows: np.ndarray) -> Any:
        """Rows of numbers, of shape (m, d), as a model gets them: rounded to what the columns hold."""

    @abstractmethod
    def is_like(self, other: TableColumns) -> bool:
        """Whether a model gets the same from other columns, and the same values are drawn."""
