"""The job that explains chunks, wherever an engine has them explained."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from limelight._checks import own_arithmetic
from limelight._lockstep import Run, run_in_lockstep
from limelight._registry import registrations, use_registrations
from limelight.batch._instances import Chunk
from limelight.batch._pickling import serialize
from limelight.batch._timeouts import run_in_time_or_exit
from limelight.collection.arrow import table_of
from limelight.collection.failure import Failure
from limelight.exceptions import ArgumentTypeError, LimelightError, ModelError, add_note, describe_error, read_message
from limelight.results.explanation import Explanation
from limelight.stages.prediction import SharedAnswers

if TYPE_CHECKING:
    import pyarrow as pa

    from limelight._options import Request

__all__ = ["Job", "Pipeline"]

_LOCKSTEP_INSTANCES = 64  # explained side by side, so that the model is asked about them together
_KINDS_FOR_JOBS = ("adapter", "model", "view")  # what the user's program may have registered and a job uses


class Pipeline(Protocol):
    """How an explainer explains one instance."""

    def __call__(self, instance: Any, model: Any, request: Request, shared: SharedAnswers) -> Run[Explanation]: ...


@dataclass
class Job:
    """How every chunk is explained. It can be pickled, and takes along what the user's program has registered.

    Attributes
    ----------
    pipeline : callable
        The explainer's.
    model : object
        The user's model; files have been opened.
    request : Request
        What is asked for each instance.
    keeps_errors : bool
        Whether an instance that cannot be explained is kept as a `Failure`, instead of ending the job.
    timeout : float or None
        Seconds after which an instance counts as one that cannot be explained.
    """

    pipeline: Pipeline
    model: Any
    request: Request
    keeps_errors: bool
    timeout: float | None

    def __post_init__(self) -> None:
        self._per_thread = threading.local()  # each thread asks about shared rows for itself, so that none waits for another
        self._registrations: Mapping[str, Mapping[str, Any]] | None = None  # None: those of this process
        self._float_errors: dict[str, Any] = dict(np.geterr())  # as the user's program handles them, for the model in workers

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name != "_per_thread"}
        if self._registrations is None:
            state["_registrations"] = registrations(_KINDS_FOR_JOBS)
            _check_registrations(state["_registrations"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__post_init__()
        self.__dict__.update(state)

    def registrations_in_use(self) -> AbstractContextManager[None]:
        """Within it, names stand for what was registered in the process that the job comes from."""
        return nullcontext() if self._registrations is None else use_registrations(self._registrations)

    def explain(self, chunk: Chunk) -> pa.Table:
        """Explain a chunk's instances, and put their explanations and failures into a table.

        Raises
        ------
        LimelightError
            If an instance cannot be explained, and errors are not kept.
        """
        entries: list[Explanation | Failure] = []
        step = _LOCKSTEP_INSTANCES if self.timeout is None else 1
        with self.registrations_in_use(), np.errstate(**self._float_errors), own_arithmetic():
            for start in range(0, len(chunk.instances), step):
                for result in self._explain(chunk.instances[start : start + step]):
                    id = chunk.ids[len(entries)]
                    if not isinstance(result, LimelightError):
                        entries.append(result if id is None else result.with_id(id))
                    elif self.keeps_errors:
                        entries.append(Failure.of(result, id))
                    else:
                        identity = "" if id is None else f", {id!r:.80}"
                        add_note(result, f"This was instance {chunk.first + len(entries)}{identity}.")
                        raise result if self._registrations is None else _sendable(result)
            return table_of(entries, range(chunk.first, chunk.first + len(entries)))

    def _explain(self, instances: Sequence[Any]) -> Sequence[Explanation | LimelightError]:
        shared = getattr(self._per_thread, "shared", None) or SharedAnswers()
        self._per_thread.shared = None  # work that is stopped midway leaves the answers incomplete
        runs = [self.pipeline(instance, self.model, self.request, shared) for instance in instances]
        if self.timeout is None:
            results = run_in_lockstep(runs)
        else:
            try:
                results = run_in_time_or_exit(self.timeout, partial(run_in_lockstep, runs))
            except ModelError as error:
                return [error]
        self._per_thread.shared = shared
        return results


def _sendable(error: LimelightError) -> LimelightError:
    """The error itself, or one of limelight's with the same words where it would not arrive in another process.

    An exception whose constructor takes other arguments than its message cannot be unpickled, and would end the pool.
    """
    with suppress(Exception):  # any class may fail in its own way
        if type(pickle.loads(pickle.dumps(error))) is type(error):
            return error
    base = next(cls for cls in type(error).__mro__ if cls.__module__ == "limelight.exceptions")
    plain: LimelightError = base(describe_error(error))
    plain.__cause__ = error.__cause__
    notes = getattr(error, "__notes__", None)
    for note in notes if isinstance(notes, list) else ():
        add_note(plain, note)
    return plain


def _check_registrations(implementations: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a registered implementation that other processes cannot be sent, by its name.

    Raises
    ------
    ArgumentTypeError
        If there is one.
    """
    for kind, by_name in implementations.items():
        for name, implementation in by_name.items():
            try:
                serialize([implementation])  # in a list: a class alone would be wrapped in a class that cannot be pickled
            except ArgumentTypeError as error:
                cause = error if error.__cause__ is None else error.__cause__
                problem = f"{type(cause).__name__}({read_message(cause)!r})"
                raise ArgumentTypeError(
                    f"the {kind} registered as {name!r} cannot be sent to other processes ({problem}); "
                    'use engine="threads" or "serial", which send nothing.'
                ) from error
