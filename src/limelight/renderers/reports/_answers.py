"""What the model said of each of many instances, and what would have been true, read without making an `Explanation`."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from limelight._errors import ArgumentError, ArgumentTypeError
from limelight.collection.arrow import unescape
from limelight.collection.explanations import Explanations
from limelight.collection.weights import ALL_LABELS, LABEL_COLUMNS, select_surrogates
from limelight.renderers._summary import number, output_name

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Answer", "Answers", "read_answers", "read_truths"]

_SURROGATE = "surrogates.list.element"
_READ = (*LABEL_COLUMNS, "output_kind", "predictions", f"{_SURROGATE}.fidelity", f"{_SURROGATE}.weights.list.element.weight")


class Answer(NamedTuple):
    """What the model said of an instance, and how far the surrogate follows it.

    Attributes
    ----------
    names : tuple of str
        The outputs', as they are stored.
    kind : str
        What the outputs are.
    output : int
        The highest of probabilities, elsewhere the output that is explained by default.
    value : float
        Its value.
    fidelity : float
        Of the surrogate of the default label.
    """

    names: tuple[str, ...]
    kind: str
    output: int
    value: float
    fidelity: float

    @property
    def name(self) -> str:
        """The output, as pages call it."""
        return output_name(self.names, self.output, self.kind)

    def has(self, label: int, name: str) -> bool:
        """Whether there is an output of this number, and pages call it so."""
        return label < len(self.names) and output_name(self.names, label, self.kind) == name

    @property
    def is_class(self) -> bool:
        """Whether the output is the class that the model chose."""
        return self.kind == "probabilities"

    def is_wrong(self, truth: str | None) -> bool:
        """Whether the model chose another class than the true one; what is no class, or not known, is not wrong."""
        return self.is_class and truth not in (None, self.name)


@dataclass(frozen=True)
class Answers:
    """Of many instances: for each its answer, None where there is no explanation, and how often each label was explained."""

    of_each: tuple[Answer | None, ...]
    labels: Counter[tuple[int, str]]


def read_answers(explanations: Explanations) -> Answers:
    """What the model said of each instance.

    Raises
    ------
    ArgumentError
        If the stored explanations are incomplete.
    """
    of_each: list[Answer | None] = []
    labels: Counter[tuple[int, str]] = Counter()
    for table in explanations.tables(_READ):
        answers = _answers(table)
        of_each += answers
        selection = select_surrogates(table, ALL_LABELS)
        for label, row in zip(selection.surrogates.field("label").to_pylist(), selection.rows.tolist(), strict=True):
            answer = answers[row]
            if answer is None or not 0 <= label < len(answer.names):
                raise ArgumentError("the stored explanations are incomplete: an explained label has no output.")
            labels[label, output_name(answer.names, label, answer.kind)] += 1
    return Answers(tuple(of_each), labels)


def _answers(table: pa.Table) -> list[Answer | None]:
    selection = select_surrogates(table, None)
    fidelities = np.full(table.num_rows, math.nan)
    fidelities[selection.rows] = selection.surrogates.field("fidelity").to_numpy()
    predictions = table["predictions"].combine_chunks()
    values, bounds = predictions.flatten().to_numpy(), _bounds(predictions)
    columns = (_output_names(table), table["output_kind"].to_pylist(), table["default_label"].to_pylist(), fidelities.tolist())
    answers: list[Answer | None] = []
    for (start, stop), names, kind, label, fidelity in zip(pairwise(bounds), *columns, strict=True):
        if kind is None:
            answers.append(None)
            continue
        if not 0 <= label < len(names) == stop - start:
            raise ArgumentError("the stored explanations are incomplete: their outputs do not match.")
        own_values = np.where(np.isnan(values[start:stop]), -math.inf, values[start:stop])
        output = int(np.argmax(own_values)) if kind == "probabilities" else label
        answers.append(Answer(names, kind, output, float(values[start + output]), fidelity))
    return answers


def _output_names(table: pa.Table) -> list[tuple[str, ...]]:
    """The names of each row's outputs; one tuple for all rows that have the same."""
    lists = table["output_names"].combine_chunks()
    encoded = lists.flatten().dictionary_encode()
    words, numbers = list(map(unescape, encoded.dictionary.to_pylist())), encoded.indices.to_numpy()
    known: dict[bytes, tuple[str, ...]] = {}
    names = []
    for start, stop in pairwise(_bounds(lists)):
        own = numbers[start:stop]
        key = own.tobytes()
        if key not in known:
            known[key] = tuple(words[i] for i in own)
        names.append(known[key])
    return names


def _bounds(lists: pa.ListArray) -> list[int]:
    """Where each list begins among the values of all, and where the last one ends."""
    bounds: list[int] = np.cumsum([0, *lists.value_lengths().fill_null(0).to_numpy()]).tolist()
    return bounds


def read_truths(labels: Any, answers: Sequence[Answer | None]) -> list[str | None]:
    """For each instance its true label, as pages call the outputs; None where it is missing.

    Parameters
    ----------
    labels : sequence of str, int or float, optional
        For each instance the name or the number of its class, or what the model should have said.
    answers : sequence of Answer, optional
        What it did say.

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
    given = [None if _is_missing(label) else label for label in plain]
    # In the order in which they are met, so that nothing hangs on the order of a set.
    classes = {answer.names: _numbers(answer.names) for answer in answers if answer is not None and answer.is_class}
    if not classes:
        return [None if label is None else _as_text(label) for label in given]
    by_name = all(
        isinstance(label, str) or any(_find(label, numbers) is not None for numbers in classes.values())
        for label in given
        if label is not None
    )

    def truth(label: Any, answer: Answer | None) -> str | None:
        if label is None:
            return None
        if answer is not None and not answer.is_class:
            return _as_text(label)
        if answer is not None:
            names = answer.names
        else:  # what its classes are called is not known: as elsewhere
            known = (own for own, numbers in classes.items() if _find(label, numbers) is not None)
            names = next(known, next(iter(classes)))
        return output_name(names, _class_number(label, names, classes[names] if by_name else {}), "probabilities")

    return list(map(truth, given, answers))


def _numbers(names: Sequence[str]) -> dict[str, int]:
    """The number of each class by its name, as it is and as `_whole` writes it; of two with the same one, the first."""
    each = [*enumerate(names)][::-1]
    return {_whole(name): number for number, name in each} | {name: number for number, name in each}


def _is_missing(label: object) -> bool:
    return not isinstance(label, str) and str(label) in ("None", "nan", "NaT", "<NA>")


def _whole(name: str) -> str:
    """A name, without a point where it is a whole number: in a column with missing ones these are doubles."""
    return name.removesuffix(".0") if re.fullmatch(r"-?\d+\.0", name) else name


def _find(label: object, numbers: dict[str, int]) -> int | None:
    name = str(label)
    return numbers[name] if name in numbers else numbers.get(_whole(name))


def _as_text(label: object) -> str:
    return number(label) if isinstance(label, float) else str(label)


def _class_number(label: Any, names: tuple[str, ...], numbers: dict[str, int]) -> int:
    """The number of the class of this name or number.

    Raises
    ------
    ArgumentError
        If there is no such class.
    """
    if (found := _find(label, numbers)) is not None:
        return found
    if isinstance(label, (int, float)) and float(label).is_integer() and 0 <= label < len(names):
        return int(label)
    raise ArgumentError(
        f"labels must be the names or the numbers of the model's outputs; got {label!r:.80}, the outputs are {names!r:.200}."
    )
