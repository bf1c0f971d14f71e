"""Instances in any of a user's forms, cut into chunks; they are read when they are needed, never all at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from limelight._checks import check_ordered, row_values, wrap_frame
from limelight.batch.files import TableFile
from limelight.exceptions import ArgumentError, ArgumentTypeError

__all__ = ["Chunk", "Instances", "split_into_chunks"]

_MOST_NAMES = 5  # that a message lists


class Chunk(NamedTuple):
    """Consecutive instances.

    Attributes
    ----------
    number : int
        The chunk's place among the chunks, from 0.
    first : int
        The number of its first instance.
    instances : list
        The instances.
    """

    number: int
    first: int
    instances: list[Any]

    @property
    def last(self) -> int:
        """The number of its last instance."""
        return self.first + len(self.instances) - 1


class Instances(NamedTuple):
    """Instances to be read one after the other.

    Attributes
    ----------
    iterator : iterator
        The instances.
    total : int or None
        How many there are; None where that is not known before they are read.
    """

    iterator: Iterator[Any]
    total: int | None

    @classmethod
    def of(cls, instances: Any, columns: Sequence[str] | None) -> Instances:
        """Read instances in any form that ``explain_many`` takes.

        Parameters
        ----------
        instances : object
            A frame; the path of a Parquet, CSV or Arrow file, or of a folder of them; a sparse array; an array, tensor or any
            iterable of instances.
        columns : sequence of str or None
            The columns of a row, in the explainer's order. None where instances are not rows, so that the only column of a
            frame holds them.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If there is no such file, columns are missing, or `instances` cannot be iterated.
        """
        import narwhals.stable.v2 as nw

        check_ordered("instances", instances)
        if isinstance(instances, (str, os.PathLike)):
            return _from_files(Path(instances), columns)
        try:
            wrapped = wrap_frame(instances, allow_series=True)
        except ValueError as error:  # e.g. two columns have the same name
            raise ArgumentError(f"instances must be a valid frame: {error}") from error
        if isinstance(wrapped, nw.DataFrame):
            positions = _column_positions([str(name) for name in wrapped.columns], columns)
            rows = ([row[position] for position in positions] for row in row_values(wrapped))
            return cls(map(_instance_maker(columns), rows), len(wrapped))
        if isinstance(wrapped, nw.Series):
            return cls(iter(wrapped.to_list()), len(wrapped))
        if hasattr(instances, "tocsr"):
            sparse = instances.tocsr()
            return cls((sparse[[number]] for number in range(sparse.shape[0])), sparse.shape[0])
        is_single = isinstance(instances, (Mapping, bytes)) or getattr(instances, "shape", None) == ()
        is_lazy_frame = hasattr(type(instances), "columns")  # iterating it would give column names, or fail
        if is_single or is_lazy_frame or not isinstance(instances, Iterable):
            raise ArgumentTypeError(
                "instances must be a frame in memory, a file's path, an array or another iterable of instances; got "
                f"{instances!r:.60} ({type(instances).__name__})."
            )
        total = len(instances) if isinstance(instances, Sized) else None
        if hasattr(instances, "clone"):  # a tensor: each of its views would take the whole tensor along to other processes
            return cls((instance.clone() for instance in instances), total)
        return cls(iter(instances), total)


def split_into_chunks(instances: Iterator[Any], size: int) -> Iterator[Chunk]:
    """Group instances into chunks of a size; the last chunk may be smaller."""
    number = 0
    while members := list(islice(instances, size)):
        yield Chunk(number, number * size, members)
        number += 1


def _from_files(path: Path, columns: Sequence[str] | None) -> Instances:
    file = TableFile(path)
    names = file.column_names()
    rows, total = file.rows([names[position] for position in _column_positions(names, columns)])
    return Instances(map(_instance_maker(columns), rows), total)


def _column_positions(names: Sequence[str], columns: Sequence[str] | None) -> Sequence[int]:
    """Find the columns that an instance needs in a table, which may have more.

    Parameters
    ----------
    names : sequence of str
        The table's columns.
    columns : sequence of str or None
        The explainer's columns; None where instances are not rows.

    Raises
    ------
    ArgumentError
        If the table lacks a column; or if instances are not rows, and the table has more than one column.
    """
    if columns is None:
        if len(names) != 1:
            raise ArgumentError(
                f"instances that are not rows must be the only column of a frame or file; it has {_list_names(names)}. "
                "Give that column alone."
            )
        return [0]
    unnamed = list(columns) == [f"x{number}" for number in range(len(columns))]
    if unnamed and len(names) == len(columns) and not {*names} & {*columns}:
        return range(len(names))  # the training data were an array, whose columns have no names of the user's
    lacking = [name for name in columns if name not in names]
    if lacking:
        raise ArgumentError(f"instances must have the training data's columns; they lack {_list_names(lacking)}.")
    return [names.index(name) for name in columns]


def _list_names(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:_MOST_NAMES])) + ", ..." * (len(names) > _MOST_NAMES)


def _instance_maker(columns: Sequence[str] | None) -> Callable[[Sequence[Any]], Any]:
    """The function from the values of a table's row to an instance."""
    if columns is None:
        return itemgetter(0)
    names = tuple(columns)
    return lambda values: dict(zip(names, values, strict=True))
