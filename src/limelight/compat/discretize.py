"""Bins of numeric columns, as lime has them: edges, names, and how values inside a bin are drawn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

__all__ = ["BaseDiscretizer", "DecileDiscretizer", "EntropyDiscretizer", "QuartileDiscretizer", "StatsDiscretizer"]

_LEAST_STD = 1e-11  # so that a bin of one value still has a width


class BaseDiscretizer(ABC):
    """Puts numeric columns into bins; a subclass says where in `bins`.

    Parameters
    ----------
    data : ndarray of shape (n, d)
        The training data.
    categorical_features : sequence of int
        Columns without bins.
    feature_names : sequence of str
        Names of all columns.
    labels : array-like of shape (n,), optional
        What `bins` gets beside the data.
    random_state : int, numpy.random.RandomState or None
        From which values inside a bin are drawn.
    data_stats : mapping, optional
        "means", "stds", "mins" and "maxs" of the bins by column, to be used in place of the data's.

    Attributes
    ----------
    to_discretize : list of int
        The columns with bins.
    names : dict of int to list of str
        The name of each bin of a column.
    lambdas : dict of int to callable
        From values of a column to numbers of bins.
    means, stds, mins, maxs : dict of int to list of float
        The mean, the standard deviation and the ends of each bin of a column.
    """

    def __init__(
        self,
        data: Any,
        categorical_features: Sequence[int],
        feature_names: Sequence[str],
        labels: Any = None,
        random_state: Any = None,
        data_stats: Mapping[str, Any] | None = None,
    ) -> None:
        data = np.asarray(data, dtype=np.float64)
        left_out = set(categorical_features)
        self.to_discretize = [column for column in range(data.shape[1]) if column not in left_out]
        self.data_stats = data_stats
        self.names: dict[int, list[str]] = {}
        self.lambdas: dict[int, Callable[[Any], Any]] = {}
        self.random_state = check_random_state(random_state)
        stats: Mapping[str, Any] = data_stats or {}
        self.means: Any = stats.get("means", {})
        self.stds: Any = stats.get("stds", {})
        self.mins: Any = stats.get("mins", {})
        self.maxs: Any = stats.get("maxs", {})
        for column, bins in zip(self.to_discretize, self.bins(data, labels), strict=False):
            edges = np.unique(np.asarray(bins, dtype=np.float64))
            self.names[column] = _name_bins(feature_names[column], edges)
            self.lambdas[column] = partial(np.searchsorted, edges)
            if not data_stats:
                self._describe_bins(column, edges, data[:, column])

    def _describe_bins(self, column: int, edges: np.ndarray, values: np.ndarray) -> None:
        """Each bin's mean, standard deviation and ends; a bin without values has a mean of 0."""
        values = values[~np.isnan(values)]
        numbers = np.searchsorted(edges, values)
        bins = [values[numbers == number] for number in range(len(edges) + 1)]
        self.means[column] = [inside.mean() if len(inside) else 0 for inside in bins]
        self.stds[column] = [(inside.std() if len(inside) else 0) + _LEAST_STD for inside in bins]
        self.mins[column] = [values.min(), *edges.tolist()]
        self.maxs[column] = [*edges.tolist(), values.max()]

    @abstractmethod
    def bins(self, data: np.ndarray, labels: Any) -> list[np.ndarray]:
        """The inner edges of each column in `to_discretize`."""
        raise NotImplementedError("Must override bins() method")

    def discretize(self, data: Any) -> np.ndarray:
        """Rows, of shape (n, d) or (d,), with numbers of bins in place of values."""
        bins: np.ndarray = np.array(data, dtype=np.float64)
        for column, find_bins in self.lambdas.items():
            bins[..., column] = find_bins(bins[..., column])
        return bins

    def get_undiscretize_values(self, feature: int, values: np.ndarray) -> np.ndarray:
        """Values of a column drawn inside the bins with these numbers."""
        from scipy.stats import truncnorm  # which takes longer to import than all the rest

        values = np.asarray(values)
        lows, highs, means, stds = (
            np.asarray(figures[feature], dtype=np.float64)[values] for figures in (self.mins, self.maxs, self.means, self.stds)
        )
        drawn: np.ndarray = lows.copy()  # the only value of a bin that has one
        is_wide = (lows - means) / stds != (highs - means) / stds
        if is_wide.any():
            low, high, mean, std = lows[is_wide], highs[is_wide], means[is_wide], stds[is_wide]
            drawn[is_wide] = truncnorm.rvs(
                (low - mean) / std, (high - mean) / std, loc=mean, scale=std, random_state=self.random_state
            )
        return drawn

    def undiscretize(self, data: Any) -> np.ndarray:
        """Rows of numbers of bins, of shape (n, d) or (d,), with values drawn inside the bins."""
        drawn: np.ndarray = np.array(data, dtype=np.float64)
        for column in self.means:
            drawn[..., column] = self.get_undiscretize_values(column, drawn[..., column].astype(int))
        return drawn


