"""What a model's outputs are, what they are called, and which of them are explained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from limelight._checks import LOG_ODDS, Label, find_output, list_outputs
from limelight.exceptions import LabelError, PredictionError
from limelight.results.explanation import Notice
from limelight.stages.output_names import ModelOutputs, name_outputs

__all__ = ["LINKS", "Outputs", "read_outputs"]

_PROBABILITY_TOLERANCE = 1e-3  # in low precision, probabilities and their sums leave the range from 0 to 1 a little
_ROUNDED_TOLERANCE = 0.02  # sums of probabilities that were rounded to a few digits leave 1 this far at most
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
    boundary : float or None
        The value that divides two decisions, for a single output or for each of two; None if there is none, or if the largest
        of several outputs decides.
    are_classes : bool
        Whether the largest of several outputs decides.
    """

    kind: str
    names: tuple[str, ...]
    labels: tuple[int, ...]
    default_label: int
    notes: tuple[Notice, ...]
    boundary: float | None = None
    are_classes: bool = False

    def with_notices(self, notices: tuple[Notice, ...]) -> Outputs:
        """The same outputs, and more that a reader should know about them."""
        return replace(self, notes=(*self.notes, *notices))

    def after_link(self, link: str) -> Outputs:
        """What the outputs are once a link is applied."""
        if link == "identity":
            return self
        boundary = None if self.boundary is None else float(LINKS[link](np.array([self.boundary]))[0])
        return replace(self, kind="scores", names=tuple(LOG_ODDS + name for name in self.names), boundary=boundary)

    def decides_for(self, predictions: np.ndarray, label: int) -> bool:
        """Whether predictions of shape (k,) decide for a label; False where outputs decide nothing."""
        if self.boundary is not None:
            return bool(predictions[label] > self.boundary)
        return self.are_classes and bool(predictions[label] > np.delete(predictions, label).max())

    def describe(self, label: int) -> str:
        """The name of an output as part of a sentence."""
        name = self.names[label]
        if name != str(label):
            return name
        return f"{'class' if self.kind == 'probabilities' else 'output'} {name}"


