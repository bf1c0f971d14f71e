"""What to ask the model: each distinct input once, and rows that instances share once for all of them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

import numpy as np

from limelight.results.explanation import Notice
from limelight.stages.answer_check import AnswerCheck
from limelight.stages.answers import Answer, make_output_count_error
from limelight.stages.components import Neighbourhood, SharedRows
from limelight.stages.questions import Ask, Asking, ModelPath, Question

__all__ = ["PREDICTION_METHODS", "Oracle", "SharedAnswers", "find_distinct_rows"]

PREDICTION_METHODS = ("predict_proba", "decision_function", "predict")
"""An estimator is asked through the first of these methods that it has."""

_MIXER = np.uint64(0x9E3779B97F4A7C15)  # an odd number near 2^64 times the golden ratio's fraction


class DistinctRows(NamedTuple):
    """Which of some rows are distinct, in the order in which they first come.

    Attributes
    ----------
    first : ndarray of int, of shape (k,)
        The number of the first row that is equal to each distinct row.
    inverse : ndarray of int, of shape (n,)
        For each row, the number of the distinct row that it is equal to.
    """

    first: np.ndarray
    inverse: np.ndarray


class _Memory:
    """The answers for distinct inputs, in the order in which the model was asked about them."""

    def __init__(self) -> None:
        self._keys = np.empty((0, 0), dtype=np.uint64)
        self._answers = np.empty((0, 0))

    def __len__(self) -> int:
        return len(self._answers)

    def find_distinct(self, keys: np.ndarray | None) -> DistinctRows | None:
        """Which are distinct of all remembered inputs followed by these, with keys of shape (m, w).

        None where the inputs have no keys, because all of them are distinct.
        """
        if keys is None:
            return None
        return find_distinct_rows(np.concatenate([self._keys, keys]) if len(self._keys) else keys)

    def find_new(self, distinct: DistinctRows | None, count: int) -> np.ndarray:
        """Which of `count` inputs to ask the model about: the first of each distinct one that is not remembered."""
        return np.arange(count) if distinct is None else distinct.first[len(self._keys) :] - len(self._keys)

    def recall(self, keys: np.ndarray | None, distinct: DistinctRows | None, answers: np.ndarray | None) -> np.ndarray:
        """Remember the answers for new inputs, and give those for all inputs, of shape (m, k).

        Parameters
        ----------
        keys : ndarray of shape (m, w) or None
            The keys of all inputs.
        distinct : DistinctRows or None
            What `find_distinct` gave for these keys.
        answers : ndarray or None
            The model's answers for the inputs of `find_new`; None where there are none.
        """
        if keys is None or distinct is None:
            assert answers is not None
            self._add(answers)
            return answers
        num_remembered = len(self._keys)
        if answers is not None:
            self._add(answers)
            self._keys = (np.concatenate([self._keys, keys]) if num_remembered else keys)[distinct.first]
        return np.asarray(self._answers[distinct.inverse[num_remembered:]])

    def _add(self, answers: np.ndarray) -> None:
        earlier = self._answers
        if len(earlier) and earlier.shape[1] != answers.shape[1]:
            raise make_output_count_error(f"{earlier.shape[1]} at first", f"{answers.shape[1]} later")
        self._answers = np.concatenate([earlier, answers]) if len(earlier) else answers


class _Recalled(NamedTuple):
    """The answers for drawn rows, of shape (m, k), and how many inputs of their source the model was asked about by then."""

    answers: np.ndarray
    num_inputs: int


class _LatestSearch(NamedTuple):
    """The latest search for distinct rows, kept for the other instances that share the rows."""

    rows: SharedRows
    num_remembered: int
    distinct: DistinctRows | None


class SharedAnswers:
    """What instances share that are explained with one model: answers for common rows, and what was learned about the model.

    The model is asked about each of the common rows once.

    Attributes
    ----------
    check : AnswerCheck
        Whether the model's answers belong to its inputs.
    output_names : tuple of str or None
        The names of the model's outputs, if its answers have them.
    """

    def __init__(self) -> None:
        self.check = AnswerCheck()
        self.output_names: tuple[str, ...] | None = None
        self._reading_notices: tuple[Notice, ...] = ()
        self._memories: dict[Hashable, _Memory] = {}
        self._recalled: dict[SharedRows, _Recalled] = {}
        self._latest_search: _LatestSearch | None = None

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What a reader should know about the model's answers."""
        return (*self.check.notices, *self._reading_notices)

    def read(self, answer: Answer) -> np.ndarray:
        """The values of an answer, of shape (m, k), with the outputs in the order of the first answer's names.

        Raises
        ------
        PredictionError
            If the names of the outputs are others than the first answer's.
        """
        self.output_names = self.output_names or answer.names
        self._reading_notices = self._reading_notices or answer.notices
        return answer.in_order_of(self.output_names)

    def find_new(self, neighbourhood: Neighbourhood) -> np.ndarray | None:
        """The numbers of the neighbourhood's rows to ask the model about; None if its drawn rows were recalled before."""
        assert neighbourhood.shared is not None
        if neighbourhood.shared in self._recalled:
            return None
        memory = self._memories.setdefault(neighbourhood.shared.source, _Memory())
        return 1 + memory.find_new(self._find_distinct(neighbourhood, memory), len(neighbourhood.law_weights))

    def recall(self, neighbourhood: Neighbourhood, answers: np.ndarray | None) -> _Recalled:
        """Remember the answers for the rows of `find_new`, and give those for all drawn rows."""
        shared = neighbourhood.shared
        assert shared is not None
        if shared not in self._recalled:
            memory = self._memories[shared.source]
            all_answers = memory.recall(_drawn_keys(neighbourhood), self._find_distinct(neighbourhood, memory), answers)
            self._recalled[shared] = _Recalled(all_answers, len(memory))
        return self._recalled[shared]

    def _find_distinct(self, neighbourhood: Neighbourhood, memory: _Memory) -> DistinctRows | None:
        assert neighbourhood.shared is not None
        latest = self._latest_search
        if latest is None or latest.rows != neighbourhood.shared or latest.num_remembered != len(memory):
            distinct = memory.find_distinct(_drawn_keys(neighbourhood))
            latest = self._latest_search = _LatestSearch(neighbourhood.shared, len(memory), distinct)
        return latest.distinct


