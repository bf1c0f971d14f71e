"""Many instances in any form, in chunks: read when they are wanted, never all at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from limelight._errors import ArgumentError, ArgumentTypeError, MissingDependencyError

__all__ = ["Chunk", "Instances", "chunks_of"]

_FORMATS = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".arrow": "ipc", ".feather": "ipc"}
_BATCH_ROWS = 4096  # rows of a file that are read at once


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
        wrapped = nw.from_native(instances, eager_only=True, allow_series=True, pass_through=True)
        if isinstance(wrapped, nw.DataFrame):
            read = _reader([str(name) for name in wrapped.columns], columns)
            return cls(map(read, wrapped.iter_rows()), len(wrapped))
        if isinstance(wrapped, nw.Series):
            return cls(iter(wrapped.to_list()), len(wrapped))
        if hasattr(instances, "tocsr"):
            rows = instances.tocsr()
            return cls((rows[[number]] for number in range(rows.shape[0])), rows.shape[0])
        if not isinstance(instances, Iterable) or getattr(instances, "shape", None) == ():
            got = f"{instances!r:.60} ({type(instances).__name__})"
            raise ArgumentTypeError(f"instances must be a frame, a file's path, an array or an iterable; got {got}.")
        return cls(iter(instances), len(instances) if isinstance(instances, Sized) else None)


def chunks_of(instances: Iterator[Any], size: int) -> Iterator[Chunk]:
    """Instances in chunks of a size; the last may be smaller."""
    number = 0
    while some := list(islice(instances, size)):
        yield Chunk(number, number * size, some)
        number += 1


def _from_files(path: Path, columns: Sequence[str] | None) -> Instances:
    try:
        import pyarrow.dataset
    except ImportError as error:
        raise MissingDependencyError("files of instances need pyarrow: pip install 'limelight[batch]'") from error
    inside = sorted(file for file in path.iterdir() if file.suffix in _FORMATS) if path.is_dir() else [path]
    formats = {_FORMATS.get(file.suffix) for file in inside}
    if not path.exists() or len(formats) != 1 or None in formats:
        raise ArgumentError(
            f"instances must be a file, or a folder of files of one kind, that end in {', '.join(_FORMATS)}; got {str(path)!r}."
        )
    dataset = pyarrow.dataset.dataset(inside, format=formats.pop())
    read = _reader(dataset.schema.names, columns)
    batches = dataset.to_batches(batch_size=_BATCH_ROWS)
    rows = (values for batch in batches for values in zip(*(column.to_pylist() for column in batch.columns), strict=True))
    return Instances(map(read, rows), dataset.count_rows())


def _reader(names: Sequence[str], columns: Sequence[str] | None) -> Callable[[Sequence[Any]], Any]:
    """What makes an instance of a row of a table with these columns; the explainer's own may be among others."""
    if columns is None:
        if len(names) != 1:
            shown = ", ".join(map(repr, names[:5]))
            raise ArgumentError(f"instances must be in the only column of a frame or file; it has {shown}.")
        return itemgetter(0)
    if not {*names} & {*columns} and len(names) == len(columns):
        names = columns  # the training data's columns had no names, or others
    lacking = [name for name in columns if name not in names]
    if lacking:
        shown = ", ".join(map(repr, lacking[:5]))
        raise ArgumentError(f"instances must have the training data's columns; {shown} are lacking.")
    places = [(name, names.index(name)) for name in columns]
    return lambda values: {name: values[place] for name, place in places}
