"""scikit-learn's trees, forests and boosted trees as sums over leaves, whose explanations have a closed form."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from limelight.stages.leaf_sum import Conditions, LeafSum

__all__ = ["read_trees"]

# The methods of estimators whose answers are sums over leaves, but for a constant, and the link under which they are.
_LINKS = {
    ("DecisionTreeClassifier", "predict_proba"): "identity",
    ("DecisionTreeRegressor", "predict"): "identity",
    ("ExtraTreeClassifier", "predict_proba"): "identity",
    ("ExtraTreeRegressor", "predict"): "identity",
    ("ExtraTreesClassifier", "predict_proba"): "identity",
    ("ExtraTreesRegressor", "predict"): "identity",
    ("GradientBoostingClassifier", "decision_function"): "identity",
    ("GradientBoostingClassifier", "predict_proba"): "logit",
    ("GradientBoostingRegressor", "predict"): "identity",
    ("RandomForestClassifier", "predict_proba"): "identity",
    ("RandomForestRegressor", "predict"): "identity",
}


class _Reading(NamedTuple):
    """An estimator's method as a sum, and the fitted trees that were read: others take their place if it is fitted again."""

    trees: list[object]
    leaf_sum: LeafSum


_KEPT: WeakKeyDictionary[Any, dict[str, _Reading]] = WeakKeyDictionary()


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
    estimator, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
    kind = type(estimator)  # a class derived from it may answer otherwise
    link = _LINKS.get((kind.__name__, name))
    if link is None or not kind.__module__.startswith("sklearn."):
        return None
    trees = np.array(getattr(estimator, "estimators_", [estimator]), dtype=object)
    if getattr(estimator, "n_outputs_", 1) != 1 or any(getattr(tree, "tree_", None) is None for tree in trees.flat):
        return None  # several outputs, or not fitted
    if link == "logit" and trees.shape[1] > 1:  # of many classes, no probability's log-odds are a sum
        return None
    fitted = [tree.tree_ for tree in trees.flat]
    by_method = _KEPT.setdefault(estimator, {})
    kept = by_method.get(name)
    if kept is None or len(kept.trees) != len(fitted) or any(map(operator.is_not, kept.trees, fitted)):
        kept = by_method[name] = _Reading(fitted, _sum_of(estimator, trees, link))
    return kept.leaf_sum


def _sum_of(estimator: Any, trees: np.ndarray, link: str) -> LeafSum:
    """The sum over all leaves of trees: of shape (n,), or boosted ones of shape (n, k), each of which adds to one of k outputs."""
    is_boosted = trees.ndim == 2
    scale = estimator.learning_rate if is_boosted else 1.0 / len(trees)
    parts = []
    for place, tree in np.ndenumerate(trees):
        leaves = _read_tree(tree.tree_)
        values = leaves.values
        if is_boosted:
            values = values * (np.arange(trees.shape[1]) == place[1])
        elif hasattr(estimator, "classes_"):
            values = values / values.sum(axis=1, keepdims=True)
        parts.append(leaves._replace(values=scale * values @ np.array([[-1.0, 1.0]]) if link == "logit" else scale * values))
    return _join(parts, estimator.n_features_in_, link)


def _join(parts: list[_Leaves], num_columns: int, link: str) -> LeafSum:
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
    return LeafSum(num_columns, np.concatenate([part.values for part in parts]), conditions, leaves, numbers, link)


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
