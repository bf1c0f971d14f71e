"""Stage 3: ask the model, in batches, each distinct input once, and check what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from limelight._checks import as_array
from limelight._errors import ArgumentError, LabelError, LimelightError, ModelError, PredictionError
from limelight.stages.components import Neighbourhood

__all__ = ["LINKS", "PREDICTION_METHODS", "Ask", "Oracle", "Outputs", "Shortcut", "distinct_rows", "read_outputs"]

Ask = Callable[[Neighbourhood, np.ndarray], Any]
"""From a neighbourhood and the numbers of some of its rows to the model's raw answer for them."""


class Shortcut(NamedTuple):
    """A quicker way to ask a model, and the largest number of inputs for it where the user does not say; None for all."""

    ask: Ask
    batch_size: int | None


# What an estimator is asked, the first of these that it has.
PREDICTION_METHODS = ("predict_proba", "decision_function", "predict")

_MIXER = np.uint64(0x9E3779B97F4A7C15)  # an odd number near 2^64 times the golden ratio's fraction
_LARGEST = 1e150  # of sums of squares there is room for some 1e8 then
_TOLERANCE = 1e-3  # by how much a float32 model's probabilities may miss a sum of 1


class Oracle:
    """A model for the length of one explanation: it remembers what was asked.

    Parameters
    ----------
    ask : callable
        From a neighbourhood and row numbers to the model's raw answer.
    batch_size : int or None
        The largest number of inputs to hand over at once; None for all of them.

    Attributes
    ----------
    num_inputs : int
        How many inputs the model was asked about so far.
    instance : ndarray of shape (k,)
        The model's answer for the instance, once something was asked.
    """

    def __init__(self, ask: Ask, batch_size: int | None) -> None:
        self._ask = ask
        self._batch_size = batch_size
        self._keys = np.empty((0, 0), dtype=np.uint64)
        self._answers = np.empty((0, 0))
        self._width: int | None = None
        self.num_inputs = 0
        self.instance = np.empty(0)

    def predict(self, neighbourhood: Neighbourhood) -> np.ndarray:
        """The model's outputs for the drawn rows of a neighbourhood, of shape (m, k).

        Raises
        ------
        ModelError
            If the model raises.
        PredictionError
            If its answer has not one row of finite numbers, none of them huge, for each input.
        """
        if neighbourhood.keys is None:  # all distinct; but the instance is asked about only once
            known = self.instance.size > 0
            answers = self._in_batches(neighbourhood, np.arange(int(known), len(neighbourhood.representation)))
            if known:
                return answers
            self.instance = answers[0]
            return answers[1:]
        asked = len(self._keys)
        keys = np.concatenate([self._keys, neighbourhood.keys]) if asked else neighbourhood.keys
        first, where = distinct_rows(keys)
        if len(first) > asked:
            answers = self._in_batches(neighbourhood, first[asked:] - asked)
            self._answers = np.concatenate([self._answers, answers]) if asked else answers
            self._keys = keys[first]
        found: np.ndarray = self._answers[where[asked:]]
        self.instance = found[0]
        return found[1:]

    def _in_batches(self, neighbourhood: Neighbourhood, rows: np.ndarray) -> np.ndarray:
        size = self._batch_size or len(rows)
        answers = [self._answer(neighbourhood, rows[start : start + size]) for start in range(0, len(rows), size)]
        return answers[0] if len(answers) == 1 else np.concatenate(answers)

    def _answer(self, neighbourhood: Neighbourhood, rows: np.ndarray) -> np.ndarray:
        batch = f"{len(rows)} inputs, numbers {self.num_inputs} to {self.num_inputs + len(rows) - 1}"
        try:
            raw = self._ask(neighbourhood, rows)
        except LimelightError:
            raise
        except Exception as error:
            raise ModelError(f"the model raised {type(error).__name__} while it was asked about {batch}: {error}") from error
        raw = _side_by_side(raw, len(rows))
        try:
            if np.iscomplexobj(as_array(raw)):
                raise TypeError("complex numbers cannot be ordered")
            answer = as_array(raw).astype(np.float64, copy=False)
        except (TypeError, ValueError) as error:
            raise PredictionError(f"the model must give numbers; for {batch} it gave {type(raw).__name__}: {error}") from error
        if answer.ndim == 1:
            answer = answer[:, None]
        if answer.ndim != 2 or len(answer) != len(rows) or answer.shape[1] == 0:
            raise PredictionError(
                f"the model must give an array of shape (n,) or (n, k), a row for each input; "
                f"for {batch} it gave shape {np.shape(raw)}."
            )
        if self._width not in (None, answer.shape[1]):
            raise PredictionError(f"the model gave {self._width} outputs an input at first, and {answer.shape[1]} for {batch}.")
        self._width = answer.shape[1]
        if not np.isfinite(answer).all():
            finite = np.isfinite(answer).all(axis=1)
            raise PredictionError(
                f"the model gave NaN or infinity for {np.count_nonzero(~finite)} of {batch}; the first is number "
                f"{self.num_inputs + int(np.argmin(finite))}. Explanations need finite predictions."
            )
        largest = np.abs(answer).max()
        if largest > _LARGEST:
            raise PredictionError(
                f"the model must give numbers up to {_LARGEST:g}, since they are squared; the largest for {batch} is "
                f"{largest:.3g} in absolute value. Scale the outputs, or take their logarithm."
            )
        self.num_inputs += len(rows)
        return answer


