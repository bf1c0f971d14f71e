"""scikit-learn's trees, forests and boosted trees as sums over leaves, whose explanations have a closed form."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from limelight.stages.leaf_sum import Conditions, LeafSum

__all__ = ["read_trees"]

# The estimators that are sums over leaves, but for a constant, in the answers of this method.
_SUMS = {
    "DecisionTreeClassifier": "predict_proba",
    "DecisionTreeRegressor": "predict",
    "ExtraTreeClassifier": "predict_proba",
    "ExtraTreeRegressor": "predict",
    "ExtraTreesClassifier": "predict_proba",
    "ExtraTreesRegressor": "predict",
    "GradientBoostingClassifier": "decision_function",
    "GradientBoostingRegressor": "predict",
    "RandomForestClassifier": "predict_proba",
    "RandomForestRegressor": "predict",
}

# The sums of estimators that have been read, with the fitted trees that they were read from.
_KEPT: WeakKeyDictionary[Any, tuple[list[object], LeafSum]] = WeakKeyDictionary()


class _Leaves(NamedTuple):
    """A tree's leaves, and their conditions on columns: l leaves, e conditions.

    Attributes
    ----------
    values : ndarray of shape (l, k)
    leaves, columns : ndarray of int, of shape (e,)
        The leaf and the column of each condition; no leaf has two on the same column.
    lows, highs : ndarray of shape (e,)
        The column's value is above `low`, and `high` at most.
    takes_missing : ndarray of bool, of shape (e,)
    """

    values: np.ndarray
    leaves: np.ndarray
    columns: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    takes_missing: np.ndarray


def read_trees(method: Callable[[Any], Any]) -> LeafSum | None:
    """The estimator whose bound method this is as a sum over leaves, but for a constant; None if it is none."""
    estimator = getattr(method, "__self__", None)
    kind = type(estimator)  # a class derived from it may answer otherwise
    if not kind.__module__.startswith("sklearn.") or _SUMS.get(kind.__name__) != getattr(method, "__name__", ""):
        return None
    trees = np.array(getattr(estimator, "estimators_", [estimator]), dtype=object)
    if getattr(estimator, "n_outputs_", 1) != 1 or any(getattr(tree, "tree_", None) is None for tree in trees.flat):
        return None  # several outputs, or not fitted
    fitted = [tree.tree_ for tree in trees.flat]
    # Others take their place if the estimator is fitted again.
    kept, leaf_sum = _KEPT.get(estimator, ([], None))
    if leaf_sum is None or len(kept) != len(fitted) or any(map(operator.is_not, kept, fitted)):
        leaf_sum = _sum_of(estimator, trees)
        _KEPT[estimator] = fitted, leaf_sum
    return leaf_sum


def _sum_of(estimator: Any, trees: np.ndarray) -> LeafSum:
    """The sum over all leaves of trees: of shape (n,), or of shape (n, k) where each adds to one of k outputs."""
    scale = estimator.learning_rate if trees.ndim == 2 else 1.0 / len(trees)
    num_outputs = trees.shape[1] if trees.ndim == 2 else getattr(estimator, "n_classes_", 1)
    parts = []
    for place, tree in np.ndenumerate(trees):
        leaves = _read_tree(tree.tree_)
        values = np.zeros((len(leaves.values), num_outputs))
        if trees.ndim == 2:
            values[:, place[1]] = leaves.values[:, 0]
        elif hasattr(estimator, "classes_"):
            values[:] = leaves.values / leaves.values.sum(axis=1, keepdims=True)
        else:
            values[:] = leaves.values
        parts.append(leaves._replace(values=scale * values))
    return _join(parts, estimator.n_features_in_)


def _join(parts: list[_Leaves], num_columns: int) -> LeafSum:
    """The sum over the leaves of all trees; equal conditions of different leaves are one."""
    first_leaves = np.cumsum([0, *(len(part.values) for part in parts)])
    leaves = np.concatenate([first + part.leaves for first, part in zip(first_leaves, parts, strict=False)])
    columns, lows, highs, takes_missing = (np.concatenate(arrays) for arrays in list(zip(*parts, strict=True))[2:])
    order = np.lexsort((takes_missing, highs, lows, columns))
    in_order = [array[order] for array in (columns, lows, highs, takes_missing)]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = np.any([array[1:] != array[:-1] for array in in_order], axis=0)
    numbers = np.empty(len(order), dtype=np.intp)
    numbers[order] = np.cumsum(is_new) - 1
    columns, lows, highs, takes_missing = (array[is_new] for array in in_order)
    conditions = Conditions(columns, takes_missing, lows, highs, np.arange(len(columns)))
    return LeafSum(num_columns, np.concatenate([part.values for part in parts]), conditions, leaves, numbers)


def _read_tree(tree: Any) -> _Leaves:
    """A fitted tree's leaves."""
    left, right = tree.children_left, tree.children_right
    is_leaf = left < 0
    inner, leaf_nodes = np.flatnonzero(~is_leaf), np.flatnonzero(is_leaf)
    values = tree.value[leaf_nodes, 0]
    if not len(inner):
        return _Leaves(values, *np.empty((2, 0), dtype=np.intp), *np.empty((2, 0)), np.empty(0, dtype=bool))
    parents = np.full(len(left), -1)
    parents[left[inner]], parents[right[inner]] = inner, inner
    is_left = np.zeros(len(left), dtype=bool)
    is_left[left[inner]] = True
    # From the leaves upwards, a step of all paths at a time: the leaf, the node, and whether the path turns left there.
    leaves, nodes = np.arange(len(leaf_nodes)), leaf_nodes
    steps = []
    while len(leaves):
        steps.append((leaves, parents[nodes], is_left[nodes]))
        nodes = parents[nodes]
        is_below = parents[nodes] >= 0
        leaves, nodes = leaves[is_below], nodes[is_below]
    leaves, nodes, turns_left = map(np.concatenate, zip(*steps, strict=True))
    columns, thresholds = tree.feature[nodes], _in_double(tree.threshold)[nodes]
    takes_missing = tree.missing_go_to_left.astype(bool)[nodes] == turns_left
    order = np.lexsort((columns, leaves))
    leaves, columns = leaves[order], columns[order]
    starts = np.flatnonzero(np.append(True, (leaves[1:] != leaves[:-1]) | (columns[1:] != columns[:-1])))
    return _Leaves(
        values,
        leaves[starts],
        columns[starts],
        np.maximum.reduceat(np.where(turns_left, -np.inf, thresholds)[order], starts),
        np.minimum.reduceat(np.where(turns_left, thresholds, np.inf)[order], starts),
        np.logical_and.reduceat(takes_missing[order], starts),
    )


def _in_double(thresholds: np.ndarray) -> np.ndarray:
    """The greatest doubles that are at most each threshold once they are rounded to single precision, as trees do."""
    below = thresholds.astype(np.float32)
    below = np.where(below > thresholds, np.nextafter(below, np.float32(-np.inf)), below)
    above = np.nextafter(below, np.float32(np.inf)).astype(np.float64)
    middle = (below.astype(np.float64) + above) / 2  # exact; it is rounded to its even neighbour
    return np.where(middle.astype(np.float32) <= thresholds, middle, np.nextafter(middle, -np.inf))
