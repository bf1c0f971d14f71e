"""What has come of a chunk's instances, in files that outlive the worker process that explains them."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, TypeVar

from limelight.batch._pickling import serialize
from limelight.exceptions import EngineError, LimelightError

__all__ = ["Journal", "find_explanations", "find_stuck_instances", "remove_journal"]

_STUCK = ".stuck"
_STDERR = 2  # the file descriptor

T = TypeVar("T")


class Journal:
    """The outcomes of a chunk's instances, and the one at which a process had to be ended.

    If a process has to be ended, another one goes on after the outcomes that the first has written down.

    Parameters
    ----------
    folder : path or None
        Where the files are. None writes nothing down.
    chunk : int
        The chunk's number.
    """

    def __init__(self, folder: Path | None, chunk: int) -> None:
        self._folder = folder
        self._chunk = chunk
        self._outcomes = {} if folder is None else dict(_read_pairs(_place(folder, chunk)))

    def recall(self, number: int, find: Callable[[int], T], outcome_if_stuck: Any) -> T:
        """The outcome of an instance: the one that is written down, or else what `find` gives.

        Parameters
        ----------
        number : int
            The instance's place in the chunk.
        find : callable
            It is given the descriptor of a file, into which something is written before the process is ended.
        outcome_if_stuck : object
            The outcome of an instance at which a process was ended.
        """
        if self._folder is None:
            return find(_STDERR)
        if number not in self._outcomes:
            guard = _place(self._folder, self._chunk).with_suffix(f".{number}{_STUCK}")
            if _has_content(guard):
                self._outcomes[number] = outcome_if_stuck
            else:
                with _open(guard) as file:
                    self._outcomes[number] = find(file.fileno())
            self._write_down(self._folder, number)
            guard.unlink(missing_ok=True)
        outcome: T = self._outcomes.pop(number)
        return outcome

    def _write_down(self, folder: Path, number: int) -> None:
        with suppress(Exception):  # what cannot be written down, or read, would be found again
            data = serialize((number, self._outcomes[number]))
            if isinstance(self._outcomes[number], LimelightError):
                pickle.loads(data)  # errors with constructors of their own may fail
            with _place(folder, self._chunk).open("ab") as file:
                file.write(data)


def find_stuck_instances(folder: Path) -> bool:
    """Whether a process was ended at an instance whose outcome is not written down yet."""
    return any(map(_has_content, folder.glob(f"*{_STUCK}")))


def find_explanations(folder: Path) -> bool:
    """Whether an outcome is written down that is no error."""
    journals = (path for path in folder.glob("chunk-*") if path.suffix != _STUCK)
    return any(not isinstance(outcome, LimelightError) for path in journals for _, outcome in _read_pairs(path))


def remove_journal(folder: Path, chunk: int) -> None:
    """Remove what is written down about a finished chunk."""
    _place(folder, chunk).unlink(missing_ok=True)


def _place(folder: Path, chunk: int) -> Path:
    return folder / f"chunk-{chunk}"


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("wb")
    except OSError as error:
        raise EngineError(f"a worker cannot write to the temporary folder {str(path.parent)!r}: {error}.") from error


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _read_pairs(path: Path) -> Iterator[tuple[int, Any]]:
    """The numbers and outcomes in a file. The process that wrote the last one may have been killed on the way."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        end = 0
        try:
            while True:
                yield pickle.load(file)
                end = file.tell()
        except EOFError:
            pass
        except Exception:  # half a pickle may fail in any way
            file.truncate(end)
