"""One label's weights as shap's own explanation, for shap's plots."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from limelight._checks import Label
from limelight.exceptions import require
from limelight.results.explanation import Explanation

__all__ = ["make_shap"]


def make_shap(explanation: Explanation, label: Label | None) -> Any:
    """Put one label's weights in a ``shap.Explanation``.

    Parameters
    ----------
    explanation : Explanation
        Any explanation.
    label : int or None
        An explained label; None for the default one.

    Returns
    -------
    explanation : shap.Explanation
        For one instance and one output, as `Explanation.to_shap` describes it.

    Raises
    ------
    LabelError
        If the label was not explained.
    MissingDependencyError
        If shap is not installed.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> from limelight.renderers.shap import make_shap
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> make_shap(explanation, None).shape
    (2,)
    """
    surrogate = explanation.surrogate(label)
    shap = require("shap", extra="shap", purpose="to_shap")
    count, values = len(explanation.names), explanation.view.values()
    has_intervals = any(map(math.isfinite, surrogate.lows))

    def fill_in(numbers: tuple[float, ...], missing: float) -> np.ndarray:
        """The reported components' numbers, and `missing` for the others, as an array of shape (count,)."""
        array = np.full(count, missing)
        array[list(surrogate.components)] = numbers
        return array

    result = shap.Explanation(
        fill_in(surrogate.weights, 0.0),
        base_values=surrogate.local_prediction - math.fsum(surrogate.weights),
        data=np.array([values[component] for component in range(count)], dtype=object),
        feature_names=list(explanation.names),
        lower_bounds=fill_in(surrogate.lows, math.nan) if has_intervals else None,
        upper_bounds=fill_in(surrogate.highs, math.nan) if has_intervals else None,
    )
    # The constructor takes names for several outputs, but not for a single one.
    result.output_names = explanation.output_names[surrogate.label]
    return result
