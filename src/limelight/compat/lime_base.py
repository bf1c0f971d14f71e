"""The surrogate on its own, for programs that bring perturbations, answers and distances themselves.

It is lime's fit: row 0 is the instance and counts like the others, the ridge's penalty is 1 whatever the number of rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.linear_model import Ridge, lars_path
from sklearn.utils import check_random_state

from limelight.exceptions import ArgumentError
from limelight.stages.selection import METHODS, choose_components

__all__ = ["LimeBase", "print_fit"]

_MOST_FORWARD = 6  # components that "auto" selects forward


class LimeBase:
    """Fits a sparse linear model to weighted perturbations.

    Parameters
    ----------
    kernel_fn : callable
        From distances of shape (n,) to weights of shape (n,).
    verbose : bool, default False
        Whether to print the intercept, the surrogate's prediction and the model's.
    random_state : int, numpy.random.RandomState or None
        What the ridge gets; the default solver draws nothing.
    """

    def __init__(self, kernel_fn: Callable[[np.ndarray], np.ndarray], verbose: bool = False, random_state: Any = None) -> None:
        self.kernel_fn = kernel_fn
        self.verbose = verbose
        self.random_state = check_random_state(random_state)

    @staticmethod
    def generate_lars_path(weighted_data: Any, weighted_labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The lasso's path: its penalties, of shape (p,), and its coefficients, of shape (d, p)."""
        penalties, _, coefficients = lars_path(weighted_data, weighted_labels, method="lasso")
        return penalties, coefficients

    def forward_selection(self, data: Any, labels: np.ndarray, weights: np.ndarray, num_features: int) -> np.ndarray:
        """At each step the component that lowers the weighted squared error most."""
        data = data.toarray() if sparse.issparse(data) else np.asarray(data, dtype=np.float64)
        shares = weights / weights.sum()
        centred = data - shares @ data
        weighted = shares[:, None] * centred
        cross = weighted.T @ (labels - shares @ labels)
        no_penalty = np.zeros((1, data.shape[1]))
        choice = choose_components(
            "forward_selection", (centred.T @ weighted)[None], cross[None, None], no_penalty, num_features
        )
        return np.asarray(choice.components[0, 0])

    def feature_selection(self, data: Any, labels: np.ndarray, weights: np.ndarray, num_features: int, method: str) -> Any:
        """The numbers of the components to report, by one of lime's methods.

        Raises
        ------
        ValueError
            If there is no such method.
        """
        if method == "auto":
            method = "forward_selection" if num_features <= _MOST_FORWARD else "highest_weights"
            return self.feature_selection(data, labels, weights, num_features, method)
        if method == "none":
            return np.arange(data.shape[1])
        if method == "forward_selection":
            return self.forward_selection(data, labels, weights, num_features)
        if method == "highest_weights":
            return self._find_heaviest(data, labels, weights, num_features)
        if method == "lasso_path":
            return self._follow_lasso(data, labels, weights, num_features)
        raise ArgumentError(f"feature_selection must be one of {', '.join(map(repr, METHODS))}; got {method!r}.")

    def _find_heaviest(self, data: Any, labels: np.ndarray, weights: np.ndarray, num_features: int) -> np.ndarray:
        """The components with the largest effects, weight times value in row 0, in a ridge of all."""
        ridge = Ridge(alpha=0.01, random_state=self.random_state).fit(data, labels, sample_weight=weights)
        first = data[[0]].toarray()[0] if sparse.issparse(data) else np.asarray(data)[0]
        return np.argsort(-np.abs(ridge.coef_ * first), kind="stable")[:num_features]

    def _follow_lasso(self, data: Any, labels: np.ndarray, weights: np.ndarray, num_features: int) -> np.ndarray:
        """The components at the last point of the lasso's path that has no more than these."""
        data = data.toarray() if sparse.issparse(data) else np.asarray(data, dtype=np.float64)
        roots = np.sqrt(weights)
        weighted_data = (data - np.average(data, axis=0, weights=weights)) * roots[:, None]
        _, path = self.generate_lars_path(weighted_data, (labels - np.average(labels, weights=weights)) * roots)
        points = [np.flatnonzero(point) for point in path.T[:0:-1]]
        fallback = points[-1] if points else np.arange(data.shape[1])
        return next((chosen for chosen in points if len(chosen) <= num_features), fallback)

    def explain_instance_with_data(
        self,
        neighborhood_data: Any,
        neighborhood_labels: np.ndarray,
        distances: np.ndarray,
        label: int,
        num_features: int,
        feature_selection: str = "auto",
        model_regressor: Any = None,
    ) -> tuple[float, list[tuple[int, float]], float, np.ndarray]:
        """Fit the surrogate of one label.

        Parameters
        ----------
        neighborhood_data : ndarray or sparse matrix of shape (n, d)
            The perturbations' components; row 0 is the instance.
        neighborhood_labels : ndarray of shape (n, k)
            The model's outputs.
        distances : ndarray of shape (n,)
            Each perturbation's distance from the instance.
        label : int
            Which output.
        num_features : int
            How many components to report.
        feature_selection : {"auto", "forward_selection", "highest_weights", "lasso_path", "none"}, default "auto"
            How they are chosen; "auto" selects up to 6 forward, and takes the heaviest of more.
        model_regressor : object, optional
            A linear regressor whose ``fit`` takes ``sample_weight``; by default a ridge with penalty 1. It is left fitted.

        Returns
        -------
        intercept : float
        weights : list of (int, float)
            Components and weights, heaviest first.
        score : float
            The weighted R2 on these same perturbations.
        local_pred : ndarray of shape (1,)
            The surrogate's prediction for the instance.
        """
        weights = self.kernel_fn(distances)
        outputs = neighborhood_labels[:, label]
        used = self.feature_selection(neighborhood_data, outputs, weights, num_features, feature_selection)
        regressor = Ridge(alpha=1, random_state=self.random_state) if model_regressor is None else model_regressor
        chosen = neighborhood_data[:, used]
        regressor.fit(chosen, outputs, sample_weight=weights)
        score = regressor.score(chosen, outputs, sample_weight=weights)
        local_pred = regressor.predict(chosen[[0]])
        if self.verbose:
            print_fit(regressor.intercept_, local_pred, neighborhood_labels[0, label])
        order = np.argsort(-np.abs(regressor.coef_), kind="stable")
        return regressor.intercept_, [(int(used[i]), regressor.coef_[i]) for i in order], score, local_pred


def print_fit(intercept: float, local_pred: np.ndarray, right: float) -> None:
    """The three lines of ``verbose=True``."""
    print("Intercept", intercept)
    print("Prediction_local", local_pred)
    print("Right:", right)
