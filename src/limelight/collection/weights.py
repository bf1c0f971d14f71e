"""The reported weights of many explanations as flat columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from limelight._checks import check_choice
from limelight._errors import ArgumentError, ArgumentTypeError, LabelError
from limelight.collection.arrow import arrow, escape, unescape

if TYPE_CHECKING:
    import pyarrow as pa
    from scipy import sparse

__all__ = ["ALL", "COLUMNS", "Chosen", "Features", "Tables", "Weights", "chosen", "not_explained", "read_weights"]

ALL = "all"
_SURROGATE = "surrogates.list.element"
_WEIGHT = f"{_SURROGATE}.weights.list.element"
COLUMNS = ("default_label", "output_names", f"{_SURROGATE}.label")


class Tables(Protocol):
    """What has explanations as Arrow tables."""

    def __len__(self) -> int: ...

    def tables(self, columns: Iterable[str] | None = None) -> Iterable[pa.Table]: ...


class Weights(NamedTuple):
    """Reported weights, one after the other, in the explanations' order.

    Attributes
    ----------
    rows : ndarray of int32
        For each weight, which explanation reports it.
    columns : ndarray of int32
        For each weight, which feature it is of.
    weights : ndarray of float
        In units of the model's output.
    half_widths : ndarray of float
        How far their intervals reach.
    features : tuple of str
        The features that are reported, sorted.
    explained : ndarray of bool
        For each explanation, whether the label was explained.
    """

    rows: np.ndarray
    columns: np.ndarray
    weights: np.ndarray
    half_widths: np.ndarray
    features: tuple[str, ...]
    explained: np.ndarray

    def matrix(self, values: np.ndarray) -> sparse.csr_array:
        """Values, one for each weight, as a matrix (explanations, features); those of one place are added up."""
        from scipy import sparse

        shape = (len(self.explained), len(self.features))
        return sparse.csr_array((values, (self.rows, self.columns)), shape=shape)


def read_weights(explanations: Tables, label: int | str | None, by: str) -> Weights:
    """The weights of one label, or of all.

    Parameters
    ----------
    explanations : Explanations
        Of many instances; what failed counts as not explained.
    label : int, str or None
        An output's number or name; "all" for every explained label; None for each explanation's default label.
    by : {"feature", "name"}
        What a weight is of: the component's column, or its name.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If `by` or `label` are something else.
    LabelError
        If no explanation has that label.
    """
    features = Features(by)
    parts = []
    start = 0
    for table in explanations.tables([*COLUMNS, *features.columns, f"{_WEIGHT}.high"]):
        own = chosen(table, label)
        explained = np.zeros(table.num_rows, dtype=bool)
        explained[own.owners] = True
        rows = own.owners[own.places] + np.int32(start)
        weights, highs = (own.weights.field(name).to_numpy() for name in ("weight", "high"))
        with np.errstate(invalid="ignore"):  # what is not finite has no interval
            parts.append((rows, features.encode(own.weights), weights, highs - weights, explained))
        start += table.num_rows
    if not any(explained.any() for *_, explained in parts):
        raise not_explained(explanations, label)
    rows, columns, weights, half_widths, explained = map(np.concatenate, zip(*parts, strict=True))
    names, places = features.by_name()
    return Weights(rows, places[columns], weights, half_widths, names, explained)


class Features:
    """Numbers for features, in the order in which they are met."""

    def __init__(self, by: str) -> None:
        self._by = check_choice("by", by, ("feature", "name"))
        self._numbers: dict[str, int] = {}
        self.columns = (f"{_WEIGHT}.{by}", f"{_WEIGHT}.weight")

    def encode(self, weights: pa.StructArray) -> np.ndarray:
        """The number of each weight's feature, int32."""
        encoded = weights.field(self._by).dictionary_encode()
        known = [self._numbers.setdefault(name, len(self._numbers)) for name in encoded.dictionary.to_pylist()]
        numbers: np.ndarray = np.array(known, dtype=np.int32)[encoded.indices.to_numpy()]
        return numbers

    def by_name(self) -> tuple[tuple[str, ...], np.ndarray]:
        """The features by name, and for each number its place among them."""
        names = [unescape(name) for name in self._numbers]
        order = np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.int32)
        places = np.empty_like(order)
        places[order] = np.arange(len(order), dtype=np.int32)
        return tuple(names[i] for i in order), places


