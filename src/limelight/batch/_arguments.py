"""The arguments of ``explain_many`` that say how instances are explained, checked."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight._checks import check_choice, check_count, check_flag, check_number
from limelight.batch._engines import Engine, find_engine, is_stoppable
from limelight.batch._timeouts import LONGEST_SECONDS
from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.results.files import is_address

__all__ = ["BatchArguments"]


@dataclass(frozen=True)
class BatchArguments:
    """How many instances are explained. ``explain_many`` describes the arguments.

    Attributes
    ----------
    n_jobs, chunk_size, checkpoint, timeout, verbose
        As given.
    engine : callable
        The engine that was named, or that belongs to the client or session that was given.
    keeps_errors : bool
        Whether an instance that cannot be explained is kept as a `Failure`, instead of ending the job.
    """

    n_jobs: int
    engine: Engine
    chunk_size: int
    checkpoint: str | os.PathLike[str] | None
    keeps_errors: bool
    timeout: float | None
    verbose: bool

    @classmethod
    def checked(
        cls,
        *,
        n_jobs: int,
        engine: Any,
        chunk_size: int,
        checkpoint: str | os.PathLike[str] | None,
        on_error: str,
        timeout: float | None,
        verbose: bool,
    ) -> BatchArguments:
        """Check a call's arguments.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If one of them is not allowed.
        """
        if isinstance(n_jobs, bool) or not isinstance(n_jobs, (int, np.integer)) or n_jobs == 0:
            raise ArgumentError(f"n_jobs must be a number of processes or threads, or -1 for one per core; got {n_jobs!r}.")
        if checkpoint is not None and not isinstance(checkpoint, (str, os.PathLike)):
            raise ArgumentTypeError(f"checkpoint must be a folder's path; got {checkpoint!r}.")
        if checkpoint is not None and "\0" in os.fspath(checkpoint):
            raise ArgumentError(f"checkpoint={os.fspath(checkpoint)!r} is no path: it has a NUL character.")
        if checkpoint is not None and is_address(checkpoint):
            raise ArgumentError(
                "checkpoint must be a folder on this machine, where finished chunks are kept one by one; got "
                f"{str(checkpoint)!r}. Give a local folder, and save the explanations to the address in the end."
            )
        if engine is None:
            engine = "serial" if n_jobs == 1 else "processes"
        function = find_engine(engine)
        return cls(
            n_jobs=int(n_jobs),
            engine=function,
            chunk_size=check_count("chunk_size", chunk_size, 1),
            checkpoint=checkpoint,
            keeps_errors=check_choice("on_error", on_error, ("raise", "keep")) == "keep",
            timeout=None if timeout is None else _check_timeout(timeout, engine),
            verbose=check_flag("verbose", verbose),
        )


def _check_timeout(timeout: float, engine: Any) -> float:
    if not hasattr(signal, "setitimer"):
        raise ArgumentError("timeout needs a system with alarms, such as Linux or macOS; leave it out.")
    if not is_stoppable(engine):
        raise ArgumentError(
            'timeout needs an engine whose work can be stopped: engine="processes", "spark" or a SparkSession; got '
            f"{engine!r:.80}."
        )
    return min(LONGEST_SECONDS, check_number("timeout", timeout, 0, inclusive=False))
