"""limelight's explainer for what a table explainer of lime's holds, and lime's own independent draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from limelight.compat._kernels import limelight_kernel
from limelight.compat.discretize import BaseDiscretizer
from limelight.modalities.tables.explainer import TabularExplainer

__all__ = [
    "adjust",
    "column_of",
    "count_values",
    "distinct_names",
    "draw_rows",
    "make_explainer",
    "read_row",
    "read_shares",
    "record_law",
]

_BIN_FIGURES = ("means", "stds", "mins", "maxs")


def distinct_names(names: Sequence[object], count: int) -> list[str]:
    """As many distinct names as there are columns, whatever a program gave: limelight's pages and messages show them."""
    given = [str(names[number]) if number < len(names) else str(number) for number in range(count)]
    repeated = Counter(given)
    return [f"{name} [{number}]" if repeated[name] > 1 or not name else name for number, name in enumerate(given)]


def read_row(row: Any, names: Sequence[str]) -> np.ndarray:
    """A row as numbers: a list, an array of shape (d,) or (1, d), or a labelled row, whose labels count."""
    labels = getattr(row, "index", None)
    if labels is not None and not callable(labels) and set(labels) == set(names) and len(labels) == len(names):
        row = row[list(names)]
    array = np.asarray(row, dtype=np.float64)
    return array[0] if array.ndim == 2 and len(array) == 1 else array


def make_explainer(
    explainer: Any, training: Any, categorical: Sequence[int], names: Sequence[str], seed: int
) -> TabularExplainer:
    """limelight's explainer for one of lime's.

    Parameters
    ----------
    explainer : LimeTabularExplainer
        Whose options count.
    training : ndarray of shape (n, d) or sparse matrix
        The training data.
    categorical : sequence of int
        The columns of categories.
    names : sequence of str
        Distinct names of all columns.
    seed : int
        The seed of limelight's perturbations.
    """
    discretizer: BaseDiscretizer | None = explainer.discretizer
    options: dict[str, Any] = {
        "feature_names": names,
        "categorical_features": list(categorical),
        "kernel_width": explainer.base.kernel_fn.keywords["kernel_width"],
        "kernel": limelight_kernel(explainer.base.kernel_fn),
        "feature_selection": "none",
        "mode": explainer.mode if explainer.mode == "regression" else None,
        "random_state": seed,
    }
    if discretizer is None:
        return TabularExplainer(
            training,
            discretize_continuous=False,
            sample_around_instance=bool(explainer.sample_around_instance) and not sparse.issparse(training),
            **options,
        )
    if explainer.training_data_stats or not explainer.has_named_bins:
        return TabularExplainer(np.zeros((1, len(names))), training_data_stats=_statistics_of(explainer), **options)
    edges = _Edges({column: find_bins.args[0] for column, find_bins in discretizer.lambdas.items()})  # type: ignore[attr-defined]
    return TabularExplainer(training, discretizer=edges or "quartile", **options)


def adjust(explainer: TabularExplainer, seed: int, method: str) -> TabularExplainer:
    """The explainer with this seed and way to choose columns; where only the way is another one, with the same drawn rows."""
    if explainer.options.random_state != seed:
        explainer = explainer._with_seed(seed)
    if explainer.options.feature_selection != method:
        explainer = copy(explainer)
        explainer.options = replace(explainer.options, feature_selection=method)
    return explainer


class _Edges(dict[int | str, Any]):
    """Inner edges by column; every explanation records what they look like, so that this must not take long."""

    def __repr__(self) -> str:
        return f"<edges of {len(self)} columns>"


def _statistics_of(explainer: Any) -> dict[str, Any]:
    """How rows are drawn, where it is not as in the training data: a program's statistics, or its own discretizer's."""
    discretizer = explainer.discretizer
    return {
        "bins": {column: find_bins.args[0] for column, find_bins in discretizer.lambdas.items()},
        "feature_values": explainer.feature_values,
        "feature_frequencies": explainer.feature_frequencies,
        **{name: {column: getattr(discretizer, name)[column] for column in discretizer.lambdas} for name in _BIN_FIGURES},
    }


