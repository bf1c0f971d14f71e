"""Instances in any of a user's forms, cut into chunks; they are read when they are needed, never all at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set, Sized
from itertools import islice, repeat, tee
from operator import itemgetter
from typing import Any, NamedTuple

from limelight._checks import check_id, check_ordered, check_row_order, list_names, row_values, wrap_frame
from limelight.batch.files import TableFile
from limelight.exceptions import ArgumentError, ArgumentTypeError, read_message

__all__ = ["Chunk", "Instances", "split_into_chunks"]


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
    ids : list of str or None
        What identifies each of them, if the user says so.
    """

    number: int
    first: int
    instances: list[Any]
    ids: list[str | None]

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
    ids : iterator of str or None
        What identifies each of them, if the user says so.
    """

    iterator: Iterator[Any]
    total: int | None
    ids: Iterator[str | None]

    @classmethod
    def of(cls, instances: Any, columns: Sequence[str] | None, ids: Any = None) -> Instances:
        """Read instances in any form that ``explain_many`` takes.

        Parameters
        ----------
        instances : object
            A frame; the path of a Parquet, CSV or Arrow file, or of a folder of them; a sparse array; an array, tensor or any
            iterable of instances.
        columns : sequence of str or None
            The columns of a row, in the explainer's order. None where instances are not rows, so that the only column of a
            frame holds them.
        ids : str, iterable or None
            The column of a frame or file that identifies the instances, or an id for each of them. By default the index of a
            pandas frame or Series, unless it only counts the rows.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If there is no such file, columns are missing, or `instances` or `ids` cannot be iterated.
        """
        import narwhals.stable.v2 as nw

        check_ordered("instances", instances)
        if isinstance(instances, (str, os.PathLike)):
            return _from_files(instances, columns, ids)
        try:
            wrapped = wrap_frame(instances, allow_series=True)
        except ValueError as error:  # e.g. two columns have the same name
            raise ArgumentError(f"instances must be a valid frame: {read_message(error)}") from error
        check_row_order("ids", ids, getattr(instances, "index", None), "the instances")
        if isinstance(wrapped, nw.DataFrame):
            names = [str(name) for name in wrapped.columns]
            column = _find_id_column(names, ids)
            positions = _column_positions(names, columns, column)
            rows = ([row[position] for position in positions] for row in row_values(wrapped))
            if column is not None:
                ids = wrapped[wrapped.columns[column]].to_list()
            row_ids = _index_of(instances) if ids is None else ids
            return cls(map(_instance_maker(columns), rows), len(wrapped), _read_ids(row_ids, len(wrapped)))
        if isinstance(wrapped, nw.Series):
            row_ids = _index_of(instances) if ids is None else ids
            return cls(iter(wrapped.to_list()), len(wrapped), _read_ids(row_ids, len(wrapped)))
        if hasattr(instances, "tocsr"):
            sparse = instances.tocsr()
            count = sparse.shape[0]
            return cls((sparse[[number]] for number in range(count)), count, _read_ids(ids, count))
        is_single = isinstance(instances, (Mapping, bytes)) or getattr(instances, "shape", None) == ()
        is_lazy_frame = hasattr(type(instances), "columns")  # iterating it would give column names, or fail
        if is_single or is_lazy_frame or not isinstance(instances, Iterable):
            raise ArgumentTypeError(
                "instances must be a frame in memory, a file's path, an array or another iterable of instances; got "
                f"{instances!r:.60} ({type(instances).__name__})."
            )
        total = len(instances) if isinstance(instances, Sized) else None
        if hasattr(instances, "clone"):  # a tensor: each of its views would take the whole tensor along to other processes
            return cls((instance.clone() for instance in instances), total, _read_ids(ids, total))
        return cls(iter(instances), total, _read_ids(ids, total))


def split_into_chunks(instances: Iterator[Any], ids: Iterator[str | None], size: int) -> Iterator[Chunk]:
    """Group instances into chunks of a size; the last chunk may be smaller.

    Raises
    ------
    ArgumentError
        If there is not one id for each instance.
    """
    number = 0
    while members := list(islice(instances, size)):
        chunk = Chunk(number, number * size, members, list(islice(ids, len(members))))
        if len(chunk.ids) < len(members):
            raise ArgumentError(
                f"ids must have an id for each instance; got {chunk.first + len(chunk.ids)} ids for more instances."
            )
        yield chunk
        number += 1


def _read_ids(ids: Any, total: int | None) -> Iterator[str | None]:
    """An id for each instance, as text, or None for all.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If `ids` is no sequence, or of another length than the instances.
    """
    if ids is None:
        return repeat(None)
    if isinstance(ids, (str, bytes, Mapping, Set)) or not isinstance(ids, Iterable):
        reason = "names a column, which only frames and files have" if isinstance(ids, str) else "is no such sequence"
        raise ArgumentTypeError(f"ids must be a sequence with an id for each instance; got {ids!r:.60}, which {reason}.")
    if total is not None and isinstance(ids, Sized) and len(ids) != total:
        raise ArgumentError(f"ids must have one id for each of the {total} instances; got {len(ids)}.")
    return map(check_id, ids)


def _find_id_column(names: Sequence[str], ids: Any) -> int | None:
    """The position of the column that `ids` names; None if it is something else.

    Raises
    ------
    ArgumentError
        If there is no such column.
    """
    if not isinstance(ids, str):
        return None
    if ids not in names:
        raise ArgumentError(f"ids must be a column of the instances; got {ids!r}, and they have {list_names(names)}.")
    return names.index(ids)


def _index_of(instances: Any) -> Any:
    """The labels of a pandas frame's or Series's rows; None for numbers that only count them, and where there is no index."""
    index: Any = getattr(instances, "index", None)
    is_count = type(index).__name__ == "RangeIndex" and (index.start, index.step) == (0, 1)
    return index if hasattr(index, "tolist") and not is_count else None


def _from_files(path: str | os.PathLike[str], columns: Sequence[str] | None, ids: Any) -> Instances:
    file = TableFile(path)
    names = file.column_names()
    column = _find_id_column(names, ids)
    positions = _column_positions(names, columns, column)
    if column is None:
        rows, total = file.rows([names[position] for position in positions])
        return Instances(map(_instance_maker(columns), rows), total, _read_ids(ids, total))
    rows, total = file.rows([*(names[position] for position in positions), names[column]])
    rows, again = tee(rows)
    instances = map(_instance_maker(columns), (row[:-1] for row in rows))
    return Instances(instances, total, _read_ids((row[-1] for row in again), total))


def _column_positions(names: Sequence[str], columns: Sequence[str] | None, id_column: int | None) -> Sequence[int]:
    """Find the columns that an instance needs in a table, which may have more.

    Parameters
    ----------
    names : sequence of str
        The table's columns.
    columns : sequence of str or None
        The explainer's columns; None where instances are not rows.
    id_column : int or None
        The position of the column that identifies them.

    Raises
    ------
    ArgumentError
        If the table lacks a column; or if instances are not rows, and the table has more than one column.
    """
    if columns is None:
        others = [position for position in range(len(names)) if position != id_column] or [0]
        if len(others) != 1:
            raise ArgumentError(
                f"instances that are not rows must be the only column of a frame or file; it has {list_names(names)}. "
                "Give that column alone."
            )
        return others
    unnamed = list(columns) == [f"x{number}" for number in range(len(columns))]
    if unnamed and len(names) == len(columns) and not {*names} & {*columns}:
        # The training data were an array, whose columns have no names of the user's; numbers may say which each column is.
        numbers = [str(number) for number in range(len(names))]
        return [names.index(number) for number in numbers] if {*names} == {*numbers} else range(len(names))
    lacking = [name for name in columns if name not in names]
    if lacking:
        raise ArgumentError(f"instances must have the training data's columns; they lack {list_names(lacking)}.")
    return [names.index(name) for name in columns]


def _instance_maker(columns: Sequence[str] | None) -> Callable[[Sequence[Any]], Any]:
    """The function from the values of a table's row to an instance."""
    if columns is None:
        return itemgetter(0)
    names = tuple(columns)
    return lambda values: dict(zip(names, values, strict=True))
