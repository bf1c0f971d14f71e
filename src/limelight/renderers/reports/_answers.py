"""The model's answers for many instances, read without making an `Explanation`."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from limelight.collection.arrow import unescape
from limelight.collection.explanations import Explanations
from limelight.collection.weights import ALL_LABELS, LABEL_COLUMNS, select_surrogates
from limelight.exceptions import ArgumentError
from limelight.renderers._summary import name_output

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Answer", "Answers", "read_answers"]

_SURROGATE = "surrogates.list.element"
_FIDELITY = ("fidelity", "fidelity_error")
_READ = (
    *LABEL_COLUMNS,
    "output_kind",
    "predictions",
    *(f"{_SURROGATE}.{name}" for name in (*_FIDELITY, "weights.list.element.weight")),
)


class Answer(NamedTuple):
    """The model's answer for an instance, and how far the surrogate follows it.

    Attributes
    ----------
    names : tuple of str
        The names of the outputs, as they are stored.
    kind : str
        The kind of the outputs, such as "probabilities".
    output : int
        The number of the most probable class; for other outputs, of the one that is explained by default.
    value : float
        The value of that output.
    fidelity : float
        The fidelity of the default label's surrogate.
    fidelity_error : float
        Its standard error.
    """

    names: tuple[str, ...]
    kind: str
    output: int
    value: float
    fidelity: float
    fidelity_error: float

    @property
    def name(self) -> str:
        """The name of the output on pages."""
        return name_output(self.names, self.output, self.kind)

    def has(self, label: int, name: str) -> bool:
        """Whether the output of this number has this name on pages."""
        return label < len(self.names) and name_output(self.names, label, self.kind) == name

    @property
    def is_class(self) -> bool:
        """Whether the output is the class that the model chose."""
        return self.kind == "probabilities"

    def is_wrong(self, truth: str | None) -> bool:
        """Whether the model chose another class than the true one; a score, or an unknown truth, is never wrong."""
        return self.is_class and truth not in (None, self.name)


@dataclass(frozen=True)
class Answers:
    """The model's answers for many instances.

    Attributes
    ----------
    of_each : tuple of Answer or None
        The answer for each instance; None if it has no explanation.
    labels : Counter of (int, str)
        How often each label was explained, by its number and its name on pages.
    """

    of_each: tuple[Answer | None, ...]
    labels: Counter[tuple[int, str]]


def read_answers(explanations: Explanations) -> Answers:
    """Read the model's answer for each instance.

    Raises
    ------
    ArgumentError
        If the stored explanations are incomplete.
    """
    of_each: list[Answer | None] = []
    labels: Counter[tuple[int, str]] = Counter()
    for table in explanations.tables(_READ):
        answers = _read_table(table)
        of_each += answers
        explained = select_surrogates(table, ALL_LABELS)
        for label, owner in zip(explained.surrogates.field("label").to_pylist(), explained.rows.tolist(), strict=True):
            answer = answers[owner]
            if answer is None or not 0 <= label < len(answer.names):
                raise ArgumentError("the stored explanations are incomplete: an explained label has no output.")
            labels[label, name_output(answer.names, label, answer.kind)] += 1
    return Answers(tuple(of_each), labels)


def _read_table(table: pa.Table) -> list[Answer | None]:
    defaults = select_surrogates(table, None)
    fidelities = np.full((table.num_rows, 2), math.nan)
    for place, name in enumerate(_FIDELITY):
        fidelities[defaults.rows, place] = defaults.surrogates.field(name).to_numpy()
    predictions = table["predictions"].combine_chunks()
    values, bounds = predictions.flatten().to_numpy(), _find_bounds(predictions)
    columns = (
        _read_output_names(table),
        table["output_kind"].to_pylist(),
        table["default_label"].to_pylist(),
        fidelities.tolist(),
    )
    answers: list[Answer | None] = []
    for (start, stop), names, kind, label, fidelity in zip(pairwise(bounds), *columns, strict=True):
        if kind is None:
            answers.append(None)
            continue
        if not 0 <= label < len(names) == stop - start:
            raise ArgumentError("the stored explanations are incomplete: their outputs do not match.")
        ranked = np.where(np.isnan(values[start:stop]), -math.inf, values[start:stop])
        output = int(np.argmax(ranked)) if kind == "probabilities" else label
        answers.append(Answer(names, kind, output, float(values[start + output]), *fidelity))
    return answers


def _read_output_names(table: pa.Table) -> list[tuple[str, ...]]:
    """The names of each row's outputs; rows with the same names share one tuple."""
    lists = table["output_names"].combine_chunks()
    encoded = lists.flatten().dictionary_encode()
    words, numbers = list(map(unescape, encoded.dictionary.to_pylist())), encoded.indices.to_numpy()
    tuples: dict[bytes, tuple[str, ...]] = {}
    names = []
    for start, stop in pairwise(_find_bounds(lists)):
        row = numbers[start:stop]
        key = row.tobytes()
        if key not in tuples:
            tuples[key] = tuple(words[i] for i in row)
        names.append(tuples[key])
    return names


def _find_bounds(lists: pa.ListArray) -> list[int]:
    """The position among all values where each list begins, and where the last one ends."""
    bounds: list[int] = np.cumsum([0, *lists.value_lengths().fill_null(0).to_numpy()]).tolist()
    return bounds
