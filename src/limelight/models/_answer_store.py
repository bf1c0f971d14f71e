"""Answers of a remote model in a SQLite file, kept as they come. What is stored is numbers and names: nothing is unpickled."""

from __future__ import annotations

import json
import os
import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import NamedTuple

import numpy as np

from limelight.exceptions import ArgumentError, ArgumentTypeError, CheckpointError

__all__ = ["AnswerStore", "StoredAnswer", "check_path"]

_APPLICATION_ID = 0x6C696D65  # "lime", in the file's header
_FORMAT = 1
_TABLE = "CREATE TABLE answers (key BLOB PRIMARY KEY NOT NULL, outputs BLOB NOT NULL, names TEXT) WITHOUT ROWID"
_LOCK_SECONDS = 10.0  # to wait for another process that is writing
_MOST_VARIABLES = 500  # in a statement; old builds of SQLite allow 999


_of_parents: list[sqlite3.Connection] = []  # of processes that forked this one: here they must not even be closed


class StoredAnswer(NamedTuple):
    """A model's answer for one input.

    Attributes
    ----------
    outputs : ndarray of shape (k,)
    names : tuple of str or None
        Their names, if the answer had them.
    """

    outputs: np.ndarray
    names: tuple[str, ...] | None


class AnswerStore:
    """Answers by their keys, in a file that several threads and processes may use, or in memory.

    Parameters
    ----------
    path : str or None
        The file, which is made if it is not there; None for memory.

    Raises
    ------
    ArgumentError
        If the file is no store of answers, or cannot be opened.
    CheckpointError
        If another process keeps it locked.
    """

    def __init__(self, path: str | None) -> None:
        self.path = path
        self._lock = RLock()
        self._unsaved: dict[bytes, StoredAnswer] = {}  # that the file has no room for
        self._connection: sqlite3.Connection | None = None
        self._process = os.getpid()
        with self._lock:
            self._connect()

    @property
    def place(self) -> str:
        """Where the answers are, for messages."""
        return "memory" if self.path is None else repr(self.path)

    def find(self, keys: Iterable[bytes]) -> dict[bytes, StoredAnswer]:
        """The answers that are there.

        Raises
        ------
        CheckpointError
            If the file cannot be read.
        """
        wanted = list(dict.fromkeys(keys))
        with self._lock:
            found = {key: self._unsaved[key] for key in wanted if key in self._unsaved}
            with self._said():
                connection = self._connect()
                for start in range(0, len(wanted), _MOST_VARIABLES):
                    some = wanted[start : start + _MOST_VARIABLES]
                    marks = ", ".join("?" * len(some))
                    rows = connection.execute(f"SELECT key, outputs, names FROM answers WHERE key IN ({marks})", some)
                    found |= {key: self._read(outputs, names) for key, outputs, names in rows}
            return found

    def add(self, answers: Mapping[bytes, StoredAnswer]) -> None:
        """Keep answers, all of them in one transaction. Where there is one already, it stays.

        Raises
        ------
        CheckpointError
            If they cannot be written. This object remembers them, and tries again the next time.
        """
        with self._lock:
            self._unsaved = {**answers, **self._unsaved}
            rows = [
                (key, answer.outputs.astype("<f8").tobytes(), None if answer.names is None else json.dumps(answer.names))
                for key, answer in self._unsaved.items()
            ]
            with self._said():
                connection = self._connect()
                connection.execute("BEGIN IMMEDIATE")
                try:
                    connection.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", rows)
                    connection.execute("COMMIT")
                except BaseException:
                    with suppress(sqlite3.Error):  # a full disk may have ended the transaction already
                        connection.execute("ROLLBACK")
                    raise
                self._unsaved = {}

    def _connect(self) -> sqlite3.Connection:
        """The connection of this process: one that was opened before a fork must not be used after it."""
        if self._connection is None or self._process != os.getpid():
            if self._connection is not None:
                _of_parents.append(self._connection)
            self._connection, self._process = self._open(), os.getpid()
            weakref.finalize(self, _close, self._connection, self._process)
        return self._connection

    def _open(self) -> sqlite3.Connection:
        name = ":memory:" if self.path is None else self.path
        connection = None
        try:
            connection = sqlite3.connect(name, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False)
            # A file that came from elsewhere runs nothing here.
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            connection.execute("PRAGMA synchronous = NORMAL")
            self._prepare(connection)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if not isinstance(error, sqlite3.Error):
                raise
            if _is_locked(error):
                raise self._describe(error) from error
            raise ArgumentError(
                f"cache must be a file of RemoteModel's answers, or a new one; {name!r} cannot be opened as such ({error}). "
                "Give another file, or delete this one if it is damaged."
            ) from error
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the table in a new file; refuse a file that holds anything else.

        Raises
        ------
        ArgumentError
            If it does.
        """
        if self._is_ready(connection):
            return
        connection.execute("BEGIN IMMEDIATE")  # another process may be making the table just now
        try:
            if not self._is_ready(connection):
                connection.execute(_TABLE)
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {_FORMAT}")
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        # Each answer is on the disk at once, or after a crash of the machine at the latest checkpoint of the log, and
        # processes read while another one writes. Where the file system has no shared memory, SQLite keeps its old journal.
        with suppress(sqlite3.OperationalError):  # another process has just begun to use the new file
            connection.execute("PRAGMA journal_mode = WAL")

    def _is_ready(self, connection: sqlite3.Connection) -> bool:
        """Whether the file has the table; a new file has nothing."""
        entries = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        ((application,),) = connection.execute("PRAGMA application_id").fetchall()
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()
        if not entries and application == 0:
            return False
        if application != _APPLICATION_ID:
            raise ArgumentError(f"cache={self.path!r} is a database of another program, left as it is. Give another file.")
        if version != _FORMAT or entries != [(_TABLE,)]:
            raise ArgumentError(
                f"cache={self.path!r} has another format than this version of limelight writes (format {version}; this one has "
                f"{_FORMAT}). Give another file."
            )
        return True

    def _read(self, outputs: object, names: object) -> StoredAnswer:
        """An answer from the table's columns, which may be damaged.

        Raises
        ------
        CheckpointError
            If they are.
        """
        values = _read_numbers(outputs)
        listed = None if names is None else _read_names(names)
        is_sound = values is not None and (names is None or (listed is not None and len(listed) == len(values)))
        if values is None or not is_sound:
            raise CheckpointError(f"cache={self.path!r} is damaged: an answer in it is none. Delete it, or give another file.")
        return StoredAnswer(values, listed)

    @contextmanager
    def _said(self) -> Iterator[None]:
        """A context in which SQLite's errors become limelight's."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._describe(error) from error

    def _describe(self, error: sqlite3.Error) -> CheckpointError:
        if _is_locked(error):
            problem = f"has been locked by another process for {_LOCK_SECONDS:g} seconds. Wait for it, or give another file"
        elif isinstance(error, sqlite3.OperationalError):
            problem = f"cannot be read or written ({error}). Make room, or give another file"
        else:
            problem = f"is damaged ({error}). Delete it, or give another file"
        kept = f"; {len(self._unsaved)} answers are kept in this model's memory until then" if self._unsaved else ""
        return CheckpointError(f"cache={self.path!r} {problem}{kept}.")


def _close(connection: sqlite3.Connection, process: int) -> None:
    if process == os.getpid():
        connection.close()


def check_path(cache: object) -> str | None:
    """The file's absolute path; None for none.

    Raises
    ------
    ArgumentError
        If its folder does not exist, or it is a folder itself.
    ArgumentTypeError
        If it is no path.
    """
    if cache is None:
        return None
    if not isinstance(cache, (str, os.PathLike)):
        raise ArgumentTypeError(f"cache must be the path of a file; got {cache!r:.80}.")
    path = Path(cache)
    if path.is_dir() or not path.parent.is_dir():
        problem = "is a folder" if path.is_dir() else f"is in a folder that does not exist, {str(path.parent)!r}"
        raise ArgumentError(f"cache must be a file, or where one can be made; {str(path)!r} {problem}.")
    return str(path.absolute())


def _is_locked(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or "locked" in str(error)


def _read_numbers(blob: object) -> np.ndarray | None:
    if not isinstance(blob, bytes) or not blob or len(blob) % 8:
        return None
    values = np.frombuffer(blob, dtype="<f8").astype(np.float64)
    return values if np.isfinite(values).all() else None


def _read_names(text: object) -> tuple[str, ...] | None:
    try:
        names = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return tuple(names)
