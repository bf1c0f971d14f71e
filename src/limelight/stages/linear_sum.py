"""A model as a sum of its columns' values, each times a coefficient: linear models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from limelight.stages.limit import Expectation, ModelSum
from limelight.stages.product_law import ProductLaw

__all__ = ["LinearSum"]


class LinearSum(ModelSum):
    """A linear function of a row's d columns with k outputs, in which a missing value counts as 0.

    Parameters
    ----------
    coefficients : ndarray of shape (k, d)
    link : {"identity", "logit"}
        What turns the model's outputs into this sum and a constant.

    Attributes
    ----------
    coefficients : ndarray of shape (k, d)
    """

    is_additive = True

    def __init__(self, coefficients: np.ndarray, link: str) -> None:
        self.link = link
        self.num_outputs, self.num_columns = coefficients.shape
        self.coefficients = coefficients

    def evaluate(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(np.where(np.isnan(rows), 0.0, rows) @ self.coefficients.T)

    def suits(self, law: ProductLaw, kernel_width: float) -> bool:
        values = law.value_moments(kernel_width)
        return values is not None and not np.isnan(values.means[self.coefficients.any(axis=0)]).any()

    def expect(self, laws: Sequence[ProductLaw], kernel_width: float, outputs: Sequence[int]) -> Expectation:
        values = [moments for law in laws if (moments := law.value_moments(kernel_width)) is not None]
        is_used = self.coefficients.any(axis=0)  # of other columns, not all is known
        means, covariances = (np.where(is_used, np.stack(of_laws), 0.0) for of_laws in zip(*values, strict=True))
        coefficients = self.coefficients[list(outputs)]
        with_columns = coefficients * covariances[:, None]
        component_of = laws[0].component_of
        if component_of is not None:
            with_columns = with_columns @ np.eye(component_of.max() + 1)[component_of]
        # Not a matrix product, whose bits depend on how many laws there are.
        return Expectation((means[:, None] * coefficients).sum(axis=2), with_columns)