def _side_by_side(raw: Any, count: int) -> Any:
    """Several outputs with classes of their own, as scikit-learn gives them, as the columns of one array.

    Of an output with two classes the second is taken, of others all.
    """
    parts = raw if isinstance(raw, list) and raw and all(isinstance(part, np.ndarray) for part in raw) else []
    if not parts or any(part.ndim != 2 or len(part) != count for part in parts):
        return raw
    return np.concatenate([part[:, 1:] if part.shape[1] == 2 else part for part in parts], axis=1)


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """The logarithm of p / (1 - p); nearer to 0 or 1 than 1e-6 counts as 1e-6.

    Raises
    ------
    PredictionError
        If the numbers are not between 0 and 1.
    """
    if probabilities.min() < -_TOLERANCE or probabilities.max() > 1 + _TOLERANCE:
        raise PredictionError(
            f'link="logit" needs probabilities; the model gave {probabilities.min():.3g} to {probabilities.max():.3g}.'
        )
    inside = np.clip(probabilities, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside / (1 - inside)))


LINKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"identity": np.asarray, "logit": log_odds}
"""From a model's outputs to what is explained."""


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


@dataclass(frozen=True)
class Outputs:
    """The model's outputs: what they are taken for, what they are called, and which of them are explained.

    Attributes
    ----------
    kind : {"probabilities", "scores"}
        What the outputs were taken for.
    names : tuple of str
        A name for each output.
    labels : tuple of int
        The outputs that are explained.
    default : int
        The one that is meant where none is named.
    notes : tuple of (code, message)
        What a reader should know about them.
    """

    kind: str
    names: tuple[str, ...]
    labels: tuple[int, ...]
    default: int
    notes: tuple[tuple[str, str], ...]

    def under(self, link: str) -> Outputs:
        """What the outputs are after a link."""
        if link == "identity":
            return self
        return replace(self, kind="scores", names=tuple(f"log-odds of {name}" for name in self.names))


def read_outputs(
    predictions: np.ndarray,
    instance: np.ndarray,
    *,
    mode: str | None,
    class_names: tuple[str, ...] | None,
    model_names: tuple[str, ...] | None,
    labels: tuple[int, ...] | None,
    top_labels: int | None,
) -> Outputs:
    """Decide from the model's answers, of shape (n, k) and (k,), what they are and which outputs to explain.

    Raises
    ------
    ArgumentError
        If there are not as many class names as outputs.
    LabelError
        If the model has no output of a label's number.
    """
    count = len(instance)
    kind = "scores" if mode == "regression" else _kind(predictions)
    notes = []
    if mode == "classification" and kind == "scores":
        text = "The model's outputs are not probabilities that sum to 1; the weights are in the units of its scores."
        notes.append(("not_probabilities", text))
    ranked = [int(label) for label in np.argsort(-instance, kind="stable")]
    usual = tuple(range(count))
    if kind == "probabilities":
        usual = (1,) if count == 2 else (ranked[0],)
    explained = tuple(ranked[:top_labels]) if top_labels else labels or usual
    for label in explained:
        if label >= count:
            raise LabelError(f"label {label} cannot be explained: the model has {count} outputs, 0 to {count - 1}.")
    default = next((label for label in (*usual, ranked[0]) if label in explained), explained[0])
    return Outputs(kind, _output_names(count, class_names, model_names), explained, default, tuple(notes))


def _kind(predictions: np.ndarray) -> str:
    if predictions.shape[1] < 2 or predictions.min() < -_TOLERANCE:
        return "scores"
    sums = predictions @ np.ones(predictions.shape[1])  # a product with ones adds short rows faster than sum does
    return "probabilities" if sums.min() >= 1 - _TOLERANCE and sums.max() <= 1 + _TOLERANCE else "scores"


def _output_names(count: int, given: tuple[str, ...] | None, from_model: tuple[str, ...] | None) -> tuple[str, ...]:
    for names in (given, from_model):
        if names is None:
            continue
        if len(names) == count:
            return names
        if count == 1 and len(names) == 2:  # one score of a two-class model speaks for its second class
            return names[1:]
        if names is given:
            raise ArgumentError(f"class_names must have a name for each of the model's {count} outputs; got {len(names)}.")
    return tuple(str(label) for label in range(count)) if count > 1 else ("output",)