def read_outputs(
    predictions: np.ndarray,
    instance_prediction: np.ndarray,
    *,
    mode: str | None,
    class_names: tuple[str, ...] | None,
    model: ModelOutputs,
    labels: tuple[Label, ...] | None,
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
    class_names : tuple of str or None
        The user's names of the outputs.
    model : ModelOutputs
        What the model itself says about them.
    labels : tuple of int or str, or None
        Which outputs to explain, by their numbers or names.
    top_labels : int or None
        How many outputs to explain instead, those with the highest predictions.

    Raises
    ------
    ArgumentError
        If the numbers of class names and of outputs differ, or class names are the model's own in another order.
    LabelError
        If a label is not the number or the name of an output.
    """
    count = len(instance_prediction)
    kind, kind_notes = _decide_kind(predictions, mode, model.kind, has_class_names=class_names is not None)
    names, name_notes = name_outputs(count, class_names, model)
    ranked = [int(label) for label in np.argsort(-instance_prediction, kind="stable")]
    default_labels = tuple(range(count))
    if kind == "probabilities":
        default_labels = (1,) if count == 2 else (ranked[0],)
    explained = default_labels
    if top_labels:
        explained = tuple(ranked[:top_labels])
    elif labels:
        explained = tuple(dict.fromkeys(_find_label(label, names) for label in labels))
    default_label = next((label for label in (*default_labels, ranked[0]) if label in explained), explained[0])
    numbers = [label for label in labels or () if isinstance(label, int)]
    notes = (*model.notes, *kind_notes, *name_notes, *_find_mistakable_labels(explained, names, numbers, model))
    boundary, are_classes = _find_decision(predictions, instance_prediction, kind, mode, class_names, model)
    return Outputs(kind, names, explained, default_label, notes, boundary, are_classes)


def _find_decision(
    predictions: np.ndarray,
    instance_prediction: np.ndarray,
    kind: str,
    mode: str | None,
    class_names: tuple[str, ...] | None,
    model: ModelOutputs,
) -> tuple[float | None, bool]:
    """The `boundary` of `Outputs` and its `are_classes`, from predictions of shapes (n, k) and (k,)."""
    count = len(instance_prediction)
    if mode == "regression":
        return None, False
    are_classes = kind == "probabilities" or mode == "classification" or model.are_margins
    has_two_names = 2 in (len(class_names or ()), len(model.names or ()))
    if count == 1 and (are_classes or has_two_names):
        values = np.append(predictions[:, 0], instance_prediction)
        return 0.5 if not model.are_margins and values.min() >= 0 and values.max() <= 1 else 0.0, False
    return (0.5, True) if count == 2 and kind == "probabilities" else (None, are_classes and count > 1)


def _find_label(label: Label, names: tuple[str, ...]) -> int:
    """The number of the output that a label means.

    Raises
    ------
    LabelError
        If there is no such output, or there are several.
    """
    number = find_output(label, names)
    if number is None:
        outputs = list_outputs(enumerate(names))
        raise LabelError(f"label {label!r} cannot be explained: the model has no output of that name; it has {outputs}.")
    if number >= len(names):
        one = "the model has a single output, 0."
        span = one if len(names) == 1 else f"the model has {len(names)} outputs, 0 to {len(names) - 1}."
        advice = f' The output that is named "{label}" is labels=["{label}"].' if str(label) in names else ""
        raise LabelError(f"label {label} cannot be explained: {span}{advice}")
    return number


def _decide_kind(
    predictions: np.ndarray, mode: str | None, model_kind: str | None, *, has_class_names: bool
) -> tuple[str, list[Notice]]:
    """What predictions, of shape (n, k), are taken for, and what a reader should know about that.

    What the user says counts first, then what the model says, then the values. Who names classes means probabilities.
    """
    if mode == "regression" or (mode is None and model_kind == "scores"):
        return "scores", []
    if mode == "classification":
        if _sum_to(1, predictions, _ROUNDED_TOLERANCE):
            return "probabilities", []
        text = "The model's outputs are not probabilities that sum to 1; the weights are in the units of its scores."
        return "scores", [Notice("not_probabilities", text, "information")]
    is_sum_one = _sum_to(1, predictions, _PROBABILITY_TOLERANCE)
    if is_sum_one and model_kind is None and not has_class_names:
        text = "The outputs sum to 1, so they were taken for the probabilities of classes of which one is true."
        text += ' If they are not, give mode="regression".'
        return "probabilities", [Notice("taken_for_probabilities", text, "information")]
    if is_sum_one:
        return "probabilities", []
    return "scores", [] if model_kind is not None else _describe_scores(predictions)


def _sum_to(total: float, predictions: np.ndarray, tolerance: float) -> bool:
    """Whether several outputs, none of them negative, sum to a total for every input, up to this share of it."""
    if predictions.shape[1] < 2 or predictions.min() < -_PROBABILITY_TOLERANCE * total:
        return False
    sums = predictions @ np.ones(predictions.shape[1])  # it adds short rows faster than sum does
    return bool(np.abs(sums / total - 1).max() <= tolerance)


def _describe_scores(predictions: np.ndarray) -> list[Notice]:
    """What scores, of shape (n, k), may be instead, if their values look like something else."""

    def note(code: str, text: str) -> list[Notice]:
        return [Notice(code, f"{text} They were taken for scores.", "information")]

    if _sum_to(1, predictions, _ROUNDED_TOLERANCE):
        text = 'The outputs nearly sum to 1: if they are probabilities, give mode="classification".'
        return note("almost_probabilities", text)
    if _sum_to(100, predictions, _PROBABILITY_TOLERANCE):
        return note("percentages", "The outputs sum to 100: if they are probabilities in per cent, divide them by 100.")
    is_negative = predictions.shape[1] > 1 and predictions.max() <= _PROBABILITY_TOLERANCE
    if is_negative and _sum_to(1, np.exp(predictions), _PROBABILITY_TOLERANCE):
        return note("log_probabilities", "The outputs look like logarithms of probabilities: give their exponentials instead.")
    are_numbers_of_classes = predictions.min() >= 0 and not (predictions % 1).any() and predictions.max() > 1
    if are_numbers_of_classes and np.ptp(predictions) > 0:
        text = "The outputs are whole numbers: if they are the numbers of classes, give a model of probabilities."
        return note("whole_numbers", text)
    return []


def _find_mistakable_labels(
    labels: tuple[int, ...], names: tuple[str, ...], numbers: Sequence[int], model: ModelOutputs
) -> list[Notice]:
    """What a reader may confuse: labels that are other classes' names, and explained outputs that share a name."""
    notes = []
    own_names = model.names if model.are_classes and model.names and len(model.names) == len(names) else names
    mistakable = [label for label in numbers if str(label) in own_names and own_names[label] != str(label)]
    if mistakable:
        text = "; ".join(f"label {label} is the class {own_names[label]!r}" for label in mistakable)
        text = f"Labels that are numbers count the outputs, from 0: {text}. Give a class's name as a text."
        notes.append(Notice("numbers_as_labels", text, "caution"))
    for name in dict.fromkeys(names[label] for label in labels):
        same = [str(label) for label, other in enumerate(names) if other == name]
        if len(same) > 1:
            notes.append(Notice("shared_name", f"Several outputs are called {name!r}: {', '.join(same)}.", "caution"))
    return notes
