"""The columns of a table: what kind each is, how its values are drawn, and what they are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import isnan
from typing import Any

import numpy as np

from limelight._checks import check_choice, check_flag, check_names, check_numbers, user_function
from limelight._errors import ArgumentError, ArgumentTypeError, InstanceError
from limelight.modalities.tables._columns import LARGEST, Binned, Categorical, Column, Missing, Plain
from limelight.modalities.tables._discretize import DISCRETIZERS, EdgeRule, format_edges
from limelight.modalities.tables._encoding import Encoding
from limelight.modalities.tables._fields import Field, Numbers

__all__ = ["Feature", "FeatureRules", "SparseFeatures", "Word"]

KINDS = ("numeric", "integer", "categorical", "text")

_Rule = Callable[[int, np.ndarray, "np.ndarray | None"], Any]


@dataclass(frozen=True)
class Feature:
    """A column: how its values are drawn, and what they are called.

    Attributes
    ----------
    name : str
    column : Column
    categories : tuple of str
        Names of codes of categories; empty where there are none.
    bins : tuple of str
        Names of its bins; empty where it has none.
    """

    name: str
    column: Column
    categories: tuple[str, ...]
    bins: tuple[str, ...]

    def show(self, field: Field, value: float) -> str:
        """A value as a person would write it."""
        if self.categories and value.is_integer() and 0 <= value < len(self.categories):
            return self.categories[int(value)]
        return field.show(value)

    @property
    def is_slope(self) -> bool:
        """Whether its weight is a slope, since it has no bins."""
        return isinstance(_present(self.column), Plain)

    def check(self, value: float) -> None:
        """Refuse what the column cannot even have for this row alone.

        Raises
        ------
        InstanceError
            If the value is a fraction among whole numbers, or too large to be squared where it is.
        """
        if self.is_slope and abs(value) > LARGEST:
            raise InstanceError(
                f"column {self.name!r} has no bins, and can be up to {LARGEST:g} in absolute value; got {value!r}."
            )
        if value % 1 and not isnan(value) and getattr(_present(self.column), "whole", False):
            raise InstanceError(
                f"column {self.name!r} holds whole numbers; got {value!r}. Where it may hold fractions, give training_data of "
                "floats, and no kind 'integer'."
            )

    def note(self, value: float) -> tuple[str, str]:
        """What has to be said of a slope beside its name."""
        if isnan(value):
            return "missing_as_mean", f"{self.name} is missing and counts as the mean; its weight is the column's slope."
        return "slopes", "Weights of columns without bins are slopes, for one standard deviation upwards from here."

    def with_value(self, field: Field, value: float) -> str:
        """The column and its value."""
        return f"{self.name} is missing" if isnan(value) else f"{self.name}={self.show(field, value)}"

    def component(self, field: Field, value: float) -> str:
        """What a value counts as: itself, a bin, or the column where it has neither categories nor bins."""
        if self.bins and not isnan(value):
            return self.bins[int(self.column.code_of(value))]
        return self.name if self.is_slope else self.with_value(field, value)


class Word(Feature):
    """A word of a free text, which is there or not: a component of its row alone."""

    @classmethod
    def named(cls, name: str) -> Word:
        # As likely to stay as to go.
        return cls(name, Categorical(np.array([0.0, 1.0]), np.array([0.5, 0.5])), (), ())

    def component(self, field: Field, value: float) -> str:  # noqa: ARG002 - it is as the row has it
        return self.name


class FeatureRules:
    """What the user says of columns, checked once; `of` makes each column's feature.

    Parameters
    ----------
    encoding : Encoding
        The columns' names and what they hold.
    labels : array-like or None
        Training labels, for discretizers that look at them.
    rows : int
        How many training rows there are.
    kinds, categorical_features, categorical_names, discretizer, discretize_continuous
        As the explainer's.
    may_lack : bool
        Whether perturbed rows may lack values of which the training data lack none.
    """

    def __init__(
        self,
        encoding: Encoding,
        labels: Any,
        rows: int,
        *,
        kinds: Any,
        categorical_features: Any,
        categorical_names: Any,
        discretizer: Any,
        discretize_continuous: Any,
        may_lack: bool,
    ) -> None:
        self._encoding = encoding
        self._kinds = _checked_kinds(kinds, encoding)
        self._categorical = {
            number
            for feature in _checked_features(categorical_features)
            for number in encoding.wanted("categorical_features", feature)
        }
        for number in self._categorical:
            if self._kinds.get(number, "categorical") != "categorical":
                name = encoding.names[number]
                raise ArgumentError(f"column {name!r} is in categorical_features; kinds says {self._kinds[number]!r}.")
        if not isinstance(categorical_names, (Mapping, type(None))):
            raise ArgumentTypeError(f"categorical_names must be a mapping from columns to names; got {categorical_names!r}.")
        self._categories = {
            number: check_names(f"categorical_names[{feature!r}]", _in_order(feature, values))
            for number, (feature, values) in _by_number("categorical_names", categorical_names or {}, encoding).items()
        }
        for number in self._categories:
            if encoding.fields[number].categorical:
                name = encoding.names[number]
                raise ArgumentError(f"categorical_names must leave out column {name!r}: its own values are its names.")
        self._edges = _checked_rule(discretizer, encoding)
        self._labels = None if labels is None else _checked_labels(labels, rows)
        self._binned = check_flag("discretize_continuous", discretize_continuous)
        self._may_lack = may_lack

    def features(self, training: Any) -> list[Feature] | SparseFeatures:
        """The features of all columns of training data, dense or sparse."""
        if hasattr(training, "indptr"):
            return SparseFeatures(self, training)
        return [self.of(number, values) for number, values in enumerate(training.T)]

    def of(self, number: int, values: np.ndarray) -> Feature:
        """The feature of a column with these training values."""
        there = ~np.isnan(values)
        present = self._present_column(number, values[there], there)
        return self._named(number, present if there.all() else Missing(present, 1 - there.mean()))

    def known(self, number: int, column: Column) -> Feature:
        """The feature of a column with these statistics."""
        present, kind = _present(column), "categorical" if number in self._categorical else self._kinds.get(number)
        if kind is not None and (kind == "categorical") is not isinstance(present, Categorical):
            has = "no bins" if isinstance(present, Categorical) else "bins"
            raise ArgumentError(
                f"column {self._encoding.names[number]!r} has {has} in training_data_stats; it cannot be {kind}."
            )
        if kind == "integer" and isinstance(present, Binned):
            present = replace(present, whole=True)
        return self._named(number, replace(column, present=present) if isinstance(column, Missing) else present)

    def _named(self, number: int, column: Column) -> Feature:
        name, field, present = self._encoding.names[number], self._encoding.fields[number], _present(column)
        categories = self._categories.get(number, ())
        if categories:
            _check_categories(name, categories, present)
        bins: tuple[str, ...] = ()
        if isinstance(present, Binned):
            numbers = isinstance(field, Numbers)
            shown = format_edges(present.edges) if numbers else [field.show(edge) for edge in present.edges.tolist()]
            bins = _bin_names(name, shown)
        if self._may_lack and not isinstance(column, Missing):
            column = Missing(present, 0.0)
        return Feature(name, column, categories, bins)

    def _present_column(self, number: int, values: np.ndarray, there: np.ndarray) -> Binned | Categorical | Plain:
        field = self._encoding.fields[number]
        kind = self._kinds.get(number)
        if number in self._categorical or kind == "categorical" or field.categorical or not len(values):
            return Categorical.of(values)
        whole = field.whole or kind == "integer"  # a type of whole numbers holds no others
        name, largest = self._encoding.names[number], np.abs(values).max()
        if largest > LARGEST:
            raise ArgumentError(
                f"training_data must hold numbers up to {LARGEST:g}, since they are squared; column {name!r} has {largest:.3g} "
                "in absolute value. Scale it, or take its logarithm."
            )
        if kind == "integer" and np.any(values % 1):
            fraction = values[values % 1 != 0][0]
            raise ArgumentError(
                f"kinds: column {name!r} cannot be 'integer'; it has fractions, as {fraction:g}. Say 'numeric'."
            )
        if not self._binned:
            return Plain.of(values, whole=whole)
        edges = self._edges(number, values, None if self._labels is None else self._labels[there])
        return Binned.of(values, _checked_edges(edges, name), whole=whole)


class SparseFeatures(dict[int, Feature]):
    """Features of a table that is too wide to look at every column: those that were asked for."""

    def __init__(self, rules: FeatureRules, training: Any) -> None:
        super().__init__()
        self._rules = rules
        self._training = training  # in columns

    def __missing__(self, number: int) -> Feature:
        entries = slice(*self._training.indptr[number : number + 2])
        values = np.zeros(self._training.shape[0])
        values[self._training.indices[entries]] = self._training.data[entries]
        feature = self._rules.of(number, values)
        self[number] = feature
        return feature

    def __reduce__(self) -> tuple[Any, ...]:
        return SparseFeatures, (self._rules, self._training)


def _present(column: Column) -> Binned | Categorical | Plain:
    """A column without what may be missing of it."""
    return column.present if isinstance(column, Missing) else column


def _by_number(parameter: str, given: Mapping[Any, Any], encoding: Encoding) -> dict[int, tuple[object, Any]]:
    """What a mapping says of each column, under what the user calls it there."""
    found: dict[int, tuple[object, Any]] = {}
    for feature, value in given.items():
        for number in encoding.wanted(parameter, feature):
            if number in found:
                name, other = encoding.names[number], found[number][0]
                raise ArgumentError(f"{parameter} must name each column once; got {name!r} as {other!r} and as {feature!r}.")
            found[number] = feature, value
    return found


def _check_categories(name: str, categories: Sequence[str], column: Binned | Categorical | Plain) -> None:
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


def _in_order(feature: object, names: Any) -> Any:
    if isinstance(names, (Mapping, set, frozenset)):
        raise ArgumentTypeError(f"categorical_names[{feature!r}] must be a sequence, in the order of the codes; got {names!r}.")
    return names


def _checked_kinds(kinds: Any, encoding: Encoding) -> dict[int, str]:
    if not isinstance(kinds, (Mapping, type(None))):
        raise ArgumentTypeError(f"kinds must be a mapping from columns to kinds; got {kinds!r}.")
    checked = {}
    for number, (feature, kind) in _by_number("kinds", kinds or {}, encoding).items():
        checked[number] = check_choice(f"kinds[{feature!r}]", kind, KINDS)
        if kind not in ("categorical", "text") and encoding.fields[number].categorical:
            raise ArgumentError(f"kinds[{feature!r}] must be 'categorical': the column holds no numbers; got {kind!r}.")
    return checked


def _checked_rule(discretizer: object, encoding: Encoding) -> _Rule:
    """What gives the edges of a column from its number, values and labels."""
    if isinstance(discretizer, Mapping):
        edges = _by_number("discretizer", discretizer, encoding)
        return _Given({number: values for number, (_, values) in edges.items()}, encoding.names)
    if not callable(discretizer):
        discretizer = DISCRETIZERS[check_choice("discretizer", discretizer, DISCRETIZERS)]
    return _Found(discretizer)


@dataclass(frozen=True)
class _Given:
    edges: dict[int, Any]
    names: Sequence[str]

    def __call__(self, number: int, values: np.ndarray, labels: np.ndarray | None) -> Any:  # noqa: ARG002
        if number not in self.edges:
            raise ArgumentError(f"discretizer must give edges for every numeric column; {self.names[number]!r} has none.")
        return self.edges[number]


@dataclass(frozen=True)
class _Found:
    find: EdgeRule

    def __call__(self, number: int, values: np.ndarray, labels: np.ndarray | None) -> Any:  # noqa: ARG002
        with user_function("discretizer"):
            return self.find(values, labels)


def _checked_features(features: Any) -> Iterable[int | str]:
    if isinstance(features, (str, bytes)) or not isinstance(features, (Iterable, type(None))):
        raise ArgumentTypeError(f"categorical_features must be a sequence of column numbers or names; got {features!r}.")
    return () if features is None else features


def _checked_labels(training_labels: Any, rows: int) -> np.ndarray:
    try:
        labels = np.asarray(training_labels)
    except ValueError as error:  # lists within a list
        raise ArgumentTypeError(f"training_labels must be a sequence of labels, one for each row: {error}.") from error
    if labels.shape != (rows,):
        raise ArgumentError(f"training_labels must have shape ({rows},), one for each row; got shape {labels.shape}.")
    return labels


def _checked_edges(edges: Any, feature: str) -> np.ndarray:
    array = check_numbers(f"the edges of {feature!r}", edges, 1)
    if array.size == 0 or not np.all(np.abs(array) <= LARGEST):
        raise ArgumentError(
            f"the edges of {feature!r} must be one or more finite numbers, up to {LARGEST:g}; got {array.tolist()}."
        )
    return array


def _bin_names(feature: str, shown: list[str]) -> tuple[str, ...]:
    between = [f"{low} < {feature} <= {high}" for low, high in pairwise(shown)]
    return (f"{feature} <= {shown[0]}", *between, f"{feature} > {shown[-1]}")
