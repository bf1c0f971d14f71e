"""scikit-learn's trees, and what adds them up, as sums over leaves, whose explanations have a closed form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from limelight.models._leaves import sum_leaves
from limelight.models._methods import OwnMethod, find_own_method
from limelight.models._nodes import Nodes, before_rounding
from limelight.models._readings import Kept, Reading, content_of_arrays, read_once
from limelight.stages.leaf_sum import LeafSum

__all__ = ["read_trees"]


class _Trees(NamedTuple):
    """Fitted trees that are added up.

    Attributes
    ----------
    fitted : list of sklearn.tree._tree.Tree
    factors : list of float
        What each tree's values are multiplied by.
    form : {"means", "stages", "votes"}
        What a tree adds: its values, or its only value to one output of several in turn, or 1 to its likeliest class.
    sizes : tuple of int
        Of means, how many classes each target has, 1 of a regression; else the number of outputs.
    columns : tuple of int or None
        The columns that the trees were given, if not all.
    """

    fitted: list[Any]
    factors: list[float]
    form: str
    sizes: tuple[int, ...]
    columns: tuple[int, ...] | None

    @property
    def content(self) -> tuple[object, ...]:
        """What differs once anything has been changed, be it a value in a fitted tree."""
        states = [tree.__getstate__() for tree in self.fitted]
        arrays = content_of_arrays(state[name] for state in states for name in ("nodes", "values"))
        return arrays, tuple(self.factors), self.form, self.sizes, self.columns


_KEPT: Kept = WeakKeyDictionary()


def read_trees(call: Callable[[Any], Any]) -> Reading:
    """The estimator whose bound method this is as a sum over leaves, but for a constant; None if it is none."""
    method = find_own_method(call)
    if method is None or method.package != "sklearn":
        return None
    is_logit = (method.kind, method.name) in _LOG_ODDS
    factor = 1.0 if not is_logit else _factor_of_log_odds(method)
    trees = _find_trees(method._replace(name="decision_function") if is_logit else method, factor, None)
    if not trees:
        return None
    width = method.estimator.n_features_in_
    content = (width, *(part.content for part in trees))
    return read_once(
        _KEPT, method.estimator, method.name, content, lambda: _sum_of(trees, width, "logit" if is_logit else "identity")
    )


def _find_trees(method: OwnMethod | None, factor: float, columns: tuple[int, ...] | None) -> list[_Trees] | None:
    """The trees whose values, times a factor, are a method's answers but for a constant; None if there are none."""
    if method is None or method.package != "sklearn":
        return None
    find = _FINDERS.get((method.kind, method.name))
    return None if find is None else find(method.estimator, factor, columns)


def _find_in_tree(estimator: Any, factor: float, columns: tuple[int, ...] | None) -> list[_Trees] | None:
    tree = getattr(estimator, "tree_", None)
    return None if tree is None else [_Trees([tree], [factor], "means", _sizes_of(estimator), columns)]


def _find_in_forest(estimator: Any, factor: float, columns: tuple[int, ...] | None) -> list[_Trees] | None:
    fitted = _trees_within(estimator)
    if not fitted:
        return None
    return [_Trees(fitted, [factor / len(fitted)] * len(fitted), "means", _sizes_of(estimator), columns)]


def _trees_within(estimator: Any) -> list[Any] | None:
    """The trees of an estimator's own estimators; None if one is no tree, or of a user's class, which may answer anything."""
    inner = getattr(estimator, "estimators_", [])
    if not all(type(one).__module__.startswith("sklearn.tree.") for one in inner):
        return None
    fitted = [getattr(one, "tree_", None) for one in inner]
    return None if None in fitted else fitted


