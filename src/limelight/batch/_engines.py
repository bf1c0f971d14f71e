"""Where chunks are explained: in this process, or in others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from inspect import isfunction
from typing import Any

from limelight._blas import one_blas_thread
from limelight._errors import ArgumentTypeError
from limelight._registry import Registry
from limelight.batch._dask import in_dask, in_dask_at
from limelight.batch._instances import Chunk
from limelight.batch._spark import in_spark
from limelight.batch._workers import CHUNKS_PER_WORKER, Finished, Work, as_finished, explain_chunk

__all__ = ["ENGINES", "Engine", "engine_of", "in_this_process", "in_threads", "kind_of"]

Engine = Callable[[Work, Iterable[Chunk], int], Iterable[tuple[int, Any]]]
"""From a job, chunks, which are read as they are asked for, and `n_jobs` to pairs of a chunk's number and its table, in any
order."""

ENGINES = Registry(
    "engine",
    {
        "serial": "limelight.batch._engines:in_this_process",
        "threads": "limelight.batch._engines:in_threads",
        "processes": "limelight.batch._processes:in_processes",
        "dask": "limelight.batch._dask:in_local_dask",
        "spark": "limelight.batch._spark:in_any_spark",
    },
)


def engine_of(engine: Any) -> Engine:
    """The engine that a name, a Dask scheduler's address, a cluster's client or session stands for; a function is one itself.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If there is none of that name, or it is something else.
    """
    kind = kind_of(engine)
    if not isinstance(engine, str):
        own: Engine = engine if kind == "function" else partial({"dask": in_dask, "spark": in_spark}[kind], engine)
        return own
    if "://" in engine:
        return partial(in_dask_at, engine)
    named: Engine = ENGINES.load(engine)
    return named


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
    if isfunction(engine) or isinstance(engine, partial):
        return "function"
    raise ArgumentTypeError(
        f"engine must be a name, a function, a distributed.Client or a pyspark.sql.SparkSession; got {type(engine).__name__}."
    )


def in_this_process(job: Work, chunks: Iterable[Chunk], n_jobs: int) -> Finished:  # noqa: ARG001
    """One chunk after the other."""
    for chunk in chunks:
        yield chunk.number, job.explain(chunk)


def in_threads(job: Work, chunks: Iterable[Chunk], n_jobs: int) -> Finished:
    """So many threads of this process, as many as BLAS has then: for models that let go of Python's lock."""
    import joblib

    count = joblib.effective_n_jobs(n_jobs)
    with one_blas_thread(), ThreadPoolExecutor(count) as threads:
        yield from as_finished(threads, partial(explain_chunk, job), chunks, CHUNKS_PER_WORKER * count)
