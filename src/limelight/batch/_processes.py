"""Worker processes on this machine, kept for a while after a job, for the next one."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import sysconfig
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import lru_cache, partial
from itertools import chain
from multiprocessing.util import Finalize
from pathlib import Path
from time import sleep
from typing import Any, NamedTuple

from limelight.batch._instances import Chunk
from limelight.batch._journal import find_explanations, find_stuck_instances, remove_journal
from limelight.batch._pickling import serialize
from limelight.batch._scratch import JOB_FILE, scratch_folder
from limelight.batch._workers import CHUNKS_PER_WORKER, ChunkExplainer, FinishedChunks, WorkerDiedError, explain_in_executor
from limelight.exceptions import ArgumentTypeError, EngineError, describe_error, is_interruption, read_message

__all__ = ["explain_in_processes"]

_MOST_ENDED_AT_FIRST = 3  # processes at which instances were stuck, before anything is explained
_HANDOVER_SECONDS = 1e-4  # that loky takes, more or less
_IDLE_SECONDS = 60  # before a process without a job ends
_INSTALLED = tuple({os.path.join(sysconfig.get_path(name), "") for name in ("stdlib", "purelib", "platlib")})
# Each of these libraries starts a thread per core unless its variable says otherwise.
_THREAD_POOLS = ("BLIS", "MKL", "NUMEXPR", "OMP", "OPENBLAS")
# By default glibc returns memory and requests it again, page by page, every few instances: a tenth of a worker's time.
_MALLOC_SETTINGS = {"MALLOC_MMAP_THRESHOLD_": str(2**24), "MALLOC_TRIM_THRESHOLD_": str(2**26)}


def explain_in_processes(job: ChunkExplainer, chunks: Iterable[Chunk], n_jobs: int) -> FinishedChunks:
    """Explain in processes on this machine, each of which reads the job once.

    Raises
    ------
    ArgumentTypeError
        If the job or an instance cannot be sent to them.
    EngineError
        If one of them dies, or the job cannot be written to a file.
    """
    import joblib

    count = joblib.effective_n_jobs(n_jobs)
    with scratch_folder() as folder:
        _write_job(job, folder / JOB_FILE)
        try:
            yield from _explain_past_stuck_instances(folder, iter(chunks), count)
        except pickle.PicklingError as error:
            raise ArgumentTypeError(
                f"instances cannot be sent to other processes ({read_message(error)}); "
                'use engine="threads" or "serial", which send nothing.'
            ) from error


def _explain_past_stuck_instances(folder: Path, chunks: Iterator[Chunk], count: int) -> FinishedChunks:
    """Explain in processes; those that had to be ended because an instance takes too long are replaced.

    Raises
    ------
    WorkerDiedError
        If one dies in another way; or if several had to be ended and nothing was explained: the model always hangs.
    """
    num_ended, is_any_finished = 0, False
    while True:
        try:
            with _processes(count) as processes:
                submit, explain = partial(_submit, processes), partial(_explain_in_folder, str(folder))
                for number, table in explain_in_executor(submit, explain, chunks, CHUNKS_PER_WORKER * count):
                    is_any_finished = True
                    remove_journal(folder, number)
                    yield number, table
                return
        except WorkerDiedError as death:
            num_ended += 1
            is_hopeless = num_ended >= _MOST_ENDED_AT_FIRST and not is_any_finished and not find_explanations(folder)
            if is_hopeless or not find_stuck_instances(folder):
                raise
            chunks = chain(death.chunks, chunks)


class _IdlePool(NamedTuple):
    """Processes that have finished a job.

    Attributes
    ----------
    processes : ProcessPoolExecutor
        The pool.
    files : dict of str to int
        The source files that they may have imported, and when these were written, in nanoseconds.
    """

    processes: Any
    files: dict[str, int]


_idle: dict[Hashable, _IdlePool] = {}  # at most one pool, by what it was started with


@contextmanager
def _processes(count: int) -> Iterator[Any]:
    """A pool of `count` processes for one job. After a job that ended well the pool is kept for the next one.

    Starting a process takes seconds, because it imports what the model needs.
    """
    import joblib

    share = str(max(1, joblib.cpu_count() // count))
    environment = {f"{pool}_NUM_THREADS": share for pool in _THREAD_POOLS} | _MALLOC_SETTINGS | os.environ
    # A model may depend on any of these. The process number is among them because a forked child has no pool of its own.
    setting = count, frozenset(environment.items()), tuple(sys.path), os.getcwd(), os.getpid()
    files = _imported_files()
    pool = _idle.pop(setting, None)
    _idle.clear()
    is_reusable = pool is not None and pool.files.items() <= files.items() and _are_alive(pool.processes)
    processes = pool.processes if pool is not None and is_reusable else _start_processes(count, environment)
    ended_well = False
    try:
        yield processes
        ended_well = True
    finally:
        if ended_well:
            _idle[setting] = _IdlePool(processes, _imported_files() | files)
            # A forked process would wait for the idle ones when it ends.
            Finalize(None, _end_idle_processes, args=(os.getpid(),), exitpriority=1)
        else:
            processes.shutdown(kill_workers=True)


def _end_idle_processes(owner: int) -> None:
    """End the idle processes, in the process that started them."""
    while _idle and owner == os.getpid():
        _, pool = _idle.popitem()
        pool.processes.shutdown(kill_workers=True)


def _imported_files() -> dict[str, int]:
    """The source files of imported modules, and when they were written, in nanoseconds.

    A user who has changed and reloaded a module must not get processes that still have the old one. Installed modules are left
    out: there are thousands, and they do not change while a program runs.
    """
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    users_files = (file for file in files if isinstance(file, str) and not file.startswith(_INSTALLED))
    return {file: os.stat(file).st_mtime_ns for file in users_files if os.path.exists(file)}


def _start_processes(count: int, environment: dict[str, str]) -> Any:
    from joblib.externals.loky import ProcessPoolExecutor

    # Ctrl-C reaches the workers too, but only this process ends them.
    ignore_interrupts = (signal.SIGINT, signal.SIG_IGN)
    return ProcessPoolExecutor(
        count, timeout=_IDLE_SECONDS, initializer=signal.signal, initargs=ignore_interrupts, env=environment
    )


def _submit(processes: Any, function: Callable[[Chunk], Any], chunk: Chunk) -> Future[Any]:
    """Have a chunk explained, and wait until it is on its way to a process.

    loky's own thread fails, with a traceback, if the processes are ended before.
    """
    future: Future[Any] = processes.submit(function, chunk)
    while not (future.running() or future.done()):
        sleep(_HANDOVER_SECONDS)
    return future


def _are_alive(processes: Any) -> bool:
    """Whether no process of a pool has died while it was idle."""
    from joblib.externals.loky import BrokenProcessPool

    try:
        processes.submit(os.getpid).result()
    except BrokenProcessPool:
        return False
    return True


def _explain_in_folder(folder: str, chunk: Chunk) -> tuple[int, Any]:
    return chunk.number, _read_job(os.path.join(folder, JOB_FILE)).explain(chunk, Path(folder))


@lru_cache(maxsize=1)
def _read_job(path: str) -> ChunkExplainer:
    """Read the job in a worker, from a file that the worker's parent has just written; no other process uses it.

    Raises
    ------
    ArgumentTypeError
        If it cannot be unpickled in this process.
    """
    try:
        with Path(path).open("rb") as file:
            job: ChunkExplainer = pickle.load(file)
    except BaseException as error:  # any class may fail to be unpickled in its own way
        if is_interruption(error):
            raise
        raise ArgumentTypeError(
            f"the model or the explainer cannot be read in other processes ({describe_error(error)}); "
            'use engine="threads" or "serial", which send nothing.'
        ) from error
    return job


def _write_job(job: ChunkExplainer, path: Path) -> None:
    try:
        path.write_bytes(serialize(job))
    except OSError as error:
        raise EngineError(f"the model cannot be written to {str(path)!r} for other processes to read: {error}.") from error
