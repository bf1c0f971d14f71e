"""Many instances: in chunks, each a table of explanations; what is finished is kept, and what fails is data."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from limelight._checks import check_choice, check_count, check_flag, check_number
from limelight._errors import ArgumentError, ArgumentTypeError, Interrupted, LimelightError, ModelError, require
from limelight._lockstep import Run, run_in_lockstep
from limelight._registry import register, registered
from limelight.batch._checkpoint import About, Checkpoint, content_of
from limelight.batch._engines import Engine, engine_of, kind_of
from limelight.batch._instances import Chunk, Instances, chunks_of
from limelight.batch._timeouts import in_time, in_time_or_ended
from limelight.batch._workers import Finished
from limelight.collection.arrow import table_of
from limelight.collection.explanations import Explanations
from limelight.collection.failure import Failure
from limelight.results.explanation import Explanation
from limelight.stages.prediction import SharedAnswers

if TYPE_CHECKING:
    import pyarrow as pa

    from limelight._options import Options, Request

__all__ = ["Batch", "Job", "run"]

_PROBE, _PROBED = 64, 8  # perturbations of the explanation that tells a model from others; where the first fails, the next
_STOPPED = ("processes", "spark")  # engines whose work is in main threads, where an alarm can stop it
_LONGEST = 1e9  # seconds, thirty years: systems' clocks know no times much longer
_USED_IN_WORKERS = ("adapter", "model", "view")  # what a program may have registered, and workers need
_TOGETHER = 64  # instances whose questions are put to the model together

T = TypeVar("T")


class Pipeline(Protocol):
    """What an explainer does for one instance."""

    def __call__(self, instance: Any, model: Any, request: Request, shared: SharedAnswers) -> Run[Explanation]: ...


@dataclass(frozen=True)
class Batch:
    """How many instances are explained; the parameters are described at ``explain_many``."""

    n_jobs: int
    engine: Any
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
    ) -> Batch:
        """Check a call's arguments.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If one of them is not allowed.
        """
        if isinstance(n_jobs, bool) or not isinstance(n_jobs, (int, np.integer)) or n_jobs == 0:
            raise ArgumentError(f"n_jobs must be a number of processes, or -1 for one a core; got {n_jobs!r}.")
        if checkpoint is not None and not isinstance(checkpoint, (str, os.PathLike)):
            raise ArgumentTypeError(f"checkpoint must be a folder's path; got {checkpoint!r}.")
        name = ("serial" if n_jobs == 1 else "processes") if engine is None else engine
        if timeout is not None and not hasattr(signal, "setitimer"):
            raise ArgumentError("timeout needs a system that has alarms, as Linux and macOS; leave it out.")
        if timeout is not None and kind_of(name) not in _STOPPED:
            raise ArgumentError(f'timeout needs processes to stop: give engine="processes", or Spark; got {name!r}.')
        return cls(
            n_jobs=int(n_jobs),
            engine=name,
            chunk_size=check_count("chunk_size", chunk_size, 1),
            checkpoint=checkpoint,
            keeps_errors=check_choice("on_error", on_error, ("raise", "keep")) == "keep",
            timeout=None if timeout is None else min(_LONGEST, check_number("timeout", timeout, 0, inclusive=False)),
            verbose=check_flag("verbose", verbose),
        )


@dataclass
class Job:
    """What every chunk is explained with; it goes to wherever that happens.

    Attributes
    ----------
    pipeline : callable
        An explainer's.
    model : object
        As the user gave it, but for files, which are opened.
    request : Request
        What was asked for.
    keeps_errors : bool
        Whether an instance that cannot be explained is a `Failure`, or the end of the job.
    timeout : float or None
        Seconds after which an instance counts as failed.
    """

    pipeline: Pipeline
    model: Any
    request: Request
    keeps_errors: bool
    timeout: float | None

    def __post_init__(self) -> None:
        self._own = threading.local()  # every thread asks about shared rows for itself: nothing is waited for

    def __getstate__(self) -> dict[str, Any]:
        own = {name: value for name, value in self.__dict__.items() if name != "_own"}
        return own | {"registered": registered(_USED_IN_WORKERS)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for kind, implementations in state.pop("registered").items():
            for name, implementation in implementations.items():
                register(kind, name, implementation)
        self.__dict__.update(state)
        self.__post_init__()

    def explain(self, chunk: Chunk) -> pa.Table:
        """The explanations of a chunk.

        Raises
        ------
        LimelightError
            If an instance cannot be explained, and errors are not kept.
        """
        entries: list[Explanation | Failure] = []
        together = _TOGETHER if self.timeout is None else 1
        for start in range(0, len(chunk.instances), together):
            for entry in self._explain(chunk.instances[start : start + together]):
                if not isinstance(entry, LimelightError):
                    entries.append(entry)
                elif self.keeps_errors:
                    entries.append(Failure.of(entry))
                else:
                    entry.add_note(f"This was instance {chunk.first + len(entries)}.")
                    raise entry
        return table_of(entries, range(chunk.first, chunk.first + len(entries)))

    def _explain(self, instances: Sequence[Any]) -> Sequence[Explanation | LimelightError]:
        shared = getattr(self._own, "shared", None) or SharedAnswers()
        self._own.shared = None  # what is stopped midway leaves it half written
        pipelines = [self.pipeline(instance, self.model, self.request, shared) for instance in instances]
        if self.timeout is None:
            entries = run_in_lockstep(pipelines)
        else:
            try:
                entries = in_time_or_ended(self.timeout, partial(run_in_lockstep, pipelines))
            except ModelError as error:
                return [error]
        self._own.shared = shared
        return entries


class _Memory:
    """Finished chunks in memory."""

    def __init__(self) -> None:
        self._tables: dict[int, pa.Table] = {}

    def has(self, chunk: Chunk) -> bool:  # noqa: ARG002 - nothing was there before
        return False

    def add(self, number: int, table: pa.Table) -> None:
        self._tables[number] = table

    def explanations(self) -> Explanations:
        return Explanations.of_tables([self._tables[number] for number in sorted(self._tables)])


def run(
    pipeline: Pipeline,
    model: Any,
    request: Request,
    instances: Any,
    batch: Batch,
    *,
    columns: Sequence[str] | None,
    options: Options,
) -> Explanations:
    """Explain all instances.

    Parameters
    ----------
    pipeline : callable
        An explainer's.
    model : object
        What is asked.
    request, batch : Request, Batch
        What for, and how.
    instances : object
        In the form that a user has them.
    columns : sequence of str or None
        Their columns, where they are rows.
    options : Options
        The explainer's; another job's checkpoint may have others.

    Raises
    ------
    Interrupted
        If the user stops it; what is finished is in it.
    """
    engine = engine_of(batch.engine)
    job = Job(pipeline, model, request, batch.keeps_errors, batch.timeout)
    store: Checkpoint | _Memory = _Memory()
    try:
        each, total = Instances.of(instances, columns)
        if batch.checkpoint is not None:
            first = list(islice(each, _PROBED))
            each = chain(first, each)
            if first:  # nothing needs no folder
                store = Checkpoint(batch.checkpoint, _about(job, first, batch, options), keeps_errors=batch.keeps_errors)
        with _progress(total, batch.verbose) as bar:
            chunks = _unfinished(chunks_of(each, batch.chunk_size), store, bar)
            with closing(_finished(engine, job, chunks, batch.n_jobs)) as finished:
                for number, table in finished:
                    store.add(number, table)
                    bar.update(table.num_rows)
    except KeyboardInterrupt:
        explanations = store.explanations()
        message = f"{len(explanations)} instances are explained; they are this error's .explanations"
        raise Interrupted(message, explanations) from None
    return store.explanations()


def _finished(engine: Engine, job: Job, chunks: Iterable[Chunk], n_jobs: int) -> Finished:
    """What an engine gives; closing it closes the engine's own generator, where it is one."""
    yield from engine(job, chunks, n_jobs)


