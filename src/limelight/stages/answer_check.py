"""Whether the model's answers belong to its inputs: a few of these are asked about again, in another batch and another order.

A model that sorts its inputs, that scales them by what else is in the batch, or that keeps its dropout on gives answers that
look like any others, and an explanation of them is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from limelight.exceptions import PredictionError
from limelight.results.explanation import Notice
from limelight.stages.answers import Answer, make_output_count_error
from limelight.stages.components import Neighbourhood
from limelight.stages.questions import Ask, Asking, ModelPath, Question

__all__ = ["AnswerCheck"]

_LEAST_INPUTS, _MOST_INPUTS = 3, 16
_INPUTS_PER_REPETITION = 32
_MOST_SORTED = 256  # of the perturbations, to choose from; sorting all of them would take longer than asking again
_SEED_OF_ORDERS = 6  # with it, any number of inputs from 3 on shows each of the tests' faults
# Networks in low precision round differently in batches of another size.
_TOLERANCE = 5e-3  # of the range of an output
_ROUNDING = 1e-6  # of the largest absolute value of an output
ReadAnswer = Callable[[Answer], np.ndarray]


class AnswerCheck:
    """Asks about a few inputs again, once for all instances that share it.

    Attributes
    ----------
    notices : tuple of Notice
        What a reader should know if the answers were not the same.
    """

    def __init__(self) -> None:
        self.notices: tuple[Notice, ...] = ()
        self._trial: _Trial | None = None
        self._is_settled = False
        self._error: str | None = None

    def run(
        self,
        path: ModelPath,
        neighbourhood: Neighbourhood,
        instance_answer: np.ndarray,
        answers: np.ndarray,
        num_inputs: int,
        read: ReadAnswer,
    ) -> Asking[None]:
        """Check a model's answers, unless it has been done.

        Instances that are explained side by side put the same questions, and so the model is asked once for all of them.

        Parameters
        ----------
        path : ModelPath
            How to ask.
        neighbourhood : Neighbourhood
            The inputs.
        instance_answer, answers : ndarray of shape (k,) and (m, k)
            The model's answers for the instance and for the drawn rows.
        num_inputs : int
            How many distinct inputs the model has been asked about: the more, the more are asked about again.
        read : callable
            From an `Answer` to its values, of shape (c, k).

        Raises
        ------
        PredictionError
            If the model's answers are in another order than its inputs, or have another number of outputs.
        """
        if not self._is_settled and self._trial is None:
            self._trial = _Trial.of(path, neighbourhood, instance_answer, answers, num_inputs)
        if not self._is_settled and self._trial is not None:
            self.notices, self._error = yield from self._trial.run(read)
            self._is_settled, self._trial = True, None
        if self._error is not None:
            raise PredictionError(self._error)


@dataclass(frozen=True, eq=False)
class _Trial:
    """A few inputs whose answers differ.

    Attributes
    ----------
    path : ModelPath
        How to ask.
    neighbourhood : Neighbourhood
        Where the inputs are.
    rows : ndarray of shape (c,)
        Their numbers there.
    expected : ndarray of shape (c, k)
        The model's first answers for them.
    ranges, tolerances : ndarray of shape (k,)
        By how much each output varies over all perturbations, and by how much two answers for one input may differ.
    """

    path: ModelPath
    neighbourhood: Neighbourhood
    rows: np.ndarray
    expected: np.ndarray
    ranges: np.ndarray
    tolerances: np.ndarray

    @classmethod
    def of(
        cls, path: ModelPath, neighbourhood: Neighbourhood, instance_answer: np.ndarray, answers: np.ndarray, num_inputs: int
    ) -> _Trial | None:
        """Choose inputs, the instance among them, whose answers range from the least to the greatest; None if all are equal."""
        lows = np.minimum(answers.min(axis=0), instance_answer)
        highs = np.maximum(answers.max(axis=0), instance_answer)
        ranges = highs - lows
        widest = int(np.argmax(ranges))
        if not ranges[widest] > 0:
            return None
        if lows.min() >= 0 and highs.max() <= 1:  # probabilities are compared on one scale
            ranges = np.full_like(ranges, ranges[widest])
        column = np.append(instance_answer[widest], answers[:, widest])
        count = min(_MOST_INPUTS, _LEAST_INPUTS + num_inputs // _INPUTS_PER_REPETITION, len(column))
        first = np.argsort(column[:_MOST_SORTED], kind="stable")
        rows = first[np.linspace(0, len(first) - 1, count).round().astype(np.intp)]
        rows[[0, -1]] = np.argmin(column), np.argmax(column)
        if 0 not in rows:
            rows[count // 2] = 0
        if path.pads_batches and path.batch_size:  # whole batches, so that nothing is added whose answers are not looked at
            rows = np.resize(rows, -(-count // path.batch_size) * path.batch_size)
        expected = np.where((rows == 0)[:, None], instance_answer, answers[rows - 1])
        tolerances = _TOLERANCE * ranges + max(_ROUNDING, path.rounding) * np.maximum(np.abs(lows), np.abs(highs))
        return cls(path, neighbourhood, rows, expected, ranges, tolerances)

    def run(self, read: ReadAnswer) -> Asking[tuple[tuple[Notice, ...], str | None]]:
        """The notices about the model, and the message of the error if its answers cannot be explained."""
        one_order, other_order = _shuffle_twice(len(self.rows))
        again = yield from self._ask(one_order, 0, read)
        if self._are_same(again, self.expected):
            return (), None
        in_other_order = yield from self._ask(other_order, 1, read)
        repeated = yield from self._ask(other_order, 2, read)
        changes = np.abs(again - self.expected) / np.where(self.ranges > 0, self.ranges, np.inf)
        count = len(np.unique(self.rows))
        if not self._are_same(repeated, in_other_order):
            text = (
                f"The model answers by chance: asked again about {count} inputs, it changed its answers by up to "
                f"{changes.max():.0%} of the output's range. The weights are those of its mean answer, and do not repeat. "
                "Switch off what draws random numbers, such as dropout (a network's evaluation mode)."
            )
            return (Notice("random_answers", text),), None
        has_same_answers = self._are_same(np.sort(in_other_order, axis=0), np.sort(again, axis=0))
        # Of two answers in a batch, a model that scales within it makes the same two for every pair.
        are_enough = count > 2 and (self.path.batch_size is None or self.path.batch_size > 2)
        if are_enough and has_same_answers and not self._are_same(in_other_order, again):
            return (), (
                f"the model's answers are in another order than its inputs: {count} inputs, asked about in two orders, had the "
                "same answers, but not for the same inputs. Row i of the answers must be for input i: a model that sorts its "
                "inputs must bring its answers back into their order."
            )
        text = (
            f"The model's answer for an input depends on the rest of its batch: in a batch of {count} inputs, its answers "
            f"changed by up to {changes.max():.0%} of the output's range. The weights may say more about the batches than "
            "about the model. Scale inputs by constants from the training data, and use networks in evaluation mode."
        )
        return (Notice("answers_depend_on_batch", text, "alert"),), None

    def _ask(self, order: np.ndarray, number: int, read: ReadAnswer) -> Asking[np.ndarray]:
        """The model's answers for the inputs, asked about in another order, of shape (c, k) in the order of `expected`."""
        question = Question(self.path.repeated(number), self.neighbourhood, self.rows[order], 0, key=(id(self), number))
        (answer,) = yield Ask([question], is_repetition=True)
        values = read(answer)
        if values.shape[1] != self.expected.shape[1]:
            raise make_output_count_error(f"{self.expected.shape[1]} at first", f"{values.shape[1]} later")
        return values[np.argsort(order)]

    def _are_same(self, answers: np.ndarray, others: np.ndarray) -> bool:
        return bool((np.abs(answers - others) <= self.tolerances).all())


@cache
def _shuffle_twice(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Two orders of `count` things, always the same, in which a model that sorts, reverses or shifts does different things."""
    generator = np.random.default_rng([count, _SEED_OF_ORDERS])
    return generator.permutation(count), generator.permutation(count)
