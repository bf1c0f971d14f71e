"""Tables in Parquet, CSV and Arrow files, and in folders of them, read a piece at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limelight._errors import ArgumentError, require

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TableFile"]

_FORMATS = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".arrow": "ipc", ".feather": "ipc"}
_BATCH_ROWS, _BATCH_CELLS = 4096, 2**20  # of a file that are read at once: no more than either
# Of texts in CSV files, as pandas reads them.
_MISSING = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL"),
    *("NaN", "None", "n/a", "nan", "null"),
)
_CSV_BLOCK = 2**24  # bytes of a CSV file that are read at once; the first of them tell the columns' types


class TableFile:
    """A table in a Parquet, CSV or Arrow file, or in a folder of files of one kind, in the order of their names.

    Every method raises an `ArgumentError` if there is no such table, or it is damaged.

    Parameters
    ----------
    path : Path
        The file or folder. Nothing is read before a method is called.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def column_names(self) -> list[str]:
        """The names of the columns, in order."""
        with _readable(self.path):
            names: list[str] = _dataset(self.path).schema.names
            return names

    def read(self) -> pa.Table:
        """The whole table."""
        with _readable(self.path):
            return _dataset(self.path).to_table()

    def read_column(self, name: str) -> list[Any] | None:
        """One column; None if there is none of that name."""
        with _readable(self.path):
            dataset = _dataset(self.path)
            if name not in dataset.schema.names:
                return None
            _check_columns(dataset, [name])
            values: list[Any] = dataset.to_table(columns=[name])[name].to_pylist()
            return values

    def rows(self, names: Sequence[str]) -> tuple[Iterator[Sequence[Any]], int]:
        """The rows, of no other columns than these, read when they are wanted; and how many there are.

        Raises
        ------
        ArgumentError
            If a file lacks a column.
        """
        with _readable(self.path):
            dataset = _dataset(self.path)
            _check_columns(dataset, names)
            return _few_at_a_time(dataset, names, self.path), dataset.count_rows()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    pyarrow = require("pyarrow", extra="batch", purpose="a file of instances")
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
    seen = (file for file in path.iterdir() if not file.name.startswith(".")) if is_folder else ()
    files = sorted(filter(_format, seen)) if is_folder else [path]
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
            raise ArgumentError(f"{file.path!r} must have the columns of the folder's first file; it lacks {lacking[0]!r}.")
        coded = [name for name in names if pa.types.is_binary(file.physical_schema.field(name).type)]
        if coded and isinstance(dataset.format, pa.dataset.CsvFileFormat):
            raise ArgumentError(f"{file.path!r} holds texts that are not UTF-8, in column {coded[0]!r}.")


def _few_at_a_time(dataset: Any, names: Sequence[str], path: Path) -> Iterator[Sequence[Any]]:
    rows = max(1, min(_BATCH_ROWS, _BATCH_CELLS // len(names)))
    with _readable(path):
        for batch in dataset.to_batches(columns=list(names), batch_size=rows, batch_readahead=2, fragment_readahead=1):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
