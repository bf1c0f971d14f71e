"""Several explanations side by side: the model is asked about all of them together, and their surrogates are fitted together.

The pipeline of one explanation is a generator, a `Run`. It yields what it needs next, an effect, and is sent the outcome:

    effect         contains                 outcome
    Ask            questions to the model   the answer to each
    FitSurrogates  a sample and settings    the fit of each output

In the end it returns the explanation. `run_in_lockstep` collects the next effects of all runs, carries them out together, and
sends each run its outcome, or throws the error in its place, until all runs have ended. `go_on` takes a single run to its next
question, for those who ask the model themselves.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from limelight._blas import one_blas_thread
from limelight._checks import own_arithmetic
from limelight.exceptions import (
    ArgumentError,
    InstanceError,
    LimelightError,
    describe_error,
    is_interruption,
    read_message,
)
from limelight.stages.answers import Answer
from limelight.stages.prediction_batches import begin_asking
from limelight.stages.questions import Ask
from limelight.stages.sample import Sample
from limelight.stages.settings import Settings
from limelight.stages.surrogate import Fit, fit_surrogates

__all__ = ["Ended", "Run", "go_on", "request_fits", "run_alone", "run_in_lockstep"]

T = TypeVar("T")

_MOST_COMPONENTS = 40_000  # of all runs side by side: each keeps a byte for each component of each perturbation, or several


class FitSurrogates(NamedTuple):
    """What a run yields to have a surrogate fitted to each output of a sample."""

    sample: Sample
    settings: Settings

    @property
    def batch_key(self) -> Hashable:
        """Samples with equal keys can be fitted together."""
        settings, sample = self.settings, self.sample
        if settings.kernel_law is not None or settings.regressor is not None:
            return id(self)
        limit = None if sample.limit is None else sample.limit.batch_key
        controls = None if sample.controls is None else sample.controls.batch_key
        shape = len(sample.instance), len(sample.origin), sample.num_replicates, sample.is_thin
        return settings, shape, limit, controls


Effect = Ask | FitSurrogates
Outcome = list[Answer] | list[Fit]
Run = Generator[Effect, Outcome, T]
"""A generator that yields effects, is sent the outcome of each or thrown an error, and returns a result in the end."""


class Ended(NamedTuple, Generic[T]):
    """What a run has come to: its result, or the error that ended it."""

    result: T | LimelightError


def request_fits(sample: Sample, settings: Settings) -> Generator[FitSurrogates, list[Fit], list[Fit]]:
    """A part of a run, for ``yield from``: its result is the fit of each output of the sample."""
    return (yield FitSurrogates(sample, settings))


def run_alone(run: Run[T]) -> T:
    """Carry out one run.

    Raises
    ------
    LimelightError
        If the run ends with an error.
    """
    (result,) = run_in_lockstep([run])
    if isinstance(result, LimelightError):
        raise result
    return result


@own_arithmetic()
def run_in_lockstep(runs: Sequence[Run[T]]) -> list[T | LimelightError]:
    """Carry out all runs, together as far as there is memory for them.

    Returns
    -------
    results : list
        The result of each run, or the error that ended it.
    """
    results: list[T | LimelightError] = []
    while len(results) < len(runs):
        results += _run_some(runs[len(results) :])
    return results


@own_arithmetic()
def go_on(run: Run[T], outcome: Outcome | LimelightError | None = None) -> Ask | Ended[T]:
    """Let a run go on, from its start or with the answers that it has asked for, to its next question or its end."""
    step = _advance(run, outcome)
    while isinstance(step, FitSurrogates):
        step = _advance(run, _fit({0: step})[0])
    return step


def _advance(run: Run[T], outcome: Outcome | LimelightError | None) -> Effect | Ended[T]:
    """Let a run go on to its next effect or its end; `outcome` is None at its start."""
    try:
        if isinstance(outcome, LimelightError):  # the run may have enough to end with
            return run.throw(outcome)
        return next(run) if outcome is None else run.send(outcome)
    except StopIteration as stop:
        return Ended(stop.value)
    except LimelightError as error:
        return Ended(error)
    except MemoryError as error:
        return Ended(_out_of_memory(error))


def _run_some(runs: Sequence[Run[T]]) -> list[T | LimelightError]:
    """The results of the first runs: of those that have few components, all."""
    results: dict[int, T | LimelightError] = {}
    waiting: dict[int, Effect] = {}

    def resume(number: int, outcome: Outcome | LimelightError | None) -> None:
        step = _advance(runs[number], outcome)
        if isinstance(step, Ended):
            results[number] = step.result
        else:
            waiting[number] = step

    num_components = num_runs = 0
    with one_blas_thread():
        while num_runs < len(runs) and num_components < _MOST_COMPONENTS:
            resume(num_runs, None)
            num_components += _count_components(waiting.get(num_runs))
            num_runs += 1
    while waiting:
        asks = {number: effect for number, effect in waiting.items() if isinstance(effect, Ask)}
        fits = {number: effect for number, effect in waiting.items() if isinstance(effect, FitSurrogates)}
        waiting.clear()
        answers = begin_asking(asks)()  # outside: models may use as many threads as they like
        with one_blas_thread():
            for number, outcome in (*answers.items(), *_fit(fits).items()):
                resume(number, outcome)
    return [results[number] for number in range(num_runs)]


def _count_components(effect: Effect | None) -> int:
    """How many components the instance has whose run needs this; 0 where the run has ended."""
    if isinstance(effect, FitSurrogates):
        return len(effect.sample.instance)
    return effect.questions[0].neighbourhood.representation.shape[1] if effect and effect.questions else 0


def _fit(effects: dict[int, FitSurrogates]) -> dict[int, Outcome | LimelightError]:
    """The fits that each run asks for, or an error."""
    batches: dict[Hashable, list[int]] = {}
    for number, effect in effects.items():
        batches.setdefault(effect.batch_key, []).append(number)
    outcomes: dict[int, Outcome | LimelightError] = {}
    for numbers in batches.values():
        samples = [effects[number].sample for number in numbers]
        try:
            outcomes |= zip(numbers, fit_surrogates(samples, effects[numbers[0]].settings), strict=True)
        except BaseException as error:  # one sample may have caused it: the others must not fail with it
            if is_interruption(error):
                raise
            outcomes |= {number: _fit_alone(effects[number]) for number in numbers}
    return outcomes


def _fit_alone(effect: FitSurrogates) -> list[Fit] | LimelightError:
    try:
        return fit_surrogates([effect.sample], effect.settings)[0]
    except LimelightError as error:
        return error
    except np.linalg.LinAlgError:
        return InstanceError(
            "the surrogate's equations have no solution in double precision: the components' numbers are too large compared "
            "with how much they vary, or the kernel is too narrow. Scale the columns, put them into bins, or give a larger "
            "kernel_width."
        )
    except MemoryError as error:
        return _out_of_memory(error)
    except BaseException as error:
        if effect.settings.regressor is None or is_interruption(error):
            raise
        regressor_error = ArgumentError(f"model_regressor raised {describe_error(error)}")
        regressor_error.__cause__ = error
        return regressor_error


def _out_of_memory(error: MemoryError) -> InstanceError:
    instance_error = InstanceError(
        f"there is not enough memory for this instance: {read_message(error)}. Make fewer components, or give a smaller "
        "num_samples."
    )
    instance_error.__cause__ = error
    return instance_error
