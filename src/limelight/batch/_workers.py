"""What goes to other processes and machines, and comes back: jobs and chunks as bytes, results as they are finished."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from limelight._errors import ArgumentTypeError, EngineError
from limelight.batch._instances import Chunk

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CHUNKS_PER_WORKER", "Finished", "Source", "Work", "as_finished", "explain_chunk", "kept", "packed", "unpacked"]

Finished = Generator[tuple[int, Any], None, None]
"""A chunk's number and its table, of chunk after chunk."""

CHUNKS_PER_WORKER = 2  # that are handed out at a time, so that no worker waits for its next one


class Work(Protocol):
    """What is done with a chunk."""

    def explain(self, chunk: Chunk) -> pa.Table: ...


def explain_chunk(job: Work, chunk: Chunk) -> tuple[int, Any]:
    return chunk.number, job.explain(chunk)


def packed(value: Any) -> bytes:
    """A job or a chunk as bytes; functions of the user's script go along.

    Raises
    ------
    ArgumentTypeError
        If it cannot leave this process.
    """
    import joblib

    try:
        return pickle.dumps(joblib.wrap_non_picklable_objects(value, keep_wrapper=False))
    except Exception as error:  # any class has its own way to say that it cannot be pickled
        raise ArgumentTypeError(
            f"the model, the explainer or an instance cannot be sent to other processes ({type(error).__name__}: {error}); "
            'engine="threads" or "serial" sends nothing.'
        ) from error


def unpacked(data: bytes) -> Any:
    """What `packed` made bytes of; it comes from the user's own process."""
    return pickle.loads(data)


@lru_cache(maxsize=1)
def kept(data: bytes) -> Any:
    """The job that these bytes are, the same object as long as this process gets no other."""
    return unpacked(data)


class Source:
    """Chunks up to the first that cannot be read; those before it are finished before its error is raised."""

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self._chunks = chunks
        self._error: Exception | None = None

    def __iter__(self) -> Iterator[Chunk]:
        try:
            yield from self._chunks
        except Exception as error:
            self._error = error

    def check_whole(self) -> None:
        """Raise the error that there was."""
        if self._error is not None:
            raise self._error


def as_finished(
    workers: Executor, explain: Callable[[Chunk], tuple[int, Any]], chunks: Iterable[Chunk], ahead: int
) -> Finished:
    """What becomes of chunks, as they are finished; they are read here, and no more of them than `ahead` wait.

    Raises
    ------
    EngineError
        If a worker dies.
    """
    source = Source(chunks)
    waiting: dict[Future[tuple[int, Any]], Chunk] = {}
    try:
        for chunk in source:
            waiting[workers.submit(explain, chunk)] = chunk
            # Before the next one is read, which may take long, all that is finished goes where it is kept.
            yield from _results(waiting, 0 if len(waiting) < ahead else None)
        while waiting:
            yield from _results(waiting, None)
    except BrokenExecutor as error:
        lost = ", ".join(f"{one.first} to {one.first + len(one.instances) - 1}" for one in waiting.values())
        raise EngineError(
            f"a worker process has died, which explained some of these instances: {lost}. Perhaps memory was wanting, or the "
            "model ended it, or did not stop at timeout=. With checkpoint= the same call goes on from what is finished."
        ) from error
    finally:
        for one in waiting:
            one.cancel()
    source.check_whole()


def _results(waiting: dict[Future[tuple[int, Any]], Chunk], timeout: float | None) -> Iterator[tuple[int, Any]]:
    """What is finished, waited for no longer; what has failed comes last: it ends the job, and the others are finished."""
    done, _ = wait(waiting, timeout, FIRST_COMPLETED)
    for one in sorted(done, key=lambda one: one.exception() is not None):
        result = one.result()
        del waiting[one]
        yield result
