"""Where chunks are explained: in this process, or in others."""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from limelight._checks import check_choice
from limelight._errors import ArgumentTypeError, EngineError, ModelError
from limelight._instances import Chunk

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Engine", "engine_of", "in_this_process", "time_limit"]

_AHEAD = 2  # chunks for each worker that are handed out at a time, so that none waits for its next one
_GRACE, _STDERR = 2.0, 2  # seconds for a model to heed an alarm; the file descriptor
_POOLS = ("BLIS", "MKL", "NUMEXPR", "OMP", "OPENBLAS")  # libraries that start a thread for each core if they are not told


class Work(Protocol):
    """What is done with a chunk."""

    def explain(self, chunk: Chunk) -> pa.Table: ...


Finished = Generator[tuple[int, Any], None, None]
Engine = Callable[[Any, Iterable[Chunk]], Finished]
"""From a job and chunks, which it asks for as it needs them, to pairs of a chunk's number and its table, in any order."""


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


def in_this_process(job: Work, chunks: Iterable[Chunk]) -> Finished:
    """One chunk after the other."""
    for chunk in chunks:
        yield chunk.number, job.explain(chunk)


def _in_threads(n_jobs: int, job: Work, chunks: Iterable[Chunk]) -> Finished:
    """So many threads of this process: for models that let go of Python's lock."""
    import joblib

    count = joblib.effective_n_jobs(n_jobs)
    with ThreadPoolExecutor(count) as threads:
        yield from _as_finished(threads, partial(_explain, job), chunks, _AHEAD * count)


def _in_processes(n_jobs: int, job: Work, chunks: Iterable[Chunk]) -> Finished:
    """So many processes, each of which reads the job once."""
    import joblib
    from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor

    count = joblib.effective_n_jobs(n_jobs)
    share = str(max(1, joblib.cpu_count() // count))
    with tempfile.TemporaryDirectory(prefix="limelight-") as folder:
        path = Path(folder) / "job"
        _write(job, path)
        # Ctrl-C reaches workers as well, but it is the parent that stops them.
        processes = ProcessPoolExecutor(
            count,
            initializer=signal.signal,
            initargs=(signal.SIGINT, signal.SIG_IGN),
            env={name: os.environ.get(name, share) for name in (f"{pool}_NUM_THREADS" for pool in _POOLS)},
        )
        try:
            yield from _as_finished(processes, partial(_explain_from, str(path)), chunks, _AHEAD * count)
        except BrokenProcessPool as error:
            raise EngineError(
                "a worker process has died: perhaps for want of memory, or because the model did not stop at timeout=. "
                "With checkpoint= the same call goes on from what is finished."
            ) from error
        except pickle.PicklingError as error:
            raise ArgumentTypeError(
                f'instances cannot be sent to other processes ({error}); engine="threads" or "serial" sends nothing.'
            ) from error
        finally:
            processes.shutdown(kill_workers=True)


def _as_finished(
    workers: Executor, explain: Callable[[Chunk], tuple[int, Any]], chunks: Iterable[Chunk], ahead: int
) -> Finished:
    """What becomes of chunks, as they are finished; they are read here, and no more of them than `ahead` wait."""
    chunks = iter(chunks)
    waiting: set[Future[tuple[int, Any]]] = set()
    try:
        while True:
            for chunk in islice(chunks, ahead - len(waiting)):
                waiting.add(workers.submit(explain, chunk))
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            # What has failed comes last: it ends the job, and the others are finished.
            for one in sorted(done, key=lambda one: one.exception() is not None):
                yield one.result()
    finally:
        for one in waiting:
            one.cancel()


def _explain(job: Work, chunk: Chunk) -> tuple[int, Any]:
    return chunk.number, job.explain(chunk)


def _explain_from(path: str, chunk: Chunk) -> tuple[int, Any]:
    return _explain(_job(path), chunk)


@lru_cache(maxsize=1)
def _job(path: str) -> Work:
    """This worker's job: a file that the process which started it has just written, and no other reads or writes."""
    with Path(path).open("rb") as file:
        job: Work = pickle.load(file)
    return job


def _write(job: Work, path: Path) -> None:
    """Write a job for workers; functions of the user's script go along.

    Raises
    ------
    ArgumentTypeError
        If it cannot leave this process.
    EngineError
        If there is no room for it.
    """
    import joblib

    try:
        with path.open("wb") as file:
            pickle.dump(joblib.wrap_non_picklable_objects(job, keep_wrapper=False), file)
    except OSError as error:
        raise EngineError(f"the model cannot be written to {str(path)!r} for other processes to read: {error}.") from error
    except Exception as error:  # any class has its own way to say that it cannot be pickled
        raise ArgumentTypeError(
            f"the model or the explainer cannot be sent to other processes ({type(error).__name__}: {error}); "
            'engine="threads" or "serial" sends nothing.'
        ) from error


class _TimeUp(BaseException):
    """No `Exception`: a model shall not take it for one of its own."""


@dataclass
class TimeLimit:
    """What became of a piece of work: the error is there if it took too long."""

    error: ModelError | None = None
    over: bool = False


@contextmanager
def time_limit(seconds: float) -> Iterator[TimeLimit]:
    """Stop what is done within after some seconds; in the main thread of a process, on systems that have alarms.

    Compiled code that never comes back to Python does not notice. So after twice the time the process ends, and says on stderr
    where it was.
    """
    limit = TimeLimit()

    def stop(*_: object) -> None:
        if not limit.over:  # else the work was done just in time
            limit.over = True
            raise _TimeUp

    before = signal.signal(signal.SIGALRM, stop)
    faulthandler.dump_traceback_later(2 * seconds + _GRACE, exit=True, file=_STDERR)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield limit
        limit.over = True
    except _TimeUp:
        limit.error = ModelError(f"the explanation took longer than timeout={seconds:g} seconds.")
    finally:
        limit.over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
