"""The true labels of many instances, as pages name the model's outputs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.renderers._numbers import format_number
from limelight.renderers._summary import name_output
from limelight.renderers.reports._answers import Answer

__all__ = ["read_truths"]


def read_truths(labels: Any, answers: Sequence[Answer | None]) -> list[str | None]:
    """The true label of each instance, as pages name the outputs; None where it is missing.

    Parameters
    ----------
    labels : sequence of str, int or float, optional
        For each instance the name or the number of its class, or the value that the model should have predicted.
    answers : sequence of Answer or None
        The model's answers.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If there is not one label for each instance, or one is neither the name nor the number of a class.
    """
    if labels is None:
        return [None] * len(answers)
    # A list with a missing label among texts would become an array of texts, in which it is "nan".
    array = np.asarray(labels, dtype=object if isinstance(labels, (list, tuple)) else None)
    if array.ndim != 1:
        raise ArgumentTypeError(f"labels must be a sequence of true labels, one for each instance; got {labels!r:.80}.")
    if len(array) != len(answers):
        raise ArgumentError(f"labels must have one true label for each of the {len(answers)} instances; got {len(array)}.")
    plain = (label.item() if isinstance(label, np.generic) else label for label in array.tolist())
    true_labels = [None if _is_missing(label) else label for label in plain]
    # A dict in the order of the instances, because the order of a set varies.
    classes = {answer.names: _number_classes(answer.names) for answer in answers if answer is not None and answer.is_class}
    if not classes:
        return [None if label is None else _write_label(label) for label in true_labels]
    are_names = all(
        isinstance(label, str) or any(_find_class(label, numbers) is not None for numbers in classes.values())
        for label in true_labels
        if label is not None
    )

    def name_truth(label: Any, answer: Answer | None) -> str | None:
        if label is None:
            return None
        if answer is not None and not answer.is_class:
            return _write_label(label)
        if answer is not None:
            names = answer.names
        else:  # a failure does not tell the names of its classes; another instance does
            candidates = (names for names, numbers in classes.items() if _find_class(label, numbers) is not None)
            names = next(candidates, next(iter(classes)))
        return name_output(names, _read_class(label, names, classes[names] if are_names else {}), "probabilities")

    return list(map(name_truth, true_labels, answers))


def _number_classes(names: Sequence[str]) -> dict[str, int]:
    """The number of each class by its name, both as it is and as `_drop_point` writes it; the first of equal names wins."""
    pairs = [*enumerate(names)][::-1]
    return {_drop_point(name): number for number, name in pairs} | {name: number for number, name in pairs}


def _is_missing(label: object) -> bool:
    return not isinstance(label, str) and str(label) in ("None", "nan", "NaT", "<NA>")


def _drop_point(name: str) -> str:
    """A whole number without its ".0": a column with missing labels stores whole numbers as floats."""
    return name.removesuffix(".0") if re.fullmatch(r"-?\d+\.0", name) else name


def _find_class(label: object, numbers: dict[str, int]) -> int | None:
    name = str(label)
    return numbers[name] if name in numbers else numbers.get(_drop_point(name))


def _write_label(label: object) -> str:
    return format_number(label) if isinstance(label, float) else str(label)


def _read_class(label: Any, names: tuple[str, ...], numbers: dict[str, int]) -> int:
    """The number of the class with this name or number.

    Raises
    ------
    ArgumentError
        If there is no such class.
    """
    if (number := _find_class(label, numbers)) is not None:
        return number
    if isinstance(label, (int, float)) and float(label).is_integer() and 0 <= label < len(names):
        return int(label)
    raise ArgumentError(
        f"labels must be the names or the numbers of the model's outputs; got {label!r:.80}, the outputs are {names!r:.200}."
    )
