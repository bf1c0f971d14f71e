"""What the columns of a row are called in lime's lists: bins with two digits, categories with their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from limelight.compat import explanation
from limelight.results.views import Cell, TableView, View

__all__ = ["TableDomainMapper", "describe_row", "name_positions"]


class TableDomainMapper(explanation.DomainMapper):
    """What the columns of a row are called.

    Parameters
    ----------
    feature_names : list of str
        The columns' names, of categories with their value.
    feature_values : list of str
        The row's values.
    scaled_row : ndarray of shape (d,) or sparse matrix of shape (1, d)
        The row as the surrogate sees it.
    categorical_features : iterable of int
        Columns of categories.
    discretized_feature_names : list of str, optional
        Names with the bins in them.
    feature_indexes : sequence of int, optional
        The columns of a sparse row that are not zero.
    """

    def __init__(
        self,
        feature_names: list[str],
        feature_values: list[str],
        scaled_row: Any,
        categorical_features: Any,
        discretized_feature_names: list[str] | None = None,
        feature_indexes: Any = None,
    ) -> None:
        self.exp_feature_names = feature_names
        self.discretized_feature_names = discretized_feature_names
        self.feature_names = feature_names
        self.feature_values = feature_values
        self.feature_indexes = feature_indexes
        self.scaled_row = scaled_row
        self.all_categorical = not sparse.issparse(scaled_row) and len(list(categorical_features)) == len(scaled_row)
        self.categorical_features = categorical_features

    def map_exp_ids(self, exp: list[tuple[int, float]]) -> list[tuple[str, float]]:  # type: ignore[override]
        """The same list with names in place of numbers."""
        names = self.exp_feature_names if self.discretized_feature_names is None else self.discretized_feature_names
        return [(names[number], weight) for number, weight in exp]

    def make_view(self, listed: list[int], show_table: bool = True, show_all: bool = False) -> View:
        """The row's listed columns, or all, or none."""
        if not show_table:
            return super().make_view(listed)
        columns = range(len(self.exp_feature_names)) if self.feature_indexes is None else map(int, self.feature_indexes)
        values = dict(zip(columns, self.feature_values, strict=False))
        shown = sorted({*values, *listed} if show_all else listed)
        return TableView(tuple(Cell(self.exp_feature_names[column], values.get(column, "0.00"), column) for column in shown))


TableDomainMapper.__module__ = "limelight.compat.lime_tabular"  # where programs import it from


def describe_row(explainer: Any, row: Any) -> TableDomainMapper:
    """The names of a row's columns, with their bins and categories, from a `LimeTabularExplainer`'s attributes."""
    if sparse.issparse(row):
        row = sparse.csr_matrix(row)
        values = explainer.convert_and_round(row.data)
        names = list(explainer.feature_names)
        return TableDomainMapper(names, values, row, explainer.categorical_features, feature_indexes=row.indices)
    names, values = name_positions(explainer.feature_names, len(row)), explainer.convert_and_round(row)
    discretizer = explainer.discretizer
    bins = {} if discretizer is None else discretizer.names
    for column in explainer.categorical_features:
        if column not in bins:
            names[column] = f"{names[column]}={_name_category(explainer.categorical_names, column, row[column])}"
            values[column] = "True"
    if discretizer is None:
        scaled = (row - explainer.scaler.mean_) / explainer.scaler.scale_
        return TableDomainMapper(names, values, scaled, explainer.categorical_features)
    binned, states = list(names), discretizer.discretize(np.nan_to_num(row))
    for column, of_bins in bins.items():
        binned[column] = f"{names[column]}=nan" if np.isnan(row[column]) else of_bins[int(states[column])]
    return TableDomainMapper(names, values, np.ones(len(row)), range(len(row)), discretized_feature_names=binned)


def name_positions(names: Sequence[Any], count: int) -> list[Any]:
    """A name for each column: a program may have given too few or too many."""
    return [names[number] if number < len(names) else str(number) for number in range(count)]


def _name_category(categories: Any, column: int, code: float) -> object:
    """The name of a code where there is one; a code that is no whole number is shown as it is."""
    number: Any = int(code) if np.isfinite(code) and code == int(code) else float(code)
    names = categories[column] if column in categories else ()  # noqa: SIM401 - it may be no mapping
    if isinstance(names, Mapping):
        return names.get(number, number)
    return names[number] if isinstance(number, int) and -len(names) <= number < len(names) else number
