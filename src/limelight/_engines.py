"""Where chunks are explained: in this process, or in others."""

from __future__ import annotations

import pickle
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from limelight._checks import check_choice
from limelight._errors import EngineError, ModelError
from limelight._instances import Chunk

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Engine", "engine_of", "in_this_process", "time_limit"]


class Work(Protocol):
    """What is done with a chunk."""

    def explain(self, chunk: Chunk) -> pa.Table: ...


Engine = Callable[[Any, Iterable[Chunk]], Iterator[tuple[int, Any]]]
"""From a job and chunks to pairs of a chunk's number and its table, in any order; chunks are asked for as they are needed."""


def engine_of(name: str, n_jobs: int) -> Engine:
    """An engine by its name.

    Raises
    ------
    ArgumentError
        If there is none of that name.
    """
    engines: dict[str, Engine] = {
        "serial": in_this_process,
        "threads": partial(_in_threads, n_jobs),
        "processes": partial(_in_processes, n_jobs),
    }
    return engines[check_choice("engine", name, engines)]


def in_this_process(job: Work, chunks: Iterable[Chunk]) -> Iterator[tuple[int, Any]]:
    """One chunk after the other."""
    for chunk in chunks:
        yield chunk.number, job.explain(chunk)


def _in_threads(n_jobs: int, job: Work, chunks: Iterable[Chunk]) -> Iterator[tuple[int, Any]]:
    """So many threads of this process: for models that let go of Python's lock."""
    import joblib

    parallel = joblib.Parallel(n_jobs, prefer="threads", return_as="generator_unordered")
    yield from parallel(joblib.delayed(_explain)(job, chunk) for chunk in chunks)


def _in_processes(n_jobs: int, job: Work, chunks: Iterable[Chunk]) -> Iterator[tuple[int, Any]]:
    """So many processes of joblib's, each of which reads the job once."""
    import joblib
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    with tempfile.TemporaryDirectory(prefix="limelight-") as folder:
        path = Path(folder) / "job"
        path.write_bytes(pickle.dumps(joblib.wrap_non_picklable_objects(job, keep_wrapper=False)))
        parallel = joblib.Parallel(n_jobs, prefer="processes", return_as="generator_unordered")
        try:
            yield from parallel(joblib.delayed(_explain_from)(str(path), chunk) for chunk in chunks)
        except TerminatedWorkerError as error:
            raise EngineError(
                "a worker process has died, perhaps for want of memory. "
                "With checkpoint= the same call goes on from what is finished."
            ) from error


def _explain(job: Work, chunk: Chunk) -> tuple[int, Any]:
    return chunk.number, job.explain(chunk)


def _explain_from(path: str, chunk: Chunk) -> tuple[int, Any]:
    return _explain(_job(path), chunk)


@lru_cache(maxsize=1)
def _job(path: str) -> Work:
    """This worker's job: a file that the process which started it has just written, and no other reads or writes."""
    job: Work = pickle.loads(Path(path).read_bytes())
    return job


class _TimeUp(BaseException):
    """No `Exception`: a model shall not take it for one of its own."""


@dataclass
class TimeLimit:
    """What became of a piece of work: the error is there if it took too long."""

    error: ModelError | None = None


@contextmanager
def time_limit(seconds: float) -> Iterator[TimeLimit]:
    """Stop what is done within after some seconds; in the main thread of a process, on systems that have alarms."""

    def stop(*_: object) -> None:
        raise _TimeUp

    limit = TimeLimit()
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield limit
    except _TimeUp:
        limit.error = ModelError(f"the explanation took longer than timeout={seconds:g} seconds.")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
