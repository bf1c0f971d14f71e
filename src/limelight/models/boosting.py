"""XGBoost and LightGBM as sums over leaves, read through treelite."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from limelight.models._leaves import sum_leaves
from limelight.models._methods import OwnMethod, find_own_method
from limelight.models._nodes import Nodes, before_rounding
from limelight.models._readings import Kept, Reading, Refusal, read_once

__all__ = ["needs_treelite", "read_boosted_trees", "takes_in_order"]

# The methods of each class that are read.
_METHODS = {
    ("lightgbm", "Booster"): "predict",
    ("lightgbm", "LGBMClassifier"): "predict_proba",
    ("lightgbm", "LGBMRanker"): "predict",
    ("lightgbm", "LGBMRegressor"): "predict",
    ("xgboost", "XGBClassifier"): "predict_proba",
    ("xgboost", "XGBRFClassifier"): "predict_proba",
    ("xgboost", "XGBRFRegressor"): "predict",
    ("xgboost", "XGBRanker"): "predict",
    ("xgboost", "XGBRegressor"): "predict",
}

# What treelite says of the outputs, and the methods whose answers they are, with the link under which these are sums.
_LINKS = {
    ("identity", "predict"): "identity",
    ("multiclass_ova", "predict"): "logit",
    ("multiclass_ova", "predict_proba"): "logit",
    ("sigmoid", "predict"): "logit",
    ("sigmoid", "predict_proba"): "logit",
}

_CALLABLE = "limelight.models.xgboost"  # the module of what asks XGBoost's boosters

_LESS_THAN = 2  # treelite's number of the comparison <; the other one is <=
_SINGLE_PRECISION = 2  # treelite's number of the type
_ZERO = float(np.float32(1e-35))  # LightGBM takes numbers that are as near 0, or nearer, for 0
_ZERO_IS_MISSING = 1  # LightGBM's number of how a node takes missing values, after two bits of its type of decision


_KEPT: Kept = WeakKeyDictionary()


def read_boosted_trees(call: Callable[[Any], Any]) -> Reading:
    """The booster, or the estimator whose bound method this is, as a sum over leaves, but for a constant.

    None if it is none, or if treelite is not installed: such an estimator is sampled, as any other model.
    """
    method = _find_method(call)
    booster = None if method is None or not _has_treelite() else _booster_of(method)
    content = None if method is None or booster is None else _content_of(method, booster)
    if method is None or content is None:
        return None
    return read_once(_KEPT, booster, method.name, content, lambda: _read(method, booster))


def needs_treelite(call: Callable[[Any], Any]) -> bool:
    """Whether treelite, which is not installed, would read this method as a sum, most likely: some objectives are no sums."""
    method = _find_method(call)
    return method is not None and not _has_treelite() and len(getattr(method.estimator, "classes_", ())) <= 2


def takes_in_order(call: Any, names: tuple[str, ...] | None) -> bool:
    """Whether a method takes columns with these names, None of arrays, in their order: XGBoost's boosters pick them by name."""
    if names is None or type(call).__module__ != _CALLABLE:
        return True
    own = call.booster.feature_names
    return own is None or tuple(own) == names


def _has_treelite() -> bool:
    return find_spec("treelite") is not None


def _find_method(call: Any) -> OwnMethod | None:
    """The method that is called in the end, if it is one that is read.

    XGBoost's boosters are asked through a callable, which has them.
    """
    if type(call).__module__ == _CALLABLE:
        return OwnMethod(call.booster, "xgboost", "Booster", "predict")
    method = find_own_method(call)
    return method if method is not None and _METHODS.get((method.package, method.kind)) == method.name else None


def _booster_of(method: OwnMethod) -> Any:
    return method.estimator if method.kind == "Booster" else getattr(method.estimator, "_Booster", None)


def _content_of(method: OwnMethod, booster: Any) -> tuple[object, ...] | None:
    """What differs once anything has been changed, be it a leaf's value, or other rounds are asked; None if it is not usable.

    Both libraries tell it only by writing the whole booster down.
    """
    try:
        if method.package == "lightgbm":
            stops_early = getattr(method.estimator, "pred_early_stop", False)  # at some rows, without the last trees
            return None if stops_early else (hash(booster.model_to_string()), booster.best_iteration)
        # The settings have the mean of the target, from which the rounds start.
        missing = getattr(method.estimator, "missing", None)
        return hash(bytes(booster.save_raw("ubj"))), booster.save_config(), _last_round(method), missing
    except Exception:  # of two libraries
        return None


def _last_round(method: OwnMethod) -> int | None:
    """The last round that an estimator of XGBoost predicts with, if training was stopped early."""
    return None if method.kind == "Booster" else getattr(method.estimator, "best_iteration", None)


