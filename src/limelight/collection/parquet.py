"""Parquet files of explanations: written as a whole or not at all, and read one row group at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from limelight.collection.arrow import arrow, check_no_gaps, check_schema, schema
from limelight.exceptions import ArgumentError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FileChunk", "atomic_file", "open_chunks", "write"]

# A row group holds no more than this, or a single row.
_MOST_GROUP_ROWS = 10_000
_MOST_GROUP_BYTES = 2**26


@dataclass(frozen=True)
class Part:
    """An open file; it stays the same when another file takes its place.

    Attributes
    ----------
    path : str
        Where it was when it was opened.
    contents : pyarrow.Buffer
        Its bytes, mapped into memory.
    groups : tuple of int
        The number of rows in each of its row groups.
    footer : pyarrow.parquet.FileMetaData or None
        None for a file of one group, whose footer is read again when it is needed: a footer takes 70 kB, and a long job leaves
        thousands of such files.
    """

    path: str
    contents: pa.Buffer
    groups: tuple[int, ...]
    footer: Any

    def read(self, group: int, columns: Sequence[str] | None) -> pa.Table:
        """Read one row group. Each call makes its own reader, so threads may share the file."""
        pa = arrow()
        import pyarrow.parquet as pq

        try:
            contents = pa.BufferReader(self.contents)
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
        return _reopen, (self.path, self.contents.size, self.groups)


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
        A file that `write` made, or a folder of such files.

    Raises
    ------
    ArgumentError
        If there is no such file, or a file does not hold explanations of this version's schema.
    """
    place = Path(path).absolute()
    if not place.exists():
        raise ArgumentError(f"there is no file or folder {str(place)!r}.")
    files = sorted(place.glob("*.parquet")) if place.is_dir() else [place]
    if not files:
        raise ArgumentError(f"the folder {str(place)!r} has no .parquet files.")
    parts = [_open(str(file)) for file in files]
    return [FileChunk(part, group) for part in parts for group in range(len(part.groups))]


def _open(path: str) -> Part:
    pa = arrow()
    import pyarrow.parquet as pq

    try:
        with pa.memory_map(path) as file:
            contents = file.read_buffer()
        footer = pq.ParquetFile(pa.BufferReader(contents))
        file_schema = footer.schema_arrow
    except (pa.ArrowException, OSError, OverflowError, ValueError) as error:
        raise ArgumentError(f"{path!r} cannot be read as a Parquet file: {error}.") from error
    check_schema(file_schema, repr(path))
    groups = tuple(footer.metadata.row_group(group).num_rows for group in range(footer.num_row_groups))
    return Part(path, contents, groups, footer.metadata if len(groups) > 1 else None)


def _reopen(path: str, size: int, groups: tuple[int, ...]) -> Part:
    """Open a file that was pickled by its name; it must not have changed."""
    part = _open(path)
    if (part.contents.size, part.groups) != (size, groups):
        raise ArgumentError(f"{path!r} has changed since these explanations were pickled.")
    return part


def write(path: str | os.PathLike[str], tables: Iterable[pa.Table]) -> None:
    """Write tables of explanations to a file, one at a time; see `atomic_file`.

    Parameters
    ----------
    path : str or path
        The file to write.
    tables : iterable of pyarrow.Table
        In the order wanted. At most two of them are held at a time.
    """
    arrow()
    import pyarrow.parquet as pq

    with (
        atomic_file(Path(path)) as file,
        pq.ParquetWriter(file, schema(), compression="zstd", write_page_checksum=True) as writer,
    ):
        for group in _groups(tables):
            writer.write_table(group, row_group_size=max(group.num_rows, 1))


@contextmanager
def atomic_file(place: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces the one at `place` only when it is complete and on the disk.

    Parameters
    ----------
    place : Path
        Where there is a file, or nothing yet. Of a link, the target is replaced.

    Raises
    ------
    ArgumentError
        If something else is there, such as a folder, a device or a pipe; or there is no such folder.
    """
    place = place.resolve()
    if place.exists() and not place.is_file():
        raise ArgumentError(f"{str(place)!r} cannot be written: it is not a regular file.")
    if not place.parent.is_dir():
        raise ArgumentError(f"{str(place)!r} cannot be written: there is no folder {str(place.parent)!r}.")
    unfinished = place.with_name(f".{place.name}.{os.getpid()}-{threading.get_ident()}.unfinished")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, place)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(place.parent)


def _sync_folder(folder: Path) -> None:
    """Make the folder's new entry survive a loss of power, on systems that can open folders."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


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