def _find_in_stages(estimator: Any, factor: float, columns: tuple[int, ...] | None) -> list[_Trees] | None:
    """Gradient boosting, unless it starts from a model that depends on the row."""
    stages: Any = getattr(estimator, "estimators_", None)
    start: Any = getattr(estimator, "init_", None)
    is_dummy = type(start).__module__ == "sklearn.dummy"
    is_constant = is_dummy and (type(start).__name__ == "DummyRegressor" or start.strategy == "prior")
    if not isinstance(stages, np.ndarray) or stages.ndim != 2 or not (is_constant or _is_zero(start)):
        return None
    fitted = [tree.tree_ for tree in stages.flat]
    factors = [factor * estimator.learning_rate] * len(fitted)
    return [_Trees(fitted, factors, "stages", (stages.shape[1],), columns)]


def _is_zero(start: Any) -> bool:
    return isinstance(start, str) and start == "zero"


def _find_in_votes(estimator: Any, factor: float, columns: tuple[int, ...] | None) -> list[_Trees] | None:
    """AdaBoost of trees, each of which votes for a class."""
    fitted = _trees_within(estimator)
    if not fitted or getattr(estimator, "algorithm", "SAMME") == "SAMME.R":
        return None
    num_classes = len(estimator.classes_)
    if any(tree.value.shape[2] != num_classes for tree in fitted):  # drawn rows lacked a class
        return None
    # A vote adds 1, one for another class -1 / (classes - 1): but for a constant, classes / (classes - 1) and 0. Of two
    # classes, the answer is the second one's sum less the first one's.
    difference = 4.0 if num_classes == 2 else num_classes / (num_classes - 1)
    factors = estimator.estimator_weights_[: len(fitted)] / estimator.estimator_weights_.sum() * factor * difference
    return [_Trees(fitted, factors.tolist(), "votes", (num_classes if num_classes > 2 else 1,), columns)]


def _find_in_bags(estimator: Any, factor: float, columns: tuple[int, ...] | None) -> list[_Trees] | None:
    """Bagging, whose estimators have columns of their own."""
    inner, all_columns = getattr(estimator, "estimators_", []), getattr(estimator, "estimators_features_", [])
    if len(inner) != len(all_columns):
        return None
    name = "predict_proba" if hasattr(estimator, "classes_") else "predict"
    parts: list[tuple[Any, float, tuple[int, ...] | None]] = []
    for one, own in zip(inner, all_columns, strict=True):
        if len(getattr(one, "classes_", ())) != len(getattr(estimator, "classes_", ())):
            return None  # drawn rows lacked a class
        own_columns = tuple(own.tolist() if columns is None else [columns[number] for number in own])
        parts.append((getattr(one, name, None), 1 / len(inner), own_columns))
    return _find_in_all(parts, factor)


def _find_in_mean(estimator: Any, factor: float, columns: tuple[int, ...] | None) -> list[_Trees] | None:
    """Voting, by the weighted mean of what the estimators answer."""
    if getattr(estimator, "voting", "soft") != "soft":
        return None
    inner, weights = getattr(estimator, "estimators_", []), estimator.weights
    if weights is not None:
        weights = [weight for (_, one), weight in zip(estimator.estimators, weights, strict=False) if one != "drop"]
    shares = np.full(len(inner), 1.0) if weights is None else np.array(weights, dtype=np.float64)
    if shares.shape != (len(inner),):
        return None
    name = "predict_proba" if hasattr(estimator, "classes_") else "predict"
    methods = (getattr(one, name, None) for one in inner)
    return _find_in_all([(one, share, columns) for one, share in zip(methods, shares / shares.sum(), strict=True)], factor)


def _find_in_all(parts: list[tuple[Any, float, tuple[int, ...] | None]], factor: float) -> list[_Trees] | None:
    """The trees of several methods, each with its share and its columns; None if one is no sum over leaves."""
    found: list[_Trees] = []
    for call, share, columns in parts:
        trees = _find_trees(find_own_method(call), factor * share, columns)
        if trees is None:
            return None
        found += trees
    return found


def _sizes_of(estimator: Any) -> tuple[int, ...]:
    """How many classes each target of a tree or a forest has, 1 of a regression."""
    counts = getattr(estimator, "n_classes_", 1) if hasattr(estimator, "classes_") else 1
    return tuple(np.broadcast_to(counts, estimator.n_outputs_).tolist())


