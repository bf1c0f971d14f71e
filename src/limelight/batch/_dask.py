"""Chunks on Dask workers, a few at a time for each. If a worker dies, Dask repeats its tasks."""

from __future__ import annotations

import gc
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from typing import Any

from limelight.batch._instances import Chunk
from limelight.batch._pickling import deserialize, serialize
from limelight.batch._workers import ChunkExplainer, FinishedChunks, explain_chunk_as_data
from limelight.exceptions import ArgumentError, EngineError, LimelightError, describe_error, read_message, require

__all__ = ["explain_in_dask", "explain_in_dask_at", "explain_in_local_dask"]

_CONNECT_SECONDS = 10  # for a scheduler to answer
_CHUNKS_PER_THREAD = 3  # one at work, the others on their way


def explain_in_local_dask(job: ChunkExplainer, chunks: Iterable[Chunk], n_jobs: int) -> FinishedChunks:
    """Explain in `n_jobs` Dask workers on this machine, which end with the job.

    Raises
    ------
    EngineError
        If they do not start, or Dask gives up.
    """
    import joblib

    distributed = _distributed()
    count = joblib.effective_n_jobs(n_jobs)
    _check_can_start()
    try:
        cluster = distributed.LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address="localhost:0")
    except RuntimeError as error:
        raise EngineError(f"Dask cannot start workers: {read_message(error)}.") from error
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        yield from explain_in_dask(client, job, chunks, n_jobs)


def _check_can_start() -> None:
    """Start a process as Dask does: where none can start, some versions of Dask try again for ever.

    Raises
    ------
    EngineError
        If it ends with an error.
    """
    process = get_context("spawn").Process(target=gc.collect)
    try:
        process.start()
        process.join()
    except RuntimeError:  # this is such a process, which runs the script that has started it
        exit_code = 1
    else:
        exit_code = process.exitcode or 0
    if exit_code:
        raise EngineError(
            "Dask cannot start workers: they import the script that starts them, and that has failed. The call must stand "
            'under if __name__ == "__main__".'
        )


def explain_in_dask_at(address: str, job: ChunkExplainer, chunks: Iterable[Chunk], n_jobs: int) -> FinishedChunks:
    """Explain on the cluster whose scheduler has this address.

    Raises
    ------
    EngineError
        If no scheduler answers there, or Dask gives up.
    """
    distributed = _distributed()
    from distributed.comm.addressing import parse_host_port

    try:  # a client without a scheduler would take a minute to close
        socket.create_connection(parse_host_port(address.partition("://")[2]), timeout=_CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise EngineError(f"no Dask scheduler answers at {address!r}: {error}.") from error
    with _engine_errors():
        client = distributed.Client(address, set_as_default=False)
    with client:
        yield from explain_in_dask(client, job, chunks, n_jobs)


def explain_in_dask(client: Any, job: ChunkExplainer, chunks: Iterable[Chunk], n_jobs: int) -> FinishedChunks:  # noqa: ARG001
    """Explain on the cluster of a user's client.

    Raises
    ------
    ArgumentError
        If the client is asynchronous.
    EngineError
        If Dask gives up.
    """
    if client.asynchronous:
        raise ArgumentError("engine must be a synchronous client; got one with asynchronous=True.")
    # The job is a task's result, not scattered data: if the worker that has it dies, Dask runs the task again.
    remote_job = _submit(client, deserialize, serialize(job))
    running = _distributed().as_completed(loop=client.loop)
    try:
        for chunk in chunks:
            running.add(_submit(client, _explain, remote_job, serialize(chunk)))
            # Reading the next chunk may take long: what is finished is handed over first, so that it can be stored.
            yield from _take_finished(running, block=running.count() >= _CHUNKS_PER_THREAD * _count_threads(client))
        while not running.is_empty():
            yield from _take_finished(running, block=True)
    finally:
        with suppress(Exception):  # the cluster may be gone
            client.cancel([remote_job, *running.futures])


def _take_finished(running: Any, block: bool) -> Iterator[tuple[int, Any]]:
    """Yield finished chunks' results. A failed chunk comes last, so that others are stored before its error ends the job."""
    with _engine_errors():
        done = running.next_batch(block=block)
    failures: list[BaseException] = []
    for future in done:
        try:
            with _engine_errors():
                number, result = future.result()
        except EngineError as error:
            failures.append(error)
        else:
            if isinstance(result, BaseException):
                failures.append(result)
            else:
                yield number, result
    for failure in failures[:1]:
        raise failure


def _count_threads(client: Any) -> int:
    """The workers' threads, at least 1. A cluster may grow and shrink, and start without workers."""
    with _engine_errors():
        threads: dict[str, int] = client.nthreads()
    return max(1, sum(threads.values()))


def _submit(client: Any, function: Any, *arguments: Any) -> Any:
    import dask

    # Dask warns that large arguments should be scattered; but scattered data are lost with the worker that has them.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1PB"}), _engine_errors():
        return client.submit(function, *arguments, pure=False)


def _explain(job: Any, data: bytes) -> tuple[int, Any]:
    chunk = deserialize(data)
    return chunk.number, explain_chunk_as_data(job, chunk)


@contextmanager
def _engine_errors() -> Iterator[None]:
    """Turn what Dask raises into an `EngineError`; limelight's own errors pass."""
    try:
        yield
    except LimelightError:
        raise
    except Exception as error:
        raise EngineError(
            f"Dask has given up ({describe_error(error)}). Its workers need limelight, what the model needs, and "
            "enough memory. With checkpoint=, the same call continues after the finished chunks."
        ) from error


def _distributed() -> Any:
    return require("distributed", extra="dask", purpose='engine="dask"')
