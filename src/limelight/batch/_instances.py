"""Many instances in any form, in chunks: read when they are wanted, never all at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from limelight._errors import ArgumentError, ArgumentTypeError
from limelight.batch.files import TableFile

__all__ = ["Chunk", "Instances", "chunks_of"]


class Chunk(NamedTuple):
    """Consecutive instances: the chunk's number, the number of its first instance, and themselves."""

    number: int
    first: int
    instances: list[Any]


class Instances(NamedTuple):
    """Instances one after the other, and how many they are, where that is known beforehand."""

    each: Iterator[Any]
    total: int | None

    @classmethod
    def of(cls, instances: Any, columns: Sequence[str] | None) -> Instances:
        """Read instances in the form that a user has them.

        Parameters
        ----------
        instances : object
            A frame or the path of a Parquet, CSV or Arrow file, or of a folder of them; a sparse array; an array, tensor or any
            iterable of instances.
        columns : sequence of str or None
            The columns of a row, in the explainer's order; None where an instance has none, so that a frame's only column
            holds them.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If there is no such file, or columns are lacking, or nothing can be iterated.
        """
        import narwhals.stable.v2 as nw

        if isinstance(instances, (str, os.PathLike)):
            return _from_files(Path(instances), columns)
        try:
            wrapped = nw.from_native(instances, eager_only=True, allow_series=True, pass_through=True)
        except ValueError as error:  # as where two columns have the same name
            raise ArgumentError(f"instances must be a sound frame: {error}") from error
        if isinstance(wrapped, nw.DataFrame):
            places = _places([str(name) for name in wrapped.columns], columns)
            rows = ([row[place] for place in places] for row in wrapped.iter_rows())
            return cls(map(_reader(columns), rows), len(wrapped))
        if isinstance(wrapped, nw.Series):
            return cls(iter(wrapped.to_list()), len(wrapped))
        if hasattr(instances, "tocsr"):
            sparse = instances.tocsr()
            return cls((sparse[[number]] for number in range(sparse.shape[0])), sparse.shape[0])
        single = isinstance(instances, (Mapping, bytes)) or getattr(instances, "shape", None) == ()
        is_elsewhere = hasattr(type(instances), "columns")  # such a frame is iterated by column, or not at all
        if single or is_elsewhere or not isinstance(instances, Iterable):
            got = f"{instances!r:.60} ({type(instances).__name__})"
            raise ArgumentTypeError(
                f"instances must be many: a frame in memory, a file's path, an array or an iterable of them; got {got}."
            )
        total = len(instances) if isinstance(instances, Sized) else None
        if hasattr(instances, "clone"):  # a tensor: of its views each would take all of it along to other processes
            return cls((instance.clone() for instance in instances), total)
        return cls(iter(instances), total)


def chunks_of(instances: Iterator[Any], size: int) -> Iterator[Chunk]:
    """Instances in chunks of a size; the last may be smaller."""
    number = 0
    while some := list(islice(instances, size)):
        yield Chunk(number, number * size, some)
        number += 1


def _from_files(path: Path, columns: Sequence[str] | None) -> Instances:
    file = TableFile(path)
    names = file.column_names()
    rows, total = file.rows([names[place] for place in _places(names, columns)])
    return Instances(map(_reader(columns), rows), total)


def _places(names: Sequence[str], columns: Sequence[str] | None) -> Sequence[int]:
    """Which columns of a table with these names an instance needs; the explainer's own may be among others.

    Raises
    ------
    ArgumentError
        If it lacks one; or if an instance is no row, and it has not one column.
    """
    if columns is None:
        if len(names) != 1:
            raise ArgumentError(
                f"instances that are no rows must be the only column of a frame or file; it has {_shown(names)}. "
                "Give that column alone."
            )
        return [0]
    unnamed = list(columns) == [f"x{number}" for number in range(len(columns))]
    if unnamed and len(names) == len(columns) and not {*names} & {*columns}:
        return range(len(names))  # an array's columns, of which nobody has said the names
    lacking = [name for name in columns if name not in names]
    if lacking:
        raise ArgumentError(f"instances must have the training data's columns; they lack {_shown(lacking)}.")
    return [names.index(name) for name in columns]


def _shown(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + ", ..." * (len(names) > 5)


def _reader(columns: Sequence[str] | None) -> Callable[[Sequence[Any]], Any]:
    """What makes an instance of the values of its columns."""
    if columns is None:
        return itemgetter(0)
    names = tuple(columns)
    return lambda values: dict(zip(names, values, strict=True))
