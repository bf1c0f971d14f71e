"""Chunks on Dask workers: futures, a few for each worker at a time; if a worker dies, Dask does again what it had."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from limelight._errors import ArgumentError, EngineError, LimelightError, require
from limelight.batch._instances import Chunk
from limelight.batch._workers import Finished, Source, packed, unpacked

__all__ = ["in_dask", "in_dask_at", "in_local_dask"]

_ANSWERS = 10  # seconds that a scheduler may take
_AHEAD = 3  # chunks for each thread of the workers: one at work, the others on their way


def in_local_dask(job: Any, chunks: Iterable[Chunk], n_jobs: int) -> Finished:
    """So many worker processes on this machine, which end with the job.

    Raises
    ------
    EngineError
        If they do not start, or Dask gives up.
    """
    import joblib

    distributed = _distributed()
    count = joblib.effective_n_jobs(n_jobs)
    try:
        cluster = distributed.LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address="localhost:0")
    except RuntimeError as error:
        raise EngineError(
            f"Dask cannot start workers ({error}). They import the script that wants them: the call must stand under "
            'if __name__ == "__main__".'
        ) from error
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        yield from in_dask(client, job, chunks, n_jobs)


def in_dask_at(address: str, job: Any, chunks: Iterable[Chunk], n_jobs: int) -> Finished:
    """The workers of the cluster whose scheduler has this address.

    Raises
    ------
    EngineError
        If nobody answers there, or Dask gives up.
    """
    distributed = _distributed()
    from distributed.comm.addressing import parse_host_port

    try:  # a client that reaches nobody takes a minute to be thrown away
        socket.create_connection(parse_host_port(address.partition("://")[2]), timeout=_ANSWERS).close()
    except (OSError, ValueError) as error:
        raise EngineError(f"no Dask scheduler answers at {address!r}: {error}.") from error
    with _engine_errors():
        client = distributed.Client(address, set_as_default=False)
    with client:
        yield from in_dask(client, job, chunks, n_jobs)


def in_dask(client: Any, job: Any, chunks: Iterable[Chunk], n_jobs: int) -> Finished:  # noqa: ARG001 - a cluster has its own
    """The workers of a cluster that the user has.

    Raises
    ------
    ArgumentError
        If the client is one for coroutines.
    EngineError
        If Dask gives up.
    """
    if client.asynchronous:
        raise ArgumentError("engine must be a client that waits for its results; got one with asynchronous=True.")
    source = Source(chunks)
    # The result of a task, not scattered data: if the worker that has it dies, Dask runs the task again.
    work = _submit(client, unpacked, packed(job))
    running = _distributed().as_completed(loop=client.loop)
    try:
        for chunk in source:
            running.add(_submit(client, _explain, work, packed(chunk)))
            # Before the next one is read, which may take long, all that is finished goes where it is kept.
            yield from _results(running, block=running.count() >= _AHEAD * _threads(client))
        while not running.is_empty():
            yield from _results(running, block=True)
    finally:
        with suppress(Exception):  # the cluster may be gone
            client.cancel([work, *running.futures])
    source.check_whole()


def _results(running: Any, block: bool) -> Iterator[tuple[int, Any]]:
    """What is finished, or will be next. What has failed comes last: it ends the job, and the others are finished."""
    with _engine_errors():
        done = running.next_batch(block=block)
    for one in sorted(done, key=lambda one: one.status == "error"):
        with _engine_errors():
            found = one.result()
        yield found


def _threads(client: Any) -> int:
    """How many chunks are explained at a time: a cluster may grow and shrink, and begin with none."""
    with _engine_errors():
        threads: dict[str, int] = client.nthreads()
    return max(1, sum(threads.values()))


def _submit(client: Any, function: Any, *arguments: Any) -> Any:
    import dask

    # Dask advises to scatter what is large; but that would be lost with the worker that has it.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1PB"}), _engine_errors():
        return client.submit(function, *arguments, pure=False)


def _explain(job: Any, data: bytes) -> tuple[int, Any]:
    chunk = unpacked(data)
    return chunk.number, job.explain(chunk)


@contextmanager
def _engine_errors() -> Iterator[None]:
    try:
        yield
    except LimelightError:
        raise
    except Exception as error:
        raise EngineError(
            f"Dask has given up ({type(error).__name__}: {error}). Its workers need limelight and what the model needs, and "
            "memory for it. With checkpoint= the same call goes on from what is finished."
        ) from error


def _distributed() -> Any:
    return require("distributed", extra="dask", purpose='engine="dask"')
