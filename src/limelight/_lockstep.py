"""Several explanations side by side: the model is asked about all of them at once, and so are their surrogates fitted.

An explanation in the making is a generator, a `Run`. It yields what it needs next, an effect, and is sent what comes of it:

    Ask            questions to the model    it is sent the answer to each
    FitSurrogates  a sample, and settings    it is sent the fit of each output

In the end it returns the explanation. `run_in_lockstep` takes runs from effect to effect, all of them together.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

import numpy as np

from limelight._blas import one_blas_thread
from limelight._errors import ArgumentError, InstanceError, LimelightError
from limelight.stages.prediction import Ask, Question
from limelight.stages.prediction_batches import answers_to
from limelight.stages.sample import Sample
from limelight.stages.surrogate import Fit, Settings, fit

__all__ = ["Effect", "FitSurrogates", "Run", "fitted", "run_alone", "run_in_lockstep"]

T = TypeVar("T")


class FitSurrogates(NamedTuple):
    """What a run yields to have a surrogate fitted to each output of a sample."""

    sample: Sample
    settings: Settings

    @property
    def batch_key(self) -> Hashable:
        """Equal for samples that can be fitted together."""
        settings, sample = self.settings, self.sample
        if settings.kernel_law is not None or settings.regressor is not None:
            return id(self)
        return settings, len(sample.instance), len(sample.origin), sample.replicates


Effect = Ask | FitSurrogates
Outcome = list[np.ndarray] | list[Fit]
Run = Generator[Effect, Outcome, T]
"""Yields effects, is sent what comes of each, and returns a result in the end."""


def fitted(sample: Sample, settings: Settings) -> Generator[FitSurrogates, list[Fit], list[Fit]]:
    """The part of a run that has the surrogates of a sample fitted; its result is the fit of each output."""
    return (yield FitSurrogates(sample, settings))


def run_alone(run: Run[T]) -> T:
    """Take one run to its end.

    Raises
    ------
    LimelightError
        What keeps it from a result.
    """
    (result,) = run_in_lockstep([run])
    if isinstance(result, LimelightError):
        raise result
    return result


def run_in_lockstep(runs: Sequence[Run[T]]) -> list[T | LimelightError]:
    """Take all runs to their ends: the result of each, or the error that kept it from one."""
    results: dict[int, T | LimelightError] = {}
    waiting: dict[int, Effect] = {}

    def resume(number: int, outcome: Outcome | LimelightError | None) -> None:
        """Take one run to its next effect, or to its end."""
        if isinstance(outcome, LimelightError):
            results[number] = outcome
            return
        run = runs[number]
        try:
            waiting[number] = next(run) if outcome is None else run.send(outcome)
        except StopIteration as stop:
            results[number] = stop.value
        except LimelightError as error:
            results[number] = error
        except MemoryError as error:
            results[number] = _too_large(error)

    with one_blas_thread():
        for number in range(len(runs)):
            resume(number, None)
    while waiting:
        asks = {number: effect for number, effect in waiting.items() if isinstance(effect, Ask)}
        fits = {number: effect for number, effect in waiting.items() if isinstance(effect, FitSurrogates)}
        waiting.clear()
        answers = _ask(asks)
        with one_blas_thread():
            for number, outcome in (answers | _fit(fits)).items():
                resume(number, outcome)
    return [results[number] for number in range(len(runs))]


def _ask(asks: dict[int, Ask]) -> dict[int, Outcome | LimelightError]:
    """The answers to each run's questions, or an error; what several ask about the same rows is put to the model once."""
    distinct: dict[Hashable, Question] = {}
    for question in chain.from_iterable(ask.questions for ask in asks.values()):
        # The first run that asks about shared rows does so beside its own question. Nobody else waits for the answer to a run
        # that asks alone.
        distinct.setdefault(question.key or id(question), question if len(asks) > 1 else question._replace(key=None))
    answers = dict(zip(distinct, answers_to(list(distinct.values())), strict=True))
    outcomes: dict[int, Outcome | LimelightError] = {}
    for number, ask in asks.items():
        own = [answers[question.key or id(question)] for question in ask.questions]
        arrays = [answer for answer in own if not isinstance(answer, LimelightError)]
        errors = (answer for answer in own if isinstance(answer, LimelightError))
        outcomes[number] = next(errors, arrays)
    return outcomes


def _fit(effects: dict[int, FitSurrogates]) -> dict[int, Outcome | LimelightError]:
    """The fits that each run wants, or an error."""
    batches: dict[Hashable, list[int]] = {}
    for number, effect in effects.items():
        batches.setdefault(effect.batch_key, []).append(number)
    outcomes: dict[int, Outcome | LimelightError] = {}
    for numbers in batches.values():
        samples = [effects[number].sample for number in numbers]
        try:
            outcomes |= zip(numbers, fit(samples, effects[numbers[0]].settings), strict=True)
        except Exception:  # it may come from one sample alone
            outcomes |= {number: _fit_alone(effects[number]) for number in numbers}
    return outcomes


def _fit_alone(effect: FitSurrogates) -> list[Fit] | LimelightError:
    try:
        return fit([effect.sample], effect.settings)[0]
    except LimelightError as error:
        return error
    except np.linalg.LinAlgError:
        return InstanceError(
            "the surrogate's equations have no solution in double precision: the components' numbers are too large compared "
            "with how much they vary. Scale the columns, or put them into bins."
        )
    except MemoryError as error:
        return _too_large(error)
    except Exception as error:
        if effect.settings.regressor is None:
            raise
        refused = ArgumentError(f"model_regressor raised {type(error).__name__}: {error}")
        refused.__cause__ = error
        return refused


def _too_large(error: MemoryError) -> InstanceError:
    refused = InstanceError(f"there is not enough memory for this instance: {error}. Give it fewer components, or num_samples.")
    refused.__cause__ = error
    return refused
