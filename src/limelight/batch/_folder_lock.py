"""A lock on a folder, so that one job at a time works there; it ends with the process that holds it, however that ends."""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys
import warnings
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO

from limelight.exceptions import CheckpointError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["LOCK_NAME", "FolderLock"]

LOCK_NAME = ".lock"
_LOCKED_PLACE = 2**30  # of the byte that Windows locks: behind the text, which others may read
_IN_USE = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK}
_HAS_NO_LOCKS = {errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF}


class FolderLock:
    """The lock on a folder's file ``.lock``, held until `release`, or until the process ends.

    Parameters
    ----------
    folder : Path
        A folder that exists.

    Raises
    ------
    CheckpointError
        If another job, of any process or thread, holds it.
    OSError
        If the file cannot be made.

    Warns
    -----
    RuntimeWarning
        If the folder's file system has no locks.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._owner = os.getpid()
        while True:
            self._file = _open(self._path)
            try:
                _held.add(self._file)
                is_locked = _lock(self._file, folder)
                # Whoever held the lock before may have removed the file after this one was opened.
                if not is_locked or _is_same_file(self._file, self._path):
                    self._write_holder()
                    return
            except BaseException:
                self._file.close()
                raise
            self._file.close()

    def _write_holder(self) -> None:
        """Write down who holds the lock, for people only."""
        with suppress(OSError):
            self._file.truncate(0)
            self._file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())

    def release(self) -> None:
        """Remove the file and give up the lock. A forked process does nothing: the lock is its parent's."""
        if self._file.closed or os.getpid() != self._owner:
            return
        with suppress(OSError):  # Windows does not remove open files
            self._path.unlink()
        self._file.close()


_held: weakref.WeakSet[IO[bytes]] = weakref.WeakSet()


def _close_all() -> None:
    """In a forked process: close the files, since it would hold its parent's locks even after the parent has ended."""
    for file in list(_held):
        file.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_all)


def _open(path: Path) -> IO[bytes]:
    with suppress(FileNotFoundError):  # another job may remove it at any time: it is looked at once
        if not stat.S_ISREG(path.stat().st_mode):
            raise CheckpointError(f"{str(path)!r} is not a regular file. Delete it, or give another folder.")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
    return os.fdopen(descriptor, "r+b", buffering=0)


def _lock(file: IO[bytes], folder: Path) -> bool:
    """Lock a file; False if its file system has no locks.

    Raises
    ------
    CheckpointError
        If another job holds it.
    """
    try:
        if sys.platform == "win32":
            file.seek(_LOCKED_PLACE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
        else:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _IN_USE:
            holder = _read_holder(file)
            raise CheckpointError(
                f"checkpoint={str(folder)!r} is in use by another job{holder}. Wait until it has ended, or give another folder."
            ) from error
        if error.errno not in _HAS_NO_LOCKS:
            raise
        warnings.warn(
            f"checkpoint={str(folder)!r} is on a file system without locks: make sure that one job at a time uses it. "
            "Jobs are told apart all the same, by the names and contents of their files.",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    return True


def _read_holder(file: IO[bytes]) -> str:
    """Who holds the lock, if that can be read."""
    with suppress(OSError):
        file.seek(0)
        text = file.read(200).decode(errors="replace")
        return f" ({text})" if text else ""
    return ""


def _is_same_file(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
