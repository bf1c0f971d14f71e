"""Files that are read and written here, or at an address such as ``s3://bucket/name`` through pyarrow's file systems."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from limelight.exceptions import ArgumentError, require

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

__all__ = ["Place", "atomic_file", "check_ending", "is_address", "list_files", "locate", "read_bytes"]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # two letters at least: C:/ is a drive
_BLOCK_BYTES = 2**22
_UNFINISHED_NAME = re.compile(r"\..+\.([0-9]+)-[0-9]+\.unfinished", re.DOTALL)  # with the number of the process that writes
_MOST_LOOKED_AT = 2000  # entries of a folder, before each file is written: a millisecond
_MOST_NAME_BYTES = 150  # of the file's own name in it


class Place(NamedTuple):
    """Where a file or folder is.

    Attributes
    ----------
    path : str
        Its path on this machine, or within the file system.
    file_system : pyarrow.fs.FileSystem or None
        None for this machine.
    name : str
        What the user calls it.
    """

    path: str
    file_system: FileSystem | None
    name: str

    @property
    def ending(self) -> str:
        """The ending of its name in lower case, with the point."""
        return PurePosixPath(self.path).suffix.lower()

    @property
    def is_stream(self) -> bool:
        """Whether something on this machine is written to as it comes: a pipe, a terminal, ``/dev/stdout``."""
        try:
            mode = os.stat(self.path).st_mode if self.file_system is None else 0
        except (OSError, ValueError):  # there is nothing, or it is no path
            return False
        return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def is_address(path: object) -> bool:
    """Whether a path is an address, with ``://``, or was one before a `pathlib.Path` dropped a slash."""
    return isinstance(path, (str, os.PathLike)) and _SCHEME.match(str(path)) is not None


def locate(path: str | os.PathLike[str]) -> Place:
    """Find the file system that a path or an address belongs to. Addresses that start with ``file://`` are of this machine.

    Raises
    ------
    ArgumentError
        If there is no such file system.
    MissingDependencyError
        If it is an address, and pyarrow is not installed.
    """
    text = os.fspath(path)
    if not is_address(path):
        return Place(text, None, text)
    if "://" not in text:
        raise ArgumentError(f"{text!r} has lost a slash, as addresses do in a pathlib.Path; give the address as a str.")
    require("pyarrow.fs", extra="batch", purpose=f"the file {text!r}")
    try:
        file_system, inner = _open_file_system(text)
    except (ImportError, OSError, ValueError) as error:  # pyarrow's own errors are among them
        raise ArgumentError(f"{text!r} is no address that pyarrow opens, like s3://bucket/name: {error!s:.300}") from error
    return Place(inner, None if file_system.type_name == "local" else file_system, text)


def _open_file_system(address: str) -> tuple[FileSystem, str]:
    """The file system of an address, and the path in it."""
    from pyarrow.fs import FileSystem

    found: tuple[FileSystem, str] = FileSystem.from_uri(address)
    return found


def _check_path(path: str | os.PathLike[str]) -> None:
    """Refuse a path with a NUL character, which no file's name has.

    Raises
    ------
    ArgumentError
        If it has one.
    """
    if "\0" in os.fspath(path):
        raise ArgumentError(f"{os.fspath(path)!r} is no path: it has a NUL character.")


def check_ending(path: str | os.PathLike[str], endings: tuple[str, ...], contents: str, advice: str) -> None:
    """Refuse a file whose name promises other contents than it would get.

    Raises
    ------
    ArgumentError
        If the file's ending is not one of those allowed.
    """
    place = locate(path)
    if place.ending not in endings:
        raise ArgumentError(f"{contents} go to a file that ends in {endings[0]}; got {place.name!r}. {advice}")


