"""Several explanations at a time, in step: the model is asked about all of them at once, and so are their surrogates fitted."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import numpy as np

from limelight._blas import one_blas_thread
from limelight._errors import ArgumentError, InstanceError, LimelightError
from limelight.stages.prediction import Question
from limelight.stages.prediction_batches import answers_to
from limelight.stages.sample import Sample
from limelight.stages.surrogate import Fit, Settings, fit

__all__ = ["Fitting", "Step", "in_step"]

T = TypeVar("T")


class Fitting(NamedTuple):
    """A surrogate that is wanted of each output of a sample."""

    sample: Sample
    settings: Settings

    @property
    def kind(self) -> Hashable:
        """What may be fitted together is equal in this."""
        settings, sample = self.settings, self.sample
        if settings.kernel_law is not None or settings.regressor is not None:
            return id(self)
        return settings, len(sample.instance), len(sample.origin), sample.replicates


Step = Generator[list[Question] | Fitting, Any, T]
"""Wants answers to questions, or fits, is sent them, and gives a result in the end."""


def in_step(runs: Sequence[Step[T]]) -> list[T | LimelightError]:
    """Let all of them go on until each has its result, or the error that kept it from one."""
    results: list[Any] = [None] * len(runs)
    waiting: dict[int, list[Question] | Fitting] = {}

    def go_on(number: int, sent: Any) -> None:
        if isinstance(sent, LimelightError):
            results[number] = sent
            return
        try:
            waiting[number] = runs[number].send(sent)
        except StopIteration as stop:
            results[number] = stop.value
        except LimelightError as error:
            results[number] = error
        except MemoryError as error:
            results[number] = _too_large(error)

    with one_blas_thread():
        for number in range(len(runs)):
            go_on(number, None)
    while waiting:
        asked = {number: wanted for number, wanted in waiting.items() if isinstance(wanted, list)}
        fitted = {number: wanted for number, wanted in waiting.items() if isinstance(wanted, Fitting)}
        waiting = {}
        answered = _answered(asked)
        with one_blas_thread():
            for number, found in (answered | _fitted(fitted)).items():
                go_on(number, found)
    return results


def _answered(asked: dict[int, list[Question]]) -> dict[int, Any]:
    """The answers to each one's questions, or an error; what several ask about the same rows is put to the model once."""
    distinct: dict[Hashable, Question] = {}
    for question in chain.from_iterable(asked.values()):
        # Of those who ask first, beside their own question; for the answer to one that asks alone nobody else waits.
        distinct.setdefault(question.key or id(question), question if len(asked) > 1 else question._replace(key=None))
    answers = dict(zip(distinct, answers_to(list(distinct.values())), strict=True))
    found: dict[int, Any] = {}
    for number, questions in asked.items():
        own = [answers[question.key or id(question)] for question in questions]
        found[number] = next((answer for answer in own if isinstance(answer, LimelightError)), own)
    return found


def _fitted(wanted: dict[int, Fitting]) -> dict[int, Any]:
    """The fits that each one wants, or an error."""
    kinds: dict[Hashable, list[int]] = {}
    for number, one in wanted.items():
        kinds.setdefault(one.kind, []).append(number)
    found: dict[int, Any] = {}
    for numbers in kinds.values():
        settings = wanted[numbers[0]].settings
        try:
            fits: list[Any] = fit([wanted[number].sample for number in numbers], settings)
        except Exception:  # of one of them, perhaps
            fits = [_fit_alone(wanted[number]) for number in numbers]
        found |= zip(numbers, fits, strict=True)
    return found


def _fit_alone(wanted: Fitting) -> list[Fit] | LimelightError:
    try:
        return fit([wanted.sample], wanted.settings)[0]
    except LimelightError as error:
        return error
    except np.linalg.LinAlgError:
        return InstanceError(
            "the surrogate's equations have no solution in double precision: the components' numbers are too large beside how "
            "they vary. Scale the columns, or put them into bins."
        )
    except MemoryError as error:
        return _too_large(error)
    except Exception as error:
        if wanted.settings.regressor is None:
            raise
        refused = ArgumentError(f"model_regressor raised {type(error).__name__}: {error}")
        refused.__cause__ = error
        return refused


def _too_large(error: MemoryError) -> InstanceError:
    refused = InstanceError(f"memory does not suffice for this instance: {error}. Give it fewer components, or num_samples.")
    refused.__cause__ = error
    return refused