def _read(method: OwnMethod, booster: Any) -> Reading:
    model = _read_with_treelite(method, booster)
    if model is None:
        return None
    header = model.get_header_accessor()
    link = _LINKS.get((header.get_field("postprocessor"), method.name))
    num_classes, num_targets = header.get_field("num_class"), int(header.get_field("num_target")[0])
    has_vectors = header.get_field("leaf_vector_shape").max() > 1
    if link is None or model.num_tree == 0 or has_vectors or (num_targets > 1 and num_classes.max() > 1):
        return None
    outputs = header.get_field("target_id" if num_targets > 1 else "class_id")
    num_outputs = max(num_targets, int(num_classes[0]))
    factor = float(header.get_field("sigmoid_alpha")[0]) if link == "logit" else 1.0
    if header.get_field("average_tree_output")[0]:
        factor /= model.num_tree / num_outputs
    trees = []
    for number in range(model.num_tree):
        tree = model.get_tree_accessor(number)
        values = tree.get_field("leaf_value").astype(np.float64)[:, None]
        if num_outputs > 1:
            values = values * (np.arange(num_outputs) == outputs[number])
        elif method.name == "predict_proba":  # of two classes
            values = values * [-1.0, 1.0]
        is_single = header.get_field("threshold_type")[0] == _SINGLE_PRECISION
        trees.append(_read_nodes(tree, factor * values, is_single=is_single))
    if not _are_sound(trees, model.num_feature):
        return None
    missing = getattr(method.estimator, "missing", None)
    if missing is not None and not np.isnan(missing):
        return Refusal(
            f"The model takes {missing:.6g} for missing (XGBoost's `missing`), so that its weights are estimated from "
            "perturbations. With NaN for missing values instead, explanations are exact, or have less noise."
        )
    return sum_leaves(trees, model.num_feature, link)


def _read_with_treelite(method: OwnMethod, booster: Any) -> Any:
    """The trees that a method adds up, as treelite has them; None if it does not know their kind, or how they take values."""
    try:
        import treelite

        if method.package == "lightgbm":
            # treelite sends zeros by the threshold, also where LightGBM takes them for missing values. Before 4.8 it read trees
            # with lines in their leaves as if these were numbers.
            text = booster.model_to_string()
            decisions = [int(one) for line in re.findall("^decision_type=(.*)$", text, re.MULTILINE) for one in line.split()]
            if "\nis_linear=1" in text or any(one >> 2 & 3 == _ZERO_IS_MISSING for one in decisions):
                return None
            return treelite.frontend.from_lightgbm(booster)
        kind = json.loads(booster.save_config())["learner"]["gradient_booster"]["name"]
        if kind not in ("gbtree", "dart"):
            return None
        last_round = _last_round(method)
        return treelite.frontend.from_xgboost(booster if last_round is None else booster[: last_round + 1])
    except Exception:  # of three libraries: an objective or a version that treelite does not know, a broken model
        return None


def _read_nodes(tree: Any, values: np.ndarray, *, is_single: bool) -> Nodes:
    left, right = tree.get_field("cleft").astype(np.intp), tree.get_field("cright").astype(np.intp)
    missing_goes_left = tree.get_field("default_left").astype(bool)
    categories = _read_categories(tree, is_single=is_single)
    for node in np.flatnonzero(tree.get_field("category_list_right_child")).tolist():
        # The listed categories go right, and all others left.
        left[node], right[node] = right[node], left[node]
        missing_goes_left[node] = not missing_goes_left[node]
    return Nodes(
        left=left,
        right=right,
        columns=tree.get_field("split_index"),
        thresholds=_read_thresholds(tree, is_single=is_single),
        missing_goes_left=missing_goes_left,
        categories=categories,
        values=values,
    )


def _read_thresholds(tree: Any, *, is_single: bool) -> np.ndarray:
    """The greatest doubles that go left at each node."""
    thresholds = tree.get_field("threshold")
    below = np.nextafter(thresholds, thresholds.dtype.type(-np.inf))
    thresholds = np.where(tree.get_field("cmp") == _LESS_THAN, below, thresholds).astype(np.float64)
    if is_single:
        return before_rounding(thresholds)
    is_small = np.abs(thresholds) <= _ZERO
    return np.where(is_small, np.where(thresholds < 0, np.nextafter(-_ZERO, -np.inf), _ZERO), thresholds)


def _read_categories(tree: Any, *, is_single: bool) -> dict[int, np.ndarray]:
    """The intervals of the categories that each node lists: numbers are cut to whole ones, towards 0."""
    starts, ends = (tree.get_field(f"category_list_{end}").astype(np.intp) for end in ("begin", "end"))
    listed = tree.get_field("category_list").astype(np.float32 if is_single else np.float64)
    intervals = np.nextafter(np.column_stack([listed, listed + 1]), -np.inf, dtype=listed.dtype)
    if is_single:
        intervals = before_rounding(intervals.astype(np.float64))
    else:  # LightGBM, for which a number above -1 is category 0; XGBoost takes no negative number for a category
        intervals[listed == 0, 0] = -1.0
    return {node: intervals[starts[node] : ends[node]] for node in np.flatnonzero(tree.get_field("node_type") == 2).tolist()}


def _are_sound(trees: list[Nodes], num_columns: int) -> bool:
    """Whether all nodes are in the trees, ask for columns that there are, and each column for thresholds or categories only."""
    asked: tuple[set[int], set[int]] = set(), set()
    for tree in trees:
        inner = np.flatnonzero(tree.left >= 0)
        if 2 * len(inner) + 1 != len(tree.left):
            return False
        is_categorical = np.isin(inner, [*tree.categories])
        for kind, nodes in zip(asked, (inner[~is_categorical], inner[is_categorical]), strict=True):
            kind.update(np.unique(tree.columns[nodes]).tolist())
    return asked[0].isdisjoint(asked[1]) and all(0 <= column < num_columns for column in asked[0] | asked[1])