def list_files(place: Place, pattern: str) -> list[Place] | None:
    """The files of a folder whose names match a pattern, sorted by name; a file itself; None if there is nothing.

    Hidden files, whose names start with a point, are left out.
    """
    if place.file_system is None:
        folder = Path(place.path)
        if not os.path.exists(place.path):  # False for what cannot be a path, such as a long text
            return None
        if not folder.is_dir():
            return [place]
        files = [str(file) for file in sorted(folder.glob(pattern)) if not file.name.startswith(".")]
        return [Place(file, None, file) for file in files]
    fs = require("pyarrow.fs", extra="batch", purpose=f"the file {place.name!r}")
    found = place.file_system.get_file_info(place.path)
    if found.type == fs.FileType.NotFound:
        return None
    if found.type != fs.FileType.Directory:
        return [place]
    inside = place.file_system.get_file_info(fs.FileSelector(place.path))
    names = (file.base_name for file in inside if file.type == fs.FileType.File)
    visible = (name for name in names if fnmatch(name, pattern) and not name.startswith("."))
    return [
        Place(f"{place.path.rstrip('/')}/{name}", place.file_system, f"{place.name.rstrip('/')}/{name}")
        for name in sorted(visible)
    ]


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Read a whole file.

    Raises
    ------
    ArgumentError
        If there is no such file.
    OSError
        If it cannot be read.
    """
    place = locate(path)
    try:
        if place.file_system is None:
            return Path(place.path).read_bytes()
        with place.file_system.open_input_file(place.path) as file:
            contents: bytes = file.read()
            return contents
    except FileNotFoundError as error:
        raise ArgumentError(f"there is no file {place.name!r}.") from error


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces the one at `path` only when it is complete and on the disk.

    Parameters
    ----------
    path : str or path
        Where there is a file, or nothing yet. Of a link, the target is replaced; the new file has the rights of the old one.
        What goes to an address is complete here before it is sent.

    Raises
    ------
    ArgumentError
        If something else is there, such as a folder, a device or a pipe; or there is no such folder, or no such path.
    OSError
        If it cannot be written, or the file that is there may not be.
    """
    _check_path(path)
    place = locate(path)
    if place.file_system is None:
        with _atomic_local_file(Path(place.path)) as file:
            yield file
        return
    with tempfile.TemporaryFile() as contents:
        yield contents
        contents.seek(0)
        with place.file_system.open_output_stream(place.path) as target:
            shutil.copyfileobj(contents, target, _BLOCK_BYTES)


@contextmanager
def _atomic_local_file(place: Path) -> Iterator[BinaryIO]:
    place = place.resolve()
    if place.exists() and not place.is_file():
        raise ArgumentError(f"{str(place)!r} cannot be written: it is not a regular file.")
    if not place.parent.is_dir():
        raise ArgumentError(f"{str(place)!r} cannot be written: there is no folder {str(place.parent)!r}.")
    rights = _read_rights(place)
    _clean_up(place.parent)
    start = os.fsdecode(os.fsencode(place.name)[:_MOST_NAME_BYTES])  # the whole may be too long for a name
    unfinished = place.with_name(f".{start}.{os.getpid()}-{threading.get_ident()}.unfinished")
    try:
        with unfinished.open("wb") as file:
            _lock(file.fileno())
            if rights is not None:
                unfinished.chmod(rights)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, place)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(place.parent)


def _read_rights(file: Path) -> int | None:
    """The rights of a file that may be replaced; None if there is none.

    Raises
    ------
    PermissionError
        If the file may not be written. Its folder alone decides whether it can be replaced.
    """
    if not file.exists():
        return None
    if not os.access(file, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))
    return stat.S_IMODE(file.stat().st_mode)


def _clean_up(folder: Path) -> None:
    """Delete what killed processes of this user left unfinished in a folder; of a very large one, only a part is looked at."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in islice(entries, _MOST_LOOKED_AT):
            name = _UNFINISHED_NAME.fullmatch(entry.name)
            if name is not None and not _is_running(int(name[1])):
                _delete_remnant(entry.path)


def _is_running(process: int) -> bool:
    if os.name != "posix":  # elsewhere, to ask would end the process
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    return True


def _lock(descriptor: int) -> bool:
    """Lock an open file until it is closed or the process ends; False if another has done so, or there are no locks."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _delete_remnant(path: str) -> None:
    """Delete a file of this user's if the process that wrote it has ended, even one that has its number in a container."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_uid == os.getuid() and _lock(descriptor):
                os.unlink(path)
        finally:
            os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make the folder's new entry survive a loss of power, on systems that can open folders."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
