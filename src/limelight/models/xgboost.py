"""Boosters of XGBoost itself, which take a DMatrix where its estimators take arrays and frames."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from limelight._checks import as_array
from limelight.exceptions import ArgumentError, require

__all__ = ["read_booster"]


class _Booster:
    """A booster as a callable from a batch of rows to predictions.

    Attributes
    ----------
    booster : xgboost.Booster
    """

    def __init__(self, booster: Any) -> None:
        self.booster = booster
        objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
        self._gives_labels = objective in ("multi:softmax", "binary:hinge")
        self._is_multiclass = objective == "multi:softmax"

    def __repr__(self) -> str:
        return f"<{type(self.booster).__name__}>"

    def __call__(self, batch: Any) -> np.ndarray:
        """Predictions of shape (m,) or (m, k); probabilities or margins where the objective gives labels.

        Raises
        ------
        ArgumentError
            If the rows lack a column that the booster was trained on.
        """
        xgboost = require("xgboost", extra=None, purpose="a booster")
        matrix = self._make_matrix(xgboost, batch)
        predictions = np.asarray(self.booster.predict(matrix, output_margin=self._gives_labels))
        if not self._is_multiclass:
            return predictions
        from scipy.special import softmax

        return np.asarray(softmax(predictions.astype(np.float64), axis=1))

    def _make_matrix(self, xgboost: Any, batch: Any) -> Any:
        """The rows with the names and types of the columns that the booster was trained on."""
        import narwhals.stable.v2 as nw

        names = self.booster.feature_names
        frame = nw.from_native(batch, eager_only=True, pass_through=True)
        if not isinstance(frame, nw.DataFrame):
            rows = batch if hasattr(batch, "tocsr") else as_array(batch)
            return xgboost.DMatrix(rows, feature_names=names, feature_types=self.booster.feature_types)
        lacking = [name for name in names or () if name not in frame.columns]
        if lacking:
            raise ArgumentError(
                f"the booster was trained on columns that the rows lack: {', '.join(map(repr, lacking))}. Give the explainer "
                "training data with these."
            )
        return xgboost.DMatrix(frame.select(names or frame.columns).to_native(), enable_categorical=True)


def read_booster(model: Any) -> _Booster | None:
    """A booster as a callable; None for other models."""
    kind = type(model)
    is_booster = kind.__module__.partition(".")[0] == "xgboost" and kind.__name__ == "Booster"
    return _Booster(model) if is_booster else None
