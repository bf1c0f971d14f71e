"""What to ask the model: each distinct input once, and rows that instances share once for all of them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

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


class _Search(NamedTuple):
    """Which of some inputs are new.

    Attributes
    ----------
    num_remembered : int
        How many inputs were remembered when it was made.
    distinct : DistinctRows or None
        Which are distinct of these followed by the inputs; None where all inputs are, since they have no keys.
    new : ndarray of int, of shape (k,)
        The numbers of the inputs that the model is to be asked about: the first of each distinct one that is not remembered.
    """

    num_remembered: int
    distinct: DistinctRows | None
    new: np.ndarray


class _Memory:
    """The answers for distinct inputs."""

    def __init__(self) -> None:
        self._keys = np.empty((0, 0), dtype=np.uint64)
        self._answers = np.empty((0, 0))

    def __len__(self) -> int:
        return len(self._answers)

    def search(self, keys: np.ndarray | None, count: int) -> _Search:
        """Which of `count` inputs are new, from their keys of shape (count, w)."""
        if keys is None:
            return _Search(len(self), None, np.arange(count))
        num_remembered = len(self._keys)
        distinct = find_distinct_rows(np.concatenate([self._keys, keys]) if num_remembered else keys)
        return _Search(num_remembered, distinct, distinct.first[num_remembered:] - num_remembered)

    def remember(self, keys: np.ndarray | None, search: _Search, answers: np.ndarray | None) -> np.ndarray:
        """Remember the answers for inputs that were new, and give the places of all inputs, of shape (m,), in the memory.

        Parameters
        ----------
        keys : ndarray of shape (m, w) or None
            The keys of all inputs.
        search : _Search
            What `search` gave for them.
        answers : ndarray or None
            The model's answers for the new inputs; None where there are none.
        """
        if keys is None or search.distinct is None:
            assert answers is not None
            return self._add(np.empty((0, 0), dtype=np.uint64), answers)
        places = np.arange(search.num_remembered)
        if answers is not None:
            places = np.concatenate([places, self._add_new(keys[search.new], search.num_remembered, answers)])
        return np.asarray(places[search.distinct.inverse[search.num_remembered :]])

    def recall(self, places: np.ndarray) -> np.ndarray:
        """The answers at some places, of shape (m, k)."""
        return np.asarray(self._answers[places])

    def _add_new(self, keys: np.ndarray, num_remembered: int, answers: np.ndarray) -> np.ndarray:
        """Add inputs that were new when there were `num_remembered`; others may have added some of them since."""
        num_now = len(self._keys)
        if num_now == num_remembered:
            return self._add(keys, answers)
        distinct = find_distinct_rows(np.concatenate([self._keys, keys]))
        is_new = distinct.first[num_now:] - num_now
        self._add(keys[is_new], answers[is_new])
        return distinct.inverse[num_now:]

    def _add(self, keys: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """Add inputs with their answers, and give their places."""
        earlier = self._answers
        if len(earlier) and earlier.shape[1] != answers.shape[1]:
            raise make_output_count_error(f"{earlier.shape[1]} at first", f"{answers.shape[1]} later")
        self._keys = np.concatenate([self._keys, keys]) if len(self._keys) else keys
        self._answers = np.concatenate([earlier, answers]) if len(earlier) else answers
        return np.arange(len(earlier), len(self._answers))


class SharedAnswers:
    """What instances share that are explained with one model: answers for common rows, and what was learned about the model.

    The model is asked about each of the common rows once.

    Attributes
    ----------
    check : AnswerCheck
        Whether the model's answers belong to its inputs.
    output_names : tuple of str or None
        The names of the model's outputs, if its answers have them.
    of_model : dict
        What was found out about the model itself.
    of_sums : dict
        If the model was read as a sum and a constant, the bounds of the constant by common rows.
    margins : dict
        If its answers are a function of such a sum, what is known of common rows by it.
    """

    def __init__(self) -> None:
        self.check = AnswerCheck()
        self.output_names: tuple[str, ...] | None = None
        self.of_model: dict[str, Any] = {}
        self.of_sums: dict[SharedRows, tuple[np.ndarray, ...]] = {}
        self.margins: dict[Hashable, Any] = {}
        self._reading_notices: tuple[Notice, ...] = ()
        self._memories: dict[Hashable, _Memory] = {}
        self._searches: dict[SharedRows, _Search] = {}
        self._places: dict[SharedRows, np.ndarray] = {}
        self._answers: dict[SharedRows, np.ndarray] = {}
        self._num_distinct: dict[tuple[SharedRows, ...], int] = {}

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
        shared = neighbourhood.shared
        assert shared is not None
        if shared in self._answers:
            return None
        if shared not in self._searches:
            memory = self._memories.setdefault(shared.source, _Memory())
            self._searches[shared] = memory.search(_drawn_keys(neighbourhood), len(neighbourhood.law_weights))
        return 1 + self._searches[shared].new

    def recall(self, neighbourhood: Neighbourhood, answers: np.ndarray | None) -> np.ndarray:
        """Remember the answers for the rows of `find_new`, and give those for all drawn rows, of shape (m, k)."""
        shared = neighbourhood.shared
        assert shared is not None
        if shared not in self._answers:
            memory = self._memories[shared.source]
            places = memory.remember(_drawn_keys(neighbourhood), self._searches.pop(shared), answers)
            self._places[shared], self._answers[shared] = places, memory.recall(places)
        return self._answers[shared]

    def count_distinct(self, parts: tuple[SharedRows, ...]) -> int:
        """How many distinct inputs some parts of one source have, all of them recalled."""
        if parts not in self._num_distinct:
            is_used = np.zeros(len(self._memories[parts[0].source]), dtype=bool)
            for part in parts:
                is_used[self._places[part]] = True
            self._num_distinct[parts] = int(np.count_nonzero(is_used))
        return self._num_distinct[parts]


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
        self._parts: dict[Hashable, tuple[SharedRows, ...]] = {}  # that the explanation has had of each source
        self._num_own_inputs = 0  # besides the shared ones: the instance, unless it is among the shared rows
        self._num_shared_inputs = 0
        self.num_inputs = 0
        self.instance_prediction = np.empty(0)

    def predict(self, neighbourhoods: Sequence[Neighbourhood]) -> Asking[list[np.ndarray]]:
        """The model's outputs for the drawn rows of neighbourhoods of the instance, of shape (m, k) each.

        There are several only where other instances share them.

        Raises
        ------
        PredictionError
            If its answers have different outputs.
        """
        predict = self._predict_own if neighbourhoods[0].shared is None else self._predict_shared
        return (yield from predict(neighbourhoods))

    def check(self, neighbourhoods: Sequence[Neighbourhood], answers: Sequence[np.ndarray]) -> Asking[None]:
        """See whether the model's answers for drawn rows belong to its inputs.

        Raises
        ------
        PredictionError
            If they are in another order than its inputs.
        """
        shared = self._shared
        for neighbourhood, predictions in zip(neighbourhoods, answers, strict=True):
            yield from shared.check.run(
                self._path, neighbourhood, self.instance_prediction, predictions, self.num_inputs, shared.read
            )

    def _predict_own(self, neighbourhoods: Sequence[Neighbourhood]) -> Asking[list[np.ndarray]]:
        """The same for drawn rows that no other instance has."""
        (neighbourhood,) = neighbourhoods
        keys = neighbourhood.keys
        num_rows = 1 + len(neighbourhood.law_weights)
        num_earlier = self._num_own_inputs + self._num_shared_inputs  # of a trial with shared rows
        if num_earlier and keys is not None:  # the instance among them
            num_earlier -= 1
            if not len(self._memory):
                own_key = keys[:1]
                self._memory.remember(own_key, self._memory.search(own_key, 1), self.instance_prediction[None])
        search = self._memory.search(keys, num_rows)
        if keys is None and self.instance_prediction.size:  # without keys, the memory would not find the instance again
            search = search._replace(new=np.arange(1, num_rows))
        answers = None
        if len(search.new):
            answers = self._shared.read((yield Ask([Question(self._path, neighbourhood, search.new, self.num_inputs)]))[0])
        predictions = self._memory.recall(self._memory.remember(keys, search, answers))
        self.num_inputs = num_earlier + len(self._memory)
        if len(predictions) < num_rows:
            return [predictions]
        self.instance_prediction = predictions[0]
        return [predictions[1:]]

    def _predict_shared(self, neighbourhoods: Sequence[Neighbourhood]) -> Asking[list[np.ndarray]]:
        """The same for drawn rows that other instances share."""
        first, keys = neighbourhoods[0], neighbourhoods[0].keys
        is_first = not self.instance_prediction.size
        equal_to_instance = np.flatnonzero((keys[1:] == keys[0]).all(axis=1)) if keys is not None else np.empty(0, np.intp)
        asks_instance = is_first and not len(equal_to_instance)
        questions = []
        if asks_instance:
            self._num_own_inputs = 1
            questions.append(Question(self._path, first, np.array([0]), 0))
        elif len(equal_to_instance):
            self._num_own_inputs = 0
        first_number = self.num_inputs + asks_instance
        are_asked = []
        for neighbourhood in neighbourhoods:
            new_rows = self._shared.find_new(neighbourhood)
            are_asked.append(new_rows is not None and len(new_rows) > 0)
            if new_rows is not None and len(new_rows):
                questions.append(Question(self._path, neighbourhood, new_rows, first_number, neighbourhood.shared))
                first_number += len(new_rows)
        answers = [self._shared.read(answer) for answer in (yield Ask(questions))] if questions else []
        if asks_instance:
            self.instance_prediction, *answers = answers[0][0], *answers[1:]
        in_turn = iter(answers)
        recalled = [
            self._shared.recall(neighbourhood, next(in_turn) if is_asked else None)
            for neighbourhood, is_asked in zip(neighbourhoods, are_asked, strict=True)
        ]
        if is_first and not asks_instance:
            self.instance_prediction = recalled[0][equal_to_instance[0]]
        for predictions in recalled:
            if predictions.shape[1] != len(self.instance_prediction):
                raise make_output_count_error(
                    f"{len(self.instance_prediction)} for the instance", f"{predictions.shape[1]} for perturbations"
                )
        if keys is None:  # all rows are distinct, but those of a trial may come again
            parts = {neighbourhood.shared: len(rows) for neighbourhood, rows in zip(neighbourhoods, recalled, strict=True)}
            known = self._parts.setdefault(None, ())
            self._num_shared_inputs += sum(count for part, count in parts.items() if part not in known)
            self._parts[None] = (*known, *(part for part in parts if part is not None))
        else:
            self._num_shared_inputs = self._count_shared(neighbourhoods)
        self.num_inputs = self._num_own_inputs + self._num_shared_inputs
        return recalled

    def _count_shared(self, neighbourhoods: Sequence[Neighbourhood]) -> int:
        """How many distinct inputs these and all earlier neighbourhoods have of each source, those of all sources together."""
        for neighbourhood in neighbourhoods:
            assert neighbourhood.shared is not None
            source = neighbourhood.shared.source
            self._parts[source] = (*self._parts.get(source, ()), neighbourhood.shared)
        return sum(map(self._shared.count_distinct, self._parts.values()))


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
