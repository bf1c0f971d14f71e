"""Ask the model in batches, of several instances at a time where they can be, and check what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from limelight._checks import as_array
from limelight._errors import LimelightError, ModelError, PredictionError
from limelight.stages.prediction import Question

__all__ = ["answers_to"]

_LARGEST = 1e150  # of sums of squares there is room for some 1e8 then
_TOGETHER = 4096  # inputs of several instances at once, where the user does not say; those of one may be more


def answers_to(questions: Sequence[Question]) -> list[np.ndarray | LimelightError]:
    """The model's answer to each question, or its error."""
    parts: list[list[np.ndarray]] = [[] for _ in questions]
    errors: dict[int, LimelightError] = {}
    for wanted in _batches(questions):
        batch = [(number, part) for number, part in wanted if number not in errors]
        if not batch:
            continue
        try:
            answers: list[Any] = _ask([part for _, part in batch])
        except LimelightError as error:
            # Where an instance fails, what it asks about shared rows may have an answer that others wait for.
            alone = len({id(part.neighbourhood) for _, part in batch}) == 1 and all(part.key is None for _, part in batch)
            answers = [error] * len(batch) if alone else [_ask_alone(part) for _, part in batch]
        for (number, part), answer in zip(batch, answers, strict=True):
            if isinstance(answer, LimelightError):
                errors.setdefault(number, answer)
                continue
            parts[number].append(answer)
            first, width = parts[number][0].shape[1], answer.shape[1]
            if width != first:
                problem = f"the model gave {first} outputs an input at first, and {width} for {_numbers([part])}."
                errors.setdefault(number, PredictionError(problem))
    return [errors.get(number) or (own[0] if len(own) == 1 else np.concatenate(own)) for number, own in enumerate(parts)]


def _numbers(questions: Sequence[Question]) -> str:
    """What is asked about, for messages."""
    first, count = questions[0].asked, sum(len(question.rows) for question in questions)
    return f"{count} inputs, numbers {first} to {first + count - 1}"


def _batches(questions: Sequence[Question]) -> list[list[tuple[int, Question]]]:
    """The questions, cut into parts where they are too large, in batches of parts that can be asked together."""
    batches: list[list[tuple[int, Question]]] = []
    room, form = 0, None
    for number, question in sorted(enumerate(questions), key=lambda one: str(one[1].path.form)):
        size = question.path.batch_size
        start = 0
        while start < len(question.rows):
            rest = len(question.rows) - start
            # Where the user does not say, an instance's own inputs stay together: for each batch there is much to prepare.
            own = bool(batches) and batches[-1][-1][1].neighbourhood is question.neighbourhood
            needed = 1 if size else 0 if own else rest
            if not batches or form != question.path.form or room < needed:
                batches.append([])
                room, form = size or _TOGETHER, question.path.form
            count = min(rest, room) if size else rest
            rows = question.rows[start : start + count]
            batches[-1].append((number, question._replace(rows=rows, asked=question.asked + start)))
            start += count
            room -= count
    return batches


def _ask_alone(question: Question) -> np.ndarray | LimelightError:
    try:
        return _ask([question])[0]
    except LimelightError as error:
        return error


def _ask(questions: Sequence[Question]) -> list[np.ndarray]:
    """Ask one batch.

    Raises
    ------
    ModelError
        If the model raises.
    PredictionError
        If its answer has not one row of finite numbers, none of them huge, for each input.
    """
    counts = [len(question.rows) for question in questions]
    batch = _numbers(questions)
    try:
        inputs = []
        for _, some in groupby(questions, key=lambda question: id(question.neighbourhood)):
            own = list(some)
            rows = own[0].rows if len(own) == 1 else np.concatenate([question.rows for question in own])
            inputs.append(own[0].path.make(own[0].neighbourhood, rows))
        raw = questions[0].path.finish(inputs[0] if len(inputs) == 1 else _joined(inputs))
    except LimelightError:
        raise
    except (Exception, SystemExit) as error:  # a model has no say in when the program ends
        raise ModelError(f"the model raised {type(error).__name__} while it was asked about {batch}: {error}") from error
    answer = _checked(raw, sum(counts), batch, questions[0].asked)
    return [answer] if len(counts) == 1 else np.split(answer, np.cumsum(counts)[:-1])


def _joined(inputs: list[Any]) -> Any:
    """Inputs of several instances, one after the other."""
    if isinstance(inputs[0], list):
        return [one for some in inputs for one in some]
    if isinstance(inputs[0], np.ndarray):
        return np.concatenate(inputs)
    from scipy.sparse import vstack

    return vstack(inputs, format="csr")


def _checked(raw: Any, count: int, batch: str, first: int) -> np.ndarray:
    """A model's answer as an array of shape (count, k)."""
    raw = _side_by_side(raw, count)
    try:
        given = as_array(raw)
        if np.iscomplexobj(given):
            raise TypeError("complex numbers cannot be ordered")
        answer = given.astype(np.float64)  # a copy: the model may write its next answer over this one
    except (TypeError, ValueError) as error:
        raise PredictionError(f"the model must give numbers; for {batch} it gave {type(raw).__name__}: {error}") from error
    if answer.ndim == 1:
        answer = answer[:, None]
    if answer.ndim != 2 or len(answer) != count or answer.shape[1] == 0:
        raise PredictionError(
            f"the model must give an array of shape (n,) or (n, k), a row for each input; "
            f"for {batch} it gave shape {np.shape(raw)}."
        )
    if not np.isfinite(answer).all():
        finite = np.isfinite(answer).all(axis=1)
        raise PredictionError(
            f"the model gave NaN or infinity for {np.count_nonzero(~finite)} of {batch}; the first is number "
            f"{first + int(np.argmin(finite))}. Explanations need finite predictions."
        )
    largest = np.abs(answer).max()
    if largest > _LARGEST:
        raise PredictionError(
            f"the model must give numbers up to {_LARGEST:g}, since they are squared; the largest for {batch} is "
            f"{largest:.3g} in absolute value. Scale the outputs, or take their logarithm."
        )
    return answer


def _side_by_side(raw: Any, count: int) -> Any:
    """Several outputs with classes of their own, as scikit-learn gives them, as the columns of one array.

    Of an output with two classes the second is taken, of others all.
    """
    parts = raw if isinstance(raw, list) and raw and all(isinstance(part, np.ndarray) for part in raw) else []
    if not parts or any(part.ndim != 2 or len(part) != count for part in parts):
        return raw
    return np.concatenate([part[:, 1:] if part.shape[1] == 2 else part for part in parts], axis=1)
