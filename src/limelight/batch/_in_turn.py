"""One instance after the other, while the next is prepared, the last is fitted, and the one before that is written.

    prepare, in a thread  ->  ask the model, in the caller's thread  ->  fit, in a thread  ->  write, in a thread

Instances go one way through these stages, in their order. The model is called in the caller's thread only, whose settings it
may depend on, and never twice at a time. A model that computes elsewhere has its next question before the answer to the last
one is read, so that it does not wait. Other models may use BLAS with many threads, which must not change the last bits of a
fit: their surrogates are fitted in the caller's thread, too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
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

_MOST_PREPARED = 2  # instances that wait for the model, or are being prepared
_MOST_ASKED = 2  # instances that the model is asked about: while it computes one answer, it has the next question
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
    with ExitStack() as stack:
        preparing, writing = stack.enter_context(_stage()), stack.enter_context(_stage())
        coming = _prepare_ahead(runs, preparing)
        first = _take_to_first_question(coming)
        fitting = stack.enter_context(_stage_of_fits(first))
        written: dict[int, Future[W]] = {}
        number = 0  # of the next one to be handed over
        for place, end in chain(_take_turns(first, fitting), _take_turns(coming, fitting)):
            written[place] = _submit(writing, write, place, end.result)
            while number in written and written[number].done():
                yield written.pop(number).result()
                number += 1
        for number in sorted(written):
            yield written[number].result()


def _take_turns(turns: Iterable[_Turn[T]], fitting: Executor) -> Iterator[tuple[int, Ended[T]]]:
    """Ask the model about runs in turn, and give the number and the end of each.

    What is asked next does not depend on what takes how long, and neither do the results.
    """
    coming = iter(turns)
    asked: deque[_Asked[T]] = deque()
    resumed: deque[_Turn[T]] = deque()
    while True:
        while len(asked) < _MOST_ASKED:
            # The run that was resumed last has just begun to be fitted: a new one goes before it.
            turn = resumed.popleft() if len(resumed) > 1 else next(coming, None)
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
        resumed.append(turn._replace(step=_submit(fitting, go_on, turn.run, outcome)))


def _prepare_ahead(runs: Iterable[Run[T]], preparing: Executor) -> Iterator[_Turn[T]]:
    """Each run on its way to its first question; the next ones are prepared meanwhile."""
    turns = (_Turn(number, run, _submit(preparing, go_on, run)) for number, run in enumerate(runs))
    ahead = deque(islice(turns, _MOST_PREPARED))
    while ahead:
        turn = ahead.popleft()
        ahead.extend(islice(turns, 1))
        yield turn


def _take_to_first_question(coming: Iterator[_Turn[T]]) -> list[_Turn[T]]:
    """The runs up to the first that asks something: others have ended at once, with an error."""
    turns: list[_Turn[T]] = []
    for turn in coming:
        turns.append(turn)
        if isinstance(turn.step.result(), Ask):
            break
    return turns


@contextmanager
def _stage() -> Iterator[Executor]:
    """A thread for one stage; when it is left, the stage's work has ended."""
    with ThreadPoolExecutor(1) as thread:
        try:
            yield thread
        finally:
            thread.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _stage_of_fits(turns: Sequence[_Turn[T]]) -> Iterator[Executor]:
    """A thread for the fits, if the model of the last of these runs computes elsewhere; else the caller's thread."""
    step = turns[-1].step.result() if turns else None
    if isinstance(step, Ask) and all(question.path.launch is not None for question in step.questions):
        with one_blas_thread(), _stage() as thread:
            yield thread
    else:
        yield _CallersThread()


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
