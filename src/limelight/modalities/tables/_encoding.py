"""How rows in the user's own form are written as numbers, and given to a model: what each form of table has to say."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from limelight._checks import check_names
from limelight._errors import ArgumentError, InstanceError
from limelight.modalities.tables._fields import Field, is_cut, is_missing
from limelight.results.views import Cell, MixedView, TableView

__all__ = ["Encoding", "are_names", "by_name", "check_size", "feature_names_of", "in_order", "labelled"]


class Encoding(ABC):
    """How rows are written as numbers: a category as its place among all, a time as a count of its unit, missing as NaN.

    Attributes
    ----------
    names : tuple of str
        A name for each of the d columns.
    fields : tuple of Field
        What each column holds.
    texts : tuple of int
        The columns that hold free text, which are no components: their words are.
    own_components : bool
        Whether each row has components of its own, words or entries: the kernel is then as wide as their number says.
    """

    names: tuple[str, ...]
    fields: tuple[Field, ...]
    texts: tuple[int, ...] = ()
    own_components: bool = False

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The names of a row's columns, where rows can be read from a table; None where an instance is no such row."""
        return self.names

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

    def check_drawing(self, *, groups: object, sampler: object, constraint: object) -> None:  # noqa: B027 - most do all
        """Refuse what rows of this kind cannot be drawn with.

        Raises
        ------
        ArgumentError
            If there is anything such.
        """

    @abstractmethod
    def read(self, instance: Any) -> tuple[np.ndarray, Encoding]:
        """A row to explain as d numbers, and the encoding that also knows the categories which only this row has.

        Raises
        ------
        InstanceError, ArgumentTypeError
            If the row has other columns, or values of another kind.
        """

    def numbers(self, parameter: str, rows: Any, count: int) -> np.ndarray:  # noqa: ARG002 - of those that can be read
        """Rows that a user's function made, `parameter`, as numbers of shape (count, d).

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If they are not such rows.
        """
        raise ArgumentError(f"{parameter} cannot make rows with free text; a constraint may say with booleans which to keep.")

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


def feature_names_of(given: Iterable[object] | None, width: int) -> tuple[str, ...]:
    """A name for each column of an array, by default x0, x1, ...

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If there are more or fewer, or a name comes twice.
    """
    if given is None:
        return tuple(f"x{number}" for number in range(width))
    names = check_names("feature_names", given, width)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ArgumentError(f"feature_names must be distinct; got {', '.join(map(repr, twice[:5]))} more than once.")
    return names


def labelled(instance: Any) -> tuple[Sequence[Any], Sequence[Any] | None] | None:
    """The values of a mapping, a frame of one row or a series, and their labels, which some series lack; None for other rows.

    Raises
    ------
    InstanceError
        If it is a frame that has several rows, columns with the same name, or times that Python's own cannot hold.
    """
    import narwhals.stable.v2 as nw

    if isinstance(instance, Mapping):
        return list(instance.values()), list(instance)
    try:
        wrapped = nw.from_native(instance, eager_only=True, allow_series=True, pass_through=True)
    except ValueError as error:  # as where two columns have the same name
        raise InstanceError(f"a row to explain is not a sound frame: {error}") from error
    if isinstance(wrapped, nw.DataFrame):
        if len(wrapped) != 1:
            raise InstanceError(f"a row to explain must be one row; got a frame of {len(wrapped)}.")
        row = wrapped.row(0)
        for name, value in zip(wrapped.columns, row, strict=True):
            if type(value) is datetime and is_cut(wrapped[name]):
                raise InstanceError(f"column {name!r} of a row to explain has a time with parts of a microsecond: round it.")
        return row, wrapped.columns
    if not isinstance(wrapped, nw.Series):
        return None
    index = nw.maybe_get_index(wrapped)
    return wrapped.to_list(), None if index is None else list(index)


def are_names(labels: Iterable[Any], names: Sequence[str]) -> bool:
    """Whether labels, which may be anything, say by name which value is whose: as soon as a text is one of the names."""
    labels = list(labels)
    return any(isinstance(label, str) and label in names for label in labels) or sorted(map(str, labels)) == sorted(names)


def by_name(values: Sequence[Any], labels: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """A row's values in the order of the columns' names.

    Raises
    ------
    InstanceError
        If their labels are other names than these.
    """
    found, known = dict(zip(map(str, labels), values, strict=True)), set(names)
    lacking = [name for name in names if name not in found]
    extra = [name for name in found if name not in known]
    if lacking or extra or len(found) != len(labels):
        faults = {"lacks": lacking, "also has": extra}
        said = " and ".join(f"{what} {', '.join(map(repr, some[:5]))}" for what, some in faults.items() if some)
        raise InstanceError(
            f"a row to explain must have the training data's columns, in any order; it {said or 'repeats some'}."
        )
    return [found[name] for name in names]


def in_order(instance: Any, names: Sequence[str]) -> Any:
    """A row for an array's columns, which have no names but those that the user gives them: numbers, or as it came.

    Raises
    ------
    InstanceError
        If it is a mapping with other names, has only some of the names, or several rows.
    """
    own = None if type(instance) is np.ndarray else labelled(instance)  # the usual case is told sooner
    if own is None:
        return instance
    values, labels = own
    if labels is not None and (isinstance(instance, Mapping) or are_names(labels, names)):
        values = by_name(values, labels, names)
    return [math.nan if is_missing(value) else value for value in values]
