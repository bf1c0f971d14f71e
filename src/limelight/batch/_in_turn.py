"""One instance after the other, while the next is prepared, the last is fitted, and the one before that is written.

    prepare, in a thread  ->  ask the model, in the caller's thread  ->  fit, in a thread  ->  write, in a thread

Instances go one way through these stages, in their order. The model is called in the caller's thread only, whose settings it
may depend on, and never twice at a time. A model that computes elsewhere has its next question before the answer to the last
one is read, so that it does not wait.

Beside other models, which need this machine's cores and Python's lock themselves, only writing is done in a thread: preparing
there took longer than doing it in turn. They may also use BLAS with many threads, which must not change the last bits of a fit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from itertools import chain, islice
from typing import Any, Generic, NamedTuple, TypeVar

from limelight._blas import one_blas_thread
from limelight._lockstep import Ended, Run, go_on
from limelight.exceptions import LimelightError
from limelight.stages.answers import Answer
from limelight.stages.prediction_batches import begin_asking
from limelight.stages.questions import Ask

__all__ = ["run_in_turn"]

_ONLY = 0  # the number of a run that the model is asked about alone

T = TypeVar("T")
W = TypeVar("W")


class _Turn(NamedTuple, Generic[T]):
    """A run on its way to its next question.

    Attributes
    ----------
    number : int
        The instance's.
    run : Run
        What explains it.
    step : Future of Ask or Ended
        The next question, or the end.
    """

    number: int
    run: Run[T]
    step: Future[Ask | Ended[T]]


class _Stages(NamedTuple):
    """Where the stages beside the model do their work.

    Attributes
    ----------
    preparing, fitting, writing : Executor
        A thread each, or the caller's.
    most_prepared : int
        How many instances are prepared ahead.
    most_asked : int
        How many questions the model has before an answer is read.
    """

    preparing: Executor
    fitting: Executor
    writing: Executor
    most_prepared: int
    most_asked: int


class _Asked(NamedTuple, Generic[T]):
    """A run whose question has been put to the model; `read` waits for the answers."""

    turn: _Turn[T]
    read: Callable[[], dict[int, list[Answer] | LimelightError]]


def run_in_turn(runs: Iterable[Run[T]], write: Callable[[int, T | LimelightError], W]) -> Iterator[W]:
    """Carry out runs, a few at a time.

    The first run is carried out alone, since it finds out about the model what all share.

    Parameters
    ----------
    runs : iterable of Run
        One for each instance.
    write : callable
        From an instance's number and its result, or the error that ended it, to what is wanted of it.

    Yields
    ------
    written : object
        What `write` returns or raises for each instance, in their order.
    """
    numbered = enumerate(runs)
    first = _take_to_first_question(numbered)
    with _stages_beside(first) as stages:
        written: dict[int, Future[W]] = {}
        number = 0  # of the next one to be handed over
        coming = _prepare_ahead(numbered, stages)
        for place, end in chain(_take_turns(first, stages), _take_turns(coming, stages)):
            written[place] = _submit(stages.writing, write, place, end.result)
            while number in written and written[number].done():
                yield written.pop(number).result()
                number += 1
        for number in sorted(written):
            yield written[number].result()


def _take_turns(turns: Iterable[_Turn[T]], stages: _Stages) -> Iterator[tuple[int, Ended[T]]]:
    """Ask the model about runs in turn, and give the number and the end of each.

    What is asked next does not depend on what takes how long, and neither do the results.
    """
    coming = iter(turns)
    asked: deque[_Asked[T]] = deque()
    resumed: deque[_Turn[T]] = deque()
    while True:
        while len(asked) < stages.most_asked:
            # The run that was resumed last has just begun to be fitted: where there is a thread for it, a new one goes first.
            turn = resumed.popleft() if len(resumed) >= stages.most_asked else next(coming, None)
            if turn is None and not resumed:
                break
            turn = turn or resumed.popleft()
            step = turn.step.result()
            if isinstance(step, Ended):
                yield turn.number, step
            else:
                asked.append(_Asked(turn, begin_asking({_ONLY: step})))
        if not asked:
            return
        turn, read = asked.popleft()
        outcome = read()[_ONLY]
        resumed.append(turn._replace(step=_submit(stages.fitting, go_on, turn.run, outcome)))


def _prepare_ahead(numbered: Iterator[tuple[int, Run[T]]], stages: _Stages) -> Iterator[_Turn[T]]:
    """Each run on its way to its first question; the next ones are prepared meanwhile, and the first ones from now on."""
    turns = (_Turn(number, run, _submit(stages.preparing, go_on, run)) for number, run in numbered)
    return _take_from(deque(islice(turns, stages.most_prepared)), turns)


def _take_from(ahead: deque[_Turn[T]], turns: Iterator[_Turn[T]]) -> Iterator[_Turn[T]]:
    for turn in turns:
        ahead.append(turn)
        yield ahead.popleft()
    yield from ahead


def _take_to_first_question(numbered: Iterator[tuple[int, Run[T]]]) -> list[_Turn[T]]:
    """The runs up to the first that asks something: others have ended at once, with an error."""
    turns: list[_Turn[T]] = []
    for number, run in numbered:
        turns.append(_Turn(number, run, _CallersThread().submit(go_on, run)))
        if isinstance(turns[-1].step.result(), Ask):
            break
    return turns


@contextmanager
def _stages_beside(turns: Sequence[_Turn[T]]) -> Iterator[_Stages]:
    """The stages beside the model that the last of these runs asks."""
    step = turns[-1].step.result() if turns else None
    is_elsewhere = isinstance(step, Ask) and all(question.path.launch is not None for question in step.questions)
    with _thread() as writing:
        if is_elsewhere:
            with one_blas_thread(), _thread() as preparing, _thread() as fitting:
                yield _Stages(preparing, fitting, writing, most_prepared=2, most_asked=2)
        else:
            yield _Stages(_CallersThread(), _CallersThread(), writing, most_prepared=0, most_asked=1)


@contextmanager
def _thread() -> Iterator[Executor]:
    """A thread for one stage; when it is left, the stage's work has ended."""
    with ThreadPoolExecutor(1) as thread:
        try:
            yield thread
        finally:
            thread.shutdown(wait=False, cancel_futures=True)


class _CallersThread(Executor):
    """Has everything done at once."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with one_blas_thread():
            future.set_result(function(*arguments, **keywords))
        return future


def _submit(stage: Executor, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
    """Have a stage call a function in the caller's context, in which floating-point errors are handled as it says."""
    return stage.submit(copy_context().run, function, *arguments)
