"""scikit-learn's trees, forests and boosted trees as sums over leaves, whose explanations have a closed form."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from limelight.models._leaves import sum_leaves
from limelight.models._nodes import Nodes, before_rounding
from limelight.stages.leaf_sum import LeafSum

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
    nodes = []
    for place, tree in np.ndenumerate(trees):
        fitted = tree.tree_
        values = fitted.value[:, 0]
        if is_boosted:
            values = values * (np.arange(trees.shape[1]) == place[1])
        elif hasattr(estimator, "classes_"):
            values = values / values.sum(axis=1, keepdims=True)
        if link == "logit":  # of two classes
            values = values * [-1.0, 1.0]
        nodes.append(
            Nodes(
                left=fitted.children_left,
                right=fitted.children_right,
                columns=fitted.feature,
                thresholds=before_rounding(fitted.threshold),
                missing_goes_left=fitted.missing_go_to_left.astype(bool),
                categories={},
                values=scale * values,
            )
        )
    return sum_leaves(nodes, estimator.n_features_in_, link)
