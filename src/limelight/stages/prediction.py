"""What to ask the model: each distinct input once, and rows that instances share once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from limelight._errors import PredictionError
from limelight.stages.components import Neighbourhood, Shared

__all__ = ["PREDICTION_METHODS", "Ask", "Asking", "ModelPath", "Oracle", "Question", "SharedAnswers", "distinct_rows"]

# What an estimator is asked, the first of these that it has.
PREDICTION_METHODS = ("predict_proba", "decision_function", "predict")

_MIXER = np.uint64(0x9E3779B97F4A7C15)  # an odd number near 2^64 times the golden ratio's fraction

T = TypeVar("T")


class ModelPath(NamedTuple):
    """How perturbations of one instance reach a model.

    Attributes
    ----------
    make : callable
        From a neighbourhood and row numbers to inputs.
    finish : callable
        From inputs to the model's raw answer.
    form : Hashable
        Inputs of paths of the same form may be put one after the other, and finished by either.
    batch_size : int or None
        The largest number of inputs at once; None for all.
    """

    make: Callable[[Neighbourhood, np.ndarray], Any]
    finish: Callable[[Any], Any]
    form: Hashable
    batch_size: int | None

    def limited(self, batch_size: int | None) -> ModelPath:
        """The same path with the user's batch size, where there is one."""
        return self if batch_size is None else self._replace(batch_size=batch_size)


class Question(NamedTuple):
    """Rows of a neighbourhood that the model is to be asked about.

    Attributes
    ----------
    path, neighbourhood, rows
        How to ask, about what.
    asked : int
        How many inputs its instance has asked about before, for messages.
    key : Hashable
        Questions with equal keys, but None, have the same answer.
    """

    path: ModelPath
    neighbourhood: Neighbourhood
    rows: np.ndarray
    asked: int
    key: Hashable = None


class Ask(NamedTuple):
    """What a run yields to have questions put to the model; it is sent the answer to each, of shape (m, k)."""

    questions: list[Question]


Asking = Generator[Ask, list[np.ndarray], T]
"""A part of a run that asks the model, and returns a result in the end."""


class _Distinct(NamedTuple):
    """Where each distinct row stands first, and which of these each row is."""

    first: np.ndarray
    which: np.ndarray


class _Memory:
    """The answers for distinct inputs, in the order in which they were asked."""

    def __init__(self) -> None:
        self._keys = np.empty((0, 0), dtype=np.uint64)
        self._answers = np.empty((0, 0))

    def __len__(self) -> int:
        return len(self._answers)

    def distinct(self, keys: np.ndarray | None) -> _Distinct | None:
        """Of all inputs asked about and these, which are distinct; None where they have no keys, and all are."""
        if keys is None:
            return None
        return _Distinct(*distinct_rows(np.concatenate([self._keys, keys]) if len(self._keys) else keys))

    def unknown(self, distinct: _Distinct | None, count: int) -> np.ndarray:
        """Which of so many inputs were not asked about, each distinct one once."""
        return np.arange(count) if distinct is None else distinct.first[len(self._keys) :] - len(self._keys)

    def recall(self, keys: np.ndarray | None, distinct: _Distinct | None, answers: np.ndarray | None) -> np.ndarray:
        """The answers for all of the inputs, after those for the unknown ones have come."""
        if keys is None or distinct is None:
            assert answers is not None
            self._add(answers)
            return answers
        known = len(self._keys)
        if answers is not None:
            self._add(answers)
            self._keys = (np.concatenate([self._keys, keys]) if known else keys)[distinct.first]
        return np.asarray(self._answers[distinct.which[known:]])

    def _add(self, answers: np.ndarray) -> None:
        known = self._answers
        if len(known) and known.shape[1] != answers.shape[1]:
            raise PredictionError(f"the model gave {known.shape[1]} outputs an input at first, and then {answers.shape[1]}.")
        self._answers = np.concatenate([known, answers]) if len(known) else answers


