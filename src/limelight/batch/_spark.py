"""Chunks on Spark, each in a Spark job of its own, so that it can be stored at once. Spark repeats failed tasks."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any
from uuid import uuid4

from limelight.batch._instances import Chunk
from limelight.batch._pickling import deserialize, deserialize_job, serialize
from limelight.batch._workers import ChunkExplainer, FinishedChunks, explain_chunk_as_data, explain_in_executor
from limelight.exceptions import ArgumentError, EngineError, require

__all__ = ["explain_in_active_spark", "explain_in_spark"]

_PYTHON_VARIABLE = "PYSPARK_PYTHON"
# What Spark says where its workers run another Python: it lacks a package, has another version, or is not there.
_OTHER_PYTHON = "ModuleNotFoundError|PYTHON_VERSION_MISMATCH|different version|Cannot run program"
_CHUNKS_PER_CORE = 2  # one at work, and one that waits


def explain_in_active_spark(job: ChunkExplainer, chunks: Iterable[Chunk], n_jobs: int) -> FinishedChunks:
    """Explain in the active session, or in a new one with the environment's settings."""
    require("pyspark.sql", extra="spark", purpose='engine="spark"')
    return explain_in_spark(_find_session(), job, chunks, n_jobs)


def _find_session() -> Any:
    """The active session, or a new one: on this machine its workers run this Python, unless the user names another one."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    is_new = SparkContext._active_spark_context is None
    session = SparkSession.builder.getOrCreate()
    if is_new and not _is_of_connect(session):
        context = session.sparkContext
        python = context.getConf().get("spark.pyspark.python")
        if _PYTHON_VARIABLE not in os.environ and (python or str(context.master).startswith("local")):
            # By default it is the first python3 on the path, which in a virtual environment that is not activated is another.
            context.pythonExec = python or sys.executable
    return session


def explain_in_spark(session: Any, job: ChunkExplainer, chunks: Iterable[Chunk], n_jobs: int) -> FinishedChunks:  # noqa: ARG001
    """Explain on the executors of a user's session.

    Chunks are elements of RDDs, not rows of frames: Spark starts such a job in a quarter of the time, and needs no pandas.

    Raises
    ------
    ArgumentError
        If the session is one of Spark Connect, which has no RDDs.
    EngineError
        If Spark gives up.
    """
    if _is_of_connect(session):
        raise ArgumentError(
            "engine must be a session with a SparkContext; got one of Spark Connect. Pass the explainer's frame_function to "
            "mapInPandas instead."
        )
    context = session.sparkContext
    group = f"limelight-{uuid4()}"
    count = _CHUNKS_PER_CORE * context.defaultParallelism
    with _broadcast(context, serialize(job)) as remote_job, ThreadPoolExecutor(count) as threads:
        try:
            yield from explain_in_executor(threads.submit, partial(_run_spark_job, context, group, remote_job), chunks, count)
        except BaseException:  # including Ctrl-C
            threads.shutdown(wait=False, cancel_futures=True)  # before a thread that is freed begins another job
            with suppress(Exception):
                context.cancelJobGroup(group)
            raise


def _is_of_connect(session: Any) -> bool:
    """Whether a session is one of Spark Connect, which has no context."""
    return ".connect." in type(session).__module__


def _run_spark_job(context: Any, group: str, remote_job: Any, chunk: Chunk) -> tuple[int, Any]:
    """Explain a chunk in a Spark job with one task."""
    context.setJobGroup(group, f"limelight: instances {chunk.first} to {chunk.last}")
    data = serialize(chunk)
    try:
        # A chunk of images may be too large for a task, but not for a broadcast.
        with _broadcast(context, data) as remote_chunk:
            (result,) = context.parallelize([None], 1).map(partial(_explain, remote_job, remote_chunk)).collect()
    except Exception as error:
        message = "\n".join(line for line in str(error).splitlines() if not line.startswith("\tat "))  # without Java's frames
        raise EngineError(
            f"Spark has given up on instances {chunk.first} to {chunk.last}: {message}\n{_python_advice(context, message)}"
            "Its executors need limelight, what the model needs, and enough memory. A local master repeats failed tasks only "
            "if it says how often, as in local[2,4]. With checkpoint=, the same call continues after the finished chunks."
        ) from error
    if isinstance(result, BaseException):
        raise result
    return chunk.number, result


def _python_advice(context: Any, message: str) -> str:
    """What to set if Spark's workers run a Python that cannot do the work; nothing for other errors."""
    if context.pythonExec == sys.executable or not re.search(_OTHER_PYTHON, message):
        return ""
    return (
        f"Its workers run {context.pythonExec!r}, which is another Python or lacks packages. Set the environment variable "
        f"{_PYTHON_VARIABLE} to the right one, here {sys.executable!r}, and start a new session: a session keeps the Python "
        "that it was started with.\n"
    )


def _explain(remote_job: Any, remote_chunk: Any, _: None) -> Any:
    return explain_chunk_as_data(deserialize_job(remote_job.value), deserialize(remote_chunk.value))


@contextmanager
def _broadcast(context: Any, data: bytes) -> Iterator[Any]:
    broadcast = context.broadcast(data)
    try:
        yield broadcast
    finally:
        with suppress(Exception):  # Spark may have stopped
            broadcast.destroy()
