"""The reported weights of many explanations as flat columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from limelight._checks import UNITS, check_choice, list_outputs
from limelight.collection.arrow import arrow, escape, unescape
from limelight.exceptions import ArgumentError, ArgumentTypeError, LabelError

if TYPE_CHECKING:
    import pyarrow as pa
    from scipy import sparse

__all__ = [
    "ALL_LABELS",
    "LABEL_COLUMNS",
    "FeatureNumbers",
    "LabelSurrogates",
    "TableSource",
    "Weights",
    "check_meaning",
    "label_error",
    "read_weights",
    "select_surrogates",
]

ALL_LABELS = "all"
_SURROGATE = "surrogates.list.element"
_WEIGHT = f"{_SURROGATE}.weights.list.element"
LABEL_COLUMNS = ("default_label", "output_names", f"{_SURROGATE}.label")
"""What `select_surrogates` needs of a table."""


class TableSource(Protocol):
    """Explanations that are stored as Arrow tables."""

    def tables(self, columns: Iterable[str] | None = None) -> Iterable[pa.Table]: ...


class Weights(NamedTuple):
    """The m reported weights of n explanations, one after the other, in the explanations' order.

    Attributes
    ----------
    rows : ndarray of shape (m,), int32
        The number of the explanation that reports each weight.
    columns : ndarray of shape (m,), int32
        The number of each weight's feature.
    weights : ndarray of shape (m,), float
        In units of the model's output.
    half_widths : ndarray of shape (m,), float
        Half the width of each weight's interval.
    features : tuple of str
        The features that are reported, sorted.
    explained : ndarray of shape (n,), bool
        Whether each explanation has the label.
    """

    rows: np.ndarray
    columns: np.ndarray
    weights: np.ndarray
    half_widths: np.ndarray
    features: tuple[str, ...]
    explained: np.ndarray

    def matrix(self, values: np.ndarray) -> sparse.csr_array:
        """Arrange values of shape (m,), one for each weight, by explanation and feature; values in one place are added up."""
        from scipy import sparse

        shape = (len(self.explained), len(self.features))
        return sparse.csr_array((values, (self.rows, self.columns)), shape=shape)


def read_weights(explanations: TableSource, label: int | str | None, by: str) -> Weights:
    """Read the weights of one label, or of all.

    Parameters
    ----------
    explanations : Explanations
        Of many instances; a failure counts as not explained.
    label : int, str or None
        An output's number or name; "all" for every explained label; None for each explanation's default label.
    by : {"feature", "name"}
        What a weight belongs to: the component's column, or its name.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If `by` or `label` is not allowed.
    LabelError
        If no explanation has that label.
    """
    numbers = FeatureNumbers(by)
    parts = []
    start = 0
    for table in explanations.tables([*LABEL_COLUMNS, *numbers.columns, f"{_WEIGHT}.high"]):
        check_meaning(table, label)
        selection = select_surrogates(table, label)
        explained = np.zeros(table.num_rows, dtype=bool)
        explained[selection.rows] = True
        rows = selection.rows[selection.owners] + np.int32(start)
        weights, highs = (selection.weights.field(name).to_numpy() for name in ("weight", "high"))
        with np.errstate(invalid="ignore"):  # a weight that is not finite has no interval
            parts.append((rows, numbers.encode(selection.weights), weights, highs - weights, explained))
        start += table.num_rows
    if not any(explained.any() for *_, explained in parts):
        raise label_error(explanations, label)
    rows, columns, weights, half_widths, explained = map(np.concatenate, zip(*parts, strict=True))
    features, places = numbers.sorted_features()
    return Weights(rows, places[columns], weights, half_widths, features, explained)


class FeatureNumbers:
    """Numbers for features, in the order in which they first occur.

    Parameters
    ----------
    by : {"feature", "name"}
        What counts as a feature: a component's column, or its name.
    """

    def __init__(self, by: str) -> None:
        self._by = check_choice("by", by, ("feature", "name"))
        self._numbers: dict[str, int] = {}
        self.columns = (f"{_WEIGHT}.{by}", f"{_WEIGHT}.weight")

    def encode(self, weights: pa.StructArray) -> np.ndarray:
        """The number of each weight's feature; int32, of shape (m,) for m weights."""
        encoded = weights.field(self._by).dictionary_encode()
        features = [self._numbers.setdefault(name, len(self._numbers)) for name in encoded.dictionary.to_pylist()]
        numbers: np.ndarray = np.array(features, dtype=np.int32)[encoded.indices.to_numpy()]
        return numbers

    def sorted_features(self) -> tuple[tuple[str, ...], np.ndarray]:
        """The features, sorted, and for each number its feature's place among them."""
        names = [unescape(name) for name in self._numbers]
        order = np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.int32)
        places = np.empty_like(order)
        places[order] = np.arange(len(order), dtype=np.int32)
        return tuple(names[i] for i in order), places