def _unfinished(chunks: Iterable[Chunk], store: Checkpoint | _Memory, bar: Any) -> Iterator[Chunk]:
    for chunk in chunks:
        if store.has(chunk):
            bar.update(len(chunk.instances))
        else:
            yield chunk


def _about(job: Job, first: Sequence[Any], batch: Batch, options: Options) -> About:
    """What finished chunks depend on: arguments, and what becomes of the first instance that can be explained."""
    told = {**vars(options), **vars(job.request), "chunk_size": batch.chunk_size}
    arguments = {name: _said(value) for name, value in told.items() if name != "batch_size"}  # it changes no result
    answers: list[float] = []
    weights: list[float] = []
    names: list[str] = []
    told_by = content_of(first[:1])  # explaining may change instances
    for instance in first:
        recorded: list[float] = []
        probe = _recorded(
            job.pipeline(instance, job.model, replace(job.request, num_samples=_PROBE), SharedAnswers()), recorded
        )
        try:
            (explanation,) = _while_there_is_time(job.timeout, partial(run_in_lockstep, [probe]))
        except ModelError:  # where it was stopped is chance
            continue
        answers += recorded
        if isinstance(explanation, Explanation):
            weights = [weight for surrogate in explanation.surrogates for weight in surrogate.weights]
            names = [*explanation.names, *explanation.output_names]
            break
    return About(arguments, told_by, answers, weights, names)


def _while_there_is_time(timeout: float | None, work: Callable[[], T]) -> T:
    """What some work gives; only a program's main thread can be stopped."""
    if timeout is None or threading.current_thread() is not threading.main_thread():
        return work()
    return in_time(timeout, work)


def _recorded(run: Run[Explanation], answers: list[float]) -> Run[Explanation]:
    """The same run, which also adds to `answers` one number for each input that the model was asked about."""
    try:
        effect = next(run)
        while True:
            outcome = yield effect
            for answer in outcome:
                if isinstance(answer, np.ndarray):
                    answers += (answer @ np.linspace(1.0, 2.0, answer.shape[1])).tolist()
            effect = run.send(outcome)
    except StopIteration as stop:
        explanation: Explanation = stop.value
        return explanation


def _said(value: object) -> str:
    """An argument as a checkpoint keeps it; where it lies in memory is nothing of its own."""
    return re.sub(" at 0x[0-9a-fA-F]+", "", getattr(value, "__qualname__", repr(value)))


def _progress(total: int | None, verbose: bool) -> Any:
    tqdm = require("tqdm.auto", extra="batch", purpose="explain_many")
    return tqdm.tqdm(total=total, unit=" instances", disable=None if verbose else True)
