"""How rows in the user's form become numbers, and numbers a model's inputs: what every form of table has to say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from limelight._checks import check_names
from limelight.exceptions import ArgumentError
from limelight.modalities.tables._fields import Field
from limelight.results.explanation import Notice
from limelight.results.views import Cell, MixedView, TableView

__all__ = ["Encoding", "check_size", "feature_names_of"]


class Encoding(ABC):
    """How rows become numbers: a category is its place among all, a time a count of its unit, a missing value NaN.

    Attributes
    ----------
    names : tuple of str
        A name for each of the d columns.
    fields : tuple of Field
        What each column holds.
    text_columns : tuple of int
        The columns that hold free text. They are no components; their words are.
    has_own_components : bool
        Whether each row has components that only it has, words or entries: the kernel's width then depends on their number.
    """

    names: tuple[str, ...]
    fields: tuple[Field, ...]
    text_columns: tuple[int, ...] = ()
    has_own_components: bool = False

    @property
    def column_names(self) -> tuple[str, ...] | None:
        """The names of a row's columns in a table of instances; None where an instance is no row of a table."""
        return self.names

    @property
    def notes(self) -> tuple[Notice, ...]:
        """What a reader should know about a row's free texts."""
        return ()

    @property
    def words(self) -> tuple[str, ...]:
        """The names of the words in a row's free texts: each word has a column, after the table's."""
        return ()

    @property
    def column_numbers(self) -> Sequence[int]:
        """Which of the table's columns a row has."""
        return range(len(self.names))

    def find_columns(self, feature: object) -> list[int]:
        """The columns that a user means by a number or name; empty if there is no such column."""
        if isinstance(feature, str) and feature in self.names:
            return [self.names.index(feature)]
        if isinstance(feature, (int, np.integer)) and not isinstance(feature, bool) and 0 <= feature < len(self.names):
            return [int(feature)]
        return []

    def require_columns(self, parameter: str, feature: object) -> list[int]:
        """The columns that a user means by a number or name.

        Raises
        ------
        ArgumentError
            If there is no such column.
        """
        columns = self.find_columns(feature)
        if not columns:
            last = len(self.names) - 1
            raise ArgumentError(f"{parameter} must name columns by number, 0 to {last}, or by name; got {feature!r}.")
        return columns

    @property
    def names_by_place(self) -> tuple[str, ...] | None:
        """The user's names of columns that a model tells apart by their places alone; None where there are no such names."""
        return None

    def by_column(self, parameter: str, mapping: Mapping[Any, Any]) -> dict[int, tuple[object, Any]]:
        """For each column that a user's mapping names, the key that names it and the value.

        Raises
        ------
        ArgumentError
            If there is no such column, or two keys name the same one.
        """
        items: dict[int, tuple[object, Any]] = {}
        for feature, value in mapping.items():
            for number in self.require_columns(parameter, feature):
                if number in items:
                    name, other = self.names[number], items[number][0]
                    raise ArgumentError(
                        f"{parameter} must name each column once; got {name!r} as {other!r} and as {feature!r}."
                    )
                items[number] = feature, value
        return items

    def check_drawing(self, *, groups: object, sampler: object, constraint: object) -> None:  # noqa: B027 - most allow all
        """Check that rows of this form can be drawn as the user says.

        Raises
        ------
        ArgumentError
            If they cannot.
        """

    @abstractmethod
    def read(self, instance: Any) -> tuple[np.ndarray, Encoding]:
        """The row to explain as numbers of shape (d,), and the encoding that also knows categories which only this row has.

        Raises
        ------
        InstanceError, ArgumentTypeError
            If the row has other columns, or values of another kind.
        """

    def read_rows(self, parameter: str, rows: Any, count: int) -> np.ndarray:  # noqa: ARG002 - for forms that can be read
        """The rows that a user's function returns, as numbers of shape (count, d).

        Parameters
        ----------
        parameter : str
            The argument that is the function.
        rows : object
            What it returned.
        count : int
            How many rows it must return.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If they are not such rows.
        """
        raise ArgumentError(
            f"{parameter} cannot make rows with free text; a constraint may return booleans that say which rows to keep."
        )

    def hold(self, rows: np.ndarray) -> np.ndarray:
        """What the columns hold in place of these numbers, of shape (m, d): rounded and limited by their types, and written
        into the same array. So bins and categories are those of the numbers that the model gets.
        """
        return rows

    def make_view(self, cells: tuple[Cell, ...], num_components: int) -> TableView | MixedView:  # noqa: ARG002 - for words
        """The row as a renderer sees it, from the cells of its columns, which are its first `num_components` components."""
        return TableView(cells)

    @abstractmethod
    def make_batch(self, rows: np.ndarray) -> Any:
        """Rows of numbers, of shape (m, d), as the model takes them; may be the array that came."""


def check_size(shape: tuple[int, ...]) -> None:
    """Refuse training data without rows or columns."""
    if 0 in shape:
        raise ArgumentError(f"training_data must have rows and columns; got shape {shape}.")


def feature_names_of(feature_names: Iterable[object] | None, width: int) -> tuple[str, ...]:
    """A name for each column of an array; by default x0, x1, ...

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If there are more or fewer, or a name comes twice.
    """
    if feature_names is None:
        return tuple(f"x{number}" for number in range(width))
    names = check_names("feature_names", feature_names, width)
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ArgumentError(f"feature_names must be distinct; got {', '.join(map(repr, repeated[:5]))} more than once.")
    return names
