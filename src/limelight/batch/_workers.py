"""Explain chunks in other threads and processes, and take their results as they are finished."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from limelight.batch._instances import Chunk
from limelight.exceptions import EngineError, LimelightError, describe_error, read_message

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "CHUNKS_PER_WORKER",
    "ChunkExplainer",
    "FinishedChunks",
    "WorkerDiedError",
    "explain_chunk",
    "explain_chunk_as_data",
    "explain_in_executor",
]

FinishedChunks = Generator[tuple[int, Any], None, None]
"""The numbers and tables of chunks, in the order in which they are finished."""

Submit = Callable[[Callable[[Chunk], tuple[int, Any]], Chunk], Future[tuple[int, Any]]]
"""Has a function called with a chunk in a worker."""

CHUNKS_PER_WORKER = 2  # handed out at a time, so that no worker waits for its next chunk


class ChunkExplainer(Protocol):
    """What an engine needs of a job."""

    def explain(self, chunk: Chunk, folder: Path | None = None) -> pa.Table:
        """The explanations of a chunk as a table; the folder is for what another process needs to go on with the chunk."""


def explain_chunk_as_data(job: ChunkExplainer, chunk: Chunk) -> pa.Table | BaseException:
    """The explanations of a chunk as a table, or what ended them: `EngineError`, `LimelightError` or `KeyboardInterrupt`.

    A cluster would repeat a task that raises an error. One that is no `Exception` would end its worker, or leave the job
    waiting for it.
    """
    try:
        return job.explain(chunk)
    except LimelightError as error:
        return error
    except Exception:
        raise
    except KeyboardInterrupt as stop:
        return KeyboardInterrupt(read_message(stop))
    except BaseException as error:
        return EngineError(f"a worker was stopped by {describe_error(error)}.")


def explain_chunk(job: ChunkExplainer, chunk: Chunk) -> tuple[int, Any]:
    return chunk.number, job.explain(chunk)


class WorkerDiedError(EngineError):
    """A worker has died.

    Attributes
    ----------
    chunks : list of Chunk
        Those that are lost with it: handed out, and not finished.
    """

    def __init__(self, chunks: list[Chunk]) -> None:
        self.chunks = chunks
        lost = ", ".join(f"{chunk.first} to {chunk.last}" for chunk in chunks)
        super().__init__(
            f"a worker process has died while it explained some of these instances: {lost}. It may have run out of memory, or "
            "the model may have ended it or not stopped at timeout=. With checkpoint=, the same call continues after the "
            "finished chunks."
        )


def explain_in_executor(
    submit: Submit, explain: Callable[[Chunk], tuple[int, Any]], chunks: Iterable[Chunk], max_waiting: int
) -> FinishedChunks:
    """Explain chunks in the workers of an executor, by its method `submit`.

    Chunks are read here, and at most `max_waiting` are unfinished at a time. If something is raised, some may be left in the
    executor: the caller ends it.

    Raises
    ------
    WorkerDiedError
        If a worker dies.
    """
    waiting: dict[Future[tuple[int, Any]], Chunk] = {}
    unsent: list[Chunk] = []
    try:
        for chunk in chunks:
            unsent = [chunk]
            waiting[submit(explain, chunk)] = chunk
            unsent = []
            # Reading the next chunk may take long: what is finished is handed over first, so that it can be stored.
            yield from _take_finished(waiting, 0 if len(waiting) < max_waiting else None)
        while waiting:
            yield from _take_finished(waiting, None)
    except BrokenExecutor as error:
        raise WorkerDiedError([*waiting.values(), *unsent]) from error


def _take_finished(waiting: dict[Future[tuple[int, Any]], Chunk], timeout_seconds: float | None) -> Iterator[tuple[int, Any]]:
    """Yield finished chunks' results. A failed chunk comes last, so that others are stored before its error ends the job."""
    done, _ = wait(waiting, timeout_seconds, FIRST_COMPLETED)
    for future in sorted(done, key=lambda future: future.exception() is not None):
        result = future.result()
        del waiting[future]
        yield result
