"""What the user says about columns, checked, and each column's feature made by these rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from limelight._checks import check_choice, check_flag, check_names, check_numbers
from limelight.exceptions import ArgumentError, ArgumentTypeError, read_message
from limelight.modalities.tables._added_values import Column, WithMissing
from limelight.modalities.tables._bin_names import BinNames, name_bins
from limelight.modalities.tables._binned import Binned
from limelight.modalities.tables._columns import LARGEST_VALUE, Categorical, PresentColumn, Unbinned
from limelight.modalities.tables._discretize import checked_discretizer
from limelight.modalities.tables._encoding import Encoding
from limelight.modalities.tables._features import Feature, present_part
from limelight.modalities.tables._missing_values import kinds_of
from limelight.modalities.tables._training_data import TrainingData

__all__ = ["FeatureRules", "SparseFeatures"]

KINDS = ("numeric", "integer", "categorical", "text")


class FeatureRules:
    """What the user says about columns, checked once; from it each column's feature is made.

    Parameters
    ----------
    encoding : Encoding
        The columns' names and what they hold.
    num_rows : int
        How many training rows there are.
    training_labels, kinds, categorical_features, categorical_names, discretizer, discretize_continuous
        As the explainer's.
    draws_missing : bool
        Whether perturbed rows may miss values in columns where no training row does.
    draws_around : bool
        Whether values are drawn around the instance's own.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If one of them is not allowed.
    """

    def __init__(
        self,
        encoding: Encoding,
        num_rows: int,
        *,
        training_labels: Any,
        kinds: Any,
        categorical_features: Any,
        categorical_names: Any,
        discretizer: Any,
        discretize_continuous: Any,
        draws_missing: bool,
        draws_around: bool,
    ) -> None:
        self._encoding = encoding
        self._kind_of = _checked_kinds(kinds, categorical_features, encoding)
        self._categories_of = _checked_categories(categorical_names, encoding)
        self._discretizer = checked_discretizer(discretizer, encoding)
        self._labels = None if training_labels is None else _checked_labels(training_labels, num_rows)
        self._has_bins = check_flag("discretize_continuous", discretize_continuous)
        self._draws_missing = draws_missing
        self._draws_others = draws_missing or draws_around

    def features(self, data: TrainingData) -> list[Feature] | SparseFeatures:
        """The features of all columns of training data."""
        if data.laws is not None:
            return [self._feature_of_law(number, law) for number, law in enumerate(data.laws)]
        if hasattr(data.rows, "indptr"):
            return SparseFeatures(self, data.rows)
        return [self.feature(number, values) for number, values in enumerate(data.rows.T)]

    def feature(self, number: int, values: np.ndarray) -> Feature:
        """The feature of the column with this number and these training values, of shape (n,)."""
        is_present = ~np.isnan(values)
        present = self._present_column(number, values[is_present], is_present)
        column: Column = present
        if not is_present.all():
            counts = np.bincount(kinds_of(values[~is_present]), minlength=self._num_missing(number))
            column = WithMissing(present, 1 - is_present.mean(), tuple((counts / counts.sum()).tolist()))
        return self._named(number, column, values[is_present])

    def _feature_of_law(self, number: int, column: Column) -> Feature:
        """The feature of the column with this number, whose law statistics say.

        Raises
        ------
        ArgumentError
            If the user says that the column is of another kind.
        """
        present, kind = present_part(column), self._kind_of.get(number)
        if kind is not None and (kind == "categorical") is not isinstance(present, Categorical):
            has = "no bins" if isinstance(present, Categorical) else "bins"
            raise ArgumentError(
                f"column {self._encoding.names[number]!r} has {has} in training_data_stats; it cannot be {kind}."
            )
        if kind == "integer" and isinstance(present, Binned):
            present = replace(present, is_whole=True)
        return self._named(number, replace(column, present=present) if isinstance(column, WithMissing) else present)

    def _present_column(self, number: int, values: np.ndarray, is_present: np.ndarray) -> PresentColumn:
        """The law of a column from its training values that are present; `is_present`, of shape (n,), says which are."""
        field, kind = self._encoding.fields[number], self._kind_of.get(number)
        if kind == "categorical" or field.is_categorical or not len(values):
            return Categorical.of(values)
        _check_numeric(self._encoding.names[number], values, kind)
        is_whole = field.is_whole or kind == "integer"  # a type of whole numbers holds no others
        if not self._has_bins and values.min() == values.max():
            return Categorical.of(values)  # there is no slope, and a row's other value, or a missing one, is one more state
        if not self._has_bins:
            return Unbinned.of(values, is_whole=is_whole)
        edges = self._discretizer(number, values, None if self._labels is None else self._labels[is_present])
        return Binned.of(values, _checked_edges(edges, self._encoding.names[number]), is_whole=is_whole)

    def _num_missing(self, number: int) -> int:
        """How many missing values the column with this number tells apart."""
        return max(1, len(self._encoding.fields[number].missing))

    def _named(self, number: int, column: Column, training: np.ndarray | None = None) -> Feature:
        """The feature of a column, with the names of its categories or bins.

        `training`, of shape (n,), are its training values that are present.
        """
        name, present = self._encoding.names[number], present_part(column)
        categories = self._categories_of.get(number, ())
        if categories:
            _check_categories_suffice(name, categories, present)
        field, bins = self._encoding.fields[number], BinNames()
        if isinstance(present, Binned):
            write_value = Feature(name, column, categories, bins).format_value
            bins = name_bins(name, field, present, training, partial(write_value, field), is_open=self._draws_others)
        if self._draws_missing and not isinstance(column, WithMissing):
            num_missing = self._num_missing(number)
            column = WithMissing(present, 0.0, (1 / num_missing,) * num_missing)
        return Feature(name, column, categories, bins)


class SparseFeatures(dict[int, Feature]):
    """Features of a table that is too wide to look at every column: each is made when it is first asked for."""

    def __init__(self, rules: FeatureRules, training: Any) -> None:
        super().__init__()
        self._rules = rules
        self._training = training  # stored by column

    def __missing__(self, number: int) -> Feature:
        entries = slice(*self._training.indptr[number : number + 2])
        values = np.zeros(self._training.shape[0])
        values[self._training.indices[entries]] = self._training.data[entries]
        feature = self._rules.feature(number, values)
        self[number] = feature
        return feature

    def __reduce__(self) -> tuple[Any, ...]:
        return SparseFeatures, (self._rules, self._training)


def _checked_kinds(kinds: Any, categorical_features: Any, encoding: Encoding) -> dict[int, str]:
    """The kind of each column whose kind the user says, in `kinds` or in `categorical_features`."""
    if not isinstance(kinds, (Mapping, type(None))):
        raise ArgumentTypeError(f"kinds must be a mapping from columns to kinds; got {kinds!r}.")
    kind_of = {}
    for number, (feature, kind) in encoding.by_column("kinds", kinds or {}).items():
        kind_of[number] = check_choice(f"kinds[{feature!r}]", kind, KINDS)
        if kind not in ("categorical", "text") and encoding.fields[number].is_categorical:
            raise ArgumentError(f"kinds[{feature!r}] must be 'categorical': the column holds no numbers; got {kind!r}.")
    for feature in _checked_features(categorical_features):
        for number in encoding.require_columns("categorical_features", feature):
            kind = kind_of.setdefault(number, "categorical")
            if kind != "categorical":
                name = encoding.names[number]
                raise ArgumentError(f"column {name!r} is in categorical_features; kinds says {kind!r}.")
    return kind_of


def _checked_features(categorical_features: Any) -> Iterable[int | str]:
    if isinstance(categorical_features, (str, bytes)) or not isinstance(categorical_features, (Iterable, type(None))):
        raise ArgumentTypeError(
            f"categorical_features must be a sequence of column numbers or names; got {categorical_features!r}."
        )
    return () if categorical_features is None else categorical_features


def _checked_categories(categorical_names: Any, encoding: Encoding) -> dict[int, tuple[str, ...]]:
    """For each column whose categories the user names, the names in the order of the codes."""
    if not isinstance(categorical_names, (Mapping, type(None))):
        raise ArgumentTypeError(f"categorical_names must be a mapping from columns to names; got {categorical_names!r}.")
    categories_of = {}
    for number, (feature, names) in encoding.by_column("categorical_names", categorical_names or {}).items():
        categories_of[number] = check_names(f"categorical_names[{feature!r}]", names)
    for number in categories_of:
        if encoding.fields[number].is_categorical:
            name = encoding.names[number]
            raise ArgumentError(f"categorical_names must leave out column {name!r}: its own values are its names.")
    return categories_of


def _check_categories_suffice(name: str, categories: Sequence[str], column: PresentColumn) -> None:
    """Refuse names of categories for a column that has none, or names for only some of its codes."""
    if not isinstance(column, Categorical):
        raise ArgumentError(
            f"categorical_names must be of columns of categories; {name!r} is none. Add it to categorical_features."
        )
    codes = column.values[(column.values >= 0) & (column.values % 1 == 0)]
    last = codes.max(initial=-1)
    if last >= len(categories):
        raise ArgumentError(
            f"categorical_names must have a name for each code of {name!r}, 0 to {last:g}; got {len(categories)} names."
        )


def _checked_labels(training_labels: Any, num_rows: int) -> np.ndarray:
    try:
        labels = np.asarray(training_labels)
    except ValueError as error:  # lists within a list
        raise ArgumentTypeError(
            f"training_labels must be a sequence of labels, one for each row: {read_message(error)}."
        ) from error
    if labels.shape != (num_rows,):
        raise ArgumentError(f"training_labels must have shape ({num_rows},), one for each row; got shape {labels.shape}.")
    return labels


def _check_numeric(name: str, values: np.ndarray, kind: str | None) -> None:
    """Refuse training values of a numeric column, of shape (n,), that are too large, or fractions of kind "integer"."""
    largest = np.abs(values).max()
    if largest > LARGEST_VALUE:
        raise ArgumentError(
            f"training_data must hold numbers up to {LARGEST_VALUE:g}, since they are squared; column {name!r} has "
            f"{largest:.3g} in absolute value. Scale it, or take its logarithm."
        )
    if kind == "integer" and np.any(values % 1):
        fraction = values[values % 1 != 0][0]
        raise ArgumentError(f"kinds: column {name!r} cannot be 'integer'; it has fractions, as {fraction:g}. Say 'numeric'.")


def _checked_edges(edges: Any, name: str) -> np.ndarray:
    array = check_numbers(f"the edges of {name!r}", edges, 1)
    if array.size == 0 or not np.all(np.abs(array) <= LARGEST_VALUE):
        raise ArgumentError(
            f"the edges of {name!r} must be one or more finite numbers, up to {LARGEST_VALUE:g}; got {array.tolist()}."
        )
    return array
