"""Files of explanations: Parquet, written whole or not at all, and read a row group at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from limelight._errors import ArgumentError
from limelight.collection.arrow import arrow, check_schema, check_whole, schema

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FileChunk", "open_chunks", "whole_file", "write"]

GROUP_ROWS, GROUP_BYTES = 10_000, 2**26  # a row group holds no more than either, or one row


@dataclass(frozen=True)
class Part:
    """One open file; a file that is later put in its place leaves it as it is.

    Attributes
    ----------
    path : str
        Where it was.
    contents : pyarrow.Buffer
        What it holds, mapped into memory.
    groups : tuple of int
        How many rows each of its row groups has.
    footer : pyarrow.parquet.FileMetaData or None
        Of a single group it is sooner read again than kept: it takes 70 kB, and a long job leaves thousands of such files.
    """

    path: str
    contents: pa.Buffer
    groups: tuple[int, ...]
    footer: Any

    def read(self, group: int, columns: Sequence[str] | None) -> pa.Table:
        """One row group. A reader of its own for each call makes this safe in threads."""
        pa = arrow()
        import pyarrow.parquet as pq

        try:
            contents = pa.BufferReader(self.contents)
            file = pq.ParquetFile(contents, metadata=self.footer, page_checksum_verification=True)
            table = file.read_row_group(group, columns=columns)
            table.validate(full=True)
            if table.num_rows != self.groups[group]:
                raise ValueError("its columns differ in length from what its footer says")
            check_whole(table)
        except (pa.ArrowException, OSError, OverflowError, ValueError) as error:
            raise ArgumentError(f"{self.path!r} is damaged: {error}.") from error
        return table

    def __reduce__(self) -> tuple[Any, ...]:
        return _open_again, (self.path, self.contents.size, self.groups)


@dataclass(frozen=True)
class FileChunk:
    """Some consecutive explanations, in a file."""

    part: Part
    group: int

    @property
    def num_rows(self) -> int:
        return self.part.groups[self.group]

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Their table, or some columns of it; ``"a.list.element.b"`` is a part of nested column ``a``.

        Raises
        ------
        ArgumentError
            If the file is damaged.
        """
        return self.part.read(self.group, columns)


def open_chunks(path: str | os.PathLike[str]) -> list[FileChunk]:
    """What a file, or the ``.parquet`` files of a folder, hold, in the order of their names; nothing but their footers is read.

    Parameters
    ----------
    path : str or path
        A file that `write` made, or a folder of such.

    Raises
    ------
    ArgumentError
        If there is no such file, or one of them holds no explanations of this version's schema.
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
        found = footer.schema_arrow
    except (pa.ArrowException, OSError, OverflowError, ValueError) as error:
        raise ArgumentError(f"{path!r} is no Parquet file that can be read: {error}.") from error
    check_schema(found, repr(path))
    groups = tuple(footer.metadata.row_group(group).num_rows for group in range(footer.num_row_groups))
    return Part(path, contents, groups, footer.metadata if len(groups) > 1 else None)


def _open_again(path: str, size: int, groups: tuple[int, ...]) -> Part:
    """A file that was pickled by its name."""
    part = _open(path)
    if (part.contents.size, part.groups) != (size, groups):
        raise ArgumentError(f"{path!r} is another file than when these explanations were pickled.")
    return part


def write(path: str | os.PathLike[str], tables: Iterable[pa.Table]) -> None:
    """Write tables of explanations to a file, one at a time; where that fails, what was there before is left as it was.

    Parameters
    ----------
    path : str or path
        Where to.
    tables : iterable of pyarrow.Table
        In the order wanted; each is let go of before the next one but one is asked for.
    """
    arrow()
    import pyarrow.parquet as pq

    with (
        whole_file(Path(path)) as file,
        pq.ParquetWriter(file, schema(), compression="zstd", write_page_checksum=True) as writer,
    ):
        for group in _groups(tables):
            writer.write_table(group, row_group_size=max(group.num_rows, 1))


@contextmanager
def whole_file(place: Path) -> Iterator[BinaryIO]:
    """A file to write to, that takes its place when all is written, for good; where that fails, what was there stays.

    Parameters
    ----------
    place : Path
        Of a file, or of none yet; where it is a link, what that leads to.

    Raises
    ------
    ArgumentError
        If what is there is no file, as a device or a pipe, which nothing may take the place of; or there is no such folder.
    """
    place = place.resolve()
    if place.exists() and not place.is_file():
        raise ArgumentError(f"{str(place)!r} cannot be written: it is no file that could be replaced.")
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
    """Have the folder remember its new file, through a loss of power as well; where folders can be opened."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of a row group's size."""
    pa = arrow()
    waiting: list[Any] = []
    rows = size = 0
    for table in tables:
        step = max(1, min(GROUP_ROWS, GROUP_BYTES * table.num_rows // max(table.nbytes, 1)))
        for start in range(0, table.num_rows, step):
            piece = table.slice(start, step)
            if waiting and (rows + piece.num_rows > GROUP_ROWS or size + piece.nbytes > GROUP_BYTES):
                yield pa.concat_tables(waiting)
                waiting, rows, size = [], 0, 0
            waiting.append(piece)
            rows, size = rows + piece.num_rows, size + piece.nbytes
    if waiting:
        yield pa.concat_tables(waiting)