class StatsDiscretizer(BaseDiscretizer):
    """The bins of given statistics, under their key "bins"."""

    def bins(self, data: np.ndarray, labels: Any) -> list[np.ndarray]:  # noqa: ARG002
        """The inner edges that the statistics have."""
        edges: Mapping[int, Any] = (self.data_stats or {}).get("bins") or {}
        return [np.asarray(edges[column]) for column in self.to_discretize if column in edges]


class _DataDiscretizer(BaseDiscretizer):
    """Bins found in the data, whose statistics are always the data's own."""

    def __init__(
        self,
        data: Any,
        categorical_features: Sequence[int],
        feature_names: Sequence[str],
        labels: Any = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(data, categorical_features, feature_names, labels=labels, random_state=random_state)


class QuartileDiscretizer(_DataDiscretizer):
    """Bins with a quarter of the values each."""

    def bins(self, data: np.ndarray, labels: Any) -> list[np.ndarray]:  # noqa: ARG002
        """Each column's quartiles."""
        return _find_percentiles(data, self.to_discretize, [25, 50, 75])


class DecileDiscretizer(_DataDiscretizer):
    """Bins with a tenth of the values each."""

    def bins(self, data: np.ndarray, labels: Any) -> list[np.ndarray]:  # noqa: ARG002
        """Each column's deciles."""
        return _find_percentiles(data, self.to_discretize, [10, 20, 30, 40, 50, 60, 70, 80, 90])


class EntropyDiscretizer(_DataDiscretizer):
    """Bins that tell the labels apart: the splits of a decision tree of depth 3."""

    def __init__(
        self,
        data: Any,
        categorical_features: Sequence[int],
        feature_names: Sequence[str],
        labels: Any = None,
        random_state: Any = None,
    ) -> None:
        if labels is None:
            raise ValueError("Labels must be not None when using EntropyDiscretizer: give training_labels.")
        super().__init__(data, categorical_features, feature_names, labels=labels, random_state=random_state)

    def bins(self, data: np.ndarray, labels: Any) -> list[np.ndarray]:
        """Each column's splits; its median where a tree finds none."""
        from sklearn.tree import DecisionTreeClassifier

        found = []
        for column in self.to_discretize:
            values = data[:, column]
            tree = DecisionTreeClassifier(criterion="entropy", max_depth=3, random_state=self.random_state)
            fitted = tree.fit(values[:, None], labels).tree_
            splits = np.sort(fitted.threshold[fitted.children_left >= 0])
            found.append(splits if len(splits) else np.array([np.nanmedian(values)]))
        return found


def _find_percentiles(data: np.ndarray, columns: Sequence[int], shares: Sequence[int]) -> list[np.ndarray]:
    """Each column's percentiles, of the values that are not missing."""
    return [np.nanpercentile(data[:, column], shares) for column in columns]


def _name_bins(name: object, edges: np.ndarray) -> list[str]:
    """The names of the bins of a column, each edge with two digits."""
    inner = [f"{low:.2f} < {name} <= {high:.2f}" for low, high in pairwise(edges)]
    return [f"{name} <= {edges[0]:.2f}", *inner, f"{name} > {edges[-1]:.2f}"]
