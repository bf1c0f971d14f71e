"""Worker processes on this machine: started once, and kept a while for the next job."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import sysconfig
import tempfile
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from limelight._errors import ArgumentTypeError, EngineError
from limelight.batch._instances import Chunk
from limelight.batch._workers import CHUNKS_PER_WORKER, Finished, Work, as_finished, explain_chunk, packed

__all__ = ["in_processes"]

_IDLE_SECONDS = 60  # that a process waits for another job
_INSTALLED = tuple({os.path.join(sysconfig.get_path(name), "") for name in ("stdlib", "purelib", "platlib")})
_THREAD_POOLS = (
    "BLIS",
    "MKL",
    "NUMEXPR",
    "OMP",
    "OPENBLAS",
)  # libraries that start a thread for each core if they are not told
# glibc gives memory back and asks for it again, page by page, for every few instances; that took a tenth of a worker's time.
_MALLOC_SETTINGS = {"MALLOC_MMAP_THRESHOLD_": str(2**24), "MALLOC_TRIM_THRESHOLD_": str(2**26)}


def in_processes(job: Work, chunks: Iterable[Chunk], n_jobs: int) -> Finished:
    """So many processes, each of which reads the job once."""
    import joblib

    count = joblib.effective_n_jobs(n_jobs)
    with tempfile.TemporaryDirectory(prefix="limelight-") as folder:
        path = Path(folder) / "job"
        _write(job, path)
        with _processes(count) as processes:
            try:
                yield from as_finished(processes, partial(_explain_from, str(path)), chunks, CHUNKS_PER_WORKER * count)
            except pickle.PicklingError as error:
                raise ArgumentTypeError(
                    f'instances cannot be sent to other processes ({error}); engine="threads" or "serial" sends nothing.'
                ) from error


# Processes that have done a job and the code that they may have read, under what is the same for those that were started alike.
_waiting: dict[Hashable, tuple[Any, dict[str, int]]] = {}


@contextmanager
def _processes(count: int) -> Iterator[Any]:
    """So many processes, for one job at a time; after one that ended well they wait a while for another.

    To start one takes seconds: it imports what the model needs.
    """
    import joblib

    share = str(max(1, joblib.cpu_count() // count))
    environment = {f"{pool}_NUM_THREADS": share for pool in _THREAD_POOLS} | _MALLOC_SETTINGS | os.environ
    # A model may look at any of it, where it is read as well as where it is asked. No child has its parent's processes.
    alike = count, frozenset(environment.items()), tuple(sys.path), os.getcwd(), os.getpid()
    code = _code()
    processes, known = _waiting.pop(alike, (None, {}))
    _waiting.clear()
    if processes is None or not known.items() <= code.items() or not _are_sound(processes):
        processes = _new_processes(count, environment)
    finished = False
    try:
        yield processes
        finished = True
    finally:
        if finished:
            _waiting[alike] = processes, _code() | code
            # A forked process would wait for them at its end.
            Finalize(None, _let_go, args=(os.getpid(),), exitpriority=1)
        else:
            processes.shutdown(kill_workers=True)


def _let_go(owner: int) -> None:
    """End the processes that wait, if they are this process's own."""
    while _waiting and owner == os.getpid():
        processes, _ = _waiting.popitem()[1]
        processes.shutdown(kill_workers=True)


def _code() -> dict[str, int]:
    """The files of modules, and when they were written: who changes one and reloads it wants no other process's old one.

    Those that are installed are left out. There are thousands of them, and nobody edits them while a program runs.
    """
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    own = (file for file in files if isinstance(file, str) and not file.startswith(_INSTALLED))
    return {file: os.stat(file).st_mtime_ns for file in own if os.path.exists(file)}


def _new_processes(count: int, environment: dict[str, str]) -> Any:
    from joblib.externals.loky import ProcessPoolExecutor

    # Ctrl-C reaches workers as well, but it is the parent that stops them.
    ignored = (signal.SIGINT, signal.SIG_IGN)
    return ProcessPoolExecutor(count, timeout=_IDLE_SECONDS, initializer=signal.signal, initargs=ignored, env=environment)


def _are_sound(processes: Any) -> bool:
    """Whether none of them has died while they waited."""
    from joblib.externals.loky import BrokenProcessPool

    try:
        processes.submit(os.getpid).result()
    except BrokenProcessPool:
        return False
    return True


def _explain_from(path: str, chunk: Chunk) -> tuple[int, Any]:
    return explain_chunk(_job(path), chunk)


@lru_cache(maxsize=1)
def _job(path: str) -> Work:
    """This worker's job: a file that the process which started it has just written, and no other reads or writes.

    Raises
    ------
    ArgumentTypeError
        If this process cannot read it.
    """
    try:
        with Path(path).open("rb") as file:
            job: Work = pickle.load(file)
    except Exception as error:  # any class has its own way to be unpickled
        raise ArgumentTypeError(
            f"the model or the explainer cannot be read in other processes ({type(error).__name__}: {error}); "
            'engine="threads" or "serial" sends nothing.'
        ) from error
    return job


def _write(job: Work, path: Path) -> None:
    try:
        path.write_bytes(packed(job))
    except OSError as error:
        raise EngineError(f"the model cannot be written to {str(path)!r} for other processes to read: {error}.") from error
