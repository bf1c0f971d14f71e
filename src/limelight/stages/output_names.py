"""What a model's outputs are called: the user's names, held against the model's own classes, or these, or numbers."""

from __future__ import annotations

from typing import NamedTuple

from limelight._checks import list_names
from limelight.exceptions import ArgumentError
from limelight.results.explanation import Notice

__all__ = ["ModelOutputs", "OutputNames", "name_outputs"]

_MOST_NAMES = 5  # that a message lists
_TRUTH_VALUES = {"false": 0.0, "true": 1.0}


class ModelOutputs(NamedTuple):
    """What a model itself says about its outputs.

    Attributes
    ----------
    kind : {"probabilities", "scores"} or None
        "probabilities" of classes that exclude each other, or "scores"; None where only the outputs' values can tell.
    names : tuple of str or None
        A name for each output; None if the model does not know them.
    are_classes : bool
        Whether the names are the classes that the model was fitted to, in its own order.
    notes : tuple of Notice
        What a reader should know about how the model was asked.
    are_margins : bool
        Whether they are those of a ``decision_function``: a single one decides by its sign, several by the largest.
    is_slow : bool
        Whether the model says that its answers take long, so that fewer are worth more to a user than narrow intervals.
    """

    kind: str | None = None
    names: tuple[str, ...] | None = None
    are_classes: bool = False
    notes: tuple[Notice, ...] = ()
    are_margins: bool = False
    is_slow: bool = False


class OutputNames(NamedTuple):
    """A name for each output, and what a reader should know about them."""

    names: tuple[str, ...]
    notes: list[Notice]


def name_outputs(count: int, class_names: tuple[str, ...] | None, model: ModelOutputs) -> OutputNames:
    """Name a model's outputs.

    Parameters
    ----------
    count : int
        The number of outputs.
    class_names : tuple of str or None
        The user's names.
    model : ModelOutputs
        What the model says.

    Raises
    ------
    ArgumentError
        If the numbers of class names and of outputs differ, or class names are the model's own in another order.
    """
    if class_names is None:
        names = None if model.names is None else _fit_names(count, model.names)
        return OutputNames(names or (tuple(map(str, range(count))) if count > 1 else ("output",)), [])
    names = _fit_names(count, class_names)
    if names is None:
        classes = f" ({list_names(model.names)})" if model.names is not None and len(model.names) == count else ""
        raise ArgumentError(
            f"class_names must have a name for each of the model's {count} outputs{classes}; got {len(class_names)}."
        )
    notes = []
    if model.names is not None and model.are_classes and len(model.names) == len(class_names):
        notes += _compare_with_classes(class_names, model.names)
    elif len(class_names) > count and model.kind is None:
        text = f"The model has one output; it was taken for that of the second class, {class_names[1]!r}."
        notes.append(Notice("second_class", text, "information"))
    return OutputNames(names, notes)


def _fit_names(count: int, names: tuple[str, ...]) -> tuple[str, ...] | None:
    """The names of `count` outputs; a model of two classes with one score gives that of the second. None if they do not fit."""
    if len(names) == count:
        return names
    return names[1:] if count == 1 and len(names) == 2 else None


def _compare_with_classes(class_names: tuple[str, ...], classes: tuple[str, ...]) -> list[Notice]:
    """Hold the user's names against the classes that a model was fitted to, which are as many.

    Raises
    ------
    ArgumentError
        If the name of one class is given to another.
    """
    given, own = [list(map(_normalise, names)) for names in (class_names, classes)]
    codes = [str(float(number)) for number in range(len(classes))]
    is_coded = own == codes  # numbers that only stand for the user's names; False and True count as such
    strays = [name for name, meant, actual in zip(class_names, given, own, strict=True) if meant != actual and meant in own]
    if strays and (not is_coded or sorted(given) == sorted(own)):
        raise ArgumentError(
            f"class_names must be in the order of the model's classes, {list_names(classes)}; got {list_names(class_names)}. "
            "Leave class_names out to have the model's own names."
        )
    renamed = [
        f"{actual_name!r} is called {name!r}"
        for name, actual_name, meant, actual in zip(class_names, classes, given, own, strict=True)
        if meant != actual
    ]
    if not renamed or (is_coded and not strays):
        return []
    are_numbers = all(map(_is_number, own))
    listed = ", ".join(renamed[:_MOST_NAMES]) + ", ..." * (len(renamed) > _MOST_NAMES)
    text = f"The model's classes have other names than class_names: {listed}. Check that the order is right."
    return [Notice("renamed_classes", text, "information" if are_numbers else "caution")]


def _normalise(name: str) -> str:
    """The same text for names that mean the same: cases, blanks at the ends, and ways to write a number do not count."""
    text = name.strip().casefold()
    return str(_TRUTH_VALUES.get(text, float(text) if _is_number(text) else text))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
