"""Ask the model in batches, which can hold inputs of several instances, and check its answers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import chain, groupby
from typing import Any, NamedTuple

import numpy as np

from limelight._checks import users_arithmetic
from limelight.exceptions import InstanceError, LimelightError, ModelError, describe_error, is_interruption
from limelight.stages.answers import Answer, join_answers, make_output_count_error, read_answer
from limelight.stages.questions import Ask, Question

__all__ = ["answer_all"]

_DEFAULT_BATCH_INPUTS = 4096  # of several instances at once; one instance's inputs stay together, however many they are


class _Part(NamedTuple):
    """A part of a question that fits into one batch, and the number of the whole question."""

    number: int
    question: Question


def answer_all(asks: Mapping[int, Ask]) -> dict[int, list[Answer] | LimelightError]:
    """The answers to each run's questions, or an error; questions with equal keys are put to the model once."""
    questions: dict[Hashable, Question] = {}
    for question in chain.from_iterable(ask.questions for ask in asks.values()):
        # A question with a key is asked again by itself when its batch fails. A single run has no use for its answer then.
        questions.setdefault(question.key or id(question), question if len(asks) > 1 else question._replace(key=None))
    answers = dict(zip(questions, _answer_questions(list(questions.values())), strict=True))
    outcomes: dict[int, list[Answer] | LimelightError] = {}
    for number, ask in asks.items():
        run_answers = [answers[question.key or id(question)] for question in ask.questions]
        sound = [answer for answer in run_answers if not isinstance(answer, LimelightError)]
        errors = (answer for answer in run_answers if isinstance(answer, LimelightError))
        outcomes[number] = next(errors, sound)
    return outcomes


def _answer_questions(questions: Sequence[Question]) -> list[Answer | LimelightError]:
    """The model's answer for the rows of each question, or the error that kept it from an answer."""
    answers: list[list[Answer]] = [[] for _ in questions]
    errors: dict[int, LimelightError] = {}
    for batch in _make_batches(questions):
        parts = [part for part in batch if part.number not in errors]
        if not parts:
            continue
        for (number, question), answer in zip(parts, _answer_batch([part.question for part in parts]), strict=True):
            if isinstance(answer, LimelightError):
                errors.setdefault(number, answer)
                continue
            answers[number].append(answer)
            first, later = answers[number][0].values.shape[1], answer.values.shape[1]
            if later != first:
                later_inputs = f"{later} for {_describe_inputs([question])}"
                errors.setdefault(number, make_output_count_error(f"{first} at first", later_inputs))
    return [errors[number] if number in errors else _join_parts(parts) for number, parts in enumerate(answers)]


def _join_parts(answers: Sequence[Answer]) -> Answer | LimelightError:
    try:
        return join_answers(answers)
    except LimelightError as error:
        return error


def _describe_inputs(questions: Sequence[Question]) -> str:
    """Which inputs the questions are about, for messages."""
    first, count = questions[0].first_number, sum(len(question.rows) for question in questions)
    return f"{count} inputs, numbers {first} to {first + count - 1}"


def _make_batches(questions: Sequence[Question]) -> list[list[_Part]]:
    """Cut questions that are too large into parts, and group the parts that can be asked together."""
    batches: list[list[_Part]] = []
    room, form = 0, None
    for number, question in sorted(enumerate(questions), key=lambda numbered: str(numbered[1].path.form)):
        batch_size = question.path.batch_size
        start = 0
        while start < len(question.rows):
            remaining = len(question.rows) - start
            # Without a batch size, inputs of one instance stay together, because each batch takes long to prepare.
            is_same_instance = bool(batches) and batches[-1][-1].question.neighbourhood is question.neighbourhood
            needed = 1 if batch_size else 0 if is_same_instance else remaining
            if not batches or form != question.path.form or room < needed:
                batches.append([])
                room, form = batch_size or _DEFAULT_BATCH_INPUTS, question.path.form
            count = min(remaining, room) if batch_size else remaining
            rows = question.rows[start : start + count]
            batches[-1].append(_Part(number, question._replace(rows=rows, first_number=question.first_number + start)))
            start += count
            room -= count
    return batches


def _answer_batch(questions: Sequence[Question]) -> Sequence[Answer | LimelightError]:
    """The answer to each question of a batch, or its error."""
    try:
        return _ask_model(questions)
    except LimelightError as error:
        # When a batch of one instance fails, all of it has failed. Otherwise each question is asked again by itself, so that
        # no instance fails with another, or with rows that other instances share.
        if len({id(question.neighbourhood) for question in questions}) == 1 and all(one.key is None for one in questions):
            return [error] * len(questions)
        return [_ask_model_alone(question) for question in questions]


def _ask_model_alone(question: Question) -> Answer | LimelightError:
    try:
        return _ask_model([question])[0]
    except LimelightError as error:
        return error


def _ask_model(questions: Sequence[Question]) -> list[Answer]:
    """Ask the model about one batch.

    Raises
    ------
    InstanceError
        If the perturbations cannot be made.
    ModelError
        If the model raises.
    PredictionError
        If the model does not give one row of finite numbers for each input, or gives huge ones.
    """
    counts = [len(question.rows) for question in questions]
    description = _describe_inputs(questions)
    path, padded_count = questions[0].path, sum(counts)
    if path.pads_batches and path.batch_size:
        padded_count = max(padded_count, path.batch_size)
        questions = [*questions[:-1], _pad(questions[-1], padded_count - sum(counts))]
    inputs = []
    try:
        for _, group in groupby(questions, key=lambda question: id(question.neighbourhood)):
            first, *others = group
            rows = np.concatenate([first.rows, *(question.rows for question in others)]) if others else first.rows
            inputs.append(first.path.make(first.neighbourhood, rows))
    except LimelightError:
        raise
    except BaseException as error:
        if is_interruption(error):
            raise
        raise InstanceError(f"the perturbations cannot be made: {describe_error(error, f'for {description}')}") from error
    try:
        joined = inputs[0] if len(inputs) == 1 else _join_inputs(inputs)
        with users_arithmetic():
            raw = path.finish(joined)
    except LimelightError:
        raise
    except BaseException as error:
        if is_interruption(error):
            raise
        raise ModelError(f"the model raised {describe_error(error, f'while it was asked about {description}')}") from error
    answer = read_answer(raw, padded_count, description, questions[0].first_number, inputs)
    parts = np.split(answer.values[: sum(counts)], np.cumsum(counts)[:-1])
    return [answer._replace(values=values) for values in parts]


def _pad(question: Question, count: int) -> Question:
    """The same question with its last row `count` times more."""
    return question._replace(rows=np.append(question.rows, np.repeat(question.rows[-1:], count)))


def _join_inputs(inputs: list[Any]) -> Any:
    """Join the inputs of several instances: lists, arrays or sparse matrices, all of one kind."""
    if isinstance(inputs[0], list):
        return [element for instance_inputs in inputs for element in instance_inputs]
    if isinstance(inputs[0], np.ndarray):
        return np.concatenate(inputs)
    from scipy.sparse import vstack

    return vstack(inputs, format="csr")
