"""HistGradientBoosting, XGBoost and LightGBM as sums over leaves, read through treelite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from limelight.models._leaves import sum_leaves
from limelight.models._nodes import Nodes, before_rounding
from limelight.stages.leaf_sum import LeafSum

__all__ = ["read_boosted_trees"]

# The estimators by package and class, with the name of what is fitted: another object once they are fitted again.
_FITTED = {
    ("lightgbm", "LGBMClassifier"): "_Booster",
    ("lightgbm", "LGBMRegressor"): "_Booster",
    ("sklearn", "HistGradientBoostingClassifier"): "_predictors",
    ("sklearn", "HistGradientBoostingRegressor"): "_predictors",
    ("xgboost", "XGBClassifier"): "_Booster",
    ("xgboost", "XGBRegressor"): "_Booster",
}

# What treelite says of the outputs, and the methods whose answers they are, with the link under which these are sums.
_LINKS = {
    ("identity", "predict"): "identity",
    ("sigmoid", "decision_function"): "identity",
    ("sigmoid", "predict_proba"): "logit",
    ("softmax", "decision_function"): "identity",
}

_LESS_THAN = 2  # treelite's number of the comparison <; the other one is <=
_SINGLE_PRECISION = 2  # treelite's number of the type


class _Reading(NamedTuple):
    """A method as a sum, and what was fitted when it was read."""

    fitted: object
    leaf_sum: LeafSum | None


_KEPT: WeakKeyDictionary[Any, dict[str, _Reading]] = WeakKeyDictionary()


def read_boosted_trees(method: Callable[[Any], Any]) -> LeafSum | None:
    """The estimator whose bound method this is as a sum over leaves, but for a constant.

    None if it is none, or if treelite is not installed: such an estimator is sampled, as any other model.
    """
    estimator, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
    kind = type(estimator)  # a class derived from it may answer otherwise
    attribute = _FITTED.get((_package_of(kind), kind.__name__))
    fitted = getattr(estimator, attribute, None) if attribute else None
    if fitted is None:
        return None
    by_method = _KEPT.setdefault(estimator, {})
    if name not in by_method or by_method[name].fitted is not fitted:
        by_method[name] = _Reading(fitted, _read(estimator, fitted, name))
    return by_method[name].leaf_sum


def _read(estimator: Any, fitted: Any, name: str) -> LeafSum | None:
    try:
        import treelite
    except ImportError:
        return None
    try:
        match _package_of(type(estimator)):
            case "xgboost":
                model = treelite.frontend.from_xgboost(_best_rounds(estimator, fitted))
            case "lightgbm":
                model = treelite.frontend.from_lightgbm(fitted)
            case _:
                model = treelite.sklearn.import_model(estimator)
    except treelite.TreeliteError:  # some objectives and boosters it does not know
        return None
    return _sum_of(model, name)


def _package_of(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _best_rounds(estimator: Any, booster: Any) -> Any:
    """The rounds that the estimator predicts with: up to the best one, where training was stopped early."""
    best = getattr(booster, "best_iteration", None) if estimator.early_stopping_rounds is not None else None
    return booster if best is None else booster[: best + 1]


def _sum_of(model: Any, name: str) -> LeafSum | None:
    header = model.get_header_accessor()
    link = _LINKS.get((header.get_field("postprocessor"), name))
    num_outputs = int(header.get_field("num_class")[0])
    if link is None or header.get_field("num_target")[0] != 1 or header.get_field("leaf_vector_shape")[1] != 1:
        return None
    outputs = header.get_field("class_id").tolist()
    trees = []
    for number in range(model.num_tree):
        tree = model.get_tree_accessor(number)
        values = tree.get_field("leaf_value").astype(np.float64)[:, None]
        if num_outputs > 1:
            values = values * (np.arange(num_outputs) == outputs[number])
        if link == "logit":  # of two classes
            values = values * [-1.0, 1.0]
        trees.append(
            Nodes(
                left=tree.get_field("cleft"),
                right=tree.get_field("cright"),
                columns=tree.get_field("split_index"),
                thresholds=_thresholds(tree, is_single=header.get_field("threshold_type")[0] == _SINGLE_PRECISION),
                missing_goes_left=tree.get_field("default_left").astype(bool),
                categories=_categories(tree),
                values=values,
            )
        )
    return sum_leaves(trees, model.num_feature, link)


def _thresholds(tree: Any, *, is_single: bool) -> np.ndarray:
    """The greatest doubles that go left at each node."""
    thresholds = tree.get_field("threshold")
    below = np.nextafter(thresholds, thresholds.dtype.type(-np.inf))
    thresholds = np.where(tree.get_field("cmp") == _LESS_THAN, below, thresholds).astype(np.float64)
    return before_rounding(thresholds) if is_single else thresholds


def _categories(tree: Any) -> dict[int, np.ndarray]:
    """The categories that go left, by node."""
    starts, ends = (tree.get_field(f"category_list_{end}").astype(np.intp) for end in ("begin", "end"))
    is_categorical = tree.get_field("node_type") == 2
    return {
        int(node): tree.get_field("category_list")[starts[node] : ends[node]].astype(np.intp)
        for node in np.flatnonzero(is_categorical & (tree.get_field("category_list_right_child") == 0))
    }