def _factor_of_log_odds(method: OwnMethod) -> float:
    """What the decision function of a boosted classifier of two classes is multiplied by to give log-odds."""
    return 2.0 if getattr(method.estimator, "loss", "") == "exponential" else 1.0


# For each method: what finds the trees whose values are its answers, but for a constant.
_FINDERS: dict[tuple[str, str], Callable[[Any, float, tuple[int, ...] | None], list[_Trees] | None]] = {
    ("AdaBoostClassifier", "decision_function"): _find_in_votes,
    ("BaggingClassifier", "predict_proba"): _find_in_bags,
    ("BaggingRegressor", "predict"): _find_in_bags,
    ("DecisionTreeClassifier", "predict_proba"): _find_in_tree,
    ("DecisionTreeRegressor", "predict"): _find_in_tree,
    ("ExtraTreeClassifier", "predict_proba"): _find_in_tree,
    ("ExtraTreeRegressor", "predict"): _find_in_tree,
    ("ExtraTreesClassifier", "predict_proba"): _find_in_forest,
    ("ExtraTreesRegressor", "predict"): _find_in_forest,
    ("GradientBoostingClassifier", "decision_function"): _find_in_stages,
    ("GradientBoostingRegressor", "predict"): _find_in_stages,
    ("RandomForestClassifier", "predict_proba"): _find_in_forest,
    ("RandomForestRegressor", "predict"): _find_in_forest,
    ("VotingClassifier", "predict_proba"): _find_in_mean,
    ("VotingRegressor", "predict"): _find_in_mean,
}

# Of two classes, the log-odds of these answers are the decision function.
_LOG_ODDS = {("AdaBoostClassifier", "predict_proba"), ("GradientBoostingClassifier", "predict_proba")}


def _sum_of(trees: list[_Trees], num_columns: int, link: str) -> LeafSum | None:
    """The sum over all leaves; None if trees have different outputs, or nodes outside of them."""
    nodes = [_read_nodes(part, number) for part in trees for number in range(len(part.fitted))]
    if any(one is None for one in nodes):
        return None
    whole = [one for one in nodes if one is not None]
    widths = {one.values.shape[1] for one in whole}
    if len(widths) > 1:
        return None
    if link == "logit":  # of many classes, no probability's log-odds are a sum
        if widths != {1}:
            return None
        whole = [one._replace(values=one.values * [-1.0, 1.0]) for one in whole]
    return sum_leaves(whole, num_columns, link)


def _read_nodes(trees: _Trees, number: int) -> Nodes | None:
    tree = trees.fitted[number]
    is_inner = tree.children_left >= 0
    if 2 * is_inner.sum() + 1 != tree.node_count:  # it was cut by hand, and the nodes below are still there
        return None
    columns = tree.feature if trees.columns is None else np.array(trees.columns)[np.where(is_inner, tree.feature, 0)]
    return Nodes(
        left=tree.children_left,
        right=tree.children_right,
        columns=columns,
        thresholds=before_rounding(tree.threshold),
        missing_goes_left=tree.missing_go_to_left.astype(bool),
        categories={},
        values=trees.factors[number] * _values_of(tree.value, trees, number),
    )


def _values_of(values: np.ndarray, trees: _Trees, number: int) -> np.ndarray:
    """What each of m nodes adds to k outputs, of shape (m, k), from a tree's values of shape (m, targets, classes)."""
    if trees.form == "means":  # of two classes of one target among several, only the second one is kept
        is_alone = len(trees.sizes) == 1
        parts = [values[:, target, int(size == 2 and not is_alone) : size] for target, size in enumerate(trees.sizes)]
        return np.concatenate(parts, axis=1)
    (num_outputs,) = trees.sizes
    if trees.form == "stages":
        return np.asarray(values[:, 0] * (np.arange(num_outputs) == number % num_outputs))
    likeliest = values[:, 0].argmax(axis=1)[:, None]
    return np.asarray((likeliest == (np.arange(num_outputs) if num_outputs > 1 else 1)).astype(np.float64))
