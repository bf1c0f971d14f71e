"""Where chunks of instances are explained: in this process, in others, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from limelight._blas import one_blas_thread
from limelight._registry import Registry
from limelight.batch._dask import explain_in_dask, explain_in_dask_at
from limelight.batch._instances import Chunk
from limelight.batch._spark import explain_in_spark
from limelight.batch._workers import CHUNKS_PER_WORKER, ChunkExplainer, FinishedChunks, explain_chunk, explain_in_executor
from limelight.exceptions import ArgumentTypeError

__all__ = ["ENGINES", "Engine", "explain_in_this_process", "explain_in_threads", "find_engine", "is_stoppable"]

Engine = Callable[[ChunkExplainer, Iterable[Chunk], int], Iterable[tuple[int, Any]]]
"""``engine(job, chunks, n_jobs)`` gives ``(chunk.number, job.explain(chunk))`` once for each chunk, in any order.

Chunks are read from the user's source when the engine asks for them. Where the engine is a generator, each pair is stored
before the next one is asked for.
"""

ENGINES = Registry(
    "engine",
    {
        "serial": "limelight.batch._engines:explain_in_this_process",
        "threads": "limelight.batch._engines:explain_in_threads",
        "processes": "limelight.batch._processes:explain_in_processes",
        "dask": "limelight.batch._dask:explain_in_local_dask",
        "spark": "limelight.batch._spark:explain_in_active_spark",
    },
)
_STOPPABLE = ("processes", "spark")  # their work is done in main threads, where an alarm can stop it
# The classes of clients and sessions, and the engines that they belong to.
_CLIENTS: dict[tuple[str, str], tuple[str, Callable[..., FinishedChunks]]] = {
    ("distributed", "Client"): ("dask", explain_in_dask),
    ("pyspark", "SparkSession"): ("spark", explain_in_spark),
}


def find_engine(engine: Any) -> Engine:
    """The engine that a name, a Dask scheduler's address, a client or a session stands for. A function is an engine itself.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If there is no engine of that name, or it is another object.
    """
    if isinstance(engine, str):
        if "://" in engine:
            return partial(explain_in_dask_at, engine)
        named: Engine = ENGINES.load(engine)
        return named
    cluster = _cluster_of(engine)
    if cluster is not None:
        return partial(cluster[1], engine)
    if callable(engine) and not isinstance(engine, type):
        function: Engine = engine
        return function
    raise ArgumentTypeError(
        "engine must be a name, a function, a distributed.Client or a pyspark.sql.SparkSession; got "
        f"{engine!r:.60} ({type(engine).__name__})."
    )


def is_stoppable(engine: Any) -> bool:
    """Whether an alarm can stop the explanations of an engine, which is given as to `find_engine`."""
    if isinstance(engine, str):
        return engine in _STOPPABLE
    cluster = _cluster_of(engine)
    return cluster is not None and cluster[0] in _STOPPABLE


def _cluster_of(engine: Any) -> tuple[str, Callable[..., FinishedChunks]] | None:
    """The name and the engine that a client or session belongs to. Their libraries are not imported to recognise them."""
    classes = ((base.__module__.partition(".")[0], base.__name__) for base in type(engine).__mro__)
    return next((_CLIENTS[name] for name in classes if name in _CLIENTS), None)


def explain_in_this_process(job: ChunkExplainer, chunks: Iterable[Chunk], n_jobs: int) -> FinishedChunks:  # noqa: ARG001
    """Explain one chunk after the other."""
    for chunk in chunks:
        yield chunk.number, job.explain(chunk)


def explain_in_threads(job: ChunkExplainer, chunks: Iterable[Chunk], n_jobs: int) -> FinishedChunks:
    """Explain in threads of this process, for models that release Python's lock; BLAS has one thread meanwhile."""
    import joblib

    count = joblib.effective_n_jobs(n_jobs)
    with one_blas_thread(), ThreadPoolExecutor(count) as threads:
        try:
            yield from explain_in_executor(threads.submit, partial(explain_chunk, job), chunks, CHUNKS_PER_WORKER * count)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
