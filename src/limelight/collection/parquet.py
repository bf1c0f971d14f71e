"""Parquet files of explanations: written as a whole or not at all, and read one row group at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from limelight.collection.arrow import arrow, check_no_gaps, check_schema, schema
from limelight.exceptions import ArgumentError
from limelight.results.files import Place, atomic_file, list_files, locate

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FileChunk", "open_chunks", "to_bytes", "write"]

# A row group holds no more than this, or a single row.
_MOST_GROUP_ROWS = 10_000
_MOST_GROUP_BYTES = 2**26


@dataclass(frozen=True)
class Part:
    """An open file; one on this machine stays the same when another file takes its place.

    Attributes
    ----------
    path : str
        Where it was when it was opened, or its address.
    contents : pyarrow.Buffer or None
        Its bytes, mapped into memory; None for a file at an address, which is opened again whenever it is read.
    size : int
        The number of its bytes.
    groups : tuple of int
        The number of rows in each of its row groups.
    footer : pyarrow.parquet.FileMetaData or None
        None for a file of one group, whose footer is read again when it is needed: a footer takes 70 kB, and a long job leaves
        thousands of such files.
    """

    path: str
    contents: pa.Buffer | None
    size: int
    groups: tuple[int, ...]
    footer: Any

    def read(self, group: int, columns: Sequence[str] | None) -> pa.Table:
        """Read one row group. Each call makes its own reader, so threads may share the file."""
        pa = arrow()
        import pyarrow.parquet as pq

        try:
            with _open_input(locate(self.path)) if self.contents is None else pa.BufferReader(self.contents) as contents:
                if contents.size() != self.size:
                    raise ValueError("it has changed since it was opened")
                file = pq.ParquetFile(contents, metadata=self.footer, page_checksum_verification=True)
                table = file.read_row_group(group, columns=columns)
            table.validate(full=True)
            if table.num_rows != self.groups[group]:
                raise ValueError("its columns are not as long as its footer says")
            check_no_gaps(table)
        except (pa.ArrowException, OSError, OverflowError, ValueError) as error:
            raise ArgumentError(f"{self.path!r} is damaged: {error}.") from error
        return table

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.path, self.size, self.groups)


@dataclass(frozen=True)
class FileChunk:
    """The entries of one row group of a file."""

    part: Part
    group: int

    @property
    def num_rows(self) -> int:
        return self.part.groups[self.group]

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Read their table, or some of its columns; ``"a.list.element.b"`` is a part of the nested column ``a``.

        Raises
        ------
        ArgumentError
            If the file is damaged.
        """
        return self.part.read(self.group, columns)


def open_chunks(path: str | os.PathLike[str]) -> list[FileChunk]:
    """Open a file, or the ``.parquet`` files of a folder in the order of their names; only the footers are read.

    Parameters
    ----------
    path : str or path
        A file that `write` made, or a folder of such files, here or at an address.

    Raises
    ------
    ArgumentError
        If there is no such file, or a file does not hold explanations of this version's schema.
    """
    place = _find(path)
    files = list_files(place, "*.parquet")
    if files is None:
        raise ArgumentError(f"there is no file or folder {place.name!r}.")
    if not files:
        raise ArgumentError(f"the folder {place.name!r} has no .parquet files.")
    parts = [_open(file) for file in files]
    return [FileChunk(part, group) for part in parts for group in range(len(part.groups))]


def _find(path: str | os.PathLike[str]) -> Place:
    """The place of a path; one on this machine stays the same when the working folder changes."""
    place = locate(path)
    if place.file_system is not None:
        return place
    absolute = os.path.abspath(place.path)
    return Place(absolute, None, absolute)


def _open(place: Place) -> Part:
    pa = arrow()
    import pyarrow.parquet as pq

    contents = None
    try:
        if place.file_system is None:
            if not Path(place.path).is_file():  # to open a pipe would wait for ever
                raise ValueError("it is not a regular file")
            with pa.memory_map(place.path) as mapped:
                contents = mapped.read_buffer()
        with _open_input(place) if contents is None else pa.BufferReader(contents) as file:
            size = file.size()
            footer = pq.ParquetFile(file)
            file_schema = footer.schema_arrow
    except (pa.ArrowException, OSError, OverflowError, ValueError) as error:
        raise ArgumentError(f"{place.name!r} cannot be read as a Parquet file: {error}.") from error
    check_schema(file_schema, repr(place.name))
    groups = tuple(footer.metadata.row_group(group).num_rows for group in range(footer.num_row_groups))
    return Part(place.name, contents, size, groups, footer.metadata if len(groups) > 1 else None)


def _open_input(place: Place) -> Any:
    """A file at an address, to be read at any position."""
    assert place.file_system is not None
    return place.file_system.open_input_file(place.path)


def _reopen(path: str, size: int, groups: tuple[int, ...]) -> Part:
    """Open a file that was pickled by its name; it must not have changed."""
    part = _open(_find(path))
    if (part.size, part.groups) != (size, groups):
        raise ArgumentError(f"{path!r} has changed since these explanations were pickled.")
    return part


def write(path: str | os.PathLike[str], tables: Iterable[pa.Table]) -> None:
    """Write tables of explanations to a file, one at a time; see `atomic_file`.

    Parameters
    ----------
    path : str or path
        The file to write, here or at an address.
    tables : iterable of pyarrow.Table
        In the order wanted. At most two of them are held at a time.
    """
    arrow()
    with atomic_file(path) as file:
        _write(file, tables, {})


def to_bytes(table: pa.Table, metadata: Mapping[bytes, bytes]) -> bytes:
    """A table of explanations as the contents of a file, with metadata that the tables read from it have as well."""
    file = BytesIO()
    _write(file, [table], metadata)
    return file.getvalue()


def _write(file: BinaryIO, tables: Iterable[pa.Table], metadata: Mapping[bytes, bytes]) -> None:
    import pyarrow.parquet as pq

    file_schema = schema()
    file_schema = file_schema.with_metadata({**file_schema.metadata, **metadata})
    with pq.ParquetWriter(file, file_schema, compression="zstd", write_page_checksum=True) as writer:
        for group in _groups(tables):
            writer.write_table(group, row_group_size=max(group.num_rows, 1))


def _groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Rearrange the rows in tables of a row group's size."""
    pa = arrow()
    waiting: list[Any] = []
    rows = size = 0
    for table in tables:
        step = max(1, min(_MOST_GROUP_ROWS, _MOST_GROUP_BYTES * table.num_rows // max(table.nbytes, 1)))
        for start in range(0, table.num_rows, step):
            piece = table.slice(start, step)
            if waiting and (rows + piece.num_rows > _MOST_GROUP_ROWS or size + piece.nbytes > _MOST_GROUP_BYTES):
                yield pa.concat_tables(waiting)
                waiting, rows, size = [], 0, 0
            waiting.append(piece)
            rows, size = rows + piece.num_rows, size + piece.nbytes
    if waiting:
        yield pa.concat_tables(waiting)
