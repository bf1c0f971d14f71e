"""Where chunks are explained: in this process, or in others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from limelight._blas import one_blas_thread
from limelight._checks import check_choice
from limelight._errors import ArgumentTypeError
from limelight.batch._dask import in_dask, in_dask_at, in_local_dask
from limelight.batch._instances import Chunk
from limelight.batch._processes import in_processes
from limelight.batch._spark import in_any_spark, in_spark
from limelight.batch._workers import CHUNKS_PER_WORKER, Finished, Work, as_finished, explain_chunk

__all__ = ["Engine", "engine_of", "in_this_process", "kind_of"]

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
        "processes": partial(in_processes, n_jobs),
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
        yield from as_finished(threads, partial(explain_chunk, job), chunks, CHUNKS_PER_WORKER * count)
