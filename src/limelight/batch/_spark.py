"""Chunks on Spark: a job of Spark's for each, so that what is finished is kept at once; failed tasks are Spark's to repeat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any
from uuid import uuid4

from limelight._errors import ArgumentError, EngineError, LimelightError, require
from limelight.batch._instances import Chunk
from limelight.batch._workers import Finished, as_finished, kept, packed, unpacked

__all__ = ["in_any_spark", "in_spark"]

_AHEAD = 2  # chunks for each core: one at work, and one that waits


def in_any_spark(job: Any, chunks: Iterable[Chunk], n_jobs: int) -> Finished:
    """The session that there is, else a new one as the environment wants it."""
    sql = require("pyspark.sql", extra="spark", purpose='engine="spark"')
    return in_spark(sql.SparkSession.builder.getOrCreate(), job, chunks, n_jobs)


def in_spark(session: Any, job: Any, chunks: Iterable[Chunk], n_jobs: int) -> Finished:  # noqa: ARG001 - a cluster has its own
    """The executors of a session that the user has.

    Chunks are elements of RDDs, not rows of frames: Spark starts such a job in a quarter of the time, and needs no pandas.

    Raises
    ------
    ArgumentError
        If it is a session of Spark Connect, which has no RDDs.
    EngineError
        If Spark gives up.
    """
    if ".connect." in type(session).__module__:
        raise ArgumentError(
            "engine must be a session with a SparkContext; got one of Spark Connect. There, give the explainer's "
            "frame_function to mapInPandas."
        )
    context = session.sparkContext
    group = f"limelight-{uuid4()}"
    ahead = _AHEAD * context.defaultParallelism
    with _broadcast(context, packed(job)) as work, ThreadPoolExecutor(ahead) as threads:
        try:
            yield from as_finished(threads, partial(_run, context, group, work), chunks, ahead)
        except BaseException:  # the user's Ctrl-C as well
            with suppress(Exception):
                context.cancelJobGroup(group)
            raise


def _run(context: Any, group: str, work: Any, chunk: Chunk) -> tuple[int, Any]:
    """A chunk's table, from a job of Spark's with one task."""
    last = chunk.first + len(chunk.instances) - 1
    context.setJobGroup(group, f"limelight: instances {chunk.first} to {last}")
    data = packed(chunk)
    try:
        # A broadcast has room for what a task has not: chunks of images are large.
        with _broadcast(context, data) as given:
            (result,) = context.parallelize([None], 1).map(partial(_explain, work, given)).collect()
    except Exception as error:
        said = "\n".join(line for line in str(error).splitlines() if not line.startswith("\tat "))  # without Java's frames
        raise EngineError(
            f"Spark has given up on instances {chunk.first} to {last}: {said}\nExecutors need limelight, what the model needs "
            "and memory for it. A local master repeats failed tasks only if it says how often, as local[2,4] does. "
            "With checkpoint= the same call goes on from what is finished."
        ) from error
    if isinstance(result, LimelightError):
        raise result
    return chunk.number, result


def _explain(work: Any, given: Any, _: None) -> Any:
    try:
        return kept(work.value).explain(unpacked(given.value))
    except LimelightError as error:  # given back: if it was raised, Spark would try again
        return error


@contextmanager
def _broadcast(context: Any, data: bytes) -> Iterator[Any]:
    broadcast = context.broadcast(data)
    try:
        yield broadcast
    finally:
        with suppress(Exception):  # Spark itself may be gone
            broadcast.destroy()
