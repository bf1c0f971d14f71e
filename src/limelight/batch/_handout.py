"""The chunks that an engine is given, and a check that it gives back every row exactly once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from limelight.batch._instances import Chunk
from limelight.collection.arrow import arrow, check_schema
from limelight.exceptions import ArgumentError, EngineError, is_interruption

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Handout"]

_CONTRACT = "An engine yields (chunk.number, job.explain(chunk)) once for each chunk."


class Handout:
    """Chunks on their way to an engine and back.

    Iterating it gives the chunks up to the first that cannot be read. An engine finishes these; then `check_complete` raises
    the error of reading.

    Parameters
    ----------
    chunks : iterator of Chunk
        The chunks to be explained.
    """

    def __init__(self, chunks: Iterator[Chunk]) -> None:
        self._chunks = chunks
        self._unfinished: dict[int, range] = {}  # the numbers of their instances, by the numbers of the chunks
        self._read_error: BaseException | None = None

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        # No generator: an engine that ends early would close it, and the chunks that it did not read would go unnoticed.
        try:
            chunk = next(self._chunks)
        except StopIteration:
            raise
        except BaseException as error:
            if is_interruption(error):
                raise
            self._read_error = error
            raise StopIteration from error
        self._unfinished[chunk.number] = range(chunk.first, chunk.last + 1)
        return chunk

    def checked(self, results: Iterable[tuple[int, Any]]) -> Iterator[tuple[int, pa.Table]]:
        """Check each pair that an engine yields, and hand it on.

        Raises
        ------
        EngineError
            If a pair does not belong to a chunk that the engine was given and has not given back yet.
        """
        for result in results:
            number, table = self._check_pair(result)
            self._check_table(number, table)
            del self._unfinished[number]
            yield number, table

    def check_complete(self) -> None:
        """After the engine has ended: raise the error of reading, if there was one, and make sure that nothing is missing.

        Raises
        ------
        EngineError
            If the engine has not given back each chunk.
        """
        unread = None if self._unfinished else next(self, None)
        if self._read_error is not None:
            raise self._read_error
        if unread is not None:
            raise EngineError(f"the engine ended before it read chunk {unread.number}. {_CONTRACT}")
        if self._unfinished:
            raise EngineError(f"the engine ended without results for chunks {self._list_unfinished()}. {_CONTRACT}")

    def _check_pair(self, result: Any) -> tuple[int, Any]:
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise EngineError(f"the engine yielded {result!r:.60}, which is not a pair. {_CONTRACT}")
        number, table = result
        if not isinstance(number, (int, np.integer)) or number not in self._unfinished:
            raise EngineError(
                f"the engine yielded a result for chunk {number!r:.60}, which it was not given or has given back already; the "
                f"chunks without results are {self._list_unfinished()}. {_CONTRACT}"
            )
        return int(number), table

    def _check_table(self, number: int, table: Any) -> None:
        if not isinstance(table, arrow().Table):
            raise EngineError(f"the engine yielded {type(table).__name__} instead of a table for chunk {number}. {_CONTRACT}")
        try:
            check_schema(table.schema, f"the table that the engine yielded for chunk {number}")
        except ArgumentError as error:
            raise EngineError(f"{error} {_CONTRACT}") from error
        items = table.column("item").to_pylist()
        expected = self._unfinished[number]
        if items != list(expected):
            raise EngineError(
                f"the engine yielded a table of other instances for chunk {number}: it has {_describe(items)}, and the chunk "
                f"{_describe(expected)}. {_CONTRACT}"
            )

    def _list_unfinished(self) -> str:
        return f"{', '.join(map(str, sorted(self._unfinished))) or 'none':.200}"


def _describe(items: list[int] | range) -> str:
    return f"{len(items)} rows from instance {items[0]} to {items[-1]}" if items else "no rows"