class LabelSurrogates(NamedTuple):
    """The k surrogates of a label in a table, and their m weights, in the table's order.

    Attributes
    ----------
    surrogates : pyarrow.StructArray
        The k surrogates.
    rows : ndarray of shape (k,), int32
        The row of the table that each of them is in.
    weights : pyarrow.StructArray
        The m weights of all of them.
    owners : ndarray of shape (m,), int32
        The number of the surrogate that each weight belongs to.
    """

    surrogates: pa.StructArray
    rows: np.ndarray
    weights: pa.StructArray
    owners: np.ndarray

    def pick_output(self, column: pa.ChunkedArray) -> pa.Array:
        """From a column with an entry for each output, take the entry for each surrogate's label.

        Raises
        ------
        ArgumentError
            If a label is not an output's number.
        """
        lists = column.combine_chunks()
        lengths = lists.value_lengths().fill_null(0).to_numpy()
        labels = self.surrogates.field("label").to_numpy()
        if np.any((labels < 0) | (labels >= lengths[self.rows])):
            raise ArgumentError("the stored explanations are incomplete: an explained label has no output.")
        starts = np.cumsum(lengths) - lengths
        return lists.flatten().take(arrow().array(starts[self.rows] + labels))


def select_surrogates(table: pa.Table, label: int | str | None) -> LabelSurrogates:
    """Select the surrogates of a label (see `read_weights`) from a table that has `LABEL_COLUMNS`.

    Raises
    ------
    ArgumentTypeError
        If the label is neither a number nor a name nor None.
    """
    if not isinstance(label, (int, np.integer, str, type(None))) or isinstance(label, bool):
        raise ArgumentTypeError(f"label must be an output's number or name, {ALL_LABELS!r} or None; got {label!r}.")
    column = table["surrogates"].combine_chunks()
    surrogates, rows = column.flatten(), _list_numbers(column)
    if label != ALL_LABELS:
        is_selected = surrogates.field("label").to_numpy() == _label_numbers(table, label)[rows]
        surrogates, rows = surrogates.filter(arrow().array(is_selected)), rows[is_selected]
    weights = surrogates.field("weights")
    return LabelSurrogates(surrogates, rows, weights.flatten(), _list_numbers(weights))


def check_meaning(table: pa.Table, label: int | str | None) -> None:
    """Refuse "all" as a user's label where an output has that name.

    Raises
    ------
    LabelError
        If it could mean either.
    """
    if label == ALL_LABELS and ALL_LABELS in table["output_names"].combine_chunks().flatten().unique().to_pylist():
        raise LabelError(
            f"label {ALL_LABELS!r} means every explained label, and here it is the name of an output as well: give that "
            "output's number."
        )


def _list_numbers(lists: pa.ListArray) -> np.ndarray:
    """For each value in some lists, the number of its list; int32."""
    lengths: np.ndarray = lists.value_lengths().fill_null(0).to_numpy()
    return np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)


def _label_numbers(table: pa.Table, label: int | str | None) -> np.ndarray:
    """For each row of a table, the number of the label that is meant; -1 where the row has none."""
    if label is None:
        defaults: np.ndarray = table["default_label"].fill_null(-1).to_numpy()
        return defaults
    if not isinstance(label, str):
        return np.full(table.num_rows, label)
    names = table["output_names"].combine_chunks()
    rows = _list_numbers(names)
    outputs = np.arange(len(rows)) - np.searchsorted(rows, rows)
    texts = names.flatten().to_numpy(zero_copy_only=False)
    numbers = np.full(table.num_rows, -1)
    # Where log-odds or logarithms are explained, the name may be that of the output itself.
    for name in (*(unit + label for unit in UNITS), label):
        matches = np.flatnonzero(texts == escape(name))
        if len(np.unique(rows[matches])) < len(matches):
            raise LabelError(f"label {label!r} is the name of several outputs of an explanation: give a number.")
        numbers[rows[matches]] = outputs[matches]
    return numbers


def label_error(explanations: TableSource, label: int | str | None) -> LabelError:
    """The error for a label that no explanation has; it lists those that were explained."""
    explained: set[tuple[int, str]] = set()
    for table in explanations.tables([*LABEL_COLUMNS, f"{_SURROGATE}.weights"]):
        selection = select_surrogates(table, ALL_LABELS)
        names = selection.pick_output(table["output_names"]).to_pylist()
        explained |= set(zip(selection.surrogates.field("label").to_pylist(), names, strict=True))
    if not explained:
        return LabelError("there is no explanation, so no label was explained.")
    labels = list_outputs((number, unescape(name)) for number, name in sorted(explained))
    return LabelError(f"label {label!r} was not explained for any instance; explained: {labels}.")
