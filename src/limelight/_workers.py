"""What goes to other processes and machines, and comes back: jobs and chunks as bytes, results as they are finished."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from functools import lru_cache
from itertools import islice
from typing import Any

from limelight._errors import ArgumentTypeError
from limelight._instances import Chunk

__all__ = ["Finished", "as_finished", "kept", "packed", "unpacked"]

Finished = Generator[tuple[int, Any], None, None]
"""A chunk's number and its table, of chunk after chunk."""


def packed(value: Any) -> bytes:
    """A job or a chunk as bytes; functions of the user's script go along.

    Raises
    ------
    ArgumentTypeError
        If it cannot leave this process.
    """
    import joblib

    try:
        return pickle.dumps(joblib.wrap_non_picklable_objects(value, keep_wrapper=False))
    except Exception as error:  # any class has its own way to say that it cannot be pickled
        raise ArgumentTypeError(
            f"the model, the explainer or an instance cannot be sent to other processes ({type(error).__name__}: {error}); "
            'engine="threads" or "serial" sends nothing.'
        ) from error


def unpacked(data: bytes) -> Any:
    """What `packed` made bytes of; it comes from the user's own process."""
    return pickle.loads(data)


@lru_cache(maxsize=1)
def kept(data: bytes) -> Any:
    """The job that these bytes are, the same object as long as this process gets no other."""
    return unpacked(data)


def as_finished(
    workers: Executor, explain: Callable[[Chunk], tuple[int, Any]], chunks: Iterable[Chunk], ahead: int
) -> Finished:
    """What becomes of chunks, as they are finished; they are read here, and no more of them than `ahead` wait."""
    chunks = iter(chunks)
    waiting: set[Future[tuple[int, Any]]] = set()
    try:
        while True:
            for chunk in islice(chunks, ahead - len(waiting)):
                waiting.add(workers.submit(explain, chunk))
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            # What has failed comes last: it ends the job, and the others are finished.
            for one in sorted(done, key=lambda one: one.exception() is not None):
                yield one.result()
    finally:
        for one in waiting:
            one.cancel()
