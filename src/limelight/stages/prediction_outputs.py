"""What a model's outputs are, what they are called, and which of them are explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from limelight._errors import ArgumentError, LabelError, PredictionError

__all__ = ["LINKS", "Outputs", "read_outputs"]

_TOLERANCE = 1e-3  # by how much a float32 model's probabilities may miss a sum of 1


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
