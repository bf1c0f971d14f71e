"""Trees, forests and boosted trees as sums over leaves, whose explanations have a closed form."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from limelight.stages.leaf_sum import Conditions, LeafSum

__all__ = ["read_tree_ensemble"]

# The estimators whose outputs are sums over leaves, by the method that gives them. All of them compare single-precision numbers.
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


# The sums of estimators that have been read, with the fitted parts that they were read from.
_KEPT: WeakKeyDictionary[Any, tuple[tuple[object, ...], LeafSum]] = WeakKeyDictionary()


class _Tree(NamedTuple):
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


def read_tree_ensemble(method: Callable[[Any], Any]) -> LeafSum | None:
    """The estimator whose bound method this is as a sum over leaves; None if it is none, or treelite is not there."""
    estimator = getattr(method, "__self__", None)
    kind = type(estimator)
    if not kind.__module__.startswith("sklearn.") or _SUMS.get(kind.__name__) != getattr(method, "__name__", ""):
        return None
    try:
        import treelite
    except ImportError:  # the explanation is sampled, as of any other model
        return None
    parts = _fitted_parts(estimator)
    kept_parts, leaf_sum = _KEPT.get(estimator, ((), None))
    if leaf_sum is None or len(kept_parts) != len(parts) or any(map(operator.is_not, kept_parts, parts)):
        leaf_sum = _sum_of(treelite.sklearn.import_model(estimator))
        _KEPT[estimator] = (parts, leaf_sum)
    return leaf_sum


def _fitted_parts(estimator: Any) -> tuple[object, ...]:
    """The trees that were fitted: others take their place if the estimator is fitted again."""
    trees = getattr(estimator, "estimators_", [estimator])
    return tuple(tree.tree_ for tree in np.ravel(np.array(trees, dtype=object)))


def _sum_of(model: Any) -> LeafSum:
    header = model.get_header_accessor()
    has_vectors = header.get_field("leaf_vector_shape")[1] > 1
    num_outputs = int(max(header.get_field("leaf_vector_shape")[1], header.get_field("num_class")[0]))
    outputs = header.get_field("class_id").tolist()
    trees = [
        _read_tree(model.get_tree_accessor(number), num_outputs, None if has_vectors else max(0, outputs[number]))
        for number in range(model.num_tree)
    ]
    scale = 1.0 / len(trees) if header.get_field("average_tree_output")[0] else 1.0
    first_leaves = np.cumsum([0, *(len(tree.values) for tree in trees)])
    leaves = np.concatenate([first + tree.leaves for first, tree in zip(first_leaves, trees, strict=False)])
    columns, lows, highs, takes_missing = (np.concatenate(parts) for parts in list(zip(*trees, strict=True))[2:])
    order = np.lexsort((takes_missing, highs, lows, columns))
    # Equal conditions of different leaves are one.
    sorted_parts = [part[order] for part in (columns, lows, highs, takes_missing)]
    is_new = np.append(True, np.any([part[1:] != part[:-1] for part in sorted_parts], axis=0))[: len(order)]
    numbers = np.empty(len(order), dtype=np.int32)
    numbers[order] = np.cumsum(is_new) - 1
    columns, lows, highs, takes_missing = (part[is_new] for part in sorted_parts)
    conditions = Conditions(columns, takes_missing, lows, highs, np.arange(len(columns)))
    values = scale * np.concatenate([tree.values for tree in trees])
    offset = np.asarray(header.get_field("base_scores")[:num_outputs], dtype=np.float64)
    return LeafSum(model.num_feature, offset, values, conditions, leaves, numbers)


def _read_tree(accessor: Any, num_outputs: int, output: int | None) -> _Tree:
    """A tree of k outputs, whose leaves have vectors, or a number for one output."""
    left, right = accessor.get_field("cleft"), accessor.get_field("cright")
    is_leaf = left < 0
    inner, leaf_nodes = np.flatnonzero(~is_leaf), np.flatnonzero(is_leaf)
    parents = np.full(len(left), -1)
    parents[left[inner]], parents[right[inner]] = inner, inner
    is_left = np.zeros(len(left), dtype=bool)
    is_left[left[inner]] = True
    if output is None:
        starts = accessor.get_field("leaf_vector_begin")[leaf_nodes].astype(np.intp)
        values = accessor.get_field("leaf_vector")[starts[:, None] + np.arange(num_outputs)].astype(np.float64)
    else:
        values = np.zeros((len(leaf_nodes), num_outputs))
        values[:, output] = accessor.get_field("leaf_value")[leaf_nodes]
    # From the leaves upwards, a step of all paths at a time: the leaf, the node, and whether the path turns left there.
    leaves, nodes = np.arange(len(leaf_nodes)), leaf_nodes
    steps: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    while len(inner) and len(leaves):
        is_below = parents[nodes] >= 0
        leaves, nodes = leaves[is_below], nodes[is_below]
        steps.append((leaves, parents[nodes], is_left[nodes]))
        nodes = parents[nodes]
    if not steps:
        return _Tree(values, *np.empty((2, 0), dtype=np.intp), *np.empty((2, 0)), np.empty(0, dtype=bool))
    leaves, nodes, turns_left = map(np.concatenate, zip(*steps, strict=True))
    columns = accessor.get_field("split_index")[nodes].astype(np.intp)
    thresholds = _in_double(accessor.get_field("threshold"))[nodes]
    takes_missing = accessor.get_field("default_left").astype(bool)[nodes] == turns_left
    order = np.lexsort((columns, leaves))
    leaves, columns = leaves[order], columns[order]
    starts = np.flatnonzero(np.append(True, (leaves[1:] != leaves[:-1]) | (columns[1:] != columns[:-1])))
    return _Tree(
        values,
        leaves[starts],
        columns[starts],
        np.maximum.reduceat(np.where(turns_left, -np.inf, thresholds)[order], starts),
        np.minimum.reduceat(np.where(turns_left, thresholds, np.inf)[order], starts),
        np.logical_and.reduceat(takes_missing[order], starts),
    )


def _in_double(thresholds: np.ndarray) -> np.ndarray:
    """The greatest doubles that, rounded to single precision, are at most each threshold."""
    below = thresholds.astype(np.float32)
    below = np.where(below > thresholds, np.nextafter(below, np.float32(-np.inf)), below)
    above = np.nextafter(below, np.float32(np.inf)).astype(np.float64)
    middle = (below.astype(np.float64) + above) / 2  # exact; there, the even neighbour is taken
    return np.where(middle.astype(np.float32) <= thresholds, middle, np.nextafter(middle, -np.inf))
