"""scikit-learn's linear models as sums over columns, whose explanations have a closed form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from limelight.stages.linear_sum import LinearSum

__all__ = ["read_linear_model"]

# The methods whose answers are linear but for a constant, and the link under which they are, by class.
_REGRESSOR = {"predict": "identity"}
_CLASSIFIER = {"decision_function": "identity"}
_LINKS = {
    **dict.fromkeys(
        [
            "ARDRegression", "BayesianRidge", "ElasticNet", "ElasticNetCV", "HuberRegressor", "Lars", "LarsCV", "Lasso",
            "LassoCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "LinearRegression", "LinearSVR", "OrthogonalMatchingPursuit",
            "OrthogonalMatchingPursuitCV", "QuantileRegressor", "Ridge", "RidgeCV", "SGDRegressor", "TheilSenRegressor",
        ],
        _REGRESSOR,
    ),
    **dict.fromkeys(
        ["LinearDiscriminantAnalysis", "LinearSVC", "Perceptron", "RidgeClassifier", "RidgeClassifierCV", "SGDClassifier"],
        _CLASSIFIER,
    ),
    **dict.fromkeys(["LogisticRegression", "LogisticRegressionCV"], {**_CLASSIFIER, "predict_proba": "logit"}),
}  # fmt: skip


def read_linear_model(method: Callable[[Any], Any]) -> LinearSum | None:
    """The estimator whose bound method this is as a sum over columns, but for a constant; None if it is none."""
    estimator, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
    kind = type(estimator)  # a class derived from it may answer otherwise
    link = _LINKS.get(kind.__name__, {}).get(name)
    coefficients = getattr(estimator, "coef_", None)
    if link is None or not kind.__module__.startswith("sklearn.") or not isinstance(coefficients, np.ndarray):
        return None
    coefficients = np.atleast_2d(coefficients).astype(np.float64)
    if link == "logit":
        if len(coefficients) != 1:  # of many classes, no probability's log-odds are linear
            return None
        coefficients = coefficients * [[-1.0], [1.0]]
    return LinearSum(coefficients, link)
