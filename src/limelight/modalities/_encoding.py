"""How rows in the user's own form are written as numbers, and given to a model: what each form of table has to say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from limelight._errors import ArgumentError
from limelight._views import Cell, MixedView, TableView
from limelight.modalities._fields import Field

__all__ = ["Encoding", "check_size"]


class Encoding(ABC):
    """How rows are written as numbers: a category as its place among all categories, a time in microseconds, missing as NaN.

    Attributes
    ----------
    names : tuple of str
        A name for each of the d columns.
    fields : tuple of Field
        What each column holds.
    texts : tuple of int
        The columns that hold free text, which are no components: their words are.
    """

    names: tuple[str, ...]
    fields: tuple[Field, ...]
    texts: tuple[int, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Names of the words of a row's free texts: each has a column of its own, after the table's."""
        return ()

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

    def view(self, cells: tuple[Cell, ...], components: int) -> TableView | MixedView:  # noqa: ARG002 - of words
        """The row as a renderer sees it, from the cells of its first `components`, the columns."""
        return TableView(cells)

    @abstractmethod
    def batch(self, rows: np.ndarray) -> Any:
        """Numbers of shape (m, d) as the model takes rows; an array of the caller's own is given as it is."""


def check_size(shape: tuple[int, ...]) -> None:
    """Refuse training data without rows or columns."""
    if 0 in shape:
        raise ArgumentError(f"training_data must have rows and columns; got shape {shape}.")
