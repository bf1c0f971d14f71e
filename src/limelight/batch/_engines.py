"""Where chunks are explained: in this process, or in others."""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from limelight._blas import one_blas_thread
from limelight._checks import check_choice
from limelight._errors import ArgumentTypeError, EngineError, ModelError
from limelight.batch._dask import in_dask, in_dask_at, in_local_dask
from limelight.batch._instances import Chunk
from limelight.batch._spark import in_any_spark, in_spark
from limelight.batch._workers import Finished, as_finished, packed

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Engine", "engine_of", "in_this_process", "in_time", "in_time_or_ended", "kind_of"]

_AHEAD = 2  # chunks for each worker that are handed out at a time, so that none waits for its next one
_IDLE = 60  # seconds that a process waits for another job
_GRACE, _STDERR = 2.0, 2  # seconds for a model to heed an alarm; the file descriptor
_INSTALLED = tuple({os.path.join(sysconfig.get_path(name), "") for name in ("stdlib", "purelib", "platlib")})
_POOLS = ("BLIS", "MKL", "NUMEXPR", "OMP", "OPENBLAS")  # libraries that start a thread for each core if they are not told
# glibc gives memory back and asks for it again, page by page, for every few instances; that took a tenth of a worker's time.
_KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**24), "MALLOC_TRIM_THRESHOLD_": str(2**26)}

T = TypeVar("T")


class Work(Protocol):
    """What is done with a chunk."""

    def explain(self, chunk: Chunk) -> pa.Table: ...


Engine = Callable[[Any, Iterable[Chunk]], Finished]
"""From a job and chunks, which it asks for as it needs them, to pairs of a chunk's number and its table, in any order."""


def engine_of(engine: Any, n_jobs: int) -> Engine:
    """An engine by its name, or the one that a Dask scheduler's address, or a cluster's client or session, gives access to.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If there is none of that name, or it is something else.
    """
    clusters = {"dask": in_dask, "spark": in_spark}
    if not isinstance(engine, str):
        return partial(clusters[kind_of(engine)], engine)
    if "://" in engine:
        return partial(in_dask_at, engine)
    engines: dict[str, Engine] = {
        "serial": in_this_process,
        "threads": partial(_in_threads, n_jobs),
        "processes": partial(_in_processes, n_jobs),
        "dask": partial(in_local_dask, n_jobs),
        "spark": in_any_spark,
    }
    return engines[check_choice("engine", engine, engines)]


def kind_of(engine: Any) -> str:
    """An engine's name; libraries are not imported to recognise their objects.

    Raises
    ------
    ArgumentTypeError
        If it is neither a name nor an object that gives access to a cluster.
    """
    if isinstance(engine, str):
        return engine
    bases = {(base.__module__.partition(".")[0], base.__name__) for base in type(engine).__mro__}
    for kind, base in {"dask": ("distributed", "Client"), "spark": ("pyspark", "SparkSession")}.items():
        if base in bases:
            return kind
    raise ArgumentTypeError(
        f"engine must be a name, a distributed.Client or a pyspark.sql.SparkSession; got {type(engine).__name__}."
    )


def in_this_process(job: Work, chunks: Iterable[Chunk]) -> Finished:
    """One chunk after the other."""
    for chunk in chunks:
        yield chunk.number, job.explain(chunk)


def _in_threads(n_jobs: int, job: Work, chunks: Iterable[Chunk]) -> Finished:
    """So many threads of this process, as many as BLAS has then: for models that let go of Python's lock."""
    import joblib

    count = joblib.effective_n_jobs(n_jobs)
    with one_blas_thread(), ThreadPoolExecutor(count) as threads:
        yield from as_finished(threads, partial(_explain, job), chunks, _AHEAD * count)


def _in_processes(n_jobs: int, job: Work, chunks: Iterable[Chunk]) -> Finished:
    """So many processes, each of which reads the job once."""
    import joblib

    count = joblib.effective_n_jobs(n_jobs)
    with tempfile.TemporaryDirectory(prefix="limelight-") as folder:
        path = Path(folder) / "job"
        _write(job, path)
        with _processes(count) as processes:
            try:
                yield from as_finished(processes, partial(_explain_from, str(path)), chunks, _AHEAD * count)
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
    environment = {f"{pool}_NUM_THREADS": share for pool in _POOLS} | _KEPT_MEMORY | os.environ
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
    return ProcessPoolExecutor(count, timeout=_IDLE, initializer=signal.signal, initargs=ignored, env=environment)


def _are_sound(processes: Any) -> bool:
    """Whether none of them has died while they waited."""
    from joblib.externals.loky import BrokenProcessPool

    try:
        processes.submit(os.getpid).result()
    except BrokenProcessPool:
        return False
    return True


def _explain(job: Work, chunk: Chunk) -> tuple[int, Any]:
    return chunk.number, job.explain(chunk)


def _explain_from(path: str, chunk: Chunk) -> tuple[int, Any]:
    return _explain(_job(path), chunk)


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


class _TimeUp(BaseException):
    """No `Exception`: a model shall not take it for one of its own."""


def in_time(seconds: float, work: Callable[[], T]) -> T:
    """What some work gives; in the main thread of a process, on systems that have alarms.

    Raises
    ------
    ModelError
        If it is stopped because it takes longer. Compiled code that never comes back to Python does not notice.
    """
    over, left = False, (0.0, 0.0)

    def stop(*_: object) -> None:
        if not over:  # else the work was done just in time
            raise _TimeUp

    before = signal.signal(signal.SIGALRM, stop)
    try:
        try:
            left = signal.setitimer(signal.ITIMER_REAL, seconds)
            return work()
        finally:
            over = True
    except _TimeUp:
        raise ModelError(f"the explanation took longer than timeout={seconds:g} seconds.") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *left)  # an alarm of the user's may come late, but comes


def in_time_or_ended(seconds: float, work: Callable[[], T]) -> T:
    """The same in a process that others can do without: if it does not notice, it ends and says on stderr where it was.

    Raises
    ------
    ModelError
        If the work is stopped because it takes longer.
    """
    faulthandler.dump_traceback_later(2 * seconds + _GRACE, exit=True, file=_STDERR)
    try:
        return in_time(seconds, work)
    finally:
        faulthandler.cancel_dump_traceback_later()
