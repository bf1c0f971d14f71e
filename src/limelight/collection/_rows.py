"""Rows selected from chunks in memory or in files; a chunk is read when one of its rows is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from limelight.collection.arrow import arrow, schema
from limelight.collection.parquet import FileChunk
from limelight.exceptions import ArgumentError, ArgumentTypeError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Rows", "rows_of_tables"]

_CHUNK_ROWS = 10_000  # of a table in memory


class RowChunk(Protocol):
    """Some consecutive rows."""

    @property
    def num_rows(self) -> int: ...

    def read(self, columns: Sequence[str] | None = None) -> pa.Table: ...


@dataclass(frozen=True)
class TableChunk:
    """Some consecutive rows, in memory."""

    table: pa.Table

    @property
    def num_rows(self) -> int:
        rows: int = self.table.num_rows
        return rows

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Their table, or some of its columns; of a nested column, all parts."""
        return self.table if columns is None else self.table.select(_outer_columns(columns))


def rows_of_tables(tables: Iterable[pa.Table]) -> Rows:
    """All rows of some tables; nothing is copied."""
    return Rows([TableChunk(table.slice(i, _CHUNK_ROWS)) for table in tables for i in range(0, table.num_rows, _CHUNK_ROWS)])


class Rows:
    """Rows selected from chunks, in any order; each is read when it is needed.

    Parameters
    ----------
    chunks : sequence of RowChunk
        Where the rows are.
    positions : range or ndarray of shape (n,), int, optional
        Which rows, counted through all chunks; by default all.
    """

    def __init__(self, chunks: Sequence[RowChunk], positions: range | np.ndarray | None = None) -> None:
        self._chunks = tuple(chunks)
        self._bounds = np.cumsum([0, *(chunk.num_rows for chunk in self._chunks)])
        self._positions = range(int(self._bounds[-1])) if positions is None else positions
        self._last_chunk: tuple[int, pa.Table] | None = None  # that `row` read, with its number

    def __len__(self) -> int:
        return len(self._positions)

    def __reduce__(self) -> tuple[Any, ...]:
        if all(isinstance(chunk, FileChunk) for chunk in self._chunks):
            return Rows, (self._chunks, self._positions)
        # A copy: pickling a slice of a table would pickle the whole table.
        return rows_of_tables, ([table.take(arrow().array(range(len(table)))) for table in self.tables()],)

    def select(self, index: Any) -> Rows:
        """Select some of these rows, by a slice, a mask or a sequence of positions.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If the index is something else, or a mask of another length.
        IndexError
            If there is no such position.
        """
        if isinstance(index, slice):
            return Rows(self._chunks, self._positions[index])
        return Rows(self._chunks, self._array[_read_positions(index, len(self))])

    def row(self, index: int) -> pa.Table:
        """The table of a single row."""
        position = int(self._positions[index])
        number = int(np.searchsorted(self._bounds, position, side="right")) - 1
        chunk = self._last_chunk
        if chunk is None or chunk[0] != number:
            chunk = self._last_chunk = (number, self._chunks[number].read())
        return chunk[1].slice(position - int(self._bounds[number]), 1)

    def tables(self, columns: Iterable[str] | None = None) -> Iterator[pa.Table]:
        """Read the rows in order, as tables of all or some columns; there is at least one table.

        Each chunk is read once if the rows are in the chunks' order. Otherwise it is read again for each
        10,000 rows that need it.
        """
        columns = None if columns is None else list(columns)
        names = schema().names if columns is None else _outer_columns(columns)
        if unknown := set(names) - set(schema().names):
            raise ArgumentError(f"columns must be among {schema().names}; got {sorted(unknown)}.")
        if not len(self):
            yield schema().empty_table().select(names)
            return
        owners = np.searchsorted(self._bounds, self._array, side="right") - 1
        in_order = bool(np.all(owners[1:] >= owners[:-1]))
        cuts = np.flatnonzero(np.diff(owners)) + 1 if in_order else np.arange(_CHUNK_ROWS, len(self), _CHUNK_ROWS)
        # Tables that are joined must have the same parts of nested columns, and those in memory have all parts.
        columns = columns if in_order or columns is None else names
        for piece, piece_owners in zip(np.split(self._array, cuts), np.split(owners, cuts), strict=True):
            yield self._gather(piece, piece_owners, columns)

    def _gather(self, positions: np.ndarray, owners: np.ndarray, columns: list[str] | None) -> pa.Table:
        """Read the rows at some positions, each chunk once; `owners` are the numbers of the rows' chunks."""
        tables = [
            _take(self._chunks[owner].read(columns), positions[owners == owner] - self._bounds[owner])
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
        """Join several `Rows`; nothing is copied."""
        starts = np.cumsum([0, *(part._bounds[-1] for part in parts)])
        positions = [part._array + start for part, start in zip(parts, starts, strict=False)]
        chunks = [chunk for part in parts for chunk in part._chunks]
        return Rows(chunks, np.concatenate([np.empty(0, dtype=np.int64), *positions]))


def _outer_columns(columns: Iterable[str]) -> list[str]:
    """The whole columns that parts of nested columns belong to."""
    return list(dict.fromkeys(column.partition(".")[0] for column in columns))


def _read_positions(index: Any, length: int) -> np.ndarray:
    """Turn a mask, or positions of which negative ones count from the end, into positions from the start.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If the index is neither, or a mask of another length.
    IndexError
        If there is no such position.
    """
    try:
        array = np.asarray(index)
        if array.dtype == object and isinstance(index, Iterable):  # an iterator, or a nullable column
            array = np.asarray(list(index))
    except ValueError:  # lists of different lengths
        array = np.empty(())
    if array.ndim != 1 or (array.size and array.dtype.kind not in "biu"):
        raise ArgumentTypeError(f"explanations are selected by a position, a slice, a mask or positions; got {index!r:.80}.")
    if array.dtype == bool:
        if len(array) != length:
            raise ArgumentError(f"a mask must have one entry for each of the {length} explanations; got {len(array)}.")
        return np.flatnonzero(array)
    positions: np.ndarray = array.astype(np.int64)
    if positions.size and not -length <= positions.min() <= positions.max() < length:
        raise IndexError(f"there are {length} explanations; got positions {positions.min()} to {positions.max()}.")
    return np.where(positions < 0, positions + length, positions)


def _take(table: pa.Table, positions: np.ndarray) -> pa.Table:
    """Take some rows of a table; consecutive ones are not copied."""
    if np.all(np.diff(positions) == 1):
        return table.slice(int(positions[0]), len(positions))
    return table.take(arrow().array(positions))
