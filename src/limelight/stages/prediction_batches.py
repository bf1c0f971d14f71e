"""Ask the model in batches, which can hold inputs of several instances, and check its answers.

A model that computes elsewhere is put all batches before the first answer is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from functools import partial
from itertools import chain, groupby
from typing import Any, NamedTuple, TypeVar

import numpy as np

from limelight._checks import users_arithmetic
from limelight.exceptions import InstanceError, LimelightError, ModelError, describe_error, is_interruption
from limelight.stages.answers import Answer, join_answers, make_output_count_error, read_answer
from limelight.stages.questions import Ask, Question

__all__ = ["begin_asking"]

T = TypeVar("T")

_DEFAULT_BATCH_INPUTS = 4096  # of several instances at once; one instance's inputs stay together, however many they are


class _Part(NamedTuple):
    """A part of a question that fits into one batch, and the number of the whole question."""

    number: int
    question: Question


class _Batch:
    """Parts of questions that are put to the model together."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self._begun: Callable[[], list[Answer]] | LimelightError | None = None

    @property
    def is_elsewhere(self) -> bool:
        """Whether the model computes elsewhere, and can start before its answer is needed."""
        return self.parts[0].question.path.launch is not None

    def begin(self) -> bool:
        """Put all parts to the model, and say whether that went well."""
        try:
            self._begun = _put_to_model([part.question for part in self.parts])
        except LimelightError as error:
            self._begun = error
        return not isinstance(self._begun, LimelightError)

    def read(self, skipped: Collection[int]) -> list[tuple[_Part, Answer | LimelightError]]:
        """Each part with its answer or its error, but for parts of questions whose numbers are skipped."""
        parts = [part for part in self.parts if part.number not in skipped]
        asked = self.parts if callable(self._begun) else parts
        answered = zip(asked, self._read([part.question for part in asked]), strict=True) if parts else ()
        return [(part, answer) for part, answer in answered if part.number not in skipped]

    def _read(self, questions: Sequence[Question]) -> Sequence[Answer | LimelightError]:
        try:
            if isinstance(self._begun, LimelightError):
                raise self._begun
            return self._begun() if self._begun is not None else _put_to_model(questions)()
        except LimelightError as error:
            # When a batch of one instance fails, all of it has failed. Otherwise each question is asked again by itself, so
            # that no instance fails with another, or with rows that other instances share.
            if len({id(question.neighbourhood) for question in questions}) == 1 and all(one.key is None for one in questions):
                return [error] * len(questions)
            return [_ask_model_alone(question) for question in questions]


def begin_asking(asks: Mapping[int, Ask]) -> Callable[[], dict[int, list[Answer] | LimelightError]]:
    """Have a model that computes elsewhere start on each run's questions; what is returned gives the answers, or an error.

    Other models are asked when the answers are wanted. Questions with equal keys are put to the model once.
    """
    questions: dict[Hashable, Question] = {}
    for question in chain.from_iterable(ask.questions for ask in asks.values()):
        # A question with a key is asked again by itself when its batch fails. A single run has no use for its answer then.
        questions.setdefault(question.key or id(question), question if len(asks) > 1 else question._replace(key=None))
    batches = _make_batches(list(questions.values()))
    for batch in batches:
        if batch.is_elsewhere and not batch.begin():
            break  # the others are begun when the answers are read, if they are still needed
    return partial(_read_all, asks, questions, batches)


def _read_all(
    asks: Mapping[int, Ask], questions: Mapping[Hashable, Question], batches: Sequence[_Batch]
) -> dict[int, list[Answer] | LimelightError]:
    answers = dict(zip(questions, _read_batches(len(questions), batches), strict=True))
    outcomes: dict[int, list[Answer] | LimelightError] = {}
    for number, ask in asks.items():
        run_answers = [answers[question.key or id(question)] for question in ask.questions]
        sound = [answer for answer in run_answers if not isinstance(answer, LimelightError)]
        errors = (answer for answer in run_answers if isinstance(answer, LimelightError))
        outcomes[number] = next(errors, sound)
    return outcomes


def _read_batches(count: int, batches: Sequence[_Batch]) -> list[Answer | LimelightError]:
    """The model's answer for the rows of each of `count` questions, or the error that kept it from an answer."""
    answers: list[list[Answer]] = [[] for _ in range(count)]
    errors: dict[int, LimelightError] = {}
    for batch in batches:
        for (number, question), answer in batch.read(skipped=errors):
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


def _make_batches(questions: Sequence[Question]) -> list[_Batch]:
    """Cut questions that are too large into parts, and group the parts that can be asked together."""
    batches: list[_Batch] = []
    of_form = Counter(question.path.form for question in questions)
    room, form = 0, None
    for number, question in sorted(enumerate(questions), key=lambda numbered: str(numbered[1].path.form)):
        batch_size = question.path.batch_size
        start = 0
        while start < len(question.rows):
            remaining = len(question.rows) - start
            # Without a batch size, inputs of one instance stay together, because each batch takes long to prepare.
            is_same_instance = bool(batches) and batches[-1].parts[-1].question.neighbourhood is question.neighbourhood
            needed = 1 if batch_size else 0 if is_same_instance else remaining
            if not batches or form != question.path.form or room < needed:
                batches.append(_Batch())
                room, form = batch_size or _DEFAULT_BATCH_INPUTS, question.path.form
                if batch_size and of_form[form] == 1 and not question.path.pads_batches:
                    room = -(-remaining // -(-remaining // batch_size))  # no small remainder, which takes nearly as long
            count = min(remaining, room) if batch_size else remaining
            rows = question.rows[start : start + count]
            part = _Part(number, question._replace(rows=rows, first_number=question.first_number + start))
            batches[-1].parts.append(part)
            start += count
            room -= count
    return batches


def _ask_model_alone(question: Question) -> Answer | LimelightError:
    try:
        return _put_to_model([question])()[0]
    except LimelightError as error:
        return error


def _put_to_model(questions: Sequence[Question]) -> Callable[[], list[Answer]]:
    """Put one batch to the model; what is returned waits for the answers, and may raise the same errors.

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
    wait = _call_model(lambda: path.begin(inputs[0] if len(inputs) == 1 else _join_inputs(inputs)), description)

    def read() -> list[Answer]:
        raw = _call_model(wait, description)
        answer = read_answer(raw, padded_count, description, questions[0].first_number, inputs)
        parts = np.split(answer.values[: sum(counts)], np.cumsum(counts)[:-1])
        return [answer._replace(values=values) for values in parts]

    return read


def _call_model(call: Callable[[], T], description: str) -> T:
    """What a call of the model gives; what it raises becomes a `ModelError` that says which inputs it was asked about."""
    # No context manager: contextlib lets a StopIteration pass that is the cause of a RuntimeError, such as a ModelError.
    try:
        with users_arithmetic():
            return call()
    except LimelightError:
        raise
    except BaseException as error:
        if is_interruption(error):
            raise
        raise ModelError(f"the model raised {describe_error(error, f'while it was asked about {description}')}") from error


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
