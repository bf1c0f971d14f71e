"""scikit-learn's linear models as sums over columns, whose explanations have a closed form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from limelight.models._methods import find_own_method
from limelight.stages.linear_sum import LinearSum

__all__ = ["read_linear_model"]

# The methods whose answers are linear but for a constant, and the link under which they are, by class.
_REGRESSOR = {"predict": "identity"}
_CLASSIFIER = {"decision_function": "identity"}
_LOGISTIC = {**_CLASSIFIER, "predict_proba": "logit"}
_LINKS = {
    **dict.fromkeys(
        [
            "ARDRegression", "BayesianRidge", "ElasticNet", "ElasticNetCV", "HuberRegressor", "Lars", "LarsCV", "Lasso",
            "LassoCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "LinearRegression", "LinearSVR", "MultiTaskElasticNet",
            "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV", "NuSVR", "OrthogonalMatchingPursuit",
            "OrthogonalMatchingPursuitCV", "PassiveAggressiveRegressor", "PLSRegression", "QuantileRegressor", "Ridge",
            "RidgeCV", "SGDRegressor", "SVR", "TheilSenRegressor", "TweedieRegressor",
        ],
        _REGRESSOR,
    ),
    **dict.fromkeys(
        [
            "LinearSVC", "NuSVC", "OneClassSVM", "PassiveAggressiveClassifier", "Perceptron", "RidgeClassifier",
            "RidgeClassifierCV", "SGDOneClassSVM", "SVC",
        ],
        _CLASSIFIER,
    ),
    **dict.fromkeys(["LinearDiscriminantAnalysis", "LogisticRegression", "LogisticRegressionCV", "SGDClassifier"], _LOGISTIC),
}  # fmt: skip


def read_linear_model(call: Callable[[Any], Any]) -> LinearSum | None:
    """The estimator whose bound method this is as a sum over columns, but for a constant; None if it is none."""
    method = find_own_method(call)
    link = _LINKS.get(method.kind, {}).get(method.name) if method is not None and method.package == "sklearn" else None
    if method is None or link is None or not _is_linear(method.estimator, method.kind, link):
        return None
    coefficients: Any = getattr(method.estimator, "coef_", None)
    coefficients = coefficients.toarray() if hasattr(coefficients, "toarray") else coefficients
    if not isinstance(coefficients, np.ndarray):
        return None
    coefficients = np.atleast_2d(coefficients).astype(np.float64)
    if link == "logit":
        if len(coefficients) != 1:  # of many classes, no probability's log-odds are linear
            return None
        coefficients = coefficients * [[-1.0], [1.0]]
    return LinearSum(coefficients, link)


def _is_linear(estimator: Any, kind: str, link: str) -> bool:
    """Whether an estimator's settings leave its answers linear."""
    match kind:
        case "SVC" | "NuSVC":  # of many classes, scores of classes are made of who wins against whom
            of_pairs = estimator.decision_function_shape == "ovo" or len(getattr(estimator, "classes_", ())) == 2
            return bool(estimator.kernel == "linear" and of_pairs)
        case "SVR" | "NuSVR" | "OneClassSVM":
            return bool(estimator.kernel == "linear")
        case "SGDClassifier":
            return bool(link == "identity" or estimator.loss == "log_loss")
        case "TweedieRegressor":
            return bool(estimator.link == "identity" or (estimator.link == "auto" and estimator.power <= 0))
    return True