class SharedAnswers:
    """Answers for rows that the neighbourhoods of several instances share; each is asked about once."""

    def __init__(self) -> None:
        self._memories: dict[Hashable, _Memory] = {}
        self._found: dict[Shared, tuple[np.ndarray, int]] = {}
        self._distinct: tuple[Shared, int, _Distinct | None] | None = None  # of the rows looked at last

    def unknown(self, neighbourhood: Neighbourhood) -> np.ndarray | None:
        """Which rows of the neighbourhood nobody has asked about; None if its drawn rows have their answers."""
        assert neighbourhood.shared is not None
        if neighbourhood.shared in self._found:
            return None
        memory = self._memories.setdefault(neighbourhood.shared.source, _Memory())
        return 1 + memory.unknown(self._distinct_of(neighbourhood, memory), len(neighbourhood.law_weights))

    def _distinct_of(self, neighbourhood: Neighbourhood, memory: _Memory) -> _Distinct | None:
        """The distinct rows, looked for once for all that ask about them."""
        assert neighbourhood.shared is not None
        latest = self._distinct
        if latest is None or latest[:2] != (neighbourhood.shared, len(memory)):
            latest = self._distinct = neighbourhood.shared, len(memory), memory.distinct(_drawn_keys(neighbourhood))
        return latest[2]

    def found(self, neighbourhood: Neighbourhood, answers: np.ndarray | None) -> tuple[np.ndarray, int]:
        """The answers for the drawn rows, after those for the unknown ones have come; and how many inputs it took so far."""
        shared = neighbourhood.shared
        assert shared is not None
        if shared not in self._found:
            memory = self._memories[shared.source]
            recalled = memory.recall(_drawn_keys(neighbourhood), self._distinct_of(neighbourhood, memory), answers)
            self._found[shared] = recalled, len(memory)
        return self._found[shared]


def _drawn_keys(neighbourhood: Neighbourhood) -> np.ndarray | None:
    return None if neighbourhood.keys is None else neighbourhood.keys[1:]


class Oracle:
    """A model for the length of one explanation: it remembers what was asked.

    Parameters
    ----------
    path : ModelPath
        How to ask.
    shared : SharedAnswers
        What is known of rows that other instances have, too.

    Attributes
    ----------
    num_inputs : int
        How many inputs the explanation has needed so far.
    instance : ndarray of shape (k,)
        The model's answer for the instance, once something was asked.
    """

    def __init__(self, path: ModelPath, shared: SharedAnswers) -> None:
        self._path = path
        self._shared = shared
        self._memory = _Memory()
        self._alone = 0  # inputs besides those that are shared
        self.num_inputs = 0
        self.instance = np.empty(0)

    def predict(self, neighbourhood: Neighbourhood) -> Asking[np.ndarray]:
        """The model's outputs for the drawn rows of a neighbourhood, of shape (m, k).

        Raises
        ------
        PredictionError
            If its answers have different numbers of outputs.
        """
        if neighbourhood.shared is not None:
            return (yield from self._predict_shared(neighbourhood))
        keys = neighbourhood.keys
        count = 1 + len(neighbourhood.law_weights)
        # Where all rows are distinct, the instance is asked about only once all the same.
        distinct = self._memory.distinct(keys)
        rows = np.arange(1, count) if keys is None and self.instance.size else self._memory.unknown(distinct, count)
        answers = (yield Ask([Question(self._path, neighbourhood, rows, self.num_inputs)]))[0] if len(rows) else None
        known = self._memory.recall(keys, distinct, answers)
        self.num_inputs = len(self._memory)
        if len(known) < count:
            return known
        self.instance = known[0]
        return known[1:]

    def _predict_shared(self, neighbourhood: Neighbourhood) -> Asking[np.ndarray]:
        unknown, keys = self._shared.unknown(neighbourhood), neighbourhood.keys
        first = not self.instance.size
        drawn = np.flatnonzero((keys[1:] == keys[0]).all(axis=1)) if keys is not None else np.empty(0, np.intp)
        alone = first and not len(drawn)
        questions = []
        if alone:
            self._alone = 1
            questions.append(Question(self._path, neighbourhood, np.array([0]), 0))
        elif len(drawn):
            self._alone = 0  # what was the instance's alone is one of the drawn rows now
        if unknown is not None and len(unknown):
            questions.append(Question(self._path, neighbourhood, unknown, self.num_inputs + alone, neighbourhood.shared))
        answers = (yield Ask(questions)) if questions else []
        if alone:
            self.instance, *answers = answers[0][0], *answers[1:]
        found, count = self._shared.found(neighbourhood, answers[0] if answers else None)
        if first and not alone:
            self.instance = found[drawn[0]]
        if found.shape[1] != len(self.instance):
            raise PredictionError(f"the model gave {len(self.instance)} outputs for the instance, else {found.shape[1]}.")
        self.num_inputs = self._alone + count
        return found


def distinct_rows(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each distinct row of words stands first, in their order; and for each row, which of these it is.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.stages.prediction import distinct_rows
    >>> first, which = distinct_rows(np.array([[7, 1], [2, 2], [7, 1]], dtype=np.uint64))
    >>> first.tolist(), which.tolist()
    ([0, 1], [0, 1, 0])
    """
    # All words mixed into one are sooner sorted.
    mixed = keys[:, 0] if keys.shape[1] == 1 else (keys * np.cumprod(np.full(keys.shape[1], _MIXER))).sum(axis=1)
    _, first, which = np.unique(mixed, return_index=True, return_inverse=True)
    if not np.array_equal(keys[first[which]], keys):  # two rows have the same mixture by chance
        _, first, which = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[which.reshape(-1)]
