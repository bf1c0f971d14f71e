"""Tables in Parquet, CSV and Arrow files, and in folders of them, read a piece at a time."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from limelight._checks import join_levels
from limelight.exceptions import ArgumentError, require
from limelight.results.files import Place, list_files, locate

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TableFile"]

_FORMATS = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".arrow": "ipc", ".feather": "ipc"}
# Rows are read in batches that exceed neither number.
_MOST_ROWS = 4096
_MOST_CELLS = 2**20
_CSV_BLOCK_BYTES = 2**24  # the types of a CSV file's columns are read off its first block
# Texts that mean a missing value in a CSV file: the same as for pandas.
_MISSING_VALUES = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL"),
    *("NaN", "None", "n/a", "nan", "null"),
)


class TableFile:
    """A table in a Parquet, CSV or Arrow file, or in a folder of files of one format, in the order of their names.

    Every method raises an `ArgumentError` if there is no such table or it is damaged.

    Parameters
    ----------
    path : str or path
        The file or folder, here or at an address such as ``s3://bucket/rows.parquet``. Nothing is read before a method is
        called.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path

    def column_names(self) -> list[str]:
        """The names of the columns, in order."""
        with _read_errors(self.path):
            return list(_stored_names(_open_dataset(self.path).schema))

    def read(self) -> pa.Table:
        """Read the whole table."""
        with _read_errors(self.path):
            return _open_dataset(self.path).to_table()

    def read_column(self, name: str) -> list[Any] | None:
        """Read one column; None if there is none of that name."""
        with _read_errors(self.path):
            dataset = _open_dataset(self.path)
            if name not in dataset.schema.names:
                return None
            _check_columns(dataset, [name])
            values: list[Any] = dataset.to_table(columns=[name])[name].to_pylist()
            return values

    def rows(self, names: Sequence[str]) -> tuple[Iterator[Sequence[Any]], int]:
        """An iterator over the rows, with the values of the columns `names` only, and the number of rows.

        Raises
        ------
        ArgumentError
            If a file lacks a column.
        """
        with _read_errors(self.path):
            dataset = _open_dataset(self.path)
            stored_names = _stored_names(dataset.schema)
            names = [stored_names.get(name, name) for name in names]
            _check_columns(dataset, names)
            return _read_rows(dataset, names, self.path), dataset.count_rows()


@contextmanager
def _read_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what pyarrow raises while it reads a path into an `ArgumentError`."""
    pyarrow = require("pyarrow", extra="batch", purpose="a file of instances")
    try:
        yield
    except UnicodeDecodeError as error:
        raise ArgumentError(f"instances cannot be read from {str(path)!r}: it is not UTF-8 ({error}).") from error
    except (pyarrow.ArrowException, OSError) as error:
        raise ArgumentError(f"instances cannot be read from {str(path)!r}: {error}") from error


def _format_of(file: Place) -> str | None:
    return _FORMATS.get(file.ending)


def _open_dataset(path: str | os.PathLike[str]) -> Any:
    """Open a file or a folder of files as a pyarrow dataset, which reads no more than their schemas yet.

    Raises
    ------
    ArgumentError
        If there is no such file, or it is of another format.
    """
    import pyarrow.csv
    import pyarrow.dataset

    place = locate(path)
    found = list_files(place, "*")
    is_folder = found != [place]
    files = [file for file in found or () if _format_of(file) or not is_folder]
    formats = {_format_of(file) for file in files}
    if len(formats) != 1 or None in formats:
        if found is None:
            reason = "which does not exist"
        elif not is_folder:
            reason = "which has another ending"
        elif formats:
            reason = f"which holds files of several formats: {', '.join(sorted(map(str, formats)))}"
        else:
            reason = "which holds no such file"
        raise ArgumentError(
            f"instances must be a file ending in {', '.join(_FORMATS)}, or a folder of such files of one format; got "
            f"{str(path)!r:.200}, {reason}. Give a single instance to explain_instance, or in a list."
        )
    (format_,) = formats
    if format_ == "csv":  # as pandas reads it: texts may be missing, and may have several lines
        format_ = pyarrow.dataset.CsvFileFormat(
            read_options=pyarrow.csv.ReadOptions(block_size=_CSV_BLOCK_BYTES),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(null_values=_MISSING_VALUES, strings_can_be_null=True),
        )
    return pyarrow.dataset.dataset([file.path for file in files], format=format_, filesystem=place.file_system)


def _check_columns(dataset: Any, names: Sequence[str]) -> None:
    """Refuse files whose columns pyarrow would fill with nulls, since it looks at the first file alone, or read as bytes.

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
        binary = [name for name in names if pa.types.is_binary(file.physical_schema.field(name).type)]
        if binary and isinstance(dataset.format, pa.dataset.CsvFileFormat):
            raise ArgumentError(f"{file.path!r} holds texts that are not UTF-8, in column {binary[0]!r}.")


def _stored_names(schema: pa.Schema) -> dict[str, str]:
    """The name of each column, and the one that is stored: pandas stores labels of several levels as texts of tuples."""
    num_levels = len((schema.pandas_metadata or {}).get("column_indexes", ()))
    if num_levels < 2:
        return {name: name for name in schema.names}
    labels = [ast.literal_eval(name) if name.startswith("(") else name for name in schema.names]
    return dict(zip(join_levels(labels), schema.names, strict=True))


def _read_rows(dataset: Any, names: Sequence[str], path: str | os.PathLike[str]) -> Iterator[Sequence[Any]]:
    batch_rows = max(1, min(_MOST_ROWS, _MOST_CELLS // len(names)))
    with _read_errors(path):
        for batch in dataset.to_batches(columns=list(names), batch_size=batch_rows, batch_readahead=2, fragment_readahead=1):
            yield from zip(*map(_values_of, batch.columns), strict=True)


def _values_of(column: pa.Array) -> Sequence[Any]:
    """A column's values; those of pandas' own types, such as periods, as pandas has them."""
    import pyarrow as pa

    values: Sequence[Any]
    if pa.types.is_duration(column.type) and column.type.unit == "ns":
        values = column.to_numpy(zero_copy_only=False)  # Python's durations have no such parts
    elif isinstance(column.type, pa.BaseExtensionType) and column.type.extension_name.startswith("pandas."):
        values = column.to_pandas().tolist()
    else:
        values = column.to_pylist()
    return values
