"""Entries in chunks, in memory or in files, and which of them are meant: read a piece at a time, copied when it has to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from limelight._errors import ArgumentError, ArgumentTypeError
from limelight.collection.arrow import arrow, schema
from limelight.collection.parquet import FileChunk

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Rows", "rows_of_tables"]

CHUNK = 10_000  # rows of a table in memory that are looked at together


class Chunk(Protocol):
    """Some consecutive entries."""

    @property
    def num_rows(self) -> int: ...

    def read(self, columns: Sequence[str] | None = None) -> pa.Table: ...


@dataclass(frozen=True)
class TableChunk:
    """Some consecutive entries, in memory."""

    table: pa.Table

    @property
    def num_rows(self) -> int:
        rows: int = self.table.num_rows
        return rows

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Their table, or some columns of it; of a nested column all parts."""
        return self.table if columns is None else self.table.select(_outer(columns))


def rows_of_tables(tables: Iterable[pa.Table]) -> Rows:
    """All rows of some tables; nothing is copied."""
    return Rows([TableChunk(table.slice(i, CHUNK)) for table in tables for i in range(0, table.num_rows, CHUNK)])


class Rows:
    """Rows of chunks, in an order; they are read when they are asked for.

    Parameters
    ----------
    chunks : sequence of Chunk
        Where they are.
    positions : range or ndarray of int, optional
        Which rows of the chunks, one after the other; by default all.
    """

    def __init__(self, chunks: Sequence[Chunk], positions: range | np.ndarray | None = None) -> None:
        self._chunks = tuple(chunks)
        self._bounds = np.cumsum([0, *(chunk.num_rows for chunk in self._chunks)])
        self._positions = range(int(self._bounds[-1])) if positions is None else positions
        self._last: tuple[int, pa.Table] | None = None  # what `one` read last

    def __len__(self) -> int:
        return len(self._positions)

    def __reduce__(self) -> tuple[Any, ...]:
        if all(isinstance(chunk, FileChunk) for chunk in self._chunks):
            return Rows, (self._chunks, self._positions)
        # A copy, for a slice would take all that it is a slice of with it.
        return rows_of_tables, ([table.take(arrow().array(range(len(table)))) for table in self.tables()],)

    def chosen(self, index: Any) -> Rows:
        """Some of these rows: those of a slice, of a mask, or of a sequence of positions.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If it is none of these, or a mask of another length.
        IndexError
            If there is no such position.
        """
        if isinstance(index, slice):
            return Rows(self._chunks, self._positions[index])
        return Rows(self._chunks, self._array[_positions(index, len(self))])

    def one(self, index: int) -> pa.Table:
        """The table of a single row."""
        position = int(self._positions[index])
        number = int(np.searchsorted(self._bounds, position, side="right")) - 1
        last = self._last
        if last is None or last[0] != number:
            last = self._last = (number, self._chunks[number].read())
        return last[1].slice(position - int(self._bounds[number]), 1)

    def tables(self, columns: Iterable[str] | None = None) -> Iterator[pa.Table]:
        """The rows' tables, or some columns of them, in order; at least one table.

        Where the positions do not jump back, each chunk is read once; else each as often as some 10,000 rows need it.
        """
        columns = None if columns is None else list(columns)
        names = schema().names if columns is None else _outer(columns)
        if unknown := set(names) - set(schema().names):
            raise ArgumentError(f"columns must be among {schema().names}; got {sorted(unknown)}.")
        if not len(self):
            yield schema().empty_table().select(names)
            return
        owners = np.searchsorted(self._bounds, self._array, side="right") - 1
        in_order = bool(np.all(owners[1:] >= owners[:-1]))
        cuts = np.flatnonzero(np.diff(owners)) + 1 if in_order else np.arange(CHUNK, len(self), CHUNK)
        # Tables that are put together have to have all parts of nested columns, as those in memory do.
        read = columns if in_order or columns is None else names
        for positions, own in zip(np.split(self._array, cuts), np.split(owners, cuts), strict=True):
            yield self._gathered(positions, own, read)

    def _gathered(self, positions: np.ndarray, owners: np.ndarray, columns: list[str] | None) -> pa.Table:
        """Rows of some chunks, each of which is read once."""
        tables = [
            _taken(self._chunks[owner].read(columns), positions[owners == owner] - self._bounds[owner])
            for owner in np.unique(owners)
        ]
        if len(tables) == 1:
            return tables[0]
        places = np.argsort(np.argsort(owners, kind="stable"), kind="stable")
        return arrow().concat_tables(tables).take(arrow().array(places))

    @cached_property
    def _array(self) -> np.ndarray:
        return np.asarray(self._positions, dtype=np.int64)

    @staticmethod
    def concat(parts: Sequence[Rows]) -> Rows:
        """The rows of some, one after the other; nothing is copied."""
        starts = np.cumsum([0, *(part._bounds[-1] for part in parts)])
        positions = [part._array + start for part, start in zip(parts, starts, strict=False)]
        chunks = [chunk for part in parts for chunk in part._chunks]
        return Rows(chunks, np.concatenate([np.empty(0, dtype=np.int64), *positions]))


def _outer(columns: Iterable[str]) -> list[str]:
    """The columns to which parts of columns belong."""
    return list(dict.fromkeys(column.partition(".")[0] for column in columns))


def _positions(index: Any, length: int) -> np.ndarray:
    """A mask, or positions that may count from the end, as positions.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If it is neither, or a mask of another length.
    IndexError
        If there is no such position.
    """
    try:
        array = np.asarray(index)
        if array.dtype == object and isinstance(index, Iterable):  # an iterator, or a column in which some may be missing
            array = np.asarray(list(index))
    except ValueError:  # lists of different lengths
        array = np.empty(())
    if array.ndim != 1 or (array.size and array.dtype.kind not in "biu"):
        raise ArgumentTypeError(f"explanations are chosen by a position, a slice, a mask or positions; got {index!r:.80}.")
    if array.dtype == bool:
        if len(array) != length:
            raise ArgumentError(f"a mask must have one entry for each of the {length} explanations; got {len(array)}.")
        return np.flatnonzero(array)
    positions: np.ndarray = array.astype(np.int64)
    if positions.size and not -length <= positions.min() <= positions.max() < length:
        raise IndexError(f"there are {length} explanations; positions {positions.min()} to {positions.max()} were asked for.")
    return np.where(positions < 0, positions + length, positions)


def _taken(table: pa.Table, positions: np.ndarray) -> pa.Table:
    """Some rows of a table; consecutive ones are not copied."""
    if np.all(np.diff(positions) == 1):
        return table.slice(int(positions[0]), len(positions))
    return table.take(arrow().array(positions))