class Chosen(NamedTuple):
    """The surrogates of a label, and their weights, in a table's order.

    Attributes
    ----------
    surrogates : pyarrow.StructArray
        One after the other.
    owners : ndarray of int32
        For each, its row of the table.
    weights : pyarrow.StructArray
        All of their weights.
    places : ndarray of int32
        For each weight, which of `surrogates` it belongs to.
    """

    surrogates: pa.StructArray
    owners: np.ndarray
    weights: pa.StructArray
    places: np.ndarray

    def of_label(self, column: pa.ChunkedArray) -> pa.Array:
        """Of the table's column with something for each output, what it has for each surrogate's label.

        Raises
        ------
        ArgumentError
            If a label is of no output.
        """
        lists = column.combine_chunks()
        lengths = lists.value_lengths().fill_null(0).to_numpy()
        labels = self.surrogates.field("label").to_numpy()
        if np.any((labels < 0) | (labels >= lengths[self.owners])):
            raise ArgumentError("what was stored are not whole explanations: a label is the number of no output.")
        starts = np.cumsum(lengths) - lengths
        return lists.flatten().take(arrow().array(starts[self.owners] + labels))


def chosen(table: pa.Table, label: int | str | None) -> Chosen:
    """The surrogates of a label (see `read_weights`) in a table that has `COLUMNS`.

    Raises
    ------
    ArgumentTypeError
        If the label is none.
    """
    if not isinstance(label, (int, np.integer, str, type(None))) or isinstance(label, bool):
        raise ArgumentTypeError(f"label must be an output's number or name, {ALL!r} or None; got {label!r}.")
    column = table["surrogates"].combine_chunks()
    surrogates, owners = column.flatten(), _owners(column)
    if label != ALL:
        kept = surrogates.field("label").to_numpy() == _wanted(table, label)[owners]
        surrogates, owners = surrogates.filter(arrow().array(kept)), owners[kept]
    weights = surrogates.field("weights")
    return Chosen(surrogates, owners, weights.flatten(), _owners(weights))


def _owners(lists: pa.ListArray) -> np.ndarray:
    """For each value in some lists, which list it is in."""
    lengths: np.ndarray = lists.value_lengths().fill_null(0).to_numpy()
    return np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)


def _wanted(table: pa.Table, label: int | str | None) -> np.ndarray:
    """For each row, the number of the label that is meant; -1 where it has none."""
    if label is None:
        defaults: np.ndarray = table["default_label"].fill_null(-1).to_numpy()
        return defaults
    if not isinstance(label, str):
        return np.full(table.num_rows, label)
    names = table["output_names"].combine_chunks()
    owners = _owners(names)
    numbers = np.arange(len(owners)) - np.searchsorted(owners, owners)
    alike = names.flatten().to_numpy(zero_copy_only=False) == escape(label)
    found = np.flatnonzero(alike)[::-1]  # so that the first one counts
    wanted = np.full(table.num_rows, -1)
    wanted[owners[found]] = numbers[found]
    return wanted


def not_explained(explanations: Tables, label: int | str | None) -> LabelError:
    known: set[tuple[int, str]] = set()
    for table in explanations.tables(["default_label", "output_names", f"{_SURROGATE}.label", f"{_SURROGATE}.weights"]):
        own = chosen(table, ALL)
        known |= set(
            zip(own.surrogates.field("label").to_pylist(), own.of_label(table["output_names"]).to_pylist(), strict=True)
        )
    if not known:
        return LabelError("there is no explanation, so no label was explained.")
    explained = ", ".join(f"{number} ({unescape(name)})" for number, name in sorted(known)[:20])
    return LabelError(f"label {label!r} was not explained for any instance; explained: {explained}.")
