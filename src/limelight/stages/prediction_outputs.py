"""What a model's outputs are, what they are called, and which of them are explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from limelight.exceptions import ArgumentError, LabelError, PredictionError
from limelight.results.explanation import Notice

__all__ = ["LINKS", "Outputs", "read_outputs"]

_PROBABILITY_TOLERANCE = 1e-3  # in low precision, probabilities and their sums leave the range from 0 to 1 a little
_LEAST_PROBABILITY = 1e-6  # and 1 minus it the largest: the log-odds of 0 and 1 are infinite


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """The log-odds log(p / (1 - p)) of probabilities p, elementwise; p is first clipped to the range from 1e-6 to 1 - 1e-6.

    Raises
    ------
    PredictionError
        If the numbers are not between 0 and 1.
    """
    if probabilities.min() < -_PROBABILITY_TOLERANCE or probabilities.max() > 1 + _PROBABILITY_TOLERANCE:
        raise PredictionError(
            f'link="logit" needs probabilities; the model gave {probabilities.min():.3g} to {probabilities.max():.3g}.'
        )
    p = np.clip(probabilities, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    return np.asarray(np.log(p / (1 - p)))


LINKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"identity": np.asarray, "logit": log_odds}
"""From a model's outputs to the values that are explained, elementwise."""


@dataclass(frozen=True)
class Outputs:
    """What a model's outputs are, what they are called, and which of them are explained.

    Attributes
    ----------
    kind : {"probabilities", "scores"}
        What the outputs are taken for.
    names : tuple of str
        A name for each output.
    labels : tuple of int
        The numbers of the outputs that are explained.
    default_label : int
        Which of them is meant where none is named.
    notes : tuple of Notice
        What a reader should know about the outputs.
    """

    kind: str
    names: tuple[str, ...]
    labels: tuple[int, ...]
    default_label: int
    notes: tuple[Notice, ...]

    def with_notices(self, notices: tuple[Notice, ...]) -> Outputs:
        """The same outputs, and more that a reader should know about them."""
        return replace(self, notes=(*self.notes, *notices))

    def after_link(self, link: str) -> Outputs:
        """What the outputs are once a link is applied."""
        if link == "identity":
            return self
        return replace(self, kind="scores", names=tuple(f"log-odds of {name}" for name in self.names))


def read_outputs(
    predictions: np.ndarray,
    instance_prediction: np.ndarray,
    *,
    mode: str | None,
    class_names: tuple[str, ...] | None,
    model_names: tuple[str, ...] | None,
    labels: tuple[int, ...] | None,
    top_labels: int | None,
) -> Outputs:
    """Decide from the model's outputs what they are and which of them to explain.

    Parameters
    ----------
    predictions : ndarray of shape (n, k)
        The outputs for perturbations.
    instance_prediction : ndarray of shape (k,)
        The outputs for the instance.
    mode : {"classification", "regression"} or None
        What the user says that they are; None where their values decide.
    class_names, model_names : tuple of str or None
        The user's and the model's own names of the outputs.
    labels : tuple of int or None
        Which outputs to explain.
    top_labels : int or None
        How many outputs to explain instead, those with the highest predictions.

    Raises
    ------
    ArgumentError
        If the numbers of class names and of outputs differ.
    LabelError
        If a label is not the number of an output.
    """
    count = len(instance_prediction)
    kind = "scores" if mode == "regression" else _kind_of(predictions)
    notes = []
    if mode == "classification" and kind == "scores":
        text = "The model's outputs are not probabilities that sum to 1; the weights are in the units of its scores."
        notes.append(Notice("not_probabilities", text, "information"))
    ranked = [int(label) for label in np.argsort(-instance_prediction, kind="stable")]
    default_labels = tuple(range(count))
    if kind == "probabilities":
        default_labels = (1,) if count == 2 else (ranked[0],)
    explained = tuple(ranked[:top_labels]) if top_labels else labels or default_labels
    for label in explained:
        if label >= count:
            raise LabelError(f"label {label} cannot be explained: the model has {count} outputs, 0 to {count - 1}.")
    default_label = next((label for label in (*default_labels, ranked[0]) if label in explained), explained[0])
    return Outputs(kind, _name_outputs(count, class_names, model_names), explained, default_label, tuple(notes))


def _kind_of(predictions: np.ndarray) -> str:
    """Whether predictions, of shape (n, k), are "probabilities" or "scores"."""
    if predictions.shape[1] < 2 or predictions.min() < -_PROBABILITY_TOLERANCE:
        return "scores"
    sums = predictions @ np.ones(predictions.shape[1])  # it adds short rows faster than sum does
    low, high = 1 - _PROBABILITY_TOLERANCE, 1 + _PROBABILITY_TOLERANCE
    return "probabilities" if sums.min() >= low and sums.max() <= high else "scores"


def _name_outputs(count: int, class_names: tuple[str, ...] | None, model_names: tuple[str, ...] | None) -> tuple[str, ...]:
    """A name for each output: the user's, else the model's, else numbers."""
    for names in (class_names, model_names):
        if names is None:
            continue
        if len(names) == count:
            return names
        if count == 1 and len(names) == 2:  # a model of two classes with one score: it is the second class's
            return names[1:]
        if names is class_names:
            raise ArgumentError(f"class_names must have a name for each of the model's {count} outputs; got {len(names)}.")
    return tuple(str(label) for label in range(count)) if count > 1 else ("output",)