def _drawn_keys(neighbourhood: Neighbourhood) -> np.ndarray | None:
    return None if neighbourhood.keys is None else neighbourhood.keys[1:]


class Oracle:
    """Predicts an instance's perturbations: it has the model asked about new inputs only, and remembers the answers.

    Parameters
    ----------
    path : ModelPath
        How to ask.
    shared : SharedAnswers
        The answers for rows that other instances share.

    Attributes
    ----------
    num_inputs : int
        How many distinct inputs the explanation has needed so far.
    instance_prediction : ndarray of shape (k,)
        The model's answer for the instance; empty until `predict` was run.
    """

    def __init__(self, path: ModelPath, shared: SharedAnswers) -> None:
        self._path = path
        self._shared = shared
        self._memory = _Memory()
        self._num_own_inputs = 0  # besides the shared ones: the instance, unless it is among the shared rows
        self.num_inputs = 0
        self.instance_prediction = np.empty(0)

    def predict(self, neighbourhood: Neighbourhood) -> Asking[np.ndarray]:
        """The model's outputs for the drawn rows of a neighbourhood, of shape (m, k).

        Raises
        ------
        PredictionError
            If its answers have different outputs, or are in another order than its inputs.
        """
        predict = self._predict_own if neighbourhood.shared is None else self._predict_shared
        predictions = yield from predict(neighbourhood)
        shared = self._shared
        yield from shared.check.run(
            self._path, neighbourhood, self.instance_prediction, predictions, self.num_inputs, shared.read
        )
        return predictions

    def _predict_own(self, neighbourhood: Neighbourhood) -> Asking[np.ndarray]:
        """The same for drawn rows that no other instance has."""
        keys = neighbourhood.keys
        num_rows = 1 + len(neighbourhood.law_weights)
        distinct = self._memory.find_distinct(keys)
        if keys is None and self.instance_prediction.size:  # without keys, the memory would not find the instance again
            rows = np.arange(1, num_rows)
        else:
            rows = self._memory.find_new(distinct, num_rows)
        answers = None
        if len(rows):
            answers = self._shared.read((yield Ask([Question(self._path, neighbourhood, rows, self.num_inputs)]))[0])
        predictions = self._memory.recall(keys, distinct, answers)
        self.num_inputs = len(self._memory)
        if len(predictions) < num_rows:
            return predictions
        self.instance_prediction = predictions[0]
        return predictions[1:]

    def _predict_shared(self, neighbourhood: Neighbourhood) -> Asking[np.ndarray]:
        """The same for drawn rows that other instances share."""
        new_rows, keys = self._shared.find_new(neighbourhood), neighbourhood.keys
        is_first = not self.instance_prediction.size
        equal_to_instance = np.flatnonzero((keys[1:] == keys[0]).all(axis=1)) if keys is not None else np.empty(0, np.intp)
        asks_instance = is_first and not len(equal_to_instance)
        questions = []
        if asks_instance:
            self._num_own_inputs = 1
            questions.append(Question(self._path, neighbourhood, np.array([0]), 0))
        elif len(equal_to_instance):
            self._num_own_inputs = 0
        if new_rows is not None and len(new_rows):
            first_number = self.num_inputs + asks_instance
            questions.append(Question(self._path, neighbourhood, new_rows, first_number, neighbourhood.shared))
        answers = [self._shared.read(answer) for answer in (yield Ask(questions))] if questions else []
        if asks_instance:
            self.instance_prediction, *answers = answers[0][0], *answers[1:]
        predictions, num_shared_inputs = self._shared.recall(neighbourhood, answers[0] if answers else None)
        if is_first and not asks_instance:
            self.instance_prediction = predictions[equal_to_instance[0]]
        if predictions.shape[1] != len(self.instance_prediction):
            raise make_output_count_error(
                f"{len(self.instance_prediction)} for the instance", f"{predictions.shape[1]} for perturbations"
            )
        self.num_inputs = self._num_own_inputs + num_shared_inputs
        return predictions


def find_distinct_rows(keys: np.ndarray) -> DistinctRows:
    """Find the distinct rows of keys of shape (n, w), uint64.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.stages.prediction import find_distinct_rows
    >>> first, inverse = find_distinct_rows(np.array([[7, 1], [2, 2], [7, 1]], dtype=np.uint64))
    >>> first.tolist(), inverse.tolist()
    ([0, 1], [0, 1, 0])
    """
    # It takes less time to sort one number a row, mixed from the row's words.
    mixed = keys[:, 0] if keys.shape[1] == 1 else (keys * np.cumprod(np.full(keys.shape[1], _MIXER))).sum(axis=1)
    _, first, inverse = np.unique(mixed, return_index=True, return_inverse=True)
    if not np.array_equal(keys[first[inverse]], keys):  # by chance, two different rows give the same number
        _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return DistinctRows(first[order], rank[inverse.reshape(-1)])