def column_of(rows: Any, column: int) -> np.ndarray:
    """One column of rows, of shape (n,), sparse or not."""
    return np.asarray(rows[:, [column]].toarray()[:, 0] if sparse.issparse(rows) else rows[:, column])


def count_values(values: np.ndarray) -> tuple[list[float], np.ndarray]:
    """The distinct values of a column, ascending, and their shares."""
    found, counts = np.unique(values, return_counts=True)
    return found.tolist(), counts / counts.sum()


def read_shares(stats: Mapping[str, Any], column: int) -> tuple[Any, np.ndarray]:
    """The same from a program's statistics."""
    frequencies = np.array(stats["feature_frequencies"][column], dtype=np.float64)
    return stats["feature_values"][column], frequencies / frequencies.sum()


def record_law(explainer: Any) -> list[bytes]:
    """What a program may have set of how rows are drawn, to be compared with what it was."""
    tables: list[Mapping[int, Any]] = [explainer.feature_values, explainer.feature_frequencies]
    if explainer.discretizer is not None:
        tables += [getattr(explainer.discretizer, name) for name in _BIN_FIGURES]
    arrays = [np.asarray(table[column], dtype=np.float64) for table in tables for column in sorted(table)]
    others = (explainer.mode, bool(explainer.sample_around_instance), list(map(int, explainer.categorical_features)))
    scaler = [np.asarray(figures).tobytes() for figures in (explainer.scaler.mean_, explainer.scaler.scale_)]
    return [*(array.tobytes() for array in arrays), *scaler, repr(others).encode()]


def draw_rows(explainer: Any, row: Any, count: int) -> tuple[Any, Any]:
    """Independent perturbations from an explainer's attributes and random numbers, as lime draws them.

    Returns
    -------
    data : ndarray or sparse matrix of shape (count, d)
        Components: 1 where a column is in the row's state, a number where it has no bins. The first row is the row's.
    inverse : ndarray or sparse matrix of shape (count, d)
        What the model is asked about.
    """
    if sparse.issparse(row):
        rows = _draw_sparse(explainer, row.tocsr(), count)
        return rows, rows.copy()
    random_state, discretizer = explainer.random_state, explainer.discretizer
    if discretizer is None:
        scale, centre = explainer.scaler.scale_, row if explainer.sample_around_instance else explainer.scaler.mean_
        data = random_state.normal(0, 1, (count, len(row))) * scale + centre
        state, columns = row, explainer.categorical_features
    else:
        data = np.zeros((count, len(row)))
        state, columns = discretizer.discretize(row), range(len(row))
    data[0] = row
    inverse = data.copy()
    for column in columns:
        values, shares = explainer.feature_values[column], explainer.feature_frequencies[column]
        inverse[:, column] = random_state.choice(values, size=count, replace=True, p=shares)
        data[:, column] = inverse[:, column] == state[column]
    data[0, list(columns)] = 1
    if discretizer is not None:
        inverse[1:] = discretizer.undiscretize(inverse[1:])
    inverse[0] = row
    return data, inverse


def _draw_sparse(explainer: Any, row: Any, count: int) -> Any:
    """The entries of a sparse row that are not zero are drawn, the others stay zero."""
    columns = np.unique(row.nonzero()[1])
    own = row[:, columns].toarray()[0] if len(columns) else np.zeros(0)
    centre = own if explainer.sample_around_instance else explainer.scaler.mean_[columns]
    drawn = explainer.random_state.normal(0, 1, (count, len(columns))) * explainer.scaler.scale_[columns] + centre
    drawn[0] = own
    indptr = np.arange(0, count * len(columns) + 1, len(columns)) if len(columns) else np.zeros(count + 1, dtype=int)
    return sparse.csr_matrix((drawn.ravel(), np.tile(columns, count), indptr), shape=(count, row.shape[1]))
