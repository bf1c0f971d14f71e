"""scikit-learn's histogram gradient boosting as a sum over leaves, whose explanations have a closed form.

It sends categories that it was not fitted to where it sends missing values. treelite, by which other libraries' trees are read,
has no form for that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from limelight.models._leaves import sum_leaves
from limelight.models._methods import OwnMethod, find_own_method
from limelight.models._nodes import Nodes
from limelight.models._readings import Kept, Reading, content_of_arrays, content_of_object, read_once
from limelight.stages.leaf_sum import LeafSum

__all__ = ["read_histogram_trees"]

# The methods that answer with a sum but for a constant, and the link under which they do.
_LINKS = {
    ("HistGradientBoostingClassifier", "decision_function"): "identity",
    ("HistGradientBoostingClassifier", "predict_proba"): "logit",
    ("HistGradientBoostingRegressor", "predict"): "identity",
}


_KEPT: Kept = WeakKeyDictionary()


def read_histogram_trees(call: Callable[[Any], Any]) -> Reading:
    """The estimator whose bound method this is as a sum over leaves, but for a constant; None if it is none."""
    method = find_own_method(call)
    link = None if method is None else _LINKS.get((method.kind, method.name))
    rounds: Any = None if link is None or method is None else getattr(method.estimator, "_predictors", None)
    if method is None or link is None or not rounds:
        return None
    estimator = method.estimator
    try:
        content = _content_of(estimator, rounds)
        return read_once(_KEPT, estimator, method.name, content, lambda: _read(method, rounds, link))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None  # a version of scikit-learn has other names inside, or the trees were changed by hand


def _content_of(estimator: Any, rounds: list[list[Any]]) -> tuple[object, ...]:
    """What differs once anything has been changed, be it a value in a fitted tree."""
    trees = [tree for one_round in rounds for tree in one_round]
    arrays = content_of_arrays(array for tree in trees for array in (tree.nodes, tree.raw_left_cat_bitsets))
    columns = content_of_object((estimator.n_features_in_, _find_categories(estimator)))
    return [*map(len, rounds)], arrays, columns, _loss_link_of(estimator)


def _loss_link_of(estimator: Any) -> str:
    return type(getattr(getattr(estimator, "_loss", None), "link", None)).__name__


def _read(method: OwnMethod, rounds: list[list[Any]], link: str) -> LeafSum | None:
    estimator, num_outputs = method.estimator, len(rounds[0])
    # Poisson's and gamma's answers are exponentials.
    if method.name == "predict" and _loss_link_of(estimator) != "IdentityLink":
        return None
    if link == "logit" and num_outputs != 1:  # of many classes, no probability's log-odds are a sum
        return None
    categories = _find_categories(estimator)
    if categories is None:
        return None
    # The categorical columns come first inside.
    is_categorical = np.zeros(estimator.n_features_in_, dtype=bool)
    is_categorical[[*categories]] = True
    columns = np.argsort(~is_categorical, kind="stable")
    nodes = []
    for one_round in rounds:
        for output, tree in enumerate(one_round):
            of_tree = _read_nodes(tree, columns, categories)
            if of_tree is None:
                return None
            factors = [-1.0, 1.0] if link == "logit" else np.arange(num_outputs) == output
            nodes.append(of_tree._replace(values=of_tree.values * factors))
    return sum_leaves(nodes, estimator.n_features_in_, link)


def _find_categories(estimator: Any) -> dict[int, np.ndarray] | None:
    """The categories of each categorical column, by their numbers inside; None if they are not numbers."""
    is_categorical = getattr(estimator, "is_categorical_", None)
    if is_categorical is None or not np.any(is_categorical):
        return {}
    preprocessor = getattr(estimator, "_preprocessor", None)
    if preprocessor is None:
        return None
    of_columns = preprocessor.named_transformers_["encoder"].categories_
    if any(of_column.dtype.kind not in "biuf" for of_column in of_columns):
        return None  # rows stand for texts by numbers of their own
    return dict(zip(np.flatnonzero(is_categorical).tolist(), of_columns, strict=True))


def _read_nodes(tree: Any, columns: np.ndarray, categories: dict[int, np.ndarray]) -> Nodes | None:
    nodes = tree.nodes
    is_leaf = nodes["is_leaf"].astype(bool)
    if 2 * is_leaf.sum() - 1 != len(nodes):  # it was cut by hand, and the nodes below are still there
        return None
    left, right = (np.where(is_leaf, -1, nodes[side].astype(np.intp)) for side in ("left", "right"))
    missing_goes_left = nodes["missing_go_to_left"].astype(bool)
    of_nodes = {}
    for node in np.flatnonzero(~is_leaf & nodes["is_categorical"].astype(bool)).tolist():
        known = categories[int(columns[nodes["feature_idx"][node]])]
        known = known[~np.isnan(known)].astype(np.float64)
        words = tree.raw_left_cat_bitsets[nodes["bitset_idx"][node]].astype("<u4")
        goes_left = np.unpackbits(words.view(np.uint8), bitorder="little")[: len(known)].astype(bool)
        if missing_goes_left[node]:  # and so do categories that are not known: all others than some are taken on the right
            left[node], right[node] = right[node], left[node]
            goes_left = ~goes_left
            missing_goes_left[node] = False
        chosen = known[goes_left]
        of_nodes[node] = np.column_stack([np.nextafter(chosen, -np.inf), chosen])
    return Nodes(
        left=left,
        right=right,
        columns=np.where(is_leaf, -1, columns[nodes["feature_idx"]]),
        thresholds=nodes["num_threshold"],
        missing_goes_left=missing_goes_left,
        categories=of_nodes,
        values=nodes["value"].astype(np.float64)[:, None],
    )
