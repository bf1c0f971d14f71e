"""Rows of tables and sequences of rows, under lime's names; programs take some names of lime's other modules from here, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from limelight.compat import explanation, lime_base
from limelight.compat._row_explainer import LimeTabularExplainer
from limelight.compat._row_names import TableDomainMapper
from limelight.compat.discretize import (
    BaseDiscretizer,
    DecileDiscretizer,
    EntropyDiscretizer,
    QuartileDiscretizer,
    StatsDiscretizer,
)

__all__ = [
    "BaseDiscretizer",
    "DecileDiscretizer",
    "EntropyDiscretizer",
    "LimeTabularExplainer",
    "QuartileDiscretizer",
    "RecurrentTabularExplainer",
    "StatsDiscretizer",
    "TableDomainMapper",
    "explanation",
    "lime_base",
]


class RecurrentTabularExplainer(LimeTabularExplainer):
    """Explains predictions about sequences of rows: each column has a component at each step.

    Parameters
    ----------
    training_data : ndarray of shape (n, steps, d)
        Sequences like those that the model was trained on.
    feature_names : sequence of str, optional
        Names of the d columns; by default their numbers. At the last step a column is called ``name_t-0``.
    mode, training_labels, categorical_features, categorical_names, kernel_width, kernel, verbose, class_names, \
feature_selection, discretize_continuous, discretizer, random_state
        As of `LimeTabularExplainer`, for columns in the order name_t-2, name_t-1, name_t-0, other_t-2, ...
    """

    def __init__(
        self,
        training_data: Any,
        mode: str = "classification",
        training_labels: Any = None,
        feature_names: Iterable[Any] | None = None,
        categorical_features: Iterable[int] | None = None,
        categorical_names: Mapping[int, Any] | None = None,
        kernel_width: float | None = None,
        kernel: Any = None,
        verbose: bool = False,
        class_names: Any = None,
        feature_selection: str = "auto",
        discretize_continuous: bool = True,
        discretizer: Any = "quartile",
        random_state: Any = None,
    ) -> None:
        sequences = np.asarray(training_data)
        count, self.n_timesteps, self.n_features = sequences.shape
        names = range(self.n_features) if feature_names is None else feature_names
        steps_ago = range(self.n_timesteps - 1, -1, -1)
        super().__init__(
            np.swapaxes(sequences, 1, 2).reshape(count, -1),
            mode=mode,
            training_labels=training_labels,
            feature_names=[f"{name}_t-{step}" for name in names for step in steps_ago],
            categorical_features=categorical_features,
            categorical_names=categorical_names,
            kernel_width=kernel_width,
            kernel=kernel,
            verbose=verbose,
            class_names=class_names,
            feature_selection=feature_selection,
            discretize_continuous=discretize_continuous,
            discretizer=discretizer,
            random_state=random_state,
        )

    def _make_predict_proba(self, func: Any) -> Any:
        """The model as a function of flat rows."""

        def predict_proba(rows: np.ndarray) -> Any:
            return func(np.swapaxes(rows.reshape(len(rows), self.n_features, self.n_timesteps), 1, 2))

        return predict_proba

    def explain_instance(  # type: ignore[override]  # lime calls the model by another name here
        self,
        data_row: Any,
        classifier_fn: Any,
        labels: Iterable[int] = (1,),
        top_labels: int | None = None,
        num_features: int = 10,
        num_samples: int = 5000,
        distance_metric: Any = "euclidean",
        model_regressor: Any = None,
    ) -> explanation.Explanation:
        """Explain the prediction for a sequence of shape (steps, d); the other arguments are `LimeTabularExplainer`'s."""
        return super().explain_instance(
            np.asarray(data_row).T.reshape(-1),
            self._make_predict_proba(classifier_fn),
            labels=labels,
            top_labels=top_labels,
            num_features=num_features,
            num_samples=num_samples,
            distance_metric=distance_metric,
            model_regressor=model_regressor,
        )
