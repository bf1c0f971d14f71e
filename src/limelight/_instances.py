"""Many instances in any form, in chunks: read when they are wanted, never all at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from limelight._errors import ArgumentError, ArgumentTypeError, MissingDependencyError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Chunk", "Instances", "chunks_of", "column_names", "read_column", "read_table"]

_FORMATS = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".arrow": "ipc", ".feather": "ipc"}
_BATCH_ROWS, _BATCH_CELLS = 4096, 2**20  # of a file that are read at once: no more than either
# Of texts in CSV files, as pandas reads them.
_MISSING = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL"),
    *("NaN", "None", "n/a", "nan", "null"),
)
_CSV_BLOCK = 2**24  # bytes of a CSV file that are read at once; the first of them tell the columns' types


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


def read_table(path: Path) -> pa.Table:
    """The whole of a table in a file, or in a folder of files.

    Raises
    ------
    ArgumentError
        If there is no such table, or it is damaged.
    """
    with _readable(path):
        return _dataset(path).to_table()


def column_names(path: Path) -> list[str]:
    """The columns of such a table.

    Raises
    ------
    ArgumentError
        If there is no such table, or it is damaged.
    """
    with _readable(path):
        names: list[str] = _dataset(path).schema.names
        return names


def read_column(path: Path, name: str) -> list[Any] | None:
    """A column of such a table; None if it has none of that name.

    Raises
    ------
    ArgumentError
        If there is no such table, or it is damaged.
    """
    with _readable(path):
        dataset = _dataset(path)
        if name not in dataset.schema.names:
            return None
        _check_columns(dataset, [name])
        values: list[Any] = dataset.to_table(columns=[name])[name].to_pylist()
        return values


def _from_files(path: Path, columns: Sequence[str] | None) -> Instances:
    with _readable(path):
        dataset = _dataset(path)
        names = dataset.schema.names
        wanted = [names[place] for place in _places(names, columns)]
        _check_columns(dataset, wanted)
        return Instances(map(_reader(columns), _rows(dataset, wanted, path)), dataset.count_rows())


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        import pyarrow
    except ImportError as error:
        raise MissingDependencyError("files of instances need pyarrow: pip install 'limelight[batch]'") from error
    try:
        yield
    except UnicodeDecodeError as error:
        raise ArgumentError(f"instances cannot be read from {str(path)!r}: it is not UTF-8 ({error}).") from error
    except (pyarrow.ArrowException, OSError) as error:
        raise ArgumentError(f"instances cannot be read from {str(path)!r}: {error}") from error


def _format(file: Path) -> str | None:
    return _FORMATS.get(file.suffix.lower())


def _dataset(path: Path) -> Any:
    """A file, or a folder of files, none of which is read yet but for its beginning or end.

    Raises
    ------
    ArgumentError
        If there is none, or it is of another format.
    """
    import pyarrow.csv
    import pyarrow.dataset

    # Of what can be no path, as of a text, these functions say that there is none.
    is_folder = os.path.isdir(path)
    files = sorted(file for file in path.iterdir() if _format(file)) if is_folder else [path]
    formats = {_format(file) for file in files}
    if not os.path.exists(path) or len(formats) != 1 or None in formats:
        what = f"which has files of the kinds {', '.join(sorted(map(str, formats)))}" if formats else "which has no such file"
        why = what if is_folder else "of another kind" if os.path.exists(path) else "which does not exist"
        raise ArgumentError(
            f"instances must be a file, or a folder of files of one kind, that end in {', '.join(_FORMATS)}; got "
            f"{str(path)!r:.200}, {why}. A single instance goes to explain_instance, or into a list."
        )
    (format_,) = formats
    if format_ == "csv":
        # As pandas reads them: texts may be missing, and may have several lines.
        format_ = pyarrow.dataset.CsvFileFormat(
            read_options=pyarrow.csv.ReadOptions(block_size=_CSV_BLOCK),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(null_values=_MISSING, strings_can_be_null=True),
        )
    return pyarrow.dataset.dataset([str(file) for file in files], format=format_)


def _check_columns(dataset: Any, names: Sequence[str]) -> None:
    """Refuse what would else be read as missing, since only the first of some files is looked at, or as bytes.

    Raises
    ------
    ArgumentError
        If a file lacks a column, or holds texts that are not UTF-8.
    """
    import pyarrow as pa

    for file in dataset.get_fragments():
        lacking = [name for name in names if name not in file.physical_schema.names]
        if lacking:
            raise ArgumentError(f"{file.path!r} must have the columns of the folder's first file; it lacks {_shown(lacking)}.")
        coded = [name for name in names if pa.types.is_binary(file.physical_schema.field(name).type)]
        if coded and isinstance(dataset.format, pa.dataset.CsvFileFormat):
            raise ArgumentError(f"{file.path!r} holds texts that are not UTF-8, in column {coded[0]!r}.")


def _rows(dataset: Any, names: Sequence[str], path: Path) -> Iterator[Sequence[Any]]:
    """The rows of a table in files; of no other columns than these, and few at a time."""
    rows = max(1, min(_BATCH_ROWS, _BATCH_CELLS // len(names)))
    with _readable(path):
        for batch in dataset.to_batches(columns=list(names), batch_size=rows, batch_readahead=2, fragment_readahead=1):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


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
