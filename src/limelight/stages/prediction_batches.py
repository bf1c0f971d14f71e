"""Ask the model in batches, which can hold inputs of several instances, and check its answers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from limelight._checks import as_array
from limelight.exceptions import InstanceError, LimelightError, ModelError, PredictionError
from limelight.stages.prediction import Question, make_output_count_error

__all__ = ["answer_questions"]

_LARGEST_OUTPUT = 1e150  # a sum of 1e8 squares of it is still a double
_DEFAULT_BATCH_INPUTS = 4096  # of several instances at once; one instance's inputs stay together, however many they are


class _Part(NamedTuple):
    """A part of a question that fits into one batch, and the number of the whole question."""

    number: int
    question: Question


def answer_questions(questions: Sequence[Question]) -> list[np.ndarray | LimelightError]:
    """Put questions to the model.

    Returns
    -------
    answers : list of (ndarray of shape (m, k) or LimelightError)
        The model's outputs for the m rows of each question, or the error that kept it from an answer.
    """
    answers: list[list[np.ndarray]] = [[] for _ in questions]
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
            first, later = answers[number][0].shape[1], answer.shape[1]
            if later != first:
                later_inputs = f"{later} for {_describe_inputs([question])}"
                errors.setdefault(number, make_output_count_error(f"{first} at first", later_inputs))
    return [
        errors.get(number) or (blocks[0] if len(blocks) == 1 else np.concatenate(blocks))
        for number, blocks in enumerate(answers)
    ]


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


def _answer_batch(questions: Sequence[Question]) -> Sequence[np.ndarray | LimelightError]:
    """The answer to each question of a batch, or its error."""
    try:
        return _ask_model(questions)
    except LimelightError as error:
        # When a batch of one instance fails, all of it has failed. Otherwise each question is asked again by itself, so that
        # no instance fails with another, or with rows that other instances share.
        if len({id(question.neighbourhood) for question in questions}) == 1 and all(one.key is None for one in questions):
            return [error] * len(questions)
        return [_ask_model_alone(question) for question in questions]


def _ask_model_alone(question: Question) -> np.ndarray | LimelightError:
    try:
        return _ask_model([question])[0]
    except LimelightError as error:
        return error


def _ask_model(questions: Sequence[Question]) -> list[np.ndarray]:
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
    except Exception as error:
        raise InstanceError(f"the perturbations cannot be made: {type(error).__name__} for {description}: {error}") from error
    try:
        raw = path.finish(inputs[0] if len(inputs) == 1 else _join_inputs(inputs))
    except LimelightError:
        raise
    except (Exception, SystemExit) as error:  # a model that calls sys.exit() must not end the program
        raise ModelError(f"the model raised {type(error).__name__} while it was asked about {description}: {error}") from error
    answer = _check_answer(raw, padded_count, description, questions[0].first_number, inputs)[: sum(counts)]
    return [answer] if len(counts) == 1 else np.split(answer, np.cumsum(counts)[:-1])


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


def _check_answer(raw: Any, count: int, description: str, first_number: int, inputs: list[Any]) -> np.ndarray:
    """A model's answer for `count` inputs as an array of doubles, of shape (count, k)."""
    raw = _take_only_output(raw, count, description)
    try:
        given = as_array(raw)
        text = _find_text(given)
        if text is not None:  # numbers in texts, too, are names of classes
            raise TypeError(
                f"it has texts, such as {text!r}. If they are classes, give a function that returns their probabilities, "
                f"such as the model's predict_proba"
            )
        if given.dtype.kind in "mM":
            raise TypeError("times are no numbers")
        if np.iscomplexobj(given):
            raise TypeError("complex numbers cannot be ordered")
        answer = given.astype(np.float64)  # a copy: the model may write its next answer over this one
    except (TypeError, ValueError) as error:
        raise PredictionError(
            f"the model must give numbers; for {description} it gave {type(raw).__name__}: {error}"
        ) from error
    if answer.ndim == 1:
        answer = answer[:, None]
    if answer.ndim != 2 or len(answer) != count or answer.shape[1] == 0:
        hint = ""
        if answer.ndim == 3 and len(answer) == count:
            hint = " Give a function that makes a row of each input: lambda batch: model(batch).reshape(len(batch), -1)."
        raise PredictionError(
            f"the model must give an array of shape (n,) or (n, k), a row for each input; "
            f"for {description} it gave shape {np.shape(raw)}.{hint}"
        )
    if not np.isfinite(answer).all():
        is_finite = np.isfinite(answer).all(axis=1)
        raise PredictionError(
            f"the model gave NaN or infinity for {np.count_nonzero(~is_finite)} of {description}; the first is number "
            f"{first_number + int(np.argmin(is_finite))}. Explanations need finite predictions.{_hint_at_missing(inputs)}"
        )
    largest = np.abs(answer).max()
    if largest > _LARGEST_OUTPUT:
        raise PredictionError(
            f"the model must give numbers up to {_LARGEST_OUTPUT:g}, since they are squared; the largest for {description} is "
            f"{largest:.3g} in absolute value. Scale the outputs, or take their logarithm."
        )
    return answer


def _hint_at_missing(inputs: list[Any]) -> str:
    """What to do about a model that does not take the NaN in its inputs; empty if there is none."""
    arrays = [as_array(batch) for batch in inputs if isinstance(batch, np.ndarray) or hasattr(batch, "detach")]
    if not any(array.dtype.kind == "f" and np.isnan(array).any() for array in arrays):
        return ""
    return " Its inputs have NaN, as the instance has: if it does not take them, fill the instance's missing numbers first."


def _take_only_output(raw: Any, count: int, description: str) -> Any:
    """The only array of a list of arrays of shape (count, columns), as networks may answer; other answers as they are.

    Raises
    ------
    PredictionError
        If there are several.
    """
    if not isinstance(raw, (list, tuple)) or not raw or not all(hasattr(output, "shape") for output in raw):
        return raw
    shapes = [tuple(output.shape) for output in raw]
    if any(len(shape) != 2 or shape[0] != count for shape in shapes):
        return raw
    if len(raw) > 1:
        raise PredictionError(
            f"the model must give one array; for {description} it gave {len(raw)}, of shapes "
            f"{', '.join(map(str, shapes[:5]))}. To explain all columns give lambda batch: numpy.concatenate(model(batch), "
            f"axis=1); for those of one array, lambda batch: model(batch)[0]."
        )
    return raw[0]


def _find_text(answer: np.ndarray) -> str | bytes | None:
    """The first text of an answer that holds any."""
    if answer.dtype.kind not in "USO":
        return None
    values = answer.reshape(-1)[: None if answer.dtype.kind == "O" else 1]
    return next((value for value in values.tolist() if isinstance(value, (str, bytes))), None)
