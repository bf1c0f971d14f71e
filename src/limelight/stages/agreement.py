"""Whether the surrogate agrees with the model about the instance itself."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan, sqrt
from typing import NamedTuple

import numpy as np

from limelight.stages.prediction_outputs import Outputs
from limelight.stages.surrogate import Fit

__all__ = ["Agreement"]

# Measured: docs/numerics.md, Disagreement.
_MOST_RESIDUALS = 3.0  # by which the local prediction may be off: standard deviations of what the surrogate does not follow
_LEAST_SHARE = 0.25  # of the output's spread nearby: what is less far off is no matter
_LEAST_SHARE_ACROSS = 0.5  # the same where a decision lies between: predictions that are hardly apart decide nothing
_ROUNDING_SHARE = 1e-6  # of the prediction


class Agreement(NamedTuple):
    """A surrogate's local prediction beside the model's prediction.

    Attributes
    ----------
    model, surrogate : float
        Both predictions for the instance.
    is_across : bool
        Whether a decision lies between them.
    is_off : bool
        Whether they are further apart than the surrogate's interval and fidelity suggest.
    """

    model: float
    surrogate: float
    is_across: bool
    is_off: bool

    @classmethod
    def of(cls, outputs: Outputs, predictions: np.ndarray, label: int, fits: Mapping[int, Fit]) -> Agreement:
        """Compare the surrogate of a label with the model.

        Parameters
        ----------
        outputs : Outputs
            What the model's outputs are.
        predictions : ndarray of shape (k,)
            The model's outputs for the instance.
        label : int
            The number of the output.
        fits : mapping of int to Fit
            The surrogates of the explained labels, this one among them.
        """
        fit = fits[label]
        local_predictions = predictions.copy()
        local_predictions[list(fits)] = [own.local_prediction for own in fits.values()]
        gap = abs(predictions[label] - fit.local_prediction)
        least = _ROUNDING_SHARE * max(abs(predictions[label]), abs(fit.local_prediction))
        is_across = outputs.decides_for(predictions, label) != outputs.decides_for(local_predictions, label)
        half_width = 0.0 if isnan(fit.local_half_width) else fit.local_half_width
        residual = fit.spread * sqrt(1.0 - (0.0 if isnan(fit.fidelity) else min(fit.fidelity, 1.0)))
        expected = _MOST_RESIDUALS * residual + half_width
        return cls(
            model=float(predictions[label]),
            surrogate=fit.local_prediction,
            is_across=bool(is_across and gap > max(least, _LEAST_SHARE_ACROSS * fit.spread, half_width)),
            is_off=bool(gap > max(least, _LEAST_SHARE * fit.spread, expected)),
        )
