"""The job that explains chunks, wherever an engine has them explained."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from limelight._checks import own_arithmetic
from limelight._lockstep import Run, run_in_lockstep
from limelight._registry import registrations, use_registrations
from limelight.batch._in_turn import run_in_turn
from limelight.batch._instances import Chunk
from limelight.batch._journal import Journal
from limelight.batch._pickling import serialize
from limelight.batch._shared_work import SharedWork
from limelight.batch._timeouts import run_in_time
from limelight.collection.arrow import arrow, table_of
from limelight.collection.failure import Failure
from limelight.exceptions import (
    ArgumentTypeError,
    LimelightError,
    ModelError,
    add_note,
    describe_error,
    read_message,
    time_is_up,
)
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
    explains_in_turn : callable, optional
        Whether instances like one are explained in turn; without it, all are explained side by side.
    """

    pipeline: Pipeline
    model: Any
    request: Request
    keeps_errors: bool
    timeout: float | None
    explains_in_turn: Callable[[Any], bool] | None = None

    def __post_init__(self) -> None:
        self._per_thread = threading.local()  # each thread asks about shared rows for itself, so that none waits for another
        self._shared_work = SharedWork()
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

    def explain(self, chunk: Chunk, folder: Path | None = None) -> pa.Table:
        """Explain a chunk's instances, and put their explanations and failures into a table.

        Parameters
        ----------
        chunk : Chunk
            The instances.
        folder : path, optional
            Where a process may write down what has come of each instance, if there is a timeout: another process goes on from
            there after one that had to be ended.

        Raises
        ------
        LimelightError
            If an instance cannot be explained, and errors are not kept.
        """
        with self.registrations_in_use(), np.errstate(**self._float_errors), own_arithmetic():
            if self.timeout is None and self.explains_in_turn is not None and self.explains_in_turn(chunk.instances[0]):
                return arrow().concat_tables(list(self._write_in_turn(chunk))).combine_chunks()
            return self._write(chunk, 0, self._explain_all(chunk, folder))

    def _write(self, chunk: Chunk, place: int, results: Iterable[Explanation | LimelightError]) -> pa.Table:
        """A table of results, which are those of the chunk's instances from a place on.

        Raises
        ------
        LimelightError
            The first error, if errors are not kept.
        """
        entries: list[Explanation | Failure] = []
        first = chunk.first + place
        for result in results:
            id = chunk.ids[place + len(entries)]
            if not isinstance(result, LimelightError):
                entries.append(result if id is None else result.with_id(id))
            elif self.keeps_errors:
                entries.append(Failure.of(result, id))
            else:
                identity = "" if id is None else f", {id!r:.80}"
                add_note(result, f"This was instance {first + len(entries)}{identity}.")
                raise result if self._registrations is None else _sendable(result)
        return table_of(entries, range(first, first + len(entries)))

    def _write_in_turn(self, chunk: Chunk) -> Iterator[pa.Table]:
        """A table for each instance."""
        with self._shared_answers() as shared:
            runs = (self.pipeline(instance, self.model, self.request, shared) for instance in chunk.instances)
            yield from run_in_turn(runs, lambda place, result: self._write(chunk, place, [result]))

    def _explain_all(self, chunk: Chunk, folder: Path | None) -> Iterator[Explanation | LimelightError]:
        if self.timeout is None:
            for start in range(0, len(chunk.instances), _LOCKSTEP_INSTANCES):
                yield from self._explain(chunk.instances[start : start + _LOCKSTEP_INSTANCES])
            return
        journal = Journal(folder, chunk.number)
        time_up = time_is_up(self.timeout)
        for number, instance in enumerate(chunk.instances):
            yield journal.recall(number, partial(self._explain_in_time, instance, self.timeout), time_up)

    def _explain(self, instances: Sequence[Any]) -> Sequence[Explanation | LimelightError]:
        """Explain instances side by side."""
        with self._shared_answers() as shared:
            return run_in_lockstep([self.pipeline(instance, self.model, self.request, shared) for instance in instances])

    def _explain_in_time(self, instance: Any, timeout: float, guard_file: int) -> Explanation | LimelightError:
        """Explain one instance, and end the process if it cannot be stopped; this is then written to the guard's file."""
        is_first = not hasattr(self._per_thread, "shared")
        try:
            with self._shared_answers() as shared:
                run = self._shared_work.ask_apart(self.pipeline(instance, self.model, self.request, shared))
                (result,) = run_in_time(timeout, partial(run_in_lockstep, [run]), guard_file, is_first=is_first)
        except ModelError as error:
            self._shared_work.note_time_up()
            return error
        outcome: Explanation | LimelightError = result
        return outcome

    @contextmanager
    def _shared_answers(self) -> Iterator[SharedAnswers]:
        """The answers that instances share, which are dropped if the work with them is stopped midway."""
        shared = getattr(self._per_thread, "shared", None) or SharedAnswers()
        self._per_thread.shared = None
        yield shared
        self._per_thread.shared = shared


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
